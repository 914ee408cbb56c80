"""Model folders: written whole, read back equal, refused with one clear line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model.checkpoint import WEIGHTS_FILE, load_predictor, new_settings, save_model
from model.encoder import Encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.errors import ModelError
from model.runtime.predictor import Predictor
from model.runtime.settings import FILE_NAME, TOKENIZER_FILE

TEXT = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
Build = Callable[..., Predictor]


@pytest.fixture
def saved(tiny_predictor: Build, tmp_path: Path) -> Path:
    predictor = tiny_predictor(threshold=0.3)
    assert isinstance(predictor.network, JointNetwork)
    save_model(tmp_path / "model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    return tmp_path / "model"


def test_what_is_saved_reads_alike(tiny_predictor: Build, saved: Path) -> None:
    assert load_predictor(saved, "cpu").predict(TEXT) == tiny_predictor(threshold=0.3).predict(TEXT)


def test_saving_replaces_whole_folders_and_leaves_nothing_beside(tiny_predictor: Build, saved: Path) -> None:
    (saved / "stale").touch()
    predictor = tiny_predictor()
    assert isinstance(predictor.network, JointNetwork)
    save_model(saved, predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    assert not (saved / "stale").exists()
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("missing", [FILE_NAME, TOKENIZER_FILE, WEIGHTS_FILE, "encoder/config.json"])
def test_a_missing_file(saved: Path, missing: str) -> None:
    (saved / missing).unlink()
    with pytest.raises(ModelError) as error:
        load_predictor(saved)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damaged", [FILE_NAME, TOKENIZER_FILE, WEIGHTS_FILE, "encoder/config.json"])
def test_a_damaged_file(saved: Path, damaged: str) -> None:
    path = saved / damaged
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError) as error:
        load_predictor(saved)
    assert str(saved) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", 99, "format 99"),
        ("schema_version", 2, "schema 2"),
        ("labels", ["PERSON"], "labels"),
        ("network", {"hidden": 32, "magic": 1}, "another version"),
        ("network", {"hidden": 64}, "does not fit"),
        ("thresholds", {}, "damaged"),
    ],
)
def test_another_models_settings(saved: Path, key: str, value: object, reason: str) -> None:
    path = saved / FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelError, match=reason):
        load_predictor(saved)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        load_predictor(tmp_path / "nowhere")


def test_windows_must_fit_the_encoder(tiny_encoder: Encoder) -> None:
    with pytest.raises(ModelError, match="128 positions"):
        new_settings(tiny_encoder, 256, 8, NetworkSize(), 0.5, "x")
    with pytest.raises(ModelError, match="no room"):
        new_settings(tiny_encoder, 32, 15, NetworkSize(), 0.5, "x")
