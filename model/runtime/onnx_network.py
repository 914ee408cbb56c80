"""The exported network: two ONNX graphs run by onnxruntime."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import onnxruntime

from .decoding import Floats
from .errors import ModelError
from .pairs import PairBatch
from .windows import Ints, WindowBatch

ENCODER_FILE = "encoder.onnx"
RELATIONS_FILE = "relations.onnx"
TRAINED_FILE = "model.safetensors"
"""What a folder has that training wrote (`model.checkpoint`), for a clear word where an exported one is wanted."""
TRANSITIONS = "transitions"
"""Key under which the tag transitions stand, as JSON, in the metadata of the encoder's graph."""


# Fused operators of onnxruntime that are slower on a CPU than what they replace: 8 times and 1.5 times.
_SLOW_FUSIONS = ("SkipLayerNormFusion", "BiasGeluFusion")


class OnnxNetwork:
    """`Network` over two graphs: pieces and characters to tag logits and states, states and pairs to relation logits."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        if not (folder / ENCODER_FILE).exists() and (folder / TRAINED_FILE).exists():
            raise ModelError(f"{folder}: is a training checkpoint; export it with `make export`")
        self._encoder = _session(folder / ENCODER_FILE, threads)
        self._relations = _session(folder / RELATIONS_FILE, threads)
        try:
            stored = self._encoder.get_modelmeta().custom_metadata_map[TRANSITIONS]
        except KeyError:
            raise ModelError(f"{folder / ENCODER_FILE}: holds no tag transitions; export the model again") from None
        self._transitions = np.array(json.loads(stored), dtype=np.float32)

    @property
    def transitions(self) -> Floats:
        return self._transitions

    def encode(self, batch: WindowBatch) -> tuple[Floats, onnxruntime.OrtValue]:
        """`Network.encode`; the states stay where onnxruntime computed them."""
        feed = {name: _value(array) for name, array in inputs(batch).items()}
        logits, states = self._encoder.run_with_ort_values(["tag_logits", "states"], feed)
        return np.asarray(logits.numpy(), dtype=np.float32), states

    def relate(self, states: onnxruntime.OrtValue, pairs: PairBatch) -> Floats:
        feed = {name: _value(array) for name, array in inputs(pairs).items()}
        (logits,) = self._relations.run_with_ort_values(["relation_logits"], {"states": states, **feed})
        return np.asarray(logits.numpy(), dtype=np.float32)


def inputs(batch: WindowBatch | PairBatch) -> dict[str, Ints]:
    """The arrays of a batch by the names of the graph's inputs."""
    return {f.name: getattr(batch, f.name) for f in fields(batch)}


def _value(array: Ints) -> onnxruntime.OrtValue:
    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def _session(path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Spinning worker threads starve whatever else runs on a small machine (onnxruntime issue 13808).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Attention weights next to nothing are denormal numbers, with which a CPU computes a hundred times slower.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(_SLOW_FUSIONS)
        )
    except Exception as error:  # onnxruntime raises a dozen classes of its own for a missing or damaged file
        raise ModelError(f"{path}: cannot be loaded ({str(error).splitlines()[0]}); export the model again") from None
