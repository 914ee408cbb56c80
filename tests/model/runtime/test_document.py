"""What stays of a document above a score, what may be missing from its JSON, and files that are written whole or not at all."""

import math
from pathlib import Path

import pytest

from model.runtime.document import Document, Entity, Relation, atomic_write, document_from_dict
from model.runtime.errors import ArgumentError, DataError

DOCUMENT = Document(
    "a",
    "가 나 다 라",
    tuple(Entity(f"T{n + 1}", 2 * n, 2 * n + 1, "CITY", "가나다라"[n], score) for n, score in enumerate((0.9, 0.4, 0.7, 0.95))),
    (
        Relation("R1", "T1", "T2", "VISITS", 0.99),
        Relation("R2", "T1", "T3", "VISITS", 0.6),
        Relation("R3", "T3", "T4", "COOPERATES_WITH", 0.7),
    ),
)


def test_relations_go_with_their_mentions_and_ids_stay_consecutive() -> None:
    left = DOCUMENT.above(0.7)
    assert [(e.id, e.text) for e in left.entities] == [("T1", "가"), ("T2", "다"), ("T3", "라")]
    assert [(r.id, r.head, r.tail, r.type) for r in left.relations] == [("R1", "T2", "T3", "COOPERATES_WITH")]
    assert left.text == DOCUMENT.text


def test_nothing_is_left_out_at_zero_and_hardly_anything_at_one() -> None:
    assert DOCUMENT.above(0) is DOCUMENT
    assert DOCUMENT.above(1).entities == DOCUMENT.above(1).relations == ()


def test_annotations_have_no_score_and_stay() -> None:
    gold = Document(
        "a", "가 나", (Entity("A", 0, 1, "CITY", "가"), Entity("B", 2, 3, "CITY", "나")), (Relation("X", "A", "B", "VISITS"),)
    )
    left = gold.above(0.9)
    assert [e.text for e in left.entities] == ["가", "나"] and [(r.head, r.tail) for r in left.relations] == [("T1", "T2")]


@pytest.mark.parametrize("bad", [-0.1, 1.01, math.nan, math.inf, "0.5", None])
def test_outside_of_zero_and_one(bad: object) -> None:
    with pytest.raises(ArgumentError, match=r"min_score .* from 0 to 1"):
        DOCUMENT.above(bad)  # type: ignore[arg-type]


def line(**changes: object) -> dict[str, object]:
    return {
        "id": "a",
        "text": "부산시",
        "entities": [{"id": "T1", "start": 0, "end": 3, "label": "CITY"} | changes],
        "relations": [],
    }


def test_null_is_as_good_as_an_absent_optional_key() -> None:
    absent = document_from_dict(line(), "a")
    assert (
        document_from_dict(line(text=None, canonical=None, score=None) | {"title": None, "source": None, "meta": None}, "a")
        == absent
    )
    with pytest.raises(DataError, match="“text” is missing"):
        document_from_dict(line() | {"text": None}, "a")


@pytest.mark.parametrize("score", ["0.9", True, 1.5, -0.1, float("nan"), [0.9]])
def test_a_score_that_is_none(score: object) -> None:
    with pytest.raises(DataError, match="“score” should be a number from 0 to 1"):
        document_from_dict(line(score=score), "a")


def test_a_file_that_is_replaced_keeps_its_mode_and_the_links_to_it(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    link, file = tmp_path / "link", tmp_path / "store/file"
    link.symlink_to("store/file")
    with atomic_write(link) as out:  # there is no file yet
        out.write("old")
    file.chmod(0o640)
    with atomic_write(link) as out:
        out.write("new")
        assert file.read_text() == "old"
    assert link.is_symlink() and file.read_text() == "new" and file.stat().st_mode & 0o7777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["file"]
