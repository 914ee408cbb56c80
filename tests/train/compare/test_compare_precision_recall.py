"""The curve over min_score against the scores of what `Document.above` leaves."""

import random
from dataclasses import replace

import pytest
from samples import GOLD, WEAK, document, gold_articles

from model.runtime.document import Document
from train.compare.precision_recall import STEPS, at, mention_curve, relation_curve
from train.metrics import entity_scores, relation_scores


def _scored(bodies: tuple[str, ...], seed: int) -> list[Document]:
    chance = random.Random(seed)
    return [
        replace(
            found,
            entities=tuple(replace(e, score=round(chance.random(), 2)) for e in found.entities),
            relations=tuple(replace(r, score=round(chance.random(), 2)) for r in found.relations),
        )
        for found in (document(body, f"t{n}") for n, body in enumerate(bodies))
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bodies", [GOLD, WEAK])
def test_every_point_is_the_score_of_what_is_left(bodies: tuple[str, ...], seed: int) -> None:
    gold, found = gold_articles(), _scored(bodies, seed)
    mentions, relations = mention_curve(gold, found), relation_curve(gold, found)
    for step in STEPS[::7]:
        left = [article.above(step) for article in found]
        for score, expected in (
            (at(mentions, step), entity_scores(gold, left).micro),
            (at(relations, step), relation_scores(gold, left).micro),
        ):
            assert (score.support, score.predicted) == (expected.support, expected.predicted)
            assert (score.precision, score.recall) == pytest.approx((expected.precision, expected.recall))


def test_recall_falls_and_ends_at_nothing() -> None:
    curve = mention_curve(gold_articles(), _scored(GOLD, 1))
    recalls = [point.score.recall for point in curve]
    assert recalls == sorted(recalls, reverse=True) and recalls[0] == 1.0
    assert [point.min_score for point in curve] == list(STEPS)
    with pytest.raises(KeyError):
        at(curve, 0.123)
