"""What a training step minimises: errors on standardised labels, weighed by learned uncertainty, missing labels masked.

UR-Loss (the LSM²oE paper; Kendall, Gal & Cipolla, CVPR 2018): one learned ``s = log σ²`` a task,
``Σ exp(−s)·L + ½·s``. With ``L = ½ error²`` that is the Gaussian likelihood. Here on labels of mean 0 and
deviation 1, so that ``s`` starts near its optimum for every task, whatever its unit.

Sums run over the whole batch, also where several processes hold a part of it each (:mod:`distributed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn import distributed
from hemoview.learn.moe.gate import spread
from hemoview.learn.moe.model import Output
from hemoview.learn.run_config import Weights

QUANTILES: Final = (0.05, 0.95)
LOG_VARIANCE_LIMITS: Final = (-4.0, 4.0)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Labels of a batch in standardised units.

    Args:
        label: ``(batch, outputs)``, anything where unknown.
        known: ``(batch, outputs)`` bool.
        group: ``(batch,)`` rows of one subject share a number.
        unit, centre: ``(outputs,)`` deviation and mean of the training labels, in their units.
    """

    label: Tensor
    known: Tensor
    group: Tensor
    unit: Tensor
    centre: Tensor


class TaskWeights(nn.Module):  # type: ignore[misc]
    """The learned ``s`` of every task; clamped, never decayed."""

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(n_tasks))

    def forward(self, loss: Tensor, seen: Tensor) -> Tensor:
        """``(tasks,)`` losses of the tasks with a label in the batch → their weighted sum."""
        s = self.log_variance.clamp(*LOG_VARIANCE_LIMITS)
        return ((torch.exp(-s) * loss + 0.5 * s) * seen).sum()


def total_loss(output: Output, target: Target, tasks: TaskWeights, weights: Weights) -> Tensor:
    """The loss of this process's part of a batch; the mean over processes is the loss of the batch."""
    keep = target.known.to(output.mean.dtype)
    error = torch.where(target.known, (output.mean - target.label) / target.unit, 0.0)
    own = error - _group_mean(error, keep, target.group)
    level = error if not weights.level_share else error + _unasked_level(target, keep, weights.level_share)
    each = weights.level * _half_square(level, keep)
    if weights.level < 1:
        each = each + (1 - weights.level) * _half_square(own, keep)
    around = own if weights.level < 1 else error
    n = distributed.total(keep.sum(dim=0).detach())
    seen = (n > 0).to(each.dtype)
    share = distributed.world_size() / n.clamp(min=1)
    points = tasks(each * share, seen)
    claims = ((_likelihood(around, output, keep) + _pinball(around, output, target.unit, keep)) * share).sum()
    return points + claims + routing_loss(output, weights)


def routing_loss(output: Output, weights: Weights) -> Tensor:
    """Balance of importance and load over the experts, CV² of each, mean over gates; and the size of gate logits."""
    routing = output.routing
    together = torch.stack((distributed.total(routing.importance), distributed.total(routing.load)))
    return weights.balance * spread(together.flatten(0, 1)).mean() * 2 + weights.router_z * routing.z


def _half_square(error: Tensor, keep: Tensor) -> Tensor:
    """½ error², linear beyond one deviation (Huber), summed over the batch, ``(outputs,)``."""
    return (functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none") * keep).sum(dim=0)


def _unasked_level(target: Target, keep: Tensor, share: tuple[float, ...]) -> Tensor:
    """What is not asked for of the distance between a subject and everybody's mean."""
    person = _group_mean(
        torch.where(target.known, (target.label - target.centre) / target.unit, 0.0), keep, target.group
    )
    return (1 - torch.tensor(share, dtype=keep.dtype, device=keep.device)) * person * keep


def _likelihood(error: Tensor, output: Output, keep: Tensor) -> Tensor:
    """Gaussian, of the scale only: the mean is not pulled by what the scale believes."""
    each = output.log_scale + 0.5 * (error.detach() * torch.exp(-output.log_scale)).square()
    return (each * keep).sum(dim=0)


def _pinball(error: Tensor, output: Output, unit: Tensor, keep: Tensor) -> Tensor:
    """Quantile loss of both quantiles as distances from the mean, which they do not move."""
    total = torch.zeros_like(unit)
    for quantile, at in zip(QUANTILES, (output.q05, output.q95), strict=True):
        reach = (at - output.mean.detach()) / unit
        miss = -error.detach() - reach
        total = total + (torch.maximum(quantile * miss, (quantile - 1) * miss) * keep).sum(dim=0)
    return total


def _group_mean(error: Tensor, keep: Tensor, group: Tensor) -> Tensor:
    """Mean over the known errors of the row's own subject, 0 where unknown, same shape as ``error``."""
    same = (group[:, None] == group[None, :]).to(error.dtype)
    return (same @ error) / (same @ keep).clamp(min=1.0) * keep
