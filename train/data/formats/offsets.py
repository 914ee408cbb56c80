"""What a tool counts when it says where a mention stands.

Python, brat and Label Studio (since 2022) count code points. JavaScript strings count UTF-16 code units, in which a character
beyond the Basic Multilingual Plane (an emoji, a rare Hanja) is two: doccano's editor counts those (doccano#2290, #2484), and so
did older Label Studio (label-studio#1347).
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal

from model.runtime.errors import DataError

Unit = Literal["code-points", "utf-16"]


class Utf16Places:
    """The places of a text's characters in UTF-16 code units, both ways."""

    def __init__(self, text: str) -> None:
        self._units = [0, *accumulate(2 if char > "\uffff" else 1 for char in text)]

    def to_units(self, place: int) -> int:
        """UTF-16 code units before the code point at `place`."""
        return self._units[place]

    def to_code_points(self, units: int) -> int | None:
        """Code points before the code unit; None inside a surrogate pair or outside the text."""
        place = bisect_left(self._units, units)
        return place if place < len(self._units) and self._units[place] == units else None


Span = tuple[int, int]


def code_point_spans(text: str, spans: list[Span], unit: Unit, where: str) -> list[Span]:
    """Spans counted in `unit`, as code points. DataError for a span that leaves the text or cuts a character."""
    if unit == "code-points":
        return spans
    places = Utf16Places(text)
    converted = []
    for start, end in spans:
        first, last = places.to_code_points(start), places.to_code_points(end)
        if first is None or last is None:
            raise DataError(
                f"{where}: [{start}, {end}) counts UTF-16 code units but leaves the text or cuts a character in two; "
                "if the file counts code points, say --offsets code-points"
            )
        converted.append((first, last))
    return converted


def spans_by_surface(text: str, said: Iterable[tuple[Span, str | None]], where: str) -> list[Span]:
    """Spans in code points, the unit found by the surfaces that the file repeats beside them.

    All spans of a text are read in one unit: code points when every surface agrees, else UTF-16 code units when every surface
    agrees in those. DataError, with the first disagreement, when neither does. White space counts as one space, because tools
    write a line break inside a mention as a space. A surface of None agrees with anything.
    """
    pairs = list(said)
    spans = [span for span, _ in pairs]
    wrong = _first_wrong(text, pairs, spans)
    if wrong is None:
        return spans
    places = Utf16Places(text)
    others = [(places.to_code_points(start), places.to_code_points(end)) for start, end in spans]
    whole = [(start, end) for start, end in others if start is not None and end is not None]
    if len(whole) == len(spans) and _first_wrong(text, pairs, whole) is None:
        return whole
    (start, end), surface = wrong
    raise DataError(f"{where}: a mention says “{surface}” but [{start}, {end}) of the text is “{text[start:end]}”")


def _first_wrong(text: str, said: list[tuple[Span, str | None]], spans: list[Span]) -> tuple[Span, str] | None:
    for (span, surface), (start, end) in zip(said, spans, strict=True):
        if surface is not None and text[start:end].split() != surface.split():
            return span, surface
    return None
