"""From scores to mentions and relations, in numpy, the same for training, evaluation and inference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

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
_INSIDE = np.array([tag.startswith("I-") for tag in TAGS])
_SYMMETRIC = frozenset(kind.name for kind in RELATION_TYPES if kind.symmetric)
_GROUPS = [
    [index for index, kind in enumerate(RELATION_TYPES) if kind.group == group]
    for group in sorted({kind.group for kind in RELATION_TYPES if kind.group})
]


def sigmoid(logits: Floats) -> Floats:
    """Without overflow for large negative logits."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)


@dataclass(frozen=True)
class _Layout:
    """Sentences place by place, the longest first: first characters, then second ones, and so on, [S] characters in all.

    What has ended drops out of a step over all sentences, and there is no padding (as in torch's `PackedSequence`).
    """

    bounds: list[int]
    """Place p of all sentences that have one stands in `[bounds[p], bounds[p + 1])`."""
    rows: Ints
    """[S] where each character stands, in the order of the sentences."""
    mirror: Ints
    """[S] for each row, the row of the character as far from its sentence's end as this one is from the start."""
    last: Ints
    """[N] rows of the last characters, the longest sentence first."""

    @classmethod
    def of(cls, lengths: Ints) -> "_Layout":
        """The layout of sentences with so many characters."""
        order = np.argsort(-lengths, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        longest = int(lengths.max(initial=0))
        alive = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(longest), side="right")
        bounds = np.concatenate([[0], np.cumsum(alive)])
        ends = np.cumsum(lengths)
        place = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
        column = np.repeat(rank, lengths)
        rows = bounds[place] + column
        mirror = np.empty_like(rows)
        mirror[rows] = bounds[np.repeat(lengths, lengths) - 1 - place] + column
        full = order[lengths[order] > 0]
        return cls(bounds.tolist(), rows, mirror, bounds[lengths[full] - 1] + np.arange(len(full)))


