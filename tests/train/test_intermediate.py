"""The intermediate stage on a handful of sentences."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from model.encoder import Encoder
from model.runtime.errors import DataError
from train.intermediate import read_sentences, teach_names

ROWS = [
    {"text": "경찰은 박씨를 불렀다.", "entities": [{"start": 4, "end": 5, "label": "PS"}]},
    {"text": "서울에서 김씨가 왔다.", "entities": [{"start": 0, "end": 2, "label": "LC"}, {"start": 5, "end": 6, "label": "PS"}]},
    {"text": "공백\u00a0이상", "entities": []},
]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "names.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    return path


def _copy(encoder: Encoder) -> Encoder:
    model = AutoModel.from_config(encoder.model.config)
    model.load_state_dict(encoder.model.state_dict())
    return Encoder(model, encoder.tokenizer, encoder.cls_id, encoder.sep_id, encoder.pad_id)


def test_tags_follow_the_labels_of_the_corpus(tiny_encoder: Encoder, sentences: Path) -> None:
    windows, labels = read_sentences(sentences, tiny_encoder, 64)
    assert labels == ["LC", "PS"] and len(windows) == 2
    assert windows[0].tags.tolist() == [0] * 4 + [3] + [0] * 7
    assert windows[1].tags[:6].tolist() == [1, 2, 0, 0, 0, 3]


def test_the_encoder_learns_and_one_seed_gives_one_result(tiny_encoder: Encoder, sentences: Path) -> None:
    windows, labels = read_sentences(sentences, tiny_encoder, 64)
    taught = [_copy(tiny_encoder) for _ in range(2)]
    losses = [teach_names(encoder, windows, len(labels), 30, 2, 2e-3, seed=1) for encoder in taught]
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0] / 2
    states = [encoder.model.state_dict() for encoder in (*taught, tiny_encoder)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


@pytest.mark.parametrize("content", ["{broken", '{"text": "가"}', "[1]"])
def test_a_broken_corpus(tiny_encoder: Encoder, tmp_path: Path, content: str) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=str(path)):
        read_sentences(path, tiny_encoder, 64)


def test_a_missing_corpus(tiny_encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_sentences(tmp_path / "nowhere", tiny_encoder, 64)
