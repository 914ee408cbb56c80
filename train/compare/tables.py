"""What a report consists of, for HTML and Markdown alike: sections with sentences, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["", "best", "better", "worse", "unsure", "quiet"]


@dataclass(frozen=True)
class Cell:
    """Text with a meaning; `heat` in [0, 1] shades a cell of a matrix."""

    text: str
    style: Style = ""
    heat: float | None = None


Row = Sequence[Cell | str]


@dataclass(frozen=True)
class Table:
    """The first column names the rows; the others are numbers unless `prose`. `folded` hides it behind its title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False
    prose: bool = False


@dataclass(frozen=True)
class Figure:
    """An SVG drawing; `text` says what it shows to who does not see it."""

    title: str
    svg: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the report; `anchor` is its place in the page."""

    anchor: str
    title: str
    sentences: tuple[Cell, ...]
    parts: tuple[Table | Figure, ...]


def table(
    title: str, columns: Sequence[str], rows: Sequence[Row], note: str = "", folded: bool = False, prose: bool = False
) -> Table:
    """A table from cells or plain strings."""
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return Table(title, tuple(columns), cells, note, folded, prose)


def best(values: Sequence[float], texts: Sequence[str], lowest: bool = False) -> list[Cell]:
    """Cells of which the best are marked, unless all read the same."""
    top = texts[list(values).index(min(values) if lowest else max(values))]
    return [Cell(text, "best" if text == top and len(set(texts)) > 1 else "") for text in texts]


def points(value: float) -> str:
    """A score in [0, 1] as points of a hundred."""
    return f"{100 * value:.1f}"


def signed(value: float) -> str:
    """A difference of scores in points, with its sign."""
    rounded = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if rounded in ("+0.0", "−0.0") else rounded


def p_text(p: float) -> str:
    """A p-value as one writes it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