@dataclass(frozen=True)
class TagScores:
    """Emissions of several sentences, with what may not be forbidden by adding a large negative number."""

    emissions: Floats
    """[S, T], the characters of all sentences, in their order."""
    lengths: Ints
    """[N], with the sum S"""
    transitions: Floats
    """[T, T], from a tag to the next."""

    @cached_property
    def _layout(self) -> _Layout:
        return _Layout.of(self.lengths)

    def split(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values of all characters [S, …] by sentence."""
        return np.split(values, np.cumsum(self.lengths)[:-1])

    def best_tags(self) -> Ints:
        """[S] the likeliest legal BIO sequence of each sentence (Viterbi 1967).

        Illegal sequences (an inside tag after another label or at the start) cannot come out.
        """
        layout, bounds = self._layout, self._layout.bounds
        width = len(self.transitions)
        best = np.empty((width, len(self.emissions)), dtype=np.float32)
        best[:, layout.rows] = self.emissions.T
        arrivals = self.transitions[:, :, None]
        room = np.empty(width * width * (bounds[1] if len(bounds) > 1 else 0), dtype=np.float32)
        for before, start, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
            count = end - start
            paths = room[: width * width * count].reshape(width, width, count)
            np.add(best[:, None, before : before + count], arrivals, out=paths)
            best[:, start:end] += paths.max(axis=0)
        tags = np.empty(len(self.emissions), dtype=np.int64)
        current = best[:, layout.last].argmax(axis=0)
        tags[layout.last] = current
        # Backwards along the best paths; no pointers are kept, the step that led to one tag is cheap to find again.
        for start, end, after in reversed(list(zip(bounds, bounds[1:], bounds[2:], strict=False))):
            count = after - end
            current[:count] = (best[:, start : start + count] + self.transitions[:, current[:count]]).argmax(axis=0)
            tags[start : start + count] = current[:count]
        return tags[layout.rows]

    def marginals(self) -> Floats:
        """[S, T] P(tag at place | sentence), summed over all legal sequences (forward-backward, scaled).

        Backward is forward from the other end: both go in one pass.
        """
        layout, bounds = self._layout, self._layout.bounds
        shifted = self.emissions - self.emissions.max(axis=-1, keepdims=True)
        weights = np.empty((2, *shifted.shape), dtype=np.float32)
        weights[0, layout.rows] = np.exp(shifted)
        weights[1] = weights[0, layout.mirror]
        moves = np.exp(self.transitions)
        moves = np.stack([moves, moves.T])
        reached = np.ones_like(weights)
        states = weights.copy()
        for before, start, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
            arrived = reached[:, start:end]
            np.matmul(states[:, before : before + end - start], moves, out=arrived)
            step = states[:, start:end]
            step *= arrived
            step /= np.maximum(step.sum(axis=-1, keepdims=True), _TINY)
        joint = states[0] * reached[1, layout.mirror]
        joint /= np.maximum(joint.sum(axis=-1, keepdims=True), _TINY)
        return np.asarray(joint[layout.rows], dtype=np.float32)

    def mentions(self, spaces: Bools, offsets: Sequence[int], least: Floats | None = None) -> list[list[Mention]]:
        """Mentions of the best sequences of each sentence, with their scores.

        `spaces`: [S], where there is white space; `offsets`: [N], added to the mentions' places; `least`: see `mentions_of`.
        """
        return mentions_of(self.best_tags(), self.marginals(), self.lengths, spaces, offsets, least)


def tag_scores(logits: Floats, closed: Bools, lengths: Ints, transitions: Floats) -> TagScores:
    """Scores of sentences, ready to decode.

    `logits`: [S, T], the characters of all sentences, in their order; `closed`: [S], where a mention may not begin (spaces);
    `lengths`: [N], the sentences' characters; `transitions`: [T, T], what the network adds for a tag and the next; what BIO
    forbids is forbidden here.
    """
    # What is added to all tags of a character changes nothing; kept small, it does not eat the precision of long sentences.
    emissions = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float32, copy=False)
    emissions[np.ix_(closed, _BEGINS)] += _FORBIDDEN
    emissions[(np.cumsum(lengths) - lengths)[lengths > 0]] += _START
    return TagScores(emissions, lengths, transitions + _LEGAL)


def mentions_of(
    tags: Ints,
    marginals: Floats,
    lengths: Ints,
    spaces: Bools,
    offsets: Sequence[int] | Ints,
    least: Floats | None = None,
) -> list[list[Mention]]:
    """Mentions of tagged sentences, without white space at their edges.

    `tags`: [S], the characters of all sentences, in their order; `marginals`: [S, T], the tags' probabilities; `lengths`: [N];
    `spaces`: [S], where there is white space; `offsets`: [N], added to the mentions' places; `least`: [labels], the score below
    which a mention of a label is left out.
    """
    firsts = np.cumsum(lengths) - lengths
    goes_on = np.zeros(len(tags) + 1, dtype=bool)
    goes_on[1:-1] = _INSIDE[tags[1:]] & ((tags[:-1] == tags[1:]) | (tags[:-1] == tags[1:] - 1))
    goes_on[firsts] = False
    named = tags != OUTSIDE
    starts = np.flatnonzero(named & ~goes_on[:-1])
    ends = np.flatnonzero(named & ~goes_on[1:]) + 1
    labels = (tags[starts] - 1) // 2
    solid = np.flatnonzero(~spaces)
    first, behind = np.searchsorted(solid, starts), np.searchsorted(solid, ends)
    kept = first < behind
    starts, ends, labels = solid[first[kept]], solid[behind[kept] - 1] + 1, labels[kept]
    sums = np.zeros(len(tags) + 1)
    np.cumsum(np.log(np.maximum(marginals[np.arange(len(tags)), tags], _TINY)), out=sums[1:])
    scores = np.exp((sums[ends] - sums[starts]) / (ends - starts))
    if least is not None:
        sure = scores >= least[labels]
        starts, ends, labels, scores = starts[sure], ends[sure], labels[sure], scores[sure]
    sentence = np.searchsorted(firsts, starts, side="right") - 1
    shift = np.asarray(offsets, dtype=np.int64)[sentence] - firsts[sentence]
    found: list[list[Mention]] = [[] for _ in lengths]
    columns = (sentence, starts + shift, ends + shift, labels, np.minimum(scores, 1))
    for index, start, end, label, score in zip(*(column.tolist() for column in columns), strict=True):
        found[index].append(Mention(start, end, LABELS[label], score))
    return found


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
    """Relations of one sentence whose probability reaches their type's threshold.

    `logits`: [N, R], one row a candidate. Of types that exclude each other on a pair the likelier stays. A symmetric relation
    comes earlier mention first. Of several mention pairs with the same surfaces the closest stays, as the schema annotates.
    """
    return decide_all(pairs, logits, [len(pairs)], [mentions], [text], thresholds)[0]


def decide_all(
    pairs: Candidates,
    logits: Floats,
    counts: Sequence[int],
    mentions: Sequence[Sequence[Mention]],
    texts: Sequence[str],
    thresholds: Mapping[str, float],
) -> list[list[ScoredRelation]]:
    """`decide_relations` for several sentences at once, whose candidates stand one after the other, `counts` of them each."""
    scores = np.where(pairs.types, sigmoid(logits), np.float32(0))
    for columns in _GROUPS:
        top = scores[:, columns].max(axis=1, keepdims=True)
        scores[:, columns] = np.where(scores[:, columns] == top, scores[:, columns], 0.0)
    rows, kinds = np.nonzero(scores >= np.array([thresholds[name] for name in RELATIONS]))
    sentences = np.searchsorted(np.cumsum(counts), rows, side="right")
    found: list[list[ScoredRelation]] = [[] for _ in counts]
    hits = (sentences, pairs.head[rows], pairs.tail[rows], kinds, scores[rows, kinds])
    for sentence, head, tail, kind, score in zip(*(column.tolist() for column in hits), strict=True):
        found[sentence].append(ScoredRelation(head, tail, RELATIONS[kind], score))
    return [_closest_of_equal(f, m, text) if f else f for f, m, text in zip(found, mentions, texts, strict=True)]


def _closest_of_equal(found: list[ScoredRelation], mentions: Sequence[Mention], text: str) -> list[ScoredRelation]:
    best: dict[tuple[object, ...], ScoredRelation] = {}
    for relation in found:
        ends = [_surface(mentions[relation.head], text), _surface(mentions[relation.tail], text)]
        if ends[0] == ends[1]:
            continue
        key = (relation.type, *(sorted(ends) if relation.type in _SYMMETRIC else ends))
        rival = best.get(key)
        if rival is None:
            best[key] = relation
            continue
        closest = min(rival, relation, key=lambda r: _distance(r, mentions))
        best[key] = replace(closest, score=max(rival.score, relation.score))
    return sorted(best.values(), key=lambda r: (min(r.head, r.tail), RELATIONS.index(r.type), r.head, r.tail))


def _surface(mention: Mention, text: str) -> tuple[str, str]:
    return mention.label, text[mention.start : mention.end]


def _distance(relation: ScoredRelation, mentions: Sequence[Mention]) -> tuple[int, int]:
    head, tail = mentions[relation.head], mentions[relation.tail]
    gap = max(head.start, tail.start) - min(head.end, tail.end)
    return gap, min(head.start, tail.start)
