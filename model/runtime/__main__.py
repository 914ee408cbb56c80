"""`dosilink predict …` and `python -m dosilink predict …`, in the exported wheel."""

import sys

from . import load
from .cli import main as command_line


def main() -> None:
    """Entry point of the wheel's `dosilink` command."""
    sys.exit(command_line(load=load, program="dosilink"))


if __name__ == "__main__":
    main()
