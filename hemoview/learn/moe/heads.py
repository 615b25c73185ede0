"""A tower per task, and how its numbers become values in physical units with quantiles around them."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.moe.config import PARAMETERS, PREDICTED, LabelScale, ModelConfig

SMALLEST_GAP: Final = 1.0
"""mmHg kept between DBP, MAP and SBP, so that their order survives rounding on screen."""
_FIRST_DISTANCE: Final = math.log(math.expm1(1.645))
"""Where softplus gives the 5 and 95 % quantiles of a Gaussian of deviation 1."""
_LEAST_DISTANCE: Final = 1e-3
_LOG_SCALE_RANGE: Final = (-4.0, 2.0)


class Towers(nn.Module):  # type: ignore[misc]
    """Hidden layer and four numbers per task: level, distances to the lower and upper quantile, log deviation.

    The last layer starts at zero weights: an untrained tower says the label mean and the label's own spread.
    """

    def __init__(self, n_tasks: int, n_in: int, n_hidden: int, dropout: float) -> None:
        super().__init__()
        bound = math.sqrt(6 / (n_in + n_hidden))
        self.norm = nn.LayerNorm(n_in)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Parameter(torch.empty(n_tasks, n_in, n_hidden).uniform_(-bound, bound))
        self.hidden_bias = nn.Parameter(torch.zeros(n_tasks, 1, n_hidden))
        self.last = nn.Parameter(torch.zeros(n_tasks, n_hidden, 4))
        start = torch.tensor([0.0, _FIRST_DISTANCE, _FIRST_DISTANCE, 0.0])
        self.last_bias = nn.Parameter(start.repeat(n_tasks, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """``(B, tasks, n_in)`` → ``(B, tasks, 4)``."""
        x = self.dropout(self.norm(features)).transpose(0, 1)
        hidden = torch.relu(torch.baddbmm(self.hidden_bias, x, self.hidden))
        return torch.baddbmm(self.last_bias, hidden, self.last).transpose(0, 1)


class PhysicalUnits(nn.Module):  # type: ignore[misc]
    """From towers to mean, quantiles and log deviation. Holds the label statistics, not trained."""

    def __init__(self, config: ModelConfig, scale: LabelScale) -> None:
        super().__init__()
        self.ordered = config.outputs == "physiology"
        places = [PARAMETERS.index(name) for name in config.parameters_out]
        self.register_buffer("mean", torch.tensor([scale.mean[i] for i in places], dtype=torch.float32))
        self.register_buffer("sd", torch.tensor([scale.sd[i] for i in places], dtype=torch.float32))
        pulse = max(scale.mean[0] - scale.mean[2], 4 * SMALLEST_GAP)
        above = min(max(scale.fraction * pulse - SMALLEST_GAP, 0.1), pulse - 2 * SMALLEST_GAP - 0.1)
        part = above / (pulse - 2 * SMALLEST_GAP)
        start = [pulse - 2 * SMALLEST_GAP, math.log(part / (1 - part))]
        self.register_buffer("start", torch.tensor(start, dtype=torch.float32))

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``(B, P, 4)`` → mean, q05, q95 in physical units and log deviation in label deviations, each ``(B, P)``."""
        level, below, above, log_scale = raw.unbind(dim=2)
        mean = self._ordered(level) if self.ordered else self.mean + self.sd * level
        q05 = mean - self.sd * (functional.softplus(below) + _LEAST_DISTANCE)
        q95 = mean + self.sd * (functional.softplus(above) + _LEAST_DISTANCE)
        return mean, q05, q95, log_scale.clamp(*_LOG_SCALE_RANGE)

    def _ordered(self, level: Tensor) -> Tensor:
        """MAP is free, the pulse positive, MAP's place in it a fraction; stroke volume positive."""
        sbp, middle, dbp, stroke = (PREDICTED.index(name) for name in PREDICTED)
        free = _positive_near(self.start[0], self.sd[sbp] * level[:, sbp])
        below = SMALLEST_GAP + free * torch.sigmoid(self.start[1] + 0.25 * level[:, dbp])
        mean = self.mean[middle] + self.sd[middle] * level[:, middle]
        volume = _positive_near(self.mean[stroke], self.sd[stroke] * level[:, stroke])
        return torch.stack((mean - below + free + 2 * SMALLEST_GAP, mean, mean - below, volume), dim=1)


def _positive_near(centre: Tensor, step: Tensor) -> Tensor:
    """Positive whatever ``step``; equals ``centre`` at step 0 and moves like ``step`` around it."""
    sharp = 0.2
    at = centre + torch.log1p(-torch.exp(-sharp * centre)) / sharp  # softplus(at) = centre
    return functional.softplus(at + step, beta=sharp)
