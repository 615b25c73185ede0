"""One label for a window of arterial pressure, or the reason why there is none (methods §E.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import PressureBeat, find_abp_beats, in_mmhg
from hemoview.dsp.ppg_beats import find_ppg_beats

LEAST_BEATS: Final = 6
STEADY_MMHG: Final = 8.0
SBP_MMHG, DBP_MMHG, LEAST_PULSE_MMHG = (60.0, 240.0), (30.0, 150.0), 15.0
ROOM_S: Final = 1.5
"""Searched on either side of a window, so that its first and last beat are whole."""
LONGEST_LAG_S: Final = 1.0
_SBP, _HR = 0, 3

Reason = Literal["too-few-beats", "unsteady", "out-of-range"]


@dataclass(frozen=True, slots=True)
class PressureLabel:
    """Medians over the beats that begin in a window, mmHg and beats/min; NaN with a ``reason``."""

    sbp: float
    map: float
    dbp: float
    hr: float
    reason: Reason | None = None


def _none(reason: Reason) -> PressureLabel:
    unknown = float("nan")
    return PressureLabel(unknown, unknown, unknown, unknown, reason)


def label_of(beats: Sequence[PressureBeat], window_s: float) -> PressureLabel:
    """The label of the beats of a window, in order.

    Args:
        beats: in mmHg; those whose onset is inside.
        window_s: its length: a 5-s window has half the beats of one of 10 s.
    """
    table = np.array([[b.sbp, b.map, b.dbp, b.hr_per_min] for b in beats]).reshape(-1, 4)
    (sbp, mean, dbp, rate), reason = median_label(table, window_s)
    return _none(reason) if reason else PressureLabel(sbp, mean, dbp, rate)


def median_label(values: NDArray[np.float64], window_s: float) -> tuple[list[float], Reason | None]:
    """The label of the beats of a window, whatever was measured of each.

    Args:
        values: ``(beats, k)`` SBP, MAP, DBP, HR and, with ``k`` above 4, more; in order of time, pressures finite.
        window_s: length of the window.

    Returns:
        ``k`` medians (HR: 60 over the mean interval), NaN where fewer than the least number of beats tell a value; and
        why there is none at all.
    """
    least = max(LEAST_BEATS * min(window_s / 10.0, 1.0), 1.0)
    none = [float("nan")] * values.shape[1]
    if len(values) < least:
        return none, "too-few-beats"
    sbp = values[:, _SBP]
    third = max(len(sbp) // 3, 1)
    if abs(float(sbp[:third].mean() - sbp[-third:].mean())) > STEADY_MMHG:
        return none, "unsteady"
    found = [_middle(values[:, k], least, rate=k == _HR) for k in range(values.shape[1])]
    return (found, None) if plausible(*found[:3]) else (none, "out-of-range")


def _middle(values: NDArray[np.float64], least: float, *, rate: bool) -> float:
    known = values[np.isfinite(values)]
    if len(known) < least:
        return float("nan")
    return 60.0 / float(np.mean(60.0 / known)) if rate else float(np.median(known))


def plausible(sbp: float, mean: float, dbp: float) -> bool:
    """What a label may say, mmHg."""
    return (
        SBP_MMHG[0] <= sbp <= SBP_MMHG[1]
        and DBP_MMHG[0] <= dbp <= DBP_MMHG[1]
        and sbp - dbp >= LEAST_PULSE_MMHG
        and dbp < mean < sbp
    )


def beats_between(
    abp_mmhg: NDArray[np.floating], rate_hz: float, begin_s: float, end_s: float
) -> list[PressureBeat]:
    """Beats of a recording ``(n,)`` with their onset in ``[begin_s, end_s)``; none where samples are missing (NaN)."""
    first = max(round((begin_s - ROOM_S) * rate_hz), 0)
    part = abp_mmhg[first : round((end_s + ROOM_S) * rate_hz)].astype(np.float64)
    if not len(part) or not np.isfinite(part).all():
        return []
    found = [in_mmhg(beat, 1.0, 0.0) for beat in find_abp_beats(part, rate_hz)]
    return [b for b in found if b is not None and begin_s <= (first + b.onset) / rate_hz < end_s]


def pulse_lag_s(
    abp_mmhg: NDArray[np.floating], ppg: NDArray[np.floating], rate_hz: float, stretch_s: float = 10.0
) -> float:
    """By how much the pulse wave comes after the pressure wave of the same monitor, s; NaN where it cannot be told.

    Median over stretches of the time from the steepest rise of each pressure pulse to that of the next pulse wave.

    Args:
        abp_mmhg, ppg: ``(n,)`` at ``rate_hz``, NaN where missing.
        stretch_s: searched at once.
    """
    n = round(stretch_s * rate_hz)
    lags: list[float] = []
    for first in range(0, min(len(abp_mmhg), len(ppg)) - n + 1, n):
        ours, theirs = abp_mmhg[first : first + n], ppg[first : first + n]
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            continue
        lags += _lags(_rises(ours, rate_hz), _rises(theirs, rate_hz), rate_hz)
    return float(np.median(lags)) if len(lags) >= LEAST_BEATS else float("nan")


def _rises(wave: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    return np.array([beat.upstroke for beat in find_ppg_beats(wave, rate_hz)])


def _lags(pressure: NDArray[np.float64], pulse: NDArray[np.float64], rate_hz: float) -> list[float]:
    later = np.searchsorted(pulse, pressure)
    return [
        lag
        for here, i in zip(pressure, later, strict=True)
        if i < len(pulse) and (lag := float(pulse[i] - here) / rate_hz) <= LONGEST_LAG_S
    ]
