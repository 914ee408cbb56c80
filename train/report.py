"""Scores as Markdown and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.runtime.document import atomic_write
from model.runtime.errors import ConfigError

from .metrics import Evaluation, Score, Scores


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes a JSON file atomically."""
    with atomic_write(path) as out:
        json.dump(data, out, ensure_ascii=False, indent=2)
        out.write("\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with atomic_write(path) as out:
        out.write(text)


def put_between(page: Path, begin: str, end: str, content: str) -> None:
    """Replaces what a page has between two marks, each a line of its own; ConfigError when it lacks page or marks."""
    if not page.is_file():
        raise ConfigError(f"{page}: there is no such page; put the two marks into it: {begin} {end}")
    before, first, rest = page.read_text(encoding="utf-8").partition(begin)
    _, second, after = rest.partition(end)
    if not first or not second:
        raise ConfigError(f"{page}: lacks the marks between which the text goes: {begin} {end}")
    write_text(page, f"{before}{begin}\n\n{content}\n\n{end}{after}")


def evaluation_markdown(split: str, evaluation: Evaluation) -> str:
    """The three tables of an evaluation."""
    return "\n".join(
        [
            f"## {split} ({evaluation.documents} articles)",
            "",
            evaluation_table("Mentions, strict", evaluation.entities),
            evaluation_table("Relations, end to end", evaluation.relations),
            evaluation_table("Relations, gold mentions given", evaluation.relations_gold),
        ]
    )


def evaluation_table(title: str, scores: Scores) -> str:
    """One Markdown table: a row a label or type, micro, macro."""
    rows = [f"| {title} | P | R | F1 | gold |", "|---|---|---|---|---|"]
    rows.extend(_row(name, score) for name, score in scores.by_name.items() if score.support or score.predicted)
    rows.append(_row("**micro**", scores.micro))
    rows.append(f"| macro | | | {scores.macro_f1:.3f} | |")
    return "\n".join(rows) + "\n"


def _row(name: str, score: Score) -> str:
    return f"| {name} | {score.precision:.3f} | {score.recall:.3f} | {score.f1:.3f} | {score.support} |"


def summary_rows(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, str, str, str, str]]:
    """One row a split: entity F1 micro and macro, relation F1 end to end and with gold mentions."""
    return [
        (
            split,
            f"{e.entities.micro.f1:.3f}",
            f"{e.entities.macro_f1:.3f}",
            f"{e.relations.micro.f1:.3f}",
            f"{e.relations_gold.micro.f1:.3f}",
        )
        for split, e in evaluations.items()
    ]


SUMMARY_HEADER = ("split", "mentions F1", "macro", "relations F1", "with gold mentions")


def run_report(
    recipe: str, evaluations: Mapping[str, Evaluation], provenance: Mapping[str, Any], sections: Sequence[str] = ()
) -> str:
    """The report of a run: summary, tables of each split, other sections in Markdown, provenance."""
    summary = [
        f"# {recipe}",
        "",
        "| " + " | ".join(SUMMARY_HEADER) + " |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(row) + " |" for row in summary_rows(evaluations)),
        "",
    ]
    facts = [f"- {key}: {value}" for key, value in provenance.items() if not isinstance(value, Mapping)]
    tables = [evaluation_markdown(split, evaluation) for split, evaluation in evaluations.items()]
    return "\n".join([*summary, *tables, *sections, "## Provenance", "", *facts, ""])


def evaluations_dict(
    evaluations: Mapping[str, Evaluation], more: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Evaluations for `metrics.json`, with what else there is of a split."""
    found = more or {}
    return {split: asdict(evaluation) | dict(found.get(split, {})) for split, evaluation in evaluations.items()}
