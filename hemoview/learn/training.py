"""One training run of the first student: rows in, network out; the same seed gives the same network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hemoview.learn.student import Scale, Student

F32 = NDArray[np.float32]
QUANTILES: Final = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run; goes into the checkpoint and the card.

    Args:
        passes: how often every real window is seen.
        subjects_a_batch, windows_a_subject: real part of a batch, drawn so that subjects weigh alike.
        simulated_a_batch: simulated windows of a batch, for stroke volume alone.
        level_weight: of the error as it is; the rest of 1 goes to the error inside a subject, around the
            subject's mean in the batch, because people differ more than their waves tell.
        level_share: of a person's own level, how much the level error asks for, in the order of ``LABELS``. Nothing of
            SBP: 19 people cannot teach it, and asking only made strangers worse (LOG.md).
        modesty: of :class:`Student`, set after training.
        flip: part of the training windows seen upside down.
    """

    passes: int = 16
    subjects_a_batch: int = 6
    windows_a_subject: int = 12
    simulated_a_batch: int = 32
    lr: float = 3e-3
    weight_decay: float = 0.05
    level_weight: float = 0.15
    level_share: tuple[float, float, float] = (0.0, 0.5, 0.5)
    modesty: float = 0.7
    flip: float = 0.03
    width: int = 24
    dropout: float = 0.2
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Model inputs with labels: ``views`` are the same windows as different sensors would have seen them.

    Args:
        views: each ``(n, time)`` float32, preprocessed.
        labels: ``(n, 4)`` float32, NaN = unknown.
        subject_no: ``(n,)`` whose.
    """

    views: tuple[F32, ...]
    labels: F32
    subject_no: NDArray[np.int64]


def scale_of(real: Inputs, simulated: Inputs | None) -> Scale:
    """Where an untrained network starts, from the training rows alone."""
    sbp, mean, dbp, _ = real.labels.T
    sv = simulated.labels[:, 3] if simulated is not None else np.array([80.0, 20.0], np.float32)
    return Scale(
        map_mmhg=float(np.nanmean(mean)),
        map_sd=float(np.nanstd(mean)),
        pulse_mmhg=float(np.mean(sbp - dbp)),
        pulse_sd=float(np.std(sbp - dbp)),
        fraction=float(np.nanmean((mean - dbp) / (sbp - dbp))),
        sv_ml=float(np.nanmean(sv)),
        sv_sd=float(np.nanstd(sv)),
    )


def train(real: Inputs, simulated: Inputs | None, recipe: Recipe) -> Student:
    """Train one student. Deterministic on the CPU with one thread."""
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(mode=True)
    rng = np.random.default_rng(recipe.seed)
    model: Student = Student(scale_of(real, simulated), recipe.width, recipe.dropout).train()
    sd = torch.tensor(
        np.append(np.nanstd(real.labels[:, :3], axis=0), model.scale.sv_sd), dtype=torch.float32
    )
    centre = torch.tensor(np.append(_subject_mean(real), 0.0), dtype=torch.float32)
    batch = recipe.subjects_a_batch * recipe.windows_a_subject
    steps = recipe.passes * max(1, len(real.labels) // batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.lr, total_steps=steps)
    for chosen in _real_batches(real, recipe, steps, rng):
        ppg, labels = _draw(real, chosen, recipe, rng)
        group = torch.arange(len(chosen)) // recipe.windows_a_subject
        loss = _real_loss(model(ppg), labels, group=group, sd=sd, centre=centre, recipe=recipe)
        if simulated is not None:
            some = rng.integers(0, len(simulated.labels), recipe.simulated_a_batch)
            loss = loss + _stroke_loss(model, *_draw(simulated, some, recipe, rng))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.modesty = recipe.modesty
    model.eval()
    return model


def _subject_mean(real: Inputs) -> NDArray[np.float64]:
    """Mean pressures over subjects, each weighing once, ``(3,)``."""
    people = [np.nanmean(real.labels[real.subject_no == s, :3], axis=0) for s in np.unique(real.subject_no)]
    return np.asarray(np.mean(people, axis=0), dtype=np.float64)


def _real_batches(
    real: Inputs, recipe: Recipe, steps: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    rows_of = [np.flatnonzero(real.subject_no == s) for s in np.unique(real.subject_no)]
    n_subjects = min(recipe.subjects_a_batch, len(rows_of))
    for _ in range(steps):
        who = rng.choice(len(rows_of), n_subjects, replace=False)
        yield np.concatenate([rng.choice(rows_of[w], recipe.windows_a_subject) for w in who])


def _draw(
    inputs: Inputs, chosen: NDArray[np.int64], recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Chosen windows, each through a random view, some upside down, with their labels."""
    view = rng.integers(0, len(inputs.views), len(chosen))
    ppg = np.stack([inputs.views[v][row] for v, row in zip(view, chosen, strict=True)])
    ppg = np.where(rng.random((len(chosen), 1)) < recipe.flip, -ppg, ppg)
    return torch.from_numpy(ppg[:, None].astype(np.float32)), torch.from_numpy(inputs.labels[chosen])


