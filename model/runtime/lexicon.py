"""Lists of names as soft features: which stretches of a text stand in which list.

A small corpus cannot teach that Tampere is a city. The lists (written by hand, `model/names/`) tell the tagger which characters
look like a known name; it learns how far to believe them, and does without for names that no list has. A model keeps the lists
it was trained with.
"""

import json
import re
from collections.abc import Mapping, Sequence
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .document import atomic_write
from .errors import ModelError

Ints = NDArray[np.int64]

LEXICON_FILE = "lexicon.json"

LISTS: tuple[str, ...] = (
    "korean_municipalities",
    "foreign_municipalities",
    "regions",
    "korean_surnames",
    "korean_given_names",
    "foreign_name_parts",
    "organisations",
    "organisation_endings",
    "titles",
    "topics",
)
"""Names of the lists, in the order of their bits."""

# Endings of institutions and titles are glued to what they follow; every other name begins where a word begins.
_ANYWHERE = frozenset({"organisation_endings", "titles"})
# What `str.isalnum` says of every character.
_WORD = re.compile(r"[^\W_]+")
_SURNAME, _GIVEN_NAME = "korean_surnames", "korean_given_names"


class Lexicon:
    """Names by list; `lists` has every key of `LISTS`, perhaps with nothing in it. ModelError when it has others."""

    def __init__(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        if set(lists) != set(LISTS):
            odd = ", ".join(sorted(set(lists) ^ set(LISTS)))
            raise ModelError(f"lexicon: expected the lists {', '.join(LISTS)}; missing or unknown: {odd}")
        self.lists = {name: tuple(lists[name]) for name in LISTS}
        self._at_word_start = _Table(self.lists, [n for n in LISTS if n not in _ANYWHERE and n != _GIVEN_NAME])
        self._anywhere = _Table(self.lists, [n for n in LISTS if n in _ANYWHERE])
        self._given_names = _Table(self.lists, [_GIVEN_NAME])
        self._surname = _first_bit(_SURNAME)

    @classmethod
    def empty(cls) -> "Lexicon":
        """No names at all: the features are silent."""
        return cls(dict.fromkeys(LISTS, ()))

    def mark(self, text: str) -> Ints:
        """[C] per character a set of bits: bit 2k begins a name of list k, bit 2k + 1 goes on with it.

        Where a name may begin, the longest one of each list counts. A Korean given name is looked for behind a surname only:
        alone it is an ordinary word too often.
        """
        marks = [0] * len(text)
        # The pair of characters at each place; behind the last one stands what no name holds.
        pairs = list(map(add, text, text[1:] + "\n"))
        for place in self._anywhere.places(pairs):
            for end, bits in self._anywhere.longest(text, place):
                _mark(marks, place, end, bits)
        words = [word.start() for word in _WORD.finditer(text)]
        for place in self._at_word_start.places([pairs[start] for start in words], words):
            for end, bits in self._at_word_start.longest(text, place):
                _mark(marks, place, end, bits)
                if bits & self._surname:
                    for end_of_given, given in self._given_names.longest(text, end):
                        _mark(marks, end, end_of_given, given)
        return np.array(marks, dtype=np.int64)


class _Table:
    """Names of some lists, for a longest-match lookup at a place."""

    def __init__(self, lists: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> None:
        self._bits: dict[str, int] = {}
        lengths: dict[str, set[int]] = {}
        for name in names:
            for surface in lists[name]:
                self._bits[surface] = self._bits.get(surface, 0) | _first_bit(name)
                lengths.setdefault(surface[:2], set()).add(len(surface))
        # By the first two characters: most places in a text begin no name at all.
        self._single = frozenset(first for first in lengths if len(first) == 1)
        self._lengths = {first: sorted(sizes, reverse=True) for first, sizes in lengths.items() if len(first) > 1}

    def places(self, pairs: Sequence[str], places: Sequence[int] | None = None) -> list[int]:
        """Where a name may begin, by the pair of characters there: of the given places, or of all."""
        begins, single = self._lengths, self._single
        if single:
            found = [place for place, pair in enumerate(pairs) if pair in begins or pair[0] in single]
        else:
            found = [place for place, pair in enumerate(pairs) if pair in begins]
        return found if places is None else [places[place] for place in found]

    def longest(self, text: str, start: int) -> list[tuple[int, int]]:
        """(end, bits) of the longest name of each list that stands at `start`."""
        found, taken = [], 0
        for length in self._lengths.get(text[start : start + 2], ()):
            # A slice at the end of the text is shorter than asked for.
            bits = self._bits.get(text[start : start + length], 0) & ~taken
            if bits and start + length <= len(text):
                found.append((start + length, bits))
                taken |= bits
        bits = self._bits.get(text[start : start + 1], 0) & ~taken
        if bits:
            found.append((start + 1, bits))
        return found


def _first_bit(name: str) -> int:
    return 1 << 2 * LISTS.index(name)


def _mark(marks: list[int], start: int, end: int, bits: int) -> None:
    marks[start] |= bits
    for place in range(start + 1, end):
        marks[place] |= bits << 1


def read_lists(folder: Path) -> Lexicon:
    """A lexicon from a folder of text files, `<list>.txt` with a name a line; `#` begins a comment line.

    ModelError when the folder is missing or holds no list.
    """
    lists: dict[str, tuple[str, ...]] = dict.fromkeys(LISTS, ())
    found = [name for name in LISTS if (folder / f"{name}.txt").is_file()]
    if not found:
        raise ModelError(f"{folder}: holds no lists of names ({', '.join(LISTS[:3])}.txt, …)")
    for name in found:
        lines = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        lists[name] = tuple(dict.fromkeys(line for raw in lines if (line := raw.strip()) and not line.startswith("#")))
    return Lexicon(lists)


def write_lexicon(folder: Path, lexicon: Lexicon) -> None:
    """Writes `lexicon.json` atomically."""
    with atomic_write(folder / LEXICON_FILE) as out:
        json.dump({name: list(names) for name, names in lexicon.lists.items()}, out, ensure_ascii=False, indent=0)


def read_lexicon(folder: Path) -> Lexicon:
    """Reads `lexicon.json`; ModelError when it is missing or damaged."""
    path = folder / LEXICON_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Lexicon({name: tuple(map(str, names)) for name, names in data.items()})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); take another copy or train again") from None
