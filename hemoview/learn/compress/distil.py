"""The student learns from labels and teacher, the teacher from the student where that is better.

Per batch: the student's loss is that of training (labels, masked) and three distances to the teacher: means, pooled
features, and what both say of their error. Then, on labelled elements where the student's squared error is smaller,
the teacher moves towards the student: mean over elements of ``mask · (teacher − stop_grad(student))²``. Elsewhere it is
not moved at all. The teacher is in evaluation throughout, so that its batch statistics stay those of its training.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hemoview.learn.batches import Batch, Part, batches, n_batches
from hemoview.learn.compress.defaults import PASSES
from hemoview.learn.compress.targets import target_of, tensor
from hemoview.learn.loop import lr_share, predict, score_of
from hemoview.learn.losses import Target, TaskWeights, total_loss
from hemoview.learn.moe.model import LSM2oE, Output
from hemoview.learn.run_config import RunConfig
from recorder.errors import ConfigError

OnPass = Callable[[int, int, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How student and teacher learn from each other.

    Args:
        passes: over the training rows.
        lr, teacher_lr: of Adam; the student's falls along a cosine.
        hard: weight of the training loss; ``soft``: of the distance to the teacher's means, in label deviations.
        features: of the distance of the student's projected features; ``uncertainty``: of log deviations and quantile
            distances.
        both_ways: whether the teacher learns from the student.
        most_gradient: norm to which a step's gradient is clipped.
    """

    passes: int = PASSES
    lr: float = 5e-4
    teacher_lr: float = 1e-5
    hard: float = 0.5
    soft: float = 0.5
    features: float = 0.1
    uncertainty: float = 0.1
    both_ways: bool = True
    most_gradient: float = 1.0

    def __post_init__(self) -> None:
        if self.passes < 0 or self.lr <= 0 or self.teacher_lr <= 0:
            raise ConfigError("distillation: epochs must not be below 0, learning rates must be above 0")


@dataclass(frozen=True, slots=True, eq=False)
class Distilled:
    """Both networks afterwards, ready to estimate, and a line a pass.

    Args:
        student: of the pass with the best validation score; of the last one without validation.
        teacher: where the last pass left it.
        log: ``pass, loss, reverse, better_share, score`` of every pass.
    """

    student: LSM2oE
    teacher: LSM2oE
    log: list[dict[str, Any]] = field(default_factory=list)


def distil(
    student: LSM2oE,
    teacher: LSM2oE,
    parts: Sequence[Part],
    validation: Part | None,
    *,
    run: RunConfig,
    recipe: Recipe | None = None,
    device: str = "cpu",
    on_pass: OnPass | None = None,
) -> Distilled:
    """Teach a student; neither network that is given is changed. The same inputs give the same networks.

    Args:
        student, teacher: with the same outputs.
        parts: training rows; rows without labels take part in the distances to the teacher.
        validation: decides which pass is kept; None: the last.
        run: how batches are drawn, the training loss and the seed.
        recipe: weights and rates.
        device: ``cpu`` or ``cuda:0``.
        on_pass: for a progress display.

    Raises:
        ConfigError: other outputs, or a loss that is not finite.
    """
    if student.parameters_out != teacher.parameters_out:
        raise ConfigError("distillation: student and teacher do not predict the same parameters")
    recipe = recipe or Recipe()
    torch.manual_seed(run.seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=device != "cpu")
    pair = _Pair(student, teacher, recipe, device)
    log: list[dict[str, Any]] = []
    best, kept = math.inf, None
    for number in range(recipe.passes):
        line = {"pass": number + 1, **_one_pass(pair, parts, run, recipe, number)}
        score = _score(pair.student, validation, device)
        if score < best:
            best, kept = score, copy.deepcopy(pair.student.state_dict())
        log.append({**line, "score": round(score, 5) if math.isfinite(score) else None})
        if on_pass is not None:
            on_pass(number + 1, recipe.passes, log[-1])
    if kept is not None:
        pair.student.load_state_dict(kept)
    return Distilled(pair.student.cpu().eval(), pair.teacher.cpu().eval(), log)


class _Pair:
    """Both networks with what trains them; the optimisers live as long as the run."""

    def __init__(self, student: LSM2oE, teacher: LSM2oE, recipe: Recipe, device: str) -> None:
        self.device = device
        self.student, self.teacher = (copy.deepcopy(m).to(device) for m in (student, teacher))
        self.tasks = TaskWeights(len(student.parameters_out)).to(device)
        own, other = 2 * student.config.hidden_channels, 2 * teacher.config.hidden_channels
        self.projection = nn.Linear(own, other, bias=False).to(device)
        trained = [*self.student.parameters(), *self.tasks.parameters(), *self.projection.parameters()]
        self.optimiser = torch.optim.Adam(trained, lr=recipe.lr)
        self.teacher_optimiser = torch.optim.Adam(self.teacher.parameters(), lr=recipe.teacher_lr)
        self.teacher.eval()


