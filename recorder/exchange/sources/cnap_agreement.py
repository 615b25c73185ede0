"""Do beats and waveform of a CNAP stick belong together? Each is taken either way; where they disagree it is said.

When in a beat the monitor stamps it is not documented, so a beat's systolic is looked for in the beat before its time
and in the one after it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.cnap_beats import CnapBeats
from recorder.protocols.cnap_wave import RATE_HZ, CnapWave

Array = NDArray[np.float64]

APART_MMHG: Final = 5.0
MOST_APART: Final = 0.2
"""Of more beats than this share the systolic is not that of the wave: they disagree."""
LEAST_INSIDE: Final = 0.5
LEAST_BEATS: Final = 20
ENOUGH_BEATS: Final = 5000
"""An hour tells a lag as well as a day."""
MOST_LAG_S: Final = 10.0
LAG_STEP_S: Final = 0.25
LEAST_LAG_S: Final = 1.0
"""A beat long: less may be the way a beat is stamped."""
SURE: Final = 0.6
BETTER: Final = 0.15
_SMOOTH_BEATS: Final = 15
_ENVELOPE_HZ: Final = 20.0


def disagreements(beats: CnapBeats, wave: CnapWave, wave_after_s: float) -> tuple[str, ...]:
    """What does not fit, a line each; empty where all does.

    Args:
        wave_after_s: by how much later the waveform's file begins, by the two names.
    """
    found = []
    if wave_after_s:
        later = "after" if wave_after_s > 0 else "before"
        found.append(f"by their names the waveform begins {abs(wave_after_s):g} s {later} the beats")
    good = np.isfinite(beats.column("sbp")) & ~beats.artefact
    t_s, sys = beats.t_s[good] - wave_after_s, beats.column("sbp")[good]
    if not len(t_s):
        return tuple(found)
    inside = (t_s >= wave.sample_no[0] / RATE_HZ) & (t_s <= wave.sample_no[-1] / RATE_HZ)
    if inside.mean() < LEAST_INSIDE:
        found.append(f"only {int(inside.sum())} of {len(t_s)} beats lie within the waveform")
    if inside.sum() < LEAST_BEATS:
        return tuple(found)
    t_s, sys = t_s[inside], sys[inside]
    envelope = _envelope(wave, float(np.median(np.diff(t_s))))
    apart = np.fmin(*(np.abs(_at(envelope, t_s + lag_s) - sys) for lag_s in _around(t_s)))
    apart = apart[np.isfinite(apart)]
    if apart.size and (apart > APART_MMHG).mean() > MOST_APART:
        share = 100 * float((apart > APART_MMHG).mean())
        found.append(
            f"the systolic of {share:.0f} % of the beats is not that of the wave within {APART_MMHG:g} mmHg"
        )
    lag_s = _lag_s(envelope, t_s[:ENOUGH_BEATS], sys[:ENOUGH_BEATS])
    if lag_s is not None:
        later = "behind" if lag_s < 0 else "ahead of"
        found.append(f"the beats run {abs(lag_s):.1f} s {later} the waveform")
    return tuple(found)


def _envelope(wave: CnapWave, beat_s: float) -> Array:
    """Highest pressure of the beat that begins at each time, ``(n,)`` at :data:`_ENVELOPE_HZ` from the start of the
    recording; NaN where there is none.
    """
    step = int(RATE_HZ / _ENVELOPE_HZ)
    n = int(wave.sample_no[-1]) // step + 1
    coarse = np.full(n, -np.inf)
    np.maximum.at(coarse, wave.sample_no // step, np.where(wave.mmhg == 0.0, -np.inf, wave.mmhg))
    width = max(round(min(max(beat_s, 0.3), 2.0) * _ENVELOPE_HZ), 1)
    padded = np.concatenate([coarse, np.full(width - 1, -np.inf)])
    highest = np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=1)
    return np.asarray(np.where(np.isfinite(highest), highest, np.nan))


def _at(envelope: Array, t_s: Array) -> Array:
    place = np.rint(t_s * _ENVELOPE_HZ).astype(np.int64)
    known = (place >= 0) & (place < len(envelope))
    return np.where(known, envelope[np.where(known, place, 0)], np.nan)


def _around(t_s: Array) -> tuple[float, float]:
    """The beat before a time, and the one after it."""
    return -float(np.median(np.diff(t_s))), 0.0


def _lag_s(envelope: Array, t_s: Array, sys: Array) -> float | None:
    """How much later the wave shows what the beats tell; None where it is within a beat, or nobody can say."""
    lags = np.arange(-MOST_LAG_S, MOST_LAG_S + LAG_STEP_S, LAG_STEP_S)
    r = np.array([_likeness(_quick(sys), _quick(_at(envelope, t_s + lag_s))) for lag_s in lags])
    near = np.abs(lags) <= LEAST_LAG_S
    best = int(np.argmax(r))
    if near[best] or r[best] < SURE or r[best] < r[near].max() + BETTER:
        return None
    return float(lags[best])


def _quick(values: Array) -> Array:
    """What changes from beat to beat: without the mean of the beats around."""
    known = np.isfinite(values)
    kernel = np.ones(_SMOOTH_BEATS)
    total = np.convolve(np.where(known, values, 0.0), kernel, "same")
    count = np.convolve(known.astype(np.float64), kernel, "same")
    return np.asarray(values - total / np.maximum(count, 1.0))


def _likeness(a: Array, b: Array) -> float:
    """Correlation where both are known; −1 where too few are."""
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < LEAST_BEATS:
        return -1.0
    x, y = a[known] - a[known].mean(), b[known] - b[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else -1.0
