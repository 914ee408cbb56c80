"""Figures as SVG that takes its colours from the page: text stays text, so any font the reader has will do.

matplotlib knows no CSS, so it draws with colours that mean something else, and these are replaced in the SVG: one for text, one
for lines, one a series.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from .calibration import Calibration
from .counts import METRICS
from .logs import ENTITIES, LOSS, RELATIONS, TrainingLog
from .precision_recall import Curve
from .statistics import Interval
from .tables import Figure

SERIES = 8
"""Colours that the page defines for series; more start again with another line style."""

_TEXT, _LINE, _SERIES = "#010203", "#040506", "#0a0b{:02x}"
_STYLES = ("-", "--", ":", "-.")
_MARKERS = "osD^vPX*"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dosilink",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _LINE,
    "xtick.labelcolor": _TEXT,
    "ytick.color": _LINE,
    "ytick.labelcolor": _TEXT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


def _colour(index: int) -> str:
    return _SERIES.format(index % SERIES)


def _short(name: str, length: int = 30) -> str:
    return name if len(name) <= length else f"…{name[1 - length :]}"


@contextmanager
def _drawing(width: float, height: float) -> Iterator[Drawing]:
    with mpl.rc_context(_SETTINGS):
        drawing = Drawing(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(drawing)
        yield drawing


def _svg(drawing: Drawing, prefix: str) -> str:
    """The drawing as an SVG element whose ids begin with `prefix`, in the page's colours."""
    out = io.StringIO()
    drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :].replace(_TEXT, "currentColor").replace(_LINE, "var(--line)")
    for index in range(SERIES):
        svg = svg.replace(_colour(index), f"var(--series-{index})")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    # Width and height in points would keep the drawing from shrinking with the page.
    head, rest = svg.split(">", 1)
    return re.sub(r' (?:width|height)="[^"]*"', "", head) + ' aria-hidden="true">' + rest


def forest(
    prefix: str, title: str, names: Sequence[str], intervals: Sequence[Mapping[str, Interval]], keys: Sequence[str]
) -> Figure:
    """A panel a metric: each name with its value and interval, in points."""
    with _drawing(8.4, 1.1 + 0.32 * len(names)) as drawing:
        axes = drawing.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for panel, key in zip(axes, keys, strict=True):
            for row, found in enumerate(intervals):
                middle = found[key]
                panel.plot([100 * middle.low, 100 * middle.high], [row, row], color=_colour(row), linewidth=2)
                panel.plot([100 * middle.value], [row], _MARKERS[row % len(_MARKERS)], color=_colour(row), markersize=6)
            panel.set_title(METRICS[key].title.replace(", ", ",\n"), loc="left")
            panel.set_ylim(len(names) - 0.5, -0.5)
            panel.set_yticks(range(len(names)), [_short(name, 24) for name in names])
            panel.grid(visible=False, axis="y")
        said = "; ".join(
            f"{name}: "
            + ", ".join(
                f"{METRICS[k].title} {100 * i[k].value:.1f} ({100 * i[k].low:.1f} to {100 * i[k].high:.1f})" for k in keys
            )
            for name, i in zip(names, intervals, strict=True)
        )
        return Figure(title, _svg(drawing, prefix), said, "Points out of 100; the line is the 95% interval over articles.")


