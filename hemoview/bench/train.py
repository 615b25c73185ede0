"""``hemoview bench train``: training windows per second of the sparse mixture against a naive dense one of equal size.

Equal size means: the same experts, as many, with the very same numbers in them (the answers agree to 1e-5), on the
same shared feature map. Naive means: written as the published code is – every expert on every window, one after the
other, attention group by group. So the ratio has two parts, both measured here:

- ``from_sparsity``: k of ``num_experts`` run; naive with vectorised attention against sparse. 16/3 = 5.3 is what
  arithmetic allows; above it the sparse run is also more efficient per expert, below it the shared bottom weighs in.
- ``from_vectorising``: what the loop over attention groups costs; 1 where an expert has no attention.

It is largest for experts made of attention, which the headline's are; ``others`` holds those with less and with none.

Forward and backward, without an optimiser, on one thread. Seconds are processor time, the fastest of alternating
rounds: what an idle core would take, whoever else is on the machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import torch
from torch import Tensor

from hemoview.bench import machine
from hemoview.learn.moe.complexity import count_macs, count_params
from hemoview.learn.moe.config import ModelConfig
from hemoview.learn.moe.model import LSM2oE
from hemoview.learn.moe.naive import NaiveDense
from recorder.host.console import Tell, progress

TEACHER: Final = ModelConfig(expert_type="msfgm")
"""The seed's size, 16 experts of width 128, 3 run; an expert is a chain of residual MSFGMs with attention."""
OTHERS: Final = {
    "resnet": ModelConfig(),
    "resnet with msfgm": ModelConfig(use_msfgm=True),
}
BATCH: Final = 64
SAMPLES: Final = 320
"""5 s at 64 Hz."""
LONGEST: Final = 640
ROUNDS: Final = 3
SPARSE_A_ROUND: Final = 4


def run(
    teacher: ModelConfig = TEACHER, others: Mapping[str, ModelConfig] = OTHERS, *, batch: int = BATCH
) -> dict[str, Any]:
    """Measure.

    Args:
        teacher: the mixture of the headline figures.
        others: further mixtures, by name.
        batch: windows in a step.

    Returns:
        ``windows_per_s``, ``dense_windows_per_s``, ``ratio_vs_dense`` = their quotient, ``from_sparsity``,
        ``from_vectorising``; ``largest_difference`` between both answers in label deviations; ``peak_mb`` of this
        process after training steps on 10-s windows (None where the system does not tell), before the dense ones;
        ``memory``: what a step keeps for its gradient, with the teacher's experts and k, and with twice as many;
        ``others``: the same ratio for other experts; parameters, multiply-accumulates, machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with progress("training steps", 3 + len(others)) as tell:
            return _measure(teacher, others, batch, tell)
    finally:
        torch.set_num_threads(before)


def _measure(
    teacher: ModelConfig, others: Mapping[str, ModelConfig], batch: int, tell: Tell
) -> dict[str, Any]:
    short, long = _windows(batch, SAMPLES), _windows(batch, LONGEST)
    tell(0, "memory")
    e, k = teacher.num_experts, teacher.k
    memory = [
        _memory(replace(teacher, num_experts=n, k=m), short) for n, m in ((e, k), (2 * e, k), (2 * e, 2 * k))
    ]
    model = _model(teacher)
    tell(1, "10-s windows")
    longest_s = min(_step_s(model, long) for _ in range(2))
    peak_mb = _peak_mb()
    tell(2, "against dense")
    times = _race(model, short)
    also = {}
    for number, (name, config) in enumerate(others.items()):
        tell(3 + number, name)
        also[name] = _ratios(_race(_model(config), short), batch)
    macs = count_macs(model, LONGEST)
    return {
        **_ratios(times, batch),
        "largest_difference": _difference(model, short),
        "windows_per_s_at_10_s": round(batch / longest_s, 1),
        "peak_mb": peak_mb,
        "memory": memory,
        "others": also,
        "params": count_params(model),
        "macs_as_run": macs.as_run,
        "macs_dense": macs.dense,
        "config": asdict(teacher),
        "batch": batch,
        "window_s": SAMPLES / 64,
        "threads": 1,
        "machine": machine.describe(),
    }


def _model(config: ModelConfig) -> LSM2oE:
    torch.manual_seed(0)
    model = LSM2oE(config)
    model.train()
    torch.nn.init.normal_(model.towers.last, 0.0, 0.1)  # else every gradient before the last layer is zero
    return model


def _windows(batch: int, n_samples: int) -> Tensor:
    return torch.randn(batch, 1, n_samples, generator=torch.Generator().manual_seed(1))


def _race(model: LSM2oE, windows: Tensor) -> dict[str, float]:
    """Seconds of one step: sparse, naive, and naive but for its attention."""
    sides = {"sparse": model, "naive": NaiveDense(model).train()}
    if any("attention" in name for name, _ in model.experts.named_modules()):
        sides["naive_vectorised"] = NaiveDense(model, loop_attention=False).train()
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(ROUNDS):
        for name, side in sides.items():
            repeats = SPARSE_A_ROUND if name == "sparse" else 1
            best[name] = min(best[name], *(_step_s(side, windows) for _ in range(repeats)))
    return best


def _step_s(model: LSM2oE, windows: Tensor) -> float:
    """Processor seconds of one forward and backward."""
    model.zero_grad()
    start = time.process_time()
    out = model(windows)
    level = (out.mean - model.units.mean) / model.units.sd
    (level.square().mean() + out.log_scale.mean() + out.routing.balance).backward()
    return time.process_time() - start


def _ratios(step_s: dict[str, float], batch: int) -> dict[str, Any]:
    vectorised = step_s.get("naive_vectorised", step_s["naive"])
    return {
        "windows_per_s": round(batch / step_s["sparse"], 1),
        "dense_windows_per_s": round(batch / step_s["naive"], 1),
        "ratio_vs_dense": round(step_s["naive"] / step_s["sparse"], 2),
        "from_sparsity": round(vectorised / step_s["sparse"], 2),
        "from_vectorising": round(step_s["naive"] / vectorised, 2),
    }


def _memory(config: ModelConfig, windows: Tensor) -> dict[str, Any]:
    """MB of tensors a step keeps for its gradient, each counted once, parameters apart."""
    model = _model(config)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = model(windows)
    mb = round(sum(kept.values()) / 1e6, 1)
    del out
    return {"num_experts": config.num_experts, "k": config.k, "kept_mb": mb}


def _difference(model: LSM2oE, windows: Tensor) -> float:
    """Largest difference between the sparse and the naive answers, in label deviations."""
    model.eval()
    naive = NaiveDense(model).eval()
    with torch.no_grad():
        apart = (model(windows).mean - naive(windows).mean) / model.units.sd
    return float(apart.abs().max())


def _peak_mb() -> float | None:
    """Largest resident memory of this process so far."""
    try:
        import resource  # noqa: PLC0415 – not on Windows
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
