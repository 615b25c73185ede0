"""The same mixture written the plain way: a loop over experts, each on every window, a loop over attention groups.

What ``bench train`` measures against, and what the tests hold :class:`~hemoview.learn.moe.model.LSM2oE` equal to. It
uses the mixture's own parameters, so both compute the same numbers; only how they get there differs.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.moe.bottom import pooled
from hemoview.learn.moe.gate import Routing
from hemoview.learn.moe.lanes import Sparse
from hemoview.learn.moe.layers import Affine, HybridAttention, Msfgm, Pointwise, ResidualBlock, Temporal
from hemoview.learn.moe.model import LSM2oE

_EPS = 1e-5


class NaiveDense(LSM2oE):
    """A mixture that ignores how sparse its gates are. Feature maps are ``(B, channels, time)`` and convolved.

    Args:
        model: whose parameters are used: shared ones the same, experts' as copies, each expert its own tensors.
        loop_attention: group by group, as published; False for the vectorised attention.
    """

    def __init__(self, model: LSM2oE, *, loop_attention: bool = True) -> None:
        super().__init__(model.config, model.scale)
        for name, module in model.named_children():
            if name != "experts":
                setattr(self, name, module)
        del self.experts
        self.each = nn.ModuleList(_one_expert(model, e) for e in range(model.config.num_experts))
        self.loop_attention = loop_attention

    def _mixed(self, shared: Tensor, routing: Routing) -> Tensor:
        parts = []
        for e, expert in enumerate(self.each):
            x = shared.transpose(1, 2)
            for block in expert:
                x = self._block(block, x)
            features = pooled(x.transpose(1, 2))
            parts.append(routing.gates[:, :, e].unsqueeze(2) * features.unsqueeze(1))
        return torch.stack(parts).sum(dim=0)

    def _block(self, block: nn.Module, x: Tensor) -> Tensor:
        if isinstance(block, Msfgm):
            return self._msfgm(block, x)
        assert isinstance(block, ResidualBlock)
        inner = torch.relu_(_affine(block.norm, _point(block.point, _temporal(block.temporal, x))))
        second = block.second
        if isinstance(second, Msfgm):
            return torch.relu_(self._msfgm(second, inner) + x)
        return torch.relu_(_affine(second.norm, _point(second.point, _temporal(second.temporal, inner))) + x)

    def _msfgm(self, layer: Msfgm, x: Tensor) -> Tensor:
        parts = x.split(layer.width, dim=1)
        out = [parts[0]]
        for i in range(len(parts) - 1):
            fed = parts[i + 1] if i == 0 else parts[i + 1] + _scale_gate(layer.gate, x, i - 1) * out[-1]
            out.append(torch.relu_(_point(layer.point[i], _temporal(layer.temporal[i], fed))))
        mixed = _point(layer.mix, functional.group_norm(torch.cat(out, dim=1), 1, eps=_EPS))
        if not self.loop_attention:
            return _attention(layer.attention, mixed, x)
        n_groups = layer.attention.n_groups
        unshuffled = mixed.unflatten(1, (-1, n_groups)).transpose(1, 2).flatten(1, 2)
        return x + loop_attention(unshuffled, layer.attention.weight[0])


def _one_expert(model: LSM2oE, e: int) -> nn.ModuleList:
    """Expert ``e`` as a bank of one, with its own copy of the numbers."""
    alone: nn.ModuleList = LSM2oE(replace(model.config, num_experts=1, k=1), model.scale).experts
    with torch.no_grad():
        for own, bank in zip(alone.parameters(), model.experts.parameters(), strict=True):
            own.copy_(bank[e : e + 1])
    return alone


def loop_attention(x: Tensor, weight: Tensor) -> Tensor:
    """Hybrid attention as published, one group after the other.

    Args:
        x: ``(B, channels, time)``.
        weight: ``(4, groups)`` α, β of the channel half, α', β' of the time half.
    """
    done = []
    for group, (a, b, c, d) in zip(x.chunk(weight.shape[1], dim=1), weight.unbind(dim=1), strict=True):
        by_channel, by_step = group.chunk(2, dim=1)
        by_channel = by_channel * torch.sigmoid(a * by_channel.mean(dim=2, keepdim=True) + b)
        norm = functional.group_norm(by_step, 1, eps=_EPS)
        by_step = by_step * torch.sigmoid(c * norm.mean(dim=1, keepdim=True) + d)
        done.append(torch.cat((by_channel, by_step), dim=1))
    shuffled = torch.stack(done, dim=1).transpose(1, 2)  # (B, within group, groups, time)
    return shuffled.flatten(1, 2)


def _attention(layer: HybridAttention, x: Tensor, skip: Tensor) -> Tensor:
    first, second = (side.transpose(1, 2).contiguous() for side in (x, skip))
    out: Tensor = layer(first, Sparse.single(x), second)
    return out.transpose(1, 2)


def _point(layer: Pointwise, x: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias[0, 0]
    return functional.conv1d(x, layer.weight[0].t().unsqueeze(2), bias)


def _scale_gate(layer: Pointwise, x: Tensor, i: int) -> Tensor:
    """As published: each scale has a 1×1 convolution to one channel of its own."""
    assert layer.bias is not None
    weight = layer.weight[0, :, i].view(1, -1, 1)
    return torch.sigmoid(functional.conv1d(x, weight, layer.bias[0, 0, i : i + 1]))


def _temporal(layer: Temporal, x: Tensor) -> Tensor:
    weight = layer.weight[0].t().unsqueeze(1)
    return functional.conv1d(x, weight, padding=1, groups=weight.shape[0])


def _affine(layer: Affine, x: Tensor) -> Tensor:
    return functional.group_norm(x, 1, layer.gain[0, 0], layer.shift[0, 0], eps=_EPS)
