"""The majority baseline: every pair of mentions that stand close enough gets the commonest relation of its labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.runtime.decoding import decide_relations
from model.runtime.document import Document, Entity, Relation
from model.runtime.pairs import Mention, candidates
from model.runtime.schema import RELATIONS, relation_type
from model.runtime.sentences import sentence_spans
from train.metrics import relation_scores

from ..articles import Articles
from ..config import MajoritySettings
from ..measure import Fitted, without_relations
from . import Found

_SURE = 10.0

Majority = Mapping[tuple[str, str], str]
"""The commonest relation of an ordered pair of labels."""


def fit(settings: MajoritySettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """Counts; the distance with the best dev score on the first source's mentions stays."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for document in articles.train:
        labels = {entity.id: entity.label for entity in document.entities}
        for relation in document.relations:
            counts.setdefault((labels[relation.head], labels[relation.tail]), Counter())[relation.type] += 1
    majority = {pair: max(sorted(counter), key=counter.__getitem__) for pair, counter in counts.items()}
    mentions = without_relations(found[settings.mentions[0]]["dev"])
    scores = {
        distance: relation_scores(articles.dev, [relate(d, majority, distance) for d in mentions]).micro.f1
        for distance in settings.characters
    }
    best = max(scores, key=scores.__getitem__)

    def relate_all(documents: Sequence[Document]) -> list[Document]:
        return [relate(document, majority, best) for document in documents]

    facts = {"characters": best, "majority": {f"{h} → {t}": name for (h, t), name in sorted(majority.items())}}
    return Fitted(len(majority) + 1, relate=relate_all, facts=facts)


def relate(document: Document, majority: Majority, distance: int) -> Document:
    """The document with the majority's relations between a sentence's mentions, at most `distance` characters apart."""
    relations: list[Relation] = []
    for start, end in sentence_spans(document.text):
        inside = [entity for entity in document.entities if start <= entity.start < end]
        relations.extend(_relations(document.text, inside, majority, distance))
    return replace(document, relations=tuple(replace(r, id=f"R{n}") for n, r in enumerate(relations, 1)))


def _relations(text: str, entities: Sequence[Entity], majority: Majority, distance: int) -> list[Relation]:
    if not entities:
        return []
    mentions = [Mention(e.start, e.end, e.label) for e in entities]
    pairs = candidates(mentions)
    logits = np.full(pairs.types.shape, -_SURE, dtype=np.float32)
    for row, (head, tail) in enumerate(zip(pairs.head, pairs.tail, strict=True)):
        first, second = mentions[head], mentions[tail]
        name = majority.get((first.label, second.label))
        gap = max(first.start, second.start) - min(first.end, second.end)
        if name is not None and gap <= distance and _in_order(name, first, second):
            logits[row, RELATIONS.index(name)] = _SURE
    decided = decide_relations(pairs, logits, mentions, text, dict.fromkeys(RELATIONS, 0.5))
    return [Relation("", entities[r.head].id, entities[r.tail].id, r.type) for r in decided]


def _in_order(name: str, head: Mention, tail: Mention) -> bool:
    """Of two mentions with one label only the earlier is taken for the head: it would hold in both directions otherwise."""
    return head.label != tail.label or relation_type(name).symmetric or head.start < tail.start
