"""Where a pulse begins near the cursor, from the samples that are drawn: what a label can snap to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import find_abp_beats
from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.viewmodel.review_facts import SessionFacts
from hemoview.viewmodel.review_view import PanelView, TraceView

_AROUND_S = 6.0
"""Enough beats on either side that their typical rise is known."""
_LEAST_S = 2.0
_LEAST_HZ = 40.0
_ROLES = ("ppg", "abp_wave")


def foot_near(panels: Sequence[PanelView], facts: SessionFacts, t_s: float) -> float | None:
    """The beat foot nearest to a moment: of the pulse where it is drawn, else of the pressure wave.

    None where single samples are not drawn (come closer), or there is no beat.
    """
    for role in _ROLES:
        for panel in panels:
            for trace in panel.traces:
                if facts.stream(trace.trace.stream_id).role == role:
                    found = _foot_of(trace, role, t_s)
                    if found is not None:
                        return found
    return None


def _foot_of(trace: TraceView, role: str, t_s: float) -> float | None:
    if not trace.exact:
        return None
    near = np.abs(trace.t_s - t_s) <= _AROUND_S
    times, values = trace.t_s[near], np.asarray(trace.low, np.float64)[near]
    whole = np.isfinite(values)
    times, values = times[whole], values[whole]
    times, values = _unbroken(times, values, t_s, trace.join_s)
    if len(times) < 2 or times[-1] - times[0] < _LEAST_S:
        return None
    rate_hz = (len(times) - 1) / float(times[-1] - times[0])
    if rate_hz < _LEAST_HZ:
        return None
    feet = (
        [beat.foot for beat in find_ppg_beats(values, rate_hz)]
        if role == "ppg"
        else [beat.onset for beat in find_abp_beats(values, rate_hz)]
    )
    if not feet:
        return None
    at = np.interp(np.asarray(feet, np.float64), np.arange(len(times)), times)
    return float(at[np.argmin(np.abs(at - t_s))])


def _unbroken(
    times: NDArray[np.float64], values: NDArray[np.float64], t_s: float, join_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The run without a gap that the moment stands in, or is nearest to."""
    if not len(times):
        return times, values
    run = np.cumsum(np.append(False, np.diff(times) > join_s))
    mine = run == run[np.argmin(np.abs(times - t_s))]
    return times[mine], values[mine]
