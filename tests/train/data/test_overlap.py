"""Seen and unseen surfaces, as they stand and normalised."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.runtime.document import Document
from train.data.__main__ import app
from train.data.cities import CityTable, Government
from train.data.inline import parse_inline
from train.data.overlap import normalise, overlap, overlap_markdown

TABLE = CityTable(
    (
        Government("경남", "한국", "도", "", ("경남도", "경상남도")),
        Government("광주", "한국", "광역시", "", ("광주시", "광주광역시")),
        Government("광주", "한국", "시", "경기", ("광주시",)),
        Government("빈", "오스트리아"),
    )
)


@pytest.mark.parametrize(
    ("label", "one", "other", "same"),
    [
        ("CITY", "경상남도", "경남", True),
        ("CITY", "빈시", "빈", True),
        ("CITY", "사바나시", "사바나", True),
        ("CITY", "사시", "사", False),
        ("CITY", "광주광역시", "경남", False),
        ("ORG", "㈜한빛", "한빛(주)", True),
        ("ORG", "부산 항만공사(BPA)", "부산항만공사", True),
        ("ORG", "한빛", "한빛은행", False),
        ("FIELD", "해양산업", "해양", True),
        ("FIELD", "해양 산업", "해양", True),
        ("FIELD", "산업", "", False),
        ("PERSON", "응우옌 반 꽝", "응우옌반꽝", True),
        ("PERSON", "김영수", "김영호", False),
    ],
)
def test_normalisation(label: str, one: str, other: str, same: bool) -> None:
    assert (normalise(label, one, TABLE) == normalise(label, other, TABLE)) is same


def article(body: str) -> list[Document]:
    return [parse_inline(f"source: 가\n---\n{body}\n", "a", "a").document]


def test_counts_by_hand() -> None:
    train = article("[경남/C1] [박형준/P1]과 [박/P2], [황보/P3]의 [수소/F1], [광주시/C2]")
    test = article(
        "[경상남도/C1] [박형준/P1], [박형준/P2], [김철/P3], [박/P4], [황보/P5]의 [관광/F1], [광주광역시/C2], [경남/C3], [빈/C4]"
    )
    rows = {row.label: row for row in overlap(train, test, TABLE)}
    person, city = rows["PERSON"], rows["CITY"]
    assert (person.mentions, person.seen_mentions, person.surfaces, person.seen_surfaces) == (3, 2, 2, 1)
    assert person.shared == ("박형준",)
    assert (city.mentions, city.seen_mentions, city.surfaces, city.seen_surfaces, city.normalised) == (4, 1, 4, 1, 3)
    assert rows["ORG"].mentions == 0
    text = overlap_markdown({"test": list(rows.values())})
    assert "| CITY | 4 | 1 (25.0%) | 4 | 1 (25.0%) | 3 (75.0%) |" in text
    assert "PERSON shared with train (1): 박형준" in text


def test_the_command(repository: Path) -> None:
    result = CliRunner().invoke(app, ["overlap", "--folder", str(repository / "data" / "annotations")])
    assert result.exit_code == 0
    assert "## dev against train" in result.output and "## test against train" in result.output
