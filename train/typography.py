"""Copies of articles in another typography: the marks, dates and legal forms that press offices write in many ways.

One office writes `7월 8일(수)`, the next `7.8.(수)`; one `㈜가람`, the next `(주)가람`; quotes are curled, straight or corner
brackets, and where a headline was joined to the text a space is missing. What the words say stays the same, so mentions and
relations do too. A habit is chosen once for an article, as one hand would; only lost spaces and joined lines are accidents.
"""

import random
import re

from model.runtime.document import Document, Entity

from .rewriting import rewritten, whole

_STRAIGHT = {"“": '"', "”": '"', "‘": "'", "’": "'"}
_CORNERS = {"‘": "「", "’": "」"}
_DOUBLE_CORNERS = {"‘": "『", "’": "』"}
# A habit with quotation marks: how each is written. Half of the offices curl them.
_QUOTES: tuple[dict[str, str], ...] = ({}, {}, {}, _STRAIGHT, _STRAIGHT, _CORNERS, {**_STRAIGHT, **_CORNERS}, _DOUBLE_CORNERS)
_DOTS = ("·", "·", "·", "ㆍ", "‧", "・")
_TILDES = ("∼", "~", "-")

_DAY = re.compile(
    r"(?P<before>(?:지난|오는|이번) )?(?:(?P<year>\d{4})년 )?(?P<month>\d{1,2})월 "
    r"(?P<day>\d{1,2})(?:[∼~](?P<last>\d{1,2}))?일(?P<weekday>\([월화수목금토일]\))?"
)
_LEGAL_FORM = re.compile(r"㈜|\(주\)")
_SOCIETY = re.compile(r"[가-힣A-Za-z]+(?:협회|연합회|진흥회|협의회|후원회|중앙회|연맹)")
_FOUNDATION = re.compile(r"[가-힣A-Za-z]+(?:재단|진흥원|장학회)")
# An apostrophe that abbreviates a year or stands inside a Latin word quotes nothing.
_APOSTROPHE = re.compile(r"’(?=\d\d)|(?<=[A-Za-z])’(?=[A-Za-z])")

_LOST_SPACE = 0.02
"""Chance that the space before a mention is lost."""
_JOINED_LINE = 0.15
"""Chance that a headline runs on into the next line."""


def retyped(document: Document, rng: random.Random) -> Document:
    """The article in the typography of another office; itself where that would part the arguments of a relation.

    Sentences are cut by rules that look at marks, and a relation holds within one sentence.
    """
    habit = _Habit(rng)
    copy = rewritten(document, document.id, habit.mention, habit.between)
    return copy if whole(copy) else document


class _Habit:
    """How one press office writes."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        quotes = rng.choice(_QUOTES)
        self._apostrophe = "'" if quotes else "’"
        self._marks = str.maketrans({**quotes, "·": rng.choice(_DOTS), "∼": rng.choice(_TILDES)})
        self._dates = rng.choice((_as_it_is, _as_it_is, _dotted, _dotted_with_spaces, _without_spaces))
        self._company = rng.choice(("㈜{}", "(주){}", "{}㈜", "{}(주)"))
        self._names_forms = rng.random() < 0.3
        self._joins_lines = rng.random() < _JOINED_LINE
        self._names: dict[str, str] = {}

    def mention(self, entity: Entity) -> str:
        if entity.label == "DATE":
            return self._mark(self._dates(entity.text))
        if entity.label == "ORG":
            if entity.text not in self._names:
                self._names[entity.text] = self._organisation(entity.text)
            return self._mark(self._names[entity.text])
        return self._mark(entity.text)

    def between(self, text: str, left: Entity | None, right: Entity | None) -> str:
        if self._joins_lines and "\n" in text:
            head, _, rest = text.partition("\n")
            # Of the line breaks only the one behind the headline is lost.
            self._joins_lines = False
            text = f"{head} {rest.lstrip()}"
        if right and len(right.text) > 2 and re.search(r"[가-힣.,)’”] $", text) and self._rng.random() < _LOST_SPACE:
            text = text[:-1]
        return self._mark(text, right.text if right else "")

    def _mark(self, text: str, behind: str = "") -> str:
        apostrophes = {match.start() for match in _APOSTROPHE.finditer(text + behind)}
        marked = text.translate(self._marks)
        return "".join(self._apostrophe if i in apostrophes else char for i, char in enumerate(marked))

    def _organisation(self, name: str) -> str:
        if _LEGAL_FORM.match(name) or (_LEGAL_FORM.search(name) and _LEGAL_FORM.split(name)[-1] == ""):
            return self._company.format(_LEGAL_FORM.sub("", name).strip())
        if self._names_forms and _SOCIETY.fullmatch(name):
            return f"(사){name}"
        if self._names_forms and _FOUNDATION.fullmatch(name):
            return f"(재){name}"
        return name


def _as_it_is(date: str) -> str:
    return date


def _dotted(date: str) -> str:
    return _numbers(date, ".")


def _dotted_with_spaces(date: str) -> str:
    return _numbers(date, ". ")


def _numbers(date: str, separator: str) -> str:
    """`2026년 7월 8∼9일(수)` as `2026.7.8.∼9.(수)`; what is not a day of a month stays."""
    found = _DAY.fullmatch(date)
    if not found:
        return date
    numbers = [found[part] for part in ("year", "month", "day") if found[part]]
    last = f"∼{found['last']}." if found["last"] else ""
    return f"{found['before'] or ''}{separator.join(numbers)}.{last}{found['weekday'] or ''}"


def _without_spaces(date: str) -> str:
    return date.replace("월 ", "월") if _DAY.fullmatch(date) else date
