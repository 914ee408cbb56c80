"""Checks of annotated articles: each finding names file and line and says what to do.

What breaks the schema and must be mended; `train.data.advice` lists places that are often wrong and want a look.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from model.runtime.document import Document, Entity
from model.runtime.schema import RELATION_TYPES, relation_type
from model.runtime.sentences import sentence_spans
from model.runtime.text import normalise

# Articles of two splits whose character 5-grams overlap more than this are near-duplicates: one release printed twice.
NEAR_DUPLICATE = 0.5
_SHINGLE = 5

# What is also the name of the article's file.
SAFE_ID = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣._-]*")
UNSAFE_ID = "does not do as a file name; use letters, digits, “.”, “_” and “-”"
# Header keys of an article that a model has annotated and nobody has corrected yet (`train.data.suggest`).
SUGGESTED_BY, UNCERTAINTY = "suggested_by", "uncertainty"

_PARTICLES = "은 는 이 가 을 를 의 에 와 과 도 로 으로 에서 에게 에는 에도 와의 과의 에서는 부터 까지 측 측은 측이 들 간".split()
# Tails that the schema puts outside a span of the label, when something stands before them.
_OUTSIDE_TAILS = {
    "FIELD": ["분야", "교류", "협력", "정책", "사업", "부문", " 활성화", " 발전", " 육성", " 산업", " 기술", " 등"],
    "PERSON": "시장 도지사 지사 군수 구청장 회장 의장 총장 원장 대표 이사장 국장 과장 교수 의원 대사 씨 장관 총영사".split(),
    "CITY": "시장 도지사 군수 구청장 시청 도청 군청 구청 시의회 도의회 측".split(),
    "DATE": "오전 오후 경 쯤 께 부터 까지 시 동안".split(),
}
# What only looks like such a tail: whom a field is for (guideline, choices 41 and 86), the turn of the year.
_WHOLE = re.compile(r"(?:인재|인력|전문가|기업|청년|창업자) 육성$|연시$")
_EDGE_PUNCTUATION = re.compile(r"^[\s,.·ㆍ‧∙•;:/)\]”’」』“‘「『]|[\s,·ㆍ‧∙•;:/(\[“‘「『”’」』]$")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u200b\ufeff]")


@dataclass(frozen=True)
class Finding:
    """What is wrong and where; `str()` is one line `file:line: message`."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Article:
    """A document with its split and its place in the files."""

    document: Document
    split: str
    path: str
    line_of: Callable[[int], int]
    """File line of the mention with this index in `document.entities`."""

    def finding(self, entity_index: int, message: str) -> Finding:
        line = self.line_of(entity_index) if self.document.entities else 1
        return Finding(self.path, line, message)


def check(articles: Sequence[Article]) -> list[Finding]:
    """All errors of the articles, those of single articles first, then what shows only side by side."""
    findings = [finding for article in articles for finding in _check_article(article)]
    findings.extend(_particle_tails(articles))
    findings.extend(_duplicates(articles))
    return findings


def _check_article(article: Article) -> Iterator[Finding]:
    yield from _check_header(article)
    yield from _check_text(article)
    yield from _check_mentions(article)
    yield from _check_relations(article)


def _check_header(article: Article) -> Iterator[Finding]:
    document = article.document
    if SAFE_ID.fullmatch(document.id) is None:
        yield article.finding(0, f"the id {document.id!r} {UNSAFE_ID}")
    if SUGGESTED_BY in document.meta:
        yield article.finding(
            0, f"still says {SUGGESTED_BY}; correct the article and remove the lines {SUGGESTED_BY} and {UNCERTAINTY}"
        )


def _check_text(article: Article) -> Iterator[Finding]:
    document = article.document
    if not document.text.strip():
        yield article.finding(0, "the article has no text; write it or remove the file")
    if not unicodedata.is_normalized("NFC", document.text):
        yield article.finding(0, "the text is not NFC; normalise it (`unicodedata.normalize('NFC', …)`) and mark again")
    if control := _CONTROL.search(document.text):
        yield article.finding(0, f"the text holds the control character {control.group()!r}; remove it")
    elif char := _changed_by_normalising(document.text):
        yield article.finding(0, f"the text holds {char!r}, which the model reads as something else; use a plain character")
    if document.title != document.text.split("\n", 1)[0]:
        yield article.finding(0, "the title is not the first line of the text; make them equal")


def _changed_by_normalising(text: str) -> str | None:
    """The first character of an NFC text that training refuses because inference would replace or drop it."""
    return None if normalise(text).text == text else next((char for char in text if normalise(char).text != char), None)


