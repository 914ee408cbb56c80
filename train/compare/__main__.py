"""Compares checkpoints and says whether the difference is real.

python -m train.compare runs/a runs/b
python -m train.compare runs/a --checkpoints --split dev
python -m train.compare runs/a dist/dosilink-0.1.0-py3-none-any.whl
python -m train.compare --baseline runs/a --candidate runs/b --fail-if-worse entity_f1:0.005
"""

from pathlib import Path
from typing import Annotated

import typer

from model.runtime.errors import ConfigError, DataError

from ..console import console, run
from ..data.corpus import ANNOTATIONS, SPLITS, Corpus
from ..evaluate import REPORTS, data_suffix, plain_name
from ..report import write_json, write_text
from .comparison import Comparison, Settings, compare, pair_findings
from .data import report_data
from .entrants import Entrant, find_entrants
from .gate import Condition, check_articles, judge, parse_condition, undecidable
from .markdown import markdown
from .page import page
from .predictions import CACHE
from .recipes import Side
from .sections import sections
from .statistics import Sampling
from .verdicts import sentences

app = typer.Typer(add_completion=False)


@app.command()
def main(
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="run folders, checkpoints, exported folders, wheels; wildcards allowed"),
    ] = None,
    split: Annotated[str, typer.Option(help="train, dev or test")] = "test",
    data: Annotated[Path, typer.Option(help="folder with <split>.jsonl")] = ANNOTATIONS,
    output: Annotated[
        Path | None, typer.Option(help="folder for report.html, .md and .json; default: reports/<names>-<split>")
    ] = None,
    title: Annotated[str | None, typer.Option(help="title of the report")] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="also each run's kept checkpoints: the course of training")
    ] = False,
    pool: Annotated[bool, typer.Option(help="seeds of one recipe count as one")] = True,
    resamples: Annotated[int, typer.Option(min=100, help="bootstrap samples and shuffles")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="of bootstrap and shuffles")] = 13,
    threads: Annotated[int, typer.Option(min=1, help="for predicting, so that speeds compare")] = 1,
    cache: Annotated[Path, typer.Option(help="folder in which predictions are kept")] = CACHE,
    fresh: Annotated[bool, typer.Option("--fresh", help="predict and measure again, whatever is kept")] = False,
    baseline: Annotated[list[str] | None, typer.Option(help="gate: what must not be undercut; again for more seeds")] = None,
    candidate: Annotated[list[str] | None, typer.Option(help="gate: what is judged; again for more seeds")] = None,
    fail_if_worse: Annotated[
        list[str] | None, typer.Option(help="gate: score:margin, e.g. entity_f1:0.005; exit code 1 when significantly worse")
    ] = None,
) -> None:
    """Compare checkpoints: one HTML page, Markdown and JSON; or, with --baseline and --candidate, a gate for CI."""
    if split not in SPLITS:
        raise ConfigError(f"--split {split}: the splits are {', '.join(SPLITS)}")
    settings = Settings(split, data, threads, cache, fresh, pool, Sampling(resamples, seed))
    if baseline or candidate or fail_if_worse:
        if places or not (baseline and candidate and fail_if_worse):
            raise ConfigError("the gate takes --baseline, --candidate and --fail-if-worse together, and no other runs")
        conditions = [parse_condition(text) for text in fail_if_worse]
        passed = _gate(find_entrants(baseline), find_entrants(candidate), conditions, settings, output, title)
        raise typer.Exit(0 if passed else 1)
    if not places:
        raise ConfigError("name at least one run: python -m train.compare runs/a runs/b")
    comparison = compare(find_entrants(places, checkpoints), settings, _progress)
    for sentence in sentences(comparison):
        console.print(sentence.text, markup=False)
    _print_notes(comparison)
    _write(comparison, output, title)


def _gate(
    baseline: list[Entrant],
    candidate: list[Entrant],
    conditions: list[Condition],
    settings: Settings,
    output: Path | None,
    title: str | None,
) -> bool:
    entrants = [*baseline, *candidate]
    chosen = [
        _side("baseline", baseline, range(len(baseline))),
        _side("candidate", candidate, range(len(baseline), len(entrants))),
    ]
    corpus = Corpus(settings.data)
    check_articles(len(corpus.read(settings.split)), chosen, settings.sampling, str(corpus.jsonl(settings.split)))
    comparison = compare(entrants, settings, _progress, chosen)
    found = pair_findings(comparison, [condition.metric for condition in conditions])
    blind = undecidable(conditions, comparison)
    findings = judge([condition for condition in conditions if condition not in blind], found, settings.sampling.alpha)
    console.print(f"candidate {chosen[1].name} against baseline {chosen[0].name}, {split_text(comparison)}", markup=False)
    for finding in findings:
        console.print(str(finding), markup=False)
    _print_notes(comparison)
    if output is not None:
        _write(comparison, output, title)
    if blind:
        raise DataError("; ".join(f"--fail-if-worse {condition.metric}: {why}" for condition, why in blind.items()))
    return not any(finding.failed for finding in findings)


def _side(role: str, entrants: list[Entrant], members: range) -> Side:
    return Side(entrants[0].name if len(entrants) == 1 else f"{role} ({len(entrants)} runs)", tuple(members))


def split_text(comparison: Comparison) -> str:
    """What was compared on."""
    return f"{comparison.data}, {len(comparison.gold)} articles"


def _print_notes(comparison: Comparison) -> None:
    for note in comparison.notes:
        console.print(f"note: {note}", markup=False)


def _progress(what: str) -> None:
    console.print(f"compare: {what}", markup=False)


def _write(comparison: Comparison, output: Path | None, title: str | None) -> None:
    names = [side.name for side in comparison.sides]
    heading = title or (f"Report: {names[0]}" if len(names) == 1 else f"Comparison: {' · '.join(names)}")
    folder = output or REPORTS / f"{_folder_name(names, comparison.settings.split)}{data_suffix(comparison.settings.data)}"
    parts = sections(comparison)
    write_json(folder / "report.json", report_data(heading, comparison))
    write_text(folder / "report.md", markdown(heading, comparison, parts))
    write_text(folder / "report.html", page(heading, comparison, parts))
    console.print(f"report: {folder / 'report.html'}", markup=False)


def _folder_name(names: list[str], split: str) -> str:
    """A short, plain folder name that says what was compared."""
    plain = [plain_name(name) or "run" for name in names]
    shown = plain if len(plain) <= 3 else [*plain[:2], f"{len(plain) - 2}-more"]
    return f"{'_'.join(shown)[:120]}-{split}"


if __name__ == "__main__":
    run(app)
