"""Classes of errors, confusion, surfaces, groups and calibration against what a reader counts by hand."""

import pytest
from samples import GOLD, WEAK, document, gold_articles

from model.runtime.document import Document
from train.compare.calibration import calibration
from train.compare.counts import METRICS, count_all
from train.compare.errors import (
    label_confusion,
    match_mentions,
    match_relations,
    mention_classes,
    outcomes,
    relation_classes,
    relation_confusion,
    wrong_surfaces,
)
from train.compare.groups import (
    SEEN,
    UNSEEN,
    argument_scores,
    genre_family,
    genre_groups,
    group_scores,
    length_groups,
    seen_scores,
    training_surfaces,
)
from train.evaluate import Predictions, score
from train.metrics import score_from_counts


def weak() -> list[Document]:
    return [document(body, f"t{n}", score=0.9) for n, body in enumerate(WEAK)]


@pytest.mark.parametrize(
    ("gold", "found", "kinds"),
    [
        ("[부산/C1]시", "[부산/C1]시", ["correct"]),
        ("[부산/C1]시", "[부산시/C1]", ["boundary"]),
        ("[부산/C1]시", "[부산/O1]시", ["label"]),
        ("[부산/C1]시", "[부산시/O1]", ["both"]),
        ("[부산/C1]시", "부산시", ["missed"]),
        ("부산시", "[부산/C1]시", ["spurious"]),
        ("[부산/C1][대구/C2]", "[부산대구/C1]", ["boundary", "missed"]),
        ("[부산대구/C1]", "[부산/C1][대구/C2]", ["boundary", "spurious"]),
        ("[부산/C1][대구/O1]", "[부산대구/O1]", ["missed", "boundary"]),  # the right label before the first overlap
        ("[부산/C1] 대구", "부산 [대구/C1]", ["missed", "spurious"]),  # what only touches does not overlap
        ("[부산/C1]대구", "부산[대구/C1]", ["missed", "spurious"]),
    ],
)
def test_mention_classes(gold: str, found: str, kinds: list[str]) -> None:
    assert [o.kind for o in match_mentions(document(gold).entities, document(found).entities)] == kinds


PLAIN = "[박형준/P1] [부산/C1]시장이 [대구/C2]와 [수소/F1] 분야를 논의했다.\n"


