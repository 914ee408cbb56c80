"""Plots of the corpus. All words in them are ASCII, so that no font with Hangul is needed. Imported only by who draws."""

import os
from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.runtime.schema import LABELS, RELATIONS

from .statistics import Splits, distributions, years

_BINS = 30


def draw(splits: Splits, folder: Path) -> list[Path]:
    """Draws labels, relations, years and every distribution into PNG files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(_drawn(splits, folder))


def _drawn(splits: Splits, folder: Path) -> Iterator[Path]:
    mentions = {s: [sum(e.label == label for d in ds for e in d.entities) for label in LABELS] for s, ds in splits.items()}
    yield _bars("mentions by label", LABELS, mentions, folder)
    relations = {s: [sum(r.type == name for d in ds for r in d.relations) for name in RELATIONS] for s, ds in splits.items()}
    yield _bars("relations by type", RELATIONS, relations, folder)
    dated = years(splits)
    all_years = sorted({year for count in dated.values() for year in count})
    if all_years:
        yield _bars(
            "articles by year", [str(y) for y in all_years], {s: [dated[s][y] for y in all_years] for s in splits}, folder
        )
    for distribution in distributions(splits):
        figure, axes = _figure(distribution.name)
        values = {split: list(found) for split, found in distribution.values.items() if found}
        if values:
            axes.hist(list(values.values()), bins=_BINS, label=list(values), density=True)
            axes.legend()
        axes.set_xlabel(distribution.unit)
        axes.set_ylabel("share of the split")
        yield _save(figure, distribution.name, folder)


def _bars(name: str, ticks: tuple[str, ...] | list[str], heights: dict[str, list[int]], folder: Path) -> Path:
    figure, axes = _figure(name)
    bottom = [0] * len(ticks)
    for split, values in heights.items():
        axes.bar(range(len(ticks)), values, bottom=bottom, label=split)
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    axes.set_xticks(range(len(ticks)), ticks, rotation=60, ha="right")
    axes.legend()
    return _save(figure, name, folder)


def _figure(name: str) -> tuple[Figure, Axes]:
    """A figure without pyplot: no window system, no global state."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(name)
    return figure, axes


def _save(figure: Figure, name: str, folder: Path) -> Path:
    path = folder / f"{name.replace(' ', '-')}.png"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        figure.savefig(temporary, format="png", dpi=120)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