def _check_mentions(article: Article) -> Iterator[Finding]:
    document = article.document
    spans = sentence_spans(document.text)
    for index, entity in enumerate(document.entities):
        name = f"{entity.label} “{entity.text}”"
        if index and entity.start < document.entities[index - 1].end:
            yield article.finding(index, f"{name} overlaps “{document.entities[index - 1].text}”; mentions are flat")
        if entity.text != entity.text.strip() or _EDGE_PUNCTUATION.search(entity.text):
            yield article.finding(index, f"{name} begins or ends with a space or a mark; leave it outside the span")
        if not any(start <= entity.start and entity.end <= end for start, end in spans):
            yield article.finding(index, f"{name} crosses a sentence boundary; mark the parts or mend the sentence")
        if tail := _outside_tail(entity):
            yield article.finding(index, f"{name} ends in “{tail}”, which stays outside the span")


def _outside_tail(entity: Entity) -> str | None:
    if _WHOLE.search(entity.text):
        return None
    for tail in _OUTSIDE_TAILS.get(entity.label, ()):
        rest = entity.text.removesuffix(tail)
        if rest != entity.text and rest.strip() and (entity.label != "PERSON" or len(rest) > 1):
            return tail.strip()
    return None


def _check_relations(article: Article) -> Iterator[Finding]:
    document = article.document
    index_of = {entity.id: index for index, entity in enumerate(document.entities)}
    spans = sentence_spans(document.text)
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for relation in document.relations:
        index = index_of[relation.head]
        head, tail = document.entities[index], document.entities[index_of[relation.tail]]
        kind = relation_type(relation.type)
        said = f"{relation.type}(“{head.text}”, “{tail.text}”)"
        if not kind.allows(head.label, tail.label):
            yield article.finding(index, f"{said} joins {head.label} to {tail.label}, which the schema does not allow")
        if relation.head == relation.tail:
            yield article.finding(index, f"{said} joins a mention to itself; name the other one")
        if kind.symmetric and tail.start < head.start:
            yield article.finding(index, f"{said} is symmetric and stored with the later mention first; turn it round")
        if sentence_of(head, spans) != sentence_of(tail, spans):
            yield article.finding(index, f"{said} joins two sentences; a relation holds inside one")
        pair = (relation.head, relation.tail)
        if relation.type in seen[pair]:
            yield article.finding(index, f"{said} is there twice; leave one out")
        seen[pair].add(relation.type)
        if kind.group:
            others = {t.name for t in RELATION_TYPES if t.group == kind.group and t.name != kind.name}
            if others & seen[pair]:
                yield article.finding(index, f"{said} excludes {', '.join(sorted(others))} on the same pair; keep one")


def sentence_of(entity: Entity, spans: Sequence[tuple[int, int]]) -> int:
    return next((i for i, (start, end) in enumerate(spans) if start <= entity.start < end), -1)


def _particle_tails(articles: Sequence[Article]) -> Iterator[Finding]:
    """Spans that end in a particle which the same surface elsewhere leaves out.

    For persons, elsewhere in the article: 사토이 in one is not 사토 of another.
    """
    everywhere = {(e.label, e.text) for article in articles for e in article.document.entities if e.label != "PERSON"}
    for article in articles:
        surfaces = everywhere | {(e.label, e.text) for e in article.document.entities}
        for index, entity in enumerate(article.document.entities):
            for particle in _PARTICLES:
                stem = entity.text.removesuffix(particle)
                if particle == "도" and (entity.label == "CITY" or stem.endswith("년")):  # 경남도 and 2026년도 are whole words
                    continue
                if len(stem) > 1 and stem != entity.text and (entity.label, stem) in surfaces:
                    yield article.finding(
                        index,
                        f"{entity.label} “{entity.text}” ends in the particle “{particle}”: elsewhere it is “{stem}”; "
                        "leave the particle outside",
                    )
                    break


def _duplicates(articles: Sequence[Article]) -> Iterator[Finding]:
    by_id: dict[str, Article] = {}
    by_text: dict[tuple[str, str], Article] = {}
    for article in articles:
        document = article.document
        first = by_id.setdefault(document.id, article)
        dense = _dense(document.text)
        copied = by_text.setdefault((article.split, dense), article) if dense else article
        if first is not article:
            yield article.finding(0, f"the id “{document.id}” is also that of {first.path}; rename one")
        elif copied is not article:
            other = copied.path if copied.path != article.path else f"the article “{copied.document.id}”"
            yield article.finding(0, f"has the same text as {other} in the same split; remove one")
    shingles = [_shingles(article.document.text) for article in articles]
    for (i, a), (j, b) in combinations(enumerate(articles), 2):
        if a.split == b.split or not shingles[i] or not shingles[j]:
            continue
        overlap = len(shingles[i] & shingles[j]) / min(len(shingles[i]), len(shingles[j]))
        if overlap > NEAR_DUPLICATE:
            yield b.finding(
                0, f"is a near-duplicate of {a.path} in another split ({overlap:.0%} of its 5-grams); keep both in one split"
            )


def _dense(text: str) -> str:
    """The letters and digits alone: a reprint may part paragraphs otherwise."""
    return re.sub(r"\W+", "", text)


def _shingles(text: str) -> set[str]:
    dense = _dense(text)
    return {dense[i : i + _SHINGLE] for i in range(len(dense) - _SHINGLE + 1)}
