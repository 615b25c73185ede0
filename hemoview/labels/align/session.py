"""A session's alignment: beats and sync events out of the stored samples, then :func:`hemoview.dsp.align.align_beats`.

Nothing is stored here; :func:`hemoview.labels.alignment.store` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hemoview.dsp.align import align_beats
from hemoview.dsp.align_drift import SharedClock
from hemoview.dsp.align_events import (
    SyncEvent,
    anchor_s,
    beside,
    paired_taps,
    taps_in_motion,
    taps_in_pressure,
)
from hemoview.dsp.beat_train import BeatTrain
from hemoview.labels.align.clocks import shared_clocks
from hemoview.labels.alignment import Alignment, locked, refused
from hemoview.labels.signals import kept_beats, session_signals
from recorder.session import Session

Tell = Callable[[str, float], None]
"""Told what is done and how far, 0 to 1."""
TAG_SOURCES: Final = frozenset({"tag", "e4-tag"})
HALF_HOUR_S: Final = 1800.0
SHIFT_S: Final = 300.0
"""An offset this close to a whole number of half hours, and not to none, is named as a zone or an hour set wrongly."""


def align_session(session: Session, tell: Tell = lambda *_: None) -> Alignment:
    """Align the pulse and the reference of a session.

    Args:
        session: open; sealed, live or killed.
        tell: how far it is; may raise to cancel.
    """
    if session_signals.pulse_stream(session) is None:
        return refused("no-pulse")
    if session_signals.pressure_stream(session) is None:
        return refused("no-reference")
    length_s = max(session.duration_s, 1.0)
    pulse = kept_beats.pulse_beats(session, lambda t: tell("beats of the pulse", min(t / length_s, 1.0)))
    reference = kept_beats.pressure_beats(
        session, lambda t: tell("beats of the pressure", min(t / length_s, 1.0))
    )
    tell("taps", 0.0)
    taps = paired_taps(*taps_of(session))
    tell("shifts", 0.0)
    return aligned(pulse, reference, taps, *moments_of(session), clocks=shared_clocks(session))


def aligned(
    pulse: BeatTrain,
    reference: BeatTrain,
    taps: list[SyncEvent],
    tags_s: list[float],
    markers_s: list[float],
    *,
    clocks: tuple[SharedClock, ...] = (),
) -> Alignment:
    """The answer for beats, events and arrivals already found."""
    anchor = anchor_s(taps)
    found = align_beats(pulse, reference, None, clocks)
    method = "beats"
    if found.refused_because == "ambiguous" and anchor is not None:
        found, method = align_beats(pulse, reference, anchor, clocks), "beats+taps"
    evidence: dict[str, Any] = dict(found.evidence)
    evidence["drift_known_by"] = "arrivals+beats" if clocks else "beats"
    if not found.pieces:
        evidence["events"] = [_told(e, None) for e in taps]
        return refused(found.refused_because, method, evidence)
    whole = locked(found.pieces, method, {})
    offset_s = whole.offset_s
    events = [*taps, *beside(tags_s, markers_s, offset_s)]
    evidence["events"] = [_told(e, offset_s) for e in events]
    evidence["absolute_offset_s"] = anchor
    evidence["lag_ms"] = None if anchor is None else round(1000.0 * (offset_s - anchor), 1)
    evidence["clock_set_wrongly_h"] = hours_off(offset_s)
    return locked(found.pieces, method, evidence)


def hours_off(offset_s: float) -> float | None:
    """Whole and half hours in an offset: a wrong zone, or the hour that comes twice; None where it is neither."""
    halves = round(offset_s / HALF_HOUR_S)
    return halves / 2.0 if halves and abs(offset_s - halves * HALF_HOUR_S) <= SHIFT_S else None


def _told(event: SyncEvent, offset_s: float | None) -> dict[str, Any]:
    beats_ms = None if offset_s is None else round(1000.0 * (offset_s - event.offset_s), 1)
    return {
        "kind": event.kind,
        "pulse_s": round(event.pulse_s, 3),
        "reference_s": round(event.reference_s, 3),
        "offset_s": round(event.offset_s, 4),
        "spread_ms": round(event.spread_ms, 1),
        "beats_later_by_ms": beats_ms,
    }


def taps_of(session: Session) -> tuple[list[Any], list[Any]]:
    """Groups of three taps: of the wristband's accelerometer, of the pressure wave."""
    motion, pressure = session_signals.motion_stream(session), session_signals.pressure_stream(session)
    felt = [
        group
        for part in (session_signals.spans(session, motion) if motion is not None else ())
        for group in taps_in_motion(part.time_s, part.values)
    ]
    seen = [
        group
        for part in (session_signals.spans(session, pressure) if pressure is not None and felt else ())
        for group in taps_in_pressure(part.time_s, part.values[:, 0])
    ]
    return felt, seen


def moments_of(session: Session) -> tuple[list[float], list[float]]:
    """Elapsed times of the wristband's tags, and of all other markers."""
    undone = {str(e.payload.get("event_id")) for e in session.events("marker-undone")}
    tags: list[float] = []
    markers: list[float] = []
    for event in session.events("marker"):
        if event.event_id not in undone:
            of_band = event.payload.get("source") in TAG_SOURCES
            (tags if of_band else markers).append(session.t_s(event.t_host_ns, event.era))
    return tags, markers
