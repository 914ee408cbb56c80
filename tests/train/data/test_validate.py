"""Each kind of finding: the bad text is found, at its line, and the good twin passes."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime.document import Document, Relation
from model.runtime.text import normalise
from train.data.advice import advise
from train.data.inline import parse_inline
from train.data.validate import Article, check


def article(body: str, name: str = "a", split: str = "train", path: str = "") -> Article:
    """An article from its sentence and relation lines; the body begins on line 3."""
    parsed = parse_inline(f"source: 자체 작성\n---\n{body}\n", name, path or f"{name}.txt")
    return Article(parsed.document, split, parsed.path, parsed.line_of)


def changed(good: Article, **changes: Any) -> Article:
    """The article with other fields in its document, as only a JSON Lines file can hold them."""
    return replace(good, document=replace(good.document, **changes))


def errors(*articles: Article) -> list[str]:
    return [str(finding) for finding in check(articles)]


def advice(*articles: Article) -> list[str]:
    return [str(finding) for finding in advise(articles)]


# What one article shows


def test_a_sound_article_passes() -> None:
    good = article(
        "[부산시/C1]·[후쿠오카시/C2], [수소/F1] 협력\n> C1 COOPERATES_WITH C2\n> C1,C2 COOPERATES_IN F1\n\n"
        "[박형준/P1] [부산/C1]시장은 [지난 10일/D1] [후쿠오카시/C2]를 방문했다.\n> P1 HEAD_OF C1\n> P1 VISITS C2\n> P1 ON_DATE D1"
    )
    assert errors(good) == []
    assert advice(good) == []


def test_no_text() -> None:
    assert errors(article("")) == ["a.txt:1: the article has no text; write it or remove the file"]
    assert errors(article(r"\s\n")) == ["a.txt:1: the article has no text; write it or remove the file"]
    assert errors(article("가")) == []


def test_text_that_is_not_nfc() -> None:
    (finding,) = errors(article(unicodedata.normalize("NFD", "부산시")))
    assert finding.startswith("a.txt:1: the text is not NFC")
    assert errors(article("부산시")) == []


@pytest.mark.parametrize("char", ["\x00", "\t", "\x0b", "\r", "\x1f", "\x7f", "\u200b", "\ufeff"])
def test_control_characters(char: str) -> None:
    text = f"부산{char}시"
    assert errors(changed(article("부산시"), text=text, title=text)) == [
        f"a.txt:1: the text holds the control character {char!r}; remove it"
    ]
    assert errors(article("부산\n\n시")) == []


@pytest.mark.parametrize("char", ["\x85", "\xa0", "\xad", "\u200d", "\u2028", "\u2060", "\u3000", "\ud800"])
def test_characters_that_the_model_reads_as_something_else(char: str) -> None:
    (finding,) = errors(article(f"부산{char}시"))
    assert finding.startswith(f"a.txt:1: the text holds {char!r}, which the model reads as something else")
    assert errors(article("부산 시")) == []


@given(st.text(alphabet=st.characters() | st.sampled_from("가각\u1100\u1161\u0301\xa0\u200b\t "), min_size=1))
def test_a_text_passes_exactly_when_training_takes_it(text: str) -> None:
    # `train.examples` refuses what is not in normal form and sends the user here.
    document = Document("a", text, title=text.split("\n", 1)[0])
    passes = not check([Article(document, "train", "a.txt", lambda _: 1)])
    assert passes == (normalise(text).text == text and text.strip() != "")


def test_a_title_that_is_not_the_first_line() -> None:
    good = article("제목\n\n본문")
    assert errors(changed(good, title="본문")) == ["a.txt:1: the title is not the first line of the text; make them equal"]
    assert errors(good) == []


def test_overlapping_mentions() -> None:
    good = article("제목\n\n[부산/C1][시청/O1]에서")
    city, office = good.document.entities
    wide = replace(office, start=office.start - 1, text="산시청")
    assert errors(changed(good, entities=(city, wide))) == ["a.txt:5: ORG “산시청” overlaps “부산”; mentions are flat"]
    assert errors(good) == []


EDGES = "begins or ends with a space or a mark; leave it outside the span"


@pytest.mark.parametrize(
    ("bad", "good", "message"),
    [
        ("[부산 /C1]에", "[부산/C1] 에", f"CITY “부산 ” {EDGES}"),
        ("가[ 부산/C1]에", "가 [부산/C1]에", f"CITY “ 부산” {EDGES}"),
        ("[수소·/F1]", "[수소/F1]·", f"FIELD “수소·” {EDGES}"),
        ("[“수소/F1]”", "“[수소/F1]”", f"FIELD ““수소” {EDGES}"),
        ("‘[수소’/F1]", "‘[수소/F1]’", f"FIELD “수소’” {EDGES}"),
        ("([한빛(/O1]주)", "[한빛(주)/O1]", f"ORG “한빛(” {EDGES}"),
        ("한빛[)한빛/O1]", "[(주)한빛/O1]", f"ORG “)한빛” {EDGES}"),
        (
            "[간다. 부산/C1]에",
            "간다.\n[부산/C1]에",
            "CITY “간다. 부산” crosses a sentence boundary; mark the parts or mend the sentence",
        ),
        ("[박형준 시장/P1]", "[박형준/P1] 시장", "PERSON “박형준 시장” ends in “시장”, which stays outside the span"),
        ("[박 시장/P1]", "[박/P1] 시장", "PERSON “박 시장” ends in “시장”, which stays outside the span"),
        ("[홍길동교수/P1]", "[김교수/P1]", "PERSON “홍길동교수” ends in “교수”, which stays outside the span"),
        ("[부산시장/C1]", "[부산/C1]시장", "CITY “부산시장” ends in “시장”, which stays outside the span"),
        ("[부산시청/C1]", "[부산시청/O1]", "CITY “부산시청” ends in “시청”, which stays outside the span"),
        ("[관광 분야/F1]", "[관광/F1] 분야", "FIELD “관광 분야” ends in “분야”, which stays outside the span"),
        ("[해양 산업/F1]", "[해양산업/F1]", "FIELD “해양 산업” ends in “산업”, which stays outside the span"),
        ("[청소년교류/F1]", "[청소년/F1]교류", "FIELD “청소년교류” ends in “교류”, which stays outside the span"),
        ("[바이오 육성/F1]", "[지역 인재 육성/F1]", "FIELD “바이오 육성” ends in “육성”, which stays outside the span"),
        ("[10일 3시/D1]", "[연말연시/D1]", "DATE “10일 3시” ends in “시”, which stays outside the span"),
        ("[10일 오전/D1]", "[10일/D1] 오전", "DATE “10일 오전” ends in “오전”, which stays outside the span"),
        ("[5월경/D1]", "[5월/D1]경", "DATE “5월경” ends in “경”, which stays outside the span"),
    ],
)
def test_spans(bad: str, good: str, message: str) -> None:
    assert errors(article(f"제목\n\n{bad}")) == [f"a.txt:5: {message}"]
    assert errors(article(f"제목\n\n{good}")) == []


def test_arguments_that_the_schema_does_not_allow() -> None:
    good = article("[박형준/P1], [부산/C1]에서 [수소/F1] 논의\n> P1 VISITS C1")
    bad = changed(good, relations=(Relation("R1", "T1", "T3", "VISITS"),))
    assert errors(bad) == ["a.txt:3: VISITS(“박형준”, “수소”) joins PERSON to FIELD, which the schema does not allow"]
    assert errors(good) == []


def test_a_symmetric_relation_with_the_later_mention_first() -> None:
    good = article("제목\n\n[부산/C1]과\n[대구/C1], [광주/C2]\n> C1 COOPERATES_WITH C2")
    bad = changed(good, relations=(Relation("R1", "T3", "T2", "COOPERATES_WITH"),))
    assert errors(bad) == [
        "a.txt:6: COOPERATES_WITH(“광주”, “대구”) is symmetric and stored with the later mention first; turn it round"
    ]
    assert errors(good) == []


def test_a_relation_of_a_mention_with_itself() -> None:
    good = article("[부산시/C1]는 [대구시/C2]와 손잡았다.\n> C1 COOPERATES_WITH C2")
    itself = changed(good, relations=(Relation("R1", "T1", "T1", "COOPERATES_WITH"),))
    assert any("joins a mention to itself" in error for error in errors(itself))


def test_a_relation_across_sentences() -> None:
    good = article("[부산/C1] 방문.\n[박형준/P1]은 [대구/C1]로 갔다.\n> P1 VISITS C1")
    bad = changed(good, relations=(Relation("R1", "T2", "T1", "VISITS"),))
    assert errors(bad) == ["a.txt:4: VISITS(“박형준”, “부산”) joins two sentences; a relation holds inside one"]
    assert errors(good) == []


def test_a_relation_that_is_there_twice() -> None:
    good = article("[박형준/P1], [부산/C1]·[대구/C2] 방문\n> P1 VISITS C1,C2")
    bad = changed(good, relations=(*good.document.relations, Relation("R3", "T1", "T3", "VISITS")))
    assert errors(bad) == ["a.txt:3: VISITS(“박형준”, “대구”) is there twice; leave one out"]
    assert errors(good) == []


def test_relations_that_exclude_one_another() -> None:
    posts = "[박형준/P1] [부산/C1]시장, [부산항만공사/O1] 위원\n> P1 HEAD_OF C1\n> P1 MEMBER_OF "
    assert errors(article(posts + "C1")) == ["a.txt:3: MEMBER_OF(“박형준”, “부산”) excludes HEAD_OF on the same pair; keep one"]
    assert errors(article(posts + "O1")) == []


# What shows only side by side


@pytest.mark.parametrize(
    ("mark", "other", "good_other"),
    [
        ("[부산시는/C1]", "[부산시/C1]는", "[대구시/C1]는"),
        ("[수소에서/F1]", "[수소/F1]에서", "[수소/O1]에서"),
        ("[법무부과/O1]", "[법무부/O1]과", "[법무/O1]과"),
    ],
)
def test_particles_that_are_left_out_elsewhere(mark: str, other: str, good_other: str) -> None:
    bad = article(f"제목\n\n{mark}")
    (finding,) = errors(article(other, name="b"), bad)
    assert finding.startswith("a.txt:5: ")
    assert "ends in the particle" in finding
    assert "leave the particle outside" in finding
    assert errors(article(good_other, name="b"), bad) == []


@pytest.mark.parametrize(
    ("whole", "stem"), [("[경남도/C1]", "[경남/C1]"), ("[2026년도/D1]", "[2026년/D1]"), ("[시가/F1]", "[시/F1]")]
)
def test_words_that_only_look_like_stem_and_particle(whole: str, stem: str) -> None:
    assert errors(article(whole), article(stem, name="b")) == []


def test_two_articles_with_one_id() -> None:
    first, second = article("가", path="x/a.txt"), article("제목\n\n[부산/C1]", path="y/a.txt")
    assert errors(first, second) == ["y/a.txt:5: the id “a” is also that of x/a.txt; rename one"]
    assert errors(first, article("제목\n\n[부산/C1]", name="b")) == []


def test_a_copy_under_another_name_in_the_same_split() -> None:
    first = article("제목\n\n[부산/C1]은 간다.")
    copy = article("제목\n\n부산은\n\n간다.", name="b")
    assert errors(first, copy) == ["b.txt:1: has the same text as a.txt in the same split; remove one"]
    lines = [replace(one, path="train.jsonl") for one in (first, copy)]
    assert errors(*lines) == ["train.jsonl:1: has the same text as the article “a” in the same split; remove one"]
    assert errors(first, article("제목\n\n부산은 온다.", name="b")) == []


def test_a_suggestion_that_nobody_has_corrected() -> None:
    good = article("[부산/C1]은 간다.")
    suggested = changed(good, meta={"suggested_by": "embedded", "uncertainty": "0.412"})
    assert errors(suggested) == [
        "a.txt:3: still says suggested_by; correct the article and remove the lines suggested_by and uncertainty"
    ]
    assert errors(good) == []


@pytest.mark.parametrize("name", ["", "a/b", "기사 1", ".a", "-a"])
def test_an_id_that_does_not_do_as_a_file_name(name: str) -> None:
    assert errors(article("가", name=name, path="a.txt")) == [
        f"a.txt:1: the id {name!r} does not do as a file name; use letters, digits, “.”, “_” and “-”"
    ]


def test_near_duplicates_in_two_splits() -> None:
    release = "부산시와 후쿠오카시는 수소 분야에서 협력하기로 했다고 밝혔다."
    first = article(release, split="train")
    reprint = article(release.replace("밝혔다", "전했다"), name="b", split="test")
    (finding,) = errors(first, reprint)
    assert finding.startswith("b.txt:1: is a near-duplicate of a.txt in another split (")
    # The same split may hold both, and another article is none.
    assert errors(first, replace(reprint, split="train")) == []
    assert errors(first, article("대구시는 의료 관광객을 위한 안내소를 연다고 알렸다.", name="b", split="test")) == []


# Places that want a second look


BARE = "is marked elsewhere, bare in"


@pytest.mark.parametrize(
    ("bad", "good", "message"),
    [
        (
            "[수소/F1] 협력\n\n수소 산업도",
            "[수소/F1] 협력\n\n[수소/F1] 산업도",
            f"a.txt:3: “수소” {BARE} “…수소 협력 수소 산업도…”",
        ),
        ("[부산/C1] 소식\n\n부산 시민", "[부산/C1] 소식\n\n북부산 시민", f"a.txt:3: “부산” {BARE} “…부산 소식 부산 시민…”"),
        ("[부산/C1]에\n[대구/C1]와 부산", "[부산/C1]에\n[대구/C1]와 [부산/C2]", f"a.txt:4: “부산” {BARE} “…부산에 대구와 부산…”"),
        (
            "[홍길동/P1] [부산/C1]시장은",
            "[홍길동/P1] [부산/C1]시장은\n> P1 HEAD_OF C1",
            "a.txt:3: “홍길동” stands by a post and “부산” without HEAD_OF or MEMBER_OF",
        ),
        (
            "[부산시/C1] [홍길동/P1] 국장은",
            "[부산시/C1] [홍길동/P1] 씨는",
            "a.txt:3: “홍길동” stands by a post and “부산시” without HEAD_OF or MEMBER_OF",
        ),
        ("[경남도지사/C1]는", "[경남/C1]도지사는", "a.txt:3: CITY “경남도지사” ends in a title; the span is the place alone"),
    ],
)
def test_advice(bad: str, good: str, message: str) -> None:
    assert advice(article(bad)) == [message]
    assert advice(article(good)) == []


@pytest.mark.parametrize(
    "body",
    [
        "[박/P1] 시장은\n\n박 터지게",  # one syllable says too little
        "[3일/D1] 왔다.\n\n3일 동안",
        "[부산/C1] [박/P1] 시장은",
        "[홍길동/P1]은 [부산/C1]으로",
        "[부산/C1]에서 열린 큰 행사에 처음 나온 [홍길동/P1] 시장은",
        "[홍길동/P1]과 함께 [부산/C1]시장은",
    ],
)
def test_no_advice(body: str) -> None:
    assert advice(article(body)) == []


def test_cities_and_bodies_of_other_articles_are_looked_for() -> None:
    bare = article("제목\n\n어제 부산시에서 열렸다.")
    assert advice(article("[부산시/C1]", name="b"), bare) == [f"a.txt:1: “부산시” {BARE} “…제목 어제 부산시에서 열렸다.…”"]
    assert advice(article("[부산시/F1]", name="b"), bare) == []
    assert advice(article("[부산/C1]", name="b"), article("제목\n\n어제 부산 앞바다에서")) == []


@pytest.mark.parametrize("look", [check, advise])
def test_a_sound_corpus_of_nothing(look: Callable[[list[Article]], list[Any]]) -> None:
    assert look([]) == []
