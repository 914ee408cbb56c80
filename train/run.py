"""One training run: recipe in, run folder and wheel out.

python -m train.run --config configs/embedded.yaml
python -m train.run --config configs/embedded.yaml training.epochs=10
python -m train.run --config configs/embedded.yaml --resume
"""

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from huggingface_hub.utils import logging as hub_logging
from rich.table import Table
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils import logging as transformers_logging

from model.checkpoint import load_predictor, new_settings, save_model
from model.encoder import Encoder, load_encoder
from model.lexicon import load_lexicon
from model.network import JointNetwork, NetworkSize
from model.runs import METRICS_FILE, MODEL_FOLDER, RECIPE_FILE, REPORT_FILE, RUNS
from model.runtime.document import Document, write_jsonl
from model.runtime.errors import ConfigError
from model.runtime.settings import write_settings

from .augment import augmented
from .calibrate import (
    FittedCalibration,
    SplitReliability,
    calibrated,
    calibration_markdown,
    dev_reliability,
    split_reliability,
    uncalibrated,
)
from .config import Recipe, load_recipe, recipe_yaml
from .console import console, run
from .data.corpus import Corpus
from .evaluate import predict_split, score
from .examples import examples_of
from .export import Precision, export_run, print_exported
from .metrics import Evaluation
from .provenance import data_hashes, provenance
from .random_encoder import random_encoder
from .report import SUMMARY_HEADER, evaluations_dict, run_report, summary_rows, write_json, write_text
from .thresholds import with_tuned_thresholds
from .trainer import JointTrainer

if sys.platform != "win32":
    import fcntl

_DATA_FILE = "data.json"
_MINUTES_FILE = "minutes.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinishedRun:
    """What `train` leaves behind."""

    folder: Path
    evaluations: dict[str, Evaluation]

    @property
    def report(self) -> Path:
        return self.folder / REPORT_FILE


