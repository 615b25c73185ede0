"""Several processes as one (``torchrun``): each holds a part of every batch, sums are taken over all of them.

Without ``torchrun`` everything here is the identity, so the training loop has one form.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def world_size() -> int:
    """How many processes train together."""
    return int(dist.get_world_size()) if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is; 0 writes files and the screen."""
    return int(dist.get_rank()) if dist.is_initialized() else 0


def leads() -> bool:
    """This process is the one that writes; known before the others are joined and after they are left."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Join the group ``torchrun`` has set up, if it has; leave it at the end."""
    if "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def share_cores() -> None:
    """Processes of one machine share its cores instead of each taking all."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    torch.set_num_threads(max(1, torch.get_num_threads() // here))


def total(value: Tensor) -> Tensor:
    """Sum over all processes; gradients flow back to each."""
    return _Total.apply(value) if world_size() > 1 else value


class _Total(torch.autograd.Function):  # type: ignore[misc]
    """A sum is passed back as a sum: every process's part moves every process's loss."""

    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        return _summed(value)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(value: Tensor) -> Tensor:
    out = value.detach().clone().contiguous()
    dist.all_reduce(out)
    return out


def wait() -> None:
    """Until every process is here."""
    if world_size() > 1:
        dist.barrier()


def average_gradients(model: Any) -> None:
    """Every parameter's gradient becomes its mean over the processes, in one exchange."""
    if world_size() == 1:
        return
    with_gradient = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat(
        [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in with_gradient]
    )
    dist.all_reduce(flat)
    flat /= world_size()
    start = 0
    for p in with_gradient:
        p.grad = flat[start : start + p.numel()].view_as(p).clone()
        start += p.numel()


def with_shared_statistics(model: Any) -> Any:
    """Batch normalisation over the whole batch, not over each process's part of it. Changes ``model`` in place.

    ``torch.nn.SyncBatchNorm`` does the same on GPUs alone.
    """
    if world_size() == 1:
        return model
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm1d:
                setattr(module, name, _SharedBatchNorm.like(child))
    return model


class _SharedBatchNorm(nn.BatchNorm1d):  # type: ignore[misc]
    """``BatchNorm1d`` whose moments are summed over all processes; same parameters and state."""

    @classmethod
    def like(cls, other: Any) -> Any:
        made = cls(other.num_features, other.eps, other.momentum)
        made.load_state_dict(other.state_dict())
        return made

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, time)`` → the same."""
        if not self.training:
            return super().forward(x)
        count = torch.full_like(x[0, :1, 0], x.shape[0] * x.shape[2])
        sums = total(torch.cat((x.sum(dim=(0, 2)), x.square().sum(dim=(0, 2)), count)))
        n = sums[-1].detach()
        mean, square = (part / n for part in sums[:-1].chunk(2))
        variance = square - mean.square()
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
            self.num_batches_tracked += 1
        scaled = (x - mean[:, None]) * torch.rsqrt(variance + self.eps)[:, None]
        return scaled * self.weight[:, None] + self.bias[:, None]
