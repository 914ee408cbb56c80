"""Documents: an article with its mentions and relations, and the JSON Lines form that the schema fixes."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import IO, Any

from .errors import ArgumentError, DataError
from .schema import LABELS, RELATIONS


@dataclass(frozen=True, slots=True)
class Entity:
    """A mention: code points `[start, end)` of the document's text.

    `score` in (0, 1] is the probability that place and label are right, if the model is calibrated; None for an annotation.
    `canonical` is the fuller name in the same document that the mention stands for (`canonical.py`), else the mention's own text.
    """

    id: str
    start: int
    end: int
    label: str
    text: str
    score: float | None = None
    canonical: str = ""

    def __post_init__(self) -> None:
        if not self.canonical:
            object.__setattr__(self, "canonical", self.text)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of type `type` from the mention with id `head` to the one with id `tail`.

    `score` in (0, 1] is the probability that type and both mentions are right, if the model is calibrated.
    """

    id: str
    head: str
    tail: str
    type: str
    score: float | None = None


@dataclass(frozen=True)
class Document:
    """A text and what is said of it; `entities` in the order of the text."""

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    title: str = ""
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def entity(self, entity_id: str) -> Entity:
        """The mention with this id; KeyError when there is none."""
        for entity in self.entities:
            if entity.id == entity_id:
                return entity
        raise KeyError(entity_id)

    def above(self, min_score: float) -> "Document":
        """Without the mentions and relations whose score is below `min_score`, and without the relations of such mentions.

        Ids are numbered anew, T1 and R1 first. What has no score (an annotation) stays. ArgumentError outside of [0, 1].
        """
        check_score(min_score)
        if min_score == 0:
            return self
        entities = [e for e in self.entities if e.score is None or e.score >= min_score]
        ids = {e.id: f"T{number}" for number, e in enumerate(entities, 1)}
        relations = [
            replace(r, head=ids[r.head], tail=ids[r.tail])
            for r in self.relations
            if (r.score is None or r.score >= min_score) and r.head in ids and r.tail in ids
        ]
        return replace(
            self,
            entities=tuple(replace(e, id=ids[e.id]) for e in entities),
            relations=tuple(replace(r, id=f"R{number}") for number, r in enumerate(relations, 1)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The schema's JSON object. Mentions carry their surface, the fuller name where there is one and, predicted, scores."""
        return {
            "id": self.id,
            "title": self.title,
            "text": self.text,
            "source": self.source,
            "entities": [
                _with_score(
                    {"id": e.id, "start": e.start, "end": e.end, "label": e.label, "text": e.text}
                    | ({"canonical": e.canonical} if e.canonical != e.text else {}),
                    e.score,
                )
                for e in self.entities
            ],
            "relations": [
                _with_score({"id": r.id, "head": r.head, "tail": r.tail, "type": r.type}, r.score) for r in self.relations
            ],
            "meta": dict(self.meta),
        }


def check_score(min_score: float) -> None:
    """ArgumentError unless it is a number from 0 to 1."""
    if not isinstance(min_score, Real) or not 0 <= min_score <= 1:
        raise ArgumentError(f"min_score {min_score}: should be a number from 0 to 1")


def _with_score(item: dict[str, Any], score: float | None) -> dict[str, Any]:
    if score is not None:
        item["score"] = round(score, 4)
    return item


def document_from_dict(data: Any, where: str) -> Document:
    """Reads the schema's JSON object; `where` (file and line) goes into the error.

    Raises DataError when a key is missing, a value has the wrong type, offsets leave the text, a label or relation type is
    unknown, or a relation names a mention that is not there. What the annotator should mend beyond that is the validator's
    business (`train.data.validate`).
    """
    if not isinstance(data, dict):
        raise DataError(f"{where}: expected a JSON object, found {type(data).__name__}")
    doc_id = _get(data, "id", str, where)
    text = _get(data, "text", str, where)
    where = f"{where} ({doc_id})"
    entities = tuple(_entity_from(item, text, where) for item in _get(data, "entities", list, where))
    ids = {entity.id for entity in entities}
    if len(ids) != len(entities):
        raise DataError(f"{where}: two entities share an id; number them T1, T2, …")
    relations = tuple(_relation_from(item, ids, where) for item in _get(data, "relations", list, where))
    return Document(
        id=doc_id,
        text=text,
        entities=tuple(sorted(entities, key=lambda e: (e.start, e.end))),
        relations=relations,
        title=_get(data, "title", str, where, ""),
        source=_get(data, "source", str, where, ""),
        meta=_get(data, "meta", dict, where, {}),
    )


def _get(data: dict[str, Any], key: str, kind: type, where: str, default: Any = None) -> Any:
    value = data.get(key)
    if value is None:  # tables that are turned into JSON write null where a cell is empty
        value = default
    if value is None:
        raise DataError(f"{where}: the key “{key}” is missing")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(f"{where}: “{key}” should be {kind.__name__}, found {type(value).__name__}")
    return value


def _score(item: dict[str, Any], where: str) -> float | None:
    score = item.get("score")
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise DataError(f"{where}: “score” should be a number from 0 to 1, found {score!r}")
    return float(score)


def _entity_from(item: Any, text: str, where: str) -> Entity:
    if not isinstance(item, dict):
        raise DataError(f"{where}: an entity should be a JSON object, found {type(item).__name__}")
    entity_id = _get(item, "id", str, where)
    start, end = _get(item, "start", int, where), _get(item, "end", int, where)
    label = _get(item, "label", str, where)
    if not 0 <= start < end <= len(text):
        raise DataError(f"{where}: {entity_id} has offsets [{start}, {end}) outside the text of {len(text)} characters")
    if label not in LABELS:
        raise DataError(f"{where}: {entity_id} has the unknown label “{label}”; the labels are {', '.join(LABELS)}")
    surface = text[start:end]
    if (said := _get(item, "text", str, where, surface)) != surface:
        raise DataError(f"{where}: {entity_id} says “{said}” but [{start}, {end}) of the text is “{surface}”")
    return Entity(entity_id, start, end, label, surface, _score(item, where), _get(item, "canonical", str, where, surface))


def _relation_from(item: Any, ids: set[str], where: str) -> Relation:
    if not isinstance(item, dict):
        raise DataError(f"{where}: a relation should be a JSON object, found {type(item).__name__}")
    head, tail, kind = (_get(item, key, str, where) for key in ("head", "tail", "type"))
    relation_id = _get(item, "id", str, where, "")
    if kind not in RELATIONS:
        raise DataError(f"{where}: unknown relation type “{kind}”; the types are {', '.join(RELATIONS)}")
    for end in (head, tail):
        if end not in ids:
            raise DataError(f"{where}: the relation {relation_id or kind} names {end}, which is no entity of this article")
    return Relation(relation_id, head, tail, kind, _score(item, where))


def read_jsonl(path: str | Path) -> Iterator[Document]:
    """Documents of a JSON Lines file, one a line; blank lines are passed over.

    Raises DataError with file and line when the file cannot be read or a line is broken.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                where = f"{path}:{number}"
                try:
                    data = json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"{where}: not valid JSON ({error.msg} at column {error.colno})") from None
                yield document_from_dict(data, where)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text") from None


def write_jsonl(path: str | Path, documents: Iterable[Document]) -> None:
    """Writes documents one a line, atomically."""
    with atomic_write(path) as out:
        for document in documents:
            out.write(json.dumps(document.to_dict(), ensure_ascii=False) + "\n")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[str]]:
    """A text file that appears under its name only once it is whole: written beside it, then renamed.

    Of a symlink, the file that it leads to is replaced; a file that was there hands its mode on.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as out:
            # At once: what others may not read they may not read here. A file system that refuses has no modes to lose.
            with suppress(OSError):
                shutil.copymode(path, temporary)
            yield out
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
