"""Pairs of mentions: which ones the schema lets bear a relation, which window scores them, and how they reach the network.

All arrays, because what has no sentences (a table, a dump) can hold a million pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

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
    """M appearances of mentions in windows and N ordered pairs of them. Places are characters of the window, `[start, end)`."""

    window: Ints
    """[M] the window's row in its batch."""
    start: Ints
    """[M]"""
    end: Ints
    """[M]"""
    label: Ints
    """[M]"""
    sentence_start: Ints
    """[M] the part of the mention's sentence that lies in the window."""
    sentence_end: Ints
    """[M]"""
    head: Ints
    """[N] index of the head among the mentions."""
    tail: Ints
    """[N]"""

    def __len__(self) -> int:
        return len(self.head)

    def part(self, start: int, end: int) -> "PairBatch":
        """Pairs `[start, end)`, with all mentions."""
        return replace(self, head=self.head[start:end], tail=self.tail[start:end])


def sentence_pairs(
    windows: Sequence[Window], rows: Mapping[int, int], sentence: Sentence, mentions: Sequence[Mention]
) -> tuple[Candidates, PairBatch]:
    """The candidates of a sentence that some window can score, and their layout for the network.

    `rows` gives the row in the batch of each of the sentence's windows. A mention appears once for each of them, so that a pair
    finds both ends in the window that scores it.
    """
    pairs = candidates(mentions)
    home = home_windows(windows, sentence, mentions, pairs)
    pairs, home = pairs.where(home >= 0), home[home >= 0]
    starts, ends, labels = _arrays(mentions)
    appearances = []
    for index in sentence.windows:
        window = windows[index]
        inside = (window.start <= starts) & (ends <= window.end)
        # What lies outside is never asked for; a place inside keeps the arrays in step.
        begin, stop = np.where(inside, starts - window.start, 0), np.where(inside, ends - window.start, 1)
        sentence_part = max(sentence.start, window.start) - window.start, min(sentence.end, window.end) - window.start
        constants = [np.full(len(mentions), value, dtype=np.int64) for value in (rows[index], *sentence_part)]
        appearances.append((constants[0], begin, stop, labels, constants[1], constants[2]))
    shift = (home - sentence.windows[0]) * len(mentions)
    window_rows, begins, stops, kinds, part_starts, part_ends = (
        np.concatenate(column) for column in zip(*appearances, strict=True)
    )
    layout = PairBatch(window_rows, begins, stops, kinds, part_starts, part_ends, pairs.head + shift, pairs.tail + shift)
    return pairs, layout


def join_pairs(batches: Sequence[PairBatch]) -> PairBatch:
    """One batch of several; an empty one of none."""
    empty = np.zeros(0, dtype=np.int64)
    offsets = np.cumsum([0, *(len(batch.start) for batch in batches)])
    mentions = [f.name for f in fields(PairBatch) if f.name not in ("head", "tail")]
    joined = {name: np.concatenate([empty, *(getattr(batch, name) for batch in batches)]) for name in mentions}
    for name in ("head", "tail"):
        ends = (getattr(batch, name) + offset for batch, offset in zip(batches, offsets, strict=False))
        joined[name] = np.concatenate([empty, *ends])
    return PairBatch(**joined)