def _real_loss(
    outputs: tuple[Tensor, Tensor, Tensor],
    labels: Tensor,
    *,
    group: Tensor,
    sd: Tensor,
    centre: Tensor,
    recipe: Recipe,
) -> Tensor:
    mean, q05, q95 = outputs
    known = torch.isfinite(labels)
    error = torch.where(known, (torch.nan_to_num(labels) - mean) / sd, 0.0)
    keep = known.float()
    own = error - _group_mean(error, known, group)
    person = _group_mean(torch.where(known, (torch.nan_to_num(labels) - centre) / sd, 0.0), known, group)
    wanted = (error - (1 - torch.tensor((*recipe.level_share, 1.0))) * person) * keep
    level = (functional.smooth_l1_loss(wanted, torch.zeros_like(error), reduction="none") * keep).sum()
    inside = (functional.smooth_l1_loss(own, torch.zeros_like(own), reduction="none") * keep).sum()
    spread = _pinball(own.detach(), (q05 - mean.detach()) / sd, (q95 - mean.detach()) / sd, keep)
    both = recipe.level_weight * level + (1 - recipe.level_weight) * inside
    return (both + spread) / keep.sum()


def _stroke_loss(model: Student, ppg: Tensor, labels: Tensor) -> Tensor:
    """Stroke volume on simulated waves, seen as strangers are seen: statistics and features stay those of people."""
    model.eval()
    error, low, high = ((part[:, 3:] / model.scale.sv_sd) for part in _apart(model(ppg), labels))
    model.train()
    level = functional.smooth_l1_loss(error, torch.zeros_like(error))
    return level + _pinball(error.detach(), low, high, torch.ones_like(error)) / len(error)


def _apart(outputs: tuple[Tensor, Tensor, Tensor], labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Error of the mean, and both quantiles as distances from it."""
    mean, q05, q95 = outputs
    return labels - mean, q05 - mean.detach(), q95 - mean.detach()


def _pinball(error: Tensor, low: Tensor, high: Tensor, weight: Tensor) -> Tensor:
    """Quantile loss of both quantiles, all as distances from the mean in standard deviations."""
    total = torch.zeros(())
    for quantile, at in zip(QUANTILES, (low, high), strict=True):
        miss = error - at
        total = total + (torch.maximum(quantile * miss, (quantile - 1) * miss) * weight).sum()
    return total


def _group_mean(error: Tensor, known: Tensor, group: Tensor) -> Tensor:
    """Mean over the known errors of the row's own group, one column a parameter, same shape as ``error``."""
    same = (group[:, None] == group[None, :]).float()
    return (same @ error) / (same @ known.float()).clamp(min=1.0)
