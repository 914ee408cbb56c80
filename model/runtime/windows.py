"""From a text to what the network reads: pieces, windows of whole sentences, and the piece under each character.

The tagger decides on characters, so a window carries two sequences: the encoder's pieces and the characters, joined by
`char_piece`, the index of the piece that covers each character.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .lexicon import Lexicon
from .sentences import sentence_spans
from .text import NormalisedText, normalise

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Characters a window may hold for each piece of its length. Korean text has about two; more means characters outside the
# vocabulary, swallowed by one [UNK] piece by the thousand.
_CHARS_PER_PIECE = 6

_HANGUL_FIRST, _HANGUL_COUNT = 0xAC00, 11_172
_OTHER_BUCKETS = 2_003
CHAR_VOCABULARY = 1 + _HANGUL_COUNT + _OTHER_BUCKETS
"""0 is unknown (and what is dropped out in training), then the Hangul syllables, then hashed other characters."""

CHAR_KINDS = 4
"""What `char_kind` tells: 0 space, 1 begins an eojeol, 2 begins a piece inside one, 3 goes on with a piece."""


@dataclass(frozen=True)
class WindowSettings:
    """How text is cut for the encoder. Kept with the weights: inference must cut as training did.

    `length`: pieces a window holds, [CLS] and [SEP] included. `context`: pieces of neighbouring text at each side that the
    encoder sees and that are decided elsewhere.
    """

    length: int
    context: int
    cls_id: int
    sep_id: int
    pad_id: int

    @property
    def core(self) -> int:
        """Pieces a window decides on."""
        return self.length - 2 - 2 * self.context


@dataclass(frozen=True)
class Window:
    """Characters `[start, end)` of the normalised text go through the encoder, `[core_start, core_end)` are decided here."""

    start: int
    end: int
    core_start: int
    core_end: int
    piece_ids: Ints
    """[pieces], [CLS] and [SEP] included."""
    char_ids: Ints
    """[characters]"""
    char_piece: Ints
    """[characters], index into `piece_ids`."""
    char_kind: Ints
    """[characters], see `CHAR_KINDS`."""
    char_lexicon: Ints
    """[characters], see `Lexicon.mark`."""


@dataclass(frozen=True)
class Sentence:
    """A sentence and the windows that decide on it: one, or several when it is longer than a window."""

    start: int
    end: int
    windows: tuple[int, ...]


@dataclass(frozen=True)
class WindowedText:
    """A text cut for the encoder. Offsets of sentences and windows are those of `normalised.text`."""

    normalised: NormalisedText
    sentences: tuple[Sentence, ...]
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class _Pieces:
    """Pieces of the whole text, without special ones: `ids`, and code points `[starts, ends)`."""

    ids: Ints
    starts: Sequence[int]
    ends: Sequence[int]

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Range of the pieces that touch the characters `[start, end)`."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)

    def count(self, start: int, end: int) -> int:
        first, last = self.between(start, end)
        return max(0, last - first)


def window_text(text: str, tokenizer: Tokenizer, settings: WindowSettings, lexicon: Lexicon) -> WindowedText:
    """Cuts a text into windows of whole sentences, packed up to the settings' length; every sentence is in some window."""
    normalised = normalise(text)
    pieces = _tokenize(normalised.text, tokenizer)
    spans = sentence_spans(normalised.text)
    cores = _pack([part for span in spans for part in _parts(normalised.text, span, pieces, settings)], pieces, settings)
    chars = _characters(normalised, pieces, lexicon)
    windows = tuple(_window(normalised.text, core, pieces, chars, settings) for core in cores)
    starts = [window.core_start for window in windows]
    sentences = tuple(
        Sentence(start, end, tuple(range(bisect_right(starts, start) - 1, bisect_left(starts, end)))) for start, end in spans
    )
    return WindowedText(normalised, sentences, windows)


def _tokenize(text: str, tokenizer: Tokenizer) -> _Pieces:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    # Every look at `offsets` makes the list anew.
    offsets = encoding.offsets
    starts, ends = zip(*offsets, strict=True) if offsets else ((), ())
    return _Pieces(np.array(encoding.ids, dtype=np.int64), starts, ends)


def _parts(text: str, span: tuple[int, int], pieces: _Pieces, settings: WindowSettings) -> list[tuple[int, int]]:
    """The sentence itself, or what it must be cut into to fit: at spaces where possible."""
    start, end = span
    parts = []
    while not _fits(start, end, pieces, settings):
        cut = _last_fitting_cut(text, start, end, pieces, settings)
        parts.append((start, cut))
        start = cut
    return [*parts, (start, end)]


def _fits(start: int, end: int, pieces: _Pieces, settings: WindowSettings) -> bool:
    return pieces.count(start, end) <= settings.core and end - start <= _CHARS_PER_PIECE * settings.core


def _last_fitting_cut(text: str, start: int, end: int, pieces: _Pieces, settings: WindowSettings) -> int:
    first, _ = pieces.between(start, end)
    beyond = first + settings.core
    limit = min(end, start + _CHARS_PER_PIECE * settings.core)
    if beyond < len(pieces.starts):
        limit = min(limit, pieces.starts[beyond])
    space = text.rfind(" ", start + 1, limit)
    return space + 1 if space > start else max(limit, start + 1)


