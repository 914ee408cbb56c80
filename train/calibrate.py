"""Fits on the dev articles what turns raw scores into probabilities, and measures it: see `model.runtime.calibration`.

Four forms of the map are tried for mentions and for relations: none, a temperature, Platt scaling, and Platt scaling for each
label or type that has enough answers (the others take the common one). The form with the lowest log loss on articles that it was
not fitted on (cross-validation over dev articles) is fitted on all of dev. Decisions stay on raw scores, so F1 does not change,
unless a recipe asks for a `mention_threshold`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from model.runtime.calibration import IDENTITY, Platt, ScoreCalibration, logit
from model.runtime.document import Document
from model.runtime.predictor import Predictor
from model.runtime.schema import LABELS, RELATIONS

from .compare.calibration import Calibration, calibration
from .compare.errors import Outcomes, outcomes
from .evaluate import predict_end_to_end

FOLDS = 10
ENOUGH = 20
"""Right answers and wrong answers that a label or type wants for numbers of its own; two parameters, ten cases each."""

Floats = NDArray[np.float64]
Maps = dict[str, Platt]


@dataclass(frozen=True)
class Cases:
    """N answers: label or type, score, whether right, article. Raw or mapped scores."""

    names: tuple[str, ...]
    scores: Floats
    right: NDArray[np.bool_]
    articles: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)

    def where(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Cases":
        """Those that a mask or a list of places keeps."""
        return Cases(tuple(np.array(self.names, dtype=object)[kept]), self.scores[kept], self.right[kept], self.articles[kept])


def mention_cases(articles: Sequence[Outcomes]) -> Cases:
    """Scored mentions; right is what strict scoring counts: place and label."""
    rows = [
        (o.answer.label, o.answer.score, o.kind == "correct", index)
        for index, article in enumerate(articles)
        for o in article.mentions
        if o.answer and o.answer.score is not None
    ]
    return _cases(rows)


def relation_cases(articles: Sequence[Outcomes]) -> Cases:
    """Scored relations; right is what end-to-end scoring counts: type and both mentions."""
    rows = [
        (o.answer.type, o.answer.score, o.kind == "correct", index)
        for index, article in enumerate(articles)
        for o in article.relations
        if o.answer and o.answer.score is not None
    ]
    return _cases(rows)


def _cases(rows: Sequence[tuple[str, float, bool, int]]) -> Cases:
    names, scores, right, articles = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Cases(
        tuple(names), np.array(scores, dtype=np.float64), np.array(right, dtype=bool), np.array(articles, dtype=np.int64)
    )


# Forms of the map, the simplest first


def identity(cases: Cases, names: Sequence[str]) -> Maps:
    """Scores as they are."""
    return dict.fromkeys(names, IDENTITY)


def temperature(cases: Cases, names: Sequence[str]) -> Maps:
    """One slope for all."""
    return dict.fromkeys(names, _fit(cases, intercept=False) or IDENTITY)


def platt(cases: Cases, names: Sequence[str]) -> Maps:
    """One slope and one intercept for all."""
    return dict.fromkeys(names, _fit(cases) or IDENTITY)


def platt_by_name(cases: Cases, names: Sequence[str]) -> Maps:
    """Numbers of its own for each name with `ENOUGH` right and wrong answers, the common ones for the others."""
    maps = platt(cases, names)
    kinds = np.array(cases.names, dtype=object)
    for name in names:
        own = cases.where(kinds == name)
        if min(own.right.sum(), (~own.right).sum()) >= ENOUGH:
            maps[name] = _fit(own) or maps[name]
    return maps


Form = Callable[[Cases, Sequence[str]], Maps]
FORMS: dict[str, Form] = {
    "raw": identity,
    "temperature": temperature,
    "Platt": platt,
    "Platt by label or type": platt_by_name,
}


def _fit(cases: Cases, intercept: bool = True) -> Platt | None:
    """The likeliest map; None when there is nothing to fit or a higher score would mean a lower probability.

    Targets are Platt's, (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2) in place of 1 and 0, which keeps the numbers finite where scores
    separate right from wrong.
    """
    right = int(cases.right.sum())
    wrong = len(cases) - right
    if not right or not wrong:
        return None
    target = np.where(cases.right, (right + 1) / (right + 2), 1 / (wrong + 2))
    places = np.array([[logit(score)] for score in cases.scores])
    model = LogisticRegression(C=np.inf, fit_intercept=intercept, tol=1e-8, max_iter=1_000)
    answers = np.repeat([1, 0], len(cases))
    model.fit(np.concatenate([places, places]), answers, sample_weight=np.concatenate([target, 1 - target]))
    slope = float(model.coef_[0, 0])
    return Platt(slope, float(model.intercept_[0]) if intercept else 0.0) if slope > 0 else None


def mapped(cases: Cases, maps: Mapping[str, Platt]) -> Cases:
    """The cases with their scores mapped."""
    return replace(cases, scores=np.array([maps[n](s) for n, s in zip(cases.names, cases.scores, strict=True)], dtype=np.float64))


# Choice


@dataclass(frozen=True)
class FittedMaps:
    """The chosen form for mentions or relations, its numbers by label or type, and the log loss of every form on held-out dev."""

    form: str
    maps: Maps
    losses: Mapping[str, float]
    held_out: Cases
    """The dev answers, each with the score that a fit without its article gives."""


def choose(cases: Cases, names: Sequence[str], folds: int = FOLDS) -> FittedMaps:
    """Cross-validates all forms over articles and fits the best on all cases; raw where there is too little to learn from."""
    articles = len(set(cases.articles.tolist()))
    if articles < 2 or cases.right.all() or not cases.right.any():
        return FittedMaps("raw", identity(cases, names), {}, cases)
    held_out = {form: _held_out(cases, names, fit, min(folds, articles)) for form, fit in FORMS.items()}
    losses = {form: _loss(found) for form, found in held_out.items()}
    best = min(FORMS, key=lambda form: losses[form])
    return FittedMaps(best, FORMS[best](cases, names), losses, held_out[best])


def _held_out(cases: Cases, names: Sequence[str], fit: Form, folds: int) -> Cases:
    scores = np.zeros(len(cases))
    for train, test in GroupKFold(folds).split(cases.scores, groups=cases.articles):
        scores[test] = mapped(cases.where(test), fit(cases.where(train), names)).scores
    return replace(cases, scores=scores)


def _loss(cases: Cases) -> float:
    return float(log_loss(cases.right, np.clip(cases.scores, 1e-6, 1 - 1e-6), labels=[False, True]))


# A trained model


@dataclass(frozen=True)
class FittedCalibration:
    """What was fitted on dev."""

    mentions: FittedMaps
    relations: FittedMaps

    @property
    def calibration(self) -> ScoreCalibration:
        return ScoreCalibration(_kept(self.mentions.maps), _kept(self.relations.maps))


def _kept(maps: Maps) -> Maps:
    return {name: found for name, found in maps.items() if found != IDENTITY}


def fit_calibration(gold: Sequence[Document], raw: Sequence[Document]) -> FittedCalibration:
    """Fits on articles and the raw answers to them."""
    matched = [outcomes(g, f) for g, f in zip(gold, raw, strict=True)]
    return FittedCalibration(choose(mention_cases(matched), LABELS), choose(relation_cases(matched), RELATIONS))


def calibrated(
    predictor: Predictor, dev: Sequence[Document], mention_threshold: float = 0.0
) -> tuple[Predictor, FittedCalibration]:
    """The predictor with its scores calibrated on the dev articles, and what was fitted.

    `mention_threshold`: the probability from which a mention is reported. The maps are fitted twice then: on all mentions, for
    the raw scores that stand for it, and on what is left, for the scores that are reported.
    """
    raw = uncalibrated(predictor)
    if mention_threshold:
        raw = with_mention_threshold(raw, dev, mention_threshold)
    fitted = fit_calibration(dev, predict_end_to_end(raw, dev))
    return with_calibration(raw, fitted.calibration), fitted


def with_mention_threshold(raw: Predictor, dev: Sequence[Document], probability: float) -> Predictor:
    """The predictor without the mentions that are less probable, by a map fitted on the dev articles. Its own scores stay raw."""
    everything = _with(raw, mention_thresholds={})
    maps = fit_calibration(dev, predict_end_to_end(everything, dev)).mentions.maps
    return _with(raw, mention_thresholds={label: maps[label].inverse(probability) for label in LABELS})


def uncalibrated(predictor: Predictor) -> Predictor:
    """The predictor with the network's own scores."""
    return with_calibration(predictor, ScoreCalibration())


