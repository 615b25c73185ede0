"""Streams that hold the reference's numbers: the monitor's own (role ``reference``), or beats read off its wave.

Both name their channels in their own way; here a parameter finds its column in either, and the time in which it may be
taken for a reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.tiles import Floats
from recorder.schema import CO_CALIBRATED, PARAMETERS, StreamInfo

Span = tuple[float, float]

REFERENCE_ROLES: Final = ("reference", "beats")
"""The monitor's own numbers before those read off its wave."""
CO_FAMILY: Final = frozenset(("CO", "CI", "SV", "SI", "SVR", "SVRI"))
"""What a monitor knows only once its cardiac output was calibrated; before that it is "uncalibrated CO"."""

_OF_BEATS: Final = {"SBP": "sbp_mmhg", "MAP": "map_mmhg", "DBP": "dbp_mmhg", "HR": "hr_per_min"}
_OF_MONITOR: Final = {parameter: parameter.lower() for parameter in PARAMETERS}

_WRITTEN: Final = {
    "ppv": "PPV",
    "svv": "SVV",
    "cvp": "CVP",
    "co_cal": "CO cal",
    "nbp_sys": "NBP sys",
    "nbp_dia": "NBP dia",
    "height_offset": "height",
}


def reference_streams(streams: Sequence[StreamInfo]) -> list[StreamInfo]:
    """Those that hold numbers of the reference, the monitor's own first."""
    return sorted(
        (s for s in streams if s.role in REFERENCE_ROLES), key=lambda s: REFERENCE_ROLES.index(s.role)
    )


def reference_column(info: StreamInfo, parameter: str) -> int | None:
    """The column of a parameter in a stream of the reference; None: it has none, or is no such stream."""
    names = {"reference": _OF_MONITOR, "beats": _OF_BEATS}.get(info.role, {})
    wanted = names.get(parameter)
    return next((i for i, channel in enumerate(info.channels) if channel.name == wanted), None)


def parameters_of(info: StreamInfo) -> tuple[str, ...]:
    """The parameters a stream of the reference holds."""
    return tuple(p for p in PARAMETERS if reference_column(info, p) is not None)


def monitor_name(channel: str) -> str:
    """What a channel of a monitor that is no parameter of ours is called on a screen: short, as monitors write it."""
    return _WRITTEN.get(channel, channel.replace("_", " "))


def valid_spans(facts: SessionFacts, parameter: str) -> tuple[Span, ...] | None:
    """When a parameter of the reference may be taken for one (safety rule 8); None: always, as a heart rate."""
    if parameter == "HR":
        return None
    by_itself = facts.calibrates_itself and any(s.role == "reference" for s in facts.streams)
    if parameter not in CO_FAMILY or not by_itself:
        return facts.reference_spans
    told = [mark.t_s for mark in facts.markers if mark.label == CO_CALIBRATED]
    since_s = min(told, default=math.inf)
    return tuple((max(start, since_s), end) for start, end in facts.reference_spans if end > since_s)


def outside(t_s: Floats, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Which times lie in none of the spans, ``(n,)``."""
    inside = [(t_s >= start) & (t_s < end) for start, end in spans]
    return np.asarray(~np.logical_or.reduce([np.zeros(len(t_s), np.bool_), *inside]))


def is_valid(facts: SessionFacts, parameter: str, t_s: float) -> bool:
    """Whether a number of that moment may be taken for a reference."""
    spans = valid_spans(facts, parameter)
    return spans is None or any(start <= t_s < end for start, end in spans)
