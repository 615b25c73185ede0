"""Age, sex, height and weight as an input that may be missing."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

FIELDS: Final = ("age_y", "sex", "height_cm", "weight_kg")
N_FEATURES: Final = 16
_CENTRE: Final = (45.0, 0.5, 170.0, 72.0)
_UNIT: Final = (20.0, 0.5, 10.0, 16.0)
_DROPPED: Final = 0.15
"""Part of the known values hidden while training, and part of the windows that lose all four."""


class Demographics(nn.Module):  # type: ignore[misc]
    """``(B, 4)`` with NaN for unknown → ``(B, N_FEATURES)``. An unknown value is 0 with its flag down."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.tensor(_CENTRE))
        self.register_buffer("unit", torch.tensor(_UNIT))
        self.linear = nn.Linear(2 * len(FIELDS), N_FEATURES)

    def forward(self, demographics: Tensor) -> Tensor:
        """Features; while training, known values are hidden at random so that a model can do without."""
        known = ~torch.isnan(demographics)
        if self.training:
            kept = torch.rand(demographics.shape, device=demographics.device) >= _DROPPED
            whole = torch.rand(demographics.shape[0], 1, device=demographics.device) >= _DROPPED
            known = known & kept & whole
        values = torch.where(known, (demographics - self.centre) / self.unit, 0.0)
        return torch.relu(self.linear(torch.cat((values, known.to(values.dtype)), dim=1)))
