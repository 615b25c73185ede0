"""From a trained network to ``model.onnx`` with golden outputs: a wave in, mean and quantiles out."""

from __future__ import annotations

import copy
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.estimate import bundle
from hemoview.learn.moe.model import Deployed, LSM2oE
from hemoview.learn.moe.onnx_graph import graph_bytes

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


def model_bytes(network: nn.Module) -> bytes:
    """``model.onnx`` of a network ``ppg (B, 1, time)`` → mean, q05, q95, such as :class:`AtBedside`."""
    low, high = round(WINDOW_S_MIN * MODEL_RATE_HZ), round(WINDOW_S_MAX * MODEL_RATE_HZ)
    return graph_bytes(network.eval(), {"ppg": torch.zeros(2, 1, (low + high) // 2)}, bundle.OUTPUTS)


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
