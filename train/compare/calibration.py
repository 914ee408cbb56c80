"""Whether a score means what it says: of the answers scored 0.8, are eight of ten right?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import Outcomes

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Answers whose score lies in [`low`, `high`): how many, their mean score, the share that is right."""

    low: float
    high: float
    number: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Bins that hold answers, the expected calibration error over them (Guo et al. 2017), mean score and accuracy."""

    bins: tuple[Bin, ...]
    error: float
    confidence: float
    accuracy: float
    number: int


def calibration(scores: Sequence[float], right: Sequence[bool], bins: int = BINS) -> Calibration:
    """Reliability in bins of equal width; the last one includes 1. ECE is Σ n_b/n · |accuracy_b − confidence_b|."""
    values, correct = np.array(scores, dtype=np.float64), np.array(right, dtype=np.float64)
    if not len(values):
        return Calibration((), 0.0, 0.0, 0.0, 0)
    # The small addend keeps a score such as 0.3 (whose tenfold is a hair under 3) in the bin that it names.
    place = np.minimum((values * bins + 1e-9).astype(np.int64), bins - 1)
    filled = []
    for index in range(bins):
        members = place == index
        if members.any():
            confidence, accuracy = float(values[members].mean()), float(correct[members].mean())
            filled.append(Bin(index / bins, (index + 1) / bins, int(members.sum()), confidence, accuracy))
    error = sum(b.number * abs(b.accuracy - b.confidence) for b in filled) / len(values)
    return Calibration(tuple(filled), float(error), float(values.mean()), float(correct.mean()), len(values))


def mention_calibration(articles: Sequence[Outcomes]) -> Calibration:
    """Scores of the mentions found against strict correctness."""
    found = [(o.answer, o.kind) for article in articles for o in article.mentions if o.answer and o.answer.score is not None]
    return calibration([a.score or 0.0 for a, _ in found], [kind == "correct" for _, kind in found])


def relation_calibration(articles: Sequence[Outcomes]) -> Calibration:
    """Scores of the relations reported end to end against correctness."""
    found = [(o.answer, o.kind) for article in articles for o in article.relations if o.answer and o.answer.score is not None]
    return calibration([a.score or 0.0 for a, _ in found], [kind == "correct" for _, kind in found])
