"""Packs a run into a wheel: `python -m train.export runs/embedded`."""

from pathlib import Path
from typing import Annotated

import typer

from model.export import export_wheel
from model.runs import default_run, model_folder

from .console import console, run

app = typer.Typer(add_completion=False)


@app.command()
def export(
    run_folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="run or model folder; default: the run finished last")
    ] = None,
    dist: Annotated[Path, typer.Option(help="folder for the wheel")] = Path("dist"),
) -> None:
    """Write dist/dosilink-<version>-py3-none-any.whl."""
    console.print(f"export: {export_wheel(model_folder(run_folder or default_run()), dist)}", markup=False)


if __name__ == "__main__":
    run(app)
