"""Annotations without their texts, and back."""

import json
import lzma
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.runtime.document import Document, Entity, Relation, read_jsonl, write_jsonl
from model.runtime.errors import DataError
from train.data.__main__ import app
from train.data.standoff import attach, detach, read_standoff, write_standoff

LINES = ["딴 글이다.", "", "부산시는 3일\u00a0밝혔다.", "", " 박형준 시장이 말했다. ", "끝.", "부산시는 3일 밝혔다."]
TEXT = "부산시는 3일 밝혔다.\n박형준 시장이 말했다."
ARTICLE = Document(
    "a-1",
    TEXT,
    (Entity("T1", 0, 3, "CITY", "부산시"), Entity("T2", 5, 7, "DATE", "3일"), Entity("T3", 13, 16, "PERSON", "박형준")),
    (Relation("R1", "T1", "T2", "ON_DATE"),),
    title="부산시는 3일 밝혔다.",
    source="press.txt.xz",
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    with lzma.open(folder / "press.txt.xz", "wt", encoding="utf-8") as out:
        out.write("\n".join(LINES))
    (folder / "other.txt").write_text("부산시는 3일 밝혔다.\n다른 줄이다.\n", encoding="utf-8")
    return folder


def test_there_and_back_without_a_word_of_the_text(corpus: Path, tmp_path: Path) -> None:
    found = detach([ARTICLE], corpus, ["other.txt", "press.txt.xz"])
    assert [(article.file, article.lines) for article in found] == [("press.txt.xz", (2, 5))]
    write_standoff(tmp_path / "out.jsonl", found)
    stored = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert not any("가" <= char <= "힣" for char in stored)
    assert attach(read_standoff(tmp_path / "out.jsonl"), corpus) == [ARTICLE]


def test_a_text_that_is_not_there(corpus: Path) -> None:
    with pytest.raises(DataError, match="a-1: the text is in none of the corpus files"):
        detach([ARTICLE], corpus, ["other.txt"])


def test_a_corpus_that_has_changed_or_is_missing(corpus: Path, tmp_path: Path) -> None:
    found = detach([ARTICLE], corpus, ["press.txt.xz"])
    with lzma.open(corpus / "press.txt.xz", "wt", encoding="utf-8") as out:
        out.write("\n".join(["neu", *LINES]))
    with pytest.raises(DataError, match=r"a-1: lines 2 to 5 of press.txt.xz are not the text that was annotated"):
        attach(found, corpus)
    with pytest.raises(DataError, match="need the corpus they were made on"):
        attach(found, tmp_path / "nowhere")


def test_a_damaged_corpus_file_and_an_article_that_is_there_twice(corpus: Path, tmp_path: Path) -> None:
    found = detach([ARTICLE], corpus, ["press.txt.xz"])
    write_standoff(tmp_path / "twice.jsonl", [*found, *found])
    with pytest.raises(DataError, match="a-1: 2 articles have this id"):
        read_standoff(tmp_path / "twice.jsonl")
    whole = (corpus / "press.txt.xz").read_bytes()
    for content in (whole[:-20], b"no xz"):
        (corpus / "press.txt.xz").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            attach(found, corpus)


def test_a_text_out_of_normal_form(corpus: Path) -> None:
    spaced = Document("a-1", "부산시는 3일\u00a0밝혔다.")
    with pytest.raises(DataError, match="not in the corpus's normal form"):
        detach([spaced], corpus, ["press.txt.xz"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lines": [1]}, "is no stand-off annotation"),
        ({"entities": [[0, 3, "TOWN"]]}, "no entity"),
        ({"entities": [[3, 3, "CITY"]]}, "no entity"),
        ({"relations": [["ON_DATE", 0, 3]]}, "no relation"),
        ({"relations": [["AT", 0, 1]]}, "no relation"),
        ({"relations": [["ON_DATE", 1, 1]]}, "no relation"),
        ({"entities": [[0, 3, "CITY"], [2, 4, "DATE"]]}, "entities overlap"),
        ({"entities": [[0.5, 3, "CITY"]]}, "a whole number is expected"),
        ({"id": None}, "are strings"),
        ({"file": "../press.txt.xz"}, "no place in a corpus folder"),
        ({"lines": [-3, 2]}, "no place in a corpus folder"),
        ({"sha256": "0"}, None),
    ],
)
def test_what_is_not_of_the_form(corpus: Path, tmp_path: Path, changed: dict[str, object], said: str | None) -> None:
    path = tmp_path / "a.jsonl"
    write_standoff(path, detach([ARTICLE], corpus, ["press.txt.xz"]))
    item = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**item, **changed}), encoding="utf-8")
    if said is None:
        with pytest.raises(DataError, match="are not the text"):
            attach(read_standoff(path), corpus)
    else:
        with pytest.raises(DataError, match=f"a.jsonl:1: .*{said}"):
            read_standoff(path)


def test_on_the_command_line(corpus: Path, tmp_path: Path) -> None:
    documents, annotations, back = (tmp_path / name for name in ("in.jsonl", "annotations.jsonl", "back.jsonl"))
    write_jsonl(documents, [ARTICLE])
    runner = CliRunner()
    result = runner.invoke(app, ["detach", str(documents), str(annotations), "--corpus", str(corpus)])
    assert result.exit_code == 0, result.output
    result = runner.invoke(app, ["attach", str(annotations), str(back), "--corpus", str(corpus)])
    assert result.exit_code == 0, result.output
    assert list(read_jsonl(back)) == [ARTICLE]
    assert runner.invoke(app, ["attach", str(annotations), str(back), "--corpus", str(corpus)]).exit_code != 0
