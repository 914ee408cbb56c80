"""Scores and speed of a fitted entrant, by the project's own metrics."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from model.runtime.document import Document
from model.runtime.sentences import sentence_spans
from train.metrics import Score, entity_scores, relation_scores

from .articles import SCORED, Articles, count_sentences
from .result import SplitScores


class Read(Protocol):
    """Texts to documents with the mentions (and relations, where the entrant has them), in order."""

    def __call__(self, texts: Sequence[str], /) -> list[Document]: ...


class Relate(Protocol):
    """Documents with mentions to the same documents with relations between these; their own relations are not looked at."""

    def __call__(self, documents: Sequence[Document], /) -> list[Document]: ...


@dataclass(frozen=True)
class Fitted:
    """A trained entrant: what it can do, how large it is, what is worth knowing of its training."""

    parameters: int
    read: Read | None = None
    relate: Relate | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """Scores by split, speed, and the documents of each split as they were read (none for a relation entrant)."""

    splits: dict[str, SplitScores]
    sentences_per_second: float
    predictions: dict[str, list[Document]]


def measure(fitted: Fitted, articles: Articles, found: Mapping[str, Mapping[str, Sequence[Document]]]) -> Measured:
    """Scores dev and test; times test on one thread.

    `found`: for an entrant that only relates, predicted documents by entrant and split, whose mentions it is given.
    """
    splits: dict[str, SplitScores] = {}
    predictions: dict[str, list[Document]] = {}
    seconds = 0.0
    known = {entity.text for document in articles.train for entity in document.entities}
    with one_thread():
        _warm_up(fitted, articles)
        for name in SCORED:
            gold = articles.split(name)
            scores = SplitScores()
            started = time.perf_counter()
            if fitted.read is not None:
                read = [_under_id(g, p) for g, p in zip(gold, fitted.read([g.text for g in gold]), strict=True)]
                seconds = time.perf_counter() - started
                predictions[name] = read
                scores = replace(scores, entities=entity_scores(gold, read), unseen=unseen_score(gold, read, known))
            if fitted.relate is not None:
                end_to_end = {"": predictions[name]} if fitted.read is not None else {}
                for place, (source, documents) in enumerate(found.items()):
                    started = time.perf_counter()
                    end_to_end[source] = fitted.relate(without_relations(documents[name]))
                    # The first is the one in the main row.
                    seconds = seconds if place else time.perf_counter() - started
                with_gold = fitted.relate(without_relations(gold))
                scores = replace(
                    scores,
                    relations={source: relation_scores(gold, documents) for source, documents in end_to_end.items()},
                    relations_gold=relation_scores(gold, with_gold),
                )
            splits[name] = scores
    return Measured(splits, count_sentences(articles.test) / seconds, predictions)


def unseen_score(gold: Sequence[Document], predicted: Sequence[Document], known: set[str]) -> Score:
    """Strict micro score of those mentions, gold and predicted, whose surface is not among the known ones."""
    return entity_scores([_unseen(d, known) for d in gold], [_unseen(d, known) for d in predicted]).micro


def without_relations(documents: Sequence[Document]) -> list[Document]:
    """The documents with their mentions alone, less those that an entrant let run over the end of a sentence."""
    found = []
    for document in documents:
        spans = sentence_spans(document.text)
        inside = tuple(e for e in document.entities if any(start <= e.start and e.end <= end for start, end in spans))
        found.append(replace(document, entities=inside, relations=()))
    return found


def _unseen(document: Document, known: set[str]) -> Document:
    return replace(document, entities=tuple(e for e in document.entities if e.text not in known), relations=())


def _under_id(gold: Document, read: Document) -> Document:
    return replace(read, id=gold.id, title=gold.title, source=gold.source)


def _warm_up(fitted: Fitted, articles: Articles) -> None:
    """The first call allocates and caches; it is not what is timed."""
    first = articles.dev[:1]
    if fitted.read is not None:
        fitted.read([document.text for document in first])
    elif fitted.relate is not None:
        fitted.relate(without_relations(first))


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, as before afterwards. The other entrants have no threads of their own."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
