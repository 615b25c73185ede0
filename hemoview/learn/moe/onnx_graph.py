"""A network as one ONNX graph, batch and time left open. Needs onnx and onnxscript."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import onnx
import torch
from torch import Tensor, nn

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, WINDOW_S_MIN

OPSET: Final = 18
"""onnxruntime 1.19, the oldest we allow, reads up to 21."""


def graph_bytes(network: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> bytes:
    """Export, without the exporter's traces (they hold paths of the machine).

    Args:
        network: in evaluation, called with the inputs in their order.
        inputs: an example of each by name, two rows; ``(2, channels, time)`` is open in batch and time (5 to 10 s),
            ``(2, columns)`` in batch.
        outputs: names of what it answers.
    """
    low, high = round(WINDOW_S_MIN * MODEL_RATE_HZ), round(WINDOW_S_MAX * MODEL_RATE_HZ)
    batch, time = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("time", min=low, max=high)
    shapes = {name: {0: batch, 2: time} if x.ndim == 3 else {0: batch} for name, x in inputs.items()}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages nobody asked for
    with warnings.catch_warnings():
        # torch 2.13's exporter uses names of its own that torch deprecated.
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", "# The axis name: batch will not be used")  # inputs share it
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            verbose=False,
        )
    model = program.model_proto
    _strip(model)
    _rename(model.graph, outputs)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _strip(model: Any) -> None:
    model.doc_string, model.producer_version = "", ""
    del model.metadata_props[:]
    for holder in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        holder.doc_string = ""
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]


def _rename(graph: Any, outputs: Sequence[str]) -> None:
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
