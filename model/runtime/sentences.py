"""Sentence boundaries of Korean news text, by rule.

A relation holds inside one sentence and a mention never crosses a boundary, so training, validation and inference must cut
alike: all of them call `sentence_spans`. Rules, in the order of reading:

- a line break always ends a sentence (a title, a sub-headline, a caption line is one of its own);
- `.`, `?`, `!` with any closing quotes and brackets behind them end one when a space follows, except inside an open quotation
  or bracket, inside a date or number (`2023. 5. 3.`, `오는 7.8. 열린다`), after a single Latin capital or a short Latin
  abbreviation (`St. Louis`), and when a quotation goes on (`…하겠다.” 고 밝혔다`);
- `…` parts a headline (`손잡는다… 수소 협력`) and ends nothing;
- a quotation mark that is never closed in its line does not swallow the rest of it; a straight single one is a quotation mark
  only where a word begins, and closes only where one ends (`'26년`, `Xi'an` quote nothing);
- what runs on for more than `MAX_SENTENCE` characters is no sentence (a dump, a table) and is cut at a space, so that memory and
  time stay bounded whatever comes in.
"""

import re

MAX_SENTENCE = 1_000

_CLOSERS = "”’\"'」』》〉)]）"
_PAIRS = {"“": "”", "‘": "’", "(": ")", "「": "」", "『": "』", "《": "》", "〈": "〉", "（": "）"}
_END = re.compile(rf"[.?!。]+[{re.escape(_CLOSERS)}]*(?=\s)")
_STRAIGHT_OPENING = re.compile(r"(?<![^\s(\[“‘\"「『《〈·,=\-])'(?!\s|\d\d(?:[.년~∼\s]|$))")
_STRAIGHT = re.compile(rf"{_STRAIGHT_OPENING.pattern}|(?<=\S)'(?![A-Za-z0-9])")
_OPENING = re.compile(f'[{re.escape("".join(_PAIRS))}"]|{_STRAIGHT_OPENING.pattern}')
# The marks of a kind, for nesting to be counted.
_KIND = {opening: re.compile(f"[{re.escape(opening + close)}]") for opening, close in _PAIRS.items()}
_NUMBER_BEFORE = re.compile(r"(?:^|[\s(\[‘'`’~∼-])\d{1,4}$")
_NUMBER_AFTER = re.compile(r"\s*\d")
_LATIN_BEFORE = re.compile(r"(?:^|[^A-Za-z])(?:[A-Z]|St|Mt|Dr|Mr|Ms|No|Co|Ltd|vs|Jr|Inc|U\.S|e\.g|i\.e)$")
_QUOTE_GOES_ON = re.compile(r"\s+(?:이?라고|이?라며|이?라면서|고|며|면서|는|라는|이라는|란|등)(?=[\s,])")
_DOTTED_DATE_BEFORE = re.compile(
    r"(?:\d{4}|[’']\d{2})\.\s?(?:\d{1,2}\.\s?)?\d{1,2}$"
    r"|(?:^|[\s(~∼-])(?:[1-9]|1[0-2])\.\s?(?:[1-9]|[12]\d|3[01])$"
    r"|\d\.(?:\([월화수목금토일]\))?\s?[~∼-]\s?(?:\d{1,2}\.\s?)?\d{1,2}$"
)
_LIST_NUMBER = re.compile(r"^\s*\d{1,2}$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences of `text` as `[start, end)`, without the white space between them, in order, none empty."""
    spans: list[tuple[int, int]] = []
    position = 0
    for line in text.split("\n"):
        spans.extend((position + start, position + end) for start, end in _line_sentences(line))
        position += len(line) + 1
    return spans


def _line_sentences(line: str) -> list[tuple[int, int]]:
    enclosed = _enclosed(line)
    cuts = [match.end() for match in _END.finditer(line) if _ends_sentence(line, match, enclosed)]
    spans = []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        part = line[start:end]
        stripped = part.strip()
        if stripped:
            begin = start + len(part) - len(part.lstrip())
            spans.extend(_bounded(line, begin, begin + len(stripped)))
    return spans


def _bounded(line: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cuts `[start, end)` into parts of at most `MAX_SENTENCE` characters, at spaces where there are any."""
    spans = []
    while end - start > MAX_SENTENCE:
        cut = line.rfind(" ", start + 1, start + MAX_SENTENCE)
        cut = cut if cut > start else start + MAX_SENTENCE
        spans.append((start, cut))
        start = cut
        while line[start].isspace():
            start += 1
    return [*spans, (start, end)]


def _ends_sentence(line: str, match: re.Match[str], enclosed: list[tuple[int, int]]) -> bool:
    mark = match.group()
    if any(start < match.end() < end for start, end in enclosed):
        return False
    before = line[: match.start()]
    if mark == ".":
        if _LATIN_BEFORE.search(before[-6:]) or _LIST_NUMBER.match(before):
            return False
        if _DOTTED_DATE_BEFORE.search(before[-20:]):
            return False
        if _NUMBER_BEFORE.search(before[-6:]) and _NUMBER_AFTER.match(line[match.end() :]):
            return False
    return not (mark[-1] in _CLOSERS and _QUOTE_GOES_ON.match(line, match.end()))


def _enclosed(line: str) -> list[tuple[int, int]]:
    """Spans `[open, after close)` of quotations and brackets that are closed in the line; the outermost ones suffice."""
    spans: list[tuple[int, int]] = []
    position = 0
    while opening := _OPENING.search(line, position):
        start = opening.start()
        end = _closing(line, start)
        position = max(start, end) + 1
        if end >= 0:
            spans.append((start, position))
    return spans


def _closing(line: str, start: int) -> int:
    """Index of the mark that closes the one at `start`, nesting of the same kind counted; -1 when there is none."""
    opening = line[start]
    if opening == "'":
        mark = _STRAIGHT.search(line, start + 1)
        return mark.start() if mark and not _STRAIGHT_OPENING.match(line, mark.start()) else -1
    if opening not in _PAIRS:
        return line.find(opening, start + 1)
    depth = 0
    for mark in _KIND[opening].finditer(line, start + 1):
        if mark.group() == opening:
            depth += 1
        elif depth:
            depth -= 1
        else:
            return mark.start()
    return -1
