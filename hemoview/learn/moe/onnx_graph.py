"""The whole mixture as one ONNX graph, batch and time left open. Needs onnx and onnxscript."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import onnx
import torch

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.learn.moe.model import Deployed, LSM2oE

OPSET: Final = 18
OUTPUTS: Final = ("mean", "q05", "q95", "log_scale")


def write_graph(model: LSM2oE, path: Path) -> None:
    """Export a mixture: every expert is computed, those not chosen weigh nothing.

    Inputs ``ppg (batch, 1, time)`` and, where the model has them, ``demographics (batch, 4)``; outputs
    :data:`OUTPUTS`, each ``(batch, P)``. The model is left in evaluation, its ``dispatch`` as it was.
    """
    low, high = round(WINDOW_S_MIN * MODEL_RATE_HZ), round(WINDOW_S_MAX * MODEL_RATE_HZ)
    batch, time = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("time", min=low, max=high)
    inputs = [torch.zeros(2, 1, (low + high) // 2)]
    shapes = {"ppg": {0: batch, 2: time}}
    if model.demographics is not None:
        inputs.append(torch.full((2, 4), float("nan")))
        shapes["demographics"] = {0: batch}
    was = model.dispatch
    try:
        program = _exported(Deployed(model), tuple(inputs), shapes)
    finally:
        model.dispatch = was
    proto = program.model_proto
    strip(proto)
    rename(proto.graph, OUTPUTS)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save_model(proto, str(path))


def _exported(model: Deployed, inputs: tuple[torch.Tensor, ...], shapes: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "# The axis name: batch will not be used")  # both inputs share it
        return torch.onnx.export(
            model,
            inputs,
            dynamo=True,
            input_names=list(shapes),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            verbose=False,
        )


def strip(model: Any) -> None:
    """Take out the exporter's traces; they hold paths of the machine."""
    model.doc_string, model.producer_version = "", ""
    del model.metadata_props[:]
    for holder in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        holder.doc_string = ""
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]


def rename(graph: Any, outputs: Sequence[str]) -> None:
    """Outputs get their contract names, everything in between a number, so that no two can clash."""
    names = {old.name: new for old, new in zip(graph.output, outputs, strict=True)}
    for number, name in enumerate(name for node in graph.node for name in node.output):
        names.setdefault(name, f"v{number}")
    for node in graph.node:
        node.name = ""
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    for output in graph.output:
        output.name = names[output.name]
