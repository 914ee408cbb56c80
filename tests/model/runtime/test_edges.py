"""The table of who works with whom: parties, directions, fields and dates, and the command that writes it."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import letters
import pytest

from model.runtime.cli import main
from model.runtime.document import Document, Entity, Relation
from model.runtime.edges import COLUMNS, Edge, edges
from model.runtime.records import json_line

TITLE = "남구·수성구, 축제 손잡는다"
Mention = tuple[str, str] | tuple[str, str, str]


def _document(text: str, mentions: Sequence[Mention], relations: Sequence[tuple[Any, ...]], name: str = "a") -> Document:
    """Mentions (surface, label, fuller name) in the order of the text; relations (head, type, tail, score) by their indices."""
    entities, place = [], 0
    for number, (surface, label, *canonical) in enumerate(mentions, 1):
        place = text.index(surface, place)
        entities.append(Entity(f"T{number}", place, place + len(surface), label, surface, 0.9, *canonical))
        place += len(surface)
    links = [
        Relation(f"R{n}", entities[head].id, entities[tail].id, kind, *score)
        for n, (head, kind, tail, *score) in enumerate(relations, 1)
    ]
    return Document(name, text, tuple(entities), tuple(links), title=text.split("\n", maxsplit=1)[0])


def _namesakes() -> Document:
    text = "광주 북구와 부산 북구가 3일 의료 협약을 맺었다. 광주 북구는 4일 이를 알렸다."
    return _document(
        text,
        [
            ("광주", "CITY", "광주광역시"),
            ("북구", "CITY"),
            ("부산", "CITY"),
            ("북구", "CITY"),
            ("3일", "DATE"),
            ("의료", "FIELD"),
            ("광주", "CITY", "광주광역시"),
            ("북구", "CITY"),
            ("4일", "DATE"),
        ],
        [
            (1, "LOCATED_IN", 0, 0.9),
            (3, "LOCATED_IN", 2, 0.9),
            (1, "COOPERATES_WITH", 3, 0.8),
            (1, "COOPERATES_IN", 5, 0.9),
            (3, "COOPERATES_IN", 5, 0.9),
            (1, "ON_DATE", 4, 0.9),
            (3, "ON_DATE", 4, 0.9),
            (7, "LOCATED_IN", 6, 0.9),
            (7, "ON_DATE", 8, 0.9),
        ],
    )


def test_two_districts_of_one_name_are_two() -> None:
    document = _namesakes()
    assert edges(document) == [
        Edge(
            article="a",
            title=document.text,
            sentence=1,
            sentence_text="광주 북구와 부산 북구가 3일 의료 협약을 맺었다.",
            pair="북구 – 북구",
            pair_places="광주광역시 – 부산",
            head="북구",
            head_label="CITY",
            head_place="광주광역시",
            head_body="",
            type="COOPERATES_WITH",
            tail="북구",
            tail_label="CITY",
            tail_place="부산",
            tail_body="",
            fields=("의료",),
            dates=("3일",),
            head_offset=3,
            tail_offset=10,
            score=0.8,
        )
    ]


def test_a_place_is_the_sentences_else_the_only_one_of_the_article() -> None:
    text = "광주 북구의 길\n북구와 남구가 협력한다.\n부산 남구와 대구 남구도 왔다."
    mentions: list[Mention] = [
        ("광주", "CITY"),
        *[(name, "CITY") for name in ("북구", "북구", "남구", "부산", "남구", "대구", "남구")],
    ]
    relations = [(1, "LOCATED_IN", 0), (2, "COOPERATES_WITH", 3), (5, "LOCATED_IN", 4), (7, "LOCATED_IN", 6)]
    (edge,) = edges(_document(text, mentions, relations))
    # Of 남구 the article says two places.
    assert (edge.sentence, edge.head_place, edge.tail_place, edge.pair_places) == (2, "광주", "", " – 광주")
    assert edge.pair == "남구 – 북구" and edge.score is None


def test_a_symmetric_pair_is_one_row_in_the_order_of_the_text() -> None:
    text = f"{TITLE}\n남구와 수성구가 만나 남구에서 축제를 연다."
    mentions: list[Mention] = [(name, "CITY") for name in ("남구", "수성구", "남구", "수성구", "남구")]
    both_ways = [(3, "COOPERATES_WITH", 2, 0.6), (2, "COOPERATES_WITH", 3, 0.7), (3, "COOPERATES_WITH", 4, 0.9)]
    document = _document(text, mentions, [(1, "COOPERATES_WITH", 0, 0.5), *both_ways])
    first, second = edges(document)
    assert (first.sentence, first.head, first.tail, first.score) == (1, "남구", "수성구", 0.5)
    # The most probable of three, which begins with the other party.
    assert (second.sentence, second.head, second.tail, second.score) == (2, "수성구", "남구", 0.9)
    assert (second.head_offset, second.tail_offset) == (document.entities[3].start, document.entities[4].start)
    assert first.pair == second.pair == "남구 – 수성구"
    assert [edge.score for edge in edges(document.above(0.7))] == [0.9]


def test_a_directed_pair_keeps_its_direction_and_has_the_heads_dates() -> None:
    text = "부산시를 3일 찾은 후쿠오카시 대표단이 5일 오사카시를 방문했다."
    mentions: list[Mention] = [("부산시", "CITY"), ("3일", "DATE"), ("후쿠오카시", "CITY"), ("5일", "DATE"), ("오사카시", "CITY")]
    document = _document(text, mentions, [(2, "VISITS", 0), (0, "VISITS", 2), (2, "ON_DATE", 1), (4, "ON_DATE", 3)])
    to, back = edges(document)
    assert (to.head, to.tail, to.dates) == ("부산시", "후쿠오카시", ())
    assert (back.head, back.tail, back.dates, back.pair) == ("후쿠오카시", "부산시", ("3일",), to.pair)
    assert [edge.type for edge in edges(document, ["ON_DATE"])] == ["ON_DATE", "ON_DATE"]


def test_fields_and_dates_are_those_that_both_have() -> None:
    text = "제천시는 12일 다르항올도와 산림, 한방 협약을, 영월군과 15일 교육 협약을, 단양군과 협약을 맺었다."
    surfaces = (("제천시", "CITY"), ("12일", "DATE"), ("다르항올도", "CITY"), ("산림", "FIELD"), ("한방", "FIELD"))
    more = (("영월군", "CITY"), ("15일", "DATE"), ("교육", "FIELD"), ("단양군", "CITY"))
    relations: list[tuple[Any, ...]] = [(0, "COOPERATES_WITH", other) for other in (2, 5, 8)]
    relations += [(0, "COOPERATES_IN", field) for field in (7, 4, 3)] + [(2, "COOPERATES_IN", 4), (2, "COOPERATES_IN", 3)]
    relations += [(5, "COOPERATES_IN", 7), (0, "ON_DATE", 1), (0, "ON_DATE", 6), (2, "ON_DATE", 1)]
    mongolia, yeongwol, danyang = edges(_document(text, [*surfaces, *more], relations))
    assert (mongolia.fields, mongolia.dates) == (("산림", "한방"), ("12일",))
    assert yeongwol.fields == ("교육",)
    # Of what only one party has any, all are its own.
    assert yeongwol.dates == ("12일", "15일") and danyang.fields == ("산림", "한방", "교육")


def test_full_names_and_what_a_person_heads() -> None:
    text = "박형준 부산시장과 다카시마 후쿠오카시장\n박 시장은 4일 다카시마 시장과 만났다."
    people: list[Mention] = [("박형준", "PERSON"), ("부산", "CITY", "부산광역시"), ("다카시마", "PERSON"), ("후쿠오카", "CITY")]
    again: list[Mention] = [("박", "PERSON", "박형준"), ("4일", "DATE"), ("다카시마", "PERSON")]
    relations = [(0, "HEAD_OF", 1), (2, "MEMBER_OF", 3), (4, "MEETS", 6), (4, "ON_DATE", 5)]
    (edge,) = edges(_document(text, [*people, *again], relations))
    assert (edge.head, edge.head_body, edge.tail, edge.tail_body) == ("박형준", "부산광역시", "다카시마", "후쿠오카")
    assert edge.dates == ("4일",) and edge.pair == "다카시마 – 박형준"


def test_names_are_composed_and_on_one_line() -> None:
    text = "부산\r\n시와 후쿠오카가 협력한다."
    document = _document(text, [("부산\r\n시", "CITY"), ("후쿠오카", "CITY")], [(0, "COOPERATES_WITH", 1)])
    (edge,) = edges(document)
    assert edge.head == "부산 시" and edge.head_offset == 0 and edge.tail_offset == text.index("후")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(KeyError):
        edges(_namesakes(), ["LIKES"])


def _edges(*arguments: str) -> int:
    return main(letters.load, "dosilink", ["edges", *arguments])


def _source(folder: Path, *lines: bytes) -> Path:
    path = folder / "documents.jsonl"
    path.write_bytes(b"".join(lines) or json_line(_namesakes().to_dict()))
    return path


def _rows(data: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_the_table_for_a_spreadsheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "edges.csv"
    assert _edges(str(_source(tmp_path)), "-o", str(target)) == 0
    (row,) = _rows(target.read_bytes())
    assert tuple(row) == COLUMNS
    assert (row["head"], row["tail_place"], row["fields"], row["score"], row["head_offset"]) == (
        "북구",
        "부산",
        "의료",
        "0.8",
        "3",
    )
    assert capsys.readouterr().err == f"1 relations of 1 articles: {target}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["documents.jsonl", "edges.csv"]


def test_other_forms_and_lists(tmp_path: Path) -> None:
    text = "부산과 대구가 의료, 관광 협약을 맺었다."
    mentions: list[Mention] = [("부산", "CITY"), ("대구", "CITY"), ("의료", "FIELD"), ("관광", "FIELD")]
    relations = [(0, "COOPERATES_WITH", 1), (0, "COOPERATES_IN", 2), (0, "COOPERATES_IN", 3)]
    source = str(_source(tmp_path, json_line(_document(text, mentions, relations).to_dict())))
    for form in ("csv", "tsv", "jsonl"):
        assert _edges(source, "--format", form, "-o", str(tmp_path / form)) == 0
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        (row,) = _rows((tmp_path / form).read_bytes(), delimiter)
        assert row["fields"] == "의료; 관광" and row["score"] == ""
    (item,) = map(json.loads, (tmp_path / "jsonl").read_text(encoding="utf-8").splitlines())
    assert item["fields"] == ["의료", "관광"] and item["score"] is None and tuple(item) == COLUMNS
    assert _edges(source, "-o", str(tmp_path / "edges.csv.gz")) == 0
    assert gzip.decompress((tmp_path / "edges.csv.gz").read_bytes()) == (tmp_path / "csv").read_bytes()


def test_types_and_least_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = str(_source(tmp_path)), tmp_path / "out"
    assert _edges(source, "-o", str(out), "--types", "LOCATED_IN,COOPERATES_WITH", "--min-score", "0.85") == 0
    assert [row["type"] for row in _rows(out.read_bytes())] == ["LOCATED_IN"] * 3
    assert _edges(source, "--min-score", "2") == 2 and "min_score 2.0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        _edges(source, "--types", "LIKES")
    assert "“LIKES” is no relation type; the types are HEAD_OF" in capsys.readouterr().err


def test_bad_lines_are_reported_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json_line(_namesakes().to_dict())
    wrong = json_line({"id": "b", "text": "x", "entities": [], "relations": [{"head": "T1", "tail": "T2", "type": "MEETS"}]})
    source = _source(tmp_path, good, b"oops\n", b"\n", b'{"id": "a", "text": "x"}\n', wrong, good)
    assert _edges(str(source), "-o", str(tmp_path / "out.csv")) == 1
    assert len(_rows((tmp_path / "out.csv").read_bytes())) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"{source}:2: not valid JSON") and said[0].endswith("; skipped")
    assert said[1].startswith(f"{source}:4 (a): the key “entities” is missing") and said[2].startswith(f"{source}:5 (b): ")
    assert said[3].startswith("2 relations of 2 articles, 3 lines skipped")


def test_articles_are_no_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _source(tmp_path, b'{"id": "a", "text": "x"}\n')
    assert _edges(str(source), "-o", str(tmp_path / "out.csv")) == 2
    assert "none of 1 lines is a document; give what predict writes" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["documents.jsonl"]


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = _source(tmp_path), tmp_path / "edges.csv"
    target.write_text("my notes")
    assert _edges(str(source), "-o", str(target)) == 2
    assert "is there already" in capsys.readouterr().err and target.read_text() == "my notes"
    assert _edges(str(source), "-o", str(target), "--overwrite") == 0 and len(_rows(target.read_bytes())) == 1
    before = source.read_bytes()
    assert _edges(str(source), "-o", str(source), "--overwrite") == 2 and source.read_bytes() == before
    assert _edges(str(tmp_path / "missing"), "-o", str(target), "--overwrite") == 2 and len(_rows(target.read_bytes())) == 1


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    document = _document(
        "=1+1 부산과 대구가 협력한다.", [("부산", "CITY"), ("대구", "CITY")], [(0, "COOPERATES_WITH", 1)], "@\ud800"
    )
    assert _edges(str(_source(tmp_path, json_line(document.to_dict()))), "-o", str(tmp_path / "out")) == 0
    (row,) = _rows((tmp_path / "out").read_bytes())
    assert row["article"] == "'@\\ud800" and row["title"].startswith("'=1+1") and row["sentence_text"].startswith("'=1+1")
    assert row["head"] == "부산"


class _Standard(io.TextIOWrapper):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BufferedReader(io.BytesIO(data)), encoding="utf-8")


def test_from_standard_input_to_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    packed = tmp_path / "more.jsonl.gz"
    packed.write_bytes(gzip.compress(json_line(_namesakes().to_dict() | {"id": "b"})))
    monkeypatch.setattr("sys.stdin", _Standard(json_line(_namesakes().to_dict()) + b"oops\n"))
    assert _edges("-", str(packed)) == 1
    out, error = capfdbinary.readouterr()
    assert [row["article"] for row in _rows(out)] == ["a", "b"]
    assert error.startswith(b"stdin:2: not valid JSON") and b"2 relations of 2 articles, 1 lines skipped\n" in error