def train(recipe: Recipe, runs: Path = RUNS, resume: bool = False) -> FinishedRun:
    """Trains a recipe and fills its run folder; with `resume` goes on from the last checkpoint of an interrupted run.

    Raises ConfigError when there is nothing to resume, when recipe or data have changed since, and when another process trains
    under the name; and the errors of data and encoder.
    """
    started = time.monotonic()
    corpus = Corpus(recipe.data)
    hashes = data_hashes(corpus)
    splits = {split: corpus.read(split) for split in ("train", "dev", "test")}
    folder = runs / recipe.name
    if resume:
        _check_resumable(folder, recipe, hashes)
    if recipe.training.threads:
        torch.set_num_threads(recipe.training.threads)
    set_seed(recipe.seed)
    encoder = build_encoder(recipe, splits["train"])
    with _alone(folder):
        checkpoint = _last_checkpoint(folder) if resume else None
        if checkpoint is None:
            _start_folder(folder, recipe, hashes)
        clock = _Clock(folder / _MINUTES_FILE, started)
        trainer = _trainer(recipe, encoder, splits, folder)
        trainer.add_callback(clock)
        trainer.train(resume_from_checkpoint=checkpoint)
        predictor = trainer.predictor
        network = predictor.network
        assert isinstance(network, JointNetwork)
        save_model(folder / MODEL_FOLDER, network, predictor.tokenizer, predictor.settings, predictor.lexicon)
        fitted = _fit_on_dev(folder / MODEL_FOLDER, recipe, splits["dev"])
        evaluations, reliability = _evaluate(folder, splits, fitted)
        facts = provenance(corpus, recipe.seed) | hashes | _resumption(checkpoint, clock)
        facts |= {
            "minutes": round(clock.minutes, 1),
            "epochs": round(trainer.state.epoch or 0, 1),
            "best checkpoint": Path(trainer.state.best_model_checkpoint or "-").name,
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        write_json(folder / "provenance.json", facts)
        scores = [calibration_markdown(fitted, reliability)] if fitted else []
        write_text(folder / REPORT_FILE, run_report(recipe.name, evaluations, facts, scores))
        # Written last: a run with this file is whole.
        write_json(
            folder / METRICS_FILE,
            evaluations_dict(evaluations, {split: {"calibration": asdict(r)} for split, r in reliability.items()}),
        )
        return FinishedRun(folder, evaluations)


def _fit_on_dev(folder: Path, recipe: Recipe, dev: list[Document]) -> FittedCalibration | None:
    """Thresholds and calibration of a saved model, put into its settings.

    Of the saved one, because the trainer's computes in the training's precision, and in bfloat16 many scores are 1.
    """
    predictor = load_predictor(folder)
    fitted = None
    if recipe.tune_thresholds:
        predictor = with_tuned_thresholds(predictor, dev)
    if recipe.calibrate:
        predictor, fitted = calibrated(predictor, dev)
    write_settings(folder, predictor.settings)
    return fitted


def _trainer(recipe: Recipe, encoder: Encoder, splits: dict[str, list[Document]], folder: Path) -> JointTrainer:
    size = NetworkSize(**recipe.network.model_dump())
    settings = new_settings(encoder, recipe.window.length, recipe.window.context, size, recipe.threshold, recipe.name)
    network = JointNetwork(encoder.model, size)
    lexicon = load_lexicon(recipe.lexicon)
    articles = splits["train"]
    augmentation = recipe.augmentation
    # The articles first: what is wrong with them is said of them and not of a copy.
    examples, coverage = examples_of(articles, encoder.tokenizer, settings.window, lexicon)
    copies = augmented(articles, lexicon, augmentation.copies, recipe.seed, augmentation.typography)
    rounds = [
        [*examples, *examples_of(copies[start : start + len(articles)], encoder.tokenizer, settings.window, lexicon)[0]]
        for start in range(0, len(copies), len(articles))
    ] or [examples]
    console.print(
        f"train: {len(articles)} articles in {len(examples)} windows, {coverage}; "
        f"{len(copies)} renamed copies, an epoch reads {len(rounds[0])} windows",
        markup=False,
    )
    return JointTrainer(network, rounds, splits["dev"], encoder.tokenizer, settings, lexicon, recipe, folder)


def build_encoder(recipe: Recipe, documents: list[Document]) -> Encoder:
    """The recipe's encoder; `random` takes its vocabulary from the training documents."""
    if recipe.encoder.name == "random":
        console.print("encoder: random weights, vocabulary from the training texts (a baseline; no knowledge of Korean)")
        return random_encoder((document.text for document in documents), recipe.encoder.random)
    console.print(f"encoder: {recipe.encoder.name}", markup=False)
    return load_encoder(recipe.encoder.name)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from training under the name, where the system can.

    A second one would move the folder away under the first, and both would write their checkpoints into the new one.

    A lock ends with its process, so a killed run leaves none. The file stays: one that is deleted could be locked by two.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("a") as lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    f"{folder}: is being trained by another process; give this one a name of its own (ARGS='name=…')"
                ) from None
            except OSError:
                _LOG.warning("%s: this file system has no locks; see that no other process trains under the name", folder)
        yield


class _Clock(TrainerCallback):
    """The minutes of a run and of the parts before it was resumed. Noted at each checkpoint: what a kill takes is done again.

    `before`: minutes up to the checkpoint, as noted; None when nothing is.
    """

    def __init__(self, file: Path, started: float) -> None:
        self._file = file
        self._started = started
        noted = _json_of(file)
        self.before: float | None = noted.get("minutes") if noted else None

    @property
    def minutes(self) -> float:
        return (self.before or 0.0) + (time.monotonic() - self._started) / 60

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        write_json(self._file, {"minutes": self.minutes})


def _resumption(checkpoint: str | None, clock: _Clock) -> dict[str, str]:
    """What provenance says of a resumed run. Runs of older versions noted no minutes."""
    if checkpoint is None:
        return {}
    return {"resumed from": Path(checkpoint).name + ("; the minutes before are not known" if clock.before is None else "")}


