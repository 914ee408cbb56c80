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
from bisect import bisect_left

MAX_SENTENCE = 1_000

_CLOSERS = "”’\"'」』》〉)]）"
_PAIRS = {"“": "”", "‘": "’", "(": ")", "「": "」", "『": "』", "《": "》", "〈": "〉", "（": "）"}
_OPENS = {closing: opening for opening, closing in _PAIRS.items()}
# Begun only at the first mark of a run, and never given back: a line of a million dots is read once.
_END = re.compile(rf"(?<![.?!。])[.?!。]++[{re.escape(_CLOSERS)}]*+(?=\s)")
_STRAIGHT_OPENING = re.compile(r"(?<![^\s(\[“‘\"「『《〈·,=\-])'(?!\s|\d\d(?:[.년학~∼\-\s]|$))")
_STRAIGHT = re.compile(rf"{_STRAIGHT_OPENING.pattern}|(?<=\S)'(?![A-Za-z0-9])")
_OPENING = re.compile(f'[{re.escape("".join(_PAIRS))}"]|{_STRAIGHT_OPENING.pattern}')
_PAIRED = re.compile(f"[{re.escape(''.join(_PAIRS) + ''.join(_OPENS))}]")
# Rules about what stands before a mark look at so many characters, and at no more of what may be a very long line.
_BEFORE = 20
_NUMBER_BEFORE = re.compile(r"(?:^|[^\w.,])\d{1,4}$")
_NUMBER_AFTER = re.compile(r"\s*\d")
_LATIN_BEFORE = re.compile(r"(?:^|[^A-Za-z])(?:[A-Z]|St|Mt|Dr|Mr|Ms|No|Co|Ltd|vs|Jr|Inc|U\.S|e\.g|i\.e)$")
_QUOTE_GOES_ON = re.compile(r"\s+(?:이?라고|이?라며|이?라면서|고|며|면서|는|라는|이라는|란|등)(?=[\s,])")
_MONTH_AND_DAY = r"(?:0?[1-9]|1[0-2])\.\s?(?:0?[1-9]|[12]\d|3[01])"
_DOTTED_DATE_BEFORE = re.compile(
    r"(?:\d{4}|[’']\d{2})\.\s?(?:\d{1,2}\.\s?)?\d{1,2}$"
    rf"|(?<![\w.]){_MONTH_AND_DAY}$"
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
    opens = [start for start, _ in enclosed]

    def inside(place: int) -> bool:
        index = bisect_left(opens, place) - 1
        return index >= 0 and place < enclosed[index][1]

    cuts = [match.end() for match in _END.finditer(line) if not inside(match.end()) and _ends_sentence(line, match)]
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


def _ends_sentence(line: str, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark.rstrip(_CLOSERS) == ".":
        before = line[max(0, match.start() - _BEFORE) : match.start()]
        if mark == "." and (_LATIN_BEFORE.search(before) or (match.start() <= _BEFORE and _LIST_NUMBER.match(before))):
            return False
        if _DOTTED_DATE_BEFORE.search(before):
            return False
        if mark == "." and _NUMBER_BEFORE.search(before) and _NUMBER_AFTER.match(line, match.end()):
            return False
    return not (mark[-1] in _CLOSERS and _QUOTE_GOES_ON.match(line, match.end()))


def _enclosed(line: str) -> list[tuple[int, int]]:
    """Spans `[open, after close)` of quotations and brackets that are closed in the line; the outermost ones, in order."""
    closings = _closings(line)
    spans: list[tuple[int, int]] = []
    position = 0
    while opening := _OPENING.search(line, position):
        start = opening.start()
        end = _closing(line, start, closings)
        position = max(start, end) + 1
        if end >= 0:
            spans.append((start, position))
    return spans


def _closings(line: str) -> dict[int, int]:
    """Where each bracket and curled quotation mark that is closed in the line is closed, nesting of the same kind counted."""
    open_now: dict[str, list[int]] = {opening: [] for opening in _PAIRS}
    found = {}
    for mark in _PAIRED.finditer(line):
        if mark.group() in _PAIRS:
            open_now[mark.group()].append(mark.start())
        elif open_now[_OPENS[mark.group()]]:
            found[open_now[_OPENS[mark.group()]].pop()] = mark.start()
    return found


def _closing(line: str, start: int, closings: dict[int, int]) -> int:
    """Index of the mark that closes the one at `start`; -1 when there is none."""
    if line[start] == "'":
        mark = _STRAIGHT.search(line, start + 1)
        return mark.start() if mark and not _STRAIGHT_OPENING.match(line, mark.start()) else -1
    if line[start] == '"':
        return line.find('"', start + 1)
    return closings.get(start, -1)
