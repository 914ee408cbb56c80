"""brat standoff: a folder with `<id>.txt`, `<id>.ann` and `annotation.conf` (https://brat.nlplab.org/standoff.html).

brat counts code points. It has no place for what concerns the whole article, so title, source and meta go into
`metadata.jsonl` beside the files, which brat leaves alone; a folder without it is read all the same. What the schema does not
know (attributes, notes, normalisations, equivalences, events) is kept line by line in `meta["brat"]` and written back.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.runtime.document import Document, atomic_write
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATION_TYPES

from .build import Link, Reading, Span, build_document, file_name, refuse_equal_ids, scored
from .files import read_text
from .offsets import spans_by_surface

METADATA = "metadata.jsonl"
OTHER_LINES = "brat"

_TEXT_BOUND = re.compile(r"(T\d+\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")
_RELATION = re.compile(r"(R\d+\S*)\t(\S+) (\S+?):(\S+) (\S+?):(\S+)\s*")
_OWN_ID = re.compile(r"T[1-9]\d*")
_RELATION_ID = re.compile(r"R[1-9]\d*")
_SPACE = re.compile(r"\s")


def read_brat(folder: Path) -> Reading:
    """The articles of a folder and its subfolders, in the order of their names. DataError names file and line."""
    texts = sorted(folder.rglob("*.ann"))
    if not texts:
        raise DataError(f"{folder}: holds no .ann file")
    metadata = _read_metadata(folder / METADATA)
    return Reading([_read_article(path, metadata.get(path.stem, {})) for path in texts])


def _read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            item = json.loads(line)
            found[item.pop("id")] = item
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{path}:{number}: should be a JSON object with an id") from None
    return found


def _read_article(path: Path, metadata: dict[str, Any]) -> Document:
    text_path = path.with_suffix(".txt")
    if not text_path.exists():
        raise DataError(f"{path}: the text {text_path.name} is not beside it")
    text = read_text(text_path)
    spans: list[tuple[str, str, tuple[int, int], str]] = []
    links: list[Link] = []
    others: list[str] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        stripped = line.rstrip("\r")
        if not stripped.strip():
            continue
        where = f"{path}:{number}"
        if stripped.startswith("T"):
            spans.append(_text_bound(stripped, where))
        elif stripped.startswith("R"):
            links.append(_relation(stripped, where))
        elif stripped[0] in "EAMN#*":
            others.append(stripped)
        else:
            raise DataError(f"{where}: “{stripped[:20]}” begins no kind of brat annotation")
    places = spans_by_surface(text, [(span, surface) for *_, span, surface in spans], str(path))
    meta = dict(metadata.get("meta", {}))
    if others:
        meta[OTHER_LINES] = others
    return build_document(
        path.stem,
        text,
        [Span(name, start, end, label) for (name, label, *_), (start, end) in zip(spans, places, strict=True)],
        links,
        str(path),
        title=metadata.get("title"),
        source=metadata.get("source", ""),
        meta=meta,
    )


def _text_bound(line: str, where: str) -> tuple[str, str, tuple[int, int], str]:
    match = _TEXT_BOUND.fullmatch(line)
    if match is None:
        raise DataError(f"{where}: a mention reads “T1<tab>LABEL start end<tab>text”")
    name, label, places, surface = match.groups()
    if ";" in places:
        raise DataError(f"{where}: {name} “{surface}” is in several pieces ({places}); mentions here are one piece, so mark one")
    start, end = map(int, places.split())
    return name, label, (start, end), surface


def _relation(line: str, where: str) -> Link:
    match = _RELATION.fullmatch(line)
    if match is None:
        raise DataError(f"{where}: a relation reads “R1<tab>TYPE Arg1:T1 Arg2:T2”")
    name, kind, first, head, second, tail = match.groups()
    if (first, second) == ("Arg2", "Arg1"):
        head, tail = tail, head
    return Link(head, tail, kind, name)


def write_brat(documents: Sequence[Document], folder: Path) -> list[str]:
    """Writes the folder; returns what brat could not carry."""
    refuse_equal_ids(documents)
    for document in documents:
        name = file_name(document)
        with atomic_write(folder / f"{name}.txt") as out:
            out.write(document.text)
        with atomic_write(folder / f"{name}.ann") as out:
            out.write(annotations(document))
    with atomic_write(folder / METADATA) as out:
        for document in documents:
            meta = {key: value for key, value in document.meta.items() if key != OTHER_LINES}
            item = {"id": document.id, "title": document.title, "source": document.source, "meta": meta}
            out.write(json.dumps(item, ensure_ascii=False) + "\n")
    with atomic_write(folder / "annotation.conf") as out:
        out.write(configuration())
    return ["brat has no place for scores; they are left out"] if scored(documents) else []


def annotations(document: Document) -> str:
    """The `.ann` file. Ids that brat does not take (it wants a letter and a number) are renumbered."""
    names = {e.id: e.id for e in document.entities}
    if not all(_OWN_ID.fullmatch(name) for name in names):
        names = {e.id: f"T{number}" for number, e in enumerate(document.entities, 1)}
    # brat writes a line break inside a mention as a space.
    lines = [f"{names[e.id]}\t{e.label} {e.start} {e.end}\t{_SPACE.sub(' ', e.text)}" for e in document.entities]
    for number, r in enumerate(document.relations, 1):
        name = r.id if _RELATION_ID.fullmatch(r.id) else f"R{number}"
        lines.append(f"{name}\t{r.type} Arg1:{names[r.head]} Arg2:{names[r.tail]}")
    lines.extend(document.meta.get(OTHER_LINES, ()))
    return "".join(line + "\n" for line in lines)


def configuration() -> str:
    """`annotation.conf` of the schema: its labels and relation types with the arguments they take."""
    relations = []
    for kind in RELATION_TYPES:
        heads, tails = ("|".join(label for label in LABELS if label in side) for side in (kind.heads, kind.tails))
        relations.append(f"{kind.name}\tArg1:{heads}, Arg2:{tails}{', <REL-TYPE>:symmetric' if kind.symmetric else ''}")
    return "\n".join(["[entities]", *LABELS, "", "[relations]", *relations, "", "[events]", "", "[attributes]", ""])
