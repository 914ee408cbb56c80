"""The training loop: transformers' Trainer with the joint loss, two learning rates, and the project's own evaluation."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from transformers import EarlyStoppingCallback, Trainer, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations.integration_utils import TensorBoardCallback

from model.network import JointNetwork
from model.runtime.document import Document
from model.runtime.lexicon import Lexicon
from model.runtime.predictor import Predictor
from model.runtime.settings import ModelSettings

from .config import Recipe, TrainingConfig
from .evaluate import predict_split, score
from .examples import Example
from .loss import TrainingBatch, collate, joint_loss
from .sampler import RoundSampler

SELECTION = "eval_selection"


def bf16_available() -> bool:
    """Whether this machine multiplies bfloat16 matrices in hardware (a GPU that has it, or a CPU with AMX or AVX512-BF16)."""
    if torch.cuda.is_available():
        # Otherwise a GPU that only emulates it counts, too.
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def training_arguments(recipe: Recipe, folder: Path, steps_per_epoch: int) -> TrainingArguments:
    """The recipe in transformers' terms. Checkpoints and evaluations come every `evaluate_every` epochs."""
    config = recipe.training
    every = max(1, config.evaluate_every * steps_per_epoch)
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=recipe.seed,
        data_seed=recipe.seed,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.head_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=config.max_grad_norm,
        bf16=config.precision == "bf16" or (config.precision == "auto" and bf16_available()),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=SELECTION,
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_strategy="steps",
        logging_steps=max(1, steps_per_epoch // 2),
        report_to="none",
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
    )
    # One GPU, however many there are: the Trainer would multiply the batch by their number and spread it with DataParallel, which
    # `compute_loss` goes round. The count is made when the device is first asked for, and would overwrite an earlier one.
    _ = arguments.device
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


class Patience(EarlyStoppingCallback):
    """Early stopping that a run which is gone on with has not forgotten: one that had stopped takes a step and stops again."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            control.should_training_stop = True


class JointTrainer(Trainer):
    """Trainer over windows; evaluation reads the dev articles with the `Predictor`, as inference does.

    `rounds`: what the first epoch reads, the second …, then from the beginning.
    """

    def __init__(
        self,
        network: JointNetwork,
        rounds: Sequence[Sequence[Example]],
        dev: Sequence[Document],
        tokenizer: Tokenizer,
        settings: ModelSettings,
        lexicon: Lexicon,
        recipe: Recipe,
        folder: Path,
    ) -> None:
        self.recipe = recipe
        self.network = network
        self.examples = list({id(example): example for examples in rounds for example in examples}.values())
        self.sampler = _sampler(self.examples, rounds, recipe.seed)
        self.dev = dev
        self.predictor = Predictor(network, tokenizer, settings, lexicon)
        steps = -(-len(self.sampler) // (recipe.training.batch_size * recipe.training.accumulation))
        super().__init__(
            model=network,
            args=training_arguments(recipe, folder / "checkpoints", steps),
            train_dataset=self.examples,
            eval_dataset=list(dev),
            data_collator=partial(_as_inputs, pad_id=settings.window.pad_id),
            callbacks=[
                Patience(early_stopping_patience=recipe.training.patience),
                TensorBoardCallback(tb_writer=SummaryWriter(str(folder / "tensorboard"))),
            ],
        )
        self.model_accepts_loss_kwargs = False

    def _get_train_sampler(self, train_dataset: Any = None) -> RoundSampler:
        return self.sampler

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """Tag loss plus the weighted relation loss; predicted mentions come in once the tagger is worth listening to."""
        config = self.recipe.training
        progress = self.state.global_step / max(1, self.state.max_steps)
        share = config.predicted_mentions_share if progress >= config.predicted_mentions_from else 0.0
        losses = joint_loss(self.accelerator.unwrap_model(model), inputs["batch"], share)
        return losses.tags + config.relation_weight * losses.relations

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW with a rate for the encoder and one for the heads; biases and norms are not decayed."""
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(parameter_groups(self.network, self.recipe.training), fused=True)
        return self.optimizer

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Scores the dev articles."""
        self.network.eval()
        result = score(self.dev, predict_split(self.predictor, self.dev))
        self.network.train()
        metrics = {
            f"{metric_key_prefix}_selection": result.selection,
            f"{metric_key_prefix}_entity_f1": result.entities.micro.f1,
            f"{metric_key_prefix}_relation_f1": result.relations.micro.f1,
            f"{metric_key_prefix}_relation_f1_gold_mentions": result.relations_gold.micro.f1,
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _sampler(examples: Sequence[Example], rounds: Sequence[Sequence[Example]], seed: int) -> RoundSampler:
    places = {id(example): place for place, example in enumerate(examples)}
    return RoundSampler([[places[id(example)] for example in examples_read] for examples_read in rounds], seed)


def _as_inputs(examples: list[Example], pad_id: int) -> dict[str, TrainingBatch]:
    return {"batch": collate(examples, pad_id)}


def parameter_groups(network: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Four groups: encoder and heads, each with and without weight decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": config.encoder_rate if encoder else config.head_rate,
            "weight_decay": config.weight_decay if decayed else 0.0,
        }
        for (encoder, decayed), parameters in groups.items()
    ]
