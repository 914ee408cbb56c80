"""Full names of short mentions: Korean persons, foreign persons, local governments, institutions; and what must not be linked."""

import sys
import time
import unicodedata
from dataclasses import replace

import pytest

from model.runtime.canonical import LINE_BREAK, canonical_names, with_canonical
from model.runtime.document import Document, Entity, document_from_dict
from model.runtime.text import normalise
from train.data.inline import parse_inline


def _document(body: str) -> Document:
    """The first line is the headline, the others are the sentences of one paragraph."""
    headline, _, rest = body.partition("\n")
    return parse_inline(f"source: 가\n---\n{headline}\n\n{rest}\n", "a", "a.txt").document


def _links(body: str) -> dict[str, str]:
    """Surface to full name of the mentions that stand for another; fails where equal surfaces differ."""
    document = _document(body)
    links: dict[str, str] = {}
    for entity, name in zip(document.entities, canonical_names(document.text, document.entities), strict=True):
        if name != entity.text:
            assert links.setdefault(entity.text, name) == name
    return links


LINKED = {
    "surname and title": ("제목\n[김철수/P1] [부산/C1]시장이 말했다.\n[김/P1] 시장은 웃었다.", {"김": "김철수"}),
    "title before the name": ("제목\n[부산시/C1](시장 [김철수/P1])가 밝혔다.\n[김/P1] 시장은 웃었다.", {"김": "김철수"}),
    "two of a surname, told apart by title": (
        "제목\n[김철수/P1] [부산/C1]시장과 [김영희/P2] 교수가 만났다.\n[김/P1] 시장은 [김/P2] 교수에게 물었다.",
        None,
    ),
    "surname of two syllables": ("제목\n[남궁혁/P1] [울진/C1]군수가 왔다.\n[남궁/P1] 군수는 갔다.", {"남궁": "남궁혁"}),
    "last word of a foreign name": (
        "제목\n[랄프 슈나이더/P1] 시장을 만났다.\n[슈나이더/P1] 시장은 웃었다.",
        {"슈나이더": "랄프 슈나이더"},
    ),
    "several last words": (
        "제목\n[예룬 판 데르 메이르/P1] 시장을 만났다.\n[판 데르 메이르/P1] 시장과 [메이르/P2]는 같다.",
        {"판 데르 메이르": "예룬 판 데르 메이르", "메이르": "예룬 판 데르 메이르"},
    ),
    "first word of a Japanese name": (
        "제목\n[센다이/C1]시장 [오쿠무라 시즈에/P1]를 예방했다.\n[오쿠무라/P1] 시장은 웃었다.",
        {"오쿠무라": "오쿠무라 시즈에"},
    ),
    "Chinese surname": ("제목\n[판루이칭/P1] 부시장이 왔다.\n[판/P1] 부시장은 웃었다.", {"판": "판루이칭"}),
    "headline before the full name": ("[도/P1] 시장, 유럽으로\n[도영학/P1] [울산/C1]시장이 떠났다.", {"도": "도영학"}),
    "deputy with an office before it": ("제목\n(단장 [방하준/P1] 경제부지사)\n[방/P1] 부지사는 갔다.", {"방": "방하준"}),
    "a city whose name ends in 부": (
        "제목\n[문정호/P1] 의정부시장이 왔다.\n[문/P1] 시장은 갔다.",
        {"문": "문정호"},
    ),
    "city, short to full": (
        "[부산/C1] 소식\n[부산시/C1]는 웃었다.\n[부산광역시/C1]는 넓다.",
        {"부산": "부산광역시", "부산시": "부산광역시"},
    ),
    "province, abbreviated": (
        "[충북도/C1] 소식\n[충청북도/C1]와 [충북/C2]",
        {"충북도": "충청북도", "충북": "충청북도"},
    ),
    "province, renamed": (
        "[강원/C1] 소식\n[강원특별자치도/C1]와 [강원도/C2]",
        {"강원": "강원특별자치도", "강원도": "강원특별자치도"},
    ),
    "fused title": ("제목\n[성동/C1]구청장이 [성동구/C2]에 있다.", {"성동": "성동구"}),
    "city of one syllable": ("제목\n[빈/C1]을 찾았다.\n[빈시/C1]는 넓다.", {"빈": "빈시"}),
    "Mongolian province": ("제목\n[옵스 아이막/C1] 지사\n[옵스/C1]는 넓다.", {"옵스": "옵스 아이막"}),
    "the province of 제주, not its city": (
        "제목\n[제주특별자치도/C1](이하 [제주도/C2])와 [제주시/C3]\n[제주/C1]를 찾는다.",
        {"제주도": "제주특별자치도", "제주": "제주특별자치도"},
    ),
    "a bare name that looks like one with a suffix": ("제목\n[남양주/C1]의 [남양주시/C2]", {"남양주": "남양주시"}),
    "alias in brackets": (
        "[코이카/O1] 소식\n[한국국제협력단/O1]([코이카/O2])은 [코이카/O3]다.",
        {"코이카": "한국국제협력단"},
    ),
    "alias before its name": ("제목\n[KOICA/O1]([한국국제협력단/O2])", {"KOICA": "한국국제협력단"}),
    "이하": (
        "제목\n[오송첨단의료산업진흥재단/O1](이하 ‘[오송재단/O2]’)은 크다.\n[오송재단/O1]은 작다.",
        {"오송재단": "오송첨단의료산업진흥재단"},
    ),
    "이하 with a unit's ending": (
        "제목\n[유럽나노집적연구소/O1](이하 [나노연구소/O2])",
        {"나노연구소": "유럽나노집적연구소"},
    ),
    "abbreviation with a unit's ending": ("제목\n[농림축산식품부/O1]([농식품부/O2])", {"농식품부": "농림축산식품부"}),
    "legal form": ("제목\n[㈜누리/O1]가 왔다.\n[누리/O1]는 갔다.", {"누리": "㈜누리"}),
    "shortened university": (
        "제목\n[공주대학교 산학협력단/O1]이 왔다.\n[공주대 산학협력단/O1]은 갔다.",
        {"공주대 산학협력단": "공주대학교 산학협력단"},
    ),
}


