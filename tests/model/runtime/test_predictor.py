"""The predictor on anything that calls itself text: an answer with right offsets, or a clear error."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import LetterNetwork, letter_predictor, same

import model
from model import runtime
from model.runtime.calibration import Platt, ScoreCalibration
from model.runtime.document import Document, Entity
from model.runtime.errors import ArgumentError, DataError
from model.runtime.predictor import Predictor
from model.runtime.schema import LABELS, RELATIONS, relation_type
from model.runtime.sentences import sentence_spans

Build = Callable[..., Predictor]
AWKWARD = [
    "",
    " ",
    "\n",
    "가",
    "😀",
    "👨‍👩‍👧‍👦 부산",
    "\ud800",
    "부산\udfff시",
    "\x00",
    "부산\x00시는",
    unicodedata.normalize("NFD", "부산시는 후쿠오카시를 방문했다."),
    "가" * 1_000,
    "The city of Busan met Fukuoka.",
    "東京都は釜山市と協力する。",
    "مدينة بوسان",
    "부산시\t는\u00a0후쿠오카",
    "e\u0301" * 50,
    "\u1100" * 30 + "\u1161" * 30,
]


def _check(text: str, document: Document) -> None:
    assert document.text == text
    ids = {entity.id: entity for entity in document.entities}
    for entity in document.entities:
        assert text[entity.start : entity.end] == entity.text != ""
        assert 0 < (entity.score or 0) <= 1
    places = [(e.start, e.end) for e in document.entities]
    assert places == sorted(places)
    assert all(a[1] <= b[0] for a, b in pairwise(places))
    for relation in document.relations:
        head, tail = ids[relation.head], ids[relation.tail]
        assert relation_type(relation.type).allows(head.label, tail.label)
        assert 0 < (relation.score or 0) <= 1


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts(tiny_predictor: Build, text: str) -> None:
    _check(text, tiny_predictor(threshold=0.3).predict(text))


@given(text=st.text(alphabet=st.characters(), max_size=200))
def test_any_text(tiny_predictor: Build, text: str) -> None:
    _check(text, tiny_predictor(threshold=0.3).predict(text))


def test_a_megabyte_in_one_line(tiny_predictor: Build) -> None:
    text = "부산시는 후쿠오카시를 방문했다 " * 22_500
    assert len(text.encode()) > 1_000_000
    document = tiny_predictor(length=128, context=0, threshold=0.999, batch_tokens=4_096, outside=2.0).predict(text)
    _check(text, document)
    assert document.entities and document.entities[-1].end > len(text) - 1_000


def test_decomposed_text_gives_the_same_mentions(tiny_predictor: Build) -> None:
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
    composed = tiny_predictor().predict(text)
    decomposed = tiny_predictor().predict(unicodedata.normalize("NFD", text))
    assert composed.entities
    assert [(e.label, e.text) for e in composed.entities] == [
        (e.label, unicodedata.normalize("NFC", e.text)) for e in decomposed.entities
    ]


SENTENCES = [
    "부산시는 웃었다. ",
    "후쿠오카시를 방문해 수소 협력을 논의했다. ",
    "두 도시는 2007년 결연했다.\n",
    "가" * 60 + " ",
    "w" * 200,
    "😀",
]
ARTICLES = st.lists(st.lists(st.sampled_from(SENTENCES), max_size=8).map("".join), max_size=8)


def test_many_texts_are_read_as_each_alone(tiny_predictor: Build) -> None:
    predictor = tiny_predictor(batch_tokens=192)
    texts = ["부산시는 웃었다.", "", "후쿠오카시를 방문해 수소 협력을 논의했다. " * 9, "두 도시는 2007년 결연했다."] * 20
    together = predictor.predict(texts)
    for text, document in zip(texts, together, strict=True):
        assert same(document, predictor.predict(text))
    assert [d.id for d in together] == [str(i) for i in range(len(texts))]


@settings(max_examples=25)
@given(texts=ARTICLES, batch_tokens=st.sampled_from([1, 40, 100, 333, 4_096]))
def test_batches_do_not_change_documents(texts: list[str], batch_tokens: int) -> None:
    predictor = letter_predictor()
    together = list(predictor.predict_iter(iter(texts), batch_tokens=batch_tokens))
    assert len(together) == len(texts)
    assert all(same(document, predictor.predict(text)) for text, document in zip(texts, together, strict=True))


@settings(max_examples=25)
@given(texts=ARTICLES, batch_tokens=st.sampled_from([1, 40, 100, 333, 4_096]))
def test_a_batch_keeps_to_its_tokens(texts: list[str], batch_tokens: int) -> None:
    predictor = letter_predictor()
    list(predictor.predict_iter(texts, batch_tokens))
    assert isinstance(predictor.network, LetterNetwork)
    longest_sentence = 8  # windows of the longest sentence above; they are never torn apart
    for windows, pieces, characters in predictor.network.shapes:
        assert windows <= longest_sentence or windows * max(pieces, characters / 3) <= batch_tokens


def test_long_and_short_articles_fill_batches_alike() -> None:
    predictor = letter_predictor()
    texts = ["부산시는 협력.", "부산시는 후쿠오카를 방문했다. " * 40] * 30
    list(predictor.predict_iter(texts, batch_tokens=1_024))
    assert isinstance(predictor.network, LetterNetwork)
    sizes = [windows * pieces for windows, pieces, _ in predictor.network.shapes]
    assert np.mean(sizes) > 0.75 * 1_024


def test_the_title_is_the_first_line() -> None:
    for rest in ("\n부산시는", "\r\n부산시는\r\n", "\r", "", *(f"{end}부산시는\n" for end in "\r\v\f\x85\u2028\u2029")):
        document = letter_predictor().predict(f"부산시 소식{rest}")
        assert (document.title, document.text) == ("부산시 소식", f"부산시 소식{rest}")


def test_texts_are_taken_as_needed() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "부산시는 후쿠오카를 방문했다. " * (1 + taken % 3)

    stream = letter_predictor().predict_iter(endless(), batch_tokens=256)
    assert taken == 0
    for read in range(1, 1_001):
        next(stream)
        assert taken <= read + 8 * 256 // 12
    assert [next(stream).id for _ in range(3)] == ["1000", "1001", "1002"]


def test_texts_without_windows_are_not_piled_up() -> None:
    taken = 0

    def empty() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield ""

    assert next(letter_predictor().predict_iter(empty())).entities == ()
    assert taken <= 1_024


def test_documents_that_were_given_out_are_let_go() -> None:
    alive: WeakValueDictionary[str, Document] = WeakValueDictionary()
    most = 0
    for document in letter_predictor().predict_iter((f"{place} 부산시" for place in range(3_000)), batch_tokens=256):
        alive[document.id] = document
        most = max(most, len(alive))
    assert document.id == "2999" and most <= 8 * 256 // 5


def test_one_string_is_not_many_texts(tiny_predictor: Build) -> None:
    with pytest.raises(DataError, match="several texts"):
        tiny_predictor().predict_iter("부산")


@pytest.mark.parametrize("package", [model, runtime])
@pytest.mark.parametrize("workers", [1, 2])
def test_arguments_are_looked_at_before_a_model_is_loaded(package: Any, workers: int) -> None:
    for bad in ("한 문자열", b"bytes", {"id": "a"}, None, 3):
        with pytest.raises(DataError, match="expected several texts"):
            package.predict_iter(bad, workers=workers, path="nowhere")
    with pytest.raises(DataError, match="batch_tokens"):
        package.predict_iter(["부산"], batch_tokens=0, workers=workers, path="nowhere")
    with pytest.raises(ArgumentError, match="min_score 2"):
        package.predict_iter(["부산"], min_score=2, workers=workers, path="nowhere")


@pytest.mark.parametrize("bad", [b"bytes", bytearray(b"bytes"), {"id": "a"}, None, 3])
def test_what_holds_no_texts(tiny_predictor: Build, bad: Any) -> None:
    for predict in (tiny_predictor().predict, model.predict, runtime.predict):
        with pytest.raises(DataError, match=f"expected a string or several texts, found {type(bad).__name__}"):
            predict(bad)


def test_texts_may_be_anything_that_is_iterated_over(tiny_predictor: Build) -> None:
    texts = ["부산", "서울"]
    for several in (texts, tuple(texts), dict.fromkeys(texts).keys(), iter(texts), np.array(texts, dtype=object)):
        assert [d.text for d in tiny_predictor().predict_iter(several)] == texts


@pytest.mark.parametrize("bad", [0, -5])
def test_a_batch_holds_something(tiny_predictor: Build, bad: int) -> None:
    with pytest.raises(DataError, match="batch_tokens"):
        tiny_predictor().predict_iter(["부산"], batch_tokens=bad)


def test_relations_stay_inside_a_sentence(tiny_predictor: Build) -> None:
    text = "부산시는 3일 후쿠오카시를 방문했다. 서울시도 4일 도쿄도를 찾았다.\n대구시는 없다."
    document = tiny_predictor(threshold=0.01).predict(text)
    spans = sentence_spans(text)
    ids = {e.id: next(i for i, (s, e2) in enumerate(spans) if s <= e.start < e2) for e in document.entities}
    assert document.relations and all(ids[r.head] == ids[r.tail] for r in document.relations)


def test_min_score_leaves_out_what_is_below(tiny_predictor: Build) -> None:
    predictor, text = tiny_predictor(threshold=0.3), "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
    everything = predictor.predict(text)
    limit = sorted(e.score or 0 for e in everything.entities)[len(everything.entities) // 2]
    left = predictor.predict(text, min_score=limit)
    assert 0 < len(left.entities) < len(everything.entities)
    assert [(e.start, e.end) for e in left.entities] == [(e.start, e.end) for e in everything.entities if (e.score or 0) >= limit]
    assert [e.id for e in left.entities] == [f"T{n}" for n in range(1, len(left.entities) + 1)]
    ids = {entity.id for entity in left.entities}
    assert all(r.head in ids and r.tail in ids and (r.score or 0) >= limit for r in left.relations)
    assert next(predictor.predict_iter([text], min_score=limit)) == left == predictor.predict([text], limit)[0]


@pytest.mark.parametrize("bad", [-0.01, 1.5, float("nan")])
def test_min_score_outside_of_zero_and_one_is_refused_before_anything_is_read(tiny_predictor: Build, bad: float) -> None:
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        tiny_predictor().predict_iter(["부산"], min_score=bad)
    with pytest.raises(ValueError, match="from 0 to 1"):
        tiny_predictor().predict([], min_score=bad)


def test_calibrated_scores_leave_what_is_found_as_it_is(tiny_predictor: Build) -> None:
    raw = tiny_predictor(threshold=0.3)
    maps = ScoreCalibration(dict.fromkeys(LABELS, Platt(0.5, -1.0)), dict.fromkeys(RELATIONS, Platt(2.0, 0.5)))
    settings = replace(raw.settings, calibration=maps)
    calibrated = Predictor(raw.network, raw.tokenizer, settings, raw.lexicon, raw.batch_tokens)
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다. " * 5
    before, after = raw.predict(text), calibrated.predict(text)
    assert before.entities and before.relations
    assert after == maps(before) != before


def test_full_names_are_those_of_mentions_that_are_left(tiny_predictor: Build) -> None:
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다. " * 5
    for document in (tiny_predictor().predict(text), tiny_predictor().predict(text, min_score=0.3)):
        assert {e.canonical for e in document.entities} <= {e.text for e in document.entities}


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["nested"]])
def test_what_is_not_text(tiny_predictor: Build, bad: object) -> None:
    with pytest.raises(DataError, match="text 1: expected a string"):
        tiny_predictor().predict(["부산", bad])  # type: ignore[list-item]


def test_given_mentions_are_kept(tiny_predictor: Build) -> None:
    text = "부산시는 후쿠오카시를 방문했다."
    entities = [Entity("A", 0, 3, "CITY", "부산시"), Entity("B", 5, 10, "CITY", "후쿠오카시")]
    (document,) = tiny_predictor(threshold=0.01).relate_mentions([(text, entities)])
    assert [(e.start, e.end, e.label) for e in document.entities] == [(0, 3, "CITY"), (5, 10, "CITY")]
    assert {r.type for r in document.relations} <= {"VISITS", "COOPERATES_WITH", "LOCATED_IN"} and document.relations


TWO_SENTENCES = "부산시는 후쿠오카시를 방문했다. 서울시는 도쿄도와 협력한다."


def _given(*places: tuple[int, int], text: str = TWO_SENTENCES) -> list[Entity]:
    return [Entity(f"M{n}", start, end, "CITY", text[start:end]) for n, (start, end) in enumerate(places)]


def test_given_mentions_go_through_as_they_are(tiny_predictor: Build) -> None:
    given = [
        Entity("X", 18, 21, "CITY", "서울시", canonical="서울특별시"),
        Entity("B", 5, 10, "CITY", "후쿠오카시", 0.25),
        Entity("E9", 23, 26, "CITY", "도쿄도"),
        Entity("A", 0, 3, "CITY", "부산시", canonical="부산광역시"),
    ]
    predictor = tiny_predictor(threshold=0.01)
    in_order = sorted(given, key=lambda e: e.start)
    unsorted, ordered = predictor.relate_mentions([(TWO_SENTENCES, given), (TWO_SENTENCES, in_order)])
    assert unsorted.entities == ordered.entities == tuple(in_order)
    assert [(r.head, r.tail, r.type) for r in unsorted.relations] == [(r.head, r.tail, r.type) for r in ordered.relations]
    assert {frozenset((r.head, r.tail)) for r in unsorted.relations} == {frozenset("AB"), frozenset(("X", "E9"))}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_given((0, 3), (30, 40)), r"M1 at \[30, 40\) lies outside the text of 33 characters"),
        (_given((-2, 3)), r"M0 at \[-2, 3\) lies outside"),
        (_given((3, 3)), r"M0 at \[3, 3\) lies outside"),
        (_given((5, 10), (0, 6)), r"M0 at \[5, 10\) overlaps"),
        (_given((15, 22)), r"M0 at \[15, 22\) is not inside one sentence"),
        (_given((17, 18)), r"M0 at \[17, 18\) is not inside one sentence"),
        ([Entity("A", 0, 3, "PLACE", "부산시")], "A at .* unknown label “PLACE”; the labels are PERSON, "),
        ([Entity("A", 0, 3, "CITY", "서울시")], "A at .* says “서울시” but the text has “부산시”"),
        ([*_given((0, 3)), *_given((5, 10))], r"M0 at \[5, 10\) has the id of another one"),
    ],
)
def test_given_mentions_that_cannot_be(tiny_predictor: Build, given: list[Entity], said: str) -> None:
    with pytest.raises(DataError, match=f"text 1: the mention {said}"):
        list(tiny_predictor().relate_mentions([("부산시", []), (TWO_SENTENCES, given)]))


def test_given_mentions_of_an_empty_text(tiny_predictor: Build) -> None:
    (document,) = tiny_predictor().relate_mentions([("", [])])
    assert document.entities == ()
    with pytest.raises(DataError, match="outside the text of 0 characters"):
        list(tiny_predictor().relate_mentions([("", _given((0, 3)))]))


def test_given_mentions_want_normal_text(tiny_predictor: Build) -> None:
    with pytest.raises(DataError, match="normal form"):
        list(tiny_predictor().relate_mentions([(unicodedata.normalize("NFD", "부산"), [])]))
