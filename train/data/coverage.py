"""What the corpus should hold, what it does hold, and the page that says so (`COVERAGE.md`)."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.runtime.document import Document
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS

from .cities import KOREAN_LEVELS, TABLE, CityTable, Government, read_city_table
from .corpus import SPLITS, Corpus
from .hard_cases import HARD_CASES
from .overlap import is_surname

PAGE = "COVERAGE.md"
FIELD_AREAS = Path("coverage/fields.tsv")

_WEST = (
    "독일 오스트리아 스위스 프랑스 이탈리아 스페인 포르투갈 영국 아일랜드 네덜란드 벨기에 룩셈부르크 "
    "덴마크 스웨덴 핀란드 노르웨이 아이슬란드 에스토니아 라트비아 리투아니아 폴란드 체코 슬로바키아 헝가리 "
    "루마니아 불가리아 슬로베니아 크로아티아 세르비아 그리스 미국 캐나다 호주 뉴질랜드 멕시코 콜롬비아 "
    "페루 칠레 브라질 아르헨티나 러시아 우크라이나"
)
NAME_ORIGINS: Mapping[str, frozenset[str]] = {
    "Korean": frozenset({"한국"}),
    "Japanese": frozenset({"일본"}),
    "Chinese": frozenset({"중국", "대만"}),
    "Vietnamese": frozenset({"베트남"}),
    "Western": frozenset(_WEST.split()),
    "Central Asian": frozenset("카자흐스탄 우즈베키스탄 키르기스스탄 타지키스탄 투르크메니스탄 몽골".split()),
}
_DATE_FORMS: Mapping[str, str] = {
    "absolute": r"\d{4}년|^’?\d{2}년|\d{4}\.\s?\d",
    "relative": r"지난|오는|이번|다음|내년|올해|작년|지난해|이듬해|이달|이튿날|같은|그해|내달|올\s?|후년|전날",
    "ranges": r"\d\s?[∼~–-]\s?\d",
    "seasons": r"봄|여름|가을|겨울",
    "half-years": r"상반기|하반기",
    "bracketed weekdays": r"\([월화수목금토일]\)",
}
_GENRES: Mapping[str, str] = {
    "press release": r"press release",
    "short brief": r"brief|short",
    "long feature": r"feature|long",
    "interview": r"interview",
    "announcement of a trip": r"announcement of a trip|trip announce|itinerary|schedule|trip plan",
    "report after a trip": r"after a trip|trip report|trade mission results|study-trip|post-event",
    "twin-city anniversary": r"anniversary",
    "council visit": r"council",
    "company–city agreement": r"company|investment",
    "photo caption": r"caption|photo",
    "column": r"column|editorial|op-ed",
    "joint statement": r"joint statement",
}
_NOISE = re.compile(r"[▲△▶◇◆■□○●※☎◦▷]|\(사진|사진=|자료사진|https?://|www\.|\d{2,3}-\d{3,4}-\d{4}|문의[: ]|[=\-]{3,}|ⓒ|/끝/|<끝>")
_CLOSED = re.compile(r"[.?!][”’\"')\]]*$")


@dataclass(frozen=True)
class Goal:
    """A row of the page: how many of what are wanted and found. `most` turns the comparison round."""

    section: str
    name: str
    wanted: int
    found: int
    rule: str
    most: bool = False

    @property
    def met(self) -> bool:
        return self.found <= self.wanted if self.most else self.found >= self.wanted

    def __str__(self) -> str:
        return f"{self.section}: {self.name}: {'at most' if self.most else 'at least'} {self.wanted} wanted, {self.found} found"


@dataclass(frozen=True)
class Survey:
    """The corpus with the two hand-written tables."""

    splits: Mapping[str, Sequence[Document]]
    cities: CityTable
    areas: Mapping[str, Sequence[str]]

    @cached_property
    def documents(self) -> list[Document]:
        return [document for split in self.splits.values() for document in split]

    def surfaces(self, label: str, split: str | None = None) -> set[str]:
        """Different surfaces of a label, in the corpus or a split."""
        documents = self.documents if split is None else self.splits[split]
        return {e.text for d in documents for e in d.entities if e.label == label}

    def uncovered(self) -> list[str]:
        """CITY surfaces that the table does not know."""
        return self.cities.uncovered(self.surfaces("CITY"))

    def goals(self) -> list[Goal]:
        """All rows, in the order of the page."""
        parts: tuple[Callable[[], Iterator[Goal]], ...] = (
            self._size,
            self._partners,
            self._names,
            self._fields,
            self._dates,
            self._genres,
            self._hard_cases,
            self._splits,
        )
        return [goal for part in parts for goal in part()]

    def _size(self) -> Iterator[Goal]:
        for split, wanted in zip(SPLITS, (140, 20, 40), strict=True):
            yield Goal("Size", f"articles in {split}", wanted, len(self.splits[split]), "lines of the compiled file")
        yield Goal("Size", "articles", 200, len(self.documents), "all splits")
        yield Goal("Size", "mentions", 6000, sum(len(d.entities) for d in self.documents), "all splits")
        yield Goal("Size", "relations", 2500, sum(len(d.relations) for d in self.documents), "all splits")
        labels = Counter(e.label for d in self.documents for e in d.entities)
        for label in LABELS:
            yield Goal("Size", label, 600, labels[label], "mentions, all splits")
        types = Counter(r.type for d in self.splits["train"] for r in d.relations)
        for name in RELATIONS:
            yield Goal("Size", name, 120, types[name], "relations in train")

    def _partners(self) -> Iterator[Goal]:
        surfaces = self.surfaces("CITY")
        governments = self.cities.distinct(surfaces)
        korean = [g for g in governments if g.korean]
        foreign = [g for g in governments if not g.korean]
        by = "`coverage/cities.tsv`; an ambiguous surface counts only where nothing else explains it"
        yield Goal("Partners", "Korean local governments", 60, len(korean), by)
        levels = Counter(level for level in KOREAN_LEVELS for key in {g.key for g in self._rows(surfaces, level)})
        for level in KOREAN_LEVELS:
            yield Goal("Partners", level, 1, levels[level], "different governments that a surface names without doubt")
        yield Goal("Partners", "foreign local governments", 80, len(foreign), by)
        yield Goal("Partners", "their countries", 25, len({g.country for g in foreign}), "`coverage/cities.tsv`")
        for ending in ("시", "현", "주", "성"):
            forms = {s for s in surfaces if s.endswith(ending) and self._foreign(s)}
            yield Goal("Partners", f"foreign names with {ending}", 10, len(forms), "different surfaces")
        bare = {s for s in surfaces if any(g.name == s and not g.korean for g in self.cities.find(s))}
        yield Goal("Partners", "foreign names without suffix", 10, len(bare), "different surfaces")
        yield Goal("Partners", "institutions", 150, len(self.surfaces("ORG")), "different ORG surfaces")

    def _rows(self, surfaces: set[str], level: str) -> Iterator[Government]:
        for surface in surfaces:
            rows = self.cities.find(surface)
            yield from (g for g in rows if g.level == level and (len(rows) == 1 or surface in g.also))

    def _foreign(self, surface: str) -> bool:
        rows = self.cities.find(surface)
        return bool(rows) and not any(g.korean for g in rows)

    def _names(self) -> Iterator[Goal]:
        persons = _persons(self.documents)
        yield Goal("Persons", "different persons", 300, len(persons), "PERSON surfaces without bare surnames")
        origins = self._origins()
        for origin in NAME_ORIGINS:
            yield Goal(
                "Persons",
                f"{origin} names",
                10,
                len(origins[origin]),
                "persons with HEAD_OF or MEMBER_OF a CITY of those countries",
            )

    def _origins(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {origin: set() for origin in NAME_ORIGINS}
        for document in self.documents:
            by_id = {e.id: e for e in document.entities}
            for relation in document.relations:
                person, body = by_id[relation.head], by_id[relation.tail]
                if relation.type in ("HEAD_OF", "MEMBER_OF") and body.label == "CITY" and not is_surname(person.text):
                    countries = {g.country for g in self.cities.find(body.text)}
                    for origin, its in NAME_ORIGINS.items():
                        if countries and countries <= its:
                            found[origin].add(person.text)
        return found

    def _fields(self) -> Iterator[Goal]:
        fields = self.surfaces("FIELD")
        yield Goal("Fields", "different fields", 150, len(fields), "different FIELD surfaces")
        for area, words in self.areas.items():
            found = sum(any(word in field for word in words) for field in fields)
            yield Goal("Fields", area, 5, found, "FIELD surfaces with a word of `coverage/fields.tsv`")

    def _dates(self) -> Iterator[Goal]:
        dates = [e.text for d in self.documents for e in d.entities if e.label == "DATE"]
        for form, pattern in _DATE_FORMS.items():
            found = sum(bool(re.search(pattern, date)) for date in dates)
            yield Goal("Dates", form, 10, found, f"DATE mentions with `{pattern}`".replace("|", "\\|"))

    def _genres(self) -> Iterator[Goal]:
        genres = [str(d.meta.get("genre", "")) for d in self.documents]
        for genre, pattern in _GENRES.items():
            found = sum(bool(re.search(pattern, g)) for g in genres)
            yield Goal("Genres", genre, 3, found, f"articles whose genre says {pattern.replace('|', ', ')}")
        years = {int(year) for d in self.documents if (year := str(d.meta.get("date", ""))[:4]).isdigit()}
        span = set(range(1998, 2027))
        yield Goal("Genres", "years 1998–2026", len(span), len(years & span), "years that an article is dated in")
        headed = sum(_has_sub_headline(d) for d in self.documents)
        yield Goal("Genres", "with sub-headline", 20, headed, "the second line does not end a sentence")
        yield Goal("Genres", "without sub-headline", 20, len(self.documents) - headed, "the second line ends a sentence")
        noisy = sum(bool(_NOISE.search(d.text)) for d in self.documents)
        yield Goal("Genres", "with noise", 10, noisy, "▲, ※, 사진=, a telephone number, an address …")

    def _hard_cases(self) -> Iterator[Goal]:
        for name, rule, examples in HARD_CASES:
            yield Goal("Hard cases", name, 10, sum(1 for _ in examples(self.documents)), rule)

    def _splits(self) -> Iterator[Goal]:
        shared = _persons(self.splits["train"]) & _persons(self.splits["test"])
        yield Goal("Splits", "persons of both train and test", 0, len(shared), "PERSON surfaces without bare surnames", most=True)


def _persons(documents: Sequence[Document]) -> set[str]:
    return {e.text for d in documents for e in d.entities if e.label == "PERSON" and not is_surname(e.text)}


def _has_sub_headline(document: Document) -> bool:
    lines = [line for line in document.text.split("\n") if line.strip()]
    return len(lines) > 2 and _CLOSED.search(lines[1].strip()) is None


def survey(corpus: Corpus) -> Survey:
    """Reads the compiled splits and the tables; DataError names what is missing."""
    return Survey(
        {split: corpus.read(split) for split in SPLITS},
        read_city_table(corpus.folder / TABLE),
        read_areas(corpus.folder / FIELD_AREAS),
    )


def read_areas(path: Path) -> dict[str, list[str]]:
    """The areas of fields and the words that show them, from a tab-separated table."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    areas = {}
    for number, line in enumerate(lines[1:], 2):
        area, tab, words = line.partition("\t")
        if not tab or not words.split():
            raise DataError(f"{path}:{number}: a row has an area, a tab and its words")
        areas[area] = words.split()
    return areas


