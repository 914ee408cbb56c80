"""One training run: recipe in, run folder and wheel out.

python -m train.run --config configs/embedded.yaml
python -m train.run --config configs/embedded.yaml training.epochs=10
python -m train.run --config configs/embedded.yaml --resume
"""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from huggingface_hub.utils import logging as hub_logging
from rich.table import Table
from transformers import set_seed
from transformers.utils import logging as transformers_logging

from model.checkpoint import load_heads, load_predictor, new_settings, save_model
from model.encoder import Encoder, encoder_folder, load_encoder
from model.lexicon import load_lexicon
from model.network import JointNetwork, NetworkSize
from model.runs import METRICS_FILE, MODEL_FOLDER, REPORT_FILE, RUNS
from model.runtime.document import Document, write_jsonl
from model.runtime.errors import DataError
from model.runtime.lexicon import Lexicon
from model.runtime.settings import ModelSettings, write_settings

from .augment import augmented
from .averaging import copy_of, draw_back
from .calibrate import (
    FittedCalibration,
    SplitReliability,
    calibrated,
    calibration_markdown,
    dev_reliability,
    split_reliability,
    uncalibrated,
)
from .config import Recipe, load_recipe
from .console import console, run
from .data.corpus import Corpus
from .evaluate import predict_split, score
from .examples import Coverage, Example, examples_of
from .export import Precision, export_run, print_exported
from .metrics import Evaluation
from .provenance import data_hashes, encoder_hash, provenance
from .random_encoder import random_encoder
from .report import SUMMARY_HEADER, evaluations_dict, run_report, summary_rows, write_json, write_text
from .resuming import MINUTES_FILE, Clock, alone, check_resumable, last_checkpoint, resumption, start_folder
from .thresholds import with_tuned_thresholds
from .trainer import JointTrainer

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
    under the name; DataError when the inline files of the data folder have changed since they were compiled; and the other errors
    of data and encoder.
    """
    started = time.monotonic()
    corpus = Corpus(recipe.data)
    if not resume:  # a resumed run goes on with what it began with, whatever is being written meanwhile
        corpus.refuse_stale()
    hashes = data_hashes(corpus) | encoder_hash(recipe.encoder.name)
    splits = {split: corpus.read(split) for split in ("train", "dev", "test")}
    folder = runs / recipe.name
    if resume:
        check_resumable(folder, recipe, hashes)
    if recipe.training.threads:
        torch.set_num_threads(recipe.training.threads)
    set_seed(recipe.seed)
    encoder = build_encoder(recipe, splits["train"])
    settings, network = _start(recipe, encoder)
    lexicon = load_lexicon(recipe.lexicon)
    rounds = _rounds(recipe, splits, encoder, settings, lexicon)
    first = copy_of(network) if recipe.training.start_share else {}
    with alone(folder):
        checkpoint = last_checkpoint(folder) if resume else None
        if checkpoint is None:
            start_folder(folder, recipe, hashes)
        clock = Clock(folder / MINUTES_FILE, started)
        trainer = JointTrainer(network, rounds, splits["dev"], encoder.tokenizer, settings, lexicon, recipe, folder)
        trainer.add_callback(clock)
        trainer.train(resume_from_checkpoint=checkpoint)
        predictor = trainer.predictor
        assert isinstance(predictor.network, JointNetwork)
        if first:
            draw_back(predictor.network, first, recipe.training.start_share)
        save_model(folder / MODEL_FOLDER, predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
        fitted = _fit_on_dev(folder / MODEL_FOLDER, recipe, splits["dev"])
        evaluations, reliability = _evaluate(folder, splits, fitted)
        facts = provenance(corpus, recipe.seed) | hashes | resumption(checkpoint, clock)
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
        predictor, fitted = calibrated(predictor, dev, recipe.mention_threshold)
    write_settings(folder, predictor.settings)
    return fitted


def _start(recipe: Recipe, encoder: Encoder) -> tuple[ModelSettings, JointNetwork]:
    """Settings and first weights; what does not fit is said before an older run of the name is put away."""
    size = NetworkSize(**recipe.network.model_dump())
    settings = new_settings(encoder, recipe.window.length, recipe.window.context, size, recipe.threshold, recipe.name)
    network = JointNetwork(encoder.model, size)
    if recipe.encoder.heads:
        load_heads(network, encoder_folder(recipe.encoder.name))
    return settings, network


def _rounds(
    recipe: Recipe, splits: dict[str, list[Document]], encoder: Encoder, settings: ModelSettings, lexicon: Lexicon
) -> list[list[Example]]:
    """What each epoch reads. All splits are cut first: what is wrong with an article is said before anything is put away."""

    def cut(documents: list[Document], split: str) -> tuple[list[Example], Coverage]:
        try:
            return examples_of(documents, encoder.tokenizer, settings.window, lexicon)
        except DataError as error:
            raise DataError(f"{recipe.data / split}.jsonl: {error}") from None

    articles = splits["train"]
    examples, coverage = cut(articles, "train")
    for split in ("dev", "test"):
        cut(splits[split], split)
    augmentation = recipe.augmentation
    copies = augmented(articles, lexicon, augmentation.copies, recipe.seed, augmentation.typography)
    rounds = [
        [*examples, *cut(copies[start : start + len(articles)], "train")[0]] for start in range(0, len(copies), len(articles))
    ] or [examples]
    bare = sum(bool(d.entities) and not d.relations for d in articles)
    console.print(
        f"train: {len(articles)} articles in {len(examples)} windows, {coverage}; {bare} with mentions and no relation; "
        f"{len(copies)} renamed copies, an epoch reads {len(rounds[0])} windows",
        markup=False,
    )
    return rounds


def build_encoder(recipe: Recipe, documents: list[Document]) -> Encoder:
    """The recipe's encoder; `random` takes its vocabulary from the training documents."""
    if recipe.encoder.name == "random":
        console.print("encoder: random weights, vocabulary from the training texts (a baseline; no knowledge of Korean)")
        return random_encoder((document.text for document in documents), recipe.encoder.random)
    console.print(f"encoder: {recipe.encoder.name}", markup=False)
    return load_encoder(recipe.encoder.name)


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


if __name__ == "__main__":
    run(app)
