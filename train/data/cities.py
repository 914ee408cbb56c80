"""Which government a CITY surface names: a hand-written table, `coverage/cities.tsv`, and the suffixes that it may leave out.

A row is a government: its name without suffix, country, level (Korean ones), what it lies within where the name needs it, and
other surfaces. Foreign rows stand for a place at any level: `가고시마` is the city and the prefecture. A surface that fits
several rows (`고성`, `광주시`, `남구`) is ambiguous.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.runtime.errors import DataError

TABLE = Path("coverage/cities.tsv")
KOREA = "한국"
KOREAN_LEVELS = ("특별시", "광역시", "특별자치시", "도", "특별자치도", "시", "군", "구")
_COLUMNS = ["name", "country", "level", "within", "also"]
# Longest first: 특별주 before 주.
SUFFIXES = tuple(
    sorted(
        "시 市 주 州 현 縣 성 省 구 區 군 郡 정 町 초 마치 촌 무라 도 都 府 부 읍 솜 아이막 올도 특별주 특별시 직할시 신구 "
        "공화국 자치주 조선족자치주 자치구 자치공화국 카운티 특별행정구 지역 대도시권".split(),
        key=len,
        reverse=True,
    )
)


@dataclass(frozen=True)
class Government:
    """A row of the table."""

    name: str
    country: str
    level: str = ""
    within: str = ""
    also: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for one government whose level changed (`강원도`, `강원특별자치도`)."""
        return self.country, self.within, self.name

    @property
    def korean(self) -> bool:
        return self.country == KOREA


@dataclass(frozen=True)
class CityTable:
    """The rows, and how surfaces find them."""

    governments: tuple[Government, ...]

    @cached_property
    def _exact(self) -> dict[str, list[Government]]:
        rows: dict[str, list[Government]] = defaultdict(list)
        for government in self.governments:
            for surface in {government.name, *government.also}:
                rows[surface].append(government)
        return rows

    def find(self, surface: str) -> tuple[Government, ...]:
        """The rows that a surface may name; none when the table does not cover it.

        A surface that stands in the table is taken as it stands; else a suffix is cut off, and only foreign rows fit, because
        Korean ones name their suffixes themselves.
        """
        if exact := self._exact.get(surface):
            return tuple(exact)
        for suffix in SUFFIXES:
            stem = surface.removesuffix(suffix).rstrip()
            rows = [g for g in self._exact.get(stem, ()) if not g.korean] if stem != surface else []
            if rows:
                return tuple(rows)
        return ()

    def uncovered(self, surfaces: Iterable[str]) -> list[str]:
        """The surfaces that no row fits, sorted."""
        return sorted({surface for surface in surfaces if not self.find(surface)})

    def distinct(self, surfaces: Iterable[str]) -> list[Government]:
        """The governments that surfaces name, at least: an ambiguous one adds only when it may name none of the others."""
        found = [self.find(surface) for surface in sorted(set(surfaces))]
        sure = {rows[0].key: rows[0] for rows in found if len({g.key for g in rows}) == 1}
        for rows in found:
            if rows and not any(g.key in sure for g in rows):
                sure[rows[0].key] = rows[0]
        return list(sure.values())


def read_city_table(path: Path) -> CityTable:
    """Reads the tab-separated table. DataError names file and line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text") from None
    if lines[0].split("\t") != _COLUMNS:
        raise DataError(f"{path}:1: the first line should name the columns {', '.join(_COLUMNS)}, parted by tabs")
    governments: dict[tuple[str, ...], Government] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        cells += [""] * (len(_COLUMNS) - len(cells))
        name, country, level, within, also = cells[: len(_COLUMNS)]
        if len(cells) > len(_COLUMNS) or not name or not country:
            raise DataError(f"{path}:{number}: a row has a name, a country and at most three more cells")
        if country == KOREA and level not in KOREAN_LEVELS:
            raise DataError(f"{path}:{number}: {name} needs one of the levels {', '.join(KOREAN_LEVELS)}")
        row = (name, country, level, within)
        if row in governments:
            raise DataError(f"{path}:{number}: {name} is there twice")
        governments[row] = Government(name, country, level, within, tuple(also.split()))
    return CityTable(tuple(governments.values()))
