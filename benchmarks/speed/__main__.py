"""Measures and writes the table.

python -m benchmarks.speed --threads 1 --only ours-fp32 --only torch
"""

from pathlib import Path
from typing import Annotated

import typer
from transformers.utils import logging as transformers_logging

from benchmarks.quality.config import load_config
from model.runtime.errors import ConfigError
from train.console import console, run
from train.yaml_config import validated

from .config import Benchmark
from .measure import Result, measure
from .prepare import prepare
from .table import tables, write_results

CONFIG = Path(__file__).parent / "config.yaml"

app = typer.Typer(add_completion=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="what to measure")] = CONFIG,
    only: Annotated[list[str] | None, typer.Option(help="an entrant's name; may be given several times")] = None,
    threads: Annotated[list[int] | None, typer.Option(help="instead of the configured ones; may be given several times")] = None,
    run_folder: Annotated[Path | None, typer.Option("--run", help="run whose weights are used")] = None,
    int8: Annotated[Path | None, typer.Option(help="exported int8 folder, made elsewhere")] = None,
    articles: Annotated[int | None, typer.Option(help="texts read at once")] = None,
    repeats: Annotated[int | None, typer.Option(help="turns of each entrant")] = None,
    write: Annotated[
        bool | None,
        typer.Option(help="JSON files and pages, or print only; written by default when all is measured as configured"),
    ] = None,
) -> None:
    """Read the same articles with every entrant, in turns."""
    transformers_logging.set_verbosity_error()
    benchmark = load_config(config, Benchmark)
    given = {"threads": threads, "run": run_folder, "articles": articles, "repeats": repeats}
    changes = {name: value for name, value in given.items() if value is not None}
    benchmark = validated(Benchmark, {**benchmark.model_dump(), **changes}, "options")
    if int8 is not None:
        entrants = [
            e.model_copy(update={"path": int8}) if e.kind == "exported" and e.precision == "int8" else e
            for e in benchmark.entrants
        ]
        benchmark = benchmark.model_copy(update={"entrants": entrants})
    if only:
        benchmark = benchmark.only(only)
    results = run_benchmark(benchmark)
    whole = not (changes.keys() - {"run"} or only or int8)
    written = whole if write is None else write
    console.print(write_results(benchmark, results) if written else tables(results), markup=False)


def run_benchmark(benchmark: Benchmark) -> list[Result]:
    """Prepares the entrants once and measures them with each number of threads; cold starts with the first."""
    paths = {entrant.name: prepare(benchmark, entrant) for entrant in benchmark.entrants}
    absent = [name for name, path in paths.items() if path is None]
    if len(absent) == len(paths):
        raise ConfigError(f"{', '.join(absent)}: cannot be made by this version of the project; give a folder (`path`, --int8)")
    if absent:
        console.print(
            f"left out: {', '.join(absent)}, which this version cannot make; give a folder (`path`, --int8)", markup=False
        )
    return [measure(benchmark, paths, number, cold=not index) for index, number in enumerate(benchmark.threads)]


if __name__ == "__main__":
    run(app)
