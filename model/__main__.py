"""`python -m model predict …`: the runtime's command line over a trained run."""

import sys

from . import load
from .runtime.cli import main

if __name__ == "__main__":
    sys.exit(main(load=load, program="python -m model"))