def _json_of(path: Path) -> dict[str, Any] | None:
    """What a JSON file holds; None when it is missing or only half there."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _start_folder(folder: Path, recipe: Recipe, hashes: Mapping[str, str]) -> None:
    """A fresh run folder; an older run of the same name is kept beside it under the time it is moved."""
    if folder.exists():
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder.replace(folder.with_name(f".{folder.name}.{stamp}"))
    folder.mkdir(parents=True)
    write_json(folder / _DATA_FILE, hashes)
    write_text(folder / RECIPE_FILE, recipe_yaml(recipe))


def _check_resumable(folder: Path, recipe: Recipe, hashes: Mapping[str, str]) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such run to resume; start it without --resume")
    if not (folder / RECIPE_FILE).is_file():
        raise ConfigError(f"{folder}: cannot be resumed, its {RECIPE_FILE} is missing; start anew without --resume")
    stored = (folder / RECIPE_FILE).read_text(encoding="utf-8")
    if stored != recipe_yaml(recipe):
        raise ConfigError(
            f"{folder}: was started with another recipe ({folder / RECIPE_FILE}); resume with that one or start anew"
        )
    # Runs of older versions noted no hashes; they can be gone on with all the same.
    noted = _json_of(folder / _DATA_FILE) or hashes
    changed = [name.split()[0] for name in hashes if noted.get(name) != hashes[name]]
    if changed:
        raise ConfigError(f"{folder}: was started with another {' and '.join(changed)}; resume with those data or start anew")


def _last_checkpoint(folder: Path) -> str | None:
    """The last whole checkpoint. The trainer's state is the last of its files, so a kill in between leaves it out or broken."""
    whole: dict[int, Path] = {}
    for path in (folder / "checkpoints").glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        step = path.name.removeprefix(f"{PREFIX_CHECKPOINT_DIR}-")
        if step.isdigit() and _json_of(path / TRAINER_STATE_NAME) is not None:
            whole[int(step)] = path
    if not whole:
        console.print(f"{folder}: no checkpoint yet; starting from the beginning", markup=False)
        return None
    return str(whole[max(whole)])


def _evaluate(
    folder: Path, splits: dict[str, list[Document]], fitted: FittedCalibration | None
) -> tuple[dict[str, Evaluation], dict[str, SplitReliability]]:
    """Scores what was saved, not what is in memory, and keeps the predictions; if calibrated, also how reliable scores are."""
    predictor = load_predictor(folder / MODEL_FOLDER)
    maps = predictor.settings.calibration
    evaluations, reliability = {}, {}
    for split in ("dev", "test"):
        gold, raw = splits[split], predict_split(uncalibrated(predictor), splits[split])
        # What the predictor itself would do with the raw answers; spares reading everything twice.
        write_jsonl(folder / "predictions" / f"{split}.jsonl", [maps(document) for document in raw.end_to_end])
        evaluations[split] = score(gold, raw)
        if fitted is not None:
            own = split == "dev"
            reliability[split] = (
                dev_reliability(gold, raw.end_to_end, fitted) if own else split_reliability(gold, raw.end_to_end, maps)
            )
    return evaluations, reliability


app = typer.Typer(add_completion=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="recipe")] = Path("configs/embedded.yaml"),
    resume: Annotated[bool, typer.Option(help="go on from the last checkpoint of the recipe's run")] = False,
    runs: Annotated[Path, typer.Option(help="folder of run folders")] = RUNS,
    dist: Annotated[Path, typer.Option(help="folder for the exported wheel")] = Path("dist"),
    precision: Annotated[Precision, typer.Option(help="of the exported weights")] = Precision.AUTO,
    overrides: Annotated[list[str] | None, typer.Argument(help="dotted.key=value over the recipe")] = None,
) -> None:
    """Train a recipe, score it on dev and test, export it."""
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    finished = train(load_recipe(config, overrides), runs, resume)
    exported = export_run(finished.folder, dist, precision)
    table = Table(*SUMMARY_HEADER, title=finished.folder.name)
    for row in summary_rows(finished.evaluations):
        table.add_row(*row)
    console.print(table)
    console.print(f"report: {finished.report}", markup=False)
    print_exported(exported)


__all__ = ["RECIPE_FILE", "REPORT_FILE", "FinishedRun", "build_encoder", "train"]

if __name__ == "__main__":
    run(app)