def _pack(parts: Sequence[tuple[int, int]], pieces: _Pieces, settings: WindowSettings) -> list[tuple[int, int]]:
    """Joins neighbouring parts as long as they fit one window."""
    packed: list[tuple[int, int]] = []
    for start, end in parts:
        if packed and _fits(packed[-1][0], end, pieces, settings):
            packed[-1] = (packed[-1][0], end)
        else:
            packed.append((start, end))
    return packed


@dataclass(frozen=True)
class _Characters:
    """What the network is told of each character of the whole text, [C] each."""

    ids: Ints
    piece: Ints
    """The piece that covers it, or else the last one before it; -1 before the first."""
    kind: Ints
    """See `CHAR_KINDS`."""
    lexicon: Ints
    begins: Bools
    """Whether an eojeol may begin here: at the start, or behind a space."""


def _characters(normalised: NormalisedText, pieces: _Pieces, lexicon: Lexicon) -> _Characters:
    size = len(normalised.text)
    begins = np.ones(size, dtype=bool)
    begins[1:] = normalised.spaces[:-1]
    starts, ends = np.array(pieces.starts, dtype=np.int64), np.array(pieces.ends, dtype=np.int64)
    lengths = ends - starts
    firsts = np.cumsum(lengths) - lengths
    # Where pieces share a character (parts of one, byte by byte) the last one has it.
    covered = np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)
    piece, kind = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)
    piece[covered] = np.repeat(np.arange(len(starts)), lengths)
    kind[covered] = 3
    heads = starts[lengths > 0]
    kind[heads] = np.where(begins[heads], 1, 2)
    return _Characters(_char_ids(normalised.codes), np.maximum.accumulate(piece), kind, lexicon.mark(normalised.text), begins)


def _window(
    text: str,
    core: tuple[int, int],
    pieces: _Pieces,
    chars: _Characters,
    settings: WindowSettings,
) -> Window:
    start, end = _with_context(text, core, pieces, settings)
    first, last = pieces.between(start, end)
    last = min(last, first + settings.length - 2)
    ids = np.concatenate([[settings.cls_id], pieces.ids[first:last], [settings.sep_id]])
    # A character without a piece (a space, a control mark, what lies behind the last piece) reads the state of the one before it.
    under, kind = chars.piece[start:end], chars.kind[start:end].copy()
    char_piece = np.clip(under - (first - 1), 0, last - first)
    kind[under >= last] = 0
    if kind[0]:
        # A piece that the window cuts begins with it.
        kind[0] = 1 if chars.begins[start] else 2
    return Window(start, end, core[0], core[1], ids, chars.ids[start:end], char_piece, kind, chars.lexicon[start:end])


def _with_context(text: str, core: tuple[int, int], pieces: _Pieces, settings: WindowSettings) -> tuple[int, int]:
    """Widens the core by up to `context` pieces at each side, to the edge of an eojeol."""
    start, end = core
    if not settings.context:
        return core
    first, last = pieces.between(start, end)
    reach = _CHARS_PER_PIECE * settings.context
    wide_start = max(pieces.starts[max(0, first - settings.context)], start - reach) if first else start
    wide_end = (
        min(pieces.ends[min(len(pieces.ends), last + settings.context) - 1], end + reach) if last < len(pieces.ends) else end
    )
    if wide_start < start and wide_start and not text[wide_start - 1].isspace():
        space = _next_space(text, wide_start, start)
        wide_start = space if space is not None else start
    if wide_end > end and wide_end < len(text) and not text[wide_end].isspace():
        space = max(text.rfind(" ", end, wide_end), text.rfind("\n", end, wide_end))
        wide_end = space if space >= end else end
    return min(wide_start, start), max(wide_end, end)


def _next_space(text: str, start: int, end: int) -> int | None:
    for index in range(start, end):
        if text[index].isspace():
            return index + 1
    return None


def _char_ids(codes: Ints) -> Ints:
    hangul = codes - _HANGUL_FIRST
    is_hangul = (hangul >= 0) & (hangul < _HANGUL_COUNT)
    return np.where(is_hangul, 1 + hangul, 1 + _HANGUL_COUNT + codes % _OTHER_BUCKETS)


@dataclass(frozen=True)
class WindowBatch:
    """Padded windows, B of them with at most P pieces and C characters."""

    piece_ids: Ints
    """[B, P]"""
    piece_mask: Ints
    """[B, P], 1 where there is a piece."""
    char_ids: Ints
    """[B, C]"""
    char_piece: Ints
    """[B, C]"""
    char_kind: Ints
    """[B, C]"""
    char_lexicon: Ints
    """[B, C]"""
    char_mask: Ints
    """[B, C], 1 where there is a character."""


def batch_windows(windows: Sequence[Window], pad_id: int) -> WindowBatch:
    """Pads windows to the longest one."""
    pieces = [window.piece_ids for window in windows]
    chars = [window.char_ids for window in windows]
    return WindowBatch(
        piece_ids=_pad(pieces, pad_id),
        piece_mask=_mask(pieces),
        char_ids=_pad(chars, 0),
        char_piece=_pad([window.char_piece for window in windows], 0),
        char_kind=_pad([window.char_kind for window in windows], 0),
        char_lexicon=_pad([window.char_lexicon for window in windows], 0),
        char_mask=_mask(chars),
    )


def _mask(rows: Sequence[Ints]) -> Ints:
    lengths = np.array([len(row) for row in rows])
    return (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)


def _pad(rows: Sequence[Ints], value: int) -> Ints:
    padded = np.full((len(rows), max(len(row) for row in rows)), value, dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded
