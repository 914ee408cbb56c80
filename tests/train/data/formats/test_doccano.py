"""doccano exports, in the variants that doccano has written over the years."""

import json
from pathlib import Path
from typing import Any

import pytest

from model.runtime.document import Document
from model.runtime.errors import DataError
from train.data.formats.doccano import read_doccano
from train.data.formats.offsets import Unit

TEXT = "Google was founded on September 4, 1998, by Larry Page and Sergey Brin."


def read_one(tmp_path: Path, item: Any, unit: Unit = "utf-16") -> Document:
    path = tmp_path / "export.jsonl"
    path.write_text(json.dumps(item, ensure_ascii=False) + "\n\n", encoding="utf-8")
    (document,) = read_doccano(path, unit).documents
    return document


def test_jsonl_with_relations(tmp_path: Path) -> None:
    # doccano's own example (data_export/pipeline/examples.py), with the schema's types and ids as its database gives them.
    item = {
        "id": 2547,
        "text": TEXT,
        "Comments": [],
        "entities": [
            {"id": 1663, "start_offset": 44, "end_offset": 54, "label": "PERSON"},
            {"id": 1662, "start_offset": 0, "end_offset": 6, "label": "ORG"},
        ],
        "relations": [{"id": 273, "from_id": 1663, "to_id": 1662, "type": "HEAD_OF"}],
        "url": "https://example.org",
    }
    document = read_one(tmp_path, item)
    assert (document.id, document.title, document.meta) == ("doccano-2547", TEXT, {"url": "https://example.org"})
    assert [(e.id, e.text, e.label) for e in document.entities] == [("T1", "Google", "ORG"), ("T2", "Larry Page", "PERSON")]
    assert [(r.head, r.tail, r.type) for r in document.relations] == [("T2", "T1", "HEAD_OF")]


@pytest.mark.parametrize("key", ["label", "labels", "entities"])
@pytest.mark.parametrize("text", ["text", "data"])
def test_lists_of_spans(tmp_path: Path, key: str, text: str) -> None:
    document = read_one(tmp_path, {text: "EU rejects German call", key: [[11, 17, "FIELD"], [0, 2, "ORG"]]})
    assert document.id == "export-1"
    assert [(e.text, e.label) for e in document.entities] == [("EU", "ORG"), ("German", "FIELD")]


def test_comments_are_kept(tmp_path: Path) -> None:
    assert read_one(tmp_path, {"text": "가", "label": [], "Comments": ["?"]}).meta == {"Comments": ["?"]}


def test_offsets_count_utf16_unless_told_otherwise(tmp_path: Path) -> None:
    # The text and the places of doccano#2290.
    text = "👨🏻‍🚒 firemen drive firetrucks"
    units = len(text[: text.index("firetrucks")].encode("utf-16-le")) // 2
    assert read_one(tmp_path, {"text": text, "label": [[units, units + 10, "FIELD"]]}).entities[0].text == "firetrucks"
    place = text.index("firetrucks")
    assert (
        read_one(tmp_path, {"text": text, "label": [[place, place + 10, "FIELD"]]}, "code-points").entities[0].text
        == "firetrucks"
    )
    with pytest.raises(DataError, match=r"export\.jsonl:1: .*--offsets code-points"):
        read_one(tmp_path, {"text": text, "label": [[1, 5, "FIELD"]]})


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"label": []}, "has no “text”"),
        ({"text": "가나", "label": [[0, 1, "CITY"]], "entities": [[0, 1, "CITY"]]}, "mentions under entities and label"),
        ({"text": "가나", "label": ["positive"]}, "mention 1 should have start_offset"),
        ({"text": "가나", "entities": [{"id": 1, "start_offset": 0, "end_offset": 1, "label": 5}]}, "a label by name"),
        ({"text": "가나", "entities": {"a": 1}}, "“entities” should be a list"),
        ({"text": "가나", "label": [[0, 1, "LOC"]]}, "unknown label “LOC”"),
        ({"text": "가나", "label": [[0, 5, "CITY"]]}, "leaves the text"),
        ({"text": "가나", "relations": [{"from_id": 1, "to_id": 2, "type": "VISITS"}]}, "which is no entity"),
        ({"text": "가나", "relations": [{"from_id": 1}]}, "from_id, to_id and type"),
        ([1], "expected a JSON object"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, item: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_one(tmp_path, item)
