"""Experts that little use is made of are taken out: their tensors, and their rows of the gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hemoview.learn.batches import Part
from hemoview.learn.compress.axes import cut, plan_of
from hemoview.learn.moe.config import ModelConfig
from hemoview.learn.moe.model import LSM2oE
from recorder.errors import ConfigError

_AT_ONCE = 256


def expert_usage(model: LSM2oE, parts: Sequence[Part]) -> NDArray[np.float64]:
    """Share of the gates' weight that each expert gets on training rows, ``(E,)``; sums to 1.

    Every row counts once, in its first view; rows need no label.
    """
    total = torch.zeros(model.config.num_experts, dtype=torch.float64)
    model.eval()
    with torch.no_grad():
        for part in parts:
            for first in range(0, len(part), _AT_ONCE):
                some = slice(first, first + _AT_ONCE)
                ppg = torch.from_numpy(np.ascontiguousarray(part.views[0][some][:, None], dtype=np.float32))
                person = torch.from_numpy(np.ascontiguousarray(part.demographics[some], dtype=np.float32))
                total += model(ppg, person).routing.importance.sum(dim=0).to(torch.float64)
    return np.asarray((total / total.sum()).numpy())


def keep_experts(model: LSM2oE, usage: NDArray[np.float64], n_experts: int) -> LSM2oE:
    """A mixture of the most used experts, with physically smaller tensors; its other weights are the same.

    Args:
        model: of E experts; not changed.
        usage: ``(E,)`` of :func:`expert_usage`.
        n_experts: how many stay.

    Raises:
        ConfigError: fewer than k or more than there are.
    """
    config = model.config
    if not config.k <= n_experts <= config.num_experts:
        raise ConfigError(
            f"pruning: {n_experts} experts cannot be kept of {config.num_experts} when each window needs "
            f"k = {config.k}; give a number between"
        )
    best = np.argsort(-np.asarray(usage), kind="stable")[:n_experts]
    return smaller(
        model, replace(config, num_experts=n_experts), {"expert": torch.from_numpy(np.sort(best).copy())}
    )


def smaller(model: LSM2oE, config: ModelConfig, kept: dict[str, Tensor]) -> LSM2oE:
    """A mixture of another shape whose weights are those of ``model`` that are kept; the generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        made: LSM2oE = LSM2oE(config, model.scale).eval()
    state = cut(model.state_dict(), plan_of(model), kept)
    made.load_state_dict({name: state[name] for name in made.state_dict()})
    return made