@pytest.mark.parametrize("case", [name for name, (_, links) in LINKED.items() if links is not None])
def test_linked(case: str) -> None:
    body, links = LINKED[case]
    assert _links(body) == links


def test_two_of_a_surname_are_told_apart_by_their_titles() -> None:
    document = with_canonical(_document(LINKED["two of a surname, told apart by title"][0]))
    assert [(e.text, e.canonical) for e in document.entities if e.text == "김"] == [("김", "김철수"), ("김", "김영희")]


NOT_LINKED = {
    "two full names fit": "제목\n[김철수/P1] [부산/C1]시장과 [김영희/P2] [대구/C2]시장이 만났다.\n[김/P1] 시장은 웃었다.",
    "another title": "제목\n[김철수/P1] [부산/C1]시장이 왔다.\n[김/P1] 국장은 웃었다.",
    "mayor and deputy": "제목\n[김철수/P1] [부산/C1]부시장이 왔다.\n[김/P1] 시장은 웃었다.",
    "no title": "제목\n[김철수/P1] [부산/C1]시장이 왔다.\n[김/P1]은 웃었다.",
    "the full name comes later": "제목\n[김/P1] 시장은 웃었다.\n[김철수/P1] [부산/C1]시장이 왔다.",
    "another surname": "제목\n[남궁혁/P1] [울진/C1]군수가 왔다.\n[남/P1] 군수는 갔다.",
    "the Vietnamese surname of two": "제목\n[응우옌 반 득/P1] 주석, [응우옌 티 란/P2] 국장\n[응우옌/P1] 씨는 웃었다.",
    "middle word of a name": "제목\n[응우옌 반 득/P1] 주석이 왔다.\n[반/P1] 시장은 갔다.",
    "a person and a city": "제목\n[부산/C1] [부산진구/C2]에 [부산시/O1]",
    "광주 in 경기 and 광주광역시": "제목\n[경기/C1] [광주시/C2]와 [광주광역시/C3]\n[광주시/C1]와 [광주/C2]는 다르다.",
    "고성 in two provinces": "제목\n[강원/C1] [고성군/C2]과 [경남/C3] [고성군/C4]\n[고성/C1]은 바다다.",
    "city and prefecture of one name": "제목\n[가고시마현/C1]과 [가고시마시/C2]는 다르다.\n[가고시마/C1]를 찾았다.",
    "mayor where only the prefecture stands": "제목\n[후쿠오카현/C1]을 찾아 [후쿠오카/C2]시장을 만났다.",
    "capital within the region of its name": "제목\n[뉴욕주/C1] [뉴욕/C2]을 찾았다.",
    "suffix that belongs to the name": "제목\n[광/O1]과 [나주/C1]와 [대구/C2]와 [서구/C3]",
    "part of a body in brackets": "제목\n[부산시의회/O1]([행정문화위원회/O2])가 열렸다.\n[행정문화위원회/O1]는 끝났다.",
    "bodies listed in brackets": "제목\n[부산대학교/O1]([동아대/O2], [경성대/O3])",
    "place of a body in brackets": "제목\n[한국신발피혁연구소/O1]([부산/C1] [부산진구/C2] 당감동)",
    "one alias of two bodies": "제목\n[한국관광공사/O1]([KTO/O2])와 [경기관광공사/O3]([KTO/O4])\n[KTO/O1]는 어디인가.",
    "an institution's unit": "제목\n[부산대학교/O1]와 [부산대학교병원/O2]",
    "fields and dates": "제목\n[사물인터넷/F1]([IoT/F2])은 [2026년 3월/D1]과 [3월/D2]에",
}


