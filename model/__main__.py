"""`python -m model predict …` and `edges …`: the runtime's command line over a trained run."""

import sys

from . import load
from .runtime.cli import main

MODEL_HELP = "run folder, or the model folder of a run (no exported one); default: $DOSILINK_RUN, or the run that finished last"

if __name__ == "__main__":
    sys.exit(main(load=load, program="python -m model", model_help=MODEL_HELP))
