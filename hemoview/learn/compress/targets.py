"""Batches as tensors: what every step of compression feeds a network and compares it with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hemoview.learn.batches import Batch
from hemoview.learn.losses import Target
from hemoview.learn.moe.config import PARAMETERS
from hemoview.learn.moe.model import LSM2oE


def target_of(batch: Batch, model: LSM2oE, device: str = "cpu") -> Target:
    """The labels of a batch that ``model`` predicts; unknown ones are masked."""
    columns = columns_of(model)
    label = tensor(batch.labels[:, columns], device)
    unit, centre = (tensor(np.array(v)[columns], device) for v in (model.scale.sd, model.scale.mean))
    return Target(
        torch.nan_to_num(label), torch.isfinite(label), torch.from_numpy(batch.group).to(device), unit, centre
    )


def columns_of(model: LSM2oE) -> list[int]:
    """Where the outputs of a mixture stand among the ten parameters."""
    return [PARAMETERS.index(name) for name in model.parameters_out]


def tensor(values: NDArray[Any], device: str = "cpu") -> Tensor:
    """float32 on the device."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)
