"""What goes wrong: every gold mention and relation is matched to an answer or to none, and each mismatch gets one class.

Mentions: `boundary` (right label, overlapping place), `label` (right place), `both` (overlapping place, wrong label), `missed`
(no answer overlaps it), `spurious` (overlaps no gold mention). Relations, of those that the score counts as wrong: `wrong type`
(the same arguments), `argument not found` (the tagger has no such mention in the sentence), `wrong argument` (the same type and
one argument, or the direction), `missed` (both arguments found), `spurious`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.runtime.document import Document, Entity, Relation
from model.runtime.schema import LABELS, RELATIONS
from model.runtime.sentences import sentence_spans

from ..metrics import RelationKey, keyed_relations, sentence_index

MentionClass = Literal["correct", "boundary", "label", "both", "missed", "spurious"]
RelationClass = Literal["correct", "wrong type", "wrong argument", "argument not found", "missed", "spurious"]
MENTION_ERRORS: tuple[MentionClass, ...] = ("boundary", "label", "both", "missed", "spurious")
RELATION_ERRORS: tuple[RelationClass, ...] = ("wrong type", "wrong argument", "argument not found", "missed", "spurious")


@dataclass(frozen=True)
class MentionOutcome:
    """A gold mention with the answer it got, or either alone."""

    gold: Entity | None
    answer: Entity | None
    kind: MentionClass


@dataclass(frozen=True)
class RelationOutcome:
    """A gold relation with the answer it got, or either alone."""

    gold: Relation | None
    answer: Relation | None
    kind: RelationClass


@dataclass(frozen=True)
class Outcomes:
    """Everything that became of one article."""

    mentions: tuple[MentionOutcome, ...]
    relations: tuple[RelationOutcome, ...]


def outcomes(gold: Document, found: Document) -> Outcomes:
    """Matches an article's answers with its gold annotation."""
    return Outcomes(tuple(match_mentions(gold.entities, found.entities)), tuple(match_relations(gold, found)))


def match_mentions(gold: Sequence[Entity], found: Sequence[Entity]) -> list[MentionOutcome]:
    """Equal places first, then overlaps (right label first, largest overlap first), each mention used once; in text order."""
    pairs = [
        (-((g.start, g.end) == (f.start, f.end)), -(g.label == f.label), -overlap(g, f), i, j)
        for i, g in enumerate(gold)
        for j, f in enumerate(found)
        if overlap(g, f) > 0
    ]
    gold_match: dict[int, int] = {}
    taken: set[int] = set()
    for *_, i, j in sorted(pairs):
        if i not in gold_match and j not in taken:
            gold_match[i] = j
            taken.add(j)
    matched = [_mention_outcome(g, found[gold_match[i]] if i in gold_match else None) for i, g in enumerate(gold)]
    matched += [MentionOutcome(None, f, "spurious") for j, f in enumerate(found) if j not in taken]
    return sorted(matched, key=_place)


def overlap(first: Entity, second: Entity) -> int:
    """Characters that two mentions share."""
    return min(first.end, second.end) - max(first.start, second.start)


def _mention_outcome(gold: Entity, answer: Entity | None) -> MentionOutcome:
    if answer is None:
        return MentionOutcome(gold, None, "missed")
    place, label = (gold.start, gold.end) == (answer.start, answer.end), gold.label == answer.label
    kinds: dict[tuple[bool, bool], MentionClass] = {
        (True, True): "correct",
        (True, False): "label",
        (False, True): "boundary",
        (False, False): "both",
    }
    return MentionOutcome(gold, answer, kinds[place, label])


def _place(outcome: MentionOutcome) -> tuple[int, int]:
    entity = outcome.gold or outcome.answer
    assert entity is not None
    return entity.start, entity.end


Keyed = dict[RelationKey, Relation]
Match = Callable[[RelationKey, RelationKey], bool]


