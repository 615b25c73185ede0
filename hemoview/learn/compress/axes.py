"""Which axis of which tensor runs over which set of channels, so that every tensor of a mixture is cut the same way.

A set of channels (a key) is shared by all tensors that read or write it. The stream of residual blocks has one set for
the whole network; the inside of a separable block has one for each expert, the hidden layer of a tower one for each
task. Where an MSFGM splits channels into quarters, each quarter is a set of its own, so that quarters stay quarters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hemoview.learn.moe.layers import SCALES, Msfgm, ResidualBlock, SeparableConvolution, attention_groups
from hemoview.learn.moe.model import LSM2oE


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an axis.

    Args:
        key: which set of channels.
        size: how many.
        lanes: 0 = the set is one for all; else each index of the tensor's first axis has its own.
    """

    key: str
    size: int
    lanes: int = 0


Axis = tuple[Segment, ...]
Kept = Mapping[str, Tensor]
"""Key → sorted channels that stay, ``(n,)`` or ``(lanes, n)``; a key that is absent stays whole."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a mixture's tensors are cut.

    Args:
        axes: tensor name → number of the axis → what it runs over. Tensors that are absent are not cut.
        attention: name of an attention's weights → channels whose places decide which group they serve.
    """

    axes: dict[str, dict[int, Axis]] = field(default_factory=dict)
    attention: dict[str, Axis] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        """Channels of every set."""
        return {s.key: s.size for axes in self.axes.values() for axis in axes.values() for s in axis}


def plan_of(model: LSM2oE) -> Plan:
    """The plan of a mixture of any configuration."""
    plan, config = Plan(), model.config
    quartered = config.use_msfgm or config.expert_type == "msfgm"
    stream = _channels("stream", config.hidden_channels, quartered=quartered)
    _bottom(plan, model, stream)
    expert: Axis = (Segment("expert", config.num_experts),)
    for number, block in enumerate(model.experts):
        _expert_block(plan, f"experts.{number}", block, stream, expert)
    person: Axis = (Segment("person", model.towers.hidden.shape[1] - 2 * config.hidden_channels),)
    read = (*stream, *stream, *person)
    _gates(plan, model, read, expert)
    _towers(plan, model, read)
    return plan


def cut(state: Mapping[str, Tensor], plan: Plan, kept: Kept) -> dict[str, Tensor]:
    """Every tensor of a state with only the channels that are kept."""
    out = {}
    for name, value in state.items():
        if name in plan.attention:
            value = _attention(value, plan.attention[name], kept)  # noqa: PLW2901
        for dim, axis in plan.axes.get(name, {}).items():
            pieces = value.split([s.size for s in axis], dim)
            value = torch.cat(  # noqa: PLW2901
                [_take(piece, dim, kept.get(s.key)) for piece, s in zip(pieces, axis, strict=True)], dim
            )
        out[name] = value.clone()
    return out


def gathered(each: Mapping[str, Tensor], plan: Plan) -> dict[str, Tensor]:
    """A number for every weight → their sums for every channel of every set, over all tensors that touch it."""
    total: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))
    for name, value in each.items():
        for dim, axis in plan.axes.get(name, {}).items():
            for piece, s in zip(value.split([s.size for s in axis], dim), axis, strict=True):
                stays = {dim, 0} if s.lanes else {dim}
                others = [d for d in range(value.ndim) if d not in stays]
                total[s.key] = total[s.key] + (piece.sum(dim=others) if others else piece)
    return dict(total)


def _take(piece: Tensor, dim: int, index: Tensor | None) -> Tensor:
    if index is None:
        return piece
    if index.ndim == 1:
        return piece.index_select(dim, index)
    shape = [1] * piece.ndim
    shape[0], shape[dim] = index.shape
    wanted = list(piece.shape)
    wanted[dim] = index.shape[1]
    return piece.gather(dim, index.view(shape).expand(wanted))


