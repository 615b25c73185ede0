"""From an fp32 ONNX graph to smaller ones: int8 arithmetic (static QDQ), or int8 weights with fp32 arithmetic.

*int8*: activations and weights of every large convolution and matrix, calibrated on windows; gates and the last layer
of the towers stay fp32. *int8 weights*: stored as int8 with a scale for each output channel of each expert, widened
once when the model is opened. Its answers do not hang on how a processor rounds inside, as int8 arithmetic does.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.estimate import bundle
from hemoview.estimate.bundle import open_onnx

F32 = NDArray[np.float32]

LARGE: Final = 64
"""Numbers a weight must have to be worth rounding; of a bank, each expert's."""
CALIBRATION_LENGTHS_S: Final = (5.0, 7.3, 10.0)
_AT_ONCE: Final = 32
_LEVELS: Final = 127
_OPERATORS: Final = ("Conv", "MatMul")
_OUTPUTS_A_TASK: Final = 4


def static_int8(model: bytes, windows: F32) -> bytes:
    """int8 arithmetic: static quantisation, a scale for each output channel of each weight.

    Args:
        model: fp32 graph with input ``ppg``.
        windows: ``(n, time)`` model inputs of training subjects that set the ranges of the activations.
    """
    proto = _experts_apart(onnx.load_from_string(model))
    for number, node in enumerate(proto.graph.node):
        node.name = f"n{number}"
    chosen = [node.name for node in proto.graph.node if _weight(proto, node) is not None]
    if not chosen:  # none would mean all to the quantiser
        return model
    loud = logging.getLogger()
    level = loud.level
    loud.setLevel(logging.ERROR)  # it advises a step that is done here already
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "int8.onnx"
            quantize_static(
                proto,
                path,
                _Windows(windows),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                # Seven bits of a weight: x86 without VNNI adds two products in 16 bits, and eight would saturate there
                # (onnxruntime, "Quantize ONNX models"): 1.2 SD off on such a computer, and nearly nothing elsewhere.
                reduce_range=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=chosen,
                op_types_to_quantize=list(_OPERATORS),
                calibrate_method=CalibrationMethod.MinMax,
            )
            made = onnx.load(path)
    finally:
        loud.setLevel(level)
    return _plain(made)


def int8_weights(model: bytes) -> bytes:
    """fp32 arithmetic on weights that are stored as int8, a scale for each output channel of each expert."""
    proto = onnx.load_from_string(model)
    graph = proto.graph
    large = {w.name: w for node in graph.node if (w := _weight(proto, node)) is not None}
    outputs = {_weight_name(node): _output_axes(node) for node in graph.node}
    new: list[Any] = []
    for name, weight in large.items():
        stored, scale = rounded(numpy_helper.to_array(weight), outputs[name])
        graph.initializer.remove(weight)
        graph.initializer.extend(
            (
                numpy_helper.from_array(stored, f"{name}_i8"),
                numpy_helper.from_array(scale, f"{name}_scale"),
            )
        )
        new.append(helper.make_node("Cast", [f"{name}_i8"], [f"{name}_f"], to=onnx.TensorProto.FLOAT))
        new.append(helper.make_node("Mul", [f"{name}_f", f"{name}_scale"], [name]))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend((*new, *rest))
    return _plain(proto)


def rounded(weight: F32, keep: Sequence[int]) -> tuple[NDArray[np.int8], F32]:
    """Symmetric int8 and its scales, one for each index of the axes in ``keep`` (those it has of them)."""
    kept = {axis % weight.ndim for axis in keep if axis >= -weight.ndim}
    others = tuple(axis for axis in range(weight.ndim) if axis not in kept)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scale = (np.where(largest > 0, largest, 1.0) / _LEVELS).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale


def answers(model: bytes, windows: F32) -> dict[str, F32]:
    """``mean, q05, q95`` of ``(n, time)`` model inputs, each ``(n, P)``."""
    session = open_onnx(model, Path("model"))
    found = [
        session.run(list(bundle.OUTPUTS), {"ppg": windows[first : first + _AT_ONCE, None]})
        for first in range(0, len(windows), _AT_ONCE)
    ]
    return {name: np.concatenate([f[i] for f in found]) for i, name in enumerate(bundle.OUTPUTS)}


def golden(model: bytes, cases: dict[str, F32]) -> dict[str, F32]:
    """The golden inputs of ``cases`` (of :func:`hemoview.learn.export.golden`) with this model's own answers."""
    session = open_onnx(model, Path("model"))
    out = {}
    for key in [key for key in cases if key.endswith("_ppg")]:
        number = key.removesuffix("_ppg")
        out[key] = cases[key]
        found = session.run(list(bundle.OUTPUTS), {"ppg": cases[key]})
        out.update({f"{number}_{n}": f for n, f in zip(bundle.OUTPUTS, found, strict=True)})
    return out


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    """Calibration windows, cut to each of the checked lengths."""

    def __init__(self, windows: F32) -> None:
        self.batches: Iterator[dict[str, F32]] = iter(
            [
                {"ppg": np.ascontiguousarray(windows[first : first + _AT_ONCE, None, : _samples(windows, s)])}
                for first in range(0, len(windows), _AT_ONCE)
                for s in CALIBRATION_LENGTHS_S[-1:] + CALIBRATION_LENGTHS_S[:-1]
            ]
        )

    def get_next(self) -> dict[str, F32] | None:
        return next(self.batches, None)


def _samples(windows: F32, seconds: float) -> int:
    return min(int(windows.shape[1]), round(seconds * MODEL_RATE_HZ))


def _weight_name(node: Any) -> str:
    return str(node.input[1]) if node.op_type in _OPERATORS and len(node.input) > 1 else ""


def _weight(proto: Any, node: Any) -> Any:
    """The large weight of a node that may be quantised, else None. Gates are ``Gemm`` and not looked at."""
    name = _weight_name(node)
    found = next((w for w in proto.graph.initializer if w.name == name), None)
    if found is None or found.data_type != onnx.TensorProto.FLOAT:
        return None
    if int(np.prod(found.dims[-2:] if node.op_type == "MatMul" else found.dims)) < LARGE:
        return None
    return None if node.op_type == "MatMul" and found.dims[-1] == _OUTPUTS_A_TASK else found


def _output_axes(node: Any) -> tuple[int, ...]:
    """Axes of a weight along which scales differ: its output channels, and its experts or tasks."""
    return (0,) if node.op_type == "Conv" else (-3, -1)


def _experts_apart(proto: Any) -> Any:
    """Each expert's product as a node of its own: int8 products of a bank have one scale for all of its experts."""
    graph = proto.graph
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        bank = _weight(proto, node) if node.op_type == "MatMul" else None
        if bank is None or len(bank.dims) != 3:
            graph.node.append(node)
            continue
        value, out = numpy_helper.to_array(bank), node.output[0]
        parts = [f"{out}_{i}" for i in range(len(value))]
        graph.node.append(
            helper.make_node(
                "Split", [node.input[0]], [f"{p}_in" for p in parts], axis=0, num_outputs=len(parts)
            )
        )
        for part, matrix in zip(parts, value, strict=True):
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(matrix), f"{part}_w"))
            graph.node.append(helper.make_node("MatMul", [f"{part}_in", f"{part}_w"], [part]))
        graph.node.append(helper.make_node("Concat", parts, [out], axis=0))
        graph.initializer.remove(bank)
    return proto


def _plain(proto: Any) -> bytes:
    """Checked, without the traces of tools, same bytes for the same graph."""
    proto.producer_version, proto.doc_string = "", ""
    del proto.metadata_props[:]
    del proto.graph.value_info[:]
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))
