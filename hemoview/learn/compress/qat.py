"""Fine-tuning with int8 rounding inside, for where rounding afterwards costs too much.

Weights and activations of the layers that will be int8 are rounded in the forward pass; gradients pass through.
What is learned is to answer as the fp32 student does, on training windows; labels are not looked at again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hemoview.learn.batches import Part, batches
from hemoview.learn.compress.targets import tensor
from hemoview.learn.export import AtBedside
from hemoview.learn.moe.layers import Pointwise
from hemoview.learn.run_config import RunConfig

LR = 1e-4
_LEVELS = 64
"""Of a weight, to either side: the seven bits of :func:`hemoview.learn.compress.quantise.static_int8`."""
_LOW, _HIGH = -128, 127


def fine_tuned(network: AtBedside, parts: Sequence[Part], run: RunConfig, passes: int = 2) -> AtBedside:
    """A copy whose answers suffer less from int8 rounding; its weights lie on the int8 grid.

    Args:
        network: the fp32 student with folded norms; not changed.
        parts: training windows.
        run: how batches are drawn, and the seed.
        passes: over the windows.
    """
    torch.manual_seed(run.seed)
    own: AtBedside = copy.deepcopy(network).eval()
    hooks = _ranges_set(own, parts, run)
    for module, name, axes in _weights(own):
        parametrize.register_parametrization(module, name, RoundedWeight(axes))
    unit = network.network.model.units.sd
    optimiser = torch.optim.Adam(own.parameters(), lr=LR)
    for number in range(passes):
        for batch in batches(parts, replace(run.drawing, forget_demographics=1.0), run.seed, number):
            ppg = tensor(batch.ppg)
            with torch.no_grad():
                wanted = network(ppg)
            loss = sum(
                (((said - want) / unit).square().mean() for said, want in zip(own(ppg), wanted, strict=True)),
                torch.zeros(()),
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    for module, name, _ in _weights(own):
        parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    for hook in hooks:
        hook.remove()
    return own


class RoundedWeight(nn.Module):  # type: ignore[misc]
    """A weight as int8 would hold it, one symmetric scale for each index of ``axes``; gradient 1."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, weight: Tensor) -> Tensor:
        """The same shape."""
        others = [axis for axis in range(weight.ndim) if axis not in self.axes]
        scale = weight.detach().abs().amax(dim=others, keepdim=True).clamp_min(1e-12) / _LEVELS
        rounded = torch.round(weight / scale) * scale
        return weight + (rounded - weight).detach()


class _Range:
    """Least and largest value seen at one place, 0 among them, then rounding to 256 levels between."""

    def __init__(self) -> None:
        self.low, self.high, self.looking = 0.0, 0.0, True

    def __call__(self, x: Tensor) -> Tensor:
        if self.looking:
            self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))
            return x
        scale = max(self.high - self.low, 1e-9) / (_HIGH - _LOW)
        zero = round(min(max(_LOW - self.low / scale, _LOW), _HIGH))
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, _LOW, _HIGH)


def _layers(network: AtBedside) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.Conv1d | Pointwise)]


def _weights(network: AtBedside) -> list[tuple[nn.Module, str, tuple[int, ...]]]:
    """Module, name of its weight, and the axes along which scales differ."""
    found: list[tuple[nn.Module, str, tuple[int, ...]]] = [
        (m, "weight", (0,) if isinstance(m, nn.Conv1d) else (0, 2)) for m in _layers(network)
    ]
    return [*found, (network.network.model.towers, "hidden", (0, 2))]


def _ranges_set(network: AtBedside, parts: Sequence[Part], run: RunConfig) -> list[Any]:
    """Rounding of every layer's input and output, with ranges from some batches; returns the hooks."""
    ranges: list[_Range] = []
    hooks: list[Any] = []
    for layer in _layers(network):
        before, after = _Range(), _Range()
        ranges += (before, after)
        hooks += (
            layer.register_forward_pre_hook(_before(before)),
            layer.register_forward_hook(_after(after)),
        )
    with torch.no_grad():
        for number, batch in enumerate(batches(parts, run.drawing, run.seed, 0)):
            if number >= 8:
                break
            network(tensor(batch.ppg))
    for each in ranges:
        each.looking = False
    return hooks


def _before(seen: _Range) -> Callable[..., Any]:
    return lambda _, inputs: (seen(inputs[0]), *inputs[1:])


def _after(seen: _Range) -> Callable[..., Any]:
    return lambda _, __, output: seen(output)
