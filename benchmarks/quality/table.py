"""The comparison as a table: mean and spread over the seeds, as Markdown and JSON, and in the page between its markers."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from model.runtime.schema import LABELS, RELATIONS
from train.metrics import Scores
from train.report import put_between, write_json, write_text

from .articles import SCORED, Articles, read_articles
from .config import Comparison, Settings
from .jobs import finished, seeds_of
from .result import Result

BEGIN = "<!-- results: begin (written by `make bench-quality`) -->"
END = "<!-- results: end -->"


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over runs; no deviation for a single one."""

    mean: float
    deviation: float | None
    runs: int

    def show(self, digits: int = 3) -> str:
        """`0.825 ± 0.004`."""
        spread = "" if self.deviation is None else f" ± {self.deviation:.{digits}f}"
        return f"{self.mean:.{digits}f}{spread}"


@dataclass(frozen=True)
class Row:
    """An entrant's figures by their names (`test.entities.CITY`); those that it does not have are not there."""

    entrant: str
    title: str
    mentions_of: str
    figures: Mapping[str, Spread]
    training_threads: Sequence[int]


def spread(values: Sequence[float]) -> Spread:
    """Of one value or several."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), deviation, len(values))


def write_table(comparison: Comparison) -> str:
    """Writes `table.md`, `summary.json` and the page's section from the finished results; returns the Markdown."""
    articles = read_articles(comparison.data)
    rows: list[Row] = []
    waiting: list[str] = []
    for settings in comparison.entrants:
        seeds = seeds_of(comparison, settings)
        results = [r for seed in seeds if (r := finished(comparison, settings, seed, articles)) is not None]
        rows.extend(rows_of(settings, results))
        if len(results) < len(seeds):
            waiting.append(f"{settings.name} ({len(results)} of {len(seeds)})")
    markdown = tables(rows, waiting, articles)
    write_text(comparison.results / "table.md", markdown)
    write_json(comparison.results / "summary.json", {"articles": articles.digest(), "rows": [asdict(row) for row in rows]})
    if comparison.page is not None:
        put_between(comparison.page, BEGIN, END, markdown)
    return markdown


def rows_of(settings: Settings, results: Sequence[Result]) -> list[Row]:
    """A row for the entrant, and one more for each further entrant whose mentions it read."""
    if not results:
        return []
    relations = results[0].splits["test"].relations
    sources = list(relations) or [""]
    rows = []
    for place, source in enumerate(sources):
        figures = _figures(results, source)
        title = settings.shown
        if place:
            figures = {name: figure for name, figure in figures.items() if ".relations." in name}
        rows.append(
            Row(
                settings.name,
                title,
                "its own" if source == settings.name else source,
                figures,
                sorted({r.training_threads for r in results}),
            )
        )
    return rows


def _figures(results: Sequence[Result], source: str) -> dict[str, Spread]:
    collected: dict[str, list[float]] = {}
    for result in results:
        for split in SCORED:
            scores = result.splits[split]
            if scores.entities is not None:
                _collect(collected, f"{split}.entities", scores.entities)
            if scores.unseen is not None:
                collected.setdefault(f"{split}.unseen", []).append(scores.unseen.f1)
            if source in scores.relations:
                _collect(collected, f"{split}.relations", scores.relations[source])
            if scores.relations_gold is not None:
                _collect(collected, f"{split}.relations_gold", scores.relations_gold)
        collected.setdefault("training_minutes", []).append(result.training_minutes)
        collected.setdefault("sentences_per_second", []).append(result.sentences_per_second)
        collected.setdefault("parameters", []).append(result.parameters)
    return {name: spread(values) for name, values in collected.items()}


def _collect(collected: dict[str, list[float]], name: str, scores: Scores) -> None:
    collected.setdefault(f"{name}.micro", []).append(scores.micro.f1)
    for label, score in scores.by_name.items():
        collected.setdefault(f"{name}.{label}", []).append(score.f1)


def tables(rows: Sequence[Row], waiting: Sequence[str], articles: Articles) -> str:
    """All tables as Markdown."""
    finders = [row for row in rows if "test.entities.micro" in row.figures]
    relaters = [row for row in rows if "test.relations.micro" in row.figures]
    whole = [row for row in rows if "parameters" in row.figures]
    size = f"{len(articles.train)} articles to learn from, {len(articles.dev)} to tune on, {len(articles.test)} to test on"
    parts = [f"{size}. F1, mean ± standard deviation over seeds (one run where the seed makes no difference).", ""]
    if waiting:
        parts += [f"Not all run with these settings and articles yet: {', '.join(waiting)}.", ""]
    if finders:
        parts += _mention_table(finders)
    if relaters:
        parts += _relation_table(relaters)
        parts += _type_table(relaters)
    if whole:
        parts += _cost_table(whole)
    return "\n".join(parts)


def _mention_table(rows: Sequence[Row]) -> list[str]:
    columns: dict[str, Callable[[Row], str]] = {
        **{label: _figure(f"test.entities.{label}") for label in LABELS},
        "test": _figure("test.entities.micro"),
        "test, unseen": _figure("test.unseen"),
        "dev": _figure("dev.entities.micro"),
    }
    note = "“Unseen”: mentions, gold and predicted, whose surface is annotated nowhere in the training articles."
    return _table("Mentions, strict", {"": lambda row: row.title, **columns}, rows, note)


def _relation_table(rows: Sequence[Row]) -> list[str]:
    columns = {
        "": lambda row: row.title,
        "mentions of": lambda row: row.mentions_of,
        "test, end to end": _figure("test.relations.micro"),
        "test, gold mentions": _figure("test.relations_gold.micro"),
        "dev, end to end": _figure("dev.relations.micro"),
        "dev, gold mentions": _figure("dev.relations_gold.micro"),
    }
    return _table("Relations, micro", columns, rows)


def _type_table(rows: Sequence[Row]) -> list[str]:
    columns = {
        "": lambda row: row.title,
        "mentions of": lambda row: row.mentions_of,
        **{name: _figure(f"test.relations.{name}") for name in RELATIONS},
    }
    return _table("Relations on test, end to end, by type", columns, rows)


def _cost_table(rows: Sequence[Row]) -> list[str]:
    columns = {
        "": lambda row: row.title,
        "training, minutes": _figure("training_minutes", 1),
        "threads": lambda row: ", ".join(map(str, row.training_threads)),
        "inference, sentences/s on 1 thread": _figure("sentences_per_second", 0),
        "parameters": lambda row: f"{row.figures['parameters'].mean:,.0f}",
    }
    note = (
        "Training is one training, evaluations on dev included, tuning not, on the machine in each result's provenance with "
        "whatever else ran there. Entrants for relations alone: their own pass only, to be added to the tagger's."
    )
    return _table("What it costs", columns, rows, note)


def _figure(name: str, digits: int = 3) -> Callable[[Row], str]:
    return lambda row: row.figures[name].show(digits) if name in row.figures else "–"


def _table(title: str, columns: Mapping[str, Callable[[Row], str]], rows: Sequence[Row], note: str = "") -> list[str]:
    lines = [f"### {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(column(row) for column in columns.values()) + " |" for row in rows]
    return [*lines, "", *([note, ""] if note else [])]
