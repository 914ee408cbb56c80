"""Packs a run into a wheel: `python -m train.export runs/embedded`.

In int8 where that costs no more than half a point of F1 on dev, else in floating point. `--verify` packs nothing and compares the
torch model with both exported ones on dev and test.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from model import load
from model.export import FP32, INT8, export_graphs, pack_wheel, quantize_graphs
from model.runs import RECIPE_FILE, REPORT_FILE, default_run, model_folder
from model.runtime.document import Document
from model.runtime.errors import DataError, ModelError
from model.runtime.exported import load_exported

from .config import load_recipe
from .console import console, run
from .data.corpus import ANNOTATIONS, Corpus
from .report import write_text
from .verify import Comparison, compare, comparison_table

ALLOWED_LOSS = 0.005
"""F1 that int8 may cost on dev, in mentions and in relations."""

CALIBRATION_ARTICLES = 32
"""Training articles on which the ranges of an int8 graph are measured."""

_SECTION = "## Export"


class Precision(StrEnum):
    """What a wheel may be asked to hold; `auto` is int8 unless that costs more than `ALLOWED_LOSS`."""

    AUTO = "auto"
    FP32 = FP32
    INT8 = INT8


@dataclass(frozen=True)
class Exported:
    """A packed wheel. `comparisons`: floating point and int8 on dev, in this order, where int8 was tried."""

    wheel: Path
    precision: str
    comparisons: tuple[Comparison, ...] = ()

    @property
    def summary(self) -> str:
        """Markdown: the precision and what int8 changes."""
        megabytes = self.wheel.stat().st_size / 1e6
        lines = [_SECTION, "", f"Precision of the wheel: {self.precision}; {megabytes:.1f} MB."]
        if self.comparisons:
            lines += [_measured(self.comparisons), "", comparison_table(self.comparisons)]
        return "\n".join([*lines, ""])


def export_run(run_folder: Path, dist: Path, precision: Precision = Precision.AUTO, data: Path | None = None) -> Exported:
    """Packs a run or model folder, and says in the run's report how; `data` defaults to what the run was trained on.

    Raises ModelError for a damaged run, DataError when int8 is asked for and the articles are not at hand, ModelError when they
    have no sentence to measure ranges on.
    """
    folder = model_folder(run_folder)
    with tempfile.TemporaryDirectory() as scratch:
        plain, small = Path(scratch) / FP32, Path(scratch) / INT8
        export_graphs(folder, plain)
        comparisons: tuple[Comparison, ...] = ()
        corpus = None if precision is Precision.FP32 else _corpus(folder, data, precision)
        if corpus and _quantized(plain, small, corpus, precision):
            predictors = {FP32: load_exported(plain, threads=1), INT8: load_exported(small, threads=1)}
            comparisons = tuple(compare(predictors, {"dev": corpus.read("dev")}))
        chosen = small if comparisons and (precision is Precision.INT8 or _loss(comparisons) <= ALLOWED_LOSS) else plain
        report = folder.parent / REPORT_FILE
        before = _without_section(report.read_text(encoding="utf-8")) if report.is_file() else ""
        difference = f"{_measured(comparisons)}\n\n" if comparisons else ""
        exported = Exported(pack_wheel(chosen, dist, difference + before), chosen.name, comparisons)
    if before:
        write_text(report, f"{before.rstrip()}\n\n{exported.summary}")
    return exported


def calibration_articles(articles: Sequence[Document]) -> Sequence[Document]:
    """Some articles, from all over the split."""
    return articles[:: max(1, len(articles) // CALIBRATION_ARTICLES)][:CALIBRATION_ARTICLES]


def verify_run(run_folder: Path, data: Path | None = None) -> list[Comparison]:
    """The torch model, and what it exports to in floating point and in int8, on dev and test."""
    folder = model_folder(run_folder)
    corpus = _corpus(folder, data, Precision.INT8)
    assert corpus is not None
    with tempfile.TemporaryDirectory() as scratch:
        plain, small = Path(scratch) / FP32, Path(scratch) / INT8
        export_graphs(folder, plain)
        quantize_graphs(plain, small, calibration_articles(corpus.read("train")))
        predictors = {
            "torch": load(folder, "cpu"),
            FP32: load_exported(plain, threads=1),
            INT8: load_exported(small, threads=1),
        }
        return compare(predictors, {split: corpus.read(split) for split in ("dev", "test")})


def _corpus(folder: Path, data: Path | None, precision: Precision) -> Corpus | None:
    """The corpus a model was trained on; None where it is not there and nobody insists on it."""
    recipe = folder.parent / RECIPE_FILE
    corpus = Corpus(data or (load_recipe(recipe).data if recipe.is_file() else ANNOTATIONS))
    try:
        for split in ("train", "dev"):
            corpus.read(split)
    except DataError as error:
        if precision is Precision.INT8 or data is not None:
            raise DataError(f"{error}; int8 needs the articles: name their folder with --data, or export in fp32") from None
        console.print(f"export: in fp32, int8 needs the articles ({error})", markup=False)
        return None
    return corpus


def _quantized(plain: Path, small: Path, corpus: Corpus, precision: Precision) -> bool:
    """Writes the int8 graphs; where the articles do not do and nobody insists on int8, says so and goes without."""
    try:
        quantize_graphs(plain, small, calibration_articles(corpus.read("train")))
    except ModelError as error:
        if precision is Precision.INT8:
            raise
        console.print(f"export: in fp32 ({error})", markup=False)
        return False
    return True


def _loss(comparisons: Sequence[Comparison]) -> float:
    plain, small = comparisons
    return max(plain.mentions_f1 - small.mentions_f1, plain.relations_f1 - small.relations_f1)


def _measured(comparisons: Sequence[Comparison]) -> str:
    plain, small = comparisons
    mentions, relations = small.mentions_f1 - plain.mentions_f1, small.relations_f1 - plain.relations_f1
    return (
        f"F1 of int8 minus fp32 on dev: mentions {mentions:+.4f} (fp32 {plain.mentions_f1:.4f}), "
        f"relations {relations:+.4f} (fp32 {plain.relations_f1:.4f})."
    )


def _without_section(report: str) -> str:
    """A report without what an earlier export added at its end."""
    return report.split(f"\n{_SECTION}\n", 1)[0]


app = typer.Typer(add_completion=False)


@app.command()
def export(
    run_folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="run or model folder; default: the run finished last")
    ] = None,
    dist: Annotated[Path, typer.Option(help="folder for the wheel")] = Path("dist"),
    precision: Annotated[
        Precision, typer.Option(help=f"of the weights; auto: int8 unless it costs more than {ALLOWED_LOSS} F1 on dev")
    ] = Precision.AUTO,
    data: Annotated[Path | None, typer.Option(help="folder with <split>.jsonl; default: what the run was trained on")] = None,
    verify: Annotated[bool, typer.Option(help="pack nothing; compare torch, fp32 and int8 on dev and test")] = False,
) -> None:
    """Write dist/dosilink-<version>-py3-none-any.whl."""
    chosen = run_folder or default_run()
    if verify:
        console.print(comparison_table(verify_run(chosen, data)), markup=False)
        return
    print_exported(export_run(chosen, dist, precision, data))


def print_exported(exported: Exported) -> None:
    """Two lines: what int8 changes, and the wheel's path."""
    if exported.comparisons:
        console.print(f"packed in {exported.precision}. {_measured(exported.comparisons)}", markup=False)
    console.print(f"export: {exported.wheel}", markup=False)


if __name__ == "__main__":
    run(app)
