"""The report as JSON: every number of the tables, unrounded, for other programs."""

from dataclasses import asdict
from typing import Any

from ..evaluate import SHOWN_DIGITS
from .comparison import Comparison, Result
from .errors import Confusion, label_confusion, mention_classes, relation_classes, relation_confusion, wrong_surfaces
from .precision_recall import Curve

_FORMAT = 1
_SURFACES = 50


def report_data(title: str, comparison: Comparison) -> dict[str, Any]:
    """What `report.json` holds. Scores are in [0, 1], differences second minus first.

    `data_sha256` is the beginning of the SHA-256 of the split's file. An entrant's `seen` and `arguments` are empty when the data
    folder has no train.jsonl.
    """
    settings = comparison.settings
    names = [side.name for side in comparison.sides]
    return {
        "format": _FORMAT,
        "title": title,
        "split": settings.split,
        "data": str(settings.data),
        "data_sha256": comparison.sha256[:SHOWN_DIGITS],
        "articles": len(comparison.gold),
        "sampling": asdict(settings.sampling),
        "notes": comparison.notes,
        "entrants": {result.entrant.name: _result(result) for result in comparison.results},
        "sides": [
            {
                "name": side.name,
                "members": [comparison.names[member] for member in side.members],
                "scores": {key: asdict(found) for key, found in intervals.items()},
            }
            for side, intervals in zip(comparison.sides, comparison.side_intervals, strict=True)
        ],
        "pairs": [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                "articles_needed": pair.needed,
                "differences": {key: asdict(difference) for key, difference in pair.differences.items()},
                "by_name": {key: asdict(found) for key, found in pair.by_name.items()},
            }
            for pair in comparison.pairs
        ],
        "pools": [
            {"name": p.side.name, "seeds": p.seeds, "spreads": {key: asdict(s) for key, s in p.spreads.items()}}
            for p in comparison.pools
        ],
        "training": {log.run: {curve.name: curve.points for curve in log.curves} for log in comparison.logs},
        "recipes": {row.key: dict(zip(comparison.names, row.values, strict=True)) for row in comparison.recipes},
        "provenance": {row.key: dict(zip(comparison.names, row.values, strict=True)) for row in comparison.provenance},
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "kind": result.entrant.kind,
        "path": str(result.entrant.path),
        "step": result.entrant.step,
        "recipe": result.recipe,
        "evaluation": asdict(result.evaluation),
        "intervals": {key: asdict(found) for key, found in result.intervals.items()},
        "seen": {name: asdict(score) for name, score in result.seen.items()},
        "arguments": {name: asdict(score) for name, score in result.arguments.items()},
        "length": {name: asdict(group) for name, group in result.lengths.items()},
        "genre": {name: asdict(group) for name, group in result.genres.items()},
        "mention_errors": dict(mention_classes(result.outcomes)),
        "relation_errors": dict(relation_classes(result.outcomes)),
        "label_confusion": _confusion(label_confusion(result.outcomes)),
        "relation_confusion": _confusion(relation_confusion(result.outcomes)),
        "wrong_mentions": [asdict(wrong) for wrong in wrong_surfaces(result.outcomes, _SURFACES)],
        "calibration": {"mentions": asdict(result.mention_calibration), "relations": asdict(result.relation_calibration)},
        "curves": {"mentions": _curve(result.mention_curve), "relations": _curve(result.relation_curve)},
        "speed": asdict(result.speed),
        "size": asdict(result.size),
        "training": asdict(result.cost),
    }


def _curve(curve: Curve) -> list[dict[str, Any]]:
    return [{"min_score": point.min_score} | asdict(point.score) for point in curve]


def _confusion(confusion: Confusion) -> dict[str, Any]:
    return {"rows": [*confusion.names, "spurious"], "columns": [*confusion.names, "missed"], "values": confusion.values.tolist()}
