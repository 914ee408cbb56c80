"""Where trained models are found: a run folder, the model folder inside it, or the run finished last."""

import os
from pathlib import Path

from .runtime.errors import ModelError
from .runtime.settings import FILE_NAME

RUNS = Path("runs")
MODEL_FOLDER = "model"
RECIPE_FILE = "config.yaml"
REPORT_FILE = "report.md"
METRICS_FILE = "metrics.json"
ENVIRONMENT = "DOSILINK_RUN"


def model_folder(path: str | Path) -> Path:
    """The model folder of a run, or the folder itself when it is one."""
    path = Path(path)
    return path / MODEL_FOLDER if (path / MODEL_FOLDER / FILE_NAME).is_file() else path


def default_run() -> Path:
    """$DOSILINK_RUN, or the run under `runs/` that finished last; ModelError when there is none."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    finished = [path.parent for path in RUNS.glob(f"*/{METRICS_FILE}") if not path.parent.name.startswith(".")]
    if not finished:
        raise ModelError(
            f"no trained model under {RUNS.resolve()}; run `make train`, or name one with ${ENVIRONMENT} or load(path)"
        )
    return max(finished, key=lambda run: (run / METRICS_FILE).stat().st_mtime)
