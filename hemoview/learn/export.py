"""From a trained network to ``model.onnx`` with golden outputs: a wave in, mean and quantiles out."""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.estimate import bundle
from hemoview.learn.moe.model import Deployed, LSM2oE
from hemoview.learn.moe.onnx_graph import OPSET, rename, strip

F32 = NDArray[np.float32]

CHECKED_BATCHES: Final = (1, 7)
CHECKED_LENGTHS_S: Final = (5.0, 7.3, 10.0)


class AtBedside(nn.Module):  # type: ignore[misc]
    """A mixture as the bedside asks it: ``ppg (B, 1, time)`` → mean, q05, q95 ``(B, P)``; nothing known of the person.

    Holds a copy in evaluation with every expert run and batch norms folded into the convolutions before them.
    """

    def __init__(self, model: LSM2oE) -> None:
        super().__init__()
        own = copy.deepcopy(model).eval()
        own.bottom.stem, own.bottom.norm = _folded(own.bottom.stem, own.bottom.norm)
        for stage in own.bottom.stages:
            stage.point, stage.norm = _folded(stage.point, stage.norm)
        self.network = Deployed(own)
        self.eval()

    def forward(self, ppg: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Physical units, in the order of the model's ``parameters_out``."""
        mean, q05, q95, _ = self.network(ppg)
        return mean, q05, q95


def _folded(convolution: Any, norm: Any) -> tuple[Any, Any]:
    return fuse_conv_bn_eval(convolution, norm), nn.Identity()


def write_model(network: nn.Module, path: Path) -> None:
    """Export with batch and time left open, without the exporter's traces (they hold paths of the machine).

    Args:
        network: ``ppg (B, 1, time)`` → mean, q05, q95, such as :class:`AtBedside`.
        path: of the ``.onnx`` file.
    """
    path.write_bytes(model_bytes(network))


def model_bytes(network: nn.Module) -> bytes:
    """What :func:`write_model` writes."""
    low, high = round(WINDOW_S_MIN * MODEL_RATE_HZ), round(WINDOW_S_MAX * MODEL_RATE_HZ)
    batch, time = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("time", min=low, max=high)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages nobody asked for
    with warnings.catch_warnings():
        # torch 2.13's exporter uses names of its own that torch deprecated.
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        program = torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 1, (low + high) // 2),),
            dynamo=True,
            input_names=["ppg"],
            dynamic_shapes={"ppg": {0: batch, 2: time}},
            opset_version=OPSET,
            verbose=False,
        )
    model = program.model_proto
    strip(model)
    rename(model.graph, bundle.OUTPUTS)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def golden(network: nn.Module, real: F32, seed: int) -> dict[str, F32]:
    """Golden cases for every checked batch and length: the network's own answers to real windows, tiled and cut.

    Args:
        network: whose answers; ``ppg`` → mean, q05, q95.
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
            outputs = network(torch.from_numpy(ppg))
        arrays[f"{number}_ppg"] = ppg
        arrays.update({f"{number}_{n}": o.numpy() for n, o in zip(bundle.OUTPUTS, outputs, strict=True)})
    return arrays
