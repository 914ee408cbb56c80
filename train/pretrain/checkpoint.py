"""Checkpoints: everything a run needs to continue as if it had never stopped."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.optim import Optimizer

from train.pretrain.model import PretrainingModel


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: optimiser steps made.
        sequences: sequences read, over all batch sizes.
        tokens: pieces read, over all lengths.
        cpu_seconds: CPU time spent on them, over all sittings.
    """

    step: int = 0
    sequences: int = 0
    tokens: int = 0
    cpu_seconds: float = 0.0


def save_checkpoint(path: Path, model: PretrainingModel, optimiser: Optimizer, progress: Progress) -> None:
    """Write a checkpoint under a temporary name and rename it: a kill leaves the last whole one."""
    partial = path.with_suffix(".partial")
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "progress": asdict(progress)}, partial)
    partial.replace(path)


def load_checkpoint(path: Path, model: PretrainingModel, optimiser: Optimizer) -> Progress:
    """Put model and optimiser into the state of a checkpoint."""
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return Progress(**state["progress"])
