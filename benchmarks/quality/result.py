"""What is kept of an entrant and seed: one JSON file, written when all of it is there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from model.runtime.errors import DataError
from train.metrics import Score, Scores
from train.report import write_json


@dataclass(frozen=True)
class SplitScores:
    """Scores on a split; None where the entrant does not do that part.

    `unseen` counts mentions, gold and predicted, whose surface is annotated nowhere in the training articles. `relations` are
    end to end, by the entrant whose mentions were read (its own name for an entrant that finds mentions itself).
    """

    entities: Scores | None = None
    unseen: Score | None = None
    relations: Mapping[str, Scores] = field(default_factory=dict)
    relations_gold: Scores | None = None


@dataclass(frozen=True)
class Result:
    """One entrant trained with one seed.

    `training_minutes` are of one training with the settings as they are, evaluation on dev included, tuning not.
    `sentences_per_second` is for reading the test articles with one thread (relation entrants: for their own pass alone).
    `work` is the folder of the run below the comparison's work folder.
    """

    entrant: str
    seed: int
    settings: Mapping[str, Any]
    articles: str
    training_articles: int
    splits: Mapping[str, SplitScores]
    training_minutes: float
    training_threads: int
    sentences_per_second: float
    parameters: int
    work: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


def write_result(path: Path, result: Result) -> None:
    """Writes a result atomically."""
    write_json(path, asdict(result))


def read_result(path: Path) -> Result:
    """Reads a result; DataError when the file is missing or damaged."""
    try:
        return _RESULT.validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: is no result of this benchmark ({place}: {first['msg']}); remove it to make it anew") from None


def result_path(folder: Path, entrant: str, seed: int) -> Path:
    """Where the result of an entrant and seed stands."""
    return folder / f"{entrant}-{seed}.json"
