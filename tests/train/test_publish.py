"""The README's numbers come from a run's files."""

from pathlib import Path

import pytest

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import ConfigError
from train.publish import printed
from train.report import put_between

PAGE = "a\n<!-- x -->\nold\nolder\n<!-- /x -->\nb\n"


def test_only_what_stands_between_the_marks_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    for _ in range(2):
        put_between(page, "<!-- x -->", "<!-- /x -->", "new")
        assert page.read_text(encoding="utf-8") == "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n"


def test_a_page_without_the_marks_is_refused_and_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    with pytest.raises(ConfigError, match="lacks the marks"):
        put_between(page, "<!-- y -->", "<!-- /y -->", "new")
    assert page.read_text(encoding="utf-8") == PAGE
    with pytest.raises(ConfigError, match="no such page"):
        put_between(tmp_path / "nowhere.md", "<!-- x -->", "<!-- /x -->", "new")


def test_the_example_prints_mentions_then_relations() -> None:
    entities = (Entity("T1", 0, 3, "CITY", "부산시", 0.987), Entity("T2", 5, 7, "FIELD", "수소", 1.0))
    document = Document("a", "부산시는 수소", entities, (Relation("R1", "T1", "T2", "COOPERATES_IN", 0.5),))
    assert printed(document).splitlines() == [
        "  0–3   CITY   0.99 부산시",
        "  5–7   FIELD  1.00 수소",
        "0.50 COOPERATES_IN(부산시, 수소)",
    ]
