"""doccano's JSON Lines for sequence labelling, with relations (https://doccano.github.io/doccano, `JSONL(relation)`).

Offsets: doccano's editor runs in the browser and counts UTF-16 code units (doccano#2290, #2484); files that were made by other
means may count code points. The file does not say which, so the caller does. The two differ only in texts with characters
beyond the Basic Multilingual Plane.

Variants that are read: `text` or `data`; mentions under `entities` (objects or `[start, end, label]`), `label` or `labels`
(`[start, end, label]`), `relations` with `from_id`, `to_id`, `type`. doccano keeps columns that it does not know and exports them
again, so id, title, source and meta go and come back; other columns and comments are kept in the document's meta.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.runtime.document import Document, atomic_write
from model.runtime.errors import DataError

from .build import Link, Reading, Span, build_document, numbered, scored
from .files import json_lines
from .offsets import Unit, Utf16Places, code_point_spans

_MENTION_KEYS = ("entities", "label", "labels")
_OWN_KEYS = {"id", "text", "data", "relations", "title", "source", "meta", *_MENTION_KEYS}
_COMMENTS = ("Comments", "comments")


def read_doccano(path: Path, unit: Unit = "utf-16") -> Reading:
    """The articles of an export. Mentions are renumbered T1, T2, … (doccano's ids are rows of its database)."""
    return Reading([_document(item, where, f"{path.stem}-{n}", unit) for n, (where, item) in enumerate(json_lines(path), 1)])


def _document(item: dict[str, Any], where: str, fallback: str, unit: Unit) -> Document:
    text = item.get("text", item.get("data"))
    if not isinstance(text, str):
        raise DataError(f"{where}: has no “text”")
    present = [key for key in _MENTION_KEYS if item.get(key)]
    if len(present) > 1:
        raise DataError(f"{where}: has mentions under {' and '.join(present)}; keep one")
    said = item[present[0]] if present else []
    if not isinstance(said, list):
        raise DataError(f"{where}: “{present[0]}” should be a list")
    raw = [_mention(mention, number, where) for number, mention in enumerate(said)]
    spans = code_point_spans(text, [(start, end) for _, start, end, _ in raw], unit, where)
    marked = [Span(name, start, end, label) for (name, _, _, label), (start, end) in zip(raw, spans, strict=True)]
    links = [_link(relation, where) for relation in item.get("relations") or []]
    doc_id = item.get("id")
    return build_document(
        doc_id if isinstance(doc_id, str) else f"{fallback}" if doc_id is None else f"doccano-{doc_id}",
        text,
        *numbered(marked, links),
        where,
        title=item.get("title"),
        source=item.get("source") or "",
        meta=_meta(item, where),
    )


def _meta(item: dict[str, Any], where: str) -> dict[str, Any]:
    meta = item.get("meta") or {}
    if not isinstance(meta, dict):
        raise DataError(f"{where}: “meta” should be an object")
    unknown = {key: value for key, value in item.items() if key not in _OWN_KEYS and not (key in _COMMENTS and not value)}
    return {**meta, **unknown}


def _mention(mention: Any, number: int, where: str) -> tuple[str, int, int, str]:
    if isinstance(mention, dict):
        values = [mention.get(key) for key in ("start_offset", "end_offset", "label")]
        name = str(mention.get("id", f"#{number}"))
    else:
        values, name = mention, f"#{number}"
    match values:
        case [int(start), int(end), str(label)]:
            return name, start, end, label
    raise DataError(f"{where}: mention {number + 1} should have start_offset, end_offset and a label by name, found {mention!r}")


def _link(relation: Any, where: str) -> Link:
    match relation:
        case {"from_id": head, "to_id": tail, "type": str(kind)}:
            return Link(str(head), str(tail), kind)
    raise DataError(f"{where}: a relation should have from_id, to_id and type, found {relation!r}")


def write_doccano(documents: Sequence[Document], path: Path, unit: Unit = "utf-16") -> list[str]:
    """Writes `JSONL(relation)`; returns what doccano could not carry."""
    with atomic_write(path) as out:
        for document in documents:
            out.write(json.dumps(_item(document, unit), ensure_ascii=False) + "\n")
    return ["doccano has no place for scores; they are left out"] if scored(documents) else []


def _item(document: Document, unit: Unit) -> dict[str, Any]:
    places = Utf16Places(document.text)
    number = {entity.id: index for index, entity in enumerate(document.entities, 1)}

    def counted(place: int) -> int:
        return places.to_units(place) if unit == "utf-16" else place

    return {
        "id": document.id,
        "text": document.text,
        "entities": [
            {"id": number[e.id], "label": e.label, "start_offset": counted(e.start), "end_offset": counted(e.end)}
            for e in document.entities
        ],
        "relations": [
            {"id": index, "from_id": number[r.head], "to_id": number[r.tail], "type": r.type}
            for index, r in enumerate(document.relations, 1)
        ],
        "title": document.title,
        "source": document.source,
        "meta": dict(document.meta),
    }
