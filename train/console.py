"""What the command lines of the project share: one line and exit code 2 for a user's error, no traceback."""

import sys

import typer
from rich.console import Console

from model.runtime.errors import DosilinkError

console = Console(highlight=False, soft_wrap=True, emoji=False)


def run(app: typer.Typer) -> None:
    """Runs a typer application; a DosilinkError becomes `error: …` on standard error and exit code 2."""
    try:
        app()
    except DosilinkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
