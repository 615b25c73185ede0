"""Where a pulse begins near a moment, from its samples: what a label can snap to, however far away the picture is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.tiles import TileKey, floor_level, keys_over
from recorder.schema import StreamInfo

_AROUND_S = 5.0
"""Enough beats on either side that their typical rise is known."""
_LEAST_S = 2.0
_ROLES = ("ppg", "abp_wave")

Floats = NDArray[np.float64]
Samples = Callable[[str, float, float], tuple[Floats, Floats]]
"""Stream, from, to → times and values of the samples that were read, both ``(n,)``."""


def foot_keys(facts: SessionFacts, t_s: float) -> list[TileKey]:
    """The tiles that :func:`foot_near` looks at."""
    info = _pulse(facts)
    if info is None:
        return []
    end_s = min(t_s + _AROUND_S, facts.duration_s)
    return keys_over(info.stream_id, floor_level(info), max(0.0, t_s - _AROUND_S), end_s)


def foot_near(samples: Samples, facts: SessionFacts, t_s: float) -> float | None:
    """The beat foot nearest to a moment: of the light pulse, else of the pressure wave.

    None where there is no beat, or its samples are not read yet.
    """
    info = _pulse(facts)
    if info is None or not info.nominal_rate_hz:
        return None
    times, values = samples(info.stream_id, t_s - _AROUND_S, t_s + _AROUND_S)
    times, values = _unbroken(times, values, t_s, 1.5 / info.nominal_rate_hz)
    if len(times) < 2 or times[-1] - times[0] < _LEAST_S:
        return None
    rate_hz = (len(times) - 1) / float(times[-1] - times[0])
    feet = np.array([beat.foot for beat in find_ppg_beats(values, rate_hz)], np.float64)
    if not len(feet):
        return None
    at_s = np.interp(feet, np.arange(len(times)), times)
    return float(at_s[np.argmin(np.abs(at_s - t_s))])


def _pulse(facts: SessionFacts) -> StreamInfo | None:
    return next((info for role in _ROLES for info in facts.streams if info.role == role), None)


def _unbroken(times: Floats, values: Floats, t_s: float, join_s: float) -> tuple[Floats, Floats]:
    """The run without a gap that the moment stands in, or is nearest to."""
    whole = np.isfinite(values)
    times, values = times[whole], values[whole]
    if not len(times):
        return times, values
    run = np.cumsum(np.append(False, np.diff(times) > join_s))
    mine = run == run[np.argmin(np.abs(times - t_s))]
    return times[mine], values[mine]
