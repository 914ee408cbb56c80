"""Scores against values computed by hand, and mentions against a second scorer that shares nothing with the first."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS
from train.data.inline import parse_inline
from train.metrics import Evaluation, Score, Scores, entity_scores, relation_scores, score_from_counts

NOTHING = Score(0.0, 0.0, 0.0, 0, 0)


def document(body: str) -> Document:
    return parse_inline(f"source: 가\n---\n{body}\n", "a", "a.txt").document


def approx(precision: float, recall: float, f1: float, support: int, predicted: int) -> Score:
    precision, recall, f1 = (cast(float, pytest.approx(value)) for value in (precision, recall, f1))
    return Score(precision, recall, f1, support, predicted)


# Counts


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        ((3, 4, 6), approx(0.75, 0.5, 0.6, 6, 4)),
        ((2, 2, 2), approx(1, 1, 1, 2, 2)),
        ((0, 2, 3), approx(0, 0, 0, 3, 2)),
        ((0, 0, 3), approx(0, 0, 0, 3, 0)),
        ((0, 2, 0), approx(0, 0, 0, 0, 2)),
        ((0, 0, 0), approx(0, 0, 0, 0, 0)),
    ],
)
def test_score_from_counts(counts: tuple[int, int, int], score: Score) -> None:
    assert score_from_counts(*counts) == score


def test_checkpoints_are_chosen_by_the_mean_of_both_micro_f1() -> None:
    entities, relations = (Scores(micro=Score(0, 0, f1, 1, 1), macro_f1=0.1) for f1 in (0.8, 0.4))
    assert Evaluation(1, entities, relations, Scores(micro=Score(1, 1, 1, 1, 1))).selection == pytest.approx(0.6)


# Mentions


def test_mentions_by_hand() -> None:
    gold = [document("[부산시/C1] [박형준/P1] [수소/F1]"), document("[대구/C1]")]
    predicted = [document("[부산시/C1] [박형/P1]준 [수소/O1]"), document("대구")]
    scores = entity_scores(gold, predicted)
    assert scores.by_name == {
        "PERSON": approx(0, 0, 0, 1, 1),  # a wrong boundary is a miss and a false alarm
        "ORG": approx(0, 0, 0, 0, 1),  # the wrong label is a false alarm here
        "CITY": approx(1, 1 / 2, 2 / 3, 2, 1),
        "FIELD": approx(0, 0, 0, 1, 0),  # and a miss there
        "DATE": NOTHING,
    }
    assert scores.micro == approx(1 / 3, 1 / 4, 2 / 7, 4, 3)
    # The mean over PERSON, CITY and FIELD: what has no gold mention has no say.
    assert scores.macro_f1 == pytest.approx(2 / 9)


@pytest.mark.parametrize(
    ("gold", "predicted", "found"),
    [
        ("[부산/C1][대구/C2]", "[부산/C1][대구/C2]", 2),
        ("[부산/C1][대구/C2]", "[부산대구/C1]", 0),
        ("[부산대구/C1]", "[부산/C1][대구/C2]", 0),
        ("[부산/C1][대구/C2]", "[부산/C1]대구", 1),
        ("[부산/C1][시청/O1]", "[부산시청/O1]", 0),
    ],
)
def test_mentions_that_touch_are_apart(gold: str, predicted: str, found: int) -> None:
    score = entity_scores([document(gold)], [document(predicted)]).micro
    assert score.recall * score.support == pytest.approx(found)
    assert score.precision * score.predicted == pytest.approx(found)


def test_a_mention_at_the_same_place_of_another_document_does_not_count() -> None:
    marked, bare = document("[부산/C1] 소식"), document("부산 소식")
    assert entity_scores([marked, bare], [bare, marked]).micro == approx(0, 0, 0, 1, 1)


@pytest.mark.parametrize(
    ("gold", "predicted", "micro"),
    [
        ([], [], NOTHING),
        (["부산"], ["부산"], NOTHING),
        (["[부산/C1]"], ["부산"], Score(0, 0, 0, 1, 0)),
        (["부산"], ["[부산/C1]"], Score(0, 0, 0, 0, 1)),
    ],
)
def test_nothing_out_of_nothing_is_0(gold: list[str], predicted: list[str], micro: Score) -> None:
    scores = entity_scores([document(body) for body in gold], [document(body) for body in predicted])
    assert scores.micro == micro
    assert scores.macro_f1 == 0
    assert list(scores.by_name) == list(LABELS)


def spans_score(gold: list[set[tuple[int, int]]], predicted: list[set[tuple[int, int]]]) -> Score:
    """Strict span F1 by sets: nothing in common with tags and seqeval."""
    hits = sum(len(g & p) for g, p in zip(gold, predicted, strict=True))
    support, answers = sum(map(len, gold)), sum(map(len, predicted))
    total = support + answers
    return approx(
        hits / answers if answers else 0, hits / support if support else 0, 2 * hits / total if total else 0, support, answers
    )


@st.composite
def mentions(draw: st.DrawFn, length: int) -> tuple[Entity, ...]:
    """Flat mentions in a text of so many characters; some touch."""
    edges = sorted(draw(st.sets(st.integers(0, length), max_size=6)))
    spans = [span for span in pairwise(edges) if draw(st.booleans())]
    return tuple(
        Entity(f"T{n}", start, end, draw(st.sampled_from(LABELS)), "가" * (end - start))
        for n, (start, end) in enumerate(spans, 1)
    )


@st.composite
def gold_and_predicted(draw: st.DrawFn) -> list[tuple[Document, Document]]:
    """Pairs of documents; about half of the gold mentions are found, with the right label or another one."""
    pairs = []
    for _ in range(draw(st.integers(0, 3))):
        text = "가" * draw(st.integers(0, 8))
        gold = draw(mentions(len(text)))
        if draw(st.booleans()):
            kept = [e for e in gold if draw(st.booleans())]
            answer = tuple(replace(e, label=draw(st.sampled_from([e.label, *LABELS]))) for e in kept)
        else:
            answer = draw(mentions(len(text)))
        pairs.append((Document("a", text, gold), Document("a", text, answer)))
    return pairs


@given(gold_and_predicted())
@example([])
@example([(Document("a", ""), Document("a", ""))])
def test_mentions_agree_with_an_independent_scorer(pairs: list[tuple[Document, Document]]) -> None:
    scores = entity_scores([gold for gold, _ in pairs], [predicted for _, predicted in pairs])

    def spans(label: str, side: int) -> list[set[tuple[int, int]]]:
        return [{(e.start, e.end) for e in pair[side].entities if e.label == label} for pair in pairs]

    expected = {label: spans_score(spans(label, 0), spans(label, 1)) for label in LABELS}
    assert scores.by_name == expected
    everything = [[spans(label, side)[n] for label in LABELS for n in range(len(pairs))] for side in (0, 1)]
    assert scores.micro == spans_score(*everything)
    supported = [scores.by_name[label].f1 for label in LABELS if expected[label].support]
    assert scores.macro_f1 == pytest.approx(sum(supported) / len(supported) if supported else 0)


# Relations

TALK = "[박형준/P1] [부산/C1]시장과 [홍길동/P2] [대구/C2]시장이 [수소/F1] 협력에 합의했다.\n"


def relations(gold: str, predicted: str) -> Scores:
    return relation_scores([document(gold)], [document(predicted)])


def test_relations_by_hand() -> None:
    scores = relations(
        TALK + "> P1 HEAD_OF C1\n> P2 HEAD_OF C2\n> P1 MEETS P2\n> C1,C2 COOPERATES_IN F1\n",
        TALK + "> P1 HEAD_OF C1,C2\n> P1 MEETS P2\n> C1 COOPERATES_IN F1\n> C1 COOPERATES_WITH C2\n",
    )
    expected = dict.fromkeys(RELATIONS, NOTHING) | {
        "HEAD_OF": approx(1 / 2, 1 / 2, 1 / 2, 2, 2),
        "MEETS": approx(1, 1, 1, 1, 1),
        "COOPERATES_IN": approx(1, 1 / 2, 2 / 3, 2, 1),
        "COOPERATES_WITH": approx(0, 0, 0, 0, 1),
    }
    assert scores.by_name == expected
    assert scores.micro == approx(3 / 5, 3 / 5, 3 / 5, 5, 5)
    assert scores.macro_f1 == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)


def turned(body: str) -> Document:
    """The document with its relations the other way round."""
    plain = document(body)
    return replace(plain, relations=tuple(replace(r, head=r.tail, tail=r.head) for r in plain.relations))


@pytest.mark.parametrize(("relation", "found"), [("P1 MEETS P2", 1), ("C1 COOPERATES_WITH C2", 1), ("C1 VISITS C2", 0)])
def test_only_symmetric_relations_ignore_the_order(relation: str, found: int) -> None:
    gold = document(f"{TALK}> {relation}")
    assert relation_scores([gold], [turned(f"{TALK}> {relation}")]).micro == approx(found, found, found, 1, 1)
    assert relation_scores([gold], [gold]).micro == approx(1, 1, 1, 1, 1)


REPEATED = "[부산/C1]은 [대구/C2]로 갔고 [부산/C3]은 [대구/O1]를 찾았다.\n"


@pytest.mark.parametrize(
    ("predicted", "found"),
    [
        (REPEATED + "> C1 VISITS C2", 1),
        (REPEATED + "> C3 VISITS C2", 1),  # the same surface, another mention of it
        (REPEATED + "> C1 VISITS O1", 0),  # the same surface with another label
        (REPEATED + "> C1 LOCATED_IN C2", 0),  # another type
        ("[부산은/C1] [대구/C2]로 갔고 부산은 대구를 찾았다.\n> C1 VISITS C2", 0),  # another surface
    ],
)
def test_arguments_are_compared_by_label_and_surface(predicted: str, found: int) -> None:
    assert relations(REPEATED + "> C1 VISITS C2", predicted).micro == approx(found, found, found, 1, 1)


def test_equal_relations_of_a_sentence_count_once() -> None:
    twice = REPEATED + "> C1 VISITS C2\n> C3 VISITS C2\n"
    assert relations(twice, REPEATED + "> C3 VISITS C2").micro == approx(1, 1, 1, 1, 1)
    assert relations(REPEATED + "> C3 VISITS C2", twice).micro == approx(1, 1, 1, 1, 1)


@pytest.mark.parametrize("gap", ["", "\n"])
def test_the_same_relation_in_another_sentence_does_not_count(gap: str) -> None:
    first, second = ("[부산/C1]은 [대구/C2]로 갔다.\n", "[부산/C1]은 [대구/C2]로 또 갔다.\n")
    visit = "> C1 VISITS C2\n"
    gold = first + visit + gap + second
    assert relations(gold, first + gap + second + visit).micro == approx(0, 0, 0, 1, 1)
    assert relations(gold, first + visit + gap + second + visit).micro == approx(1 / 2, 1, 2 / 3, 1, 2)


def test_the_same_relation_in_another_document_does_not_count() -> None:
    told, silent = document(f"{TALK}> P1 MEETS P2"), document(TALK)
    assert relation_scores([told, silent], [silent, told]).micro == approx(0, 0, 0, 1, 1)


def test_a_gold_relation_whose_mention_was_missed_stays_a_miss() -> None:
    gold = "[박형준/P1] [부산/C1]시장이 [대구/C2]로 갔다.\n> P1 HEAD_OF C1\n> P1 VISITS C2\n"
    assert relations(gold, "[박형준/P1] [부산/C1]시장이 대구로 갔다.\n> P1 HEAD_OF C1\n").micro == approx(1, 1 / 2, 2 / 3, 2, 1)
    assert relations(gold, "박형준 부산시장이 대구로 갔다.").micro == Score(0, 0, 0, 2, 0)


@pytest.mark.parametrize(("gold", "predicted"), [([], []), ([TALK], [TALK])])
def test_no_relation_anywhere_is_0(gold: list[str], predicted: list[str]) -> None:
    scores = relation_scores([document(body) for body in gold], [document(body) for body in predicted])
    assert scores == Scores(dict.fromkeys(RELATIONS, NOTHING), NOTHING, 0.0)


def test_the_numbering_of_mentions_and_relations_makes_no_difference() -> None:
    gold = document(TALK + "> P1 HEAD_OF C1\n> P1 MEETS P2\n")
    renamed = replace(
        gold,
        entities=tuple(replace(e, id=f"x{e.id}") for e in gold.entities),
        relations=tuple(Relation(f"y{r.id}", f"x{r.head}", f"x{r.tail}", r.type, 0.7) for r in reversed(gold.relations)),
    )
    assert relation_scores([gold], [renamed]).micro == approx(1, 1, 1, 2, 2)


@pytest.mark.parametrize("score", [entity_scores, relation_scores])
def test_as_many_predictions_as_documents(score: Callable[[list[Document], list[Document]], Scores]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer|inconsistent"):
        score([document("[부산/C1]"), document("[대구/C1]")], [document("[부산/C1]")])


def test_overlapping_mentions_are_no_gold() -> None:
    overlapping = Document("a", "부산시의회", (Entity("T1", 0, 3, "CITY", "부산시"), Entity("T2", 0, 5, "ORG", "부산시의회")))
    with pytest.raises(DataError, match="“부산시의회” at 0 overlaps another mention"):
        entity_scores([overlapping], [overlapping])
