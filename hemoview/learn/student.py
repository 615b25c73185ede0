"""The first student: a small convolutional network whose outputs obey the order of pressures by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_GAP: Final = 1.0
"""mmHg kept between DBP, MAP and SBP, so that their order survives rounding on screen."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an untrained network starts: label means and spreads, in physical units.

    Args:
        map_mmhg, pulse_mmhg, sv_ml: mean of MAP, pulse pressure, stroke volume.
        map_sd, pulse_sd, sv_sd: their spread.
        fraction: mean of (MAP − DBP) / (SBP − DBP).
    """

    map_mmhg: float
    map_sd: float
    pulse_mmhg: float
    pulse_sd: float
    fraction: float
    sv_ml: float
    sv_sd: float


class Block(nn.Module):  # type: ignore[misc]
    """Depthwise-separable convolution that halves the rate, with a pooled shortcut."""

    def __init__(self, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.depth = nn.Conv1d(n_in, n_in, kernel, stride=2, padding=kernel // 2, groups=n_in, bias=False)
        self.point = nn.Conv1d(n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm1d(n_out)
        self.short = nn.Conv1d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, n_in, time)`` → ``(batch, n_out, ceil(time / 2))``."""
        halved = functional.avg_pool1d(x, 2, ceil_mode=True, count_include_pad=False)
        return torch.relu(self.norm(self.point(self.depth(x))) + self.short(halved))


class Student(nn.Module):  # type: ignore[misc]
    """Pulse wave ``(batch, 1, time)`` at 64 Hz, 5 to 10 s → mean, q05, q95, each ``(batch, 4)`` in mmHg and mL.

    Any length goes in because features are pooled over time. MAP is free, pulse pressure positive and the place of
    MAP between DBP and SBP a fraction, so DBP < MAP < SBP always. Quantiles lie on both sides of the mean by positive
    distances; they describe the spread around a subject's own level, the level's own uncertainty is the conformal
    layer's. Stroke volume reads the features but never shapes them: no simulated wave touches a pressure.

    ``modesty`` scales every step away from the training subjects' mean; 1 while training. Below 1 it takes back part
    of a level that strangers turn out not to have (LOG.md has the trade).
    """

    def __init__(self, scale: Scale, width: int = 24, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, width, 9, stride=2, padding=4, bias=False)
        self.stem_norm = nn.BatchNorm1d(width)
        self.blocks = nn.Sequential(
            Block(width, width * 4 // 3, 7),
            Block(width * 4 // 3, width * 2, 7),
            Block(width * 2, width * 2, 7),
        )
        self.dropout = nn.Dropout(dropout)
        self.trunk = nn.Linear(width * 4, 32)
        self.level = nn.Linear(32, 3)
        self.stroke = nn.Linear(32, 1)
        self.spread = nn.Linear(32, 6)
        self.stroke_spread = nn.Linear(32, 2)
        for head in (self.level, self.stroke):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        self.scale = scale
        self.modesty = 1.0

    def forward(self, ppg: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, 5 % and 95 % quantile, each ``(batch, 4)`` in the order of ``rows.LABELS``."""
        x = self.blocks(torch.relu(self.stem_norm(self.stem(ppg))))
        centre = x.mean(dim=2)
        spread = torch.sqrt((x - centre.unsqueeze(2)).square().mean(dim=2) + 1e-5)
        hidden = torch.relu(self.trunk(self.dropout(torch.cat((centre, spread), dim=1))))
        apart = hidden.detach()
        mean = self._physical(self.modesty * self.level(hidden), self.stroke(apart))
        pressures, stroke = (
            functional.softplus(self.spread(hidden)),
            functional.softplus(self.stroke_spread(apart)),
        )
        unit = self._unit(hidden)
        below = torch.cat((pressures[:, :3], stroke[:, :1]), dim=1) * unit
        above = torch.cat((pressures[:, 3:], stroke[:, 1:]), dim=1) * unit
        return mean, mean - below, mean + above

    def _physical(self, raw: Tensor, raw_stroke: Tensor) -> Tensor:
        s = self.scale
        mean = s.map_mmhg + s.map_sd * raw[:, 0]
        pulse = 3 * SMALLEST_GAP + _softplus_at(s.pulse_mmhg - 3 * SMALLEST_GAP, s.pulse_sd * raw[:, 1])
        start = torch.logit(torch.tensor(s.fraction))
        free = pulse - 2 * SMALLEST_GAP
        below = SMALLEST_GAP + free * torch.sigmoid(start + 0.25 * raw[:, 2])
        stroke = s.sv_ml + s.sv_sd * raw_stroke[:, 0]
        return torch.stack((mean - below + pulse, mean, mean - below, stroke), dim=1)

    def _unit(self, like: Tensor) -> Tensor:
        s = self.scale
        each = [s.pulse_sd, s.map_sd, s.map_sd, s.sv_sd]
        return torch.tensor(each, dtype=like.dtype, device=like.device)


def _softplus_at(centre: float, step: Tensor) -> Tensor:
    """Positive whatever ``step``; equals ``centre`` at step 0 and moves like ``step`` around it."""
    return functional.softplus(centre + step, beta=0.2)


def count_params(model: Any) -> int:
    """Trained numbers in the model."""
    return sum(p.numel() for p in model.parameters())


def count_macs(model: Student, n_samples: int) -> int:
    """Multiply-accumulates of one window of ``n_samples``, from the convolutions and linear layers it runs."""
    total = 0

    def add(layer: Any, _: Any, out: Tensor) -> None:
        nonlocal total
        total += out.shape[2] * layer.weight.numel() if out.ndim == 3 else layer.weight.numel()

    hooks = [
        layer.register_forward_hook(add)
        for layer in model.modules()
        if isinstance(layer, nn.Conv1d | nn.Linear)
    ]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 1, n_samples))
    for hook in hooks:
        hook.remove()
    return total
