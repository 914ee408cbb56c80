"""`python -m train.data`: what it prints, its exit codes, and one line for a user's error."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from model.runtime.document import Document, Entity, write_jsonl
from train.data.__main__ import app
from train.data.corpus import Corpus
from train.data.inline import read_inline

HEADER = "source: 자체 작성\n---\n"
SENTENCE = "[부산시/C1]는 [대구시/C2]를 찾았다.\n> C1 VISITS C2\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def put(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + body, encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """One compiled article a split."""
    corpus = Corpus(tmp_path)
    for split, city in (("train", "대구시"), ("dev", "광주시"), ("test", "울산시")):
        put(
            corpus.inline_folder(split) / f"{split}-1.txt",
            SENTENCE.replace("대구시", city).replace("찾았다", f"{split}에 찾았다"),
        )
    corpus.compile()
    return corpus


def test_check_of_a_sound_corpus(corpus: Corpus) -> None:
    result = run("check", "--folder", corpus.folder)
    assert (result.exit_code, result.output) == (0, "3 articles checked, 0 errors\n")


def test_check_names_every_error_and_exits_with_1(corpus: Corpus) -> None:
    broken = put(corpus.inline_folder("train") / "broken.txt", "[부산시/C1\n")
    wrong = put(corpus.inline_folder("dev") / "wrong.txt", "제목\n\n[강릉시장/C1]\n")
    result = run("check", "--folder", corpus.folder)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"error: {broken}:3: a mark is not closed with “]”",
        f"error: {wrong}:5: CITY “강릉시장” ends in “시장”, which stays outside the span",
        f"error: {corpus.jsonl('dev')}:1: is not what the inline files compile to; run `{corpus.compile_command()}`",
        "4 articles checked, 3 errors",
    ]


def test_check_of_named_files_leaves_the_rest_alone(corpus: Corpus, tmp_path: Path) -> None:
    put(corpus.inline_folder("train") / "broken.txt", "[부산시/C1\n")
    good = put(tmp_path / "good.txt", SENTENCE)
    assert run("check", good, corpus.jsonl("dev")).output == "2 articles checked, 0 errors\n"
    bad = put(tmp_path / "bad.txt", "[부산시장/C1]\n")
    result = run("check", bad)
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "1 articles checked, 1 errors")


def test_check_prints_line_numbers_and_brackets_as_they_are(tmp_path: Path) -> None:
    # rich would read `:100:` as an emoji and `[/b]` as markup.
    path = put(tmp_path / "[b]long.txt", "가.\n\n" * 48 + "가.\n[부산시장[/b\n")
    assert run("check", path).output.startswith(f"error: {path}:100: a mark begins inside another one")


def test_check_gives_advice_only_when_asked_and_does_not_fail_for_it(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", "[수소/F1] 협력\n\n수소 산업\n")
    assert run("check", path).output == "1 articles checked, 0 errors\n"
    result = run("check", "--advice", path)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"look: {path}:3: “수소” is marked elsewhere, bare in “…수소 협력 수소 산업…” (marked 1, bare 1)",
        "to look at: bare 1; 0 of 1 looked at",
        "1 articles checked, 0 errors",
    ]


def test_compile_makes_the_corpus_current(corpus: Corpus) -> None:
    put(corpus.inline_folder("dev") / "dev-2.txt", "[강릉시/C1]\n")
    assert run("check", "--folder", corpus.folder).exit_code == 1
    result = run("compile", "--folder", corpus.folder)
    assert (result.exit_code, result.output) == (0, "train: 1 articles, dev: 2 articles, test: 1 articles\n")
    assert run("check", "--folder", corpus.folder).exit_code == 0


def test_inline_writes_files_that_compile_to_the_same_articles(corpus: Corpus, tmp_path: Path) -> None:
    result = run("inline", corpus.jsonl("train"), tmp_path / "out")
    written = tmp_path / "out" / "train-1.txt"
    assert (result.exit_code, result.output) == (0, f"{written}\n")
    assert [read_inline(written).document] == corpus.read("train")


def test_statistics_prints_the_table(corpus: Corpus) -> None:
    result = run("statistics", "--folder", corpus.folder)
    assert result.exit_code == 0
    rows = [line.strip("│ ").replace("│", " ").split() for line in result.output.splitlines()]
    assert ["articles", "1", "1", "1"] in rows
    assert ["CITY", "2", "2", "2"] in rows


def test_help_lists_the_commands() -> None:
    output = run("--help").output
    assert all(command in output for command in ("check", "compile", "inline", "statistics"))


@pytest.mark.parametrize("command", ["check", "compile", "statistics"])
def test_an_empty_folder_is_no_corpus(tmp_path: Path, command: str) -> None:
    result = run(command, "--folder", tmp_path)
    assert result.exit_code != 0
    assert str(tmp_path) in str(result.exception)


def test_a_users_error_is_one_line_and_exit_code_2(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train.data", "inline", str(tmp_path / "missing.jsonl"), str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/missing.jsonl: cannot be read (No such file or directory)\n"
    assert done.stdout == ""


def test_convert_there_and_back(corpus: Corpus, tmp_path: Path) -> None:
    tasks, folder, back = tmp_path / "a.json", tmp_path / "brat", tmp_path / "back.jsonl"
    result = run("convert", corpus.jsonl("train"), tasks)
    assert (result.exit_code, result.output) == (0, f"1 articles, jsonl to label-studio: {tasks}\n")
    assert run("convert", tasks, folder, "--to", "brat").exit_code == 0
    assert run("convert", folder, back).exit_code == 0
    assert back.read_bytes() == corpus.jsonl("train").read_bytes()


def test_convert_says_what_is_lost(corpus: Corpus, tmp_path: Path) -> None:
    output = run("convert", corpus.jsonl("train"), tmp_path / "a.conll").output
    assert output.splitlines()[0] == "note: CoNLL columns hold no relations; 1 are left out"


def test_convert_writes_over_nothing_unasked(corpus: Corpus, tmp_path: Path) -> None:
    target = put(tmp_path / "work" / "a.txt", SENTENCE)
    before = target.read_bytes()
    result = run("convert", corpus.jsonl("train"), target.parent, "--to", "inline")
    assert result.exit_code != 0 and "is there already" in str(result.exception)
    assert target.read_bytes() == before
    assert run("convert", corpus.jsonl("train"), target.parent, "--to", "inline", "--force").exit_code == 0


def test_convert_keeps_the_labelling_configuration_that_is_there(corpus: Corpus, tmp_path: Path) -> None:
    settings = tmp_path / "tasks.config.xml"
    settings.write_text("<View/>", encoding="utf-8")
    result = run("convert", corpus.jsonl("train"), tmp_path / "tasks.json")
    assert f"{settings}: is there already" in str(result.exception)
    assert settings.read_text(encoding="utf-8") == "<View/>" and not (tmp_path / "tasks.json").exists()
    assert run("convert", corpus.jsonl("train"), tmp_path / "tasks.json", "--force").exit_code == 0
    assert settings.read_text(encoding="utf-8") != "<View/>"


def test_inline_writes_over_nothing_unasked(corpus: Corpus, tmp_path: Path) -> None:
    put(corpus.inline_folder("train") / "train-0.txt", "가.\n")
    corpus.compile()
    corrected = put(tmp_path / "work" / "train-1.txt", "[부산시/C1]\n")
    before = corrected.read_bytes()
    result = run("inline", corpus.jsonl("train"), corrected.parent)
    assert result.exit_code != 0 and f"{corrected}: is there already" in str(result.exception)
    assert corrected.read_bytes() == before and list(corrected.parent.iterdir()) == [corrected]
    assert run("inline", corpus.jsonl("train"), corrected.parent, "--force").exit_code == 0
    assert read_inline(corrected).document == corpus.read("train")[1]


@pytest.mark.parametrize("command", [["inline"], ["convert", "--to", "inline"]])
def test_an_article_without_inline_form_stops_all_of_them(tmp_path: Path, command: list[str]) -> None:
    # Otherwise those before it would be in the way of the next attempt.
    source, target = tmp_path / "a.jsonl", tmp_path / "work"
    crossing = Document("b", "간다. 온다.", (Entity("T1", 0, 5, "ORG", "간다. 온"),), title="간다. 온다.")
    write_jsonl(source, [Document("a", "가", title="가"), crossing])
    assert "crosses a sentence boundary" in str(run(*command, source, target).exception)
    assert not target.exists()


def test_check_and_compile_name_what_is_not_read(corpus: Corpus) -> None:
    inline = corpus.folder / "inline"
    lost = [put(inline / place, SENTENCE) for place in ("train/batch2/x.txt", "train/y.TXT", "valid/v.txt")]
    put(inline / "train" / ".notes" / "n.txt", SENTENCE)
    (inline / ".DS_Store").touch()
    said = [f"{path}:1: is not read; an article is {inline}/<train|dev|test>/<id>.txt: move or remove it" for path in lost]
    for result in (run("check", "--folder", corpus.folder), run("check", corpus.folder)):
        assert result.exit_code == 1
        assert result.output.splitlines() == [*(f"error: {line}" for line in said), "3 articles checked, 3 errors"]
    result = run("compile", "--folder", corpus.folder)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        *(f"note: {line}" for line in said),
        "train: 1 articles, dev: 1 articles, test: 1 articles",
    ]


def test_a_name_that_is_no_id_is_refused(corpus: Corpus) -> None:
    path = put(corpus.inline_folder("train") / "기사 1.txt", "가.\n")
    before = corpus.jsonl("train").read_bytes()
    said = "the id '기사 1' does not do as a file name; use letters, digits, “.”, “_” and “-”"
    assert f"error: {path}:1: {said}" in run("check", path).output
    assert str(run("compile", "--folder", corpus.folder).exception) == f"{path}: {said}"
    assert corpus.jsonl("train").read_bytes() == before


def test_check_takes_folders(corpus: Corpus, tmp_path: Path) -> None:
    work = tmp_path / "work"
    put(work / "a.txt", SENTENCE)
    wrong = put(work / "more" / "b.txt", "[부산시장/C1]\n")
    result = run("check", work)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"error: {wrong}:3: CITY “부산시장” ends in “시장”, which stays outside the span",
        "2 articles checked, 1 errors",
    ]
    # A corpus is checked as with --folder, and what `suggest` writes lies under `inline/`.
    corpus.jsonl("dev").unlink()
    assert f"error: {corpus.jsonl('dev')}:1: is not what" in run("check", corpus.folder).output
    put(tmp_path / "suggested" / "inline" / "a.txt", SENTENCE)
    put(tmp_path / "suggested" / "b.txt", "가.\n")
    assert run("check", tmp_path / "suggested").output == "1 articles checked, 0 errors\n"
    (tmp_path / "empty").mkdir()
    assert "holds no inline file" in str(run("check", tmp_path / "empty").exception)


def test_places_are_looked_at_by_known_kinds_only(corpus: Corpus) -> None:
    result = run("check", "--folder", corpus.folder, "--looked-at", "bogus")
    assert result.exit_code == 2 and not (corpus.folder / "reviewed.tsv").exists()
    for kind in ("every", "bare", "title"):
        assert run("check", "--folder", corpus.folder, "--looked-at", kind).exit_code == 0


def test_convert_counts_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text('{"text": "😀 부산", "label": [[2, 4, "CITY"]]}\n', encoding="utf-8")
    assert run("convert", path, tmp_path / "a.jsonl", "--offsets", "code-points").exit_code == 0
    assert '"text": "부산"' in (tmp_path / "a.jsonl").read_text(encoding="utf-8")
