"""brat folders as brat and its users write them."""

from pathlib import Path

import pytest

from model.runtime.document import Relation
from model.runtime.errors import DataError
from train.data.formats.brat import annotations, configuration, read_brat, write_brat

TEXT = "박형준 부산시장은 후쿠오카시와\n수소 협약을 맺었다."
LINES = (
    "T1\tPERSON 0 3\t박형준",
    "T2\tCITY 4 6\t부산",
    "T3\tCITY 10 15\t후쿠오카시",
    "T4\tFIELD 17 19\t수소",
    "R1\tHEAD_OF Arg1:T1 Arg2:T2\t",
    "R2\tCOOPERATES_WITH Arg1:T3 Arg2:T2\t",
)


def put(folder: Path, *lines: str, text: str = TEXT, end: str = "\n") -> Path:
    (folder / "doc-1.txt").write_text(text, encoding="utf-8", newline="")
    (folder / "doc-1.ann").write_text("".join(line + end for line in lines), encoding="utf-8", newline="")
    return folder


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_article(tmp_path: Path, end: str) -> None:
    (document,) = read_brat(put(tmp_path, *LINES, end=end)).documents
    assert (document.id, document.text, document.title) == ("doc-1", TEXT, "박형준 부산시장은 후쿠오카시와")
    assert [(e.id, e.label, e.text) for e in document.entities] == [
        ("T1", "PERSON", "박형준"),
        ("T2", "CITY", "부산"),
        ("T3", "CITY", "후쿠오카시"),
        ("T4", "FIELD", "수소"),
    ]
    # The symmetric relation comes with the earlier mention first.
    assert document.relations == (Relation("R1", "T1", "T2", "HEAD_OF"), Relation("R2", "T2", "T3", "COOPERATES_WITH"))


def test_arguments_named_the_other_way_round(tmp_path: Path) -> None:
    (document,) = read_brat(put(tmp_path, *LINES[:2], "R1\tHEAD_OF Arg2:T2 Arg1:T1")).documents
    assert document.relations == (Relation("R1", "T1", "T2", "HEAD_OF"),)


def test_offsets_of_windows_line_ends_count_both_characters(tmp_path: Path) -> None:
    text = "부산시\r\n대구시"
    (document,) = read_brat(put(tmp_path, "T1\tCITY 5 8\t대구시", text=text)).documents
    assert (document.text, document.entities[0].text) == (text, "대구시")


def test_offsets_of_a_tool_that_counts_utf16(tmp_path: Path) -> None:
    (document,) = read_brat(put(tmp_path, "T1\tCITY 3 6\t대구시", text="😀 대구시")).documents
    assert (document.entities[0].start, document.entities[0].text) == (2, "대구시")


def test_notes_attributes_and_equivalences_are_kept(tmp_path: Path) -> None:
    others = ["#1\tAnnotatorNotes T1\t확인 필요", "A1\tNegation R1", "*\tEquiv T1 T2", "N1\tReference T2 Wikidata:Q16520\t부산"]
    (document,) = read_brat(put(tmp_path, *LINES, *others)).documents
    assert document.meta == {"brat": others}
    assert annotations(document).splitlines()[-4:] == others
    write_brat([document], tmp_path / "out")
    assert read_brat(tmp_path / "out").documents == [document]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("T1\tCITY 0 2;4 6\t부산 시장", r"doc-1.ann:1: T1 “부산 시장” is in several pieces \(0 2;4 6\)"),
        ("T1\tCITY 0 2\t대구", r"doc-1.ann: a mention says “대구” but \[0, 2\) of the text is “박형”"),
        ("T1\tCITY 0 99\t대구", r"\[0, 99\)"),
        ("T1\tGPE 0 3\t박형준", "unknown label “GPE”"),
        ("T1 CITY 0 3 박형준", "doc-1.ann:1: a mention reads"),
        ("R1\tVISITS T1 T2", "doc-1.ann:1: a relation reads"),
        ("R1\tVISITS Arg1:T1 Arg2:T2", "names T1, which is no entity"),
        ("X1\tfoo", "begins no kind of brat annotation"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_brat(put(tmp_path, line))


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.ann file"):
        read_brat(tmp_path)
    (put(tmp_path) / "doc-1.txt").unlink()
    with pytest.raises(DataError, match=r"the text doc-1\.txt is not beside it"):
        read_brat(tmp_path)
    put(tmp_path)
    (tmp_path / "metadata.jsonl").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.jsonl:1"):
        read_brat(tmp_path)


def test_the_configuration_holds_the_schema() -> None:
    lines = configuration().splitlines()
    assert lines[:3] == ["[entities]", "PERSON", "ORG"]
    assert "HEAD_OF\tArg1:PERSON, Arg2:ORG|CITY" in lines
    assert "MEETS\tArg1:PERSON, Arg2:PERSON, <REL-TYPE>:symmetric" in lines
