"""int8 graphs: weights of one byte, matrix products in integers, with the ranges of what flows through them measured beforehand.

Static rather than dynamic ranges: they cost no pass over the data, and what is read out of an article does not depend on which
articles share its batch. Each product becomes one operator of onnxruntime that multiplies, rescales and adds the bias
(`MatMulIntegerToFloat`); everything else (attention weights, GELU, normalisation) stays in floating point. onnxruntime's own
`quantize_static` leaves the bias and the rescaling as passes of their own; `docs/speed.md` has the comparison.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, create_calibrator
from onnxruntime.quantization.quant_utils import compute_scale_zp

Feed = Mapping[str, NDArray[Any]]
Ranges = Mapping[str, tuple[float, float]]

_CONTRIBUTED = "com.microsoft"
# Operators that only move numbers: quantising before them moves a quarter of the bytes, and is done once instead of K times.
_MOVING = frozenset({"Concat", "Slice", "Pad"})
# Processors without VNNI add two products in 16 bits, and 255 · 127 · 2 is more than these hold, so that large sums are cut off
# without a word. onnxruntime's remedy (session.x64quantprecision) makes the products 4 times slower on processors with AMX, too.
_LARGEST_FACTOR = 63
_LARGEST_BYTE = 127
# Smaller tables save nothing worth a rounding error.
_SMALLEST_TABLE = 1_000


def quantize(model: ModelProto, feeds: Iterable[Feed]) -> ModelProto:
    """An int8 copy of a floating-point graph; `feeds` are inputs of it that stand for what it will read.

    Matrix products with constant weights get weights of 7 bits, a scale a column; large embedding tables get 8 bits.
    """
    graph = _Graph(model)
    ranges = activation_ranges(model, feeds, [product.input[0] for product, _ in graph.products()])
    for product, weights in graph.products():
        graph.quantize_product(product, weights, ranges)
    for lookup, table in graph.lookups():
        graph.quantize_lookup(lookup, table)
    return graph.finished()


def activation_ranges(model: ModelProto, feeds: Iterable[Feed], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of the named tensors over the feeds."""
    if not names:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        onnx.save(model, plain)
        calibrator = create_calibrator(
            plain, ["MatMul", "Gemm"], str(Path(folder) / "calibrated.onnx"), calibrate_method=CalibrationMethod.MinMax
        )
        calibrator.collect_data(_Reader(feeds))
        measured = calibrator.compute_data()
        found = {name: measured[name].range_value for name in names}
    return {name: (float(np.min(low)), float(np.max(high))) for name, (low, high) in found.items()}


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def columns_in_bytes(weights: NDArray[np.float32], largest: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """[K, N] to whole numbers in -largest..largest and the scale of each column [N]; symmetric, the zero stays 0."""
    scales = np.abs(weights).max(axis=0) / largest
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    return np.clip(np.rint(weights / scales), -largest, largest).astype(np.int8), scales


class _Graph:
    """A copy of a model while it is rewritten."""

    def __init__(self, model: ModelProto) -> None:
        self.model = ModelProto()
        self.model.CopyFrom(model)
        self._nodes: list[NodeProto] = list(self.model.graph.node)
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
        self._makers = {output: node for node in self._nodes for output in node.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in self._nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._outputs = {output.name for output in self.model.graph.output}
        self._before: dict[int, list[NodeProto]] = {}
        self._dropped: set[int] = set()
        self._quantized: dict[tuple[str, str], str] = {}

    def products(self) -> Iterator[tuple[NodeProto, NDArray[np.float32]]]:
        """Matrix products with constant weights, and the weights as [K, N]."""
        for node in self._nodes:
            weights = self._constants.get(node.input[1]) if node.op_type in ("MatMul", "Gemm") else None
            if weights is None or weights.ndim != 2 or weights.dtype != np.float32:
                continue
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if attributes.get("transA") or attributes.get("alpha", 1) != 1 or attributes.get("beta", 1) != 1:
                continue
            yield node, weights.T if attributes.get("transB") else weights

    def lookups(self) -> Iterator[tuple[NodeProto, NDArray[np.float32]]]:
        """Gathers of whole rows from large constant tables."""
        for node in self._nodes:
            table = self._constants.get(node.input[0]) if node.op_type == "Gather" else None
            if table is None or table.ndim != 2 or table.dtype != np.float32 or len(table) < _SMALLEST_TABLE:
                continue
            if all(a.name != "axis" or a.i == 0 for a in node.attribute):
                yield node, table

    def quantize_product(self, node: NodeProto, weights: NDArray[np.float32], ranges: Ranges) -> None:
        """Replaces a product, with the bias that is added to it, by one in integers."""
        whole, scales = columns_in_bytes(weights, _LARGEST_FACTOR)
        name = node.output[0]
        scale, zero = self._scale_and_zero(node.input[0], ranges)
        factors = [
            self._quantize(node, node.input[0], scale, zero),
            self._constant(f"{name}_weights", whole),
            scale,
            self._constant(f"{name}_weight_scales", scales),
            zero,
            self._constant(f"{name}_weight_zeros", np.zeros(len(scales), dtype=np.int8)),
        ]
        bias, output = self._bias(node)
        if bias is not None:
            factors.append(self._constant(f"{name}_bias", bias))
        self._put_before(
            node, helper.make_node("MatMulIntegerToFloat", factors, [output], name=f"{name}_int8", domain=_CONTRIBUTED)
        )
        self._dropped.add(id(node))

    def quantize_lookup(self, node: NodeProto, table: NDArray[np.float32]) -> None:
        """Looks rows up in bytes and gives them their scales back."""
        whole, scales = columns_in_bytes(table, _LARGEST_BYTE)
        name = node.output[0]
        rows = f"{name}_rows"
        names = [
            self._constant(f"{name}_table", whole),
            self._constant(f"{name}_scales", scales),
            self._constant(f"{name}_zeros", np.zeros(len(scales), dtype=np.int8)),
        ]
        self._put_before(node, helper.make_node("Gather", [names[0], node.input[1]], [rows], name=f"{name}_lookup"))
        self._put_before(node, helper.make_node("DequantizeLinear", [rows, *names[1:]], [name], name=f"{name}_int8", axis=-1))
        self._dropped.add(id(node))

    def finished(self) -> ModelProto:
        """The rewritten model, without what nothing reads any more."""
        nodes = [n for node in self._nodes for n in (*self._before.get(id(node), ()), node) if id(n) not in self._dropped]
        read = {name for node in nodes for name in node.input} | self._outputs
        while any(not read.intersection(node.output) for node in nodes):
            nodes = [node for node in nodes if read.intersection(node.output)]
            read = {name for node in nodes for name in node.input} | self._outputs
        graph = self.model.graph
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in self._constants.items() if name in read)
        self.model.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))
        return self.model

    def _bias(self, node: NodeProto) -> tuple[NDArray[np.float32] | None, str]:
        """What is added to a product, if it is constant, and the tensor that then holds the result."""
        name = node.output[0]
        if len(node.input) > 2:
            return self._constants.get(node.input[2]), name
        readers = self._readers.get(name, [])
        if len(readers) == 1 and readers[0].op_type == "Add" and name not in self._outputs:
            (other,) = [operand for operand in readers[0].input if operand != name] or [name]
            bias = self._constants.get(other)
            if bias is not None and bias.ndim == 1:
                self._dropped.add(id(readers[0]))
                return bias, readers[0].output[0]
        return None, name

    def _scale_and_zero(self, name: str, ranges: Ranges) -> tuple[str, str]:
        low, high = (np.array(value, dtype=np.float32) for value in ranges[name])
        zero, scale = compute_scale_zp(low, high, np.array(0, dtype=np.uint8), np.array(255, dtype=np.uint8))
        constants = np.array(scale, dtype=np.float32).reshape(()), np.array(zero, dtype=np.uint8).reshape(())
        return self._constant(f"{name}_scale", constants[0]), self._constant(f"{name}_zero", constants[1])

    def _quantize(self, reader: NodeProto, name: str, scale: str, zero: str) -> str:
        """The name of a tensor in bytes, made before the node that reads it."""
        key = name, scale
        if key in self._quantized:
            return self._quantized[key]
        output = self._quantized[key] = f"{name}_in_{scale}"
        maker = self._makers.get(name)
        if maker is None or maker.op_type not in _MOVING:
            self._put_before(reader, helper.make_node("QuantizeLinear", [name, scale, zero], [output], name=f"{output}_quantize"))
            return output
        moved = NodeProto()
        moved.CopyFrom(maker)
        moved.name = f"{output}_moved"
        moved.output[:] = [output]
        data = range(len(maker.input)) if maker.op_type == "Concat" else range(1)
        for index in data:
            moved.input[index] = self._quantize(reader, maker.input[index], scale, zero)
        if maker.op_type == "Pad":
            # What is padded with is 0, and 0 is the zero point. The third input is that value, the fourth the axes.
            moved.input[:] = [*moved.input[:2], zero, *moved.input[3:]]
        self._put_before(reader, moved)
        return output

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = value
        return name

    def _put_before(self, node: NodeProto, added: NodeProto) -> None:
        self._before.setdefault(id(node), []).append(added)
