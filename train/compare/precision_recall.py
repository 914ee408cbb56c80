"""What `min_score` buys: precision, recall and F1 of the answers that are left when those with lower scores are left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.runtime.document import Document, Relation
from model.runtime.sentences import sentence_spans

from ..metrics import Score, entity_keys, relation_keys, score_from_counts

STEPS = tuple(round(step / 100, 2) for step in range(101))
SHOWN = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Where tables give the numbers."""


@dataclass(frozen=True)
class Point:
    """The score of what is left at a `min_score`."""

    min_score: float
    score: Score


Curve = tuple[Point, ...]
"""By rising `min_score`: precision mostly rises, recall falls."""


def mention_curve(gold: Sequence[Document], found: Sequence[Document]) -> Curve:
    """Strict scores of mentions, as `metrics.entity_scores` has them of `Document.above`; what has no score stays."""
    scored = [
        (entity.score if entity.score is not None else 1.0, (entity.start, entity.end, entity.label) in expected)
        for expected, document in ((entity_keys(g), f) for g, f in zip(gold, found, strict=True))
        for entity in document.entities
    ]
    return _curve(scored, sum(len(document.entities) for document in gold))


def relation_curve(gold: Sequence[Document], found: Sequence[Document]) -> Curve:
    """End-to-end scores of relations; one goes with the least sure of itself and its two mentions, as `Document.above` has it."""
    scored = []
    support = 0
    for expected_document, document in zip(gold, found, strict=True):
        spans = sentence_spans(expected_document.text)
        expected = relation_keys(expected_document, spans)
        support += len(expected)
        mentions = {entity.id: entity.score for entity in document.entities}
        best: dict[object, float] = {}
        for relation in document.relations:
            (key,) = relation_keys(_alone(document, relation), spans)
            parts = (relation.score, mentions[relation.head], mentions[relation.tail])
            best[key] = max(best.get(key, 0.0), min(1.0 if part is None else part for part in parts))
        scored += [(score, key in expected) for key, score in best.items()]
    return _curve(scored, support)


def _alone(document: Document, relation: Relation) -> Document:
    ends = tuple(document.entity(end) for end in (relation.head, relation.tail))
    return Document(document.id, document.text, ends, (relation,))


def _curve(scored: Sequence[tuple[float, bool]], support: int) -> Curve:
    points = []
    for step in STEPS:
        kept = [right for score, right in scored if score >= step]
        points.append(Point(step, score_from_counts(sum(kept), len(kept), support)))
    return tuple(points)


def at(curve: Curve, min_score: float) -> Score:
    """The score at one of `STEPS`; KeyError for another number."""
    by_step: Mapping[float, Score] = {point.min_score: point.score for point in curve}
    return by_step[min_score]
