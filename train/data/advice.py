"""Places of the annotated articles that are often wrong and want a second look, and the list of those that were looked at.

Each rule has a kind. `advise` gives the rows, the most suspicious of a kind first; `Reviewed` is the file of rows that somebody
has looked at and found right (`reviewed.tsv`): a row is known by article, kind, what it is about and the text of its sentence, so
it comes back when the sentence changes and stays away when anything else does.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.runtime.document import Entity, atomic_write
from model.runtime.errors import DataError
from model.runtime.sentences import sentence_spans

from .sentence import Sentence, sentences
from .validate import Article, Finding, sentence_of

REVIEWED = "reviewed.tsv"
Kind = Literal["bare", "edge", "cooperation", "apposition", "title"]
# A word that is more often bare than marked is a common word, not a forgotten mention.
_LEAST_MARKED_SHARE = 0.5


@dataclass(frozen=True)
class Advice(Finding):
    """A finding of a kind about `subject` in a sentence; `share` (0 to 1) says how often its surface is marked elsewhere."""

    kind: Kind
    article: str
    subject: str
    sentence: str
    share: float = 1.0
    counts: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same while the sentence does."""
        digest = hashlib.sha256(self.sentence.encode("utf-8")).hexdigest()[:12]
        return self.article, self.kind, self.subject, digest


def advise(articles: Sequence[Article]) -> list[Advice]:
    """All rows, kind by kind, the most suspicious first."""
    rules: tuple[Callable[[Sequence[Article]], Iterator[Advice]], ...] = (
        _bare_surfaces,
        _odd_edges,
        _cooperation_without_relation,
        _posts_without_relation,
        _posts_in_brackets,
        _city_titles,
    )
    rows: list[Advice] = []
    for rule in rules:
        rows.extend(sorted(rule(articles), key=lambda row: -row.share))
    return rows


def _row(article: Article, kind: Kind, start: int, subject: str, message: str, share: float = 1.0, counts: str = "") -> Advice:
    text = article.document.text
    around = next(((s, e) for s, e in sentence_spans(text) if s <= start < e), (0, len(text)))
    return Advice(
        article.path,
        _line_near(article, start),
        message,
        kind,
        article.document.id,
        subject,
        text[slice(*around)],
        share,
        counts,
    )


def _line_near(article: Article, position: int) -> int:
    before = [i for i, e in enumerate(article.document.entities) if e.start <= position]
    return article.line_of(before[-1]) if before else 1


# What may follow a surface that stands by itself: no letter, a particle, or a title of its city's head. A surface that a longer
# word goes on from (`서울글로벌센터`, `관광객`) is part of another name.
_WORD_ENDS = re.compile(
    r"(?![가-힣A-Za-z0-9])|(?:은|는|이|가|을|를|의|에|와|과|도|로|으로|에서|에게|까지|부터|측|만|보다|처럼|라는|이라는|이나|나|"
    r"에는|에도|에서는|에서도|와의|과의|으로의|로의|서|산)(?![가-힣])|(?:시장|도지사|지사|군수|구청장)"
)


def _bare_surfaces(articles: Sequence[Article]) -> Iterator[Advice]:
    """Surfaces that are marked in the article, or as CITY or ORG anywhere, and bare here."""
    marked = Counter(e.text for a in articles for e in a.document.entities)
    corpus_wide = {e.text for a in articles for e in a.document.entities if e.label in ("CITY", "ORG") and len(e.text) > 2}
    found: dict[str, list[tuple[Article, int]]] = defaultdict(list)
    for article in articles:
        text = article.document.text
        own = {e.text for e in article.document.entities if len(e.text) > 1 and e.label != "DATE"}
        covered = [False] * len(text)
        for entity in article.document.entities:
            covered[entity.start : entity.end] = [True] * (entity.end - entity.start)
        for surface in sorted(own | {s for s in corpus_wide if s in text}, key=len, reverse=True):
            for match in re.finditer(rf"(?<![가-힣A-Za-z]){re.escape(surface)}", text):
                start, end = match.span()
                if not any(covered[start:end]) and _WORD_ENDS.match(text, end):
                    covered[start:end] = [True] * (end - start)
                    found[surface].append((article, start))
    for surface, places in found.items():
        share = marked[surface] / (marked[surface] + len(places))
        if share < _LEAST_MARKED_SHARE:
            continue
        counts = f"marked {marked[surface]}, bare {len(places)}"
        for article, start in places:
            text = article.document.text
            context = text[max(0, start - 12) : start + len(surface) + 12].replace("\n", " ")
            message = f"“{surface}” is marked elsewhere, bare in “…{context}…”"
            yield _row(article, "bare", start, surface, message, share, counts)


_PREFIXES = ("국제", "한국", "주", "재", "구", "전", "신", "한", "대", "범", "친", "옛", "각", "본", "양")
_LATIN = re.compile(r"[A-Za-z]")
_UNCLOSED = {"(": ")", "[": "]", "‘": "’", "“": "”", "「": "」", "『": "』"}


def _odd_edges(articles: Sequence[Article]) -> Iterator[Advice]:
    """Mentions that begin inside a word, end inside a Latin one, or hold one half of a pair of brackets or quotes."""
    for article in articles:
        document = article.document
        for entity in document.entities:
            name = f"{entity.label} “{entity.text}”"
            before = re.search(r"[가-힣A-Za-z0-9]*\Z", document.text[: entity.start])
            glued = before.group() if before else ""
            touching = any(e.end == entity.start for e in document.entities)
            if glued and not touching and not glued.endswith(_PREFIXES) and entity.label != "DATE":
                yield _row(article, "edge", entity.start, entity.text, f"{name} begins inside the word “{glued}{entity.text}”")
            following = document.text[entity.end : entity.end + 1]
            if _LATIN.match(following) and _LATIN.match(entity.text[-1]):
                yield _row(article, "edge", entity.start, entity.text, f"{name} ends inside a word, before “{following}”")
            if half := next((a for a, b in _UNCLOSED.items() if entity.text.count(a) != entity.text.count(b)), None):
                yield _row(article, "edge", entity.start, entity.text, f"{name} holds “{half}” without its other half")


