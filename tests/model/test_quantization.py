"""int8 graphs: close to the original, smaller, without what they no longer need; no sum that 16 bits cannot hold."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from model.quantization import activation_ranges, columns_in_bytes, quantize

RANDOM = np.random.default_rng(3)
TABLE = RANDOM.standard_normal((2_000, 24)).astype(np.float32)
WEIGHTS = RANDOM.standard_normal((3 * 24, 40)).astype(np.float32)
BIAS = RANDOM.standard_normal(40).astype(np.float32)
LAST = RANDOM.standard_normal((8, 40)).astype(np.float32)


def _model() -> ModelProto:
    """A lookup, a convolution over three neighbours as a matrix product with bias, a `Gemm` with transposed weights."""
    constants = {"table": TABLE, "weights": WEIGHTS, "bias": BIAS, "last": LAST, "last_bias": BIAS[:8], "zero": np.float32(0)}
    constants |= {"pads": np.array([1, 0, 1, 0]), "axis": np.array([0])}
    slices = []
    for shift in range(3):
        constants |= {f"from{shift}": np.array([shift]), f"to{shift}": np.array([shift - 2 if shift < 2 else 10_000])}
        slices.append(helper.make_node("Slice", ["padded", f"from{shift}", f"to{shift}", "axis"], [f"part{shift}"]))
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Pad", ["rows", "pads", "zero"], ["padded"]),
        *slices,
        helper.make_node("Concat", [f"part{shift}" for shift in range(3)], ["neighbours"], axis=1),
        helper.make_node("MatMul", ["neighbours", "weights"], ["product"]),
        helper.make_node("Add", ["bias", "product"], ["mixed"]),
        helper.make_node("Gemm", ["mixed", "last", "last_bias"], ["answer"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, ["n", 8])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def _run(model: ModelProto, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": ids})[0]


def test_an_int8_graph_is_close_and_small() -> None:
    model = _model()
    feeds = [{"ids": RANDOM.integers(0, 2_000, 50)} for _ in range(4)]
    small = quantize(model, feeds)
    assert Counter(node.op_type for node in small.graph.node) == {
        "Gather": 1,
        "DequantizeLinear": 1,
        "QuantizeLinear": 2,
        "Pad": 1,
        "Slice": 3,
        "Concat": 1,
        "MatMulIntegerToFloat": 2,
    }
    assert small.ByteSize() < model.ByteSize() / 3
    ids = RANDOM.integers(0, 2_000, 60)
    exact, rounded = _run(model, ids), _run(small, ids)
    assert np.abs(exact - rounded).mean() < 0.05 * np.abs(exact).mean()
    # The first and the last row have padding at one side: it counts for nothing in both.
    assert np.abs(exact - rounded)[[0, -1]].mean() < 0.1 * np.abs(exact).mean()


def test_what_is_read_does_not_depend_on_the_rest_of_the_batch() -> None:
    small = quantize(_model(), [{"ids": RANDOM.integers(0, 2_000, 50)}])
    loudest = int(np.abs(TABLE).max(axis=1).argmax())
    ids = RANDOM.integers(0, 2_000, 20)
    alone, together = _run(small, ids), _run(small, np.concatenate([ids, [loudest, loudest]]))
    np.testing.assert_array_equal(alone[:-1], together[: len(ids) - 1])


def test_columns_in_bytes() -> None:
    whole, scales = columns_in_bytes(np.array([[0.5, 0.0], [-2.0, 0.0]], dtype=np.float32), 63)
    assert whole.tolist() == [[16, 0], [-63, 0]]
    np.testing.assert_allclose(whole * scales, [[0.5, 0], [-2, 0]], atol=1 / 63)


def test_the_largest_pair_of_products_fits_16_bits() -> None:
    small = quantize(_model(), [{"ids": RANDOM.integers(0, 2_000, 50)}])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in small.graph.initializer}
    weights = [constants[node.input[1]] for node in small.graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(weights) == 2 and all(2 * 255 * np.abs(w.astype(int)).max() < 2**15 for w in weights)


def test_activation_ranges() -> None:
    ranges = activation_ranges(_model(), [{"ids": np.arange(1_000)}, {"ids": np.arange(1_000, 2_000)}], ["neighbours"])
    np.testing.assert_allclose(ranges["neighbours"], (TABLE.min(), TABLE.max()))
    assert activation_ranges(_model(), [], []) == {}
