from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality.entrants.spans import document_of, spans_of_tags
from model.runtime.schema import TAGS


def test_tags_become_spans() -> None:
    assert spans_of_tags(["O", "B-CITY", "I-CITY", "B-CITY", "O", "I-ORG", "I-DATE"]) == [
        (1, 3, "CITY"),
        (3, 4, "CITY"),
        (5, 6, "ORG"),
        (6, 7, "DATE"),
    ]


@given(st.lists(st.sampled_from(TAGS)))
def test_every_tag_that_is_not_outside_is_in_exactly_one_span(tags: list[str]) -> None:
    covered = [place for start, end, _ in spans_of_tags(tags) for place in range(start, end)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]


def test_mentions_have_no_white_space_at_their_edges() -> None:
    document = document_of("a 부산 b", [(1, 5, "CITY"), (1, 2, "ORG")])
    assert [(e.start, e.end, e.text, e.id) for e in document.entities] == [(2, 4, "부산", "T1")]
