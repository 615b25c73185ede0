"""The shared bottom: pulse wave and its derivatives at 64 Hz → one feature map at 8 Hz that every expert reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hemoview.learn.moe.lanes import Dense, Sparse
from hemoview.learn.moe.layers import Msfgm

_KERNEL = 7
_EPS = 1e-5


class SharedBottom(nn.Module):  # type: ignore[misc]
    """Strided stem and two separable stages, each halving the rate.

    Args:
        n_channels: width of the feature map, a multiple of 4.
        use_msfgm: an MSFGM on the finished map.
    """

    def __init__(self, n_channels: int, *, use_msfgm: bool) -> None:
        super().__init__()
        first, second = _fours(n_channels // 4), _fours(n_channels // 2)
        self.stem = nn.Conv1d(3, first, 9, stride=2, padding=4, bias=False)
        self.norm = nn.BatchNorm1d(first)
        self.stages = nn.ModuleList((Stage(first, second), Stage(second, n_channels)))
        self.scales = Msfgm(1, n_channels) if use_msfgm else None

    def forward(self, ppg: Tensor, *, static: bool = False) -> Tensor:
        """``(B, 1, time)`` → ``(B, time / 8, channels)``; ``static``: only shapes an exporter can follow."""
        x = torch.relu(self.norm(self.stem(with_derivatives(ppg))))
        for stage in self.stages:
            x = stage(x)
        x = x.transpose(1, 2).contiguous()
        return x if self.scales is None else _mixed(self.scales, x, static=static)


def _mixed(layer: nn.Module, x: Tensor, *, static: bool) -> Tensor:
    """An MSFGM with one set of parameters, ``(B, time, channels)``."""
    if static:
        dense: Tensor = layer(x.unsqueeze(0), Dense(1)).squeeze(0)
        return dense
    mixed: Tensor = layer(x, Sparse.single(x))
    return mixed


class Stage(nn.Module):  # type: ignore[misc]
    """Depthwise-separable convolution that halves the rate, with a strided shortcut."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.depth = nn.Conv1d(n_in, n_in, _KERNEL, stride=2, padding=_KERNEL // 2, groups=n_in, bias=False)
        self.point = nn.Conv1d(n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm1d(n_out)
        self.short = nn.Conv1d(n_in, n_out, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n_in, time)`` → ``(B, n_out, ceil(time / 2))``."""
        return torch.relu(self.norm(self.point(self.depth(x))) + self.short(x))


def with_derivatives(ppg: Tensor) -> Tensor:
    """``(B, 1, time)`` → ``(B, 3, time)``: the wave, its first and second central difference, each of deviation 1.

    Inside the graph, so that a model's input stays the wave. A flat window gives zeros, not NaN.
    """
    velocity = _central_difference(ppg)
    acceleration = _central_difference(velocity)
    return torch.cat((ppg, _to_deviation_1(velocity), _to_deviation_1(acceleration)), dim=1)


def _central_difference(x: Tensor) -> Tensor:
    """Half the difference of the neighbours; the ends repeat their neighbour's."""
    inner = 0.5 * (x[..., 2:] - x[..., :-2])
    return torch.cat((inner[..., :1], inner, inner[..., -1:]), dim=-1)


def _to_deviation_1(x: Tensor) -> Tensor:
    centred = x - x.mean(dim=2, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=2, keepdim=True) + 1e-8)


def pooled(x: Tensor) -> Tensor:
    """``(…, time, channels)`` → ``(…, 2 · channels)``: mean and deviation over time, whatever phase and length."""
    centre = x.mean(dim=-2)
    variance = (x - centre.unsqueeze(-2)).square().mean(dim=-2)  # var_mean takes twice as long over this axis
    return torch.cat((centre, torch.sqrt(variance + _EPS)), dim=-1)


def _fours(n: int) -> int:
    return max(4, -(-n // 4) * 4)
