"""Documents as text for people and for other tools."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from .document import Document
from .records import json_line


def rendered(name: str, document: Document, form: str) -> str:
    """The document, `name` its id, as a line of JSON Lines (`jsonl`), brat standoff (`brat`) or tables (any other form)."""
    if form == "jsonl":
        return json_line(replace(document, id=name).to_dict()).decode()
    return brat(document) if form == "brat" else f"# {name}\n{table(document)}"


def table(document: Document) -> str:
    """Mentions and relations in two aligned tables; Hangul counts as two columns, as terminals show it."""
    mentions = [
        (e.id, e.label, _line(e.text), f"{e.start}–{e.end}", _score(e.score), _line(e.canonical) if e.canonical != e.text else "")
        for e in document.entities
    ]
    # Most short texts name nobody twice; the column would only be in the way.
    columns = 6 if any(row[-1] for row in mentions) else 5
    surface = {e.id: _line(e.text) for e in document.entities}
    relations = [(surface[r.head], r.type, surface[r.tail], _score(r.score)) for r in document.relations]
    return (
        _columns(("id", "label", "mention", "place", "score", "stands for")[:columns], [row[:columns] for row in mentions])
        + "\n"
        + _columns(("head", "relation", "tail", "score"), relations)
    )


def _line(text: str) -> str:
    return text.replace("\n", " ")


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    everything = [header, *rows]
    widths = [max(_width(row[i]) for row in everything) for i in range(len(header))]
    lines = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)) for row in everything
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def brat(document: Document) -> str:
    """brat standoff: one line a mention, one a relation. Line breaks inside a mention are written as spaces, as brat does."""
    lines = [f"{e.id}\t{e.label} {e.start} {e.end}\t{e.text.replace(chr(10), ' ')}\n" for e in document.entities]
    lines.extend(f"{r.id}\t{r.type} Arg1:{r.head} Arg2:{r.tail}\n" for r in document.relations)
    return "".join(lines)
