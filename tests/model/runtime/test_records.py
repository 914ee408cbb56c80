"""Records of a JSON Lines file: what is one, what is reported, what is carried over."""

import io
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.runtime import records
from model.runtime.document import Document, document_from_dict
from model.runtime.errors import DataError
from model.runtime.records import (
    BadRecord,
    IdSet,
    Keys,
    Record,
    document_of,
    json_line,
    parse_record,
    read_records,
    record_from_dict,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not valid JSON"),
        (b'{"id": "a", "text": NaN}', "NaN is no JSON number"),
        (b'{"id": "a", "text": "x", "n": 1e999}', "too large"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "expected a JSON object, found list"),
        ('{"id": "부"}'.encode("cp949"), "not UTF-8 (byte 8"),
        (b'{"text": "x"}', "“id” is missing"),
        (b'{"id": null, "text": "x"}', "“id” is missing"),
        (b'{"id": "", "text": "x"}', "“id” is empty"),
        (b'{"id": true, "text": "x"}', "found bool"),
        (b'{"id": 1.5, "text": "x"}', "found float"),
        (b'{"id": "a"}', "“text” is missing"),
        (b'{"id": "a", "text": 3}', "“text” should be a string, found int"),
        (b'{"id": "a", "text": ["x"]}', "“text” should be a string, found list"),
    ],
)
def test_what_is_no_record(line: bytes, said: str) -> None:
    with pytest.raises(DataError) as raised:
        parse_record(line, Keys(), 1)
    assert said in str(raised.value)


@settings(max_examples=40)
@given(line=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_record_or_a_clear_error(line: bytes) -> None:
    try:
        assert isinstance(parse_record(line), Record)
    except DataError as error:
        assert str(error)


def test_what_else_a_record_brings_is_kept() -> None:
    data = {
        "id": 7,
        "text": "제목\n본문",
        "title": "다른 제목",
        "source": "시청",
        "meta": {"url": "a", "n": 1},
        "url": "b",
        "date": "2026-11-22",
        "entities": [{"id": "T1"}],
        "relations": [],
    }
    record = parse_record(json.dumps(data).encode())
    assert (record.id, record.source) == ("7", "시청")
    assert record.meta == {"url": "a", "n": 1, "date": "2026-11-22", "title": "다른 제목"}
    assert parse_record(b'{"id": "a", "text": "x\\ny", "title": "x", "source": null, "meta": 3}').meta == {"meta": 3}
    assert parse_record(b'{"id": "a", "text": "x", "source": ["s"]}').meta == {"source": ["s"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_title_that_is_the_first_line_is_said_once(end: str) -> None:
    data = {"id": "a", "text": f"제목{end}본문{end}", "title": "제목"}
    assert record_from_dict(data).meta == {}
    assert record_from_dict(data | {"title": "제목\r"}).meta == {}
    assert record_from_dict(data | {"title": f"제목{end}본문"}).meta == {"title": f"제목{end}본문"}


def test_other_keys() -> None:
    record = parse_record(b'{"no": 5, "body": "x", "id": "a", "text": "y"}', Keys(id="no", text="body"))
    assert (record.id, record.text, record.meta) == ("5", "x", {"id": "a", "text": "y"})


@given(text=st.text(st.characters(), max_size=30), meta=st.dictionaries(st.text(st.characters()), JSON, max_size=3))
def test_a_documents_line_reads_back(text: str, meta: dict[str, object]) -> None:
    record = Record("\ud800", text, "s", meta)
    line = json_line(document_of(record, Document("0", text)).to_dict())
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    read = document_from_dict(json.loads(line), "line")
    assert (read.id, read.text, read.source, read.meta) == (record.id, text, "s", meta)


def _read(data: bytes, done: IdSet | None = None) -> tuple[list[Record], list[BadRecord], int]:
    bad: list[BadRecord] = []
    skipped: list[None] = []
    found = list(read_records(io.BytesIO(data), Keys(), done or IdSet(), bad.append, lambda: skipped.append(None)))
    return found, bad, len(skipped)


def test_lines_are_counted_and_bad_ones_reported() -> None:
    lines = [
        '\ufeff{"id": "a", "text": "x"}',
        "",
        "oops",
        '{"id": "b", "text": ""}\r',
        '{"id": "a", "text": "y"}',
        '{"id": "c", "text": "z"}',
    ]
    found, bad, _ = _read("\n".join(lines).encode())
    assert [(r.line, r.id) for r in found] == [(1, "a"), (4, "b"), (6, "c")]
    assert [(b.line, b.id) for b in bad] == [(3, None), (5, "a")] and "there before" in bad[1].reason


def test_what_is_done_is_skipped_and_still_no_other_may_have_its_id() -> None:
    done = IdSet()
    done.add("a")
    found, bad, skipped = _read(b'{"id": "a", "text": "x"}\n{"id": "a", "text": "x"}\n{"id": "b", "text": "x"}\n', done)
    assert ([r.id for r in found], [b.line for b in bad], skipped) == (["b"], [2], 1)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_without_end_is_not_held(monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(records, "LONGEST_LINE", 100)
    found, bad, _ = _read(b"x" * 1_050 + end + (b'{"id": "a", "text": "x"}' if end else b""))
    assert [b.line for b in bad] == [1] and "longer" in bad[0].reason
    assert [(r.line, r.id) for r in found] == ([(2, "a")] if end else [])


def test_the_set_of_ids_is_a_set() -> None:
    chance = random.Random(3)
    ids, real = IdSet(), set()
    for _ in range(30_000):
        item = str(chance.randrange(20_000))
        assert (item in ids) == (item in real)
        assert ids.add(item) == (item not in real)
        real.add(item)
    assert len(ids) == len(real)
