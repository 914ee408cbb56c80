"""The README's numbers come from a run's files."""

import pytest

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from train.publish import printed, replaced

TEXT = "a\n<!-- scores: written by train.publish -->\nold\nolder\n<!-- /scores -->\nb\n"


def test_only_the_marked_part_changes() -> None:
    assert replaced(TEXT, "scores", "new") == TEXT.replace("old\nolder", "new")
    assert replaced(replaced(TEXT, "scores", "x"), "scores", "new") == replaced(TEXT, "scores", "new")


def test_a_readme_without_the_marks_is_refused() -> None:
    with pytest.raises(DataError, match="example"):
        replaced(TEXT, "example", "new")


def test_the_example_prints_mentions_then_relations() -> None:
    entities = (Entity("T1", 0, 3, "CITY", "부산시", 0.987), Entity("T2", 5, 7, "FIELD", "수소", 1.0))
    document = Document("a", "부산시는 수소", entities, (Relation("R1", "T1", "T2", "COOPERATES_IN", 0.5),))
    assert printed(document).splitlines() == [
        "  0–3   CITY   0.99 부산시",
        "  5–7   FIELD  1.00 수소",
        "0.50 COOPERATES_IN(부산시, 수소)",
    ]
