"""Size of a mixture: trained numbers, and multiply-accumulates of one window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hemoview.learn.moe.layers import Msfgm
from hemoview.learn.moe.model import LSM2oE


@dataclass(frozen=True, slots=True)
class Macs:
    """Multiply-accumulates of one window in convolutions and matrices; norms and attention's means are left out.

    Args:
        bottom, expert, heads: shared bottom; one expert; gates, demographics and towers.
        experts_run: the most experts a window can reach: k, or k for every gate that chooses for itself.
        n_experts: in the bank.
    """

    bottom: int
    expert: int
    heads: int
    experts_run: int
    n_experts: int

    @property
    def as_run(self) -> int:
        """With the chosen experts only, when no two gates choose the same."""
        return self.bottom + self.experts_run * self.expert + self.heads

    @property
    def dense(self) -> int:
        """With every expert on every window."""
        return self.bottom + self.n_experts * self.expert + self.heads


def count_params(model: nn.Module) -> int:
    """Trained numbers."""
    return sum(p.numel() for p in model.parameters())


def count_macs(model: LSM2oE, n_samples: int) -> Macs:
    """Of one window of ``n_samples`` at 64 Hz."""
    bottom, n_steps = _bottom_macs(model, n_samples)
    config = model.config
    heads = model.gates.clean.weight.numel() + model.towers.hidden.numel() + model.towers.last.numel()
    if model.demographics is not None:
        heads += model.demographics.linear.weight.numel()
    votes = 1 if model.gates.agree else model.gates.shape[0]
    reached = min(config.num_experts, votes * config.k)
    expert = sum(block.macs(n_steps) for block in model.experts)
    return Macs(bottom, expert, heads, reached, config.num_experts)


def _bottom_macs(model: LSM2oE, n_samples: int) -> tuple[int, int]:
    """Multiply-accumulates of the shared bottom, and time steps of its feature map."""
    total = 0

    def add(layer: Any, _: Any, out: Tensor) -> None:
        nonlocal total
        total += (
            layer.macs(out.shape[-2]) if isinstance(layer, Msfgm) else out.shape[2] * layer.weight.numel()
        )

    hooks = [m.register_forward_hook(add) for m in model.bottom.modules() if isinstance(m, nn.Conv1d | Msfgm)]
    was_training = model.training
    with torch.no_grad():
        shared = model.eval().bottom(torch.zeros(1, 1, n_samples, device=model.units.mean.device))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return total, shared.shape[1]
