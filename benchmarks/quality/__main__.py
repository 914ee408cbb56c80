"""Trains and scores what is not finished, then writes the table.

python -m benchmarks.quality --only crf --only majority
"""

from pathlib import Path
from typing import Annotated

import typer
from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging

from train.console import console, run

from .articles import read_articles
from .config import Comparison, check_chosen, load_config
from .jobs import finished, run_job, seeds_of
from .result import result_path, write_result
from .table import write_table
from .tuning import tried, tuned

CONFIG = Path(__file__).parent / "config.yaml"

app = typer.Typer(add_completion=False)


@app.command()
def main(
    config: Annotated[Path, typer.Option(help="what to compare")] = CONFIG,
    only: Annotated[list[str] | None, typer.Option(help="an entrant's name; may be given several times")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="one of the configured seeds; may be given several times")] = None,
    redo: Annotated[bool, typer.Option(help="also what is finished")] = False,
    table: Annotated[bool, typer.Option("--table", help="write the table from what is finished, train nothing")] = False,
) -> None:
    """Compare the entrants on the same articles; finished ones are passed over."""
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    comparison = load_config(config, Comparison)
    if not table:
        compare(comparison, only, seed, redo)
    console.print(write_table(comparison), markup=False)


def compare(comparison: Comparison, only: list[str] | None = None, seeds: list[int] | None = None, redo: bool = False) -> None:
    """Runs the entrants (all, or those named) in their order and keeps a result for each seed."""
    check_chosen("seed", seeds, comparison.seeds)
    articles = read_articles(comparison.data)
    for settings in [comparison.entrant(name) for name in only] if only else comparison.entrants:
        redone = redo or not tried(comparison, settings)
        missing = [
            seed
            for seed in seeds_of(comparison, settings)
            if (not seeds or settings.deterministic or seed in seeds)
            and (redone or finished(comparison, settings, seed, articles) is None)
        ]
        if not missing:
            console.print(f"{settings.name}: finished", markup=False)
            continue
        chosen = tuned(comparison, settings, articles)
        for seed in missing:
            result = run_job(comparison, chosen, seed, articles, redo)
            write_result(result_path(comparison.results, settings.name, seed), result)


if __name__ == "__main__":
    run(app)
