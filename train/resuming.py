"""A run folder while it is trained: begun afresh or gone on with, by one process at a time, with the minutes of all its parts."""

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from model.runs import RECIPE_FILE
from model.runtime.errors import ConfigError

from .config import Recipe, recipe_yaml
from .console import console
from .report import write_json, write_text

if sys.platform != "win32":
    import fcntl

MINUTES_FILE = "minutes.json"
_DATA_FILE = "data.json"
_LOG = logging.getLogger(__name__)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from training under the name, where the system can.

    A second one would move the folder away under the first, and both would write their checkpoints into the new one.

    A lock ends with its process, so a killed run leaves none. The file stays: one that is deleted could be locked by two.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("a") as lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    f"{folder}: is being trained by another process; give this one a name of its own (ARGS='name=…')"
                ) from None
            except OSError:
                _LOG.warning("%s: this file system has no locks; see that no other process trains under the name", folder)
        yield


class Clock(TrainerCallback):
    """The minutes of a run and of the parts before it was resumed. Noted at each checkpoint: what a kill takes is done again.

    `before`: minutes up to the checkpoint, as noted; None when nothing is.
    """

    def __init__(self, file: Path, started: float) -> None:
        self._file = file
        self._started = started
        noted = _json_of(file)
        self.before: float | None = noted.get("minutes") if noted else None

    @property
    def minutes(self) -> float:
        return (self.before or 0.0) + (time.monotonic() - self._started) / 60

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        write_json(self._file, {"minutes": self.minutes})


def resumption(checkpoint: str | None, clock: Clock) -> dict[str, str]:
    """What provenance says of a resumed run. Runs of older versions noted no minutes."""
    if checkpoint is None:
        return {}
    return {"resumed from": Path(checkpoint).name + ("; the minutes before are not known" if clock.before is None else "")}


def _json_of(path: Path) -> dict[str, Any] | None:
    """What a JSON file holds; None when it is missing or only half there."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def start_folder(folder: Path, recipe: Recipe, hashes: Mapping[str, str]) -> None:
    """A fresh run folder; an older run of the same name is kept beside it under the time it is moved."""
    if folder.exists():
        folder.replace(_free_name(folder))
    folder.mkdir(parents=True)
    write_json(folder / _DATA_FILE, hashes)
    write_text(folder / RECIPE_FILE, recipe_yaml(recipe))


def _free_name(folder: Path) -> Path:
    """Where an older run goes: its name and the time, numbered where runs followed one another within a second."""
    stamp = f".{folder.name}.{datetime.now():%Y%m%d-%H%M%S}"
    names = (stamp if number == 1 else f"{stamp}-{number}" for number in count(1))
    return next(path for path in map(folder.with_name, names) if not path.exists())


def check_resumable(folder: Path, recipe: Recipe, hashes: Mapping[str, str]) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such run to resume; start it without --resume")
    if not (folder / RECIPE_FILE).is_file():
        raise ConfigError(f"{folder}: cannot be resumed, its {RECIPE_FILE} is missing; start anew without --resume")
    stored = (folder / RECIPE_FILE).read_text(encoding="utf-8")
    if stored != recipe_yaml(recipe):
        raise ConfigError(
            f"{folder}: was started with another recipe ({folder / RECIPE_FILE}); resume with that one or start anew"
        )
    # Runs of older versions noted none or not all of them; they can be gone on with all the same.
    noted = {**hashes, **(_json_of(folder / _DATA_FILE) or {})}
    changed = [name.split()[0] for name in hashes if noted[name] != hashes[name]]
    if changed:
        raise ConfigError(f"{folder}: was started with another {' and '.join(changed)}; resume with that or start anew")


def last_checkpoint(folder: Path) -> str | None:
    """The last whole checkpoint. The trainer's state is the last of its files, so a kill in between leaves it out or broken."""
    whole: dict[int, Path] = {}
    for path in (folder / "checkpoints").glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        step = path.name.removeprefix(f"{PREFIX_CHECKPOINT_DIR}-")
        if step.isdigit() and _json_of(path / TRAINER_STATE_NAME) is not None:
            whole[int(step)] = path
    if not whole:
        console.print(f"{folder}: no checkpoint yet; starting from the beginning", markup=False)
        return None
    return str(whole[max(whole)])
