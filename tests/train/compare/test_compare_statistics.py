"""Bootstrap, randomisation, Holm and spread: by hand, and against scipy's own."""

from itertools import product
from typing import Any, cast

import numpy as np
import pytest
import scipy.stats
from samples import counts

from train.compare.counts import METRICS, Counts, Floats, Metric
from train.compare.statistics import (
    Interval,
    Sampling,
    articles_needed,
    holm,
    interval,
    randomisation_p,
    resampled_sums,
    resampling_weights,
    smallest_p,
    spread,
    value,
    verdict,
)

MICRO = Metric("m", "micro", "entity", "micro")
FEW = Sampling(resamples=10_000)


def random_counts(seed: int, articles: int, skill: float) -> Counts:
    random = np.random.default_rng(seed)
    gold = random.integers(5, 30, size=(articles, 3))
    answers = random.integers(5, 30, size=(articles, 3))
    hits = random.binomial(np.minimum(gold, answers), skill)
    return Counts(("A", "B", "C"), np.stack([hits, answers, gold], axis=-1).astype(np.float64))


def micro_f1(values: Floats) -> float:
    hits, answers, gold = values.sum(axis=(0, 1))
    return float(2 * hits / (answers + gold))


def test_every_bootstrap_sample_draws_as_many_articles_as_there_are() -> None:
    weights = resampling_weights(7, Sampling(resamples=500, seed=1))
    assert weights.shape == (500, 7)
    assert set(weights.sum(axis=1)) == {7.0}
    assert (resampling_weights(7, Sampling(500, 1)) == weights).all()
    assert (resampling_weights(7, Sampling(500, 2)) != weights).any()


def test_bootstrap_of_two_articles_by_hand() -> None:
    # One article is all right (F1 1), one all wrong (0), same size: samples are 1, 1/2, 1/2, 0 with equal chance.
    both = counts((4, 4, 4), (0, 4, 4))
    samples = MICRO(resampled_sums(both, resampling_weights(2, FEW)))
    assert set(samples.round(9)) == {0.0, 0.5, 1.0}
    assert (samples == 0.5).mean() == pytest.approx(0.5, abs=0.02)
    assert interval(value(MICRO, [both]), samples, 0.05) == Interval(0.5, 0.0, 1.0)


def test_one_article_has_no_spread() -> None:
    one = counts((1, 2, 2))
    samples = MICRO(resampled_sums(one, resampling_weights(1, FEW)))
    assert interval(0.5, samples, 0.05) == Interval(0.5, 0.5, 0.5)