def page(goals: Sequence[Goal]) -> str:
    """The Markdown page."""
    missed = [goal for goal in goals if not goal.met]
    lines = [
        "# Coverage",
        "",
        "What the corpus should hold and what it holds. `python -m train.data coverage --write` writes this page from the",
        "compiled splits; `python -m train.data coverage` fails when a row is missed or the page is old. Rules over text and",
        "annotation find the hard cases: each counts what surely is one and misses others (`--show NAME` lists them).",
        "",
        f"{len(goals) - len(missed)} of {len(goals)} rows are met.",
    ]
    section = None
    for goal in goals:
        if goal.section != section:
            section = goal.section
            lines += ["", f"## {section}", "", "| goal | wanted | found | | how it is counted |", "|---|---|---|---|---|"]
        wanted = f"{'≤' if goal.most else '≥'} {goal.wanted:,}"
        lines.append(f"| {goal.name} | {wanted} | {goal.found:,} | {'' if goal.met else '**missed**'} | {goal.rule} |")
    return "\n".join(lines) + "\n"


def examples(documents: Sequence[Document], name: str) -> list[str]:
    """The places that a hard case's rule finds; DataError for a name that no row has."""
    for case, _, rule in HARD_CASES:
        if case == name:
            return list(rule(documents))
    raise DataError(f"“{name}” is no hard case; they are: {'; '.join(case for case, *_ in HARD_CASES)}")


__all__ = ["PAGE", "Goal", "Survey", "examples", "page", "read_areas", "survey"]
