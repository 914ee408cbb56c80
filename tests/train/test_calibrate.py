"""Fitting on dev: known maps are found again, too little teaches nothing, held-out articles are held out."""

from dataclasses import replace

import numpy as np
import pytest

from model.runtime.calibration import IDENTITY, Platt, ScoreCalibration
from model.runtime.document import Document
from model.runtime.schema import LABELS
from train.calibrate import (
    FORMS,
    Cases,
    choose,
    dev_reliability,
    fit_calibration,
    mapped,
    mention_cases,
    platt_by_name,
    relation_cases,
    split_reliability,
    temperature,
)
from train.compare.calibration import calibration
from train.compare.errors import outcomes
from train.data.inline import parse_inline

NAMES = ("A", "B")


def _cases(number: int, maps: dict[str, Platt], seed: int = 0) -> Cases:
    """Answers whose probability of being right is what the maps say of their scores."""
    random = np.random.default_rng(seed)
    names = tuple(NAMES[i % 2] for i in range(number))
    scores = random.uniform(0.3, 0.999, number)
    chances = np.array([maps[name](score) for name, score in zip(names, scores, strict=True)])
    return Cases(names, scores, random.uniform(size=number) < chances, np.arange(number) // 20)


def test_the_map_that_made_the_answers_is_found_again() -> None:
    true = Platt(0.6, -0.8)
    fitted = choose(_cases(4_000, dict.fromkeys(NAMES, true)), NAMES)
    assert fitted.form == "Platt"
    assert fitted.maps["A"] == fitted.maps["B"]
    assert fitted.maps["A"].slope == pytest.approx(true.slope, abs=0.1)
    assert fitted.maps["A"].intercept == pytest.approx(true.intercept, abs=0.15)
    assert fitted.losses["Platt"] < fitted.losses["raw"]


def test_names_that_differ_get_their_own_numbers() -> None:
    fitted = choose(_cases(4_000, {"A": Platt(0.5, -1.5), "B": Platt(1.5, 1.0)}), NAMES)
    assert fitted.form == "Platt by label or type"
    assert fitted.maps["A"].intercept < -1 < 0.5 < fitted.maps["B"].intercept


def test_scores_that_are_probabilities_stay_nearly_as_they_are() -> None:
    fitted = choose(_cases(4_000, dict.fromkeys(NAMES, IDENTITY)), NAMES)
    assert all(platt(0.8) == pytest.approx(0.8, abs=0.03) for platt in fitted.maps.values())


def test_a_name_with_few_answers_takes_the_common_numbers() -> None:
    cases = _cases(4_000, dict.fromkeys(NAMES, Platt(0.6, -0.8)))
    few = replace(cases, names=("C",) * 30 + cases.names[30:])
    maps = platt_by_name(few, (*NAMES, "C"))
    assert maps["C"] == FORMS["Platt"](few, NAMES)["A"] != maps["A"]


def test_held_out_scores_do_not_see_their_article() -> None:
    cases = _cases(200, dict.fromkeys(NAMES, Platt(0.6, -0.8)))
    held_out = choose(cases, NAMES).held_out
    first = cases.articles == 0
    other = choose(replace(cases, right=np.where(first, ~cases.right, cases.right)), NAMES)
    if other.form == choose(cases, NAMES).form:
        assert np.array_equal(other.held_out.scores[first], held_out.scores[first])
    fold = choose(cases, NAMES, folds=10).held_out.scores
    assert not np.allclose(fold, mapped(cases, choose(cases, NAMES).maps).scores)


@pytest.mark.parametrize("right", [True, False])
def test_where_all_is_right_or_wrong_nothing_is_learned(right: bool) -> None:
    cases = _cases(50, dict.fromkeys(NAMES, IDENTITY))
    fitted = choose(replace(cases, right=np.full(50, right)), NAMES)
    assert fitted.form == "raw" and set(fitted.maps.values()) == {IDENTITY} and fitted.losses == {}


def test_one_article_or_none_teaches_nothing() -> None:
    cases = _cases(50, dict.fromkeys(NAMES, Platt(0.5)))
    assert choose(replace(cases, articles=np.zeros(50, dtype=np.int64)), NAMES).form == "raw"
    assert choose(cases.where(np.zeros(50, dtype=bool)), NAMES).form == "raw"


def test_scores_turned_round_are_left_alone() -> None:
    cases = _cases(400, dict.fromkeys(NAMES, Platt(2.0)))
    assert temperature(replace(cases, scores=1 - cases.scores), NAMES)["A"] == IDENTITY


def test_separable_scores_give_finite_numbers() -> None:
    cases = _cases(100, dict.fromkeys(NAMES, IDENTITY))
    for fit in FORMS.values():
        for found in fit(replace(cases, right=cases.scores > 0.6), NAMES).values():
            assert 0 < found.slope < 1e4


def _document(body: str, score: float) -> Document:
    parsed = parse_inline(f"source: 가\n---\n{body}\n", "a", "a.txt").document
    return replace(
        parsed,
        entities=tuple(replace(e, score=score) for e in parsed.entities),
        relations=tuple(replace(r, score=score) for r in parsed.relations),
    )


def test_right_is_what_scoring_counts() -> None:
    gold = [_document("[부산시/C1]는 [도쿄/C2]를 방문했다.\n> C1 VISITS C2", 0.9)]
    found = [_document("[부산시/C1]는 [도쿄를/C2] 방문했다.\n> C1 VISITS C2", 0.9)]
    matched = [outcomes(g, f) for g, f in zip(gold, found, strict=True)]
    assert mention_cases(matched).right.tolist() == [True, False]
    assert relation_cases(matched).right.tolist() == [False]


def test_reliability_before_and_after() -> None:
    gold = [_document("[부산시/C1]는 [도쿄/C2]를 방문했다.\n> C1 VISITS C2", 0.9)] * 10
    wrong = _document("[부산시/C1]는 [도쿄를/C2] 방문했다.\n> C1 VISITS C2", 0.9)
    found = [replace(wrong, entities=(replace(wrong.entities[0], score=0.95), wrong.entities[1]))] * 10
    fitted = fit_calibration(gold, found)
    assert set(fitted.calibration.mentions) == set(LABELS) and not fitted.calibration.relations
    own = dev_reliability(gold, found, fitted)
    assert own.mentions.raw == calibration([0.95, 0.9] * 10, [True, False] * 10)
    assert own.mentions.calibrated.error < own.mentions.raw.error - 0.2
    other = split_reliability(gold, found, fitted.calibration)
    assert other.mentions.calibrated_loss < other.mentions.raw_loss
    assert split_reliability(gold, found, ScoreCalibration()).relations.raw.error == pytest.approx(0.9)


def test_equal_scores_say_nothing() -> None:
    cases = _cases(100, dict.fromkeys(NAMES, IDENTITY))
    assert platt_by_name(replace(cases, scores=np.full(100, 0.9)), NAMES)["A"](0.9) <= 0.9
