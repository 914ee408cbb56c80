"""Command line: ``python -m train.pretrain --config configs/pretrain/base.yaml``."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from train.console import run
from train.pretrain.config import load_config
from train.pretrain.run import pretrain


def main(
    config: Annotated[Path, typer.Option(help="recipe, a YAML file", exists=True, dir_okay=False)],
    overrides: Annotated[list[str] | None, typer.Argument(help="dotted.key=value over the recipe")] = None,
) -> None:
    """Pretrain the encoder; run the same command again to continue after a kill."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    progress = pretrain(load_config(config, overrides or []))
    typer.echo(f"{progress.step} steps, {progress.cpu_seconds / 60:.1f} CPU minutes")


app = typer.Typer(add_completion=False)
app.command()(main)

if __name__ == "__main__":
    run(app)
