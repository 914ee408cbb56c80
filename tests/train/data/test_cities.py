"""The table of governments: what a surface may name."""

from pathlib import Path

import pytest

from model.runtime.errors import DataError
from train.data.cities import CityTable, Government, read_city_table
from train.data.corpus import Corpus

TABLE = CityTable(
    (
        Government("광주", "한국", "광역시", "", ("광주광역시", "광주시")),
        Government("광주", "한국", "시", "경기", ("광주시",)),
        Government("하남", "한국", "시", "경기", ("하남시",)),
        Government("강원", "한국", "도", "", ("강원도",)),
        Government("강원", "한국", "특별자치도", "", ("강원특별자치도",)),
        Government("고성", "한국", "군", "강원", ("고성군",)),
        Government("고성", "한국", "군", "경남", ("고성군",)),
        Government("하남", "중국"),
        Government("가고시마", "일본"),
        Government("오시", "키르기스스탄"),
        Government("옵스", "몽골"),
        Government("자카르타", "인도네시아"),
    )
)


@pytest.mark.parametrize(
    ("surface", "found"),
    [
        ("가고시마", ["일본"]),
        ("가고시마현", ["일본"]),
        ("가고시마市", ["일본"]),
        ("옵스 아이막", ["몽골"]),
        ("자카르타특별주", ["인도네시아"]),
        ("오시", ["키르기스스탄"]),
        ("오시시", ["키르기스스탄"]),
        ("하남시", ["한국"]),
        ("하남성", ["중국"]),
        ("하남", ["한국", "중국"]),
        ("광주광역시", ["한국"]),
        ("광주시", ["한국", "한국"]),
        ("강원성", []),
        ("주", []),
        ("부산", []),
    ],
)
def test_what_a_surface_may_name(surface: str, found: list[str]) -> None:
    assert [g.country for g in TABLE.find(surface)] == found


@pytest.mark.parametrize(
    ("surfaces", "count"),
    [
        (["강원도", "강원특별자치도", "강원"], 1),
        (["고성", "고성군"], 1),
        (["광주시"], 1),
        (["광주시", "광주광역시"], 1),
        (["하남", "하남시", "하남성"], 2),
        (["가고시마", "가고시마현", "옵스"], 2),
        (["부산"], 0),
    ],
)
def test_an_ambiguous_surface_adds_nothing_that_another_explains(surfaces: list[str], count: int) -> None:
    assert len(TABLE.distinct(surfaces)) == count


def test_what_is_not_covered() -> None:
    assert TABLE.uncovered(["부산", "가고시마시", "대구시"]) == ["대구시", "부산"]


def test_the_committed_table_covers_the_committed_corpus(repository: Path) -> None:
    corpus = Corpus(repository / "data" / "annotations")
    table = read_city_table(corpus.folder / "coverage" / "cities.tsv")
    cities = {e.text for split in ("train", "dev", "test") for d in corpus.read(split) for e in d.entities if e.label == "CITY"}
    assert table.uncovered(cities) == []
    assert {g.level for g in table.find("제주")} == {"도", "특별자치도", "시"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\tcountry\n", "c.tsv:1: the first line should name the columns"),
        ("name\tcountry\tlevel\twithin\talso\n부산\n", "c.tsv:2: a row has a name, a country"),
        ("name\tcountry\tlevel\twithin\talso\n\n부산\t한국\t도시\n", "c.tsv:3: 부산 needs one of the levels"),
        ("name\tcountry\tlevel\twithin\talso\n빈\t오스트리아\n빈\t오스트리아\n", "c.tsv:3: 빈 is there twice"),
    ],
)
def test_a_broken_table(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_city_table(tmp_path / "c.tsv")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_city_table(tmp_path / "c.tsv")