_SIGNED = re.compile(
    r"(?:협약|협정|결연|양해각서|의향서|MOU)[^.]{0,15}(?:체결|맺|서명|교환)|손(?:을\s)?잡[았고는]|(?:협력|교류)하기로"
)
_DENIED = re.compile(r"않|못|무산|취소|연기|보류|불발|거절|아니")


def _cooperation_without_relation(articles: Sequence[Article]) -> Iterator[Advice]:
    """Two parties and a word of agreement, nothing denied, and no COOPERATES_*."""
    for article in articles:
        for sentence in sentences(article.document):
            if sentence.has("COOPERATES_WITH", "COOPERATES_IN") or _DENIED.search(sentence.text):
                continue
            word = _SIGNED.search(sentence.text)
            parties = _parties(sentence)
            if word and len(parties) >= 2:
                names = ", ".join(f"“{e.text}”" for e in parties[:4])
                message = f"{names} and “{word.group()}” in one sentence without COOPERATES_*"
                yield _row(article, "cooperation", sentence.start, word.group(), message)


def _parties(sentence: Sentence) -> list[Entity]:
    """CITYs and ORGs of different surfaces, without those that only say where another lies."""
    only_places = {r.tail for r in sentence.relations if r.type == "LOCATED_IN"}
    by_surface = {e.text: e for e in sentence.labelled("CITY", "ORG") if e.id not in only_places}
    return list(by_surface.values())


_TITLES = (
    "시장|도지사|지사|군수|구청장|회장|이사장|총장|원장|병원장|대표이사|대표|장관|의장|교육감|부시장|부지사|부군수|부구청장|국장|과장|교수|"
    "의원|주지사"
)
_POST = re.compile(rf"^\s?(?:{_TITLES})")
_BRACKETED_POST = re.compile(rf"\((?:{_TITLES})\s")


def _posts_without_relation(articles: Sequence[Article]) -> Iterator[Advice]:
    for article in articles:
        document = article.document
        heads = {r.head for r in document.relations if r.type in ("HEAD_OF", "MEMBER_OF")}
        spans = sentence_spans(document.text)
        for entity in document.entities:
            if entity.label != "PERSON" or entity.id in heads or len(entity.text) < 2:
                continue
            neighbours = [
                e
                for e in document.entities
                if e.label in ("CITY", "ORG")
                and sentence_of(e, spans) == sentence_of(entity, spans)
                and (0 <= e.start - entity.end <= 2 or 0 <= entity.start - e.end <= 12)
            ]
            if neighbours and _is_post(document.text, entity, neighbours[0]):
                message = f"“{entity.text}” stands by a post and “{neighbours[0].text}” without HEAD_OF or MEMBER_OF"
                yield _row(article, "apposition", entity.start, entity.text, message)


def _is_post(text: str, person: Entity, body: Entity) -> bool:
    after = text[max(person.end, body.end) :][:12] if body.start > person.end else text[person.end :][:12]
    return _POST.match(after) is not None


def _posts_in_brackets(articles: Sequence[Article]) -> Iterator[Advice]:
    """`고흥군(군수 공영민)` without HEAD_OF or MEMBER_OF."""
    for article in articles:
        document = article.document
        joined = {(r.head, r.tail) for r in document.relations if r.type in ("HEAD_OF", "MEMBER_OF")}
        for body, person in zip(document.entities, document.entities[1:], strict=False):
            gap = document.text[body.end : person.start]
            shaped = body.label in ("CITY", "ORG") and person.label == "PERSON" and _BRACKETED_POST.fullmatch(gap)
            if shaped and (person.id, body.id) not in joined:
                message = f"“{body.text}{gap}{person.text}” without HEAD_OF or MEMBER_OF"
                yield _row(article, "apposition", person.start, person.text, message)


_CITY_WITH_TITLE = re.compile(r"(?:지사|시장|군수|청장)$")


def _city_titles(articles: Sequence[Article]) -> Iterator[Advice]:
    for article in articles:
        for entity in article.document.entities:
            if entity.label == "CITY" and _CITY_WITH_TITLE.search(entity.text):
                message = f"CITY “{entity.text}” ends in a title; the span is the place alone"
                yield _row(article, "title", entity.start, entity.text, message)


class Reviewed:
    """The file of rows that were looked at: article, kind, subject and digest of the sentence, parted by tabs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: set[tuple[str, ...]] = set()
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                cells = tuple(line.split("\t"))
                if line.strip() and not line.startswith("#"):
                    if len(cells) != 4:
                        raise DataError(f"{path}:{number}: a row has an article, a kind, a subject and a digest")
                    self.keys.add(cells)

    def new(self, rows: Sequence[Advice]) -> list[Advice]:
        """The rows that nobody has looked at."""
        return [row for row in rows if row.key not in self.keys]

    def add(self, rows: Sequence[Advice]) -> None:
        """Lists rows as looked at; rows whose sentence is gone stay listed and do no harm."""
        self.keys |= {row.key for row in rows}
        with atomic_write(self.path) as out:
            out.write("# Advice that was looked at and found right: article, kind, subject, digest of the sentence\n")
            out.writelines("\t".join(key) + "\n" for key in sorted(self.keys))
