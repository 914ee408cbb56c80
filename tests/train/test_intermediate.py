"""Encoder and heads of a run as a folder of their own."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_corpus import TINY, write_tiny_corpus
from transformers import AutoModel, AutoTokenizer, ElectraConfig, ElectraModel, PreTrainedTokenizerFast
from typer.testing import CliRunner

from model.checkpoint import load_heads, save_heads, save_model
from model.encoder import Encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.errors import ModelError
from model.runtime.predictor import Predictor
from train.config import RandomEncoder, load_recipe, recipe_yaml
from train.intermediate import app, save_start
from train.random_encoder import random_encoder
from train.run import train

SIZE = NetworkSize(char_dim=16, hidden=32, relation_hidden=32, kernel=3, dropout=0.0, char_dropout=0.0)  # the tiny predictor's
Build = Callable[..., Predictor]


@pytest.fixture
def source(tiny_encoder: Encoder, tmp_path: Path) -> Path:
    """The folder that the run started from: other weights, a dropout of its own."""
    folder = tmp_path / "source"
    config = ElectraConfig.from_dict({**tiny_encoder.model.config.to_dict(), "attention_probs_dropout_prob": 0.0})
    ElectraModel(config).save_pretrained(folder)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=tiny_encoder.tokenizer, **special).save_pretrained(folder)
    return folder


@pytest.fixture
def finished(source: Path, tiny_predictor: Build, tmp_path: Path, repository: Path) -> Path:
    """A run folder as `train.run` leaves it, as far as the stage looks into it."""
    folder, predictor = tmp_path / "run", tiny_predictor()
    assert isinstance(predictor.network, JointNetwork)
    save_model(folder / "model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    recipe = load_recipe(repository / "configs/embedded.yaml", [f"encoder.name={source}"])
    (folder / "config.yaml").write_text(recipe_yaml(recipe), encoding="utf-8")
    return folder


def test_the_encoder_of_the_run_comes_out_and_can_be_started_from(
    tiny_encoder: Encoder, source: Path, finished: Path, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, [str(finished), str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    kept, started = (AutoModel.from_pretrained(tmp_path / name, dtype=torch.float32).state_dict() for name in ("out", "source"))
    expected = tiny_encoder.model.state_dict()
    for name, weight in kept.items():
        assert torch.allclose(weight, expected[name], atol=1e-3), name
    assert not all(torch.allclose(expected[name], started[name], atol=1e-3) for name in expected)
    assert (tmp_path / "out" / "config.json").read_bytes() == (source / "config.json").read_bytes()
    pieces = AutoTokenizer.from_pretrained(tmp_path / "out").encode("부산시는", add_special_tokens=False)
    assert pieces == tiny_encoder.tokenizer.encode("부산시는", add_special_tokens=False).ids


def test_the_heads_of_the_run_come_out_too(finished: Path, tiny_encoder: Encoder, tiny_predictor: Build, tmp_path: Path) -> None:
    save_start(finished, tmp_path / "out")
    torch.manual_seed(8)
    network, trained = JointNetwork(tiny_encoder.model, SIZE), tiny_predictor().network
    assert isinstance(trained, JointNetwork)
    expected = trained.state_dict()
    load_heads(network, tmp_path / "out")
    for name, weight in network.state_dict().items():
        assert torch.allclose(weight, expected[name], rtol=1e-3, atol=1e-3), name
    with pytest.raises(ModelError, match=r"heads of another size \(hidden\)"):
        load_heads(JointNetwork(tiny_encoder.model, replace(SIZE, hidden=16)), tmp_path / "out")
    load_heads(JointNetwork(tiny_encoder.model, replace(SIZE, dropout=0.5)), tmp_path / "out")
    narrow = random_encoder(["부산"], RandomEncoder(vocabulary=300, layers=1, hidden=16, heads=2, intermediate=64, embedding=16))
    with pytest.raises(ModelError, match="heads for another encoder or schema"):
        load_heads(JointNetwork(narrow.model, SIZE), tmp_path / "out")


def test_a_source_that_is_another_encoder_by_now(source: Path, finished: Path, tmp_path: Path) -> None:
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    (source / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 64}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"is not the encoder any more that the run started from \(max_position_embeddings\)"):
        save_start(finished, tmp_path / "out")


@pytest.mark.parametrize("content", [None, b"", b"{}"], ids=["missing", "empty", "damaged"])
def test_heads_that_cannot_be_read(tiny_encoder: Encoder, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "heads.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"heads.safetensors: cannot be read.*encoder.heads=false"):
        load_heads(JointNetwork(tiny_encoder.model, SIZE), tmp_path)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_source_that_is_gone(source: Path, finished: Path, tmp_path: Path, missing: str) -> None:
    (source / missing).unlink()
    with pytest.raises(ModelError, match=f"not a local folder with {missing},"):
        save_start(finished, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over_and_nothing_is_left_behind(source: Path, finished: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="is there already"):
        save_start(finished, tmp_path / "out")
    shutil.rmtree(finished / "model")
    with pytest.raises(ModelError):
        save_start(finished, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"source", "run", "out"}


@pytest.fixture
def start(tmp_path: Path) -> tuple[Path, JointNetwork]:
    """A folder to start from and what is in it."""
    torch.manual_seed(5)
    sample = "부산시는 지난해 서울에서 열린 회의에 참가했다"
    encoder = random_encoder([sample], RandomEncoder(vocabulary=300, layers=1, hidden=32, heads=2, intermediate=64, embedding=16))
    folder = tmp_path / "start"
    encoder.model.save_pretrained(folder)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=encoder.tokenizer, **special).save_pretrained(folder)
    kept = JointNetwork(encoder.model, NetworkSize(char_dim=16, hidden=32, relation_hidden=32))
    save_heads(folder, kept)
    return folder, kept


def _trained(folder: Path, repository: Path, *overrides: str) -> dict[str, torch.Tensor]:
    """The weights of a run from a folder to start from."""
    data, runs = folder.parent / "data", folder.parent / "runs"
    if not data.exists():
        write_tiny_corpus(data)
    always = [f"data={data}", f"encoder.name={folder}", "encoder.heads=true", "training.epochs=1", "calibrate=false"]
    recipe = load_recipe(repository / "configs/random.yaml", [*TINY, *always, *overrides])
    return load_file(train(recipe, runs).folder / "model" / "model.safetensors")


def test_a_recipe_starts_from_the_kept_heads(start: tuple[Path, JointNetwork], repository: Path) -> None:
    folder, kept = start
    trained = _trained(folder, repository, "training.encoder_rate=1e-9", "training.head_rate=1e-9")
    for name, weight in kept.state_dict().items():
        assert torch.allclose(trained[name], weight, rtol=1e-2, atol=1e-3), name


def test_finished_weights_are_drawn_back_to_the_start(start: tuple[Path, JointNetwork], repository: Path) -> None:
    folder, _ = start
    rates = ("training.encoder_rate=1e-2", "training.head_rate=1e-2")
    first = _trained(folder, repository, "training.encoder_rate=1e-30", "training.head_rate=1e-30", "training.weight_decay=0")
    last = _trained(folder, repository, *rates)
    drawn = _trained(folder, repository, *rates, "training.start_share=0.25")
    assert any(not torch.allclose(first[name], last[name], atol=1e-3) for name in first)
    for name, weight in drawn.items():
        assert torch.allclose(weight, 0.25 * first[name] + 0.75 * last[name], atol=1e-5), name
