"""`dosilink predict …`, `dosilink edges …`, and both as `python -m dosilink …`, in the exported wheel."""

import sys

from . import load
from .cli import main as command_line

MODEL_HELP = "folder of an exported model (no run or checkpoint of training); default: the one in the package"


def main() -> None:
    """Entry point of the wheel's `dosilink` command."""
    sys.exit(command_line(load=load, program="dosilink", model_help=MODEL_HELP))


if __name__ == "__main__":
    main()
