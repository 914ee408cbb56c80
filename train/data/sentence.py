"""Sentences with what is annotated in them: the view that the corpus tools take of an article."""

from collections.abc import Iterator
from dataclasses import dataclass

from model.runtime.document import Document, Entity, Relation
from model.runtime.sentences import sentence_spans


@dataclass(frozen=True)
class Sentence:
    """`[start, end)` of the document's text, with the mentions inside and the relations whose heads stand inside."""

    document: Document
    start: int
    end: int
    mentions: tuple[Entity, ...]
    relations: tuple[Relation, ...]

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]

    def labelled(self, *labels: str) -> tuple[Entity, ...]:
        """The mentions with one of the labels."""
        return tuple(e for e in self.mentions if e.label in labels)

    def after(self, entity: Entity, length: int = 12) -> str:
        """What follows a mention in the sentence, at most `length` characters."""
        return self.document.text[entity.end : min(self.end, entity.end + length)]

    def has(self, *types: str) -> bool:
        """Whether a relation of one of the types stands here."""
        return any(r.type in types for r in self.relations)


def sentences(document: Document) -> Iterator[Sentence]:
    """The document's sentences in order."""
    for start, end in sentence_spans(document.text):
        inside = tuple(e for e in document.entities if start <= e.start < end)
        ids = {e.id for e in inside}
        yield Sentence(document, start, end, inside, tuple(r for r in document.relations if r.head in ids))


def unmarked(document: Document, start: int, end: int) -> bool:
    """Whether no mention touches `[start, end)`."""
    return not any(e.start < end and start < e.end for e in document.entities)
