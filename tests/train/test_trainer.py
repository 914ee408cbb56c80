"""What the Trainer of transformers is told."""

from functools import cached_property
from pathlib import Path

import pytest
import torch
from transformers import TrainingArguments

from train.config import Recipe
from train.trainer import bf16_available, training_arguments


@pytest.mark.parametrize(("found", "used"), [(0, 0), (1, 1), (4, 1)])
def test_one_gpu_is_used_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: int, used: int) -> None:
    def device(arguments: TrainingArguments) -> torch.device:
        arguments._n_gpu = found
        return torch.device("cpu")

    devices = cached_property(device)
    devices.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", devices)
    recipe = Recipe(name="a")
    arguments = training_arguments(recipe, tmp_path, steps_per_epoch=3)
    assert arguments.n_gpu == used
    assert arguments.train_batch_size == recipe.training.batch_size


@pytest.mark.parametrize("hardware", [False, True])
def test_emulated_bf16_does_not_count(monkeypatch: pytest.MonkeyPatch, hardware: bool) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return hardware or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert bf16_available() is hardware
