"""What the machine could do at most: the operations that reading takes, and its peak in large matrix products.

Multiplications and additions count one each. With L layers of width h and inner width i, embeddings of e, windows of P pieces
and C characters, a tagger of width H (inputs h + d, kernel k, T tags):

    encoder   2 P e h + L (2 P (4 h² + 2 h i) + 4 P² h)
    tagger    2 C (h + d) H + 2 (2 C k H²) + 2 C H T
    relations 2 M (3 H + 32) 2 W + 2 N (3 H W + W² + W R)        M mentions, N pairs, width W, R types

What is no matrix product (softmax, GELU, normalisation, decoding) is not counted, nor is padding: both are what keeps the share
below one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

_TIMES = 3


@dataclass
class Work:
    """Sums over the windows of what was read: what the operations depend on."""

    windows: int = 0
    pieces: int = 0
    squares: int = 0
    """Pieces squared, window by window."""
    characters: int = 0
    mentions: int = 0
    pairs: int = 0


@dataclass(frozen=True)
class Shape:
    """Widths of a network, named as in the formula above."""

    layers: int
    h: int
    i: int
    e: int
    d: int
    H: int
    k: int
    T: int
    W: int
    R: int

    def operations(self, work: Work) -> float:
        """Of all matrix products for this work."""
        embedding = 2 * work.pieces * self.e * self.h if self.e != self.h else 0
        layer = 2 * work.pieces * (4 * self.h**2 + 2 * self.h * self.i) + 4 * work.squares * self.h
        tagger = 2 * work.characters * ((self.h + self.d) * self.H + 2 * self.k * self.H**2 + self.H * self.T)
        mentions = 2 * work.mentions * (3 * self.H + 32) * 2 * self.W
        pairs = 2 * work.pairs * (3 * self.H * self.W + self.W**2 + self.W * self.R)
        return embedding + self.layers * layer + tagger + mentions + pairs


class Counting:
    """A network that counts what it is asked."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self.transitions = network.transitions
        self.work = Work()

    def encode(self, batch: Any) -> Any:
        pieces = batch.piece_mask.sum(axis=1)
        self.work.windows += len(pieces)
        self.work.pieces += int(pieces.sum())
        self.work.squares += int((pieces**2).sum())
        self.work.characters += int(batch.char_mask.sum())
        return self._network.encode(batch)

    def relate(self, states: Any, pairs: Any) -> Any:
        self.work.mentions += len(pairs.start)
        self.work.pairs += len(pairs)
        return self._network.relate(states, pairs)


def peaks(size: int, threads: int) -> dict[str, float]:
    """Operations a second of a product of two square matrices: fp32 (the better of numpy and torch), bf16 in torch, int8 in
    onnxruntime."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(size, size)).astype(np.float32) for _ in range(2))
    left, right = torch.from_numpy(a), torch.from_numpy(b)
    left16, right16 = left.bfloat16(), right.bfloat16()
    product = _integer_product(size, threads)
    rates = {
        "numpy": _rate(lambda: a @ b, size),
        "torch": _rate(lambda: left @ right, size),
        "bf16": _rate(lambda: left16 @ right16, size),
        "int8": _rate(product, size),
    }
    return {"fp32": max(rates["numpy"], rates["torch"]), "bf16": rates["bf16"], "int8": rates["int8"]}


def _rate(product: Callable[[], Any], size: int) -> float:
    product()
    seconds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / median(seconds)


def _integer_product(size: int, threads: int) -> Callable[[], Any]:
    """uint8 × int8, the weights constant as in a quantised network, so that onnxruntime can lay them out beforehand."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 255, (size, size)).astype(np.uint8)
    weights = rng.integers(-127, 127, (size, size)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [size, size])],
        [helper.make_tensor_value_info("c", TensorProto.INT32, [size, size])],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["c"], {"a": a})
