"""Settings chosen on dev: every point of an entrant's grid is trained with the first seed, the best one serves all seeds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from train.console import console
from train.report import write_json

from .articles import Articles
from .config import Comparison, Settings, grid_points
from .jobs import run_job
from .result import Result


@dataclass(frozen=True)
class Point:
    """A point of a grid and its dev score."""

    values: Mapping[str, Any]
    dev: float
    training_minutes: float


def dev_score(result: Result) -> float:
    """Mention micro F1 on dev; for an entrant that only relates, its end-to-end relation micro F1 on the first source."""
    dev = result.splits["dev"]
    return dev.entities.micro.f1 if dev.entities is not None else next(iter(dev.relations.values())).micro.f1


def tuned(comparison: Comparison, settings: Settings, articles: Articles) -> Settings:
    """The settings at the best point of the grid; the points are written to `tuning/<entrant>.json` with their dev scores."""
    points = list(grid_points(settings))
    if len(points) == 1:
        return points[0]
    results = []
    for point in points:
        results.append(run_job(comparison, point, comparison.seeds[0], articles))
        console.print(f"  {_values(settings, point)}: dev {dev_score(results[-1]):.4f}", markup=False)
        _write(_path(comparison, settings), settings, points, results)
    best = max(range(len(points)), key=lambda index: dev_score(results[index]))
    return points[best]


def tried(comparison: Comparison, settings: Settings) -> bool:
    """Whether the entrant's tuning has been over every point of its grid: a grid that has grown has not."""
    points = list(grid_points(settings))
    if len(points) == 1:
        return True
    path = _path(comparison, settings)
    if not path.is_file():
        return False
    values = [point["values"] for point in json.loads(path.read_text(encoding="utf-8"))["points"]]
    return all(_values(settings, point) in values for point in points)


def _path(comparison: Comparison, settings: Settings) -> Path:
    return comparison.results / "tuning" / f"{settings.name}.json"


def _values(settings: Settings, point: Settings) -> dict[str, Any]:
    dump = point.model_dump(mode="json")
    return {key: dump[key] for key in settings.grid}


def _write(path: Path, settings: Settings, points: list[Settings], results: list[Result]) -> None:
    done = [
        Point(_values(settings, point), round(dev_score(result), 4), result.training_minutes)
        for point, result in zip(points, results, strict=False)
    ]
    write_json(path, {"entrant": settings.name, "seed": results[0].seed, "points": [asdict(point) for point in done]})
