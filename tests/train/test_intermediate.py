"""The encoder of a run as a folder of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, ElectraConfig, ElectraModel, PreTrainedTokenizerFast
from typer.testing import CliRunner

from model.checkpoint import save_model
from model.encoder import Encoder
from model.network import JointNetwork
from model.runtime.errors import ModelError
from model.runtime.predictor import Predictor
from train.config import load_recipe, recipe_yaml
from train.intermediate import app, save_encoder

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


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_source_that_is_gone(source: Path, finished: Path, tmp_path: Path, missing: str) -> None:
    (source / missing).unlink()
    with pytest.raises(ModelError, match=f"not a local folder with {missing},"):
        save_encoder(finished, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over_and_nothing_is_left_behind(source: Path, finished: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="is there already"):
        save_encoder(finished, tmp_path / "out")
    shutil.rmtree(finished / "model")
    with pytest.raises(ModelError):
        save_encoder(finished, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"source", "run", "out"}
