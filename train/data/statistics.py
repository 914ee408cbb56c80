"""Counts and distributions of the corpus: for the terminal, as Markdown, and as plots."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from rich.table import Table

from model.runtime.document import Document
from model.runtime.errors import DosilinkError
from model.runtime.schema import LABELS, RELATIONS
from train.report import write_text

from .corpus import SPLITS, Corpus
from .sentence import sentences

Splits = Mapping[str, Sequence[Document]]
_SHOWN_GENRES = 15


def count_rows(splits: Splits) -> Iterator[tuple[str, ...]]:
    """Name and one cell a split: articles, characters, mentions a label, relations a type."""
    yield "articles", *(str(len(documents)) for documents in splits.values())
    yield "characters", *(f"{sum(len(d.text) for d in documents):,}" for documents in splits.values())
    labels = [Counter(e.label for d in documents for e in d.entities) for documents in splits.values()]
    for label in LABELS:
        yield label, *(str(count[label]) for count in labels)
    yield "mentions", *(str(count.total()) for count in labels)
    types = [Counter(r.type for d in documents for r in d.relations) for documents in splits.values()]
    for name in RELATIONS:
        yield name, *(str(count[name]) for count in types)
    yield "relations", *(str(count.total()) for count in types)


def statistics_table(corpus: Corpus) -> Table:
    """Articles, characters, mentions a label and relations a type, one column a split."""
    table = Table("", *SPLITS, title="corpus")
    for row in count_rows({split: corpus.read(split) for split in SPLITS}):
        table.add_row(*row)
    return table


@dataclass(frozen=True)
class Distribution:
    """Whole numbers measured over a corpus, a list a split. `unit` says of what, in ASCII for plots without Hangul fonts."""

    name: str
    unit: str
    values: Mapping[str, Sequence[int]]


def distributions(splits: Splits) -> list[Distribution]:
    """Lengths of articles and sentences, mentions an article, relations a sentence, characters between related mentions."""
    cut = {split: [s for d in documents for s in sentences(d)] for split, documents in splits.items()}
    return [
        Distribution("article length", "characters", {s: [len(d.text) for d in documents] for s, documents in splits.items()}),
        Distribution("sentence length", "characters", {s: [len(x.text) for x in found] for s, found in cut.items()}),
        Distribution("mentions per article", "mentions", {s: [len(d.entities) for d in ds] for s, ds in splits.items()}),
        Distribution("relations per sentence", "relations", {s: [len(x.relations) for x in found] for s, found in cut.items()}),
        Distribution(
            "distance of related mentions",
            "characters between",
            {s: [gap for d in documents for gap in _gaps(d)] for s, documents in splits.items()},
        ),
    ]


def _gaps(document: Document) -> Iterator[int]:
    place = {e.id: e for e in document.entities}
    for relation in document.relations:
        first, second = sorted((place[relation.head], place[relation.tail]), key=lambda e: e.start)
        yield max(0, second.start - first.end)


def genres(splits: Splits) -> Counter[str]:
    """Articles a genre, as their headers say it; what stands behind a comma or in brackets is left out."""
    said = (str(d.meta.get("genre", "")) for documents in splits.values() for d in documents)
    return Counter(genre.split(",")[0].split("(")[0].strip() or "not said" for genre in said)


def years(splits: Splits) -> dict[str, Counter[int]]:
    """Articles a year of their `date`, a counter a split."""
    return {
        split: Counter(int(year) for d in documents if (year := str(d.meta.get("date", ""))[:4]).isdigit())
        for split, documents in splits.items()
    }


def statistics_markdown(splits: Splits) -> str:
    """The page of tables."""
    lines = ["# Corpus", "", *_markdown(("", *splits), count_rows(splits))]
    summary = [_summary(d, split) for d in distributions(splits) for split in splits]
    lines += ["", "## Distributions", "", *_markdown(("", "split", "n", "min", "median", "mean", "95 %", "max"), summary)]
    common = [(genre, str(count)) for genre, count in genres(splits).most_common(_SHOWN_GENRES)]
    lines += ["", f"## Genres, the {_SHOWN_GENRES} most common", "", *_markdown(("genre", "articles"), common)]
    dated = years(splits)
    rows = [(str(y), *(str(dated[s][y]) for s in splits)) for y in sorted({y for count in dated.values() for y in count})]
    lines += ["", "## Years", "", *_markdown(("year", *splits), rows)]
    return "\n".join(lines) + "\n"


def _markdown(header: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(row)} |" for row in rows)]


def _summary(distribution: Distribution, split: str) -> tuple[str, ...]:
    values = sorted(distribution.values[split])
    if not values:
        return distribution.name, split, "0", "", "", "", "", ""
    high = values[min(len(values) - 1, int(0.95 * len(values)))]
    numbers = (f"{values[0]}", f"{median(values):g}", f"{mean(values):.1f}", f"{high}", f"{values[-1]}")
    return distribution.name, split, str(len(values)), *numbers


def write_statistics(splits: Splits, folder: Path) -> list[Path]:
    """Writes `statistics.md` and the plots (PNG); returns their paths. DosilinkError when matplotlib is not installed."""
    try:
        # matplotlib is an extra: only who wants plots needs it.
        from .plots import draw  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "matplotlib":
            raise
        raise DosilinkError("plots need matplotlib; install it with `pip install -e '.[plots]'`") from None
    write_text(folder / "statistics.md", statistics_markdown(splits))
    return [folder / "statistics.md", *draw(splits, folder)]
