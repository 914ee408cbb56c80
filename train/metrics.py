"""Scores as the schema fixes them: strict entity F1 on characters, relation F1 by label and surface inside a sentence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS, relation_type
from model.runtime.sentences import sentence_spans


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 in [0, 1]; 0/0 is 0. `support` counts gold items, `predicted` the answers."""

    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True)
class Scores:
    """Scores by label or type. Micro sums the counts, macro is the mean F1 of those with support."""

    by_name: dict[str, Score] = field(default_factory=dict)
    micro: Score = Score(0, 0, 0, 0, 0)
    macro_f1: float = 0.0


@dataclass(frozen=True)
class Evaluation:
    """What a model scores on a split. `relations_gold` is with gold mentions given, `relations` end to end."""

    documents: int
    entities: Scores
    relations: Scores
    relations_gold: Scores

    @property
    def selection(self) -> float:
        """What the best checkpoint is chosen by: the mean of entity and end-to-end relation micro F1."""
        return (self.entities.micro.f1 + self.relations.micro.f1) / 2


def score_from_counts(true_positives: int, predicted: int, support: int) -> Score:
    """Precision, recall, F1; 0 where nothing is predicted or nothing is gold."""
    precision = true_positives / predicted if predicted else 0.0
    recall = true_positives / support if support else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(precision, recall, f1, support, predicted)


def entity_scores(gold: Sequence[Document], predicted: Sequence[Document]) -> Scores:
    """Strict scores of mentions (same characters, same label), by seqeval over the characters' IOB2 tags."""
    gold_tags = [character_tags(document.text, document.entities) for document in gold]
    predicted_tags = [character_tags(document.text, document.entities) for document in predicted]
    supports = Counter(e.label for document in gold for e in document.entities)
    answers = Counter(e.label for document in predicted for e in document.entities)
    if not supports and not answers:
        return Scores({label: score_from_counts(0, 0, 0) for label in LABELS})
    names = sorted(supports.keys() | answers.keys())
    precision, recall, f1, _ = precision_recall_fscore_support(
        gold_tags, predicted_tags, average=None, mode="strict", scheme=IOB2, zero_division=0
    )
    by_name = {label: score_from_counts(0, 0, 0) for label in LABELS}
    for index, label in enumerate(names):
        by_name[label] = Score(float(precision[index]), float(recall[index]), float(f1[index]), supports[label], answers[label])
    micro_p, micro_r, micro_f1, _ = precision_recall_fscore_support(
        gold_tags, predicted_tags, average="micro", mode="strict", scheme=IOB2, zero_division=0
    )
    micro = Score(float(micro_p), float(micro_r), float(micro_f1), supports.total(), answers.total())
    return Scores(by_name, micro, _macro(by_name))


def character_tags(text: str, entities: Iterable[Entity]) -> list[str]:
    """IOB2 tags of the characters of a text, [C]. DataError when mentions overlap: tags could hold only one of them."""
    tags = ["O"] * len(text)
    for entity in entities:
        if any(tag != "O" for tag in tags[entity.start : entity.end]):
            raise DataError(f"“{entity.text}” at {entity.start} overlaps another mention; mentions are flat (`make check-data`)")
        tags[entity.start : entity.end] = [f"I-{entity.label}"] * (entity.end - entity.start)
        tags[entity.start] = f"B-{entity.label}"
    return tags


def _macro(by_name: dict[str, Score]) -> float:
    supported = [score.f1 for score in by_name.values() if score.support]
    return sum(supported) / len(supported) if supported else 0.0


def relation_scores(gold: Sequence[Document], predicted: Sequence[Document]) -> Scores:
    """Scores of relations: equal type and equal arguments (label and surface) in the same sentence.

    Symmetric types are compared without order. A gold relation whose mention was missed stays a miss.
    """
    true_positives: Counter[str] = Counter()
    supports: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for gold_document, predicted_document in zip(gold, predicted, strict=True):
        spans = sentence_spans(gold_document.text)
        gold_keys = relation_keys(gold_document, spans)
        predicted_keys = relation_keys(predicted_document, spans)
        supports.update(kind for kind, *_ in gold_keys)
        answers.update(kind for kind, *_ in predicted_keys)
        true_positives.update(kind for kind, *_ in gold_keys & predicted_keys)
    by_name = {name: score_from_counts(true_positives[name], answers[name], supports[name]) for name in RELATIONS}
    micro = score_from_counts(true_positives.total(), answers.total(), supports.total())
    return Scores(by_name, micro, _macro(by_name))


RelationKey = tuple[str, int, tuple[tuple[str, str], tuple[str, str]]]


def relation_keys(document: Document, spans: Sequence[tuple[int, int]]) -> set[RelationKey]:
    """What scoring compares: type, index of the sentence, (label, surface) of both arguments."""
    return set(keyed_relations(document, spans))


def keyed_relations(document: Document, spans: Sequence[tuple[int, int]]) -> dict[RelationKey, Relation]:
    """The relations of a document by what scoring compares; of several equal ones the first."""
    entities = {entity.id: entity for entity in document.entities}
    keyed: dict[RelationKey, Relation] = {}
    for relation in document.relations:
        head, tail = entities[relation.head], entities[relation.tail]
        first, second = (head.label, head.text), (tail.label, tail.text)
        if relation_type(relation.type).symmetric and second < first:
            first, second = second, first
        keyed.setdefault((relation.type, sentence_index(head.start, spans), (first, second)), relation)
    return keyed


def sentence_index(position: int, spans: Sequence[tuple[int, int]]) -> int:
    """Index of the sentence that holds a character; -1 between sentences."""
    return next((i for i, (start, end) in enumerate(spans) if start <= position < end), -1)


EntityKey = tuple[int, int, str]


def entity_keys(document: Document) -> set[EntityKey]:
    """What strict scoring of mentions compares: place and label."""
    return {(entity.start, entity.end, entity.label) for entity in document.entities}
