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
        now = grad * x
        taps = [now.sum(dim=1)]
        for there, here in ((grad[:, 1:], x[:, :-1]), (grad[:, :-1], x[:, 1:])):
            taps.append(torch.mul(there, here, out=now[:, 1:]).sum(dim=1))
        return grad_x, torch.stack((taps[1], taps[0], taps[2]), dim=1)


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

    def forward(self, x: Tensor, lanes: Lanes, skip: Tensor) -> Tensor:
        """``skip`` + attention of ``x``, all ``(…, time, channels)``."""
        halves = x.unflatten(-1, (2, -1, self.n_groups))
        weight = lanes.each(self.weight)
        if isinstance(lanes, Sparse):
            out: Tensor = _Attended.apply(halves, weight, skip)
            return out
        by_channel, by_step, _ = _attention(halves, weight)
        first, second = halves[..., 0, :, :] * by_channel, halves[..., 1, :, :] * by_step
        return skip + torch.stack((first, second), dim=-3).flatten(-3)


def _attention(halves: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Weights of both halves of ``(…, time, 2, places, groups)``, and what their gradient needs."""
    first, second = halves[..., 0, :, :], halves[..., 1, :, :]
    a, b, c, d = weight.unsqueeze(-2).unsqueeze(-2).unbind(dim=-4)
    channel = first.mean(dim=-3, keepdim=True)
    step = second.mean(dim=-2, keepdim=True)
    centre = step.mean(dim=-3, keepdim=True)
    variance = second.square().mean(dim=(-3, -2), keepdim=True) - centre.square()
    inverse = torch.rsqrt(variance.clamp_min(0) + _EPS)
    norm = (step - centre) * inverse
    by_channel, by_step = torch.sigmoid(a * channel + b), torch.addcmul(d, c, norm).sigmoid_()
    return by_channel, by_step, (channel, centre, inverse, norm)


class _Attended(torch.autograd.Function):  # type: ignore[misc]
    """Attention and skip with a gradient in few passes over the map; autograd's takes twice as many."""

    @staticmethod
    def forward(ctx: Any, halves: Tensor, weight: Tensor, skip: Tensor) -> Tensor:
        by_channel, by_step, rest = _attention(halves, weight)
        ctx.save_for_backward(halves, weight, by_channel, by_step, *rest)
        out = _weighted(halves, by_channel, by_step).flatten(-3)
        return out.add_(skip)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        halves, weight, by_channel, by_step, channel, centre, inverse, norm = ctx.saved_tensors
        n_steps, n_places = halves.shape[-4], halves.shape[-2]
        split = grad.view(halves.shape)
        a, _, c, _ = weight.unsqueeze(-2).unsqueeze(-2).unbind(dim=-4)
        # First half: its weights → their logit → the mean over time.
        on_channel = _through_sigmoid((split[:, :, 0] * halves[:, :, 0]).sum(dim=1, keepdim=True), by_channel)
        grad_a, grad_b = (on_channel * channel).sum(dim=-2), on_channel.sum(dim=-2)
        # Second half: its weights → their logit → the normalised mean over places → mean and mean square.
        late = _through_sigmoid((split[:, :, 1] * halves[:, :, 1]).sum(dim=2, keepdim=True), by_step)
        along = (late * norm).sum(dim=1, keepdim=True)
        total = late.sum(dim=1, keepdim=True)
        on_variance = -0.5 * inverse.square() * c * along
        level = total * (c * inverse / n_steps) + (2 / n_steps) * centre * on_variance
        on_step = (late * (c * inverse / n_places)).sub_(level / n_places)
        out = _weighted(split, by_channel, by_step)
        out[:, :, 0] += on_channel * (a / n_steps)
        out[:, :, 1].addcmul_(halves[:, :, 1], on_variance * (2 / (n_steps * n_places)))
        out[:, :, 1] += on_step
        parts = (grad_a, grad_b, along.squeeze(1), total.squeeze(1))
        on_weight = torch.cat([part.flatten(1, -2) for part in parts], dim=1)
        return out, on_weight, grad


def _through_sigmoid(grad: Tensor, value: Tensor) -> Tensor:
    through: Tensor = torch.ops.aten.sigmoid_backward(grad, value)
    return through


def _weighted(halves: Tensor, by_channel: Tensor, by_step: Tensor) -> Tensor:
    """Each half of ``(pairs, time, 2, places, groups)`` times its own weights."""
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
                fed = torch.addcmul(fed, gate[..., i - 1 : i], out[-1])
            out.append(torch.relu_(self.point[i](self.temporal[i](fed, lanes), lanes)))
        mixed = self.mix(normalised(torch.cat(out, dim=-1)), lanes)
        return self.attention(mixed, lanes, x)

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
