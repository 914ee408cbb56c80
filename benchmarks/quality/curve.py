"""Scores over the share of the training articles: what more annotation would bring, and what pretraining is worth.

python -m benchmarks.quality.curve
python -m benchmarks.quality.curve --only crf --share 0.25
"""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import typer
from huggingface_hub.utils import logging as hub_logging
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from transformers.utils import logging as transformers_logging

from train.console import console, run
from train.report import write_json, write_text

from .articles import Articles, nested_share, read_articles
from .config import Curve, Settings, check_chosen, load_config
from .jobs import holds, run_job
from .result import Result, SplitScores, read_result, write_result
from .table import Spread, spread

CONFIG = Path(__file__).parent / "curve.yaml"
MEASURES = ("mentions", "relations")

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Point:
    """Scores of an entrant at a share of the training articles; `None` where it finds no relations."""

    entrant: str
    title: str
    share: float
    training_articles: int
    mentions: Spread
    unseen: Spread
    relations: Spread | None
    dev_mentions: Spread
    dev_relations: Spread | None


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="entrants, shares, seeds")] = CONFIG,
    only: Annotated[list[str] | None, typer.Option(help="an entrant's name; may be given several times")] = None,
    share: Annotated[list[float] | None, typer.Option(help="one of the configured shares; may be given several times")] = None,
    table: Annotated[bool, typer.Option("--table", help="write table and plot from what is finished, train nothing")] = False,
) -> None:
    """Train the entrants on growing shares of the articles; finished points are passed over."""
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    curve = load_config(config, Curve)
    if not table:
        run_points(curve, only, share)
    console.print(write_curve(curve), markup=False)


def run_points(curve: Curve, only: Sequence[str] | None = None, shares: Sequence[float] | None = None) -> None:
    """Runs what is not finished, small shares first, and keeps a result a point. Even a deterministic entrant runs with each
    seed, since the seed draws the articles."""
    check_chosen("share", shares, curve.shares)
    whole = read_articles(curve.data)
    for settings in [curve.entrant(name) for name in only] if only else curve.entrants:
        for share in sorted(s for s in curve.shares if not shares or s in shares):
            for seed in _seeds(curve, settings, share):
                articles = _articles(curve, whole, share, seed)
                if _finished(curve, settings, share, seed, articles) is None:
                    result = run_job(curve, settings, seed, articles)
                    write_result(_path(curve, settings, share, seed), result)


def _seeds(curve: Curve, settings: Settings, share: float) -> list[int]:
    return curve.seeds[:1] if settings.deterministic and share >= 1 else curve.seeds


def _articles(curve: Curve, whole: Articles, share: float, seed: int) -> Articles:
    return nested_share(whole, share, seed, curve.work / "shares" / f"{share:g}-{seed}")


def _path(curve: Curve, settings: Settings, share: float, seed: int) -> Path:
    return curve.results / f"{settings.name}-{round(100 * share)}-{seed}.json"


def _finished(curve: Curve, settings: Settings, share: float, seed: int, articles: Articles) -> Result | None:
    path = _path(curve, settings, share, seed)
    if not path.is_file():
        return None
    result = read_result(path)
    return result if holds(result, settings, articles, {}) else None


def write_curve(curve: Curve) -> str:
    """Writes `table.md`, `curve.json` and a plot for each measure from the finished points; returns the Markdown."""
    points = curve_points(curve)
    markdown = _table(points)
    write_text(curve.results / "table.md", markdown)
    write_json(curve.results / "curve.json", {"points": [asdict(point) for point in points]})
    for measure in MEASURES:
        drawn = [point for point in points if getattr(point, measure) is not None]
        if drawn:
            write_text(curve.results / f"{measure}.svg", plot(drawn, measure))
    return markdown


def curve_points(curve: Curve) -> list[Point]:
    """Mean and spread over the seeds at each share that has a finished result."""
    whole = read_articles(curve.data)
    points = []
    for settings in curve.entrants:
        for share in sorted(curve.shares):
            found = [
                result
                for seed in _seeds(curve, settings, share)
                if (result := _finished(curve, settings, share, seed, _articles(curve, whole, share, seed))) is not None
            ]
            if found:
                points.append(_point(settings, share, found))
    return points


def _point(settings: Settings, share: float, results: Sequence[Result]) -> Point:
    test, dev = ([result.splits[split] for result in results] for split in ("test", "dev"))
    return Point(
        settings.name,
        settings.shown,
        share,
        results[0].training_articles,
        _mentions(test),
        spread([scores.unseen.f1 for scores in test if scores.unseen is not None]),
        _relations(test),
        _mentions(dev),
        _relations(dev),
    )


def _mentions(runs: Sequence[SplitScores]) -> Spread:
    return spread([scores.entities.micro.f1 for scores in runs if scores.entities is not None])


def _relations(runs: Sequence[SplitScores]) -> Spread | None:
    found = [of.micro.f1 for scores in runs for of in scores.relations.values()]
    return spread(found) if found else None


def _table(points: Sequence[Point]) -> str:
    columns = (
        "",
        "share",
        "articles",
        "test: mentions",
        "unseen mentions",
        "relations, end to end",
        "dev: mentions",
        "relations",
    )
    lines = [
        "F1 (mentions strict), mean ± standard deviation over seeds (they draw the articles too).",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    for p in points:
        spreads = (p.mentions, p.unseen, p.relations, p.dev_mentions, p.dev_relations)
        cells = (p.title, f"{p.share:.0%}", str(p.training_articles), *(s.show() if s else "–" for s in spreads))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def plot(points: Sequence[Point], measure: str) -> str:
    """An SVG of a measure over the number of training articles; the same points give the same bytes."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes: Axes = figure.add_subplot()
    for name in dict.fromkeys(point.entrant for point in points):
        own = [point for point in points if point.entrant == name]
        spreads: list[Spread] = [getattr(point, measure) for point in own]
        axes.errorbar(
            [point.training_articles for point in own],
            [s.mean for s in spreads],
            yerr=[s.deviation or 0.0 for s in spreads],
            marker="o",
            capsize=3,
            label=own[0].title.encode("ascii", "replace").decode(),
        )
    axes.set_xlabel("training articles")
    axes.set_ylabel(
        {"mentions": "mentions, strict micro F1 (test)", "relations": "relations end to end, micro F1 (test)"}[measure]
    )
    axes.grid(alpha=0.3)
    axes.legend()
    drawn = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "dosilink"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


if __name__ == "__main__":
    run(app)
