"""What takes part in a comparison: run folders, checkpoints inside a run, model folders, exported folders, wheels."""

import hashlib
import json
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
import yaml

from model.checkpoint import ENCODER_FOLDER, WEIGHTS_FILE, load_model, load_predictor, load_weights, new_settings
from model.lexicon import load_lexicon
from model.network import JointNetwork, NetworkSize
from model.runs import MODEL_FOLDER, RECIPE_FILE
from model.runtime import WEIGHTS_FOLDER
from model.runtime.errors import ConfigError, ModelError
from model.runtime.exported import load_exported
from model.runtime.lexicon import LEXICON_FILE
from model.runtime.onnx_network import ENCODER_FILE, RELATIONS_FILE
from model.runtime.predictor import Predictor
from model.runtime.settings import FILE_NAME, TOKENIZER_FILE, read_settings

from ..config import load_recipe
from ..data.corpus import Corpus
from ..run import build_encoder

Kind = Literal["run", "checkpoint", "model", "onnx", "wheel"]
CHECKPOINTS_FOLDER = "checkpoints"
_CHECKPOINT = "checkpoint-"
_PACKED = f"dosilink/{WEIGHTS_FOLDER}/"
_WILD = "*?["
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entrant:
    """One model to compare.

    `run` is the run folder whose recipe, log and provenance belong to it, if there is one; `step` the optimiser step of a
    checkpoint.
    """

    name: str
    kind: Kind
    path: Path
    run: Path | None = None
    step: int | None = None


def find_entrants(places: Sequence[str | Path], checkpoints: bool = False) -> list[Entrant]:
    """The entrants that the given places name, in order, each once, under names that differ.

    A place may hold wildcards, which pass over hidden names and what is no entrant; `runs/a/checkpoint-*` finds those under
    `runs/a/checkpoints/`. With `checkpoints` a run brings the checkpoints it has kept, in the order of training, and its final
    model last. Raises ModelError where nothing is found.
    """
    found: list[Entrant] = []
    for place in places:
        for entrant in _at(Path(place)):
            if checkpoints and entrant.kind == "run":
                found.extend(_entrant(folder) for folder in checkpoint_folders(entrant.path))
            found.append(entrant)
    first: dict[Path, Entrant] = {}
    for entrant in found:
        first.setdefault(entrant.path.resolve(), entrant)
    unique = list(first.values())
    names = [entrant.name for entrant in unique]
    return [replace(e, name=str(e.path)) if names.count(e.name) > 1 else e for e in unique]


def _at(path: Path) -> list[Entrant]:
    """The entrants at one place."""
    asked = path
    if not path.exists() and path.name.startswith(_CHECKPOINT) and path.parent.name != CHECKPOINTS_FOLDER:
        path = path.parent / CHECKPOINTS_FOLDER / path.name
    if path.exists():
        return [_entrant(path)]
    if any(mark in str(path) for mark in _WILD):
        found = [entrant for match in _matches(path) if (entrant := _entrant_if_any(match))]
        if found:
            return found
    raise ModelError(f"{asked}: there is no such run, checkpoint, exported folder or wheel")


def _matches(pattern: Path) -> list[Path]:
    """What the wildcards stand for; as in a shell, for a hidden name only where the pattern has the dot, too."""
    root = Path(pattern.anchor)
    matches = sorted(root.glob(str(pattern.relative_to(pattern.anchor))), key=_order)
    named = _hidden(pattern)
    return [path for path in matches if all(any(fnmatchcase(part, name) for name in named) for part in _hidden(path))]


def _hidden(path: Path) -> list[str]:
    return [part for part in path.parts if part.startswith(".") and part != ".."]


def _entrant_if_any(path: Path) -> Entrant | None:
    """A wildcard also meets what is no entrant; a run without its model is said to be left out, for it may have been meant."""
    try:
        return _entrant(path)
    except ModelError as error:
        if (path / RECIPE_FILE).is_file():
            _LOG.warning("left out: %s", error)
        return None


def _order(path: Path) -> tuple[str, int, str]:
    return str(path.parent), _step(path) or 0, path.name