def with_calibration(predictor: Predictor, maps: ScoreCalibration) -> Predictor:
    """The predictor with other maps of its scores."""
    return _with(predictor, calibration=maps)


def _with(predictor: Predictor, **settings: Any) -> Predictor:
    return Predictor(
        predictor.network,
        predictor.tokenizer,
        replace(predictor.settings, **settings),
        predictor.lexicon,
        predictor.batch_tokens,
    )


# Report


@dataclass(frozen=True)
class Reliability:
    """Expected calibration error and log loss of mentions or relations with raw and with calibrated scores."""

    raw: Calibration
    calibrated: Calibration
    raw_loss: float
    calibrated_loss: float


@dataclass(frozen=True)
class SplitReliability:
    """Of one split; on dev the calibrated scores are the held-out ones."""

    mentions: Reliability
    relations: Reliability


def dev_reliability(gold: Sequence[Document], raw: Sequence[Document], fitted: FittedCalibration) -> SplitReliability:
    """On the articles that the maps were fitted on, each answer scored by a fit without its article."""
    matched = [outcomes(g, f) for g, f in zip(gold, raw, strict=True)]
    return SplitReliability(
        _reliability(mention_cases(matched), fitted.mentions.held_out),
        _reliability(relation_cases(matched), fitted.relations.held_out),
    )


