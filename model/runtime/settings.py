"""What a model folder says about itself (`dosilink.json`): how text was cut in training, the thresholds, how scores
become probabilities, the schema it learned.

Inference follows these settings to the letter and refuses a folder it does not understand.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from .calibration import ScoreCalibration, calibration_from_dict
from .document import atomic_write
from .errors import ModelError
from .schema import LABELS, RELATIONS, SCHEMA_VERSION
from .windows import WindowSettings

FILE_NAME = "dosilink.json"
TOKENIZER_FILE = "tokenizer.json"
FORMAT = 1


@dataclass(frozen=True)
class ModelSettings:
    """`thresholds`: the raw score from which a relation of each type is reported; `mention_thresholds`: from which a mention of
    each label is, where there is one. `network`: sizes of the torch network.

    `precision`: of the weights in the folder, `fp32` or, in an exported one, `int8`. `calibration`: what makes probabilities of
    raw scores, after all decisions; folders without it keep their raw scores.
    """

    window: WindowSettings
    thresholds: Mapping[str, float]
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    precision: str = "fp32"
    calibration: ScoreCalibration = field(default_factory=ScoreCalibration)
    mention_thresholds: Mapping[str, float] = field(default_factory=dict)


def write_settings(folder: Path, settings: ModelSettings) -> None:
    """Writes `dosilink.json` atomically."""
    data = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "labels": LABELS,
        "relations": RELATIONS,
        "recipe": settings.recipe,
        "precision": settings.precision,
        "window": asdict(settings.window),
        "thresholds": dict(settings.thresholds),
        "mention_thresholds": dict(settings.mention_thresholds),
        "calibration": settings.calibration.to_dict(),
        "network": dict(settings.network),
    }
    with atomic_write(folder / FILE_NAME) as out:
        json.dump(data, out, ensure_ascii=False, indent=2)


def read_settings(folder: Path) -> ModelSettings:
    """Reads `dosilink.json`; ModelError when it is missing, damaged, or of another format or schema."""
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such model folder")
    if not path.is_file():
        raise ModelError(f"{folder}: is no dosilink model, the file {FILE_NAME} is missing")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or data["schema_version"] != SCHEMA_VERSION:
            raise ModelError(
                f"{path}: format {data['format']}, schema {data['schema_version']}; this program reads format {FORMAT}, "
                f"schema {SCHEMA_VERSION}: train or export the model again"
            )
        if tuple(data["labels"]) != LABELS or tuple(data["relations"]) != RELATIONS:
            raise ModelError(f"{path}: its labels or relations are not those of schema {SCHEMA_VERSION}; train the model again")
        thresholds = {name: float(data["thresholds"][name]) for name in RELATIONS}
        window = WindowSettings(**data["window"])
        calibration = calibration_from_dict(data.get("calibration", {}))
        precision = str(data.get("precision", "fp32"))
        least = {str(label): float(score) for label, score in data.get("mention_thresholds", {}).items()}
        return ModelSettings(window, thresholds, data["network"], data["recipe"], precision, calibration, least)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: is damaged ({type(error).__name__}: {error}); take another copy or train again") from None


def read_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer from its file; ModelError when it cannot be read."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{path}: cannot be read ({error})") from None
