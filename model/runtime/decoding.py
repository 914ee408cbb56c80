"""From scores to mentions and relations, in numpy, the same for training, evaluation and inference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .pairs import Bools, Candidates, Mention
from .schema import (
    LABELS,
    OUTSIDE,
    RELATION_TYPES,
    RELATIONS,
    TAGS,
    begin_tag,
    inside_tag,
    tag_label,
)

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_FORBIDDEN = np.float32(-1e4)
_TINY = np.float32(1e-30)


def legal_transitions() -> Floats:
    """[T, T] with 0 where the second tag may follow the first, else a large negative number (BIO)."""
    scores = np.zeros((len(TAGS), len(TAGS)), dtype=np.float32)
    for label in LABELS:
        inside = inside_tag(label)
        scores[:, inside] = _FORBIDDEN
        scores[[begin_tag(label), inside], inside] = 0
    return scores


_LEGAL = legal_transitions()
_START = np.where([tag.startswith("I-") for tag in TAGS], _FORBIDDEN, np.float32(0))
_BEGINS = np.array([tag.startswith("B-") for tag in TAGS])


def log_softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


def sigmoid(logits: Floats) -> Floats:
    """Without overflow for large negative logits."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)


@dataclass(frozen=True)
class TagScores:
    """Padded emissions of several sentences, with what may not be forbidden by adding a large negative number."""

    emissions: Floats
    """[N, L, T]"""
    lengths: Ints
    """[N]"""
    transitions: Floats
    """[T, T], from a tag to the next."""

    def best_tags(self) -> list[Ints]:
        """The likeliest legal BIO sequence of each sentence (Viterbi 1967), [C_i] each.

        Illegal sequences (an inside tag after another label or at the start) cannot come out.
        """
        rows, longest, _ = self.emissions.shape
        best = self.emissions[:, 0]
        pointers = np.zeros(self.emissions.shape, dtype=np.int8)
        for position in range(1, longest):
            paths = best[:, :, None] + self.transitions
            pointers[:, position] = paths.argmax(axis=1)
            step = paths.max(axis=1) + self.emissions[:, position]
            best = np.where((position < self.lengths)[:, None], step, best)
        tags = np.zeros((rows, longest), dtype=np.int64)
        current = best.argmax(axis=1)
        for position in range(longest - 1, -1, -1):
            tags[:, position] = np.where(position < self.lengths, current, OUTSIDE)
            if position:
                current = np.where(position < self.lengths, pointers[np.arange(rows), position, current], current)
        return [tags[row, :length] for row, length in enumerate(self.lengths)]

    def marginals(self) -> list[Floats]:
        """P(tag at place | sentence), [C_i, T] each, summed over all legal sequences (forward-backward, scaled)."""
        longest = self.emissions.shape[1]
        weights = np.exp(self.emissions - self.emissions.max(axis=-1, keepdims=True))
        moves = np.exp(self.transitions)
        forward, backward = np.empty_like(weights), np.ones_like(weights)
        forward[:, 0] = weights[:, 0]
        for position in range(1, longest):
            step = (forward[:, position - 1] @ moves) * weights[:, position]
            forward[:, position] = step / np.maximum(step.sum(axis=-1, keepdims=True), _TINY)
        for position in range(longest - 2, -1, -1):
            step = (backward[:, position + 1] * weights[:, position + 1]) @ moves.T
            step /= np.maximum(step.sum(axis=-1, keepdims=True), _TINY)
            backward[:, position] = np.where((position + 1 < self.lengths)[:, None], step, 1.0)
        joint = forward * backward
        joint /= np.maximum(joint.sum(axis=-1, keepdims=True), _TINY)
        return [joint[row, :length] for row, length in enumerate(self.lengths)]


