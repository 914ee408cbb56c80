"""The report as Markdown: the same sentences and tables, figures left out."""

from collections.abc import Sequence

from .comparison import Comparison
from .tables import Cell, Section, Table


def markdown(title: str, comparison: Comparison, parts: Sequence[Section]) -> str:
    """The whole report."""
    lines = [f"# {_text(title)}", "", f"Split {_text(comparison.data)}, {len(comparison.gold)} articles.", ""]
    for section in parts:
        lines += [f"## {section.title}", ""]
        lines += [f"- {_text(cell.text)}" for cell in section.sentences]
        lines += [""] if section.sentences else []
        for part in section.parts:
            if isinstance(part, Table):
                lines += [_table(part), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(part: Table) -> str:
    rule = ["---", *("---" if part.prose else "---:" for _ in part.columns[1:])]
    rows = [[_cell(cell) for cell in row] for row in part.rows]
    lines = [f"### {_text(part.title)}", "", _row([_text(column) for column in part.columns]), _row(rule), *map(_row, rows)]
    return "\n".join([*lines, "", _text(part.note)] if part.note else lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Cell) -> str:
    text = _text(cell.text)
    return f"**{text}**" if cell.style in ("best", "better", "worse") and text else text


def _text(text: str) -> str:
    """Text that is no markup: names and surfaces come from files."""
    for char in ("\\", "`", "*", "_", "|", "[", "]", "~"):
        text = text.replace(char, "\\" + char)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", " ").replace("\n", " ")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