def _one_pass(
    pair: _Pair, parts: Sequence[Part], run: RunConfig, recipe: Recipe, number: int
) -> dict[str, float]:
    pair.student.train()
    count = n_batches(parts, run.drawing)
    losses, moved, share = [], [], []
    for step, batch in enumerate(_drawn(parts, run, number)):
        for group in pair.optimiser.param_groups:
            group["lr"] = recipe.lr * lr_share(number * count + step, recipe.passes * count)
        ppg, person = tensor(batch.ppg, pair.device), tensor(batch.demographics, pair.device)
        target = target_of(batch, pair.student, pair.device)
        said: Output = pair.student(ppg, person)
        with torch.set_grad_enabled(recipe.both_ways):
            taught: Output = pair.teacher(ppg, person)
        loss = student_loss(said, taught, target, pair.tasks, pair.projection, run=run, recipe=recipe)
        if not torch.isfinite(loss):
            raise ConfigError(
                f"distillation: the loss is not finite in pass {number + 1}; take a smaller rate"
            )
        _step(pair.optimiser, loss, pair.student, recipe.most_gradient)
        losses.append(float(loss.detach()))
        if recipe.both_ways:
            reverse, better = reverse_loss(taught.mean, said.mean, target)
            _step(pair.teacher_optimiser, reverse, pair.teacher, recipe.most_gradient)
            moved.append(float(reverse.detach()))
            share.append(better)
    return {
        "loss": round(float(np.mean(losses)), 5),
        "reverse": round(float(np.mean(moved)), 5) if moved else 0.0,
        "better_share": round(float(np.nanmean(share)), 4) if np.isfinite(share).any() else 0.0,
    }


def student_loss(
    said: Output,
    taught: Output,
    target: Target,
    tasks: TaskWeights,
    projection: nn.Module,
    *,
    run: RunConfig,
    recipe: Recipe,
) -> Tensor:
    """Labels where there are any, and the distances to a teacher that is not moved by them."""
    soft = 0.5 * ((said.mean - taught.mean.detach()) / target.unit).square().mean(dim=0).sum()
    wanted = functional.layer_norm(taught.features.detach(), taught.features.shape[1:])
    shown = functional.layer_norm(said.features, said.features.shape[1:])
    features = (projection(shown) - wanted).square().mean()
    return (
        recipe.hard * total_loss(said, target, tasks, run.weights)
        + recipe.soft * soft
        + recipe.features * features
        + recipe.uncertainty * _claims(said, taught, target.unit)
    )


def _claims(said: Output, taught: Output, unit: Tensor) -> Tensor:
    """Squared distance of log deviations and of both quantiles' reach, in label deviations."""
    scale = (said.log_scale - taught.log_scale.detach()).square()
    reach = [
        ((said.mean - said.q05) - (taught.mean - taught.q05).detach()) / unit,
        ((said.q95 - said.mean) - (taught.q95 - taught.mean).detach()) / unit,
    ]
    return (scale + sum(r.square() for r in reach)).mean(dim=0).sum()


def reverse_loss(taught: Tensor, said: Tensor, target: Target) -> tuple[Tensor, float]:
    """The teacher's: mean over elements of ``mask · (teacher − stop_grad(student))²`` in label deviations.

    Args:
        taught, said: ``(B, P)`` means of teacher and student.
        target: the mask is 1 on labelled elements where the student's squared error is smaller.

    Returns:
        The loss, and the share of labelled elements where the student is better (NaN without labels).
    """
    said = said.detach()
    mine, other = (said - target.label).square(), (taught.detach() - target.label).square()
    mask = target.known & (mine < other)
    loss = (mask * ((taught - said) / target.unit).square()).mean()
    known = int(target.known.sum())
    return loss, int(mask.sum()) / known if known else math.nan


def _drawn(parts: Sequence[Part], run: RunConfig, number: int) -> Iterator[Batch]:
    return batches(parts, run.drawing, run.seed, number)


def _step(optimiser: Any, loss: Tensor, model: nn.Module, most: float) -> None:
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), most)
    optimiser.step()


def _score(student: LSM2oE, validation: Part | None, device: str) -> float:
    if validation is None:
        return math.inf
    estimate = predict(student, validation.views[0], None, device)[0]
    return score_of(estimate, validation, student.scale, student.parameters_out)