def match_relations(gold: Document, found: Document) -> list[RelationOutcome]:
    """Every gold relation and every answer once. Correct are exactly those that `metrics.relation_scores` counts as hits."""
    spans = sentence_spans(gold.text)
    expected, answered = keyed_relations(gold, spans), keyed_relations(found, spans)
    gold_entities, found_entities = ({e.id: e for e in document.entities} for document in (gold, found))
    present = {(sentence_index(e.start, spans), e.label, e.text) for e in found.entities}
    results = [RelationOutcome(expected[key], answered[key], "correct") for key in expected if key in answered]
    left = {key: relation for key, relation in expected.items() if key not in answered}
    extra = {key: relation for key, relation in answered.items() if key not in expected}

    def lacking(key: RelationKey) -> bool:
        return any((key[1], *argument) not in present for argument in key[2])

    def overlapping(g: RelationKey, a: RelationKey) -> bool:
        """The same relation between mentions that the tagger got wrong."""
        ends = [(gold_entities[end], found_entities[other]) for end, other in zip(_ends(left[g]), _ends(extra[a]), strict=True)]
        crossed = [(ends[0][0], ends[1][1]), (ends[1][0], ends[0][1])]
        return g[0] == a[0] and any(all(overlap(x, y) > 0 for x, y in pairs) for pairs in (ends, crossed))

    stages: list[tuple[RelationClass, Match]] = [
        ("wrong type", lambda g, a: g[1] == a[1] and sorted(g[2]) == sorted(a[2]) and g[0] != a[0]),
        ("argument not found", lambda g, a: lacking(g) and overlapping(g, a)),
        (
            "wrong argument",
            lambda g, a: not lacking(g) and g[:2] == a[:2] and bool(set(g[2]) & set(a[2])),
        ),
    ]
    for kind, fits in stages:
        for key in list(left):
            answer = next((other for other in extra if fits(key, other)), None)
            if answer is not None:
                results.append(RelationOutcome(left.pop(key), extra.pop(answer), kind))
    results += [RelationOutcome(left[key], None, "argument not found" if lacking(key) else "missed") for key in left]
    results += [RelationOutcome(None, relation, "spurious") for relation in extra.values()]
    return results


def _ends(relation: Relation) -> tuple[str, str]:
    return relation.head, relation.tail


NOTHING = "–"
"""The row of what is spurious and the column of what is missed, in a confusion matrix."""


@dataclass(frozen=True)
class Confusion:
    """`values` [gold names + 1, answered names + 1]; the last row is what is spurious, the last column what is missed."""

    names: tuple[str, ...]
    values: NDArray[np.int64]


def label_confusion(articles: Sequence[Outcomes]) -> Confusion:
    """Labels of matched mentions (a boundary error with the right label stands on the diagonal)."""
    pairs = [(o.gold.label if o.gold else NOTHING, o.answer.label if o.answer else NOTHING) for a in articles for o in a.mentions]
    return _confusion(LABELS, pairs)


def relation_confusion(articles: Sequence[Outcomes]) -> Confusion:
    """Types of relations with the same arguments; one whose argument is wrong counts as missed and as spurious."""
    pairs = []
    for outcome in (o for article in articles for o in article.relations):
        gold = outcome.gold.type if outcome.gold else NOTHING
        answer = outcome.answer.type if outcome.answer else NOTHING
        if outcome.kind in ("correct", "wrong type"):
            pairs.append((gold, answer))
        else:
            pairs += [(gold, NOTHING)] if outcome.gold else []
            pairs += [(NOTHING, answer)] if outcome.answer else []
    return _confusion(RELATIONS, pairs)


def _confusion(names: tuple[str, ...], pairs: Sequence[tuple[str, str]]) -> Confusion:
    place = {name: index for index, name in enumerate((*names, NOTHING))}
    values = np.zeros((len(place), len(place)), dtype=np.int64)
    for gold, answer in pairs:
        values[place[gold], place[answer]] += 1
    return Confusion(names, values)


def mention_classes(articles: Sequence[Outcomes]) -> Counter[str]:
    """How often each class of mention error occurs."""
    return Counter(o.kind for article in articles for o in article.mentions if o.kind != "correct")


def relation_classes(articles: Sequence[Outcomes]) -> Counter[str]:
    """How often each class of relation error occurs."""
    return Counter(o.kind for article in articles for o in article.relations if o.kind != "correct")


@dataclass(frozen=True)
class WrongSurface:
    """A mistake that repeats itself: what is annotated, what was answered, how often."""

    gold: str
    answer: str
    kind: str
    count: int


def wrong_surfaces(articles: Sequence[Outcomes], number: int) -> list[WrongSurface]:
    """The most frequent wrong mentions; equal counts in the order of their surfaces, so that a report repeats itself."""

    def shown(entity: Entity | None) -> str:
        return f"{entity.text} ({entity.label})" if entity else NOTHING

    counted = Counter(
        (shown(o.gold), shown(o.answer), str(o.kind)) for article in articles for o in article.mentions if o.kind != "correct"
    )
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [WrongSurface(*key, count) for key, count in ranked[:number]]
