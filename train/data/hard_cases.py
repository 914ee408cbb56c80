"""Where the corpus holds the cases that are hard: each a rule over text and annotation that yields its examples.

The rules count what surely is such a case and miss others; a count is a lower bound. `HARD_CASES` names them for the coverage
table.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from model.runtime.document import Document, Entity

from .sentence import Sentence, sentences, unmarked

Rule = Callable[[Sequence[Document]], Iterator[str]]

SEPARATORS = ("·", ",", "및", "‧", "ㆍ")
_BETWEEN = re.compile(r"\s?[·,‧ㆍ∙・]\s?|,?\s(?:및|그리고|또는)\s|\s?(?:와|과|이나|나)\s|\s?[·,‧ㆍ]\s?(?:그리고|및)\s")
_FUSED_TITLE = re.compile(
    r"(?:특별|광역|특례|자치)?"
    r"(?:시장|도지사|주지사|지사|군수|구청장|시의원|도의원|군의원|구의원|부시장|부지사|부군수|부구청장|교육감)"
)
_TITLE = re.compile(
    r"\s?(?:(?:부|전\s)?(?:시장|도지사|지사|군수|구청장)|회장|의장|총장|원장|대표|이사장|국장|과장|교수|의원|대사|단장|위원장|소장|"
    r"처장|청장|서기|팀장|본부장|관장)"
)
_SUBJECT = re.compile(r"(?:은|는|이|가|도|측은|측이)\s")
_PLACE = re.compile(
    r"(?:에서|으로|로|에|의)?\s?(?:일대|지역|시민|도민|군민|구민|주민|앞바다|시내|역|공항|항|거리|출신|현지)|(?:에서|으로|로)\s"
)
_EVENT = re.compile(
    r"^[^.,“”‘’\n]{0,25}?(?:엑스포|축제|박람회|포럼|비엔날레|영화제|마라톤|대회|총회|회의|"
    r"페스티벌|선언|전시회|콘퍼런스|컨퍼런스|심포지엄|문화제|올림픽)"
)
_VISIT = re.compile(r"방문|순방|방한|방중|방일|파견|답방|출장|방미|찾을|찾으려")
_DENIED = re.compile(
    r"취소|무산|연기|보류|불발|않기로|않았|않는다|못했|못하고|거절|철회|성사되지|미뤄|미루|접었|백지화|건너뛰|중단|결렬|포기|"
    r"없던 일"
)
_AGREEMENT = re.compile(r"협약|협정|결연|양해각서|의향서|MOU|합의서|협의서|선언문")
_GROUP = re.compile(
    r"(?:두|양|이들|세|네|다섯|3개|4개|5개|양측|이들 두)\s?"
    r"(?:도시|시·군|시군|지역|기관|지자체|자치단체|시|군|구|현|지방정부|나라 도시|의회|대학|단체|도·현|시도)"
    r"(?=[은는이가의을를에와과도간,\s])"
)
_ACT = re.compile(r"협약|협정|결연|교류|협력|방문|회담|체결|합의|논의|협의|파견|초청")
_NOT_DATE = re.compile(
    r"\d+\s?(?:년|개월|달|주|주일|일)\s?(?:간|째|여|동안|만에|차|가까이|치|짜리|이상|넘게)|"
    r"\d+\s?주년|제\s?\d+회|\d+박\s?\d+일|\d+년생|\d+대\b|"
    r"매년|매월|해마다|\d+일장|\d{4}(?=\s?[가-힣 ]{0,12}(?:엑스포|축제|박람회|포럼|대회|비엔날레))"
)


def _each(documents: Iterable[Document]) -> Iterator[Sentence]:
    for document in documents:
        yield from sentences(document)


def fused_titles(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        for city in sentence.labelled("CITY"):
            if match := _FUSED_TITLE.match(sentence.after(city)):
                yield city.text + match.group()


def surname_with_title(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        for person in sentence.labelled("PERSON"):
            if len(person.text) == 1 and (match := _TITLE.match(sentence.after(person))):
                yield person.text + match.group()


def government_and_place(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        uses: dict[str, set[str]] = {}
        for sentence in sentences(document):
            for city in sentence.labelled("CITY"):
                after = sentence.after(city)
                use = "government" if _SUBJECT.match(after) else "place" if _PLACE.match(after) else ""
                uses.setdefault(city.text[:2], set()).add(use)
        for stem, found in uses.items():
            if {"government", "place"} <= found:
                yield f"{document.id}: {stem}"


def city_inside_body(documents: Sequence[Document]) -> Iterator[str]:
    cities = {e.text for d in documents for e in d.entities if e.label == "CITY" and len(e.text) > 1}
    bodies = {e.text for d in documents for e in d.entities if e.label == "ORG"}
    for city in sorted(cities):
        if body := next((b for b in sorted(bodies) if b.startswith(city) and len(b) > len(city) + 1), None):
            yield f"{city} in {body}"


def city_inside_event(documents: Sequence[Document]) -> Iterator[str]:
    cities = {e.text for d in documents for e in d.entities if e.label == "CITY" and len(e.text) > 1}
    for document in documents:
        text = document.text
        for match in re.finditer(r"(?<![가-힣])[가-힣]{2,}", text):
            word = match.group()
            city = next((word[:n] for n in range(len(word), 1, -1) if word[:n] in cities), None)
            if city is None or not unmarked(document, match.start(), match.start() + len(city)):
                continue
            if event := _EVENT.match(text[match.start() + len(city) :]):
                yield city + event.group()


def alias_in_brackets(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        for first, second in zip(document.entities, document.entities[1:], strict=False):
            around = document.text[first.end : second.start] + document.text[second.end : second.end + 1]
            if first.label == second.label and around == "()":
                yield f"{first.text}({second.text})"


def enumerations(documents: Sequence[Document], label: str, at_least: int = 5) -> Iterator[list[Entity]]:
    """Runs of mentions of one label with nothing but a separator between them."""
    for sentence in _each(documents):
        run: list[Entity] = []
        for entity in sentence.mentions:
            gap = sentence.document.text[run[-1].end : entity.start] if run else ""
            if entity.label == label and run and _BETWEEN.fullmatch(gap):
                run.append(entity)
                continue
            if len(run) >= at_least:
                yield run
            run = [entity] if entity.label == label else []
        if len(run) >= at_least:
            yield run


def field_enumerations(documents: Sequence[Document]) -> Iterator[str]:
    for run in enumerations(documents, "FIELD"):
        yield "·".join(e.text for e in run)


def city_enumerations(documents: Sequence[Document]) -> Iterator[str]:
    for run in enumerations(documents, "CITY"):
        yield "·".join(e.text for e in run)


def separated_by(separator: str) -> Rule:
    """Pairs of neighbouring mentions of one label that the separator parts."""

    def rule(documents: Sequence[Document]) -> Iterator[str]:
        for document in documents:
            for first, second in zip(document.entities, document.entities[1:], strict=False):
                gap = document.text[first.end : second.start]
                if first.label == second.label and gap.strip() == separator:
                    yield f"{first.text}{gap}{second.text}"

    return rule


def denied_visits(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        named = sentence.labelled("CITY", "ORG")
        if named and _VISIT.search(sentence.text) and _DENIED.search(sentence.text) and not sentence.has("VISITS"):
            yield sentence.text


def names_without_relations(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        for paragraph, group in groupby(sentences(document), key=lambda s: document.text.count("\n", 0, s.start)):
            parts = list(group)
            names = sum(len(part.labelled("PERSON", "CITY", "ORG")) for part in parts)
            if paragraph and names >= 4 and not any(part.relations for part in parts):
                yield " ".join(part.text for part in parts)


def two_agreements(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        agreements = sum(r.type == "COOPERATES_WITH" for r in sentence.relations)
        if agreements >= 2 and len(_AGREEMENT.findall(sentence.text)) >= 2:
            yield sentence.text


def group_words(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        if _GROUP.search(sentence.text):
            yield sentence.text


def ellipsis(documents: Sequence[Document]) -> Iterator[str]:
    for sentence in _each(documents):
        told = sentence.labelled("FIELD", "DATE")
        if sentence.start and told and not sentence.labelled("PERSON", "ORG", "CITY") and _ACT.search(sentence.text):
            yield sentence.text


def bare_fields(documents: Sequence[Document]) -> Iterator[str]:
    """Words that are FIELD in some article and stand unmarked in this one, where nothing is marked around them."""
    fields = {e.text for d in documents for e in d.entities if e.label == "FIELD" and len(e.text) > 1}
    for document in documents:
        for match in re.finditer(r"(?<![가-힣])[가-힣]{2,6}", document.text):
            word = match.group()
            field = next((word[:n] for n in range(len(word), 1, -1) if word[:n] in fields), None)
            if field and unmarked(document, *match.span()):
                yield document.text[max(0, match.start() - 8) : match.end() + 8].replace("\n", " ")


def numbers_that_are_no_dates(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        for match in _NOT_DATE.finditer(document.text):
            if unmarked(document, *match.span()):
                yield match.group()


HARD_CASES: tuple[tuple[str, str, Rule], ...] = (
    ("the city inside a fused title", "a CITY directly before 시장, 지사, 군수, 구청장, 시의원 …", fused_titles),
    ("surname alone with title", "a PERSON of one syllable before a title", surname_with_title),
    (
        "city as government and as place",
        "in one article a CITY before 은/는/이/가 and before 에서/로/일대/시민 …",
        government_and_place,
    ),
    ("a CITY surface inside an ORG elsewhere", "different CITY surfaces that an ORG begins with", city_inside_body),
    ("a CITY surface inside an event", "an unmarked CITY surface followed by 엑스포, 축제, 포럼 …", city_inside_event),
    ("a name and its alias", "two mentions of one label, the second in brackets behind the first", alias_in_brackets),
    ("enumeration of 5+ fields", "five FIELDs with only separators between", field_enumerations),
    ("enumeration of 5+ cities", "five CITYs with only separators between", city_enumerations),
    *((f"enumerated with {mark}", f"two mentions of one label with {mark} between", separated_by(mark)) for mark in SEPARATORS),
    ("a denied or cancelled visit", "방문 … with 취소, 무산, 못했 … and a CITY or ORG, without VISITS", denied_visits),
    ("a paragraph of names without relation", "four or more PERSON, CITY, ORG and no relation", names_without_relations),
    ("two agreements in one sentence", "two agreement words and two COOPERATES_WITH", two_agreements),
    ("group words", "두/양/이들 … 도시, 기관, 지역", group_words),
    ("ellipsis", "an act with a FIELD or DATE and no party in the sentence", ellipsis),
    ("bare words that are FIELD elsewhere", "unmarked words that begin with a FIELD surface of the corpus", bare_fields),
    ("numbers that look like dates", "unmarked 5년간, 20주년, 제7회, 3박 4일, 매년 …", numbers_that_are_no_dates),
)
