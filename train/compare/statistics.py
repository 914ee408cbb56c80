"""How sure a number is: bootstrap over articles, paired approximate randomisation, Holm's correction, spread over seeds.

The article is the unit: sentences of one article share names and topic, so resampling sentences would promise too much.
Bootstrap: Efron and Tibshirani 1993, percentile interval. Approximate randomisation: Noreen 1989; for NLP Yeh 2000 and Dror et
al. 2018. Everything is vectorised over counts an article (`counts.Counts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .counts import Counts, Floats, Metric

Deal = NDArray[np.int64]
"""[trials, A, S]: the system whose answers stand at each place."""
Verdict = Literal["better", "worse", "cannot tell", "too few articles"]

_CHUNK = 2_000
"""Trials held in memory at a time."""
_MANY = 100
"""Articles of which no level in use asks more: from here on only the number of shuffles holds the smallest p up."""


@dataclass(frozen=True)
class Interval:
    """A value and the interval that holds it with the stated confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Second side minus first. `p_adjusted` is Holm's over the pairs that were compared in the same metric."""

    interval: Interval
    p: float
    p_adjusted: float
    verdict: Verdict


@dataclass(frozen=True)
class Sampling:
    """How much is drawn, from which seed, and what counts as significant."""

    resamples: int = 10_000
    seed: int = 13
    alpha: float = 0.05


def resampling_weights(articles: int, sampling: Sampling) -> Floats:
    """[B, A]: how often each article is drawn in each bootstrap sample. Shared by all, which pairs the differences."""
    random = np.random.default_rng(sampling.seed)
    return random.multinomial(articles, np.full(articles, 1 / articles), size=sampling.resamples).astype(np.float64)


def resampled_sums(counts: Counts, weights: Floats) -> Floats:
    """[B, N, 3] sums of the counts in each bootstrap sample."""
    return np.asarray(np.tensordot(weights, counts.values, axes=1))


def value(metric: Metric, side: Sequence[Counts]) -> float:
    """The metric on the articles as they are; of several members their mean."""
    return float(np.mean([metric(counts.total()) for counts in side]))


def interval(observed: float, samples: Floats, alpha: float) -> Interval:
    """The percentile interval of bootstrap samples."""
    low, high = np.quantile(samples, [alpha / 2, 1 - alpha / 2])
    return Interval(observed, float(low), float(high))


def randomisation_p(metric: Metric, first: Sequence[Counts], second: Sequence[Counts], sampling: Sampling) -> float:
    """Two-sided p-value of the difference of two sides' means, by shuffling which system gave which article's answers.

    With one system a side this is the paired randomisation test: an article's two outputs are swapped or not. With m and n
    systems (seeds), an article's m + n outputs are dealt out anew, since under the null hypothesis all are alike. One against one
    on so few articles that there are no more swaps than trials is computed exactly, else (c + 1) / (trials + 1).
    """
    systems = np.stack([counts.values for counts in (*first, *second)])
    observed = abs(value(metric, first) - value(metric, second))
    number, articles = systems.shape[:2]
    exact = _exact(number, articles, sampling)
    reached, trials = 0, 0
    for deal in _all_swaps(articles) if exact else _random_deals(articles, number, sampling):
        shuffled = _dealt(metric, systems, deal, len(first))
        reached += int((np.abs(shuffled) >= observed - 1e-12).sum())
        trials += len(shuffled)
    return reached / trials if exact else (reached + 1) / (trials + 1)


def _exact(number: int, articles: int, sampling: Sampling) -> bool:
    return number == 2 and 2**articles <= sampling.resamples


def smallest_p(articles: int, first: int, second: int, sampling: Sampling) -> float:
    """The p-value below which `randomisation_p` cannot come with that many systems a side, however large the difference.

    The deal as it is always reaches the difference, and so does its mirror image where both sides have equally many systems.
    Where deals are drawn, it is what they come to on average.
    """
    reaching = (2 if first == second else 1) / comb(first + second, first) ** articles
    if not _exact(first + second, articles, sampling):
        reaching = (reaching * sampling.resamples + 1) / (sampling.resamples + 1)
    return min(1.0, reaching)


def articles_needed(pairs: Sequence[tuple[int, int]], sampling: Sampling) -> list[int | None]:
    """For each pair of sides, given by their numbers of systems, the fewest articles that can make a difference significant.

    All pairs are corrected together, as in the report. None where the shuffles are too few whatever the number of articles.
    """
    found: list[int | None] = [None] * len(pairs)
    for articles in range(1, _MANY + 1):
        lowest = holm([smallest_p(articles, first, second, sampling) for first, second in pairs])
        found = [articles if n is None and p < sampling.alpha else n for n, p in zip(found, lowest, strict=True)]
    return found


def _all_swaps(articles: int) -> list[Deal]:
    bits = np.array(list(product((0, 1), repeat=articles)), dtype=np.int64).reshape(2**articles, articles)
    return [np.stack([bits, 1 - bits], axis=-1)]


def _random_deals(articles: int, number: int, sampling: Sampling) -> list[Deal]:
    """Deals [trials, A, S]: the system whose answers stand at each place."""
    random = np.random.default_rng(sampling.seed)
    sizes = [min(_CHUNK, sampling.resamples - start) for start in range(0, sampling.resamples, _CHUNK)]
    return [random.random((size, articles, number)).argsort(axis=-1) for size in sizes]


def _dealt(metric: Metric, systems: Floats, deal: Deal, members: int) -> Floats:
    """[trials] difference of the means of the first `members` places and of the rest."""
    number, articles = systems.shape[:2]
    flat = systems.transpose(1, 0, 2, 3).reshape(articles * number, *systems.shape[2:])
    values = []
    for place in range(number):
        chosen = np.zeros((len(deal), articles, number))
        np.put_along_axis(chosen, deal[:, :, place : place + 1], 1.0, axis=-1)
        values.append(metric(np.tensordot(chosen.reshape(len(deal), -1), flat, axes=1)))
    return np.asarray(np.mean(values[:members], axis=0) - np.mean(values[members:], axis=0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): the chance of one false alarm among all of them stays at the level."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def verdict(difference: Interval, p: float, alpha: float) -> Verdict:
    """Better or worse only where the test is significant and the interval lies on one side of zero."""
    if p < alpha and difference.low > 0:
        return "better"
    if p < alpha and difference.high < 0:
        return "worse"
    return "cannot tell"


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (n − 1), smallest and largest value over seeds."""

    mean: float
    deviation: float
    low: float
    high: float
    number: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least two values."""
    array = np.array(values)
    return Spread(float(array.mean()), float(array.std(ddof=1)), float(array.min()), float(array.max()), len(array))