@pytest.mark.parametrize(
    ("gold", "found", "kinds"),
    [
        (PLAIN + "> P1 HEAD_OF C1", PLAIN + "> P1 HEAD_OF C1", ["correct"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN + "> P1 MEMBER_OF C1", ["wrong type"]),
        (PLAIN + "> C1 VISITS C2", PLAIN + "> C2 COOPERATES_WITH C1", ["wrong type"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN + "> P1 HEAD_OF C2", ["wrong argument"]),
        (PLAIN + "> C1 VISITS C2", PLAIN + "> C2 VISITS C1", ["wrong argument"]),  # the direction
        (PLAIN + "> P1 HEAD_OF C1", PLAIN, ["missed"]),
        (PLAIN, PLAIN + "> P1 HEAD_OF C1", ["spurious"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN + "> C2 COOPERATES_IN F1", ["missed", "spurious"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN.replace("[부산/C1]", "부산"), ["argument not found"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN.replace("[부산/C1]시장", "[부산시/C1]장") + "> P1 HEAD_OF C1", ["argument not found"]),
        (PLAIN + "> C1 COOPERATES_WITH C2", PLAIN + "> C2 COOPERATES_WITH C1", ["correct"]),
        (PLAIN + "> P1 HEAD_OF C1", PLAIN + "> P1 HEAD_OF C1\n> P1 VISITS C1", ["correct", "spurious"]),
    ],
)
def test_relation_classes(gold: str, found: str, kinds: list[str]) -> None:
    assert [o.kind for o in match_relations(document(gold), document(found))] == kinds


def test_every_mention_and_relation_has_one_outcome_and_hits_are_the_scores() -> None:
    gold, found = gold_articles(), weak()
    matched = [outcomes(g, f) for g, f in zip(gold, found, strict=True)]
    evaluation = score(gold, Predictions(found, gold))
    for kind, scores in (("mentions", evaluation.entities.micro), ("relations", evaluation.relations.micro)):
        everything = [o for article in matched for o in getattr(article, kind)]
        assert sum(o.gold is not None for o in everything) == scores.support
        assert sum(o.answer is not None for o in everything) == scores.predicted
        assert sum(o.kind == "correct" for o in everything) == pytest.approx(scores.recall * scores.support)
    assert mention_classes(matched) == {"boundary": 2, "label": 2, "spurious": 1, "missed": 3}
    assert relation_classes(matched) == {"argument not found": 8, "wrong type": 1, "missed": 1, "spurious": 1}


def test_confusion_counts_everything_once() -> None:
    matched = [outcomes(g, f) for g, f in zip(gold_articles(), weak(), strict=True)]
    labels = label_confusion(matched)
    assert labels.values.sum() == sum(len(a.mentions) for a in matched)
    rows = dict(zip((*labels.names, "spurious"), labels.values.tolist(), strict=True))
    # PERSON, ORG, CITY, FIELD, DATE, missed
    assert rows["CITY"] == [0, 1, 4, 0, 0, 1]
    assert rows["ORG"] == [0, 0, 1, 0, 0, 1]
    assert rows["spurious"] == [0, 0, 0, 1, 0, 0]
    relations = relation_confusion(matched)
    gold = sum(len(d.relations) for d in gold_articles())
    assert relations.values[:-1].sum() == gold and relations.values[-1, -1] == 0
    assert relations.values[relations.names.index("COOPERATES_WITH"), relations.names.index("VISITS")] == 1


def test_wrong_surfaces_are_ranked_and_repeatable() -> None:
    matched = [outcomes(document("[부산/C1]시"), document("[부산시/C1]"))] * 2 + [
        outcomes(document("[대구/C1]"), document("대구"))
    ]
    first, second = wrong_surfaces(matched, 5)
    assert (first.gold, first.answer, first.kind, first.count) == ("부산 (CITY)", "부산시 (CITY)", "boundary", 2)
    assert (second.gold, second.answer, second.kind, second.count) == ("대구 (CITY)", "–", "missed", 1)
    assert wrong_surfaces(matched, 1) == [first]


# Counts


def test_counts_add_up_to_the_projects_scores() -> None:
    gold, found = gold_articles(), weak()
    predictions = Predictions(found, found)
    evaluation, counts = score(gold, predictions), count_all(gold, predictions)
    for key, expected in {
        "entity_f1": evaluation.entities.micro.f1,
        "entity_macro_f1": evaluation.entities.macro_f1,
        "relation_f1": evaluation.relations.micro.f1,
        "relation_macro_f1": evaluation.relations.macro_f1,
        "relation_gold_f1": evaluation.relations_gold.micro.f1,
        "entity_f1.CITY": evaluation.entities.by_name["CITY"].f1,
        "relation_f1.ON_DATE": evaluation.relations.by_name["ON_DATE"].f1,
    }.items():
        metric = METRICS[key]
        assert metric(counts[metric.family].total()) == pytest.approx(expected), key


def test_partial_and_type_by_hand() -> None:
    gold = [document("[부산/C1]시와 [대구/C2]와 [수소/F1] [박/P1]")]
    found = [document("[부산시/C1]와 [대구/O1]와 수소 [박/P1]")]
    counts = count_all(gold, Predictions(found, gold))
    # Partial, labels ignored: 부산시 half, 대구 and 박 whole, of 3 answers and 4 gold mentions.
    assert counts["partial"].values.tolist() == [[[2.5, 3, 4]]]
    # Type: 부산시 and 박; 대구 has the wrong label.
    assert counts["type"].values.tolist() == [[[2, 3, 4]]]


def test_mentions_that_touch_are_no_partial_match() -> None:
    counts = count_all([document("[부산/C1]대구")], Predictions([document("부산[대구/C1]")], [document("부산대구")]))
    assert counts["partial"].values[0, 0, 0] == 0 and counts["type"].values[0, 0, 0] == 0


# Groups


def test_seen_and_unseen_by_hand() -> None:
    gold, found = gold_articles(), weak()
    seen = training_surfaces(gold[:2])
    assert ("CITY", "부산시") in seen and ("CITY", "서울") not in seen
    scores = seen_scores(gold, found, seen)
    # Seen, gold 7: 부산시 후쿠오카시 수소 박형준 부산 3일 대구시; answered with a seen name: 수소 박형준 3일, all right.
    assert scores[SEEN] == score_from_counts(3, 3, 7)
    # Not seen, gold 6: 부산항만공사 하카타항 물류 서울 도쿄 2007년. Answered: 부산시와, 분야, 대구, 후쿠오카시
    # and 하카타항 with the wrong label, and the last three right.
    assert scores[UNSEEN] == score_from_counts(3, 8, 6)
    by_arguments = argument_scores(gold, found, seen)
    assert by_arguments["both arguments seen"] == score_from_counts(1, 1, 6)
    assert by_arguments["one argument seen"] == score_from_counts(0, 2, 0)
    assert by_arguments["no argument seen"] == score_from_counts(1, 2, 6)


def test_groups_part_the_split() -> None:
    gold = gold_articles()
    for groups in (length_groups(gold), genre_groups(gold)):
        assert sorted(i for members in groups.values() for i in members) == [0, 1, 2, 3]
    assert [len(m) for m in length_groups([gold[0]] * 5).values()] == [5]
    assert genre_groups([document(GOLD[0])]) == {}
    assert list(genre_groups(gold)) == ["press release", "opinion and interview", "other"]
    assert group_scores(gold, weak(), {"x": [3]})["x"].entities.f1 == 1.0


@pytest.mark.parametrize(
    ("genre", "family"),
    [
        ("press release with bullets", "press release"),
        ("Interview", "opinion and interview"),
        ("report after a trip", "trip"),
        ("brief with captions", "brief and captions"),
        ("poem", "other"),
    ],
)
def test_genre_family(genre: str, family: str) -> None:
    assert genre_family(genre) == family


# Calibration


def test_calibration_by_hand() -> None:
    found = calibration([0.95, 0.85, 0.85, 0.3, 1.0], [True, True, False, False, False])
    assert [(b.low, b.number, b.accuracy) for b in found.bins] == [(0.3, 1, 0.0), (0.8, 2, 0.5), (0.9, 2, 0.5)]
    # (1 · 0.3 + 2 · 0.35 + 2 · 0.475) / 5
    assert found.error == pytest.approx(0.39)
    assert (found.confidence, found.accuracy, found.number) == (pytest.approx(0.79), 0.4, 5)


def test_calibration_of_nothing_and_of_a_perfect_model() -> None:
    assert calibration([], []).error == 0
    assert calibration([1.0, 1.0], [True, True]).error == 0
