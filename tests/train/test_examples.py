"""Gold annotation as the network is taught it: nothing lost, nothing taught twice, equal surfaces left alone."""

from dataclasses import replace

import numpy as np
import pytest

from model.encoder import Encoder
from model.runtime.decoding import tag_scores
from model.runtime.document import Document, Entity, Relation
from model.runtime.errors import DataError
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import candidates
from model.runtime.schema import RELATIONS, TAGS
from model.runtime.windows import WindowSettings
from train.data.corpus import Corpus
from train.data.inline import parse_inline
from train.examples import IGNORED, Example, examples_of, relation_targets

ARTICLE = """source: x
---
[부산시/C1], [후쿠오카/C2]와 [수소/F1] 협력
> C1 COOPERATES_WITH C2
> C1,C2 COOPERATES_IN F1

[박형준/P1] [부산/C1]시장은 [3일/D1] [후쿠오카시/C2]를 방문했다.
> P1 HEAD_OF C1
> P1 VISITS C2
> P1 ON_DATE D1
[부산/C1]은 [2007년/D1] [부산/C2]에서 [후쿠오카/C3]와 자매가 됐다.
> C2 COOPERATES_WITH C3
> C2,C3 ON_DATE D1
"""


def _document(text: str = ARTICLE) -> Document:
    return parse_inline(text, "a", "a.txt").document


def _settings(encoder: Encoder, length: int = 64, context: int = 8) -> WindowSettings:
    return WindowSettings(length, context, encoder.cls_id, encoder.sep_id, encoder.pad_id)


def _decoded(examples: list[Example]) -> set[tuple[int, int, str]]:
    """Gold tags put through the decoder of inference."""
    found = set()
    for example in examples:
        for gold in example.sentences:
            start, end = gold.sentence.start, gold.sentence.end
            own = example.tags[start - example.window.start : end - example.window.start]
            text = example.text[start:end]
            logits = np.where(own[:, None] == np.arange(len(TAGS)), 9.0, 0.0).astype(np.float32)
            spaces, still = np.array([c.isspace() for c in text]), np.zeros((len(TAGS), len(TAGS)), np.float32)
            (mentions,) = tag_scores(logits, spaces, np.array([len(text)]), still).mentions(spaces, [start])
            found |= {(m.start, m.end, m.label) for m in mentions}
    return found


def test_gold_tags_decode_to_the_gold_mentions_of_the_whole_corpus(tiny_encoder: Encoder) -> None:
    settings = _settings(tiny_encoder, 128, 8)
    for split in ("train", "dev", "test"):
        for document in Corpus().read(split):
            examples, coverage = examples_of([document], tiny_encoder.tokenizer, settings, Lexicon.empty())
            if all(len(s.sentence.windows) == 1 for e in examples for s in e.sentences):
                assert _decoded(examples) == {(e.start, e.end, e.label) for e in document.entities}, document.id
            assert coverage.lost_relations == 0, document.id


def test_context_is_not_taught(tiny_encoder: Encoder) -> None:
    examples, _ = examples_of([_document()], tiny_encoder.tokenizer, _settings(tiny_encoder, 32, 8), Lexicon.empty())
    assert len(examples) > 1
    taught = sum(int((e.tags != IGNORED).sum()) for e in examples)
    assert taught <= len(_document().text) < sum(len(e.tags) for e in examples)


def test_relations_out_of_reach_are_counted(tiny_encoder: Encoder) -> None:
    far = "[부산시/C1]" + " 그리고" * 60 + " [후쿠오카/C2]\n> C1 COOPERATES_WITH C2\n"
    document = _document("source: x\n---\n" + far)
    _, coverage = examples_of([document], tiny_encoder.tokenizer, _settings(tiny_encoder, 32, 4), Lexicon.empty())
    assert (coverage.relations, coverage.lost_relations) == (1, 1)
    assert "1 of them out of the reach of windows and pairs" in str(coverage)