def split_reliability(gold: Sequence[Document], raw: Sequence[Document], maps: ScoreCalibration) -> SplitReliability:
    """On articles that the maps were not fitted on."""
    before, after = ([outcomes(g, f) for g, f in zip(gold, found, strict=True)] for found in (raw, [maps(d) for d in raw]))
    return SplitReliability(
        _reliability(mention_cases(before), mention_cases(after)), _reliability(relation_cases(before), relation_cases(after))
    )


def _reliability(raw: Cases, mapped_cases: Cases) -> Reliability:
    found = [calibration(cases.scores.tolist(), cases.right.tolist()) for cases in (raw, mapped_cases)]
    losses = [_loss(cases) if len(cases) else 0.0 for cases in (raw, mapped_cases)]
    return Reliability(found[0], found[1], losses[0], losses[1])


def calibration_markdown(fitted: FittedCalibration, splits: Mapping[str, SplitReliability]) -> str:
    """What was chosen, and calibration errors and log losses before and after, in Markdown."""
    lines = ["## Scores as probabilities", ""]
    for kind, maps in (("mentions", fitted.mentions), ("relations, end to end", fitted.relations)):
        losses = ", ".join(f"{form} {loss:.3f}" for form, loss in maps.losses.items())
        lines.append(f"- {kind}: {maps.form}{f' (log loss on held-out dev articles: {losses})' if losses else ''}")
    lines += ["", "| | ECE raw | ECE calibrated | log loss raw | calibrated | answers |", "|---|---|---|---|---|---|"]
    for split, found in splits.items():
        where = f"{split}, cross-validated" if split == "dev" else split
        for kind, r in (("mentions", found.mentions), ("relations", found.relations)):
            numbers = f"{r.raw.error:.3f} | {r.calibrated.error:.3f} | {r.raw_loss:.3f} | {r.calibrated_loss:.3f}"
            lines.append(f"| {where}: {kind} | {numbers} | {r.raw.number} |")
    return "\n".join([*lines, ""])
