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
"""Characters between the mentions of a pair that is looked at; the longest gap of an annotated relation in train has 152. Keeps
the work linear in the length of what has no sentences."""

_LABEL_INDEX = {label: index for index, label in enumerate(LABELS)}
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
    return _candidates(*_arrays(mentions), np.zeros(len(mentions), dtype=np.int64))


def _candidates(starts: Ints, ends: Ints, labels: Ints, sentence: Ints) -> Candidates:
    """Pairs of mentions of the same sentence; `sentence` [M] does not fall, within one the mentions are in order."""
    # All sentences on one line, so far apart that no pair reaches from one to the next.
    shift = sentence * (int(ends.max(initial=0)) + MAX_GAP + 1)
    behind = np.searchsorted(starts + shift, ends + shift + MAX_GAP, side="right")
    order = np.arange(len(starts))
    counts = np.maximum(behind - order - 1, 0)
    first = np.repeat(order, counts)
    second = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts) + first + 1
    near = starts[second] - np.minimum(ends[first], ends[second]) <= MAX_GAP
    first, second = first[near], second[near]
    head, tail = np.concatenate([first, second]), np.concatenate([second, first])
    types = _TYPES[labels[head], labels[tail], np.repeat([1, 0], len(first))]
    kept = np.flatnonzero(types.any(axis=-1))
    kept = kept[np.argsort(head[kept] * len(starts) + tail[kept])]
    return Candidates(head[kept], tail[kept], types[kept])


def _arrays(mentions: Sequence[Mention]) -> tuple[Ints, Ints, Ints]:
    """Starts, ends and label indices, each [M]."""
    rows = [(m.start, m.end, _LABEL_INDEX[m.label]) for m in mentions]
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


def batch_pairs(
    windows: Sequence[Sequence[Window]],
    rows: Sequence[Mapping[int, int]],
    sentences: Sequence[Sentence],
    mentions: Sequence[Sequence[Mention]],
) -> tuple[Candidates, list[int], PairBatch]:
    """`sentence_pairs` of several sentences: their candidates one after the other, how many each has, and one layout.

    All arguments have an entry a sentence; the candidates' indices are those of its own mentions.
    """
    whole = [index for index, sentence in enumerate(sentences) if len(sentence.windows) == 1]
    if len(whole) < len(sentences):
        return _join_sentences([sentence_pairs(*one) for one in zip(windows, rows, sentences, mentions, strict=True)])
    owners = np.repeat(np.arange(len(sentences)), [len(found) for found in mentions])
    starts, ends, labels = _arrays([mention for found in mentions for mention in found])
    pairs = _candidates(starts, ends, labels, owners)
    homes = [(views[s.windows[0]], places[s.windows[0]], s) for views, places, s in zip(windows, rows, sentences, strict=True)]
    parts = [(row, w.start, max(s.start, w.start) - w.start, min(s.end, w.end) - w.start) for w, row, s in homes]
    facts = np.array(parts, dtype=np.int64).reshape(-1, 4)
    row, shift, sentence_start, sentence_end = facts[owners].T
    layout = PairBatch(row, starts - shift, ends - shift, labels, sentence_start, sentence_end, pairs.head, pairs.tail)
    firsts = np.searchsorted(owners, np.arange(len(sentences)))
    of_pair = owners[pairs.head]
    own = Candidates(pairs.head - firsts[of_pair], pairs.tail - firsts[of_pair], pairs.types)
    return own, np.bincount(of_pair, minlength=len(sentences)).tolist(), layout


def _join_sentences(parts: Sequence[tuple[Candidates, PairBatch]]) -> tuple[Candidates, list[int], PairBatch]:
    head, tail, types = (np.concatenate([getattr(pairs, f.name) for pairs, _ in parts]) for f in fields(Candidates))
    return Candidates(head, tail, types), [len(pairs) for pairs, _ in parts], join_pairs([layout for _, layout in parts])


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
