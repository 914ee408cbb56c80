"""The probability from which a relation of each type is reported, chosen on the dev articles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from model.runtime.calibration import ScoreCalibration
from model.runtime.document import Document
from model.runtime.predictor import Predictor
from model.runtime.schema import RELATIONS
from model.runtime.sentences import sentence_spans

from .evaluate import predict_split
from .metrics import RelationKey, relation_keys, score_from_counts

# Coarse, because dev has few of the rare types: finer steps would be chosen by single articles.
GRID = tuple(round(0.2 + 0.05 * step, 2) for step in range(12))


def with_tuned_thresholds(predictor: Predictor, dev: Sequence[Document]) -> Predictor:
    """The predictor with each type's threshold at the best end-to-end F1 on the dev articles."""
    lowest = Predictor(
        predictor.network,
        predictor.tokenizer,
        # Thresholds hold on raw scores, so raw scores is what they are chosen by.
        replace(predictor.settings, thresholds=dict.fromkeys(RELATIONS, GRID[0]), calibration=ScoreCalibration()),
        predictor.lexicon,
    )
    thresholds = tune(dev, predict_split(lowest, dev).end_to_end, predictor.settings.thresholds)
    settings = replace(predictor.settings, thresholds=thresholds)
    return Predictor(predictor.network, predictor.tokenizer, settings, predictor.lexicon)


def tune(gold: Sequence[Document], predicted: Sequence[Document], default: Mapping[str, float]) -> dict[str, float]:
    """Best threshold of `GRID` for each type; the one nearest the default where several are as good or nothing is known.

    `predicted` are the answers at the lowest threshold, with their scores.
    """
    counts = {name: dict.fromkeys(GRID, (0, 0)) for name in RELATIONS}
    support = dict.fromkeys(RELATIONS, 0)
    for gold_document, predicted_document in zip(gold, predicted, strict=True):
        spans = sentence_spans(gold_document.text)
        wanted = relation_keys(gold_document, spans)
        for kind, *_ in wanted:
            support[kind] += 1
        for name, limit, right in _decisions(_scored(predicted_document, spans), wanted):
            true, all_answers = counts[name][limit]
            counts[name][limit] = (true + right, all_answers + 1)
    return {name: _best(counts[name], support[name], default[name]) for name in RELATIONS}


def _scored(document: Document, spans: Sequence[tuple[int, int]]) -> dict[RelationKey, float]:
    scores: dict[RelationKey, float] = {}
    for relation in document.relations:
        (key,) = relation_keys(replace(document, relations=(relation,)), spans)
        scores[key] = max(scores.get(key, 0.0), relation.score or 0.0)
    return scores


def _decisions(scores: Mapping[RelationKey, float], wanted: set[RelationKey]) -> Iterable[tuple[str, float, bool]]:
    for key, score in scores.items():
        for limit in GRID:
            if score >= limit:
                yield key[0], limit, key in wanted


def _best(counts: Mapping[float, tuple[int, int]], support: int, default: float) -> float:
    def merit(limit: float) -> tuple[float, float]:
        true, answers = counts[limit]
        return score_from_counts(true, answers, support).f1, -abs(limit - default)

    return max(GRID, key=merit)
