"""The corpus on disk: reading, compiling, staleness, and articles with their problems from either kind of file."""

import json
from pathlib import Path

import pytest

from model.runtime.document import read_jsonl
from model.runtime.errors import DataError
from train.data.corpus import SPLITS, Corpus, load_articles

SENTENCE = "[부산시/C1]는 [대구시/C2]를 찾았다.\n> C1 VISITS C2\n"


def put(folder: Path, split: str, name: str, body: str = SENTENCE) -> Path:
    path = folder / "inline" / split / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"source: 자체 작성\n---\n{body}", encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Three train articles, one of dev, one of test; not yet compiled."""
    for name in ("b", "a", "c"):
        put(tmp_path, "train", name)
    put(tmp_path, "dev", "d")
    put(tmp_path, "test", "e")
    return Corpus(tmp_path)


def problems(*paths: Path) -> list[str]:
    articles, findings = load_articles(paths)
    assert articles == []
    return [str(finding) for finding in findings]


def test_compiling_writes_each_split_in_the_order_of_the_names(corpus: Corpus) -> None:
    assert corpus.compile() == {"train": 3, "dev": 1, "test": 1}
    assert {split: [d.id for d in corpus.read(split)] for split in SPLITS} == {
        "train": ["a", "b", "c"],
        "dev": ["d"],
        "test": ["e"],
    }
    assert [path.stem for path in corpus.inline_files()] == ["a", "b", "c", "d", "e"]


def test_compiling_writes_the_json_of_the_schema(corpus: Corpus) -> None:
    corpus.compile()
    assert json.loads(corpus.jsonl("dev").read_text(encoding="utf-8")) == {
        "id": "d",
        "title": "부산시는 대구시를 찾았다.",
        "text": "부산시는 대구시를 찾았다.",
        "source": "자체 작성",
        "entities": [
            {"id": "T1", "start": 0, "end": 3, "label": "CITY", "text": "부산시"},
            {"id": "T2", "start": 5, "end": 8, "label": "CITY", "text": "대구시"},
        ],
        "relations": [{"id": "R1", "head": "T1", "tail": "T2", "type": "VISITS"}],
        "meta": {},
    }


def test_compiling_twice_gives_the_same_bytes(corpus: Corpus) -> None:
    corpus.compile()
    first = corpus.jsonl("train").read_bytes()
    corpus.compile()
    assert corpus.jsonl("train").read_bytes() == first


def test_a_broken_file_stops_the_compilation_before_anything_is_written(corpus: Corpus) -> None:
    put(corpus.folder, "test", "f", "[부산시/C1\n")
    with pytest.raises(DataError, match=r"f\.txt:3: a mark is not closed"):
        corpus.compile()
    assert not corpus.jsonl("train").exists()


def test_a_split_without_inline_files_keeps_its_json_lines(corpus: Corpus) -> None:
    corpus.compile()
    (corpus.inline_folder("test") / "e.txt").unlink()
    assert corpus.compile() == {"train": 3, "dev": 1}
    assert [document.id for document in corpus.read("test")] == ["e"]


def test_a_folder_without_inline_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no inline/<split>"):
        Corpus(tmp_path).compile()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"dev\.jsonl: cannot be read"),
        ("", r"dev\.jsonl: holds no article"),
        ("\n\n", r"dev\.jsonl: holds no article"),
        ('\n{"id": 1}\n', r"dev\.jsonl:2: “id” should be str"),
    ],
)
def test_splits_that_cannot_be_read(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "dev.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        Corpus(tmp_path).read("dev")


def test_a_compiled_corpus_is_stale_once_an_inline_file_changes(corpus: Corpus) -> None:
    corpus.compile()
    assert corpus.stale() == []
    put(corpus.folder, "dev", "d", "[부산시/C1]는 [대구시/C2]를 찾았다.\n")
    assert [str(finding) for finding in corpus.stale()] == [
        f"{corpus.jsonl('dev')}:1: is not what the inline files compile to; run `{corpus.compile_command()}`"
    ]


def test_the_command_that_compiles_names_the_folder(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.chdir(repository)
    assert Corpus().compile_command() == Corpus(repository / "data/annotations").compile_command() == "make data"
    assert Corpus(Path("my own")).compile_command() == "python -m train.data compile --folder 'my own'"


def test_training_refuses_what_is_stale_or_broken(corpus: Corpus, tmp_path: Path) -> None:
    corpus.compile()
    corpus.refuse_stale()
    (corpus.inline_folder("test") / "e.txt").unlink()  # a split may come as JSON Lines alone
    corpus.refuse_stale()
    Corpus(tmp_path / "nothing").refuse_stale()
    put(corpus.folder, "train", "f")
    with pytest.raises(
        DataError, match=r"train\.jsonl:1: is not what the inline files compile to; run `python -m train\.data comp"
    ):
        corpus.refuse_stale()
    put(corpus.folder, "train", "f", "[부산시/C1\n")
    with pytest.raises(DataError, match=r"f\.txt:3: a mark is not closed"):
        corpus.refuse_stale()


def test_missing_and_broken_json_lines_are_stale(corpus: Corpus) -> None:
    corpus.compile()
    corpus.jsonl("train").unlink()
    corpus.jsonl("test").write_text("{", encoding="utf-8")
    assert [finding.path for finding in corpus.stale()] == [str(corpus.jsonl("train")), str(corpus.jsonl("test"))]


def test_a_split_with_a_broken_inline_file_does_not_hide_the_others(corpus: Corpus) -> None:
    put(corpus.folder, "train", "f", "[부산시/C1\n")
    assert [finding.path for finding in corpus.stale()] == [str(corpus.jsonl("dev")), str(corpus.jsonl("test"))]


def test_articles_of_inline_files_know_split_and_lines(corpus: Corpus) -> None:
    path = put(corpus.folder, "dev", "d", "[부산시/C1]\n\n[대구시/C1]와\n")
    (article,), findings = load_articles([path])
    assert findings == []
    assert (article.split, article.path, article.document.id) == ("dev", str(path), "d")
    assert [article.line_of(index) for index in range(2)] == [3, 5]


def test_articles_of_json_lines_know_their_line(corpus: Corpus) -> None:
    corpus.compile()
    path = corpus.jsonl("train")
    path.write_text("\n" + path.read_text(encoding="utf-8").replace("\n", "\n\n", 1), encoding="utf-8")
    articles, findings = load_articles([path])
    assert findings == []
    assert [(a.document.id, a.split, a.line_of(0)) for a in articles] == [("a", "train", 2), ("b", "train", 4), ("c", "train", 5)]
    assert [a.document for a in articles] == list(read_jsonl(path))


def test_lines_that_are_no_sentences_come_with_the_article(corpus: Corpus) -> None:
    path = put(corpus.folder, "train", "a", "갔다. 왔다.\n")
    (article,), (finding,) = load_articles([path])
    assert article.document.text == "갔다. 왔다."
    assert str(finding) == f"{path}:3: is more than one sentence; begin a new line at “왔다.”"


def test_what_does_not_parse_is_a_finding_at_its_line(tmp_path: Path) -> None:
    mark = put(tmp_path, "train", "a", "가.\n[부산시/C1\n")
    header = tmp_path / "b.txt"
    header.write_text("가.\n", encoding="utf-8")
    assert problems(mark, header, tmp_path / "c.txt", tmp_path) == [
        f"{mark}:4: a mark is not closed with “]”",
        f"{header}:1: no line “---” ends the header; begin with “source: …”, then “---”",
        f"{tmp_path}/c.txt:1: cannot be read (No such file or directory)",
        f"{tmp_path}:1: cannot be read (Is a directory)",
    ]


def test_json_lines_that_do_not_parse_are_a_finding_at_their_line(tmp_path: Path) -> None:
    offsets = {"id": "a", "text": "부산", "entities": [{"id": "T1", "start": 0, "end": 9, "label": "CITY"}], "relations": []}
    (tmp_path / "a.jsonl").write_text("\n" + json.dumps(offsets), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("{", encoding="utf-8")
    (tmp_path / "c.jsonl").write_bytes("부산".encode("cp949"))
    assert problems(*(tmp_path / f"{name}.jsonl" for name in "abcd")) == [
        f"{tmp_path}/a.jsonl:2: (a): T1 has offsets [0, 9) outside the text of 2 characters",
        f"{tmp_path}/b.jsonl:1: not valid JSON (Expecting property name enclosed in double quotes at column 2)",
        f"{tmp_path}/c.jsonl:1: is not UTF-8 text",
        f"{tmp_path}/d.jsonl:1: cannot be read (No such file or directory)",
    ]


def test_one_broken_file_does_not_hide_the_others(corpus: Corpus) -> None:
    broken = put(corpus.folder, "train", "b", "[부산시/C1\n")
    articles, findings = load_articles(corpus.inline_files())
    assert [article.document.id for article in articles] == ["a", "c", "d", "e"]
    assert [finding.path for finding in findings] == [str(broken)]
