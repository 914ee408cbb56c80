"""Scores that mean something: of the answers scored 0.8, eight of ten are right.

The network's own scores are too sure of themselves. Two numbers a label or relation type, fitted on the dev articles at the end
of training (`train.calibrate`), turn a raw score into the probability that the answer is right: a mention with its place and
label, a relation with its type and both mentions. The map keeps the order of scores and comes after all decisions (tags,
thresholds), so what is found stays the same. A recipe's `mention_threshold` is a probability, too; a model folder holds the raw
scores that it stands for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .document import Document

_EDGE = 1e-6
"""Nearer to 0 or 1 a score is no evidence any more but the rounding of single-precision numbers."""


@dataclass(frozen=True, slots=True)
class Platt:
    """`sigmoid(slope · logit(score) + intercept)` (Platt 1999); without intercept it is temperature scaling (Guo et al. 2017).

    Raises ValueError for a slope that is not positive (it would turn the order of scores round) and for what is not finite.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.intercept)):
            raise ValueError(f"slope {self.slope} and intercept {self.intercept} make no map that keeps the order of scores")

    def __call__(self, score: float) -> float:
        """The probability for a raw score in [0, 1]; the identity leaves the score untouched to the last bit."""
        if self == IDENTITY:
            return score
        value = self.slope * logit(score) + self.intercept
        return _sigmoid(value)

    def inverse(self, probability: float) -> float:
        """The raw score in [0, 1] whose probability it is."""
        if self == IDENTITY:
            return probability
        return _sigmoid((logit(probability) - self.intercept) / self.slope)


IDENTITY = Platt()


def _sigmoid(value: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * value))


def logit(score: float) -> float:
    """ln(s / (1 − s)), with s kept off 0 and 1."""
    kept = min(max(score, _EDGE), 1 - _EDGE)
    return math.log(kept / (1 - kept))


@dataclass(frozen=True)
class ScoreCalibration:
    """Maps by label and by relation type; where there is none a score stays as the network gave it."""

    mentions: Mapping[str, Platt] = field(default_factory=dict)
    relations: Mapping[str, Platt] = field(default_factory=dict)

    def __call__(self, document: Document) -> Document:
        """The document with its scores mapped; what has no score keeps none."""
        if not self.mentions and not self.relations:
            return document
        return replace(
            document,
            entities=tuple(
                e if e.score is None else replace(e, score=self.mentions.get(e.label, IDENTITY)(e.score))
                for e in document.entities
            ),
            relations=tuple(
                r if r.score is None else replace(r, score=self.relations.get(r.type, IDENTITY)(r.score))
                for r in document.relations
            ),
        )

    def to_dict(self) -> dict[str, dict[str, list[float]]]:
        """For `dosilink.json`: [slope, intercept] by name."""
        return {
            kind: {name: [platt.slope, platt.intercept] for name, platt in maps.items()}
            for kind, maps in (("mentions", self.mentions), ("relations", self.relations))
        }


def calibration_from_dict(data: Mapping[str, Any]) -> ScoreCalibration:
    """The opposite of `to_dict`; an empty mapping is the identity. ValueError, TypeError or KeyError when it is damaged."""
    if not data:
        return ScoreCalibration()
    maps = [{str(n): Platt(float(s), float(i)) for n, (s, i) in data[kind].items()} for kind in ("mentions", "relations")]
    return ScoreCalibration(*maps)