@pytest.mark.parametrize("case", NOT_LINKED)
def test_not_linked(case: str) -> None:
    assert _links(NOT_LINKED[case]) == {}


def test_a_bare_name_means_what_its_office_says() -> None:
    document = with_canonical(
        _document("제목\n[카라간다시/C1]와 [카라간다주/C2]가 있다.\n[카라간다/C1]시장은 [카라간다/C2]로 갔다.")
    )
    assert [e.canonical for e in document.entities] == ["카라간다시", "카라간다주", "카라간다시", "카라간다"]


def test_decomposed_text_is_linked_with_its_own_letters() -> None:
    composed = _document(LINKED["city, short to full"][0])
    text, entities = "", []
    for entity in composed.entities:
        start = len(text)
        text += unicodedata.normalize("NFD", entity.text) + " "
        entities.append(Entity(entity.id, start, len(text) - 1, entity.label, text[start:-1]))
    assert canonical_names(text, entities) == [unicodedata.normalize("NFD", "부산광역시")] * 3


def test_full_names_are_written_only_where_they_differ_and_read_back() -> None:
    document = with_canonical(_document(LINKED["surname and title"][0]))
    data = document.to_dict()
    assert [e.get("canonical") for e in data["entities"]] == [None, None, "김철수"]
    assert document_from_dict(data, "a").entities == document.entities


def test_line_breaks_are_those_of_normalisation() -> None:
    chars = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Zs")]
    assert [char for char in chars if LINE_BREAK.match(char)] == [char for char in chars if normalise(char).text == "\n"]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_lines_end_at_any_line_break(end: str) -> None:
    document = _document(NOT_LINKED["the full name comes later"])
    length = len(end)
    text = document.text.replace("\n", end)
    shifts = [(length - 1) * document.text[: e.start].count("\n") for e in document.entities]
    moved = [replace(e, start=e.start + by, end=e.end + by) for e, by in zip(document.entities, shifts, strict=True)]
    # Were everything the headline, the surname could stand before its full name.
    assert canonical_names(text, moved) == [e.text for e in moved]


def test_no_mentions() -> None:
    assert canonical_names("", []) == []
    empty = Document("a", "")
    assert with_canonical(empty) == empty


def test_a_long_list_takes_no_longer_than_its_length() -> None:
    body = "".join(f"[김철{i % 7}/P1] 시장과 [김/P2] 국장, [부산/C1], [㈜누리/O1]\n" for i in range(20))
    small = _document("제목\n" + body)
    copies = 400
    shift = len(small.text) + 1
    entities = tuple(
        replace(e, id=f"T{n}-{e.id}", start=e.start + n * shift, end=e.end + n * shift)
        for n in range(copies)
        for e in small.entities
    )
    started = time.perf_counter()
    assert len(canonical_names((small.text + "\n") * copies, entities)) == 32_000
    assert time.perf_counter() - started < 10
