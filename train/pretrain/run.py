"""A pretraining run: vocabulary, tokens, warm start, training; each stage is skipped when its result is there already."""

import json
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from model.runtime.errors import ConfigError
from train.pretrain.checkpoint import Progress, load_checkpoint, save_checkpoint
from train.pretrain.config import PretrainConfig, Training, recipe_yaml
from train.pretrain.corpus import source_files
from train.pretrain.export import check_tokenizer, copy_tokenizer, export_encoder, has_tokenizer
from train.pretrain.masking import mask_batch
from train.pretrain.model import PretrainingModel, build_model
from train.pretrain.schedule import in_decay, rate_factor
from train.pretrain.teacher import kiwi
from train.pretrain.tokens import PackedTokens, write_tokens
from train.pretrain.vectors import piece_frequencies, train_vectors
from train.pretrain.vocabulary import CONTINUING, corpus_texts, count_characters, save_tokenizer, train_tokenizer
from train.report import write_text

_log = logging.getLogger(__name__)
_CHECKPOINT = "checkpoint.pt"
_BEFORE_DECAY = "before-decay.pt"
_BEFORE_DECAY_ENCODER = "before-decay"
_RECIPE = "recipe.yaml"
_FREE = {
    "export",
    "training.budget",
    "training.budget.steps",
    "training.budget.cpu_minutes",
    "training.threads",
    "training.compile",
    "training.log_every",
    "training.checkpoint_minutes",
    "training.export_minutes",
}
"""What may change between the sittings of a run."""


def pretrain(config: PretrainConfig) -> Progress:
    """Run, or continue, a pretraining run until its budget is spent or it is asked to stop (SIGTERM, SIGINT)."""
    torch.set_num_threads(config.training.threads)
    tokens_path = config.output / "tokens.bin"
    _check_recipe(config)
    # What may be missing is asked for before the folder is bound to the recipe: a mended one may begin in the same place.
    teacher = kiwi() if config.objective.teacher and not tokens_path.exists() else None
    _check_beginning(config, tokens_path)
    config.output.mkdir(parents=True, exist_ok=True)
    write_text(config.output / _RECIPE, recipe_yaml(config))
    tokenizer = _prepare_tokenizer(config)
    if not tokens_path.exists():
        _log.info("tokenising %s", config.corpus.folder)
        write_tokens(config.corpus, tokenizer, tokens_path, teacher)
    return Trainer(config, tokenizer, PackedTokens(tokens_path, config.training.length, config.training.seed)).run()


def _check_recipe(config: PretrainConfig) -> None:
    """Refuses to go on with another recipe than the one that the output folder was begun with.

    Raises:
        ConfigError: names what differs. The budget and what does not touch the weights may change.
    """
    path = config.output / _RECIPE
    if not path.exists():
        return
    stored, wanted = yaml.safe_load(path.read_text(encoding="utf-8")), config.model_dump(mode="json")
    changed = [key for key in _differences(stored, wanted) if key not in _FREE]
    if changed:
        raise ConfigError(
            f"{config.output}: was begun with another {', '.join(changed)} ({path}); "
            "give this run output and export folders of its own"
        )


def _check_beginning(config: PretrainConfig, tokens: Path) -> None:
    """ConfigError or CorpusError when what a run begins with is not there; a run that has begun does not need it any more."""
    if not tokens.exists():
        source_files(config.corpus)
    if config.earlier_tokenizer is not None and not has_tokenizer(config.output / "tokenizer"):
        check_tokenizer(config.earlier_tokenizer)
    earlier = config.continue_run
    if earlier is not None and not any(path.exists() for path in (config.output / _CHECKPOINT, earlier / _BEFORE_DECAY)):
        raise ConfigError(f"{earlier}: has no {_BEFORE_DECAY}; the run to continue has not come to its decay yet")


def _differences(first: object, second: object, key: str = "") -> Iterator[str]:
    """Dotted keys whose values differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in {**first, **second}:
            yield from _differences(first.get(name), second.get(name), f"{key}.{name}" if key else name)
    elif first != second:
        yield key


def _prepare_tokenizer(config: PretrainConfig) -> Tokenizer:
    folder = config.output / "tokenizer"
    if has_tokenizer(folder):
        pass
    elif config.earlier_tokenizer is not None:
        copy_tokenizer(config.earlier_tokenizer, folder)
    else:
        _log.info("training the vocabulary")
        counts = count_characters(corpus_texts(config.corpus))
        sample = corpus_texts(config.corpus, config.vocabulary.sample_share)
        trained = train_tokenizer(counts, sample, config.vocabulary)
        save_tokenizer(trained, folder, config.architecture.max_position_embeddings)
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def continuing_pieces(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Per piece id, whether the piece continues a word."""
    size = tokenizer.get_vocab_size()
    return np.array([(tokenizer.id_to_token(i) or "").startswith(CONTINUING) for i in range(size)], dtype=np.bool_)


def use_bfloat16(training: Training) -> bool:
    """Whether to run in bf16 autocast: as configured, or where the CPU multiplies bf16 in hardware."""
    if training.autocast != "auto":
        return training.autocast == "on"
    capable: Callable[[], bool] = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(capable())


