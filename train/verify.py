"""Does an exported model say what the torch model says? Scores and counts of several predictors on the same articles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.runtime.document import Document
from model.runtime.predictor import Predictor

from .evaluate import predict_end_to_end
from .metrics import entity_scores, relation_scores

Found = dict[tuple[object, ...], float]


@dataclass(frozen=True)
class Comparison:
    """One predictor on one split beside the first, the reference. F1 is strict micro F1, relations end to end.

    `other_mentions`, `other_relations`: found by one of the two only. `score_difference`: the largest on what both found.
    """

    split: str
    name: str
    mentions: int
    relations: int
    mentions_f1: float
    relations_f1: float
    other_mentions: int
    other_relations: int
    score_difference: float


def compare(predictors: Mapping[str, Predictor], splits: Mapping[str, Sequence[Document]]) -> list[Comparison]:
    """Every predictor on every split, beside the first predictor of all."""
    comparisons = []
    for split, gold in splits.items():
        reference: list[Document] | None = None
        for name, predictor in predictors.items():
            documents = predict_end_to_end(predictor, gold)
            reference = reference or documents
            comparisons.append(_compare(split, name, gold, documents, reference))
    return comparisons


def _compare(
    split: str, name: str, gold: Sequence[Document], documents: Sequence[Document], reference: Sequence[Document]
) -> Comparison:
    other_mentions = other_relations = 0
    largest = 0.0
    for document, expected in zip(documents, reference, strict=True):
        pairs = (_mentions(document), _mentions(expected)), (_relations(document), _relations(expected))
        other_mentions += len(pairs[0][0].keys() ^ pairs[0][1].keys())
        other_relations += len(pairs[1][0].keys() ^ pairs[1][1].keys())
        for found, wanted in pairs:
            largest = max([largest, *(abs(found[key] - wanted[key]) for key in found.keys() & wanted.keys())])
    return Comparison(
        split,
        name,
        sum(len(d.entities) for d in documents),
        sum(len(d.relations) for d in documents),
        entity_scores(gold, documents).micro.f1,
        relation_scores(gold, documents).micro.f1,
        other_mentions,
        other_relations,
        largest,
    )


def _mentions(document: Document) -> Found:
    return {(e.start, e.end, e.label): e.score or 0.0 for e in document.entities}


def _relations(document: Document) -> Found:
    places = {e.id: (e.start, e.end, e.label) for e in document.entities}
    return {(r.type, places[r.head], places[r.tail]): r.score or 0.0 for r in document.relations}


def comparison_table(comparisons: Iterable[Comparison]) -> str:
    """A Markdown table, a row a predictor and split."""
    rows = [
        "| split | model | mentions | relations | mentions F1 | relations F1 | other mentions | other relations "
        "| largest score difference |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {c.split} | {c.name} | {c.mentions} | {c.relations} | {c.mentions_f1:.4f} | {c.relations_f1:.4f} "
        f"| {c.other_mentions} | {c.other_relations} | {c.score_difference:.5f} |"
        for c in comparisons
    ]
    return "\n".join(rows)
