"""What each stage of compression costs and gains: a row a stage, measured, printed and kept."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX
from hemoview.estimate.bundle import open_onnx
from hemoview.learn.batches import Part
from hemoview.learn.moe.config import PARAMETERS, LabelScale
from recorder.schema import PARAMETER_UNITS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FILE: Final = "stages.json"
WARM_UP: Final = 20
REPEATS: Final = 200
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the table.

    Args:
        name: of the stage.
        params: trained numbers.
        macs: multiply-accumulates of a 10-s window with every expert run, as the bundle does it.
        size_bytes: of its ONNX file.
        p50_ms, p99_ms: of a 10-s window on one thread of onnxruntime, without preprocessing.
        mae: subject-weighted mean absolute error of each parameter in its unit, None where it has no label.
        skill: ``1 − mae / mae of the training mean`` on the same rows.
        off_fp32_sd: largest over parameters of the mean distance to the fp32 student, in label deviations; None before.
        note: what is to be known about the row.
    """

    name: str
    params: int
    macs: int
    size_bytes: int
    p50_ms: float
    p99_ms: float
    mae: Mapping[str, float | None] = field(default_factory=dict)
    skill: Mapping[str, float | None] = field(default_factory=dict)
    off_fp32_sd: float | None = None
    note: str = ""


def errors(mean: F64, part: Part, names: Sequence[str]) -> dict[str, float | None]:
    """Subject-weighted mean absolute error of ``(n, P)`` estimates, by parameter."""
    out: dict[str, float | None] = {}
    for column, name in enumerate(names):
        error = np.abs(mean[:, column] - part.labels[:, PARAMETERS.index(name)])
        people = [error[part.subject_no == s] for s in np.unique(part.subject_no)]
        means = [float(np.nanmean(p)) for p in people if np.isfinite(p).any()]
        out[name] = round(float(np.mean(means)), 4) if means else None
    return out


def baseline(part: Part, scale: LabelScale, names: Sequence[str]) -> dict[str, float | None]:
    """:func:`errors` of the training mean."""
    mean = np.array([scale.mean[PARAMETERS.index(name)] for name in names])
    return errors(np.tile(mean, (len(part), 1)), part, names)


def skill(mae: Mapping[str, float | None], of_mean: Mapping[str, float | None]) -> dict[str, float | None]:
    """``1 − mae / mae of the mean``, None where either is unknown."""
    out: dict[str, float | None] = {}
    for name, value in mae.items():
        other = of_mean.get(name)
        out[name] = round(1 - value / other, 4) if value is not None and other else None
    return out


def times_ms(model: bytes, repeats: int = REPEATS) -> tuple[float, float]:
    """Median and 99th percentile of one 10-s window on one thread."""
    session = open_onnx(model, Path("model"))
    t_s = np.arange(round(WINDOW_S_MAX * MODEL_RATE_HZ)) / MODEL_RATE_HZ
    ppg = np.sin(2 * np.pi * 1.2 * t_s).astype(np.float32)[None, None]
    taken_ns = []
    for number in range(WARM_UP + repeats):
        start = time.perf_counter_ns()
        session.run(None, {"ppg": ppg})
        if number >= WARM_UP:
            taken_ns.append(time.perf_counter_ns() - start)
    p50, p99 = np.percentile(taken_ns, [50, 99]) / 1e6
    return round(float(p50), 3), round(float(p99), 3)


def show(stages: Sequence[Stage], judged_on: str, console: Console | None = None) -> None:
    """Print the table."""
    table = Table(title=f"Compression, errors on {judged_on}", title_justify="left")
    table.add_column("stage", no_wrap=True)
    names = list(stages[-1].mae)
    for head in ("params", "MMAC", "kB", "ms p50", "ms p99", *(f"{n} {PARAMETER_UNITS[n]}" for n in names)):
        table.add_column(head, justify="right")
    for s in stages:
        table.add_row(
            s.name,
            f"{s.params:,}",
            f"{s.macs / 1e6:.2f}",
            f"{s.size_bytes / 1e3:.0f}",
            f"{s.p50_ms:.2f}",
            f"{s.p99_ms:.2f}",
            *(_number(s.mae.get(n)) for n in names),
        )
    (console or Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)).print(table)


def write(path: Path, stages: Sequence[Stage], **more: Any) -> None:
    """``stages.json``: the table and what belongs to it."""
    value = {**more, "stages": [asdict(s) for s in stages]}
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8", newline="\n")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
