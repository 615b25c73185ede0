"""From a trained student to ``model.onnx`` with golden outputs; refused unless torch = ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.estimate import bundle
from hemoview.learn.student import Student

F32 = NDArray[np.float32]

OPSET: Final = 18
"""onnxruntime 1.19, the oldest we allow, reads up to 21."""
CHECKED_BATCHES: Final = (1, 7)
CHECKED_LENGTHS_S: Final = (5.0, 7.3, 10.0)


def write_model(student: Student, path: Path) -> None:
    """Export with batch and time left open, without the exporter's traces (they hold paths of the machine)."""
    low, high = round(WINDOW_S_MIN * MODEL_RATE_HZ), round(WINDOW_S_MAX * MODEL_RATE_HZ)
    program = torch.onnx.export(
        student.eval(),
        (torch.zeros(2, 1, (low + high) // 2),),
        dynamo=True,
        input_names=["ppg"],
        dynamic_shapes={
            "ppg": {
                0: torch.export.Dim("batch", min=1, max=4096),
                2: torch.export.Dim("time", min=low, max=high),
            }
        },
        opset_version=OPSET,
        verbose=False,
    )
    model = program.model_proto
    _strip(model)
    _rename(model.graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(path))


def golden(student: Student, real: F32, seed: int) -> dict[str, F32]:
    """Golden cases for every checked batch and length: the student's own answers to real windows, tiled and cut.

    Args:
        student: whose answers.
        real: ``(n, time)`` model inputs to take windows from.
        seed: which windows.
    """
    rng = np.random.default_rng(seed)
    arrays: dict[str, F32] = {}
    cases = [(batch, length_s) for batch in CHECKED_BATCHES for length_s in CHECKED_LENGTHS_S]
    for number, (batch, length_s) in enumerate(cases):
        chosen = real[rng.integers(0, len(real), batch)]
        ppg = np.concatenate((chosen, chosen[:, ::-1]), axis=1)[:, None, : round(length_s * MODEL_RATE_HZ)]
        ppg = np.ascontiguousarray(ppg, dtype=np.float32)
        with torch.no_grad():
            outputs = student(torch.from_numpy(ppg))
        arrays[f"{number}_ppg"] = ppg
        arrays.update({f"{number}_{n}": o.numpy() for n, o in zip(bundle.OUTPUTS, outputs, strict=True)})
    return arrays


def _strip(model: Any) -> None:
    model.doc_string, model.producer_version = "", ""
    del model.metadata_props[:]
    for holder in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        holder.doc_string = ""
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]


def _rename(graph: Any) -> None:
    """Outputs get their contract names, everything in between a number, so that no two can clash."""
    names = {old.name: new for old, new in zip(graph.output, bundle.OUTPUTS, strict=True)}
    for number, name in enumerate(name for node in graph.node for name in node.output):
        names.setdefault(name, f"v{number}")
    for node in graph.node:
        node.name = ""
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    for output in graph.output:
        output.name = names[output.name]
