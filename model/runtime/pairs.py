"""Pairs of mentions: which ones the schema lets bear a relation, which window scores them, and how they reach the network.

All arrays, because what has no sentences (a table, a dump) can hold a million pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .schema import LABELS, candidate_types
from .windows import Ints, Sentence, Window

Bools = NDArray[np.bool_]

MAX_GAP = 250
"""Characters between the mentions of a pair that is looked at; twice what any annotated relation spans. Keeps the work linear
in the length of what has no sentences."""

# [labels, labels, 2, R]: the types an ordered pair may bear, by labels and by whether the head comes first.
_TYPES = np.array([[[candidate_types(h, t, first) for first in (False, True)] for t in LABELS] for h in LABELS])


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters `[start, end)` with a label; `score` in (0, 1] is the mean probability of its tags (geometric)."""

    start: int
    end: int
    label: str
    score: float = 1.0


@dataclass(frozen=True)
class Candidates:
    """N ordered pairs of a sentence's mentions, by their indices in the sentence's list, and the types each may bear."""

    head: Ints
    """[N]"""
    tail: Ints
    """[N]"""
    types: Bools
    """[N, R]"""

    def __len__(self) -> int:
        return len(self.head)

    def where(self, kept: Bools) -> "Candidates":
        """Those pairs for which `kept` [N] is true."""
        return Candidates(self.head[kept], self.tail[kept], self.types[kept])


def candidates(mentions: Sequence[Mention]) -> Candidates:
    """Ordered pairs of a sentence's mentions (in the order of the text) that the schema lets bear some relation.

    Pairs with more than `MAX_GAP` characters between them are left out.
    """
    starts, ends, labels = _arrays(mentions)
    gap = np.maximum(starts[:, None], starts) - np.minimum(ends[:, None], ends)
    first = np.arange(len(mentions))[:, None] < np.arange(len(mentions))
    types = _TYPES[labels[:, None], labels, first.astype(np.int64)]
    head, tail = np.nonzero(types.any(axis=-1) & (gap <= MAX_GAP) & ~np.eye(len(mentions), dtype=bool))
    return Candidates(head, tail, types[head, tail])


def _arrays(mentions: Sequence[Mention]) -> tuple[Ints, Ints, Ints]:
    """Starts, ends and label indices, each [M]."""
    rows = [(m.start, m.end, LABELS.index(m.label)) for m in mentions]
    starts, ends, labels = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return starts, ends, labels


def home_windows(windows: Sequence[Window], sentence: Sentence, mentions: Sequence[Mention], pairs: Candidates) -> Ints:
    """[N] the index of the window that scores each pair: one that holds both mentions, if possible one that decides on the head.

    -1 where the sentence is so long that no window holds both.
    """
    if len(sentence.windows) == 1:
        return np.full(len(pairs), sentence.windows[0], dtype=np.int64)
    starts, ends, _ = _arrays(mentions)
    first = np.minimum(starts[pairs.head], starts[pairs.tail])
    last = np.maximum(ends[pairs.head], ends[pairs.tail])
    home = np.full(len(pairs), -1, dtype=np.int64)
    decides = np.zeros(len(pairs), dtype=bool)
    for index in sentence.windows:
        window = windows[index]
        holds = (window.start <= first) & (last <= window.end)
        deciding = holds & (window.core_start <= starts[pairs.head]) & (starts[pairs.head] < window.core_end)
        home = np.where((deciding & ~decides) | (holds & (home < 0)), index, home)
        decides |= deciding
    return home


@dataclass(frozen=True)
class PairBatch:
    """N ordered pairs of mentions; places are characters of the window they stand in, `[start, end)`. All arrays are [N]."""

    window: Ints
    head_start: Ints
    head_end: Ints
    tail_start: Ints
    tail_end: Ints
    head_label: Ints
    tail_label: Ints
    sentence_start: Ints
    sentence_end: Ints
    """The part of the pair's sentence that lies in the window."""

    def __len__(self) -> int:
        return len(self.window)

    def part(self, start: int, end: int) -> "PairBatch":
        """Pairs `[start, end)`."""
        return PairBatch(*(getattr(self, field.name)[start:end] for field in fields(self)))


def sentence_pairs(
    windows: Sequence[Window], rows: Mapping[int, int], sentence: Sentence, mentions: Sequence[Mention]
) -> tuple[Candidates, PairBatch]:
    """The candidates of a sentence that some window can score, and their layout for the network.

    `rows` gives the row in the batch of each of the sentence's windows.
    """
    pairs = candidates(mentions)
    home = home_windows(windows, sentence, mentions, pairs)
    pairs, home = pairs.where(home >= 0), home[home >= 0]
    first = sentence.windows[0]
    row, begin, end = np.array([(rows[i], windows[i].start, windows[i].end) for i in sentence.windows], dtype=np.int64).T
    offset = begin[home - first]
    starts, ends, labels = _arrays(mentions)
    batch = PairBatch(
        window=row[home - first],
        head_start=starts[pairs.head] - offset,
        head_end=ends[pairs.head] - offset,
        tail_start=starts[pairs.tail] - offset,
        tail_end=ends[pairs.tail] - offset,
        head_label=labels[pairs.head],
        tail_label=labels[pairs.tail],
        sentence_start=np.maximum(sentence.start, offset) - offset,
        sentence_end=np.minimum(sentence.end, end[home - first]) - offset,
    )
    return pairs, batch


def join_pairs(batches: Sequence[PairBatch]) -> PairBatch:
    """One batch of several; an empty one of none."""
    empty = np.zeros(0, dtype=np.int64)
    return PairBatch(*(np.concatenate([empty, *(getattr(b, field.name) for b in batches)]) for field in fields(PairBatch)))
