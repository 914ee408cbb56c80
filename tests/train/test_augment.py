"""Renamed copies of articles: what changes, what must not."""

from pathlib import Path

import pytest

from model.runtime.document import Document
from model.runtime.lexicon import LISTS, Lexicon
from model.runtime.sentences import sentence_spans
from train.augment import _without_suffix, augmented
from train.data.corpus import ANNOTATIONS, Corpus
from train.data.inline import parse_inline

HEADER = "source: 자체 작성\n---\n"
LEXICON = Lexicon(
    dict.fromkeys(LISTS, ())
    | {
        "korean_surnames": ("마", "남궁"),
        "korean_given_names": ("보람", "한"),
        "korean_municipalities": ("김천시", "김천", "상주시", "상주", "포항시", "포항"),
        "foreign_municipalities": ("빈", "다낭", "센다이"),
        "foreign_name_parts": ("요시로",),
        "organisations": ("한국관광공사", "인천도시공사"),
    }
)


def _document(text: str) -> Document:
    return parse_inline(HEADER + text, "a", "a.txt").document


def _copies(text: str, copies: int = 12) -> list[Document]:
    return augmented([_document(text)], LEXICON, copies, seed=1)


def test_a_name_changes_alike_everywhere_and_its_particles_follow() -> None:
    copies = _copies("[상주시/C1]는 [상주/C2]와 [다낭시/C3]를 잇는다.\n")
    for copy in copies:
        city, bare, partner = (entity.text for entity in copy.entities)
        assert city == bare + "시"
        assert city in ("김천시", "상주시", "포항시")
        assert partner.endswith("시")
        joint = "과" if bare in ("김천", "포항") else "와"
        assert copy.text == f"{city}는 {bare}{joint} {partner}를 잇는다."
    assert len({copy.entities[0].text for copy in copies}) > 1


def test_a_surname_alone_follows_its_owner() -> None:
    for copy in _copies("[마한/P1] 시장과 [요시다 요시로/P2] 시장이 만났다.\n[마/P1] 시장은 웃었다.\n"):
        owner, guest, alone = (entity.text for entity in copy.entities)
        assert owner.startswith(alone)
        assert len(guest.split()) == 2


def test_an_institution_becomes_another_of_its_kind() -> None:
    names = {copy.entities[0].text for copy in _copies("[부산교통공사/O1]는 쉰다.\n")}
    assert names <= {"부산교통공사", "한국관광공사", "인천도시공사"}
    assert len(names) > 1


def test_the_same_seed_gives_the_same_copies() -> None:
    text = "[상주/C1]에서 [마한/P1] 씨를 만났다.\n"
    assert _copies(text) == _copies(text)
    assert augmented([_document(text)], LEXICON, 3, seed=1) != augmented([_document(text)], LEXICON, 3, seed=2)


def test_without_copies_or_lists_nothing_breaks() -> None:
    document = _document("[상주/C1]에서 [마한/P1] 씨와 [이와타 겐/P2] 씨를 만났다.\n")
    assert augmented([document], LEXICON, 0, seed=1) == []
    (copy,) = augmented([document], Lexicon.empty(), 1, seed=1)
    assert [entity.label for entity in copy.entities] == ["CITY", "PERSON", "PERSON"]


@pytest.mark.parametrize(("name", "particle"), [("다낭", "으로"), ("빈", "으로"), ("센다이", "로")])
def test_direction_follows_the_last_sound(name: str, particle: str) -> None:
    other = "다낭" if name == "빈" else "빈"
    copies = [copy for copy in _copies(f"[{other}/C1]으로 떠났다.\n", 30) if copy.entities[0].text == name]
    assert copies
    assert all(copy.text == f"{name}{particle} 떠났다." for copy in copies)


def test_copies_of_the_whole_corpus_keep_mentions_relations_and_sentences() -> None:
    documents = Corpus(Path(ANNOTATIONS)).read("train")
    for original, copy in zip(documents, augmented(documents, LEXICON, 1, seed=3), strict=True):
        assert [(e.id, e.label) for e in copy.entities] == [(e.id, e.label) for e in original.entities]
        assert copy.relations == original.relations
        assert all(copy.text[e.start : e.end] == e.text for e in copy.entities)
        assert len(sentence_spans(copy.text)) == len(sentence_spans(original.text))


def test_different_names_stay_different() -> None:
    text = (
        "[김천/C1], [상주/C2], [포항/C3]이 [다낭/C4], [빈/C5], [센다이/C6]와 [부산교통공사/O1], [한국관광공사/O2]를 "
        "[마한/P1]과 [남궁보람/P2]이.\n"
    )
    for copy in _copies(text, 40):
        assert len({entity.text for entity in copy.entities}) == len(copy.entities)


def test_a_city_loses_one_suffix_and_none_that_is_its_own() -> None:
    names = {"장시성": "장시", "우시시": "우시", "안드라프라데시": "안드라프라데시"}
    for name, kept in names.items():
        listed = {"안드라프라데시"}
        assert _without_suffix(name, listed) == kept


def test_a_bare_surname_needs_no_given_names() -> None:
    document = _document("[김/P1] 시장은 [상주시/C1]에 갔다.\n")
    assert augmented([document], Lexicon.empty(), 3, seed=1)


def test_a_name_that_would_cut_its_sentence_is_not_given() -> None:
    header = "source: x\n---\n"
    shouting = parse_inline(header + "부산시가 ([야후! 재팬/O1])과 만났다.\n", "a", "a.txt").document
    plain = parse_inline(header + "부산시가 [소니재팬/O1]과 협약을 맺었다.\n", "b", "b.txt").document
    copies = augmented([shouting, plain], Lexicon.empty(), 4, 1)
    assert [copy.id for copy in copies] == [f"{name}~{number}" for number in range(1, 5) for name in "ab"]
    for copy in copies:
        assert len(sentence_spans(copy.text)) == 1, copy.text
