"""The schema module says what SCHEMA version 3 says."""

import pytest

from model.runtime.schema import (
    LABELS,
    RELATION_TYPES,
    RELATIONS,
    TAGS,
    begin_tag,
    candidate_types,
    inside_tag,
    relation_type,
    tag_label,
)

# Written out from the schema's table, independently of the code.
TABLE = {
    "HEAD_OF": ("PERSON", "CITY ORG"),
    "MEMBER_OF": ("PERSON", "CITY ORG"),
    "LOCATED_IN": ("ORG CITY", "CITY"),
    "VISITS": ("PERSON CITY ORG", "CITY ORG"),
    "MEETS": ("PERSON", "PERSON"),
    "COOPERATES_WITH": ("CITY ORG", "CITY ORG"),
    "COOPERATES_IN": ("CITY ORG", "FIELD"),
    "ON_DATE": ("PERSON CITY ORG", "DATE"),
}


def test_relation_table() -> None:
    assert set(RELATIONS) == set(TABLE)
    for relation in RELATION_TYPES:
        heads, tails = TABLE[relation.name]
        for head in LABELS:
            for tail in LABELS:
                assert relation.allows(head, tail) == (head in heads.split() and tail in tails.split())


def test_only_meets_and_cooperates_with_are_symmetric() -> None:
    assert {r.name for r in RELATION_TYPES if r.symmetric} == {"MEETS", "COOPERATES_WITH"}


def test_symmetric_types_are_offered_once() -> None:
    column = RELATIONS.index("MEETS")
    assert candidate_types("PERSON", "PERSON", head_first=True)[column]
    assert not candidate_types("PERSON", "PERSON", head_first=False)[column]


def test_a_directed_type_is_offered_both_ways() -> None:
    column = RELATIONS.index("VISITS")
    assert candidate_types("CITY", "CITY", True)[column] and candidate_types("CITY", "CITY", False)[column]


def test_tags_name_their_label() -> None:
    for label in LABELS:
        assert TAGS[begin_tag(label)] == f"B-{label}" and TAGS[inside_tag(label)] == f"I-{label}"
        assert tag_label(begin_tag(label)) == tag_label(inside_tag(label)) == label
    assert tag_label(0) is None


def test_unknown_type() -> None:
    with pytest.raises(KeyError):
        relation_type("LOVES")
