"""Rewriting an article around its mentions: what changes are the mentions' surfaces and the text between them, offsets follow."""

from collections.abc import Callable
from dataclasses import replace

from model.runtime.document import Document, Entity
from model.runtime.sentences import sentence_spans

NameOf = Callable[[Entity], str]
"""The new surface of a mention."""

Between = Callable[[str, Entity | None, Entity | None], str]
"""What stands between a mention (None: the beginning) and the next (None: the end), made of what stood there."""


def rewritten(document: Document, document_id: str, name_of: NameOf, between: Between) -> Document:
    """A copy with other surfaces and other text between them; entities keep their ids and order, relations their arguments."""
    parts: list[str] = []
    entities: list[Entity] = []
    left: Entity | None = None
    place = 0
    for entity in sorted(document.entities, key=lambda e: e.start):
        segment = between(document.text[left.end if left else 0 : entity.start], left, entity)
        name = name_of(entity)
        start = place + len(segment)
        place = start + len(name)
        parts.extend((segment, name))
        entities.append(replace(entity, start=start, end=place, text=name, canonical=name))
        left = entity
    parts.append(between(document.text[left.end if left else 0 :], left, None))
    text = "".join(parts)
    order = {entity.id: place for place, entity in enumerate(document.entities)}
    return replace(
        document,
        id=document_id,
        text=text,
        entities=tuple(sorted(entities, key=lambda e: order[e.id])),
        title=text.split("\n", 1)[0],
    )


def whole(document: Document) -> bool:
    """Whether every mention lies in one sentence, and the arguments of every relation in the same one."""
    spans = sentence_spans(document.text)

    def sentence(entity: Entity) -> int | None:
        return next((place for place, (start, end) in enumerate(spans) if start <= entity.start and entity.end <= end), None)

    places = {entity.id: sentence(entity) for entity in document.entities}
    return None not in places.values() and all(places[r.head] == places[r.tail] for r in document.relations)
