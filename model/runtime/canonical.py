"""The full name that a mention stands for: `김` before 시장 after `김철수`, `부산` beside `부산광역시`, `코이카` in brackets.

Only names that stand in the same document are linked, by rules over their letters and what stands beside them; where two names
fit, none is taken. What is linked and what is not is fixed in the annotation guideline (`data/annotations/GUIDELINES.md` §2,
“Which name a mention stands for”).
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .document import Document, Entity

LINE_BREAK = re.compile("[\n\r\v\f\x85\u2028\u2029]")
"""Where a line of the caller's text ends; normalisation (`text.py`) makes `\\n` of each, so that a sentence ends there too."""


def first_line(text: str) -> str:
    """The headline: what stands before the first line break."""
    return LINE_BREAK.split(text, maxsplit=1)[0]


def with_canonical(document: Document) -> Document:
    """The document, each mention with the full name that it stands for; its own text where there is none."""
    names = canonical_names(document.text, document.entities)
    entities = (replace(e, canonical=name) for e, name in zip(document.entities, names, strict=True))
    return replace(document, entities=tuple(entities))


def canonical_names(text: str, entities: Sequence[Entity]) -> list[str]:
    """For each mention (in the order of the text) the full name in the document that it stands for, or its own text."""
    headline = len(first_line(text))
    mentions = [_read(text, headline, index, entities) for index in range(len(entities))]
    links: dict[int, int] = {}
    for label, rule in (("PERSON", _persons), ("CITY", _cities), ("ORG", _organisations)):
        links.update(rule([m for m in mentions if m.label == label]))
    return [entities[links.get(index, index)].text for index in range(len(entities))]


@dataclass(frozen=True)
class _Mention:
    """A mention in composed letters (NFC), with what stands beside it."""

    index: int
    label: str
    name: str
    before: str
    after: str
    headline: bool
    previous: "_Neighbour | None"


@dataclass(frozen=True)
class _Neighbour:
    """The mention before it and the text between the two."""

    index: int
    label: str
    name: str
    between: str


_BESIDE = 30
"""Characters looked at on each side: a title with what it is of (`한국과학기술원 부총장`)."""