def reliability(names: Sequence[str], panels: Mapping[str, Sequence[Calibration]]) -> Figure:
    """Accuracy against mean score, a panel for mentions and one for relations; on the diagonal a score means what it says."""
    with _drawing(8.4, 4.2) as drawing:
        axes = drawing.subplots(1, len(panels), squeeze=False)[0]
        for panel, (title, found) in zip(axes, panels.items(), strict=True):
            panel.plot([0, 1], [0, 1], color=_LINE, linewidth=1.5)
            for index, calibrated in enumerate(found):
                panel.plot(
                    [b.confidence for b in calibrated.bins],
                    [b.accuracy for b in calibrated.bins],
                    _STYLES[index // SERIES % len(_STYLES)],
                    marker=_MARKERS[index % len(_MARKERS)],
                    markersize=4,
                    color=_colour(index),
                    label=_short(names[index]),
                )
            panel.set(
                title=title, xlabel="mean score", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal"
            )
        _legend(drawing, axes[0])
        said = "; ".join(
            f"{title}, {name}: expected calibration error {c.error:.3f}"
            for title, found in panels.items()
            for name, c in zip(names, found, strict=True)
        )
        return Figure("Reliability", _svg(drawing, "reliability"), said, "A line under the diagonal is too sure of itself.")


def precision_recall(names: Sequence[str], panels: Mapping[str, Sequence[Curve]], marked: Sequence[float]) -> Figure:
    """Precision against recall as `min_score` rises, a panel for mentions and one for relations; `marked` steps are dots."""
    with _drawing(8.4, 4.2) as drawing:
        axes = drawing.subplots(1, len(panels), squeeze=False)[0]
        for panel, (title, curves) in zip(axes, panels.items(), strict=True):
            for index, curve in enumerate(curves):
                left = [point for point in curve if point.score.predicted]
                panel.plot(
                    [100 * point.score.recall for point in left],
                    [100 * point.score.precision for point in left],
                    _STYLES[index // SERIES % len(_STYLES)],
                    marker=_MARKERS[index % len(_MARKERS)],
                    markevery=[place for place, point in enumerate(left) if point.min_score in marked],
                    markersize=4,
                    color=_colour(index),
                    label=_short(names[index]),
                )
            panel.set(title=title, xlabel="recall", ylabel="precision", xlim=(0, 101), ylim=(0, 102))
        _legend(drawing, axes[0])
        said = "; ".join(
            f"{title}, {name}: "
            + ", ".join(
                f"from {point.min_score:g} precision {100 * point.score.precision:.1f} and recall {100 * point.score.recall:.1f}"
                for point in curve
                if point.min_score in marked
            )
            for title, curves in panels.items()
            for name, curve in zip(names, curves, strict=True)
        )
        steps = ", ".join(f"{step:g}" for step in marked)
        note = f"From right to left as min_score rises from 0 to 1; dots at {steps}."
        return Figure("Precision and recall by min_score", _svg(drawing, "min-score"), said, note)


def training_curves(logs: Sequence[TrainingLog]) -> Figure | None:
    """Training loss and dev scores over optimiser steps; None when no run kept a log."""
    if not any(log.curves for log in logs):
        return None
    panels = ((LOSS, "Training loss"), (ENTITIES, "Mentions F1 on dev"), (RELATIONS, "Relations F1 on dev"))
    with _drawing(8.4, 3.1) as drawing:
        axes = drawing.subplots(1, len(panels))
        for panel, (name, title) in zip(axes, panels, strict=True):
            for index, log in enumerate(logs):
                if points := log.curve(name):
                    scale = 1 if name == LOSS else 100
                    panel.plot(
                        [step for step, _ in points],
                        [scale * number for _, number in points],
                        _STYLES[index // SERIES % len(_STYLES)],
                        color=_colour(index),
                        label=_short(log.run),
                    )
            panel.set(xlabel="optimiser step")
            panel.set_title(title, loc="left")
        _legend(drawing, axes[0])
        said = "; ".join(
            f"{log.run}: " + ", ".join(f"{c.name} {c.points[0][1]:.3f} to {c.points[-1][1]:.3f}" for c in log.curves)
            for log in logs
        )
        return Figure(
            "Training curves", _svg(drawing, "curves"), said, "Loss is that of tags plus the weighted one of relations."
        )


def course(runs: Mapping[str, Sequence[tuple[int, Mapping[str, Interval]]]], keys: Sequence[str]) -> Figure:
    """Scores of a run's checkpoints on the split over the optimiser step, with intervals."""
    with _drawing(8.4, 3.1) as drawing:
        axes = drawing.subplots(1, len(keys), squeeze=False)[0]
        for panel, key in zip(axes, keys, strict=True):
            for index, (run, stages) in enumerate(runs.items()):
                steps = [step for step, _ in stages]
                middle = [100 * found[key].value for _, found in stages]
                ends = [
                    [100 * (f[key].value - f[key].low) for _, f in stages],
                    [100 * (f[key].high - f[key].value) for _, f in stages],
                ]
                panel.errorbar(
                    steps, middle, yerr=ends, marker="o", markersize=4, capsize=3, color=_colour(index), label=_short(run)
                )
            panel.set(xlabel="optimiser step")
            panel.set_title(METRICS[key].title, loc="left")
        _legend(drawing, axes[0])
        said = "; ".join(
            f"{run}, step {step}: " + ", ".join(f"{METRICS[k].title} {100 * found[k].value:.1f}" for k in keys)
            for run, stages in runs.items()
            for step, found in stages
        )
        return Figure("Course of training", _svg(drawing, "course"), said, "Checkpoints on this split; bars are 95% intervals.")


def _legend(drawing: Drawing, panel: Axes) -> None:
    lines, names = panel.get_legend_handles_labels()
    if len(names) > 1:
        drawing.legend(lines, names, loc="outside lower center", ncols=min(3, len(names)))
