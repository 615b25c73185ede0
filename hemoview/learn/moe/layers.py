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
        return n_steps * self.weight[0].numel()


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
        return n_steps * self.weight[0].numel()


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
    """Per group of channels: one half weighted by channel, the other by time step; then the groups are shuffled.

    The published loop over groups, as reductions on one reshaped map (lsm2oe.md §3.2). Groups are as many as up to 32
    divide the width into even parts, so any even width works. The group norm of the second half is never formed:
    its mean over channels is all that is used.
    """

    def __init__(self, n_experts: int, n_channels: int) -> None:
        super().__init__()
        self.n_groups = attention_groups(n_channels)
        start = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(1, 4, 1)
        self.weight = nn.Parameter(start.repeat(n_experts, 1, self.n_groups))

    def forward(self, x: Tensor, lanes: Lanes) -> Tensor:
        """``(…, time, channels)``, the same out."""
        grouped = x.unflatten(-1, (self.n_groups, 2, -1))
        by_channel, by_step = grouped[..., 0, :], grouped[..., 1, :]
        weight = lanes.each(self.weight).unsqueeze(-1).unsqueeze(-4)
        a, b, c, d = (weight[..., i, :, :] for i in range(4))
        by_channel = by_channel * torch.sigmoid(a * by_channel.mean(dim=-3, keepdim=True) + b)
        step = by_step.mean(dim=-1, keepdim=True)
        centre = step.mean(dim=-3, keepdim=True)
        variance = (by_step - centre).square().mean(dim=(-3, -1), keepdim=True)
        by_step = by_step * torch.sigmoid(c * (step - centre) * torch.rsqrt(variance + _EPS) + d)
        shuffled = torch.stack((by_channel.transpose(-1, -2), by_step.transpose(-1, -2)), dim=-3)
        return shuffled.flatten(-3)


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
            out.append(torch.relu(self.point[i](self.temporal[i](fed, lanes), lanes)))
        mixed = self.mix(normalised(torch.cat(out, dim=-1)), lanes)
        return self.attention(mixed + x, lanes)

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
        inner = torch.relu(self.norm(self.point(self.temporal(x, lanes), lanes), lanes))
        return torch.relu(self.second(inner, lanes) + x)

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