def test_the_interval_is_scipys() -> None:
    one = random_counts(3, 40, 0.7)
    samples = MICRO(resampled_sums(one, resampling_weights(40, FEW)))
    ours = interval(value(MICRO, [one]), samples, 0.05)

    def statistic(chosen: Any) -> float:
        return micro_f1(one.values[chosen.astype(int)])

    theirs = scipy.stats.bootstrap(
        (np.arange(40),), statistic, vectorized=False, n_resamples=4_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert ours.value == pytest.approx(micro_f1(one.values))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_the_interval_of_a_difference_is_scipys_paired_one() -> None:
    one, other = random_counts(3, 40, 0.7), random_counts(3, 40, 0.75)
    weights = resampling_weights(40, FEW)
    ours = np.quantile(MICRO(resampled_sums(other, weights)) - MICRO(resampled_sums(one, weights)), [0.025, 0.975])

    def statistic(chosen: Any) -> float:
        return micro_f1(other.values[chosen.astype(int)]) - micro_f1(one.values[chosen.astype(int)])

    theirs = scipy.stats.bootstrap(
        (np.arange(40),), statistic, vectorized=False, n_resamples=4_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert list(ours) == pytest.approx([theirs.low, theirs.high], abs=0.004)


def test_randomisation_by_hand() -> None:
    # Three articles of four gold items, the second system one hit better in each. Of the eight ways to swap, only "none" and
    # "all" reach the difference: p = 2 / 8.
    first, second = counts(*[(1, 4, 4)] * 3), counts(*[(2, 4, 4)] * 3)
    assert randomisation_p(MICRO, [first], [second], FEW) == 2 / 8


def test_equal_systems_differ_by_chance_alone() -> None:
    same = random_counts(1, 40, 0.7)
    assert randomisation_p(MICRO, [same], [same], FEW) == 1.0
    assert randomisation_p(MICRO, [counts((1, 2, 2))], [counts((1, 2, 2))], FEW) == 1.0


def swaps_p(first: Counts, second: Counts) -> float:
    """All swaps, one after the other."""
    observed = abs(micro_f1(first.values) - micro_f1(second.values))
    reached = 0
    for swapped in product((False, True), repeat=len(first.values)):
        mask = np.array(swapped)[:, None, None]
        one, other = np.where(mask, second.values, first.values), np.where(mask, first.values, second.values)
        reached += abs(micro_f1(one) - micro_f1(other)) >= observed - 1e-12
    return reached / 2 ** len(first.values)


def test_few_articles_are_exact_and_many_come_near() -> None:
    first, second = random_counts(1, 10, 0.6), random_counts(2, 10, 0.7)
    exact = swaps_p(first, second)
    assert 0.01 < exact < 0.99
    assert randomisation_p(MICRO, [first], [second], Sampling(resamples=1_024)) == pytest.approx(exact)
    drawn = randomisation_p(MICRO, [first], [second], Sampling(resamples=1_023))
    assert drawn != exact and drawn == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("skill", [0.7, 0.72, 0.78])
def test_the_p_value_is_scipys(skill: float) -> None:
    first, second = random_counts(3, 40, 0.7), random_counts(4, 40, skill)
    stacked = np.stack([first.values, second.values])

    def statistic(one: Any, other: Any) -> float:
        places = np.arange(40)
        return micro_f1(stacked[one.astype(int), places]) - micro_f1(stacked[other.astype(int), places])

    theirs = scipy.stats.permutation_test(
        (np.zeros(40), np.ones(40)),
        statistic,
        permutation_type="samples",
        vectorized=False,
        n_resamples=4_000,
        rng=np.random.default_rng(5),
    ).pvalue
    assert randomisation_p(MICRO, [first], [second], FEW) == pytest.approx(theirs, abs=0.03)


@pytest.mark.parametrize(("systems", "articles"), [((1, 1), 5), ((1, 1), 6), ((1, 2), 3), ((2, 2), 3)])
def test_no_difference_goes_below_the_smallest_p(systems: tuple[int, int], articles: int) -> None:
    none, every = counts(*[(0, 4, 4)] * articles), counts(*[(4, 4, 4)] * articles)
    reached = randomisation_p(MICRO, [none] * systems[0], [every] * systems[1], FEW)
    assert reached == pytest.approx(smallest_p(articles, *systems, FEW), abs=0.003)


def test_articles_needed_by_hand() -> None:
    # One against one: 2 / 2⁵ = 0.0625, 2 / 2⁶ = 0.031. Two against one: 1 / 3² = 0.11, 1 / 3³ = 0.037. Two against two: 2 / 6² =
    # 0.056, 2 / 6³ = 0.009. Three pairs of one against one, with Holm: 3 · 2 / 2⁷ = 0.047.
    assert [articles_needed([pair], FEW) for pair in ((1, 1), (1, 2), (2, 2))] == [[6], [3], [3]]
    assert articles_needed([(1, 1)] * 3, FEW) == [7, 7, 7]
    assert articles_needed([], FEW) == []
    assert articles_needed([(1, 1)], Sampling(resamples=10)) == [None]


def test_a_p_value_is_never_zero() -> None:
    first, second = random_counts(3, 40, 0.2), random_counts(3, 40, 0.9)
    assert randomisation_p(MICRO, [first], [second], FEW) == 1 / 10_001


def test_several_seeds_a_side() -> None:
    good, bad = [random_counts(s, 40, 0.8) for s in (1, 2, 3)], [random_counts(s, 40, 0.6) for s in (4, 5)]
    assert randomisation_p(MICRO, good, bad, FEW) < 0.01
    assert randomisation_p(MICRO, good[:2], [good[2], good[0]], FEW) > 0.05
    assert value(MICRO, bad) == pytest.approx(np.mean([micro_f1(part.values) for part in bad]))


def test_under_the_null_hypothesis_p_values_are_uniform() -> None:
    found = [
        randomisation_p(MICRO, [random_counts(2 * s, 25, 0.7)], [random_counts(2 * s + 1, 25, 0.7)], Sampling(400, s))
        for s in range(200)
    ]
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.01, 0.03, 0.01, "better"),
        (-0.03, -0.01, 0.01, "worse"),
        (0.01, 0.03, 0.05, "cannot tell"),
        (-0.01, 0.03, 0.01, "cannot tell"),
        (0.0, 0.03, 0.01, "cannot tell"),
    ],
)
def test_verdict(low: float, high: float, p: float, said: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high), p, 0.05) == said


def test_spread_by_hand() -> None:
    found = spread([0.5, 0.6, 0.7])
    assert (found.mean, found.deviation, found.low, found.high, found.number) == (
        cast(float, pytest.approx(0.6)),
        cast(float, pytest.approx(0.1)),
        0.5,
        0.7,
        3,
    )


def test_macro_leaves_out_what_has_no_gold_item() -> None:
    sums = np.array([[2, 2, 2], [0, 5, 0], [1, 2, 2]], dtype=np.float64)
    assert METRICS["entity_macro_f1"](sums) == pytest.approx(0.75)
    assert METRICS["entity_f1.ORG"](sums) == 0
    assert METRICS["entity_macro_f1"](np.zeros((4, 3, 3))).tolist() == [0, 0, 0, 0]
