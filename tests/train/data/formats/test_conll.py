"""CoNLL columns of other makers, and what is refused."""

from pathlib import Path

import pytest

from model.runtime.document import Document
from model.runtime.errors import DataError
from train.data.formats.conll import read_conll, write_conll


def read(tmp_path: Path, text: str) -> list[Document]:
    path = tmp_path / "a.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    return read_conll(path).documents


def mentions(document: Document) -> list[tuple[str, str]]:
    return [(e.label, e.text) for e in document.entities]


def test_klue_ner(tmp_path: Path) -> None:
    text = "## klue-wikitree\t<부산:LC>에 감\n부\tB-CITY\n산\tI-CITY\n에\tO\n \tO\n감\tO\n\n## klue-2\t빈\n빈\tB-CITY\n\n"
    first, second = read(tmp_path, text)
    assert (first.id, first.text, mentions(first)) == ("klue-wikitree", "부산에 감", [("CITY", "부산")])
    assert (second.id, mentions(second)) == ("klue-2", [("CITY", "빈")])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_words_with_four_columns(tmp_path: Path, end: str) -> None:
    lines = [
        "-DOCSTART- -X- -X- O",
        "",
        "New NNP B-NP B-CITY",
        "York NNP I-NP I-CITY",
        "met VBD B-VP O",
        "",
        "Busan NNP B-NP S-CITY",
        "",
    ]
    (document,) = read(tmp_path, end.join(lines))
    assert (document.id, document.text) == ("a-1", "New York met Busan")
    assert mentions(document) == [("CITY", "New York"), ("CITY", "Busan")]


def test_mentions_that_touch(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "광\tB-CITY\n주\tI-CITY\n대\tB-CITY\n구\tE-CITY\n박\tS-PERSON\n")
    assert mentions(document) == [("CITY", "광주"), ("CITY", "대구"), ("PERSON", "박")]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    assert write_conll([Document("a", "가")], tmp_path / "b.conll") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("부\tI-CITY\n", r"a.tsv:1: the tag I-CITY goes on with a mention that has not begun"),
        ("부\tB-CITY\n산\tI-ORG\n", r"a.tsv:2: the tag I-ORG"),
        ("부\tB-LOC\n", r"a.tsv:1: unknown tag “B-LOC”"),
        ("\n부\n", r"a.tsv:2: expected a token and a tag"),
        ("# gap = x\n부\tO\n", r"a.tsv:1: “gap” should be JSON"),
        ("# meta = 3\n부\tO\n", r"a.tsv:1: “meta” has the wrong type int"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)
