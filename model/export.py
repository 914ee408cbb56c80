"""Export: the network as two ONNX graphs, in floating point or in int8, and a wheel with them and the torch-free runtime.

The wheel is called `dosilink`; in it `model/runtime/` becomes the package `dosilink`, with the weights beside the code. Three
steps, each of which leaves a folder that `dosilink.load` opens: `export_graphs`, `quantize_graphs`, `pack_wheel`.
"""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim

from . import runtime
from .checkpoint import load_model
from .network import JointNetwork
from .quantization import Feed, quantize
from .runtime import WEIGHTS_FOLDER, __version__
from .runtime.document import Document
from .runtime.errors import ModelError
from .runtime.exported import load_exported
from .runtime.lexicon import LEXICON_FILE
from .runtime.onnx_network import ENCODER_FILE, RELATIONS_FILE, TRANSITIONS, OnnxNetwork, inputs
from .runtime.pairs import PairBatch
from .runtime.predictor import Predictor
from .runtime.settings import TOKENIZER_FILE, read_settings, write_settings
from .runtime.windows import WindowBatch
from .serving import ServedEncoder

FP32, INT8 = "fp32", "int8"
PRECISIONS = (FP32, INT8)

# The first with the `Attention` operator.
_OPSET = 23

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
license = "Apache-2.0 AND CC-BY-SA-4.0"
dependencies = ["numpy>=2", "tokenizers>=0.21", "onnxruntime>=1.24"]

[project.optional-dependencies]
ray = ["ray[data]>=2.60", "aiohttp>=3"]

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

Recipe: {recipe}. Precision of the weights: {precision}.

{card}
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
    served = ServedEncoder(network).eval()
    _export(served, batch, folder / ENCODER_FILE, ["tag_logits", "states"], shapes, transitions)
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
    # It names each operator of torchvision that it does not find.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
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
            opset_version=_OPSET,
        )
    assert program is not None
    program.model.metadata_props.update(metadata or {})
    model = program.model_proto
    for node in model.graph.node:
        # Where in torch's code an operator comes from, half a megabyte of it.
        node.ClearField("metadata_props")
    onnx.save(model, path)


def _sample_windows() -> WindowBatch:
    ones = {"piece_ids": (2, 11), "piece_mask": (2, 11)}
    return WindowBatch(**{f.name: np.ones(ones.get(f.name, (2, 23)), dtype=np.int64) for f in fields(WindowBatch)})


def _sample_pairs() -> PairBatch:
    starts = np.array([1, 7, 12], dtype=np.int64)
    zeros = np.zeros_like(starts)
    head, tail = np.array([[0, 0, 1, 2, 2], [1, 2, 2, 0, 1]], dtype=np.int64)
    return PairBatch(zeros, starts, starts + 2, zeros, zeros, zeros + 20, head, tail)


def export_graphs(folder: Path, target: Path) -> None:
    """Writes a model folder as one of graphs in floating point; ModelError when it is missing or damaged."""
    network, _, settings, _ = load_model(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in (TOKENIZER_FILE, LEXICON_FILE):
        shutil.copy(folder / name, target / name)
    export_onnx(network, target)
    write_settings(target, replace(settings, precision=FP32))


def quantize_graphs(folder: Path, target: Path, articles: Sequence[Document]) -> None:
    """Writes a folder of floating-point graphs as one of int8 graphs; reads annotated articles to see what ranges numbers have.

    Their mentions lead the relation head, so that ranges do not hang on what a model finds. ModelError when no sentence has two.
    """
    predictor = load_exported(folder, threads=1)
    assert isinstance(predictor.network, OnnxNetwork)
    recorder = _Recorder(predictor.network)
    reader = Predictor(recorder, predictor.tokenizer, predictor.settings, predictor.lexicon)
    for _ in reader.relate_mentions((article.text, article.entities) for article in articles):
        pass
    if not recorder.pairs:
        raise ModelError("int8 needs articles with several mentions in a sentence to measure ranges on; export in fp32")
    target.mkdir(parents=True, exist_ok=True)
    for name in (TOKENIZER_FILE, LEXICON_FILE):
        shutil.copy(folder / name, target / name)
    for file, feeds in ((ENCODER_FILE, recorder.windows), (RELATIONS_FILE, recorder.pairs)):
        onnx.save(quantize(onnx.load(folder / file), feeds), target / file)
    write_settings(target, replace(read_settings(folder), precision=INT8))


class _Recorder:
    """A network that keeps what it is fed."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self.transitions = network.transitions
        self.windows: list[Feed] = []
        self.pairs: list[Feed] = []

    def encode(self, batch: WindowBatch) -> tuple[Any, Any]:
        self.windows.append(inputs(batch))
        return self._network.encode(batch)

    def relate(self, states: Any, pairs: PairBatch) -> Any:
        self.pairs.append({"states": states.numpy(), **inputs(pairs)})
        return self._network.relate(states, pairs)


def pack_wheel(folder: Path, dist: Path, card: str = "") -> Path:
    """Packs a folder of graphs into `dist/dosilink-<version>-py3-none-any.whl`; returns its path.

    `card`: Markdown about the model, shown as the package's description.
    """
    settings = read_settings(folder)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        package = root / "dosilink"
        shutil.copytree(Path(runtime.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", WEIGHTS_FOLDER))
        shutil.copytree(folder, package / WEIGHTS_FOLDER)
        (root / "pyproject.toml").write_text(_PYPROJECT.format(version=__version__, weights=WEIGHTS_FOLDER), encoding="utf-8")
        readme = _README.format(recipe=settings.recipe, precision=settings.precision, card=card)
        (root / "README.md").write_text(readme, encoding="utf-8")
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


__all__ = ["FP32", "INT8", "PRECISIONS", "export_graphs", "export_onnx", "pack_wheel", "quantize_graphs"]
