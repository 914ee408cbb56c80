"""The predictor on anything that calls itself text: an answer with right offsets, or a clear error."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    document = tiny_predictor(length=128, context=0, threshold=0.999, batch_size=32, outside=2.0).predict(text)
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


def test_many_texts_are_read_as_each_alone(tiny_predictor: Build) -> None:
    predictor = tiny_predictor(batch_size=3)
    texts = ["부산시는 웃었다.", "", "후쿠오카시를 방문해 수소 협력을 논의했다. " * 9, "두 도시는 2007년 결연했다."] * 20
    together = predictor.predict(texts)
    for text, document in zip(texts, together, strict=True):
        alone = predictor.predict(text)
        assert [(e.start, e.end, e.label) for e in document.entities] == [(e.start, e.end, e.label) for e in alone.entities]
        assert [(r.head, r.tail, r.type) for r in document.relations] == [(r.head, r.tail, r.type) for r in alone.relations]
    assert [d.id for d in together] == [str(i) for i in range(len(texts))]


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
    assert next(predictor.predict_iter([text], limit)) == left == predictor.predict([text], limit)[0]


@pytest.mark.parametrize("bad", [-0.01, 1.5, float("nan")])
def test_min_score_outside_of_zero_and_one_is_refused_before_anything_is_read(tiny_predictor: Build, bad: float) -> None:
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        tiny_predictor().predict_iter(["부산"], bad)
    with pytest.raises(ValueError, match="from 0 to 1"):
        tiny_predictor().predict([], min_score=bad)


def test_calibrated_scores_leave_what_is_found_as_it_is(tiny_predictor: Build) -> None:
    raw = tiny_predictor(threshold=0.3)
    maps = ScoreCalibration(dict.fromkeys(LABELS, Platt(0.5, -1.0)), dict.fromkeys(RELATIONS, Platt(2.0, 0.5)))
    settings = replace(raw.settings, calibration=maps)
    calibrated = Predictor(raw.network, raw.tokenizer, settings, raw.lexicon, raw.batch_size)
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


def test_given_mentions_want_normal_text(tiny_predictor: Build) -> None:
    with pytest.raises(DataError, match="normal form"):
        list(tiny_predictor().relate_mentions([(unicodedata.normalize("NFD", "부산"), [])]))
