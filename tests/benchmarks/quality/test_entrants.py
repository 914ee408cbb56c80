"""Each entrant learns a tiny corpus by heart: what it cannot do there it cannot do anywhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook
from transformers import AutoTokenizer

from benchmarks.quality.articles import Articles
from benchmarks.quality.config import (
    CrfSettings,
    HuggingFaceSettings,
    MajoritySettings,
    MarkersSettings,
    SpacySettings,
)
from benchmarks.quality.entrants import fit
from benchmarks.quality.entrants.huggingface import chunks_of, reachable
from benchmarks.quality.entrants.majority import relate
from benchmarks.quality.entrants.markers import MarkerNetwork
from benchmarks.quality.measure import measure
from model.encoder import load_encoder
from model.runtime.document import Document, Entity
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import Mention, PairBatch, join_pairs, sentence_pairs
from model.runtime.windows import WindowSettings, batch_windows, window_text


def _gold(articles: Articles) -> Mapping[str, Mapping[str, Sequence[Document]]]:
    return {"gold": {"dev": articles.dev, "test": articles.test}}


def _hugging_face(encoder: Path, **changes: Any) -> HuggingFaceSettings:
    settings = {
        "name": "h",
        "kind": "huggingface",
        "encoder": str(encoder),
        "length": 64,
        "stride": 16,
        "batch_size": 2,
        **changes,
    }
    return HuggingFaceSettings.model_validate(settings)


def test_the_crf_learns_by_heart(articles: Articles, tmp_path: Path) -> None:
    pytest.importorskip("pycrfsuite")
    fitted = fit(CrfSettings(name="crf", kind="crf", c1=0, c2=0.01, max_iterations=60), articles, 1, tmp_path, {})
    measured = measure(fitted, articles, {})
    scores = measured.splits["test"]
    assert scores.entities is not None and scores.entities.micro.f1 == 1.0
    assert scores.unseen is not None and scores.unseen.support == 0
    assert not scores.relations and scores.relations_gold is None
    assert fitted.parameters > 100 and measured.sentences_per_second > 0
    assert measured.predictions["test"][0].id == articles.test[0].id


@pytest.mark.slow
def test_spacy_learns_by_heart(articles: Articles, tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    settings = SpacySettings(name="s", kind="spacy", depth=2, width=32, dropout=0, max_steps=200, eval_frequency=40)
    scores = measure(fit(settings, articles, 1, tmp_path, {}), articles, {}).splits["test"]
    assert scores.entities is not None and scores.entities.micro.f1 > 0.9


def test_spacy_tokens_keep_the_text() -> None:
    pytest.importorskip("spacy")
    from spacy.vocab import Vocab  # noqa: PLC0415

    from benchmarks.quality.entrants.spacy_ner import CharacterTokenizer  # noqa: PLC0415

    tokenize = CharacterTokenizer(Vocab())
    for text in ("부산시는 3일", " 부산  시 ", "", "가\n나"):
        doc = tokenize(text)
        assert doc.text == text
        assert [token.idx for token in doc if not token.text.isspace()] == [
            i for i, char in enumerate(text) if not char.isspace()
        ]


def test_hugging_face_learns_by_heart_what_pieces_can_cut(articles: Articles, encoder_folder: Path, tmp_path: Path) -> None:
    settings = _hugging_face(encoder_folder, epochs=40, learning_rate=5e-3)
    fitted = fit(settings, articles, 1, tmp_path, {})
    entities = measure(fitted, articles, {}).splits["test"].entities
    assert entities is not None
    assert entities.micro.recall == pytest.approx(fitted.facts["reachable on dev"], abs=0.1)
    assert entities.micro.f1 > 0.5
    assert not (tmp_path / "checkpoints").exists()


def test_a_peer_trained_in_bfloat16_is_read_in_single_precision(
    articles: Articles, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.quality.entrants.fine_tuning.bf16_available", lambda: True)
    seen: set[bool] = set()
    with register_module_forward_hook(lambda *_: seen.add(torch.is_autocast_enabled("cpu"))):
        fitted = fit(_hugging_face(encoder_folder, epochs=1), articles, 1, tmp_path, {})
        assert True in seen and fitted.facts["bf16"] and fitted.read is not None
        seen.clear()
        fitted.read([articles.test[0].text])
        assert seen == {False}


@pytest.mark.parametrize("unit", ["sentence", "article"])
@pytest.mark.parametrize("labels", ["pieces", "words"])
def test_chunks_decide_on_every_character_once(articles: Articles, encoder_folder: Path, unit: str, labels: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    settings = _hugging_face(encoder_folder, unit=unit, labels=labels, length=24, stride=8)
    text = articles.train[0].text
    chunks = chunks_of(text, tokenizer, settings)
    decided = [i for chunk in chunks for unit in chunk.units[chunk.first : chunk.last] for i in range(unit.start, unit.end)]
    assert len(chunks) > 1
    assert all(len(chunk.piece_ids) <= 24 for chunk in chunks)
    assert decided == sorted(decided)
    if labels == "pieces":
        assert [i for i, char in enumerate(text) if not char.isspace()] == decided


def test_words_reach_less_than_pieces(articles: Articles, encoder_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    words = reachable(articles.dev, tokenizer, _hugging_face(encoder_folder, labels="words"))
    assert 0 < words < 1
    assert words <= reachable(articles.dev, tokenizer, _hugging_face(encoder_folder))


def test_markers_learn_by_heart(articles: Articles, encoder_folder: Path, tmp_path: Path) -> None:
    settings = MarkersSettings.model_validate(
        {
            "name": "m",
            "kind": "markers",
            "mentions": ["gold"],
            "encoder": str(encoder_folder),
            "length": 64,
            "context": 4,
            "batch_size": 2,
            "epochs": 40,
            "learning_rate": 5e-3,
            "head_rate": 1e-2,
        }
    )
    scores = measure(fit(settings, articles, 1, tmp_path, _gold(articles)), articles, _gold(articles)).splits["test"]
    assert scores.entities is None and scores.relations_gold is not None
    assert scores.relations_gold.micro.f1 > 0.9
    assert scores.relations["gold"].micro.f1 == scores.relations_gold.micro.f1


@pytest.fixture
def marked(encoder_folder: Path) -> tuple[MarkerNetwork, Any, PairBatch]:
    encoder = load_encoder(str(encoder_folder))
    settings = WindowSettings(64, 0, encoder.cls_id, encoder.sep_id, encoder.pad_id)
    cut = window_text("박형준 부산시장은 3일 후쿠오카시를 방문했다.", encoder.tokenizer, settings, Lexicon.empty())
    mentions = [Mention(0, 3, "PERSON"), Mention(4, 6, "CITY"), Mention(10, 12, "DATE"), Mention(13, 18, "CITY")]
    _, layout = sentence_pairs(cut.windows, {0: 0}, cut.sentences[0], mentions)
    torch.manual_seed(5)
    return MarkerNetwork(encoder.model, pairs_per_pass=64).eval(), batch_windows(cut.windows, encoder.pad_id), layout


def test_a_pair_is_scored_alike_alone_and_beside_others(marked: tuple[MarkerNetwork, Any, PairBatch]) -> None:
    network, windows, pairs = marked
    together = network.relate(windows, pairs)
    alone = np.concatenate([network.relate(windows, pairs.part(i, i + 1)) for i in range(len(pairs))])
    network.pairs_per_pass = 3
    in_parts = network.relate(windows, pairs)
    assert len(pairs) > 3
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(in_parts, together, atol=1e-5)


def test_markers_know_labels_and_order(marked: tuple[MarkerNetwork, Any, PairBatch]) -> None:
    network, windows, pairs = marked
    own = np.array([0])
    places, ids = network._markers(windows.char_piece[0], pairs, own)
    assert len(set(ids.tolist())) == 4 and ids.min() >= network.first_marker
    head, tail = pairs.head[0], pairs.tail[0]
    assert places.tolist() == [windows.char_piece[0][place] for m in (head, tail) for place in (pairs.start[m], pairs.end[m] - 1)]


def test_no_pairs_no_scores(marked: tuple[MarkerNetwork, Any, PairBatch]) -> None:
    network, windows, _ = marked
    assert network.relate(windows, join_pairs([])).shape == (0, 8)


def test_the_majority_takes_the_commonest_relation_within_reach(articles: Articles, tmp_path: Path) -> None:
    settings = MajoritySettings(name="m", kind="majority", mentions=["gold"])
    fitted = fit(settings, articles, 1, tmp_path, _gold(articles))
    assert fitted.facts["majority"]["CITY → FIELD"] == "COOPERATES_IN"
    relations = measure(fitted, articles, _gold(articles)).splits["test"].relations["gold"]
    assert relations.micro.f1 > 0.5


def test_the_majority_leaves_what_is_far_or_in_another_sentence() -> None:
    text = "부산시와 후쿠오카\n교토"
    entities = [
        Entity(f"T{n}", text.index(s), text.index(s) + len(s), "CITY", s) for n, s in enumerate(("부산시", "후쿠오카", "교토"))
    ]
    document = Document("d", text, tuple(entities))
    near = relate(document, {("CITY", "CITY"): "COOPERATES_WITH"}, 5)
    assert [(r.head, r.tail, r.type) for r in near.relations] == [("T0", "T1", "COOPERATES_WITH")]
    assert relate(document, {("CITY", "CITY"): "COOPERATES_WITH"}, 1).relations == ()
