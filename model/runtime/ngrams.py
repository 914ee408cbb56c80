"""Hashed n-grams of characters: what makes a conditional random field over sparse features strong, as inputs of the tagger.

A few hundred articles are enough to learn what `시장은` or `와의` before and behind a character mean when the string has a weight
of its own; an encoder has to see it through its pieces. Strings share a table by their hash (Ganchev & Dredze 2008, *Small
statistical models by random feature mixing*).
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

BUCKETS = 1 << 16
"""Rows of the table; 0 stands for nothing (beyond the text's edge, white space)."""

# From and to which place, counted from the character, an n-gram reaches (end exclusive).
_AROUND = ((-1, 1), (0, 2), (-2, 1), (-1, 2), (0, 3), (-3, 1), (0, 4), (-4, 0), (1, 5))
# Of the eojeol: the whole, what it has up to the character and from it on; its neighbours.
_OF_EOJEOL = 5
FEATURES = len(_AROUND) + _OF_EOJEOL
"""Strings that each character is described by."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def hashed_ngrams(text: str) -> Ints:
    """[C, FEATURES] buckets of the strings around each character and of its eojeol."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64) + np.uint64(1)
    length = len(codes)
    columns = np.zeros((FEATURES, length), dtype=np.int64)
    if not length:
        return columns.T
    hashes = _PrefixHashes(codes)
    places = np.arange(length)
    for column, (begin, end) in enumerate(_AROUND):
        columns[column] = hashes.bucket(places + begin, places + end, column)
    words = _Eojeols(text)
    reaches = (
        (words.start, words.end),
        (words.start, places + 1),
        (places, words.end),
        (words.start_of_previous, words.end_of_previous),
        (words.start_of_next, words.end_of_next),
    )
    for column, (begins, ends) in enumerate(reaches, len(_AROUND)):
        columns[column] = np.where(words.inside, hashes.bucket(begins, ends, column), 0)
    return columns.T


class _PrefixHashes:
    """Polynomial hashes of all substrings from those of the prefixes, modulo 2^64 (Karp & Rabin 1987)."""

    def __init__(self, codes: NDArray[np.uint64]) -> None:
        length = len(codes)
        with np.errstate(over="ignore"):
            powers = np.cumprod(np.concatenate([np.ones(1, dtype=np.uint64), np.full(length, _BASE)]))
            # Sums of code × base^place. The base is odd and has an inverse, so a substring's own hash comes from two sums.
            self._sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(codes * powers[:length])])
            self._inverses = np.cumprod(np.concatenate([np.ones(1, dtype=np.uint64), np.full(length, _INVERSE)]))

    def bucket(self, begins: Ints, ends: Ints, salt: int) -> Ints:
        """Bucket of each substring `[begin, end)`; 0 where it is empty or reaches beyond the text."""
        last = len(self._sums) - 1
        valid = (begins >= 0) & (ends <= last) & (begins < ends)
        low, high = np.where(valid, begins, 0), np.where(valid, ends, 0)
        with np.errstate(over="ignore"):
            mixed = (self._sums[high] - self._sums[low]) * self._inverses[low]
            mixed = (mixed ^ np.uint64(salt + 1)) * _MIX
            mixed = (mixed ^ (mixed >> np.uint64(31))) * _BASE
            buckets = (mixed >> np.uint64(40)) % np.uint64(BUCKETS - 1)
        return np.where(valid, 1 + buckets.astype(np.int64), 0)


class _Eojeols:
    """For each character the bounds of its eojeol (what stands between white space) and of the neighbours, all [C]."""

    def __init__(self, text: str) -> None:
        space = np.array([char.isspace() for char in text])
        self.inside = ~space
        edges = np.flatnonzero(np.diff(np.concatenate([[True], space, [True]]).astype(np.int8)))
        starts, ends = edges[0::2], edges[1::2]
        if not len(starts):
            starts = ends = np.zeros(1, dtype=np.int64)
        word = np.clip(np.searchsorted(starts, np.arange(len(text)), side="right") - 1, 0, None)
        self.start, self.end = starts[word], ends[word]
        none = np.zeros(1, dtype=np.int64)
        before_starts, before_ends = np.concatenate([none, starts]), np.concatenate([none, ends])
        self.start_of_previous, self.end_of_previous = before_starts[word], before_ends[word]
        after_starts, after_ends = np.concatenate([starts, none]), np.concatenate([ends, none])
        self.start_of_next, self.end_of_next = after_starts[word + 1], after_ends[word + 1]