def test_a_relation_that_no_pair_can_bear_is_counted(tiny_encoder: Encoder) -> None:
    text = "부산시" + " 그리고" * 70 + " 후쿠오카"
    entities = (Entity("T1", 0, 3, "CITY", "부산시"), Entity("T2", len(text) - 4, len(text), "CITY", "후쿠오카"))
    document = Document("a", text, entities, (Relation("R1", "T1", "T2", "COOPERATES_WITH"),))
    _, coverage = examples_of([document], tiny_encoder.tokenizer, _settings(tiny_encoder, 512, 0), Lexicon.empty())
    assert coverage.lost_relations == 1


def test_a_symmetric_relation_is_the_same_either_way_round(tiny_encoder: Encoder) -> None:
    article = "source: x\n---\n[부산시/C1]와 [후쿠오카시/C2]는 [부산시/C3]가 제안한 대로 손잡았다.\n> C1 COOPERATES_WITH C2\n"
    document = _document(article)
    turned = replace(document, relations=tuple(replace(r, head=r.tail, tail=r.head) for r in document.relations))
    for stored in (document, turned):
        examples, coverage = examples_of([stored], tiny_encoder.tokenizer, _settings(tiny_encoder, 128, 0), Lexicon.empty())
        (gold,) = examples[0].sentences
        pairs = candidates(gold.mentions)
        targets, counts = relation_targets(pairs, gold.mentions, gold, document.text)
        column = RELATIONS.index("COOPERATES_WITH")
        row = {(int(h), int(t)): i for i, (h, t) in enumerate(zip(pairs.head, pairs.tail, strict=True))}
        assert coverage.lost_relations == 0
        assert targets[row[0, 1], column] == 1 and counts[row[0, 1], column]
        assert not counts[row[1, 2], column]  # 후쿠오카시 and the second 부산시: scoring takes them for the gold pair


def test_targets(tiny_encoder: Encoder) -> None:
    examples, _ = examples_of([_document()], tiny_encoder.tokenizer, _settings(tiny_encoder, 128, 0), Lexicon.empty())
    gold = next(s for e in examples for s in e.sentences if len(s.mentions) == 4 and s.mentions[0].label == "PERSON")
    pairs = candidates(gold.mentions)
    targets, counts = relation_targets(pairs, gold.mentions, gold, examples[0].text)
    found = {
        (int(pairs.head[row]), int(pairs.tail[row]), RELATIONS[column]) for row, column in zip(*np.nonzero(targets), strict=True)
    }
    assert found == {(0, 1, "HEAD_OF"), (0, 3, "VISITS"), (0, 2, "ON_DATE")}
    assert (counts == pairs.types).all()


def test_a_pair_with_the_gold_surfaces_counts_neither_way(tiny_encoder: Encoder) -> None:
    examples, _ = examples_of([_document()], tiny_encoder.tokenizer, _settings(tiny_encoder, 128, 0), Lexicon.empty())
    gold = next(s for e in examples for s in e.sentences if len(s.mentions) == 4 and s.mentions[0].label == "CITY")
    pairs = candidates(gold.mentions)
    targets, counts = relation_targets(pairs, gold.mentions, gold, examples[0].text)
    column = RELATIONS.index("COOPERATES_WITH")
    row = {(int(h), int(t)): i for i, (h, t) in enumerate(zip(pairs.head, pairs.tail, strict=True))}
    assert targets[row[2, 3], column] == 1 and counts[row[2, 3], column]
    assert targets[row[0, 3], column] == 0 and not counts[row[0, 3], column]
    assert counts[row[0, 2], column]


@pytest.mark.parametrize("text", ["부산\u00a0시", "부산\t시"])
def test_text_out_of_normal_form_is_refused(tiny_encoder: Encoder, text: str) -> None:
    with pytest.raises(DataError, match=r"a: .*normal form"):
        examples_of([Document("a", text)], tiny_encoder.tokenizer, _settings(tiny_encoder), Lexicon.empty())


def test_overlapping_mentions_are_refused(tiny_encoder: Encoder) -> None:
    document = Document("a", "부산시의회가", (Entity("T1", 0, 3, "CITY", "부산시"), Entity("T2", 0, 5, "ORG", "부산시의회")))
    with pytest.raises(DataError, match=r"a: .*overlaps another mention"):
        examples_of([document], tiny_encoder.tokenizer, _settings(tiny_encoder), Lexicon.empty())
