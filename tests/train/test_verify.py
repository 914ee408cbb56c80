"""Comparisons of predictors count what only one of them found, and how far scores lie apart."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

import pytest

from model.runtime.document import Document, Entity, Relation
from model.runtime.predictor import Predictor
from train.verify import compare, comparison_table

TEXT = "부산시는 후쿠오카시를 방문했다."
CITIES = (Entity("T1", 0, 3, "CITY", "부산시", 0.9), Entity("T2", 5, 10, "CITY", "후쿠오카시", 0.8))
GOLD = Document("a", TEXT, CITIES, (Relation("R1", "T1", "T2", "COOPERATES_WITH", 0.7),))


class _Fixed:
    def __init__(self, document: Document) -> None:
        self.document = document

    def predict_iter(self, texts: Iterable[str]) -> Iterator[Document]:
        return (self.document for _ in texts)


def test_comparison_counts_differences() -> None:
    other = replace(GOLD, entities=(CITIES[0], replace(CITIES[1], end=9, text="후쿠오카")), relations=())
    shaky = replace(GOLD, relations=(replace(GOLD.relations[0], score=0.5),))
    predictors = {name: cast(Predictor, _Fixed(document)) for name, document in (("a", GOLD), ("b", other), ("c", shaky))}
    a, b, c = compare(predictors, {"dev": [GOLD]})
    assert (a.mentions_f1, a.relations_f1, a.other_mentions, a.other_relations, a.score_difference) == (1, 1, 0, 0, 0)
    assert (b.mentions, b.relations, b.other_mentions, b.other_relations, b.mentions_f1) == (2, 0, 2, 1, 0.5)
    assert (c.other_mentions, c.other_relations) == (0, 0) and c.score_difference == pytest.approx(0.2)
    assert "| dev | b | 2 | 0 | 0.5000 | 0.0000 | 2 | 1 | 0.00000 |" in comparison_table([a, b, c])
