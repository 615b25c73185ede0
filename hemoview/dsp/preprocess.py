"""What every model sees: the one preprocessing of live estimation, of recomputation and of training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import PPG_BAND_HZ, band_pass
from hemoview.dsp.resample import resample

PREPROCESSING = "ppg64-bp0.5-8-z-1"
"""Version of :func:`model_input`; stands in every model card. Any change of the function's result changes it."""

MODEL_RATE_HZ = 64.0
WINDOW_S_MIN = 5.0
WINDOW_S_MAX = 10.0

_FLAT = 1e-6
"""A window whose band-passed deviation is below this part of its largest value holds no pulse."""


def model_input(samples: NDArray[np.floating], rate_hz: float) -> NDArray[np.float32]:
    """A window of pulse wave as a model wants it: 64 Hz, 0.5–8 Hz zero-phase, mean 0, deviation 1.

    Args:
        samples: ``(n_samples,)``, light absorption upwards in systole (E4 BVP and monitor PLETH both are).
        rate_hz: their rate; 5 to 10 s of them.

    Returns:
        ``(round(n_samples · 64 / rate_hz),)`` float32.

    Raises:
        ValueError: not one-dimensional, not finite, flat, shorter than 5 s or longer than 10 s.
    """
    only: NDArray[np.float32] = model_inputs(np.asarray(samples)[None], rate_hz)[0]
    return only


def model_inputs(windows: NDArray[np.floating], rate_hz: float) -> NDArray[np.float32]:
    """:func:`model_input` of every row of ``(n_windows, n_samples)`` at once; the same numbers, faster.

    Raises:
        ValueError: as :func:`model_input`; names the first row that is wrong.
    """
    x = np.asarray(windows, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"a window is one row of samples, got an array of shape {x.shape[1:]}")
    if not rate_hz > 2 * PPG_BAND_HZ[1]:
        raise ValueError(f"{rate_hz:g} Hz is too slow for a pulse wave; at least {2 * PPG_BAND_HZ[1]:g} Hz")
    seconds = x.shape[1] / rate_hz
    if not WINDOW_S_MIN - 0.5 / rate_hz <= seconds <= WINDOW_S_MAX + 0.5 / rate_hz:
        raise ValueError(f"a window of {seconds:g} s is not between {WINDOW_S_MIN:g} and {WINDOW_S_MAX:g} s")
    _refuse(np.asarray(~np.isfinite(x).all(axis=1)), "holds values that are not finite")
    pulse = band_pass(resample(x, rate_hz, MODEL_RATE_HZ), MODEL_RATE_HZ)
    centred = pulse - pulse.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    _refuse((deviation <= _FLAT * np.abs(x).max(axis=1, keepdims=True))[:, 0], "is flat")
    return np.asarray(centred / deviation, dtype=np.float32)


def _refuse(wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        raise ValueError(f"window {int(np.argmax(wrong))} {why}")
