"""Layers of a bank of experts: every parameter has the experts as its first axis. Feature maps end in (time, channels).

Depthwise-separable throughout: a temporal kernel of three steps per channel, then a matrix over channels.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.moe.lanes import Lanes, Sparse

SCALES = 4
_EPS = 1e-5


class Pointwise(nn.Module):  # type: ignore[misc]
    """1×1 convolution of each expert; Xavier-uniform, zero bias."""

    def __init__(self, n_experts: int, n_in: int, n_out: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = math.sqrt(6 / (n_in + n_out))
        self.weight = nn.Parameter(torch.empty(n_experts, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_experts, 1, n_out)) if bias else None

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, n_in)`` → ``(…, time, n_out)``."""
        out = lanes.matmul(x, self.weight)
        return out if self.bias is None else out + lanes.each(self.bias)

    def macs(self, n_steps: int) -> int:
        """Of one window through one expert."""
        return n_steps * int(self.weight[0].numel())


class Temporal(nn.Module):  # type: ignore[misc]
    """Depthwise convolution of each expert over three time steps, zeros beyond the ends."""

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_experts, 3, n_channels).uniform_(-1, 1))

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        weight = lanes.each(self.weight)
        if isinstance(lanes, Sparse):
            out: Tensor = _Shifted.apply(x, weight)
            return out
        padded = functional.pad(x, (0, 0, 1, 1))
        before, now, after = weight[..., :1, :], weight[..., 1:2, :], weight[..., 2:, :]
        return padded[..., :-2, :] * before + x * now + padded[..., 2:, :] * after

    def macs(self, n_steps: int) -> int:
        """Of one window through one expert."""
        return n_steps * int(self.weight[0].numel())


class _Shifted(torch.autograd.Function):  # type: ignore[misc]
    """Three shifted products in place, which halves what autograd would spend on padded copies (decision 0014)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        out = x * weight[:, 1:2]
        out[:, 1:].addcmul_(x[:, :-1], weight[:, :1])
        out[:, :-1].addcmul_(x[:, 1:], weight[:, 2:])
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        grad_x = grad * weight[:, 1:2]
        grad_x[:, :-1].addcmul_(grad[:, 1:], weight[:, :1])
        grad_x[:, 1:].addcmul_(grad[:, :-1], weight[:, 2:])
        taps = (
            (grad[:, 1:] * x[:, :-1]).sum(dim=1),
            (grad * x).sum(dim=1),
            (grad[:, :-1] * x[:, 1:]).sum(dim=1),
        )
        return grad_x, torch.stack(taps, dim=1)


class Affine(nn.Module):  # type: ignore[misc]
    """Normalises a window's own map over time and channels, then each expert's gain and shift.

    No batch statistics: an expert sees few windows of a batch, and which ones depends on the gates.
    """

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(n_experts, 1, n_channels))
        self.shift = nn.Parameter(torch.zeros(n_experts, 1, n_channels))

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """The same shape out."""
        return torch.addcmul(lanes.each(self.shift), normalised(x), lanes.each(self.gain))


def normalised(x: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the last two axes."""
    return functional.layer_norm(x, x.shape[-2:], eps=_EPS)


class HybridAttention(nn.Module):  # type: ignore[misc]
    """Per group of channels: one half weighted by channel, the other by time step (lsm2oe.md §3.2), all groups at once.

    Channels come in the order the published module leaves them in after its shuffle, (half, place, group): both halves
    are then contiguous and the shuffle costs nothing, because the matrix before learns which channel goes where.
    Groups are as many as up to 32 divide the width into even parts, so any even width works. The group norm of the
    second half is never formed: its mean over channels is all that is used.
    """

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.n_groups = attention_groups(n_channels)
        start = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(1, 4, 1)
        self.weight = nn.Parameter(start.repeat(n_experts, 1, self.n_groups))

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        halves = x.unflatten(-1, (2, -1, self.n_groups))
        weight = lanes.each(self.weight).unsqueeze(-2).unsqueeze(-2)  # (…, 4, 1, 1, groups)
        a, b, c, d = weight.unbind(dim=-4)
        sparse = isinstance(lanes, Sparse)
        channel, step, square = _Summaries.apply(halves) if sparse else _summaries(halves)
        centre = step.mean(dim=-3, keepdim=True)
        variance = (square - centre.square()).clamp_min(0)
        by_channel = torch.sigmoid(a * channel + b)
        by_step = torch.sigmoid(c * (step - centre) * torch.rsqrt(variance + _EPS) + d)
        out: Tensor = (
            _Weighted.apply(halves, by_channel, by_step) if sparse else _weighted(halves, by_channel, by_step)
        )
        return out.flatten(-3)