def _step(path: Path) -> int | None:
    number = path.name.removeprefix(_CHECKPOINT)
    return int(number) if path.name.startswith(_CHECKPOINT) and number.isdigit() else None


def checkpoint_folders(run: Path) -> list[Path]:
    """The checkpoints a run has kept, by step."""
    folders = (run / CHECKPOINTS_FOLDER).glob(f"{_CHECKPOINT}*")
    return sorted((f for f in folders if (f / WEIGHTS_FILE).is_file() and _step(f) is not None), key=_order)


def _entrant(path: Path) -> Entrant:
    if path.suffix == ".whl":
        return Entrant(path.stem, "wheel", path)
    if path.suffix == ".jsonl":
        raise ModelError(
            f"{path}: is no model; predictions of another tool are scored by "
            f"`python -m train.data agreement gold.jsonl {path.name}`"
        )
    if not path.is_dir():
        raise ModelError(f"{path}: is neither a folder nor a wheel")
    real = path.resolve()  # so that `.` and `..` have names
    if (path / MODEL_FOLDER / FILE_NAME).is_file():
        return Entrant(real.name, "run", path, run=path)
    step = _step(real)
    if step is not None and (path / WEIGHTS_FILE).is_file():
        run = real.parent.parent if real.parent.name == CHECKPOINTS_FOLDER else real.parent
        return Entrant(f"{run.name}@{step}", "checkpoint", path, run=run, step=step)
    if (path / FILE_NAME).is_file() and (path / ENCODER_FILE).is_file():
        return Entrant(real.name, "onnx", path)
    if (path / FILE_NAME).is_file():
        inside = real.name == MODEL_FOLDER
        return Entrant(real.parent.name if inside else real.name, "model", path, run=real.parent if inside else None)
    if (path / RECIPE_FILE).is_file() and checkpoint_folders(path):
        raise ModelError(f"{path}: the run is not finished; name its checkpoints: {path}/{CHECKPOINTS_FOLDER}/{_CHECKPOINT}*")
    raise ModelError(f"{path}: is no run, checkpoint, model folder or exported folder")


@contextmanager
def exported_folder(entrant: Entrant) -> Iterator[Path]:
    """The folder of an exported entrant; a wheel's is unpacked for as long as the context lasts."""
    if entrant.kind == "onnx":
        yield entrant.path
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            with zipfile.ZipFile(entrant.path) as wheel:
                for member in wheel.namelist():
                    name = member.removeprefix(_PACKED)
                    # Only plain files of the weights folder: a name with a path in it could leave the scratch folder.
                    if member.startswith(_PACKED) and name and "/" not in name and "\\" not in name:
                        with wheel.open(member) as packed, (folder / name).open("wb") as out:
                            shutil.copyfileobj(packed, out)
        except (OSError, zipfile.BadZipFile) as error:
            raise ModelError(f"{entrant.path}: cannot be unpacked ({error})") from None
        if not (folder / FILE_NAME).is_file():
            raise ModelError(f"{entrant.path}: is no wheel of this project, it holds no {_PACKED}{FILE_NAME}")
        yield folder


@contextmanager
def opened(entrant: Entrant, threads: int | None = None) -> Iterator[Predictor]:
    """A predictor on the entrant. A wheel's graphs are run by this repository's runtime. ModelError when it is damaged."""
    if entrant.kind in ("onnx", "wheel"):
        with exported_folder(entrant) as folder:
            yield load_exported(folder, threads)
        return
    if threads:
        torch.set_num_threads(threads)
    if entrant.kind == "checkpoint":
        yield _open_checkpoint(entrant)
    else:
        yield load_predictor(model_part(entrant))


def model_part(entrant: Entrant) -> Path:
    """The folder with settings, tokenizer and encoder config; of a checkpoint that of its run."""
    if entrant.kind in ("run", "checkpoint"):
        assert entrant.run is not None
        return entrant.run / MODEL_FOLDER
    return entrant.path


def _open_checkpoint(entrant: Entrant) -> Predictor:
    folder = model_part(entrant)
    if not (folder / FILE_NAME).is_file():
        return _open_unfinished(entrant)
    network, tokenizer, settings, lexicon = load_model(folder)
    load_weights(network, entrant.path / WEIGHTS_FILE)
    network.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Predictor(network, tokenizer, settings, lexicon)


