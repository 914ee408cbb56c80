"""Mentions from tags and spans, for entrants with units of their own."""

from collections.abc import Iterable, Sequence

from model.runtime.document import Document, Entity

Span = tuple[int, int, str]
"""Code points `[start, end)` and a label."""


def spans_of_tags(tags: Sequence[str]) -> list[Span]:
    """Spans of an IOB2 sequence, in units; an inside tag without its beginning begins one, as conlleval has it."""
    spans: list[Span] = []
    for place, tag in enumerate(tags):
        if tag == "O":
            continue
        label = tag[2:]
        if tag.startswith("I-") and spans and spans[-1][1] == place and spans[-1][2] == label:
            spans[-1] = (spans[-1][0], place + 1, label)
        else:
            spans.append((place, place + 1, label))
    return spans


def document_of(text: str, spans: Iterable[Span]) -> Document:
    """A document with the spans as mentions, without white space at their edges; what is nothing else is dropped."""
    entities: list[Entity] = []
    for start, end, label in sorted(spans):
        covered = text[start:end]
        surface = covered.strip()
        if surface:
            first = start + covered.index(surface)
            entities.append(Entity(f"T{len(entities) + 1}", first, first + len(surface), label, surface))
    return Document("", text, tuple(entities), title=text.split("\n", 1)[0])
