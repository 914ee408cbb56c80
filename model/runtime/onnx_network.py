"""The exported network: two ONNX graphs run by onnxruntime."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import onnxruntime

from .decoding import Floats
from .errors import ModelError
from .pairs import PairBatch
from .windows import WindowBatch

ENCODER_FILE = "encoder.onnx"
RELATIONS_FILE = "relations.onnx"
TRANSITIONS = "transitions"
"""Key under which the tag transitions stand, as JSON, in the metadata of the encoder's graph."""


class OnnxNetwork:
    """`Network` over two graphs: pieces and characters to tag logits and states, states and pairs to relation logits."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
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

    def encode(self, batch: WindowBatch) -> tuple[Floats, Floats]:
        logits, states = self._encoder.run(["tag_logits", "states"], {f.name: getattr(batch, f.name) for f in fields(batch)})
        return logits, states

    def relate(self, states: Floats, pairs: PairBatch) -> Floats:
        feed = {f.name: getattr(pairs, f.name) for f in fields(pairs)}
        (logits,) = self._relations.run(["relation_logits"], {"states": states, **feed})
        return np.asarray(logits, dtype=np.float32)


def _session(path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Spinning worker threads starve whatever else runs on a small machine (onnxruntime issue 13808).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen classes of its own for a missing or damaged file
        raise ModelError(f"{path}: cannot be loaded ({str(error).splitlines()[0]}); export the model again") from None
