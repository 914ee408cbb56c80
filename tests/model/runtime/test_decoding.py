"""Viterbi against brute force, mentions, candidates, decisions about relations."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.runtime.decoding import (
    Floats,
    TagScores,
    decide_all,
    decide_relations,
    mentions_of,
    sigmoid,
    tag_scores,
)
from model.runtime.pairs import Candidates, Mention, candidates
from model.runtime.schema import LABELS, RELATIONS, TAGS, begin_tag, inside_tag

THRESHOLDS = dict.fromkeys(RELATIONS, 0.5)


def _legal(tags: tuple[int, ...]) -> bool:
    previous = "O"
    for tag in (TAGS[t] for t in tags):
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            return False
        previous = tag
    return True


def _sequences(length: int) -> list[tuple[int, ...]]:
    return [tags for tags in product(range(len(TAGS)), repeat=length) if _legal(tags)]


def _random(seed: int, length: int) -> tuple[Floats, Floats]:
    """Logits [C, T] and transitions [T, T]."""
    rng = np.random.default_rng(seed)
    width = len(TAGS)
    return rng.normal(size=(length, width)).astype(np.float32) * 3, rng.normal(size=(width, width)).astype(np.float32)


def _joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=kind), *parts])


def _tag_scores(logits: list[Floats], closed: list[np.ndarray], transitions: Floats) -> TagScores:
    """Of sentences given one by one."""
    flat = np.concatenate([np.zeros((0, len(TAGS)), dtype=np.float32), *logits])
    return tag_scores(flat, _joined(closed, bool), np.array([len(one) for one in logits], dtype=np.int64), transitions)


def _score(tags: tuple[int, ...], logits: Floats, transitions: Floats) -> float:
    return float(sum(logits[i, t] for i, t in enumerate(tags)) + sum(transitions[a, b] for a, b in pairwise(tags)))


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_viterbi_is_the_best_legal_sequence(seed: int, length: int) -> None:
    logits, transitions = _random(seed, length)
    found = _tag_scores([logits], [np.zeros(length, dtype=bool)], transitions).best_tags()
    tags = tuple(int(t) for t in found)
    assert _legal(tags)
    best = max(_score(other, logits, transitions) for other in _sequences(length))
    assert _score(tags, logits, transitions) == pytest.approx(best, abs=1e-3)


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_marginals_sum_over_the_legal_sequences(seed: int, length: int) -> None:
    logits, transitions = _random(seed, length)
    expected = np.zeros((length, len(TAGS)))
    for tags in _sequences(length):
        expected[range(length), tags] += np.exp(_score(tags, logits, transitions))
    expected /= expected.sum(axis=1, keepdims=True)
    found = _tag_scores([logits], [np.zeros(length, dtype=bool)], transitions).marginals()
    np.testing.assert_allclose(found, expected, atol=1e-4)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 100))
def test_a_sentence_is_tagged_alike_alone_and_in_a_batch(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = [rng.normal(size=(n, len(TAGS))).astype(np.float32) for n in lengths]
    spaces = [rng.random(n) < 0.2 for n in lengths]
    _, transitions = _random(seed, 1)
    together = _tag_scores(logits, spaces, transitions)
    split = together.split(together.best_tags()), together.split(together.marginals())
    for one, space, tags, marginals in zip(logits, spaces, *split, strict=True):
        alone = _tag_scores([one], [space], transitions)
        assert alone.best_tags().tolist() == tags.tolist()
        np.testing.assert_allclose(alone.marginals(), marginals, atol=1e-5)


@given(st.lists(st.integers(0, 9), min_size=0, max_size=6), st.integers(0, 100))
def test_mentions_of_a_batch_are_those_of_its_sentences(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = [rng.normal(size=(n, len(TAGS))).astype(np.float32) * 3 for n in lengths]
    spaces = [rng.random(n) < 0.3 for n in lengths]
    _, transitions = _random(seed, 1)
    offsets = rng.integers(0, 50, len(lengths)).tolist()
    found = _tag_scores(logits, spaces, transitions).mentions(_joined(spaces, bool), offsets)
    assert len(found) == len(lengths)
    for one, space, offset, mentions in zip(logits, spaces, offsets, found, strict=True):
        (alone,) = _tag_scores([one], [space], transitions).mentions(space, [offset])
        assert [(m.start, m.end, m.label) for m in alone] == [(m.start, m.end, m.label) for m in mentions]
        assert [m.score for m in alone] == pytest.approx([m.score for m in mentions], abs=1e-5)
        assert all(0 < m.score <= 1 and not space[m.start - offset] and not space[m.end - 1 - offset] for m in mentions)


def test_a_mention_scores_the_geometric_mean_of_its_tags() -> None:
    tags = np.array([0, begin_tag("CITY"), inside_tag("CITY")])
    marginals = np.full((3, len(TAGS)), 0.01, dtype=np.float32)
    marginals[[1, 2], tags[1:]] = 0.9, 0.4
    ((mention,),) = mentions_of(tags, marginals, np.array([3]), np.zeros(3, dtype=bool), [0])
    assert (mention.start, mention.end, mention.score) == (1, 3, pytest.approx(0.6))


def test_mentions_below_the_least_score_of_their_label_are_left_out() -> None:
    tags = np.array([begin_tag("CITY"), 0, begin_tag("ORG"), begin_tag("CITY")])
    marginals = np.full((4, len(TAGS)), 0.01, dtype=np.float32)
    marginals[np.arange(4), tags] = 0.55, 0.9, 0.55, 0.75
    least = np.array([0.5 if label == "ORG" else 0.6 for label in LABELS], dtype=np.float32)
    (found,) = mentions_of(tags, marginals, np.array([4]), np.zeros(4, dtype=bool), [0], least)
    assert [(m.start, m.label) for m in found] == [(2, "ORG"), (3, "CITY")]


def test_no_mention_begins_at_a_space() -> None:
    logits = np.zeros((3, len(TAGS)), dtype=np.float32)
    logits[:, begin_tag("CITY")] = 5
    closed = np.array([False, True, False])
    marginals = _tag_scores([logits], [closed], np.zeros((len(TAGS), len(TAGS)), dtype=np.float32)).marginals()
    assert marginals[1, begin_tag("CITY")] == pytest.approx(0, abs=1e-6)


def _mentions(tags: list[int], text: str, offset: int = 0) -> list[Mention]:
    """Of one sentence."""
    marginals = np.zeros((len(tags), len(TAGS)), dtype=np.float32)
    spaces = np.array([char.isspace() for char in text])
    (found,) = mentions_of(np.array(tags), marginals, np.array([len(tags)]), spaces, [offset])
    return found


def test_mentions_lose_white_space_at_their_edges() -> None:
    city = [begin_tag("CITY"), *[inside_tag("CITY")] * 3]
    found = _mentions([*city, 0, begin_tag("DATE")], "부산시 는삼", offset=10)
    assert [(m.start, m.end, m.label) for m in found] == [(10, 13, "CITY"), (15, 16, "DATE")]


def test_neighbouring_mentions_of_one_label_stay_two() -> None:
    found = _mentions([begin_tag("CITY"), inside_tag("CITY"), begin_tag("CITY"), inside_tag("CITY")], "부산서울")
    assert [(m.start, m.end) for m in found] == [(0, 2), (2, 4)]


def test_a_mention_ends_with_its_sentence() -> None:
    tags, marginals = np.array([begin_tag("CITY"), inside_tag("CITY")]), np.zeros((2, len(TAGS)), dtype=np.float32)
    found = mentions_of(tags, marginals, np.array([1, 1]), np.zeros(2, dtype=bool), [0, 7])
    assert [[(m.start, m.end) for m in sentence] for sentence in found] == [[(0, 1)], [(7, 8)]]


def test_a_mention_of_white_space_alone_is_none() -> None:
    assert _mentions([begin_tag("CITY"), inside_tag("CITY")], "  ") == []


def _logits(pairs: Candidates, wanted: dict[tuple[int, int, str], float]) -> np.ndarray:
    logits = np.full((len(pairs), len(RELATIONS)), -9.0, dtype=np.float32)
    for row, (head, tail) in enumerate(zip(pairs.head.tolist(), pairs.tail.tolist(), strict=True)):
        for column, name in enumerate(RELATIONS):
            logits[row, column] = wanted.get((head, tail, name), -9.0)
    return logits


def test_types_that_exclude_each_other_leave_the_likelier() -> None:
    mentions = [Mention(0, 3, "PERSON"), Mention(4, 6, "CITY")]
    pairs = candidates(mentions)
    logits = _logits(pairs, {(0, 1, "HEAD_OF"): 2.0, (0, 1, "MEMBER_OF"): 3.0, (0, 1, "VISITS"): 1.0})
    found = decide_relations(pairs, logits, mentions, "박형준 부산", THRESHOLDS)
    assert {r.type for r in found} == {"MEMBER_OF", "VISITS"}


def test_forbidden_types_never_come_out() -> None:
    mentions = [Mention(0, 2, "CITY"), Mention(3, 5, "FIELD")]
    pairs = candidates(mentions)
    found = decide_relations(pairs, np.full((len(pairs), len(RELATIONS)), 9.0, np.float32), mentions, "부산 수소", THRESHOLDS)
    assert [r.type for r in found] == ["COOPERATES_IN"]


def test_of_equal_surfaces_the_closest_pair_stays() -> None:
    text = "부산 서울 가나다라 부산"
    mentions = [Mention(0, 2, "CITY"), Mention(3, 5, "CITY"), Mention(11, 13, "CITY")]
    pairs = candidates(mentions)
    logits = _logits(pairs, {(0, 1, "COOPERATES_WITH"): 1.0, (1, 2, "COOPERATES_WITH"): 5.0})
    (found,) = decide_relations(pairs, logits, mentions, text, THRESHOLDS)
    assert (found.head, found.tail) == (0, 1) and found.score == pytest.approx(float(sigmoid(np.float32(5.0))))


def test_a_city_has_no_relation_to_its_own_name() -> None:
    mentions = [Mention(0, 2, "CITY"), Mention(3, 5, "CITY")]
    pairs = candidates(mentions)
    logits = np.full((len(pairs), len(RELATIONS)), 9.0, np.float32)
    assert decide_relations(pairs, logits, mentions, "부산 부산", THRESHOLDS) == []


def test_thresholds_are_per_type() -> None:
    mentions = [Mention(0, 2, "CITY"), Mention(3, 5, "CITY")]
    pairs = candidates(mentions)
    logits = _logits(pairs, {(0, 1, "COOPERATES_WITH"): 1.0, (0, 1, "VISITS"): 1.0})
    found = decide_relations(pairs, logits, mentions, "부산 서울", THRESHOLDS | {"VISITS": 0.9})
    assert [r.type for r in found] == ["COOPERATES_WITH"]


def test_sigmoid_does_not_overflow() -> None:
    with np.errstate(over="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4], dtype=np.float32)).tolist() == [0.0, 0.5, 1.0]


def test_sentences_decided_together_are_those_decided_alone() -> None:
    text = "부산 서울 가나다라 부산"
    sentences = [
        [Mention(0, 2, "CITY"), Mention(3, 5, "CITY"), Mention(11, 13, "CITY")],
        [],
        [Mention(0, 2, "CITY"), Mention(3, 5, "FIELD")],
    ]
    pairs = [candidates(mentions) for mentions in sentences]
    rng = np.random.default_rng(3)
    logits = [np.abs(rng.normal(size=(len(one), len(RELATIONS)))).astype(np.float32) for one in pairs]
    joined = Candidates(*(np.concatenate([getattr(one, name) for one in pairs]) for name in ("head", "tail", "types")))
    counts = [len(one) for one in pairs]
    together = decide_all(joined, np.concatenate(logits), counts, sentences, [text] * 3, THRESHOLDS)
    assert together[0] and together[2]
    alone = [decide_relations(p, x, m, text, THRESHOLDS) for p, x, m in zip(pairs, logits, sentences, strict=True)]
    assert together == alone