def tag_scores(logits: Sequence[Floats], closed: Sequence[Bools], transitions: Floats) -> TagScores:
    """Scores of at least one sentence, ready to decode.

    `logits[i]`: [C_i, T]; `closed[i]`: [C_i], where a mention may not begin (spaces); `transitions`: [T, T], what the network
    adds for a tag and the next; what BIO forbids is forbidden here.
    """
    lengths = np.array([len(scores) for scores in logits])
    padded = np.zeros((len(logits), int(lengths.max()), len(TAGS)), dtype=np.float32)
    for row, (scores, shut) in enumerate(zip(logits, closed, strict=True)):
        padded[row, : len(scores)] = log_softmax(scores) + np.where(shut[:, None] & _BEGINS, _FORBIDDEN, 0)
    padded[:, 0] += _START
    return TagScores(padded, lengths, transitions + _LEGAL)


def mentions_of(tags: Ints, marginals: Floats, text: str, offset: int = 0) -> list[Mention]:
    """Mentions of a tagged sentence, without white space at their edges. `offset` is added to their places.

    `tags`: [C]; `marginals`: [C, T], the tags' probabilities; `text`: the C characters.
    """
    mentions = []
    position = 0
    while position < len(tags):
        label = tag_label(int(tags[position]))
        if label is None:
            position += 1
            continue
        end = position + 1
        while end < len(tags) and tags[end] == inside_tag(label):
            end += 1
        start, stop = _trim(text, position, end)
        if start < stop:
            chosen = marginals[np.arange(start, stop), tags[start:stop]]
            score = float(np.exp(np.log(np.maximum(chosen, _TINY)).mean()))
            mentions.append(Mention(offset + start, offset + stop, label, score))
        position = end
    return mentions


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


@dataclass(frozen=True, slots=True)
class ScoredRelation:
    """A relation between two mentions of a sentence, by their indices."""

    head: int
    tail: int
    type: str
    score: float


def decide_relations(
    pairs: Candidates,
    logits: Floats,
    mentions: Sequence[Mention],
    text: str,
    thresholds: Mapping[str, float],
) -> list[ScoredRelation]:
    """Relations whose probability reaches their type's threshold.

    `logits`: [N, R], one row a candidate. Of types that exclude each other on a pair the likelier stays. A symmetric relation
    comes earlier mention first. Of several mention pairs with the same surfaces the closest stays, as the schema annotates.
    """
    scores = np.where(pairs.types, sigmoid(logits), 0.0)
    for group in {kind.group for kind in RELATION_TYPES if kind.group}:
        columns = [index for index, kind in enumerate(RELATION_TYPES) if kind.group == group]
        top = scores[:, columns].max(axis=1, keepdims=True)
        scores[:, columns] = np.where(scores[:, columns] == top, scores[:, columns], 0.0)
    limits = np.array([thresholds[name] for name in RELATIONS])
    found = [
        ScoredRelation(int(pairs.head[row]), int(pairs.tail[row]), RELATIONS[column], float(scores[row, column]))
        for row, column in zip(*np.nonzero(scores >= limits), strict=True)
    ]
    return _closest_of_equal(found, mentions, text)


def _closest_of_equal(found: list[ScoredRelation], mentions: Sequence[Mention], text: str) -> list[ScoredRelation]:
    best: dict[tuple[object, ...], ScoredRelation] = {}
    symmetric = {kind.name for kind in RELATION_TYPES if kind.symmetric}
    for relation in found:
        ends = [_surface(mentions[relation.head], text), _surface(mentions[relation.tail], text)]
        if ends[0] == ends[1]:
            continue
        key = (relation.type, *(sorted(ends) if relation.type in symmetric else ends))
        rival = best.get(key)
        equal = [relation] if rival is None else [rival, relation]
        closest = min(equal, key=lambda r: _distance(r, mentions))
        best[key] = replace(closest, score=max(r.score for r in equal))
    return sorted(best.values(), key=lambda r: (min(r.head, r.tail), RELATIONS.index(r.type), r.head, r.tail))


def _surface(mention: Mention, text: str) -> tuple[str, str]:
    return mention.label, text[mention.start : mention.end]


def _distance(relation: ScoredRelation, mentions: Sequence[Mention]) -> tuple[int, int]:
    head, tail = mentions[relation.head], mentions[relation.tail]
    gap = max(head.start, tail.start) - min(head.end, tail.end)
    return gap, min(head.start, tail.start)