class Trainer:
    """The training loop with its checkpoints, exports and log."""

    def __init__(self, config: PretrainConfig, tokenizer: Tokenizer, data: PackedTokens) -> None:
        self.config = config
        self.data = data
        self.continues = continuing_pieces(tokenizer)
        self.checkpoint = config.output / _CHECKPOINT
        self.bfloat16 = use_bfloat16(config.training)
        torch.manual_seed(config.training.seed)
        self.model = build_model(config, len(self.continues)).train()
        self.optimiser = _optimiser(self.model, config.training)
        self.progress = self._start_or_resume()
        self.compute: Callable[..., Any] = torch.compile(self.model) if config.training.compile else self.model
        self._stop = False

    def _start_or_resume(self) -> Progress:
        earlier = self.config.continue_run
        for path in (self.checkpoint, *([earlier / _BEFORE_DECAY] if earlier else [])):
            if path.exists():
                progress = load_checkpoint(path, self.model, self.optimiser)
                _log.info("resuming %s after step %d", path, progress.step)
                if path != self.checkpoint and self._spent(progress) >= 1:
                    raise ConfigError(f"{path}: has spent the budget already; training.budget counts what it has had, too")
                return progress
        self._initialise()
        return Progress()

    def _initialise(self) -> None:
        """First weights: those of an exported encoder, or CBOW vectors, or random ones."""
        warm, ids, pieces = self.config.warm_start, self.data.ids, len(self.continues)
        frequencies = torch.from_numpy(piece_frequencies(ids, pieces))
        if self.config.start_from is not None:
            self.model.continue_from(self.config.start_from, frequencies)
        elif warm.tokens:
            _log.info("training CBOW vectors")
            vectors = train_vectors(ids, pieces, self.config.architecture.embedding_size, warm, self.config.training.seed)
            self.model.warm_start(vectors, frequencies, warm)

    def run(self) -> Progress:
        """Train to the end of the budget, then write checkpoint and export."""
        before = {kind: signal.signal(kind, self._on_signal) for kind in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._loop()
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)
        save_checkpoint(self.checkpoint, self.model, self.optimiser, self.progress)
        self._export()
        return self.progress

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    def _loop(self) -> None:
        training = self.config.training
        log = StepLog(self.config.output / "log.jsonl", training.log_every, self.progress)
        cpu_start = time.process_time() - self.progress.cpu_seconds
        saved = exported = time.monotonic()
        decaying = in_decay(self.done(), training.decay)
        while self.done() < 1.0 and not self._stop:
            rate = training.rate * rate_factor(self.done(), training.warmup, training.decay)
            losses = self._step(rate)
            self.progress.cpu_seconds = time.process_time() - cpu_start
            log.add(self.progress, rate, losses)
            now = time.monotonic()
            if not decaying and in_decay(self.done(), training.decay):
                decaying = True
                # Kept for good: the state that a longer run can start from.
                save_checkpoint(self.config.output / _BEFORE_DECAY, self.model, self.optimiser, self.progress)
                self._export(self.config.output / _BEFORE_DECAY_ENCODER)
            if now - saved > 60 * training.checkpoint_minutes:
                save_checkpoint(self.checkpoint, self.model, self.optimiser, self.progress)
                saved = now
            if now - exported > 60 * training.export_minutes:
                self._export()
                exported = now

    def done(self) -> float:
        """The spent part of the budget, from 0 to 1 and a little above."""
        # The first step must have a rate above 0.
        return max(self._spent(self.progress), 1e-6)

    def _spent(self, progress: Progress) -> float:
        budget = self.config.training.budget
        if budget.steps is not None:
            return progress.step / budget.steps
        assert budget.cpu_minutes is not None  # the config demands one of the two
        return progress.cpu_seconds / (60.0 * budget.cpu_minutes)

    def _step(self, rate: float) -> dict[str, Tensor]:
        training, step = self.config.training, self.progress.step
        # All randomness follows from seed and step, so that a resumed run repeats what it would have done.
        torch.manual_seed(training.seed * 1_000_003 + step)
        rng = np.random.default_rng([training.seed, step])
        read = self.progress.sequences
        batch = mask_batch(self.data.batch(read, training.batch), self.continues, self.config.objective, rng)
        arrays = [batch.ids, batch.masked, batch.positions, batch.targets]
        if self.config.objective.teacher:
            arrays.append(self.data.tags(read, training.batch))
        with self._precision():
            losses: dict[str, Tensor] = self.compute(*(torch.from_numpy(array) for array in arrays))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), training.clip)
        self.optimiser.step()
        self.progress.step += 1
        self.progress.sequences += training.batch
        self.progress.tokens += training.batch * training.length
        return {name: value.detach() for name, value in losses.items()}

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast("cpu", dtype=torch.bfloat16) if self.bfloat16 else nullcontext()

    def _export(self, folder: Path | None = None) -> None:
        tokenizer, positions = self.config.output / "tokenizer", self.config.training.length
        export_encoder(self.model.encoder, tokenizer, folder or self.config.export, positions)


def _optimiser(model: PretrainingModel, training: Training) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=training.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


class StepLog:
    """Means of the losses over every few steps, one JSON object a line."""

    def __init__(self, path: Path, every: int, progress: Progress) -> None:
        self._path, self._every, self._tokens = path, every, progress.tokens
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._since = time.monotonic()

    def add(self, progress: Progress, rate: float, losses: dict[str, Tensor]) -> None:
        """Count a step in; write a line when it is due."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
        self._steps += 1
        if progress.step % self._every:
            return
        now = time.monotonic()
        record: dict[str, float] = {
            "step": progress.step,
            "tokens": progress.tokens,
            "cpu_minutes": round(progress.cpu_seconds / 60, 3),
            "rate": rate,
            "tokens_per_second": round((progress.tokens - self._tokens) / max(1e-9, now - self._since), 1),
            **{name: round(total / self._steps, 5) for name, total in self._sums.items()},
        }
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        self._sums, self._steps, self._since, self._tokens = {}, 0, now, progress.tokens