def _attention(weight: Tensor, axis: Axis, kept: Kept) -> Tensor:
    """Weights of each new group: the mean over its channels of what their old groups had, ``(E, 4, groups)``."""
    first = 0
    chosen = []
    for s in axis:
        chosen.append(first + kept.get(s.key, torch.arange(s.size)))
        first += s.size
    old, half = torch.cat(chosen), first // 2
    n_new = len(old)
    group, new_group = (
        old % half % weight.shape[2],
        torch.arange(n_new) % (n_new // 2) % attention_groups(n_new),
    )
    out = weight.new_zeros(*weight.shape[:2], attention_groups(n_new))
    for side, rows in ((slice(0, n_new // 2), slice(0, 2)), (slice(n_new // 2, n_new), slice(2, 4))):
        places = out.shape[2] / (n_new // 2)
        out[:, rows] = torch.zeros_like(out[:, rows]).index_add(
            2, new_group[side], places * weight[:, rows].index_select(2, group[side])
        )
    return out


def _channels(name: str, size: int, *, quartered: bool) -> Axis:
    if not quartered:
        return (Segment(name, size),)
    return tuple(Segment(f"{name}.{quarter}", size // SCALES) for quarter in range(SCALES))


def _bottom(plan: Plan, model: LSM2oE, stream: Axis) -> None:
    bottom = model.bottom
    widths: list[Axis] = [
        (Segment("stem", bottom.stem.out_channels),),
        (Segment("half", bottom.stages[0].point.out_channels),),
        stream,
    ]
    plan.axes["bottom.stem.weight"] = {0: widths[0]}
    _batch_norm(plan, "bottom.norm", widths[0])
    for number in range(len(bottom.stages)):
        before, after = widths[number], widths[number + 1]
        at = f"bottom.stages.{number}"
        plan.axes[f"{at}.depth.weight"] = {0: before}
        plan.axes[f"{at}.point.weight"] = plan.axes[f"{at}.short.weight"] = {0: after, 1: before}
        _batch_norm(plan, f"{at}.norm", after)
    if bottom.scales is not None:
        _msfgm(plan, "bottom.scales", stream, {})


def _batch_norm(plan: Plan, at: str, channels: Axis) -> None:
    for part in ("weight", "bias", "running_mean", "running_var"):
        plan.axes[f"{at}.{part}"] = {0: channels}


def _expert_block(plan: Plan, at: str, block: nn.Module, stream: Axis, expert: Axis) -> None:
    bank = {0: expert}
    if isinstance(block, Msfgm):
        _msfgm(plan, at, stream, bank)
    elif isinstance(block, ResidualBlock):
        apart = isinstance(block.second, SeparableConvolution)
        inner: Axis = stream
        if apart:
            width = block.point.weight.shape[2]
            inner = (Segment(f"inner of {at}", width, lanes=expert[0].size),)
        _separable(plan, at, stream, inner, bank)
        if apart:
            _separable(plan, f"{at}.second", inner, stream, bank)
        else:  # its output is added to its input and to the stream, channel by channel
            _msfgm(plan, f"{at}.second", stream, bank)
    else:
        raise TypeError(f"{at}: no plan for cutting a {type(block).__name__}")


def _separable(plan: Plan, at: str, before: Axis, after: Axis, bank: dict[int, Axis]) -> None:
    plan.axes[f"{at}.temporal.weight"] = {**bank, 2: before}
    plan.axes[f"{at}.point.weight"] = {**bank, 1: before, 2: after}
    plan.axes[f"{at}.norm.gain"] = plan.axes[f"{at}.norm.shift"] = {**bank, 2: after}


def _msfgm(plan: Plan, at: str, channels: Axis, bank: dict[int, Axis]) -> None:
    """Scale i reads quarter i + 1; what it says is added to quarter i + 2, so it has that quarter's channels."""
    first, _, third, last = channels
    said = (third, last, last)
    plan.axes[f"{at}.gate.weight"] = {**bank, 1: channels}
    plan.axes[f"{at}.gate.bias"] = bank
    for i in range(SCALES - 1):
        plan.axes[f"{at}.temporal.{i}.weight"] = {**bank, 2: (channels[i + 1],)}
        plan.axes[f"{at}.point.{i}.weight"] = {**bank, 1: (channels[i + 1],), 2: (said[i],)}
        plan.axes[f"{at}.point.{i}.bias"] = {**bank, 2: (said[i],)}
    plan.axes[f"{at}.mix.weight"] = {**bank, 1: (first, *said), 2: channels}
    plan.axes[f"{at}.mix.bias"] = {**bank, 2: channels}
    plan.axes[f"{at}.attention.weight"] = bank
    plan.attention[f"{at}.attention.weight"] = channels


def _gates(plan: Plan, model: LSM2oE, read: Axis, expert: Axis) -> None:
    plan.axes["gates.clean.weight"] = {0: expert * model.gates.shape[0], 1: read}
    if model.gates.scale is not None:
        votes = model.gates.scale.out_features // expert[0].size
        plan.axes["gates.scale.weight"] = {0: expert * votes, 1: read}


def _towers(plan: Plan, model: LSM2oE, read: Axis) -> None:
    n_tasks, _, n_hidden = model.towers.hidden.shape
    hidden: Axis = (Segment("hidden", n_hidden, lanes=n_tasks),)
    plan.axes["towers.norm.weight"] = plan.axes["towers.norm.bias"] = {0: read}
    plan.axes["towers.hidden"] = {1: read, 2: hidden}
    plan.axes["towers.hidden_bias"] = {2: hidden}
    plan.axes["towers.last"] = {1: hidden}
