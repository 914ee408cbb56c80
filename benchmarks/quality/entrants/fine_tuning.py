"""What the entrants that fine-tune an encoder share: transformers' Trainer with dev deciding which checkpoint stays."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

from model.encoder import BACKBONE, EMBEDDED
from train.trainer import bf16_available

from ..config import HuggingFaceSettings, MarkersSettings

_EVALUATE_EVERY = 2
"""Epochs between evaluations on dev."""


def encoder_place(name: str) -> str:
    """Folder or hub id of an encoder; `embedded` is the one in the repository."""
    return str(BACKBONE) if name == EMBEDDED else name


class DevTrainer(Trainer):
    """Trainer whose evaluation is one score on dev, and which keeps the best checkpoint by it."""

    def __init__(self, *args: Any, dev_score: Callable[[], float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dev_score = dev_score

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """The dev score as `eval_score`."""
        assert isinstance(self.model, nn.Module)
        self.model.eval()
        metrics = {f"{metric_key_prefix}_score": self.dev_score()}
        self.model.train()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def fine_tune(
    network: nn.Module,
    examples: Sequence[Any],
    collate: Callable[[list[Any]], dict[str, Any]],
    dev_score: Callable[[], float],
    settings: HuggingFaceSettings | MarkersSettings,
    seed: int,
    folder: Path,
    trainer_class: type[DevTrainer] = DevTrainer,
    optimizer: torch.optim.Optimizer | None = None,
) -> dict[str, Any]:
    """Trains in place; the network ends with the weights of its best checkpoint, in evaluation mode. Returns facts of the run."""
    checkpoints = folder / "checkpoints"
    shutil.rmtree(checkpoints, ignore_errors=True)
    every = _EVALUATE_EVERY * -(-len(examples) // settings.batch_size)
    if settings.max_steps is not None:
        every = min(every, settings.max_steps)
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        seed=seed,
        data_seed=seed,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup,
        lr_scheduler_type="linear",
        bf16=bf16_available(),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="eval_score",
        greater_is_better=True,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
    )
    trainer = trainer_class(
        model=network,
        args=arguments,
        train_dataset=list(examples),
        eval_dataset=list(examples[:1]),
        data_collator=collate,
        dev_score=dev_score,
        optimizers=(optimizer, None),
    )
    trainer.train()
    # The trainer leaves its autocast around the network; it is read in single precision, as ours is.
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)
    network.eval()
    best = trainer.state.best_model_checkpoint
    shutil.rmtree(checkpoints, ignore_errors=True)
    return {
        "steps": trainer.state.global_step,
        "best_step": int(best.rsplit("-", 1)[1]) if best else trainer.state.global_step,
        "best_dev": round(trainer.state.best_metric or 0.0, 4),
        "inputs": len(examples),
        "bf16": arguments.bf16,
    }
