"""Gaps and calibrations, out of the stored events. Pure.

A gap is an event of kind ``gap`` whose payload has the fields of :class:`recorder.schema.Gap`; stored again with the
same stream, first number and begin it replaces the earlier one (that is how an open gap gets its end). A calibration
is an event of kind ``calibration`` whose payload is ``Calibration.to_json()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recorder.schema import CONFIRMED, UNCONFIRMED, Calibration, Event, Gap, StreamInfo

_GAP_FIELDS = tuple(Gap.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class GapSpan:
    """A stretch without samples, in elapsed seconds. ``n_missing`` None: the source could not tell."""

    t0_s: float
    t1_s: float
    cause: str
    n_missing: int | None
    detail: str = ""
    first_missing_no: int = 0


def gap_event(gap: Gap, event_id: str, wall_ns: int) -> Event:
    """The event that stores ``gap``."""
    return Event(event_id, "gap", gap.t0_host_ns, wall_ns, gap.era, asdict(gap))


def gaps_of(events: Sequence[Event], stream_id: str) -> list[Gap]:
    """Gaps of a stream in order, each as last stored."""
    found: dict[tuple[int, int, int], Gap] = {}
    for event in events:
        if event.kind == "gap" and event.payload.get("stream_id") == stream_id:
            gap = Gap(**{k: v for k, v in event.payload.items() if k in _GAP_FIELDS})
            found[gap.era, gap.first_missing_no, gap.t0_host_ns] = gap
    return sorted(found.values(), key=lambda g: (g.era, g.t0_host_ns, g.first_missing_no))


def gap_spans(
    gaps: Sequence[Gap],
    t_s: Callable[[int, int], float],
    end_s: float,
    since_s: Callable[[int, int], float] | None = None,
) -> tuple[GapSpan, ...]:
    """Gaps on the elapsed axis; one that has not ended reaches to ``end_s``. ``since_s`` places their beginnings."""
    spans = []
    for gap in gaps:
        t0 = (since_s or t_s)(gap.t0_host_ns, gap.era)
        t1 = max(t0, end_s) if gap.t1_host_ns is None else t_s(gap.t1_host_ns, gap.era)
        spans.append(GapSpan(t0, t1, gap.cause, gap.n_missing, gap.detail, gap.first_missing_no))
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class UnconfirmedSpan:
    """A stretch of which nobody has confirmed that it is still the same person: no estimate, no dataset (rule 3).

    Args:
        t0_s, t1_s: elapsed seconds.
        cause: ``absent`` (nobody on any sensor), ``gap``, ``reboot`` or ``suspend``.
        answered: it ended with a confirmation, not with the session.
    """

    t0_s: float
    t1_s: float
    cause: str
    answered: bool


def unconfirmed_spans(
    events: Sequence[Event], t_s: Callable[[int, int], float], end_s: float
) -> tuple[UnconfirmedSpan, ...]:
    """Spans from each doubt to the confirmation after it, in the order they were stored."""
    spans = []
    asked: Event | None = None
    for event in events:
        if event.kind == UNCONFIRMED:
            asked = asked or event
        elif event.kind == CONFIRMED and event.payload.get("same") and asked is not None:
            t0_s, t1_s = t_s(asked.t_host_ns, asked.era), t_s(event.t_host_ns, event.era)
            spans.append(
                UnconfirmedSpan(t0_s, max(t0_s, t1_s), str(asked.payload.get("cause")), answered=True)
            )
            asked = None
    if asked is not None:
        t0_s = t_s(asked.t_host_ns, asked.era)
        spans.append(UnconfirmedSpan(t0_s, max(t0_s, end_s), str(asked.payload.get("cause")), answered=False))
    return tuple(spans)


def calibrations(events: Sequence[Event]) -> list[Calibration]:
    """Stored calibrations in order."""
    return [Calibration.from_json(e.payload) for e in events if e.kind == "calibration"]


def dated_calibrations(
    events: Sequence[Event], t_s: Callable[[int, int], float]
) -> list[tuple[float, Calibration]]:
    """(elapsed time it applies from, calibration), in order; one without a time applies from the start."""
    dated = []
    for event in events:
        found = Calibration.from_json(event.payload)
        begin = -np.inf if found.t_host_ns is None else t_s(found.t_host_ns, event.era)
        dated.append((begin, found))
    return sorted(dated, key=lambda pair: pair[0])


def calibrate(
    info: StreamInfo,
    values: NDArray[np.float64],
    time_s: NDArray[np.float64],
    dated: Sequence[tuple[float, Calibration]],
    units: tuple[str, ...],
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Volt → mmHg for channels with an accepted calibration; NaN before the first of them applies.

    Returns:
        ``(n, channels)`` values and the unit of each channel.
    """
    shown = list(units)
    out = values.copy()
    for i, channel in enumerate(info.channels):
        mine = [
            (t, c)
            for t, c in dated
            if c.accepted and c.stream_id == info.stream_id and c.channel == channel.name
        ]
        if mine:
            shown[i] = "mmHg"
            out[:, i] = np.nan
            for (begin, c), (end, _) in pairwise([*mine, (np.inf, mine[-1][1])]):
                span = (time_s >= begin) & (time_s < end)
                out[span, i] = values[span, i] * c.gain_mmhg_per_v + c.offset_mmhg
    return out, tuple(shown)
