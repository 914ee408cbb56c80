"""The intermediate stage on a handful of sentences."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from transformers import AutoModel
from typer.testing import CliRunner

from model.encoder import Encoder
from model.runtime.errors import DataError, ModelError
from train import intermediate as module
from train.intermediate import app, read_sentences, teach_names

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
    # With a configuration of its own: what is saved in half precision notes that in it.
    model = AutoModel.from_config(deepcopy(encoder.model.config))
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


@pytest.mark.parametrize(("start", "end"), [(2, 4), (3, 5), (-1, 2), (2, 1), (1, 1)])
def test_an_entity_outside_of_its_text(tiny_encoder: Encoder, tmp_path: Path, start: int, end: int) -> None:
    path = tmp_path / "names.jsonl"
    row = {"text": "김씨가", "entities": [{"start": start, "end": end, "label": "PS"}]}
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError, match=f"an entity at {start}–{end} of a text of 3 characters"):
        read_sentences(path, tiny_encoder, 64)


@pytest.mark.parametrize("content", ["", "\n", json.dumps(ROWS[2])], ids=["empty", "empty line", "out of normal form"])
def test_a_corpus_without_a_usable_text(tiny_encoder: Encoder, tmp_path: Path, content: str) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="no text in normal form"):
        read_sentences(path, tiny_encoder, 64)


@pytest.mark.parametrize("missing", ["tokenizer.json", "tokenizer_config.json"])
def test_an_encoder_without_tokenizer_files_is_refused_before_the_training(
    tiny_encoder: Encoder, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(module, "load_encoder", lambda _: _copy(tiny_encoder))
    source = tmp_path / "encoder"
    source.mkdir()
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        (source / name).write_text("{}", encoding="utf-8")
    arguments = [str(source), str(sentences), str(tmp_path / "whole"), "--epochs", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert {"config.json", "tokenizer.json", "tokenizer_config.json"} <= {p.name for p in (tmp_path / "whole").iterdir()}
    (source / missing).unlink()
    arguments[2] = str(tmp_path / "lacking")
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, ModelError) and f"not a local folder with {missing}," in str(error)
    assert not (tmp_path / "lacking").exists()


def test_a_missing_corpus(tiny_encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_sentences(tmp_path / "nowhere", tiny_encoder, 64)
