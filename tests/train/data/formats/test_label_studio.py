"""Label Studio exports as Label Studio writes them."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS
from train.data.formats.label_studio import Choice, configuration, read_label_studio, task, write_label_studio

ANYBODY = Choice()
TEXT = "부산시와 후쿠오카시는 수소"


def region(name: str, start: int, end: int, label: str, text: str | None = None) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]} | ({} if text is None else {"text": text})
    return {"value": value, "id": name, "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}


def relation(head: str, tail: str, labels: list[str], direction: str | None = "right") -> dict[str, Any]:
    return {"from_id": head, "to_id": tail, "type": "relation", "direction": direction, "labels": labels}


REGIONS = [
    region("Dx_aB91ISN", 5, 10, "CITY", "후쿠오카시"),
    region("t5sp-TyXPo", 0, 3, "CITY", "부산시"),
    region("q", 12, 14, "FIELD", "수소"),
]


def exported(*results: dict[str, Any], text: str = TEXT, **more: Any) -> dict[str, Any]:
    annotation = {"id": 7, "completed_by": 1, "result": list(results), "was_cancelled": False, "ground_truth": False}
    return {"id": 42, "data": {"text": text}, "annotations": [annotation], "predictions": [], "meta": {}, "project": 1, **more}


def put(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def read_one(tmp_path: Path, data: Any, choice: Choice = ANYBODY) -> Document:
    (document,) = read_label_studio(put(tmp_path / "a.json", data), choice).documents
    return document


def test_an_export(tmp_path: Path) -> None:
    document = read_one(tmp_path, [exported(*REGIONS, relation("Dx_aB91ISN", "t5sp-TyXPo", ["COOPERATES_WITH"]))])
    assert (document.id, document.text) == ("task-42", TEXT)
    assert [(e.id, e.start, e.end, e.label, e.text) for e in document.entities] == [
        ("t5sp-TyXPo", 0, 3, "CITY", "부산시"),
        ("Dx_aB91ISN", 5, 10, "CITY", "후쿠오카시"),
        ("q", 12, 14, "FIELD", "수소"),
    ]
    assert document.relations == (Relation("R1", "t5sp-TyXPo", "Dx_aB91ISN", "COOPERATES_WITH"),)


@pytest.mark.parametrize(
    ("direction", "ends"),
    [
        ("right", {("q1", "q2")}),
        (None, {("q1", "q2")}),
        ("left", {("q2", "q1")}),
        ("bi", {("q1", "q2"), ("q2", "q1")}),
    ],
)
def test_directions(tmp_path: Path, direction: str, ends: set[tuple[str, str]]) -> None:
    marked = region("q1", 0, 3, "CITY"), region("q2", 5, 10, "CITY")
    document = read_one(tmp_path, [exported(*marked, relation("q1", "q2", ["VISITS"], direction))])
    assert {(r.head, r.tail) for r in document.relations} == ends


def test_a_relation_with_two_labels_is_two(tmp_path: Path) -> None:
    document = read_one(tmp_path, [exported(*REGIONS[:2], relation("t5sp-TyXPo", "Dx_aB91ISN", ["VISITS", "COOPERATES_WITH"]))])
    assert [r.type for r in document.relations] == ["VISITS", "COOPERATES_WITH"]


# The text and the place are those of Label Studio's own test of emoji (web/libs/editor/tests/…/ner/emoji.cy.ts).
EMOJI = "🐱 Warning: This is a test text"


@pytest.mark.parametrize("text", ["test", None])
def test_offsets_of_today_are_code_points(tmp_path: Path, text: str | None) -> None:
    assert read_one(tmp_path, exported(region("a", 21, 25, "FIELD", text), text=EMOJI)).entities[0].text == "test"


def test_offsets_of_old_exports_are_utf16(tmp_path: Path) -> None:
    # label-studio#1347, word by word.
    text = "💩This is an annotation."
    (entity,) = read_one(tmp_path, exported(region("a", 13, 23, "FIELD", "annotation"), text=text)).entities
    assert (entity.start, entity.end, entity.text) == (12, 22, "annotation")


def test_offsets_that_fit_neither(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"task 42: a mention says “test” but \[20, 24\) of the text is “ tes”"):
        read_one(tmp_path, exported(region("a", 20, 24, "FIELD", "test"), text=EMOJI))


def test_skipped_and_unannotated_tasks_are_left_out_aloud(tmp_path: Path) -> None:
    skipped = exported(*REGIONS)
    skipped["annotations"][0]["was_cancelled"] = True
    predicted = task(Document("p", "가"), prediction="m")
    reading = read_label_studio(put(tmp_path / "a.json", [skipped, predicted]))
    assert reading.documents == []
    assert [note.split(": ", 1)[1] for note in reading.notes] == [
        "task 42: left out, it has no annotation, or was skipped",
        "task 2: left out, it has only predictions (take them with --predictions)",
    ]


def test_one_of_several_annotations(tmp_path: Path) -> None:
    data = exported(*REGIONS)
    other = {"completed_by": {"id": 2, "email": "b@c.kr"}, "result": REGIONS[:1], "was_cancelled": False}
    data["annotations"].append(other)
    with pytest.raises(DataError, match="task 42: has 2 annotations; name one with --annotator"):
        read_one(tmp_path, data)
    assert len(read_one(tmp_path, data, Choice("1")).entities) == 3
    assert len(read_one(tmp_path, data, Choice("b@c.kr")).entities) == 1
    other["ground_truth"] = True
    assert len(read_one(tmp_path, data).entities) == 1


def test_results_of_other_controls_are_kept(tmp_path: Path) -> None:
    choice = {"from_name": "genre", "to_name": "text", "type": "choices", "value": {"choices": ["interview"]}, "id": "c"}
    document = read_one(tmp_path, exported(REGIONS[0], choice))
    assert document.meta == {"label_studio": [choice]}
    write_label_studio([document], tmp_path / "b.json")
    assert read_label_studio(tmp_path / "b.json").documents == [document]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            [{"id": 1, "text": TEXT, "label": [{"start": 0, "end": 3, "labels": ["CITY"]}]}],
            "a JSON-MIN export leaves relations out",
        ),
        ([3], "task 1 should be an object"),
        ([{"data": {"html": ""}, "annotations": [{"result": []}]}], "its data has no “text”, only 'html'"),
        (exported(region("a", 0, 3, "GPE")), "unknown label “GPE”"),
        (exported(region("a", 0, 99, "CITY")), r"offsets \[0, 99\) outside the text"),
        (
            exported({**region("a", 0, 3, "CITY"), "value": {"start": 0, "end": 3, "labels": ["CITY", "ORG"]}}),
            "should have one label",
        ),
        (
            exported({"type": "hypertextlabels", "id": "a", "value": {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]"}}),
            "region a has no plain offsets",
        ),
        (exported(*REGIONS, relation("q", "zz", ["VISITS"])), "names zz, which is no entity"),
        (exported(*REGIONS, relation("q", "q", [])), "the relation from q to q has no label"),
        (exported(*REGIONS, relation("q", "q", ["KNOWS"])), "unknown relation type “KNOWS”"),
        (exported(*REGIONS, relation("q", "q", ["VISITS"], "up")), "has the direction 'up'"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_one(tmp_path, data)


def test_what_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[", encoding="utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        read_label_studio(tmp_path / "a.json")


def test_a_task_with_a_prediction() -> None:
    document = Document("d", "부산과 대구", (Entity("T1", 0, 2, "CITY", "부산", 0.91237),), title="부산과 대구")
    made = task(document, prediction="run-1", score=0.25)
    assert made["data"]["id"] == "d"
    (prediction,) = made["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("run-1", 0.25)
    assert prediction["result"][0]["score"] == 0.9124


def test_the_configuration_declares_what_the_tasks_name() -> None:
    view = ET.fromstring(configuration())
    assert [label.get("value") for label in view.iter("Label")] == list(LABELS)
    assert [kind.get("value") for kind in view.iter("Relation")] == list(RELATIONS)
    labels, text = view.find("Labels"), view.find("Text")
    assert labels is not None and text is not None
    (result,) = task(Document("d", "부산", (Entity("T1", 0, 2, "CITY", "부산"),)))["annotations"][0]["result"]
    assert (result["from_name"], result["to_name"]) == (labels.get("name"), labels.get("toName"))
    assert (text.get("name"), text.get("value")) == (labels.get("toName"), "$text")
