"""The course of training, from what a run folder keeps: the trainer's log in its last checkpoint, or TensorBoard's events."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.runtime.errors import ModelError

from .entrants import Entrant, checkpoint_folders, provenance_of, recipe_of

STATE_FILE = "trainer_state.json"
LOSS, ENTITIES, RELATIONS = "loss", "eval_entity_f1", "eval_relation_f1"
_TENSORBOARD = {"train/loss": LOSS, "eval/entity_f1": ENTITIES, "eval/relation_f1": RELATIONS}


@dataclass(frozen=True)
class Curve:
    """One number over the optimiser steps of a run, (step, value)."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class TrainingLog:
    """Curves of a run by name (`LOSS`, `ENTITIES`, `RELATIONS` on dev)."""

    run: str
    curves: tuple[Curve, ...]

    def curve(self, name: str) -> tuple[tuple[int, float], ...]:
        """The points of a curve; none when the run has no such curve."""
        return next((curve.points for curve in self.curves if curve.name == name), ())


def training_log(run: Path) -> TrainingLog:
    """The log of a run; without curves when it kept none. ModelError when the log is damaged."""
    history = _history(run)
    if not history:
        history = _events(run / "tensorboard")
    curves = []
    for name in (LOSS, ENTITIES, RELATIONS):
        # A resumed run logs a step twice; the later one is what went on.
        points = {int(entry["step"]): float(entry[name]) for entry in history if name in entry}
        if points:
            curves.append(Curve(name, tuple(sorted(points.items()))))
    return TrainingLog(run.resolve().name, tuple(curves))


def _history(run: Path) -> list[dict[str, Any]]:
    folders = [f for f in checkpoint_folders(run) if (f / STATE_FILE).is_file()]
    return list(trainer_state(folders[-1]).get("log_history", [])) if folders else []


def trainer_state(checkpoint: Path) -> dict[str, Any]:
    """What the trainer noted in a checkpoint; empty when it noted nothing. ModelError when the file is damaged."""
    path = checkpoint / STATE_FILE
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from None
    return data if isinstance(data, dict) else {}


def _events(folder: Path) -> list[dict[str, Any]]:
    """Scalars of TensorBoard's event files."""
    if not any(folder.glob("events.out.tfevents.*")):
        return []
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    known = set(accumulator.Tags()["scalars"]) & set(_TENSORBOARD)
    return [{"step": event.step, _TENSORBOARD[tag]: event.value} for tag in known for event in accumulator.Scalars(tag)]


@dataclass(frozen=True)
class Cost:
    """What training took. A checkpoint's minutes are not known (None): only whole runs are timed."""

    minutes: float | None
    epochs: float | None
    steps: int | None
    windows: int | None
    machine: str


def training_cost(entrant: Entrant) -> Cost:
    """The cost that the entrant's run noted; nothing for an exported model."""
    facts, recipe = provenance_of(entrant), recipe_of(entrant)
    training = recipe.get("training", {}) if recipe else {}
    batch = training.get("batch_size", 0) * training.get("accumulation", 1)
    if entrant.kind == "checkpoint":
        state = trainer_state(entrant.path)
        steps, epochs, minutes = state.get("global_step"), state.get("epoch"), None
    else:
        folders = checkpoint_folders(entrant.run) if entrant.run else []
        steps = trainer_state(folders[-1]).get("global_step") if folders else None
        epochs, minutes = facts.get("epochs"), facts.get("minutes")
    machine = ", ".join(str(facts[key]) for key in ("machine",) if key in facts)
    threads = f", {facts['threads']} threads" if "threads" in facts else ""
    return Cost(minutes, epochs, steps, steps * batch if steps and batch else None, machine + threads)
