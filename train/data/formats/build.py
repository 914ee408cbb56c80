"""From what a tool's file says to a Document: what all readers share."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from model.runtime.document import Document, document_from_dict
from model.runtime.errors import DataError
from model.runtime.schema import relation_type

_FILE_ID = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣._-]*")


@dataclass(frozen=True)
class Span:
    """A mention as read: `[start, end)` in code points."""

    id: str
    start: int
    end: int
    label: str
    score: float | None = None


@dataclass(frozen=True)
class Link:
    """A relation as read, between the ids of two spans."""

    head: str
    tail: str
    type: str
    id: str = ""
    score: float | None = None


@dataclass
class Reading:
    """The documents of a source, and what the user should know of them (what was passed over, and why)."""

    documents: list[Document] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def build_document(
    doc_id: str,
    text: str,
    spans: Sequence[Span],
    links: Iterable[Link],
    where: str,
    *,
    title: str | None = None,
    source: str = "",
    meta: Mapping[str, Any] | None = None,
) -> Document:
    """A checked document; see `document_from_dict` for what raises DataError.

    Symmetric relations are turned so that the earlier mention comes first; relations without an id are numbered. Without a
    title the first line of the text is it, as the schema says.
    """
    data: dict[str, Any] = {
        "id": doc_id,
        "text": text,
        "title": text.split("\n", 1)[0] if title is None else title,
        "source": source,
        "meta": dict(meta or {}),
        "entities": [{"id": s.id, "start": s.start, "end": s.end, "label": s.label, "score": s.score} for s in spans],
        "relations": [
            {"id": link.id or f"R{number}", "head": link.head, "tail": link.tail, "type": link.type, "score": link.score}
            for number, link in enumerate(links, 1)
        ],
    }
    return _earlier_first(document_from_dict(data, where))


def _earlier_first(document: Document) -> Document:
    place = {entity.id: index for index, entity in enumerate(document.entities)}
    relations = tuple(
        replace(r, head=r.tail, tail=r.head) if relation_type(r.type).symmetric and place[r.tail] < place[r.head] else r
        for r in document.relations
    )
    return replace(document, relations=relations)


def numbered(spans: Sequence[Span], links: Sequence[Link]) -> tuple[list[Span], list[Link]]:
    """Spans as T1, T2, … in the order of the text, and the links between them under those ids."""
    ordered = sorted(spans, key=lambda s: (s.start, s.end))
    names = {span.id: f"T{number}" for number, span in enumerate(ordered, 1)}
    return (
        [replace(span, id=names[span.id]) for span in ordered],
        [replace(link, head=names.get(link.head, link.head), tail=names.get(link.tail, link.tail)) for link in links],
    )


def file_name(document: Document) -> str:
    """The id, when it does as a file name; DataError otherwise."""
    if _FILE_ID.fullmatch(document.id) is None:
        raise DataError(f"{document.id!r}: does not do as a file name; use letters, digits, “.”, “_” and “-”")
    return document.id


def scored(documents: Sequence[Document]) -> bool:
    """Whether any mention or relation is a prediction with a score."""
    return any(e.score is not None for d in documents for e in d.entities) or any(
        r.score is not None for d in documents for r in d.relations
    )


def refuse_equal_ids(documents: Iterable[Document]) -> None:
    """DataError when two documents share an id: one would overwrite the other."""
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise DataError(f"{document.id}: two articles have this id; rename one")
        seen.add(document.id)
