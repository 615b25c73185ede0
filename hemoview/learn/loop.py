"""One training run: rows in, network out. One loop for one process or several, for the seed's data and for ours."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hemoview.learn import checkpoint, distributed
from hemoview.learn.batches import Batch, Part, batches, n_batches
from hemoview.learn.checkpoint import BEST, LAST, LOG, RunFacts
from hemoview.learn.losses import Target, TaskWeights, total_loss
from hemoview.learn.moe.config import LabelScale
from hemoview.learn.moe.model import LSM2oE
from recorder.errors import ConfigError
from recorder.schema import PARAMETER_UNITS

log = logging.getLogger(__name__)

PARAMETERS = tuple(PARAMETER_UNITS)
WARM_UP_SHARE = 0.05
LAST_LR = 0.1
EVALUATED_AT_ONCE = 256

OnPass = Callable[[int, int, dict[str, Any]], None]
"""Told after every pass: its number from 1, how many at most, and its log line."""


@dataclass(eq=False)
class _State:
    """What a run changes while it goes on."""

    model: Any
    tasks: TaskWeights
    optimiser: Any
    pass_no: int = 0
    best: float = math.inf
    since_best: int = 0
    kept: dict[str, Tensor] | None = None


def train(
    parts: Sequence[Part],
    validation: Part | None,
    facts: RunFacts,
    *,
    folder: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    on_pass: OnPass | None = None,
    start: LSM2oE | None = None,
    only: Collection[str] = (),
) -> LSM2oE:
    """Train a network; the same configuration and rows give the same network.

    Args:
        parts: training rows, one entry a set.
        validation: rows of subjects that are not trained on; decides which pass is kept and when to end. None: the
            last pass is kept.
        facts: configuration, label scale and what is to stand in the checkpoint.
        folder: where checkpoints and the log go; None: nowhere.
        resume: go on from ``last.pt`` of the folder; the result is that of an uninterrupted run.
        device: ``cpu`` or ``cuda:0``.
        on_pass: for a progress display.
        start: a network of the same shape whose weights to begin with.
        only: parameters to train, by name; the rest stays as it is, statistics included. () = all.

    Raises:
        ConfigError: no labelled row; nothing to resume, or a run of another configuration; the loss is not finite.
    """
    run = facts.run
    _refuse_unlabelled(parts)
    torch.manual_seed(run.seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=device != "cpu")
    state = _begin(facts, device, start, only)
    if resume:
        _go_on(state, facts, _folder(folder))
    lead = distributed.leads()
    while state.pass_no < run.passes and not (run.patience and state.since_best >= run.patience):
        started = time.perf_counter()
        loss = _one_pass(state, parts, facts, device, only)
        state.pass_no += 1
        score = _score(state, validation, facts.scale, device)
        better = score < state.best
        state.best, state.since_best = min(state.best, score), 0 if better else state.since_best + 1
        if better:
            state.kept = {name: value.detach().clone() for name, value in state.model.state_dict().items()}
        line = {
            "pass": state.pass_no,
            "loss": round(loss, 5),
            "score": None if math.isinf(score) else round(score, 5),
            "seconds": round(time.perf_counter() - started, 2),
        }
        if folder is not None and lead:
            keep = better or validation is None
            _write(folder, state, replace(facts, pass_no=state.pass_no, score=line["score"]), keep=keep)
            with (folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        if on_pass is not None and lead:
            on_pass(state.pass_no, run.passes, line)
    return _finished(state, facts)


def score_of(estimate: NDArray[np.float64], part: Part, scale: LabelScale, names: Sequence[str]) -> float:
    """Standardised macro-MAE: mean over parameters of the subject-weighted error in label deviations.

    A fixed yardstick, unlike the loss, whose task weights move. ∞ where nothing is labelled.
    """
    each = []
    for column, name in enumerate(names):
        index = PARAMETERS.index(name)
        error = np.abs(estimate[:, column] - part.labels[:, index]) / scale.sd[index]
        people = [error[part.subject_no == s] for s in np.unique(part.subject_no)]
        means = [np.nanmean(p) for p in people if np.isfinite(p).any()]
        if means:
            each.append(float(np.mean(means)))
    return float(np.mean(each)) if each else math.inf


def predict(
    model: Any, ppg: NDArray[np.float32], demographics: NDArray[np.float32] | None = None, device: str = "cpu"
) -> NDArray[np.float64]:
    """Mean, q05, q95 of ``(n, time)`` model inputs, ``(3, n, outputs)``."""
    model.eval()
    found = []
    with torch.no_grad():
        for first in range(0, len(ppg), EVALUATED_AT_ONCE):
            some = slice(first, first + EVALUATED_AT_ONCE)
            known = None if demographics is None else _tensor(demographics[some], device)
            output = model(_tensor(ppg[some][:, None], device), known)
            found.append(torch.stack((output.mean, output.q05, output.q95)).cpu())
    return np.asarray(torch.cat(found, dim=1).numpy(), dtype=np.float64)


def lr_share(step: int, steps: int) -> float:
    """Of the full learning rate: a short linear rise, then a cosine down to a tenth."""
    warm_up = max(1, round(WARM_UP_SHARE * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return LAST_LR + (1 - LAST_LR) * 0.5 * (1 + math.cos(math.pi * done))


def _begin(facts: RunFacts, device: str, start: LSM2oE | None, only: Collection[str]) -> _State:
    run = facts.run
    model = distributed.with_shared_statistics(LSM2oE(run.model, facts.scale)).to(device)
    if start is not None:
        weights = {n: v for n, v in start.state_dict().items() if not n.startswith("units.")}
        model.load_state_dict(weights, strict=False)
    tasks = TaskWeights(len(model.parameters_out)).to(device)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not only or name in only)
    kernels = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": kernels, "lr": run.lr, "weight_decay": run.weight_decay},
            {"params": others, "lr": run.lr, "weight_decay": 0.0},
            {"params": list(tasks.parameters()), "lr": run.task_lr, "weight_decay": 0.0},
        ]
    )
    for group in optimiser.param_groups:
        group["full_lr"] = group["lr"]
    return _State(model, tasks, optimiser)


def _one_pass(
    state: _State, parts: Sequence[Part], facts: RunFacts, device: str, only: Collection[str]
) -> float:
    """Mean loss over the pass."""
    run, scale = facts.run, facts.scale
    state.model.train(not only)
    count = n_batches(parts, run.drawing)
    columns = [PARAMETERS.index(name) for name in state.model.parameters_out]
    unit, centre = (_tensor(np.array(v)[columns], device) for v in (scale.sd, scale.mean))
    losses = []
    for number, batch in enumerate(batches(parts, run.drawing, run.seed, state.pass_no)):
        mine = batch.of_process(distributed.rank(), distributed.world_size())
        for group in state.optimiser.param_groups:
            group["lr"] = group["full_lr"] * lr_share(state.pass_no * count + number, run.passes * count)
        output = state.model(_tensor(mine.ppg, device), _tensor(mine.demographics, device))
        loss = total_loss(output, _target(mine, columns, unit, centre, device), state.tasks, run.weights)
        if not torch.isfinite(loss):
            raise ConfigError(
                f"training: the loss is not finite in pass {state.pass_no + 1}; take a smaller --lr than {run.lr:g}"
            )
        state.optimiser.zero_grad()
        loss.backward()
        for module in (state.model, state.tasks):
            distributed.average_gradients(module)
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), run.most_gradient)
        state.optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _target(batch: Batch, columns: list[int], unit: Tensor, centre: Tensor, device: str) -> Target:
    label = _tensor(batch.labels[:, columns], device)
    return Target(
        torch.nan_to_num(label),
        torch.isfinite(label),
        torch.from_numpy(batch.group).to(device),
        unit,
        centre,
    )


def _score(state: _State, validation: Part | None, scale: LabelScale, device: str) -> float:
    if validation is None:
        return math.inf
    estimate = predict(state.model, validation.views[0], validation.demographics, device)[0]
    return score_of(estimate, validation, scale, state.model.parameters_out)


def _write(folder: Path, state: _State, facts: RunFacts, *, keep: bool) -> None:
    if keep:
        checkpoint.save(folder / BEST, state.model, facts)
    checkpoint.save(
        folder / LAST,
        state.model,
        facts,
        tasks=state.tasks.state_dict(),
        optimiser=state.optimiser.state_dict(),
        random=torch.get_rng_state(),
        best=state.best,
        since_best=state.since_best,
    )


def _go_on(state: _State, facts: RunFacts, folder: Path) -> None:
    """Take up where ``last.pt`` left off."""
    path = folder / LAST
    stored = checkpoint.read(path)
    was = RunFacts.from_json(json.loads(stored["facts"]))
    if replace(was, pass_no=0, score=None) != replace(facts, pass_no=0, score=None):
        raise ConfigError(
            f"{path.name}: the run there has another configuration or other data; resume it with the same flags, or "
            "give another --output_dir"
        )
    checkpoint.restore(state.model, stored["state"], path, facts.run.model)
    state.tasks.load_state_dict(stored["tasks"])
    state.optimiser.load_state_dict(stored["optimiser"])
    state.pass_no, state.best, state.since_best = was.pass_no, stored["best"], stored["since_best"]
    if math.isfinite(state.best):
        state.kept = dict(checkpoint.load(folder)[0].state_dict())
    torch.set_rng_state(stored["random"])  # last: making a network draws from it


def _finished(state: _State, facts: RunFacts) -> LSM2oE:
    """The network to keep: of the best pass where there is a validation, else of the last."""
    distributed.wait()
    plain: LSM2oE = LSM2oE(facts.run.model, facts.scale).eval()
    plain.load_state_dict(state.kept or state.model.state_dict())
    return plain


def _refuse_unlabelled(parts: Sequence[Part]) -> None:
    if not any(np.isfinite(p.labels).any() for p in parts):
        raise ConfigError(
            "training set: no row has a label; give a labels file with values, NaN only where missing"
        )


def _folder(folder: Path | None) -> Path:
    if folder is None:
        raise ConfigError("nothing to resume without a folder of the run")
    return folder


def _tensor(values: NDArray[Any], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)
