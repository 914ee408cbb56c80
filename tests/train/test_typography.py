"""Articles in another typography: what changes, what must not."""

import random
from collections.abc import Iterator

import pytest

from model.runtime.document import Document
from model.runtime.lexicon import Lexicon
from model.runtime.sentences import sentence_spans
from train.augment import augmented
from train.data.corpus import ANNOTATIONS, Corpus
from train.data.inline import parse_inline
from train.typography import retyped

HEADER = "source: 자체 작성\n---\n"


def _document(text: str) -> Document:
    return parse_inline(HEADER + text, "a", "a.txt").document


def _copies(text: str, count: int = 60) -> Iterator[Document]:
    document = _document(text)
    return (retyped(document, random.Random(seed)) for seed in range(count))


def _surfaces(text: str) -> set[str]:
    return {copy.entities[0].text for copy in _copies(text)}


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("[7월 8일(수)/D1]에 만났다.\n", {"7월 8일(수)", "7.8.(수)", "7. 8.(수)", "7월8일(수)"}),
        (
            "[오는 2026년 7월 8일/D1]에 만난다.\n",
            {"오는 2026년 7월 8일", "오는 2026.7.8.", "오는 2026. 7. 8.", "오는 2026년 7월8일"},
        ),
        ("[8일/D1]에 만났다.\n", {"8일"}),
        ("[10월 초/D1]에 만났다.\n", {"10월 초"}),
        ("[㈜가람/O1]이 왔다.\n", {"㈜가람", "(주)가람", "가람㈜", "가람(주)"}),
        ("[가람(주)/O1]이 왔다.\n", {"㈜가람", "(주)가람", "가람㈜", "가람(주)"}),
        ("[가람(주) 안동공장/O1]이 왔다.\n", {"가람(주) 안동공장"}),
        ("[한국도예협회/O1]가 왔다.\n", {"한국도예협회", "(사)한국도예협회"}),
        ("[관광·문화재단/O1]이 왔다.\n", {"관광·문화재단", "관광ㆍ문화재단", "관광‧문화재단", "관광・문화재단"}),
        ("[부산/C1]에 갔다.\n", {"부산"}),
    ],
)
def test_a_mention_is_written_as_some_office_would(text: str, surfaces: set[str]) -> None:
    assert _surfaces(text) == surfaces


def test_a_range_of_days_is_written_with_dots() -> None:
    assert {"7.8.∼9.", "7.8.~9.", "7.8.-9."} <= _surfaces("[7월 8∼9일/D1]에 만났다.\n")


def test_quotes_are_of_one_kind_in_an_article() -> None:
    texts = {copy.text for copy in _copies("‘좋다’와 “나쁘다”, ‘끝’ 뒤의 ’[26년/D1].\n")}
    assert any(text.startswith("'좋다'와 \"나쁘다\", '끝'") for text in texts)
    assert any(text.startswith("「좋다」와 “나쁘다”, 「끝」") for text in texts)
    assert not any("」26년" in text or "』26년" in text for text in texts)


def test_a_name_is_written_alike_throughout() -> None:
    for copy in _copies("[㈜가람/O1]과 [㈜가람/O2].\n[㈜가람/O1]이다.\n"):
        assert len({entity.text for entity in copy.entities}) == 1


def test_offsets_follow_what_is_written() -> None:
    text = (
        "[㈜가람/O1]은 [7월 8일/D1] ‘[관광·의료/F1]’ 협약을 [부산관광공사/O2]와 맺었다.\n> O1 COOPERATES_WITH O2\n\n"
        "이날 [김하늘/P1] 대표가 왔다.\n"
    )
    for copy in _copies(text):
        assert all(copy.text[e.start : e.end] == e.text for e in copy.entities)
        assert [e.label for e in copy.entities] == ["ORG", "DATE", "FIELD", "ORG", "PERSON"]


def test_a_headline_may_run_on_and_a_space_may_be_lost() -> None:
    text = "손잡고 나선다\n\n[부산관광공사/O1]가 [한국관광공사/O2]와 손잡는다.\n\n끝이다.\n"
    texts = {copy.text for copy in _copies(text, 400)}
    assert any(t.startswith("손잡고 나선다 부산") for t in texts)
    assert any("부산관광공사가한국관광공사와" in t for t in texts)
    assert all(t.count("\n") in (1, 2) for t in texts)


def test_no_relation_is_parted() -> None:
    """Where the quotation would end in the middle of a sentence, the article stays as it is."""
    text = "[김하늘/P1]은 ‘좋은 [관광/F1]이다. 그가 ‘또’ 온다. [부산시/C1]가 한다’라고 했다.\n> P1 MEMBER_OF C1\n"
    for copy in _copies(text):
        spans = sentence_spans(copy.text)
        first, *_, last = copy.entities
        assert any(start <= first.start and last.end <= end for start, end in spans)


def test_every_training_article_can_be_retyped() -> None:
    documents = Corpus(ANNOTATIONS).read("train")
    copies = [retyped(document, random.Random(document.id)) for document in documents]
    assert sum(copy is document for copy, document in zip(copies, documents, strict=True)) < len(documents) / 20
    assert all(copy.text[e.start : e.end] == e.text for copy in copies for e in copy.entities)


def test_a_share_of_the_copies_is_retyped() -> None:
    documents = [_document("[㈜가람/O1]은 ‘[관광·의료/F1]’ 협약을 [7월 8일/D1]에 맺었다.\n")] * 1
    plain = augmented(documents, Lexicon.empty(), 30, seed=1)
    some = augmented(documents, Lexicon.empty(), 30, seed=1, typography=0.5)
    changed = sum(a.text != b.text for a, b in zip(plain, some, strict=True))
    assert 5 < changed < 25
    assert [a.id for a in plain] == [b.id for b in some]
