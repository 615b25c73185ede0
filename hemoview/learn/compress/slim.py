"""Channels that matter least are taken out of every tensor that reads or writes them; and how far to go.

Importance of a weight: ``(gradient · weight)²`` of the training loss, summed over batches (first-order Taylor,
Molchanov et al., CVPR 2019). Importance of a channel: the sum over all weights that touch it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from hemoview.learn.batches import Part, batches
from hemoview.learn.compress.axes import gathered, plan_of
from hemoview.learn.compress.prune import smaller
from hemoview.learn.compress.targets import target_of, tensor
from hemoview.learn.losses import TaskWeights, total_loss
from hemoview.learn.moe.complexity import count_macs, count_params
from hemoview.learn.moe.config import LabelScale, ModelConfig
from hemoview.learn.moe.model import SAMPLES_MAX, LSM2oE
from hemoview.learn.run_config import RunConfig
from recorder.errors import ConfigError

MOST_MACS: Final = 20_000_000
"""Of a 10-s window with every expert run, as the bundle does it."""
NARROWEST_SHARE: Final = 0.25
"""Before the width falls below this part of the teacher's, another expert goes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What both cuts come to.

    Args:
        n_experts, width: of the student.
        sparsity: share of the teacher's parameters that is gone.
    """

    n_experts: int
    width: int
    sparsity: float


def shape_for(
    config: ModelConfig,
    target_sparsity: float,
    *,
    most_macs: int = MOST_MACS,
    used_experts: int | None = None,
) -> Shape:
    """The student's shape: pruning and slimming each take about the same share, as far as k and the width allow.

    Args:
        config: the teacher's.
        target_sparsity: share of parameters to remove, 0 or more and below 1; what is reached is no less.
        most_macs: the student is made narrower until it needs no more.
        used_experts: how many are worth keeping at all; None = every one.

    Raises:
        ConfigError: outside 0 to 1, or out of reach; says what can be reached.
    """
    if not 0 <= target_sparsity < 1:
        raise ConfigError(
            f"--target_sparsity {target_sparsity:g} is outside 0 to 1; it is the share of parameters to remove"
        )
    whole = count_params(blank(config))
    narrowest = max(4, round(NARROWEST_SHARE * config.hidden_channels / 4) * 4)
    even = round(config.num_experts * (1 - target_sparsity) ** 0.5)
    start = max(config.k, min(even, used_experts or config.num_experts))
    widths = range(config.hidden_channels, 3, -4)
    several = [(n, w) for n in range(start, config.k - 1, -1) for w in widths if w >= narrowest]
    for n_experts, width in (*several, *((config.k, w) for w in widths)):
        sparsity, macs = _size(config, n_experts, width, whole)
        if sparsity >= target_sparsity and macs <= most_macs:
            return Shape(n_experts, width, sparsity)
    least, macs = _size(config, config.k, 4, whole)
    raise ConfigError(
        f"--target_sparsity {target_sparsity:g} cannot be reached: with k = {config.k} experts of 4 channels "
        f"{least:.3f} of the parameters are gone and {macs} MACs remain (at most {most_macs}); give less, or train a "
        "wider teacher"
    )


def blank(config: ModelConfig) -> LSM2oE:
    """A mixture of this shape to be counted; the generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        made: LSM2oE = LSM2oE(config, LabelScale())
    return made


def importance(
    model: LSM2oE, parts: Sequence[Part], run: RunConfig, n_batches: int = 32
) -> dict[str, Tensor]:
    """Of every channel of every set, from labelled training rows.

    Args:
        model: not changed; evaluation mode, so that batch statistics stay.
        parts: training rows.
        run: how batches are drawn and what the loss is.
        n_batches: looked at, at most.
    """
    model.eval()
    tasks = TaskWeights(len(model.parameters_out))
    total = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for number, batch in enumerate(batches(parts, run.drawing, run.seed, 0)):
        if number >= n_batches:
            break
        output = model(tensor(batch.ppg), tensor(batch.demographics))
        loss = total_loss(output, target_of(batch, model), tasks, run.weights)
        model.zero_grad()
        loss.backward()
        for name, value in model.named_parameters():
            if value.grad is not None:
                total[name] += (value.grad * value.detach()).square()
    model.zero_grad()
    return gathered(total, plan_of(model))


def keep_channels(
    model: LSM2oE, matters: dict[str, Tensor], width: int, *, demographics: bool | None = None
) -> LSM2oE:
    """A narrower mixture of the channels that matter most, in their old order.

    Args:
        model: not changed.
        matters: of :func:`importance`.
        width: of the stream, a multiple of 4 up to the present one.
        demographics: False also takes out the person's age, sex, height and weight; None = as it is.

    Raises:
        ConfigError: a width that makes no model, or more than there is.
    """
    config = model.config
    if not 4 <= width <= config.hidden_channels:
        raise ConfigError(f"slimming: {width} channels of {config.hidden_channels}; give 4 up to that many")
    knows = config.demographics if demographics is None else config.demographics and demographics
    made = replace(config, hidden_channels=width, demographics=knows)
    wanted = plan_of(blank(made)).sizes
    kept = {
        key: torch.zeros(0, dtype=torch.int64) if wanted[key] == 0 else _best(matters[key], wanted[key])
        for key, size in plan_of(model).sizes.items()
        if wanted[key] != size
    }
    return smaller(model, made, kept)


def _best(matters: Tensor, n: int) -> Tensor:
    """The ``n`` largest along the last axis, sorted by place; of equals the first."""
    order = torch.argsort(matters, dim=-1, descending=True, stable=True)[..., :n]
    return order.sort(dim=-1).values


def _size(config: ModelConfig, n_experts: int, width: int, whole: int) -> tuple[float, int]:
    made = blank(replace(config, num_experts=n_experts, hidden_channels=width))
    return 1 - count_params(made) / whole, count_macs(made, SAMPLES_MAX).dense
