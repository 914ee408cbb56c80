"""Normalisation that never loses the offsets of the caller's text.

The network reads NFC text with plain spaces. What the caller passes may be decomposed (NFD, as macOS writes file names),
hold tabs, no-break spaces, zero-width marks or lone surrogates. `normalise` returns the text for the network together with the
place of each of its characters in the original.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What is not seen: format characters (category Cf, but for those that show, such as the Arabic number signs), variation
# selectors, fillers. Pages and PDF files are full of them, inside names too.
_DROPPED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_REPLACEMENT = "\ufffd"

# Starters (combining class 0) that compose with what stands before them: Hangul vowels and finals, some Indic vowel signs.
# They are the second halves of Unicode's canonical decompositions; a test checks the list against `unicodedata`.
_BACKWARD_STARTER = re.compile(
    "[\u1161-\u1175\u11a8-\u11c2\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf"
    "\u0fb5\u0fb7\u102e\u1b35\U00011127\U0001133e\U00011357\U000114b0\U000114ba\U000114bd\U000115af\U00011930"
    "\U000113b8\U000113bb\U000113c2\U000113c5\U000113c7\U000113c8\U000113c9]"
)


@dataclass(frozen=True)
class NormalisedText:
    """`text` and, for each of its characters, the code points `[starts[i], ends[i])` of the original that it stands for."""

    text: str
    starts: Ints
    ends: Ints

    @cached_property
    def codes(self) -> Ints:
        """[C] the characters' code points."""
        return np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)

    @cached_property
    def spaces(self) -> Bools:
        """[C] which characters are white space; normalisation leaves two kinds of it."""
        return (self.codes == ord(" ")) | (self.codes == ord("\n"))

    @cached_property
    def inside_original(self) -> Bools:
        """Which characters share original code points with the one before them, so that no mention may begin there."""
        shared = np.zeros(len(self.text), dtype=bool)
        shared[1:] = self.starts[1:] < self.ends[:-1]
        return shared

    @cached_property
    def closed(self) -> Bools:
        """[C] where no mention may begin: at spaces, and inside what is one character of the original."""
        return self.spaces | self.inside_original

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text for the non-empty span `[start, end)` of the normalised one."""
        return int(self.starts[start]), int(self.ends[end - 1])


def normalise(text: str) -> NormalisedText:
    """NFC, with every space-like character as a space, line breaks as `\\n`, and characters that are not seen dropped."""
    if _DROPPED.search(text):
        # First of all: left in, they keep what stands around them from being composed.
        places = np.array([place for place, char in enumerate(text) if not _DROPPED.match(char)], dtype=np.int64)
        rest = normalise("".join(text[place] for place in places))
        return NormalisedText(rest.text, places[rest.starts], places[rest.ends - 1] + 1)
    if unicodedata.is_normalized("NFC", text):
        return _normalise_composed(text)
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        cluster = text[start:end]
        composed = unicodedata.normalize("NFC", cluster) if end - start > 1 or not cluster.isascii() else cluster
        for char in composed:
            chars.append(_plain(char))
            starts.append(start)
            ends.append(end)
    return NormalisedText("".join(chars), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


def _normalise_composed(text: str) -> NormalisedText:
    """Each character for itself: it stays or becomes another."""
    places = np.arange(len(text), dtype=np.int64)
    return NormalisedText(text.translate(_PLAIN), places, places + 1)


def _clusters(text: str) -> list[tuple[int, int]]:
    """Cuts the text where NFC composition cannot reach across, so that each piece can be composed by itself."""
    cuts = [i for i, char in enumerate(text) if i == 0 or not _may_compose_backwards(char)]
    return list(zip(cuts, [*cuts[1:], len(text)], strict=True))


def _may_compose_backwards(char: str) -> bool:
    return unicodedata.combining(char) != 0 or _BACKWARD_STARTER.match(char) is not None


def _plain(char: str) -> str:
    if char == "\n" or " " < char < "\x7f" or "가" <= char <= "힣":
        return char
    if char in "\r\v\f\x85\u2028\u2029":
        return "\n"
    category = unicodedata.category(char)
    if category in ("Zs", "Cc"):
        return " "
    if category == "Cs":
        return _REPLACEMENT
    return char


class _Plain(dict[int, str]):
    """`_plain` by code point, as `str.translate` wants it; remembers the Basic Multilingual Plane."""

    def __missing__(self, code: int) -> str:
        plain = _plain(chr(code))
        if code < 0x10000:
            self[code] = plain
        return plain


_PLAIN = _Plain()