def _read(text: str, headline: int, index: int, entities: Sequence[Entity]) -> _Mention:
    entity = entities[index]
    previous = None
    if index:
        other = entities[index - 1]
        between = _composed(text[other.end : entity.start][:_BESIDE])
        previous = _Neighbour(index - 1, other.label, _composed(other.text), between)
    before = LINE_BREAK.split(text[max(0, entity.start - _BESIDE) : entity.start])[-1]
    after = first_line(text[entity.end : entity.end + _BESIDE])
    return _Mention(
        index, entity.label, _composed(entity.text), _composed(before), _composed(after), entity.start < headline, previous
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Persons

# The surnames of two syllables that Korean papers print alone before a title.
_LONG_SURNAMES = frozenset("남궁 황보 제갈 사공 선우 서문 독고 동방".split())
_TITLES = (
    "시장 지사 군수 구청장 청장 의장 회장 이사장 위원장 총장 학장 원장 소장 단장 관장 실장 국장 과장 부장 팀장 센터장 서장 "
    "지부장 지점장 조합장 본부장 사무국장 사무총장 교장 주임 대표 대사 총영사 영사 장관 차관 총리 대통령 주석 서기 당서기 의원 "
    "교수 박사 연구위원 연구원 위원 이사 비서관 특보 담당관 대변인 총재 행장 사장 전무 상무 감독 작가 변호사 판사 검사 선수 기자 "
    "여사 할머니 할아버지 조역 정장 촌장"
).split()
_TITLE = re.compile(
    # 씨 and its like stand alone: 칠곡군 and 일본 시모노세키시 양 are no titles.
    r"(?P<title>[가-힣]*(?:" + "|".join(sorted(_TITLES, key=len, reverse=True)) + r")|씨|양|군|옹)"
    r"(?=$|[\s,.·ㆍ()’”\"'…:]|(?:은|는|이|가|을|를|의|에|에게|에게서|께|과|와|도|로|으로|에서|인|만|부터|까지|께서|님|측|등)(?:$|[\s,.·ㆍ()]))"
)
_AFTER_NAME = 3
"""Words behind a full name in which its title is looked for: `박형준 부산시장`, `사울레 아흐메토바 교수`, `안호 KTL 원장`."""
_DEPUTY = "부"
_NO_DEPUTY = ("의정부", "교토부", "오사카부")
"""Places whose name ends as a deputy's title begins: `의정부시장` is a mayor."""


def _persons(mentions: Sequence[_Mention]) -> Iterator[tuple[int, int]]:
    """A surname before a title, or a part of a foreign name, is the one full name with it whose title does not contradict."""
    titles: dict[str, set[str]] = defaultdict(set)
    for mention in mentions:
        titles[mention.name] |= set(_own_titles(mention))
    full: dict[str, int] = {}
    by_part: dict[str, list[str]] = defaultdict(list)
    for mention in mentions:
        if not _is_surname(mention.name) and mention.name not in full:
            full[mention.name] = mention.index
            for part in _parts(mention.name):
                by_part[part].append(mention.name)
    for mention in mentions:
        # A headline may be shorter than the first sentence below it; elsewhere the full name comes first.
        known = [name for name in by_part.get(mention.name, ()) if full[name] < mention.index or mention.headline]
        fitting = [name for name in known if _fits(mention, titles[name])]
        shorter = {part for name in fitting for part in _parts(name)}
        whole = [name for name in fitting if name not in shorter]
        named = [name for name in whole if titles[name]]
        if len(chosen := named if len(named) == 1 else whole) == 1:
            yield mention.index, full[chosen[0]]


def _is_surname(name: str) -> bool:
    return len(name) == 1 or name in _LONG_SURNAMES


def _parts(name: str) -> set[str]:
    """What a full name is shortened to: the first or last of its words, the surname of an undivided one (`박` of `박형준`)."""
    words = name.split()
    if len(words) > 1:
        cuts = range(1, len(words))
        return {" ".join(words[:cut]) for cut in cuts} | {" ".join(words[cut:]) for cut in cuts}
    if name[:2] not in _LONG_SURNAMES:
        return {name[:1]}
    # `남` is no surname of `남궁혁`; `선우진` may be 선 우진 or 선우 진.
    return {"선", "선우"} if name.startswith("선우") else {name[:2]}


def _fits(mention: _Mention, titles: set[str]) -> bool:
    own = _title_after(mention, words=1)
    if own is None:
        return not _is_surname(mention.name)
    return not titles or any(_same_title(own, title) for title in titles)


def _same_title(short: str, long: str) -> bool:
    """`시장` is 부산시장 and not 부시장; `부지사` is 경제부지사; `원장` is 병원장."""
    if short == long:
        return True
    shorter, longer = sorted((short, long), key=len)
    rest = longer.removesuffix(shorter)
    return longer != rest and (not rest.endswith(_DEPUTY) or rest.endswith(_NO_DEPUTY))


def _own_titles(mention: _Mention) -> Iterator[str]:
    after = _title_after(mention, words=_AFTER_NAME)
    if after:
        yield after
    before = re.search(r"(?:^|[\s(‘“])(?P<words>[^\s()]+) ?$", mention.before)
    if before and (found := _TITLE.fullmatch(before["words"])):
        yield found["title"]


def _title_after(mention: _Mention, words: int) -> str | None:
    """The first title among the words that follow; a mark or a particle ends what belongs to the name."""
    rest = re.match(r"(?:\([^)]*\))?(?P<words>(?: ?[^\s,.·ㆍ()“”‘’]+){1," + str(words) + "})", mention.after)
    if rest is None:
        return None
    following = rest["words"].split()
    # What touches the name is a title (`박시장`) or a particle, and behind a particle the sentence goes on.
    touching = mention.after[0] not in " ("
    titles = (found["title"] for word in (following[:1] if touching else following) if (found := _TITLE.match(word)))
    return next(titles, None)


# Local governments

_CITY, _PROVINCE, _REGION = "시", "도", "지역"
# Longest first. The same kind: one government's longer and shorter names (`부산광역시`, `부산시`; `강원특별자치도`, `강원도`).
_SUFFIXES = {
    "특별자치도": _PROVINCE,
    "특별자치시": _CITY,
    "특별시": _CITY,
    "광역시": _CITY,
    "직할시": _CITY,
    " 아이막": "아이막",
    "자치주": "주",
    "시": _CITY,
    "도": _PROVINCE,
    "군": "군",
    "구": "구",
    "현": "현",
    "부": "부",
    "주": "주",
    "성": "성",
    "초": "초",
    "정": "정",
    "촌": "촌",
}
_METROPOLITAN = ("특별시", "광역시", "특별자치시", "직할시")
_SHORT_PROVINCES = {"충청북": "충북", "충청남": "충남", "전라북": "전북", "전라남": "전남", "경상북": "경북", "경상남": "경남"}
# A bare name that is a province's is the province: 제주 and not 제주시, 경기 and not a street of that name.
_PROVINCES = frozenset("경기 강원 충북 충남 전북 전남 경북 경남 제주".split())
_OFFICES = {
    _CITY: re.compile(r" ?부?시장|시의원"),
    "군": re.compile(r" ?부?군수|군의원"),
    "구": re.compile(r" ?부?구청장|구의원"),
    "주": re.compile(r"주지사"),
    _REGION: re.compile(r" ?(?:경제|행정|정무)?부?(?:도지사|지사)"),
}
_LED_BY_GOVERNOR = (_PROVINCE, "현", "부", "주", "성", "아이막")


@dataclass(frozen=True)
class _Place:
    """A CITY surface: what is left without the suffix, and the suffix's kind; no kind for a bare name."""

    stem: str
    kind: str | None
    metropolitan: bool = False


def _place(name: str) -> _Place:
    for suffix, kind in _SUFFIXES.items():
        stem = name.removesuffix(suffix)
        # One syllable before a suffix of one is a whole name (`나주`, `대구`), but for districts (`서구`, `중구`) and 빈시.
        if stem != name and stem.strip() and (len(stem) > 1 or len(suffix) > 1):
            return _Place(_SHORT_PROVINCES.get(stem, stem), kind, suffix in _METROPOLITAN)
    return _Place(name, None)


def _cities(mentions: Sequence[_Mention]) -> Iterator[tuple[int, int]]:
    """The names of one government to the longest of them; none where the document has two governments of that name."""
    surfaces = {mention.name for mention in mentions}
    places = {name: _place_among(name, surfaces) for name in surfaces}
    by_stem: dict[str, list[_Mention]] = defaultdict(list)
    for mention in mentions:
        by_stem[places[mention.name].stem].append(mention)
    for stem, group in by_stem.items():
        kinds: dict[str, list[_Mention]] = defaultdict(list)
        for mention in group:
            if known := places[mention.name].kind:
                kinds[known].append(mention)
        fullest = {
            kind: max(members, key=lambda m: (len(m.name), -m.index))
            for kind, members in kinds.items()
            if not _several(kind, members, group, places)
        }
        for mention in group:
            kind = places[mention.name].kind or _kind_of_bare(mention, stem, set(kinds))
            if kind in fullest and len(fullest[kind].name) > len(mention.name):
                yield mention.index, fullest[kind].index


def _place_among(name: str, surfaces: set[str]) -> _Place:
    """`남양주` is bare where `남양주시` stands, else a 주; a stem of one syllable wants to be met (`빈` beside `빈시`)."""
    if any(name + suffix in surfaces for suffix in _SUFFIXES):
        return _Place(_SHORT_PROVINCES.get(name, name), None)
    if len(name) == 2 and name[0] in surfaces and name[1] in _SUFFIXES:
        return _Place(name[0], _SUFFIXES[name[1]])
    return _place(name)


def _parent(mention: _Mention) -> str | None:
    """The place directly before, within which this one lies: 경기 of `경기 광주시`, as a stem."""
    previous = mention.previous
    if previous is None or previous.label != "CITY" or previous.between != " ":
        return None
    parent = _place(previous.name)
    return None if parent.stem == _place(mention.name).stem else parent.stem


def _several(kind: str, members: Sequence[_Mention], group: Sequence[_Mention], places: dict[str, _Place]) -> bool:
    """Whether names of one kind are several governments': within different places, or one metropolitan, which is in none."""
    bare = [m for m in group if places[m.name].kind is None]
    parents = {parent for m in (*members, *bare) if (parent := _parent(m))}
    return len(parents) > 1 or (bool(parents) and kind == _CITY and any(places[m.name].metropolitan for m in members))


def _kind_of_bare(mention: _Mention, stem: str, kinds: set[str]) -> str | None:
    """The kind of government that a bare name means here: by the office behind it, by custom, or as the only one there is."""
    for kind, office in _OFFICES.items():
        if office.match(mention.after):
            found = kinds & set(_LED_BY_GOVERNOR) if kind == _REGION else kinds & {kind}
            return found.pop() if len(found) == 1 else None
    if stem in _PROVINCES and _PROVINCE in kinds:
        return _PROVINCE
    if len(kinds) != 1:
        return None
    # `교토부 교토`, `뉴욕주 뉴욕`: the capital within the region of its name.
    previous = mention.previous
    inside = previous is not None and previous.between == " " and previous.label == "CITY" and _place(previous.name).stem == stem
    return None if inside else next(iter(kinds))


# Institutions

_LEGAL_FORM = re.compile(
    r"^(?:㈜|\((?:주|재|사|유)\)|주식회사|재단법인|사단법인|의료법인|학교법인)\s*|\s*(?:㈜|\((?:주|재|사|유)\)|주식회사)$"
)
# Spelled out in full and as papers shorten them; only where both names stand in the document.
_SHORTENED = (
    ("대학교", "대"),
    ("상공회의소", "상의"),
    ("농업협동조합", "농협"),
    ("수산업협동조합", "수협"),
    ("축산업협동조합", "축협"),
)
_OPENING = re.compile(r"^\s?[(\[（]\s?(?P<hereafter>이하|약칭|줄여서)?\s?[‘'“\"「『]?$")
_CLOSING = re.compile(r"^[’'”\"」』]?\s?[)\]）]")
_CLOSING_HEREAFTER = re.compile(r"^[’'”\"」』]?(?:이?라(?:고)?(?: 한다| 함)?|으로|로)?\s?[)\]）.]")
# Behind a body's name in brackets these name a part of it, not the body again.
_UNITS = tuple(
    "위원회 센터 연구소 본부 지부 지사 지점 지회 분원 병원 캠퍼스 학과 학부 대학원 대학 학교 국 과 부 실 팀 단 처".split()
)


def _organisations(mentions: Sequence[_Mention]) -> Iterator[tuple[int, int]]:
    """Aliases in brackets to the name before them, then names that differ by their legal form or a shortened word."""
    first: dict[str, int] = {}
    for mention in mentions:
        first.setdefault(mention.name, mention.index)
    names = {mention.index: mention.name for mention in mentions}
    aliases: dict[str, set[str]] = defaultdict(set)
    for mention in mentions:
        if (previous := mention.previous) is not None and previous.index in names:
            full, short = _alias(previous.name, mention, previous.between)
            if full != short:
                aliases[short].add(full)
    spelled: dict[str, set[str]] = defaultdict(set)
    for name in first:
        spelled[_spelling(name)].add(name)
    for mention in mentions:
        known = aliases.get(mention.name, set())
        name = next(iter(known)) if len(known) == 1 else mention.name
        same = spelled[_spelling(name)]
        fullest = max(same, key=lambda other: (len(other), -first[other]))
        target = fullest if len(fullest) > len(name) else name
        if target != mention.name:
            yield mention.index, first[target]


def _spelling(name: str) -> str:
    plain = _LEGAL_FORM.sub("", name) or name
    for full, short in _SHORTENED:
        plain = plain.replace(full, short)
    return plain.replace(" ", "")


def _alias(before: str, mention: _Mention, between: str) -> tuple[str, str]:
    """Full name and alias of two names of which the second stands in brackets; twice the same where it is none."""
    inside = mention.name
    opening = _OPENING.match(between)
    if opening is None:
        return inside, inside
    if opening["hereafter"]:
        return (before, inside) if _CLOSING_HEREAFTER.match(mention.after) else (inside, inside)
    if not _CLOSING.match(mention.after):
        return inside, inside
    full, short = (before, inside) if _fullness(before) >= _fullness(inside) else (inside, before)
    part = inside.endswith(_UNITS) and _hangul(before) and not _abbreviates(short, full)
    return (inside, inside) if part else (full, short)


def _abbreviates(short: str, full: str) -> bool:
    """Whether its letters occur in that order in the full name: 농식품부 of 농림축산식품부."""
    letters = iter(full)
    return all(letter in letters for letter in short)


def _fullness(name: str) -> tuple[bool, int]:
    """A name in Hangul is fuller than one in Latin letters, a longer one than a shorter one."""
    return _hangul(name), len(name)


def _hangul(name: str) -> bool:
    return any("가" <= char <= "힣" for char in name)
