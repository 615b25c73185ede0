"""``hemoview bench edge``: time of one window through a model on one thread, preprocessing apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.bench import machine
from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MAX, model_input
from hemoview.estimate import bundle as bundles
from hemoview.estimate.bundle import Bundle
from recorder.errors import ConfigError
from recorder.host import places

F32 = NDArray[np.float32]

WARM_UP: Final = 20
REPEATS: Final = 500


def run(against: Path | None = None, *, repeats: int = REPEATS) -> dict[str, Any]:
    """Time the bundle the edge runs and, in the same run, a second one.

    Args:
        against: folder of another bundle, or with just a ``.onnx`` file in it; None for none.
        repeats: timed runs of each.

    Returns:
        ``{models: [{name, p50_ms, p99_ms, mb, params, macs}], preprocessing: {p50_ms, p99_ms}, …}``; the model's
        times are without preprocessing.

    Raises:
        ConfigError: no bundle, or one that is refused.
    """
    window = _pulse_wave()
    ppg = model_input(window, MODEL_RATE_HZ)
    models = [_row(bundles.load(bundles.default_bundle(places.models_dir())), ppg, repeats)]
    if against is not None:
        models.append(_other_row(against, ppg, repeats))
    return {
        "models": models,
        "preprocessing": _times(lambda: model_input(window, MODEL_RATE_HZ), repeats),
        "window_s": WINDOW_S_MAX,
        "threads": 1,
        "repeats": repeats,
        "machine": machine.describe(),
    }


def _row(bundle: Bundle, ppg: F32, repeats: int) -> dict[str, Any]:
    session = bundles.open_model(bundle, threads=1)
    name = bundle.card.inputs[0]
    times = _times(lambda: session.run(None, {name: ppg[None, None]}), repeats)
    mb = round(len(bundle.model) / 1e6, 3)
    return {"name": bundle.name, **times, "mb": mb, "params": bundle.card.params, "macs": bundle.card.macs}


def _other_row(folder: Path, ppg: F32, repeats: int) -> dict[str, Any]:
    """A bundle, or any ONNX model of one input: its open axes get one window, its fixed ones what they ask for."""
    if (folder / bundles.CARD).is_file():
        return _row(bundles.load(folder), ppg, repeats)
    files = sorted(folder.glob("*.onnx"))
    if len(files) != 1:
        raise ConfigError(f"bench edge: {folder.name} holds {len(files)} .onnx files; give a folder with one")
    session = bundles.open_onnx(files[0].read_bytes(), folder)
    entry = session.get_inputs()[0]
    window = np.resize(ppg, _shape(entry.shape, len(ppg))).astype(np.float32)
    times = _times(lambda: session.run(None, {entry.name: window}), repeats)
    mb = round(files[0].stat().st_size / 1e6, 3)
    why = "a model without a card"
    return {"name": files[0].stem, **times, "mb": mb, "params": None, "macs": None, "why": why}


def _shape(shape: list[Any], n_samples: int) -> list[int]:
    last = len(shape) - 1
    return [
        n if isinstance(n, int) and n > 0 else (n_samples if i == last else 1) for i, n in enumerate(shape)
    ]


def _times(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """Median and 99th percentile of one call, ms."""
    for _ in range(WARM_UP):
        call()
    taken_ns = np.empty(repeats)
    for i in range(repeats):
        start = time.perf_counter_ns()
        call()
        taken_ns[i] = time.perf_counter_ns() - start
    p50, p99 = np.percentile(taken_ns, [50, 99]) / 1e6
    return {"p50_ms": round(float(p50), 4), "p99_ms": round(float(p99), 4)}


def _pulse_wave() -> NDArray[np.float64]:
    """Ten seconds at 72/min with a second harmonic; only its length matters for the time."""
    t_s = np.arange(round(WINDOW_S_MAX * MODEL_RATE_HZ)) / MODEL_RATE_HZ
    return np.sin(2 * np.pi * 1.2 * t_s) + 0.4 * np.sin(2 * np.pi * 2.4 * t_s + 1.0)
