"""How windows meet experts: only the chosen pairs (training), or every expert on every window (export).

Layers of an expert are written once, for feature maps whose leading axes are a lane's business: ``(pairs, time,
channels)`` when sparse, ``(experts, batch, time, channels)`` when dense. A lane lends a layer the parameters that
belong to each leading index, and multiplies by each expert's own matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_ALIGNED = 4
"""Rows of a grouped product must start at multiples of 16 bytes, four float32."""
_VECTOR = 16
"""Products narrower than this take longer than products this wide (measured, decision 0014)."""


class Lanes(Protocol):
    """Parameters ``(experts, …)`` for a feature map."""

    def each(self, parameter: Tensor) -> Tensor:
        """Parameters in a shape that broadcasts against the leading axes."""

    def matmul(self, x: Tensor, weight: Tensor) -> Tensor:
        """``(…, time, n_in)`` by ``(experts, n_in, n_out)``."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """Chosen (expert, window) pairs, sorted by expert. Memory grows with pairs, not with experts.

    Args:
        expert, sample: ``(pairs,)`` which expert sees which window.
        ends: ``(experts,)`` int32, one past each expert's last pair.
    """

    expert: Tensor
    sample: Tensor
    ends: Tensor

    @classmethod
    def of(cls, chosen: Tensor) -> Sparse:
        """From ``(B, G, E)`` choices; a window that several gates send to an expert is computed there once."""
        union = chosen.any(dim=1).t()
        expert, sample = union.nonzero(as_tuple=True)
        return cls(expert, sample, union.sum(dim=1).cumsum(0).to(torch.int32))

    @classmethod
    def single(cls, like: Tensor) -> Sparse:
        """One expert that sees all of ``(B, …)``."""
        n_windows = like.shape[0]
        expert = torch.zeros(n_windows, dtype=torch.int64, device=like.device)
        sample = torch.arange(n_windows, device=like.device)
        return cls(expert, sample, torch.full((1,), n_windows, dtype=torch.int32, device=like.device))

    def gather(self, x: Tensor) -> Tensor:
        """``(B, …)`` → ``(pairs, …)``."""
        return x.index_select(0, self.sample)

    def each(self, parameter: Tensor) -> Tensor:
        """``(experts, …)`` → ``(pairs, …)``."""
        return parameter.index_select(0, self.expert)

    def matmul(self, x: Tensor, weight: Tensor) -> Tensor:
        """``(pairs, time, n_in)`` → ``(pairs, time, n_out)``, one grouped product over all experts."""
        n_in, n_out = weight.shape[1:]
        more_in, more_out = -n_in % _ALIGNED, -n_out % (_ALIGNED if n_out > _VECTOR else _VECTOR)
        if more_in or more_out:
            x = functional.pad(x, (0, more_in))
            weight = functional.pad(weight, (0, more_out, 0, more_in))
        rows = x.reshape(-1, x.shape[-1])
        out = functional.grouped_mm(rows, weight, offs=self.ends * x.shape[1])
        if out.requires_grad:  # its backward refuses the expanded gradient of a mean
            out.register_hook(Tensor.contiguous)
        return out.view(*x.shape[:-1], -1)[..., :n_out]

    def mix(self, features: Tensor, gates: Tensor) -> Tensor:
        """``(pairs, D)`` and ``(B, G, E)`` → ``(B, G, D)``, the gates' weighted sums."""
        n_windows, n_gates, _ = gates.shape
        place = self.expert * n_windows + self.sample
        weight = gates.permute(2, 0, 1).reshape(-1, n_gates).index_select(0, place)
        empty = features.new_zeros(n_windows, n_gates, features.shape[1])
        return empty.index_add(0, self.sample, weight.unsqueeze(2) * features.unsqueeze(1))


@dataclass(frozen=True, slots=True)
class Dense:
    """Every expert on every window; static shapes, so that it can be exported."""

    n_experts: int

    def gather(self, x: Tensor) -> Tensor:
        """``(B, …)`` → ``(E, B, …)``."""
        return x.unsqueeze(0).expand(self.n_experts, *x.shape)

    def each(self, parameter: Tensor) -> Tensor:
        """``(E, …)`` → ``(E, 1, …)``."""
        return parameter.unsqueeze(1)

    def matmul(self, x: Tensor, weight: Tensor) -> Tensor:
        """``(E, B, time, n_in)`` → ``(E, B, time, n_out)``."""
        return torch.bmm(x.flatten(1, 2), weight).unflatten(1, x.shape[1:3])

    def mix(self, features: Tensor, gates: Tensor) -> Tensor:
        """``(E, B, D)`` and ``(B, G, E)`` → ``(B, G, D)``."""
        return torch.matmul(gates, features.transpose(0, 1))
