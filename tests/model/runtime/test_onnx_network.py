"""Folders that hold no exported network: one clear word. What it computes is tested with the export."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model.checkpoint import WEIGHTS_FILE
from model.runtime.errors import ModelError
from model.runtime.onnx_network import ENCODER_FILE, TRAINED_FILE, OnnxNetwork


@pytest.fixture(autouse=True)
def _denormals_stay() -> Iterator[None]:
    """The first session of a process, even one that fails, makes denormal numbers zero for whatever its thread computes next."""
    yield
    torch.set_flush_denormal(False)


def test_a_training_checkpoint_is_to_be_exported(tmp_path: Path) -> None:
    assert TRAINED_FILE == WEIGHTS_FILE
    (tmp_path / WEIGHTS_FILE).touch()
    with pytest.raises(ModelError, match="is a training checkpoint; export it with `make export`"):
        OnnxNetwork(tmp_path)


def test_a_damaged_export(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"encoder\.onnx: cannot be loaded"):
        OnnxNetwork(tmp_path)
    (tmp_path / ENCODER_FILE).write_bytes(b"no graph")
    with pytest.raises(ModelError, match="export the model again"):
        OnnxNetwork(tmp_path)
