"""Thresholds chosen on dev."""

from dataclasses import replace

from model.runtime.document import Document, Relation
from model.runtime.schema import RELATIONS
from train.data.inline import parse_inline
from train.thresholds import GRID, tune

DEFAULT = dict.fromkeys(RELATIONS, 0.5)
TEXT = """\
source: 자체 작성
---
[부산시/C1]는 [후쿠오카시/C2], [다낭시/C3]와 [관광/F1]을 논의했다.
> C1 COOPERATES_WITH C2
> C1,C2 COOPERATES_IN F1
"""


def _gold() -> Document:
    return parse_inline(TEXT, "a", "a.txt").document


def _answers(*relations: tuple[int, int, str, float]) -> Document:
    gold = _gold()
    ids = [entity.id for entity in gold.entities]
    found = [Relation(f"R{i}", ids[head], ids[tail], kind, score) for i, (head, tail, kind, score) in enumerate(relations)]
    return replace(gold, relations=tuple(found))


def test_the_threshold_separates_right_from_wrong() -> None:
    answers = _answers((0, 1, "COOPERATES_WITH", 0.34), (0, 2, "COOPERATES_WITH", 0.28))
    assert tune([_gold()], [answers], DEFAULT)["COOPERATES_WITH"] == 0.3
    answers = _answers((0, 1, "COOPERATES_WITH", 0.74), (0, 2, "COOPERATES_WITH", 0.66))
    assert tune([_gold()], [answers], DEFAULT)["COOPERATES_WITH"] == 0.7


def test_the_default_stays_where_all_are_as_good() -> None:
    answers = _answers((0, 3, "COOPERATES_IN", 0.9), (1, 3, "COOPERATES_IN", 0.9))
    assert tune([_gold()], [answers], DEFAULT) == DEFAULT


def test_recall_is_bought_where_it_pays() -> None:
    answers = _answers((0, 3, "COOPERATES_IN", 0.9), (1, 3, "COOPERATES_IN", 0.25), (2, 3, "COOPERATES_IN", 0.22))
    assert tune([_gold()], [answers], DEFAULT)["COOPERATES_IN"] == 0.25


def test_thresholds_lie_on_the_grid_for_every_type() -> None:
    thresholds = tune([_gold()], [_answers()], DEFAULT)
    assert list(thresholds) == list(RELATIONS)
    assert set(thresholds.values()) <= set(GRID)