def _open_unfinished(entrant: Entrant) -> Predictor:
    """A checkpoint of a run that still trains (or was killed): settings and tokenizer are built anew, as `train.run` did."""
    assert entrant.run is not None
    recipe = load_recipe(entrant.run / RECIPE_FILE)
    encoder = build_encoder(recipe, Corpus(recipe.data).read("train"))
    size = NetworkSize(**recipe.network.model_dump())
    settings = new_settings(encoder, recipe.window.length, recipe.window.context, size, recipe.threshold, recipe.name)
    network = JointNetwork(encoder.model, size)
    load_weights(network, entrant.path / WEIGHTS_FILE)
    network.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Predictor(network, encoder.tokenizer, settings, load_lexicon(recipe.lexicon))


def files_of(entrant: Entrant) -> list[Path]:
    """What the entrant's answers depend on."""
    if entrant.kind == "wheel":
        return [entrant.path]
    if entrant.kind == "onnx":
        return [entrant.path / name for name in (FILE_NAME, TOKENIZER_FILE, LEXICON_FILE, ENCODER_FILE, RELATIONS_FILE)]
    folder = model_part(entrant)
    shared = [folder / name for name in (FILE_NAME, TOKENIZER_FILE, LEXICON_FILE, f"{ENCODER_FOLDER}/config.json")]
    weights = (entrant.path if entrant.kind == "checkpoint" else folder) / WEIGHTS_FILE
    if entrant.kind == "checkpoint" and not (folder / FILE_NAME).is_file():
        assert entrant.run is not None
        return [entrant.run / RECIPE_FILE, weights]
    return [*shared, weights]


def fingerprint(paths: Sequence[Path]) -> str:
    """SHA-256 over names and contents; ModelError when a file cannot be read."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


@dataclass(frozen=True)
class Size:
    """Bytes of what has to be shipped (weights, tokenizer, settings) and the number of parameters."""

    bytes: int
    parameters: int


def size_of(entrant: Entrant) -> Size:
    """Size on disk and parameters; ModelError when the weights cannot be read."""
    total = sum(path.stat().st_size for path in files_of(entrant))
    if entrant.kind in ("onnx", "wheel"):
        with exported_folder(entrant) as folder:
            return Size(total, sum(_graph_parameters(folder / name) for name in (ENCODER_FILE, RELATIONS_FILE)))
    weights = files_of(entrant)[-1]
    try:
        with weights.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        shapes = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{weights}: cannot be read ({error})") from None
    return Size(total, sum(int(np.prod(shape)) for shape in shapes))


def _graph_parameters(path: Path) -> int:
    """Floating-point and quantised weights of a graph; what is smaller than a vector is a constant, no weight."""
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf's and onnx's own classes
        raise ModelError(f"{path}: cannot be read ({error})") from None
    kinds = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    return sum(int(np.prod(t.dims)) for t in graph.initializer if t.data_type in kinds and len(t.dims))


def recipe_of(entrant: Entrant) -> dict[str, Any]:
    """The resolved recipe of the entrant's run; empty when it has none (an exported model)."""
    if entrant.run is None or not (entrant.run / RECIPE_FILE).is_file():
        return {}
    path = entrant.run / RECIPE_FILE
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: should hold keys and values")
    return data


def recipe_name(entrant: Entrant) -> str:
    """The name of the recipe an exported model was trained by, of others that of the recipe in the run folder."""
    recipe = recipe_of(entrant)
    if recipe:
        return str(recipe.get("name", ""))
    if entrant.kind in ("onnx", "wheel"):
        with exported_folder(entrant) as folder:
            return read_settings(folder).recipe
    return read_settings(model_part(entrant)).recipe


def provenance_of(entrant: Entrant) -> dict[str, Any]:
    """`provenance.json` of the entrant's run; empty when there is none (an exported model, a run not finished)."""
    path = entrant.run / "provenance.json" if entrant.run else None
    if path is None or not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from None
    return data if isinstance(data, dict) else {}