def _summaries(halves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What attention looks at in ``(…, time, 2, places, groups)``: of the first half the mean over time, of the second
    the mean over places and the mean square over both."""
    first, second = halves[..., 0, :, :], halves[..., 1, :, :]
    channel = first.mean(dim=-3, keepdim=True)
    step = second.mean(dim=-2, keepdim=True)
    return channel, step, second.square().mean(dim=(-3, -2), keepdim=True)


def _weighted(halves: Tensor, by_channel: Tensor, by_step: Tensor) -> Tensor:
    """Each half times its own weights."""
    return torch.stack((halves[..., 0, :, :] * by_channel, halves[..., 1, :, :] * by_step), dim=-3)


class _Summaries(torch.autograd.Function):  # type: ignore[misc]
    """:func:`_summaries` with one pass over the map for its gradient."""

    @staticmethod
    def forward(ctx: Any, halves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(halves)
        return _summaries(halves)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, channel: Tensor, step: Tensor, square: Tensor) -> Tensor:
        (halves,) = ctx.saved_tensors
        n_steps, n_places = halves.shape[1], halves.shape[3]
        grad = torch.empty_like(halves)
        grad[:, :, 0] = channel / n_steps
        torch.mul(halves[:, :, 1], square * (2 / (n_steps * n_places)), out=grad[:, :, 1])
        grad[:, :, 1] += step / n_places
        return grad


class _Weighted(torch.autograd.Function):  # type: ignore[misc]
    """:func:`_weighted` without the copies of its halves."""

    @staticmethod
    def forward(ctx: Any, halves: Tensor, by_channel: Tensor, by_step: Tensor) -> Tensor:
        ctx.save_for_backward(halves, by_channel, by_step)
        return _products(halves, by_channel, by_step)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        halves, by_channel, by_step = ctx.saved_tensors
        channel = (grad[:, :, 0] * halves[:, :, 0]).sum(dim=1, keepdim=True)
        step = (grad[:, :, 1] * halves[:, :, 1]).sum(dim=2, keepdim=True)
        return _products(grad, by_channel, by_step), channel, step


def _products(halves: Tensor, by_channel: Tensor, by_step: Tensor) -> Tensor:
    out = torch.empty_like(halves)
    torch.mul(halves[:, :, 0], by_channel, out=out[:, :, 0])
    torch.mul(halves[:, :, 1], by_step, out=out[:, :, 1])
    return out


def attention_groups(n_channels: int) -> int:
    """The largest number up to 32 that divides ``n_channels`` into groups of even size."""
    return max(g for g in range(1, 33) if n_channels % (2 * g) == 0)


class Msfgm(nn.Module):  # type: ignore[misc]
    """Multi-scale module: quarters of the channels, each fed by a gated part of the one before; then attention.

    As published, with what it lacked: a rectifier after each scale, a norm before they are mixed, and no gate for the
    second quarter, which was never used.
    """

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.width = n_channels // SCALES
        self.gate = Pointwise(n_experts, n_channels, SCALES - 2)
        self.temporal = nn.ModuleList(Temporal(n_experts, self.width) for _ in range(SCALES - 1))
        self.point = nn.ModuleList(Pointwise(n_experts, self.width, self.width) for _ in range(SCALES - 1))
        self.mix = Pointwise(n_experts, n_channels, n_channels)
        self.attention = HybridAttention(n_experts, n_channels)

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        gate = torch.sigmoid(self.gate(x, lanes))
        parts = x.split(self.width, dim=-1)
        out = [parts[0]]
        for i in range(SCALES - 1):
            fed = parts[i + 1]
            if i > 0:
                fed = fed + gate[..., i - 1 : i] * out[-1]
            out.append(torch.relu_(self.point[i](self.temporal[i](fed, lanes), lanes)))
        mixed = self.mix(normalised(torch.cat(out, dim=-1)), lanes)
        return x + self.attention(mixed, lanes)

    def macs(self, n_steps: int) -> int:
        """Of one window through one expert."""
        return sum(layer.macs(n_steps) for layer in (self.gate, *self.temporal, *self.point, self.mix))


class ResidualBlock(nn.Module):  # type: ignore[misc]
    """Two separable convolutions, or one and an MSFGM, around an identity."""

    def __init__(self, n_experts: int, n_channels: int, *, use_msfgm: bool) -> None:
        super().__init__()
        self.temporal = Temporal(n_experts, n_channels)
        self.point = Pointwise(n_experts, n_channels, n_channels, bias=False)
        self.norm = Affine(n_experts, n_channels)
        self.second = (
            Msfgm(n_experts, n_channels) if use_msfgm else SeparableConvolution(n_experts, n_channels)
        )

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        inner = torch.relu_(self.norm(self.point(self.temporal(x, lanes), lanes), lanes))
        return torch.relu_(self.second(inner, lanes) + x)

    def macs(self, n_steps: int) -> int:
        """Of one window through one expert."""
        return self.temporal.macs(n_steps) + self.point.macs(n_steps) + self.second.macs(n_steps)


class SeparableConvolution(nn.Module):  # type: ignore[misc]
    """Temporal, pointwise, norm."""

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.temporal = Temporal(n_experts, n_channels)
        self.point = Pointwise(n_experts, n_channels, n_channels, bias=False)
        self.norm = Affine(n_experts, n_channels)

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        return self.norm(self.point(self.temporal(x, lanes), lanes), lanes)

    def macs(self, n_steps: int) -> int:
        """Of one window through one expert."""
        return self.temporal.macs(n_steps) + self.point.macs(n_steps)
