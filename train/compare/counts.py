"""Scores as counts an article, so that resampling articles is a matrix product.

Every score of the report is a ratio of sums over articles: hits, answers, gold items. `Counts` keeps the summands; the
statistics (`statistics.py`) weigh them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from nervaluate import Evaluator
from numpy.typing import NDArray

from model.runtime.document import Document
from model.runtime.schema import LABELS, RELATIONS
from model.runtime.sentences import sentence_spans

from ..evaluate import Predictions
from ..metrics import entity_keys, relation_keys

Floats = NDArray[np.float64]
Family = Literal["entity", "relation", "relation_gold", "partial", "type"]
FAMILIES: tuple[Family, ...] = ("entity", "relation", "relation_gold", "partial", "type")

HITS, ANSWERS, GOLD = range(3)


@dataclass(frozen=True)
class Counts:
    """Hits, answers and gold items of each name (label, relation type) in each article.

    `values`: [A, N, 3] in the order `HITS`, `ANSWERS`, `GOLD`. Hits may be halves (partial matches).
    """

    names: tuple[str, ...]
    values: Floats

    def total(self) -> Floats:
        """[N, 3], summed over articles."""
        return np.asarray(self.values.sum(axis=0))


def f1(sums: Floats) -> Floats:
    """F1 of sums [..., 3]; 0 where there is neither answer nor gold item, as `metrics.score_from_counts` has it."""
    total = sums[..., ANSWERS] + sums[..., GOLD]
    return np.divide(2 * sums[..., HITS], total, out=np.zeros_like(total, dtype=np.float64), where=total > 0)


def precision(sums: Floats) -> Floats:
    """Precision of sums [..., 3]; 0 where there is no answer."""
    answers = sums[..., ANSWERS]
    return np.divide(sums[..., HITS], answers, out=np.zeros_like(answers, dtype=np.float64), where=answers > 0)


def recall(sums: Floats) -> Floats:
    """Recall of sums [..., 3]; 0 where there is no gold item."""
    gold = sums[..., GOLD]
    return np.divide(sums[..., HITS], gold, out=np.zeros_like(gold, dtype=np.float64), where=gold > 0)


@dataclass(frozen=True)
class Metric:
    """A number in [0, 1] from the sums [..., N, 3] of one family: micro F1, macro F1, or the F1 of one name."""

    key: str
    title: str
    family: Family
    kind: Literal["micro", "macro", "name"]
    index: int = -1

    def __call__(self, sums: Floats) -> Floats:
        """Sums [..., N, 3] to values [...]. Macro is the mean over names with gold items, as `metrics.Scores` has it."""
        if self.kind == "micro":
            return f1(sums.sum(axis=-2))
        scores = f1(sums)
        if self.kind == "name":
            return np.asarray(scores[..., self.index])
        supported = sums[..., GOLD] > 0
        number = supported.sum(axis=-1)
        return np.divide((scores * supported).sum(axis=-1), number, out=np.zeros(number.shape), where=number > 0)


def _metrics() -> dict[str, Metric]:
    metrics = [
        Metric("entity_f1", "Mentions F1, strict", "entity", "micro"),
        Metric("entity_macro_f1", "Mentions F1, mean of labels", "entity", "macro"),
        Metric("relation_f1", "Relations F1, end to end", "relation", "micro"),
        Metric("relation_macro_f1", "Relations F1, mean of types", "relation", "macro"),
        Metric("relation_gold_f1", "Relations F1, gold mentions given", "relation_gold", "micro"),
        Metric("partial_f1", "Mentions F1, partial match", "partial", "micro"),
        Metric("type_f1", "Mentions F1, type match", "type", "micro"),
    ]
    metrics += [Metric(f"entity_f1.{n}", f"{n} F1", "entity", "name", i) for i, n in enumerate(LABELS)]
    metrics += [Metric(f"relation_f1.{n}", f"{n} F1", "relation", "name", i) for i, n in enumerate(RELATIONS)]
    metrics += [
        Metric(f"relation_gold_f1.{n}", f"{n} F1, gold mentions given", "relation_gold", "name", i)
        for i, n in enumerate(RELATIONS)
    ]
    return {metric.key: metric for metric in metrics}


METRICS = _metrics()
"""Every metric by its key, which the gate and the JSON use."""
HEADLINE = ("entity_f1", "relation_f1")
"""What the verdict sentences speak of."""
OVERALL = tuple(key for key in METRICS if "." not in key)


def count_all(gold: Sequence[Document], predictions: Predictions) -> dict[Family, Counts]:
    """The counts of every family."""
    found = predictions.end_to_end
    partial, kind = nervaluate_counts(gold, found)
    return {
        "entity": entity_counts(gold, found),
        "relation": relation_counts(gold, found),
        "relation_gold": relation_counts(gold, predictions.with_gold_mentions),
        "partial": partial,
        "type": kind,
    }


def entity_counts(gold: Sequence[Document], predicted: Sequence[Document]) -> Counts:
    """Strict mentions by label; sums to what `metrics.entity_scores` says."""
    pairs = [(entity_keys(g), entity_keys(p)) for g, p in zip(gold, predicted, strict=True)]
    return _by_name(LABELS, [[[key[2] for key in part] for part in (g & p, p, g)] for g, p in pairs])


def relation_counts(gold: Sequence[Document], predicted: Sequence[Document]) -> Counts:
    """Relations by type; sums to what `metrics.relation_scores` says."""
    articles = []
    for gold_document, found in zip(gold, predicted, strict=True):
        spans = sentence_spans(gold_document.text)
        expected, answered = relation_keys(gold_document, spans), relation_keys(found, spans)
        articles.append([[key[0] for key in part] for part in (expected & answered, answered, expected)])
    return _by_name(RELATIONS, articles)


def _by_name(names: tuple[str, ...], articles: Sequence[Sequence[Iterable[str]]]) -> Counts:
    """Counts from the names of the hits, the answers and the gold items of each article."""
    place = {name: index for index, name in enumerate(names)}
    values = np.zeros((len(articles), len(names), 3))
    for row, parts in enumerate(articles):
        for column, part in enumerate(parts):
            for name in part:
                values[row, place[name], column] += 1
    return Counts(names, values)


def nervaluate_counts(gold: Sequence[Document], predicted: Sequence[Document]) -> tuple[Counts, Counts]:
    """Partial and type matches as nervaluate (SemEval 2013) counts them, over all labels together.

    Partial: the label is ignored, an overlap that is no exact match counts one half. Type: any overlap with the right label
    counts. Ends are passed inclusive: with half-open ones nervaluate takes mentions that only touch for overlapping.
    """
    partial, kind = (np.zeros((len(gold), 1, 3)) for _ in range(2))
    for row, (expected, found) in enumerate(zip(gold, predicted, strict=True)):
        result = Evaluator([_spans(expected)], [_spans(found)], tags=list(LABELS), loader="dict").evaluate()["overall"]
        soft, typed = result["partial"], result["ent_type"]
        partial[row, 0] = soft.correct + soft.partial / 2, soft.actual, soft.possible
        kind[row, 0] = typed.correct, typed.actual, typed.possible
    return Counts(("all",), partial), Counts(("all",), kind)


def _spans(document: Document) -> list[Mapping[str, object]]:
    return [{"label": e.label, "start": e.start, "end": e.end - 1} for e in document.entities]
