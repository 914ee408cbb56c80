"""Export: the network as two ONNX graphs, and a wheel that carries them with the torch-free runtime.

The wheel is called `dosilink`; in it `model/runtime/` becomes the package `dosilink`, with the weights beside the code.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from . import runtime
from .checkpoint import load_model
from .network import JointNetwork
from .runtime import WEIGHTS_FOLDER, __version__
from .runtime.errors import ModelError
from .runtime.lexicon import LEXICON_FILE
from .runtime.onnx_network import ENCODER_FILE, RELATIONS_FILE, TRANSITIONS
from .runtime.pairs import PairBatch
from .runtime.settings import FILE_NAME, TOKENIZER_FILE
from .runtime.windows import WindowBatch

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "dosilink"
version = "{version}"
description = "Reads Korean local-government news: who cooperates with whom, about what and when"
readme = "README.md"
requires-python = ">=3.11"
license = "Apache-2.0"
dependencies = ["numpy>=2", "tokenizers>=0.21", "onnxruntime>=1.20"]

[project.optional-dependencies]
ray = ["ray[data]>=2.60"]

[project.scripts]
dosilink = "dosilink.__main__:main"

[tool.setuptools]
packages = ["dosilink"]

[tool.setuptools.package-data]
dosilink = ["{weights}/*"]
"""

_README = """\
# dosilink

Reads Korean local-government news and returns who cooperates with whom, about what and when.

    from dosilink import predict
    document = predict("부산시는 …")

Recipe: {recipe}.

{report}
"""


def export_onnx(network: JointNetwork, folder: Path) -> None:
    """Writes `encoder.onnx` and `relations.onnx` with dynamic batch, pieces, characters and pairs."""
    network = network.eval().cpu().float()
    batch = network.tensors(_sample_windows())
    with torch.inference_mode():
        _, states = network(**batch)
    rows, pieces, chars = Dim("rows"), Dim("pieces"), Dim("chars")
    shapes = {name: {0: rows, 1: pieces if name.startswith("piece") else chars} for name in batch}
    transitions = {TRANSITIONS: json.dumps(network.transitions.tolist())}
    _export(network, batch, folder / ENCODER_FILE, ["tag_logits", "states"], shapes, transitions)
    pairs = network.tensors(_sample_pairs())
    mentions, ends = Dim("mentions"), Dim("pairs")
    pair_shapes = {name: {0: ends if name in ("head", "tail") else mentions} for name in pairs}
    inputs = {"states": states.clone(), **pairs}
    _export(
        network.relations, inputs, folder / RELATIONS_FILE, ["relation_logits"], {"states": {0: rows, 1: chars}, **pair_shapes}
    )


def _export(
    module: nn.Module,
    inputs: dict[str, Tensor],
    path: Path,
    outputs: list[str],
    shapes: dict[str, dict[int, Dim]],
    metadata: dict[str, str] | None = None,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            kwargs=inputs,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(metadata or {})
    program.save(path, external_data=False)


def _sample_windows() -> WindowBatch:
    ones = {"piece_ids": (2, 11), "piece_mask": (2, 11)}
    return WindowBatch(**{f.name: np.ones(ones.get(f.name, (2, 23)), dtype=np.int64) for f in fields(WindowBatch)})


def _sample_pairs() -> PairBatch:
    starts = np.array([1, 7, 12], dtype=np.int64)
    zeros = np.zeros_like(starts)
    head, tail = np.array([[0, 0, 1, 2, 2], [1, 2, 2, 0, 1]], dtype=np.int64)
    return PairBatch(zeros, starts, starts + 2, zeros, zeros, zeros + 20, head, tail)


def export_wheel(folder: Path, dist: Path) -> Path:
    """Packs a model folder into `dist/dosilink-<version>-py3-none-any.whl`; returns its path."""
    network, _, settings, _ = load_model(folder)
    report = folder.parent / "report.md"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        package = root / "dosilink"
        shutil.copytree(Path(runtime.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", WEIGHTS_FOLDER))
        weights = package / WEIGHTS_FOLDER
        weights.mkdir()
        for name in (FILE_NAME, TOKENIZER_FILE, LEXICON_FILE):
            shutil.copy(folder / name, weights / name)
        export_onnx(network, weights)
        (root / "pyproject.toml").write_text(_PYPROJECT.format(version=__version__, weights=WEIGHTS_FOLDER), encoding="utf-8")
        card = report.read_text(encoding="utf-8") if report.is_file() else ""
        (root / "README.md").write_text(_README.format(recipe=settings.recipe, report=card), encoding="utf-8")
        return _build(root, dist)


def _build(root: Path, dist: Path) -> Path:
    out = root / "out"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out)]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(root)], capture_output=True, text=True, check=False
    )
    if built.returncode:
        reason = built.stderr.strip().splitlines() or ["no reason given"]
        raise ModelError(f"the wheel could not be built: {reason[-1]}")
    (wheel,) = out.glob("*.whl")
    dist.mkdir(parents=True, exist_ok=True)
    target = dist / wheel.name
    temporary = dist / f".{wheel.name}.tmp"
    shutil.copy(wheel, temporary)
    temporary.replace(target)
    return target


__all__ = ["export_onnx", "export_wheel"]
