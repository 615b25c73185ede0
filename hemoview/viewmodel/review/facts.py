"""What a stored session tells about itself: read once, frozen, enough for every list and title of Review."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from hemoview.estimate.claims import card_of
from hemoview.labels.reference.self_calibration import ALWAYS, calibrated_spans, calibrates_itself
from hemoview.viewmodel.live.amended import Correction, corrections_of
from hemoview.viewmodel.live.service import Feedback, feedback_in
from hemoview.viewmodel.live.visibility import estimates_hidden
from hemoview.viewmodel.review.marks import Mark, mark_of
from hemoview.viewmodel.review.written import being_written
from recorder.clock.clock import ClockEra
from recorder.host import places
from recorder.schema import (
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Amendment,
    Calibration,
    Event,
    StreamInfo,
)
from recorder.schema.claims import OWN_DEVICES
from recorder.session import UnconfirmedSpan

State = Literal["open", "killed", "sealed", "damaged"]
"""``open``: being recorded. ``killed``: never closed, and nobody writes it any more."""


class FactSource(Protocol):
    """The part of :class:`recorder.session.Session` that the facts come from."""

    @property
    def path(self) -> Any: ...  # noqa: D102
    @property
    def header(self) -> Any: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def eras(self) -> Sequence[ClockEra]: ...  # noqa: D102
    @property
    def streams(self) -> dict[str, StreamInfo]: ...  # noqa: D102
    @property
    def duration_s(self) -> float: ...  # noqa: D102
    @property
    def start_wall_ns(self) -> int: ...  # noqa: D102
    @property
    def damaged(self) -> Sequence[tuple[str, str]]: ...  # noqa: D102
    @property
    def incomplete_reason(self) -> str: ...  # noqa: D102
    def amendments(self) -> Sequence[Amendment]: ...  # noqa: D102
    def unconfirmed(self) -> Sequence[UnconfirmedSpan]: ...  # noqa: D102
    def gaps(self, stream_id: str) -> Iterable[Any]: ...  # noqa: D102
    def events(self, kind: str | None = None) -> list[Event]: ...  # noqa: D102
    def calibrations(self) -> Iterable[Calibration]: ...  # noqa: D102
    def t_s(self, t_host_ns: int, era: int) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class CuffMark:
    """A cuff reading: drawn when it was measured, known from when it was entered.

    Args:
        t_s: elapsed time of the measurement.
        known_s: elapsed time from which a screen could show it.
        withdrawn_s: from when it no longer counted, None if it still does.
    """

    t_s: float
    known_s: float
    sbp_mmhg: float
    dbp_mmhg: float
    map_mmhg: float | None
    arm: str = ""
    withdrawn_s: float | None = None


@dataclass(frozen=True, slots=True)
class GapMark:
    """A stretch of one stream without samples, and why."""

    stream_id: str
    t0_s: float
    t1_s: float
    cause: str
    n_missing: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CalibrationMark:
    """An accepted volt → mmHg line and the elapsed time it holds from (−inf: the whole session)."""

    stream_id: str
    channel: str
    from_s: float
    gain_mmhg_per_v: float
    offset_mmhg: float


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Everything Review knows without reading a sample.

    ``edition`` counts the refreshes of a live session: what was read for an older one is stale. ``card`` is that of
    the model whose estimates it holds, empty where neither the session nor a bundle installed here tells it;
    ``products`` are its devices. ``calibrates_itself``: its reference is a monitor with an arm cuff of its own, which
    somebody must see calibrate itself; an imported arterial line is none. ``ranges``: parameter → (low, high) that the
    template names for time in target; never an alarm. ``markers``: marks made by people. ``reference_spans``: when the
    monitor was calibrated by its own arm cuff, as its operator confirmed (safety rule 8); a reference that needs no
    such calibration is one all the time.
    """

    path: str
    session_id: str
    pseudonym: str
    operator: str
    start_wall_ns: int
    zone: str
    utc_offset_s: int
    duration_s: float
    state: State
    simulated: bool
    speed: float
    estimates_hidden: bool
    streams: tuple[StreamInfo, ...]
    marks: tuple[Mark, ...]
    cuffs: tuple[CuffMark, ...]
    gaps: tuple[GapMark, ...]
    calibrations: tuple[CalibrationMark, ...]
    damaged: tuple[tuple[str, str], ...]
    edition: int = 0
    corrections: tuple[Correction, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    incomplete: str = ""
    unconfirmed: tuple[tuple[float, float], ...] = ()
    products: tuple[str, ...] = ()
    card: dict[str, Any] = field(default_factory=dict, hash=False)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    calibrates_itself: bool = True
    markers: tuple[Mark, ...] = field(init=False, repr=False, compare=False)
    reference_spans: tuple[tuple[float, float], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        markers = tuple(m for m in self.marks if m.kind in ("marker", "tag"))
        object.__setattr__(self, "markers", markers)
        object.__setattr__(self, "reference_spans", self._reference_spans())

    def _reference_spans(self) -> tuple[tuple[float, float], ...]:
        """Worked out once: a picture asks for them in every strip."""
        if not self.calibrates_itself:
            return (ALWAYS,)
        return calibrated_spans((mark.t_s, mark.label) for mark in self.markers)

    @property
    def live(self) -> bool:
        """Being recorded now."""
        return self.state == "open"

    @property
    def replayed(self) -> bool:
        """Its samples are a real recording fed through the emulators."""
        return any(s.origin == "replayed" for s in self.streams)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models whose estimates it holds."""
        held = (s.metadata.get("model", s.stream_id) for s in self.streams if s.role == "estimate")
        return tuple(dict.fromkeys(held))

    @property
    def withdrawn_spans(self) -> tuple[tuple[float, float], ...]:
        """When estimates could use a cuff reading that was withdrawn later (safety rule 9)."""
        return tuple((c.known_s, c.withdrawn_s) for c in self.cuffs if c.withdrawn_s is not None)

    def reference_since_s(self, t_s: float) -> float | None:
        """When the reference of that moment was last confirmed as calibrated; None: it was not."""
        inside = any(start <= t_s < end for start, end in self.reference_spans)
        confirmed = [m.t_s for m in self.markers if m.label == REFERENCE_CALIBRATED and m.t_s <= t_s]
        return confirmed[-1] if inside and confirmed else None

    def stream(self, stream_id: str) -> StreamInfo:
        """The stream of that id."""
        return next(s for s in self.streams if s.stream_id == stream_id)


def facts_of(session: FactSource, edition: int = 0) -> SessionFacts:
    """Read the facts of an open session."""
    header = session.header
    events = session.events()
    streams = tuple(session.streams.values())
    return SessionFacts(
        path=str(session.path),
        session_id=header.session_id,
        pseudonym=header.subject.pseudonym if header.subject else "",
        operator=header.operator,
        start_wall_ns=session.start_wall_ns,
        zone=header.zone,
        utc_offset_s=header.utc_offset_s,
        duration_s=session.duration_s,
        state=state_of(session.state, session.path),
        simulated=header.simulated or any(s.origin in ("simulated", "replayed") for s in streams),
        speed=header.speed,
        estimates_hidden=estimates_hidden(header.template, events),
        streams=streams,
        marks=_marks(session, events),
        cuffs=_cuffs(session, events),
        gaps=_gaps(session, streams),
        calibrations=_calibrations(session),
        damaged=damage_of(session),
        edition=edition,
        corrections=corrections_of(session.amendments()),
        feedback=feedback_in(session.amendments(), header.utc_offset_s),
        incomplete=session.incomplete_reason,
        unconfirmed=tuple((span.t0_s, span.t1_s) for span in session.unconfirmed()),
        products=tuple(device.product for device in header.devices if device.device_id not in OWN_DEVICES),
        card=_card(streams),
        ranges=_ranges(header.template.get("ranges")),
        calibrates_itself=calibrates_itself(header.devices, streams),
    )


def _ranges(value: Any) -> dict[str, tuple[float, float]]:
    """Parameter → (low, high) in its own unit; what is no range is passed over."""
    found = {}
    for name, ends in value.items() if isinstance(value, dict) else ():
        with contextlib.suppress(TypeError, ValueError):
            low, high = (float(end) for end in ends)
            if name in PARAMETERS and low < high:
                found[str(name)] = (low, high)
    return found


def _card(streams: Sequence[StreamInfo]) -> dict[str, Any]:
    told = [s.metadata for s in streams if s.role == "estimate"]
    return card_of(told[0], places.models_dir()) if told else {}


def damage_of(session: FactSource) -> tuple[tuple[str, str], ...]:
    """Damaged files found so far, named relative to the session."""
    found = ((name, why.replace(f"{session.path}/", "")) for name, why in session.damaged)
    return tuple((name, why.removeprefix(f"{name}: ")) for name, why in found)


def state_of(stored: str, folder: Path) -> State:
    """What a session's state means now: one left open by a recorder that died is not being recorded."""
    if stored == "open":
        return "open" if being_written(folder) else "killed"
    return "sealed" if stored == "sealed" else "damaged"


def _marks(session: FactSource, events: Sequence[Event]) -> tuple[Mark, ...]:
    undone = {e.payload.get("event_id") for e in events if e.kind == "marker-undone"}
    marks = [
        mark_of(event, session.t_s(event.t_host_ns, event.era))
        for event in events
        if event.kind not in ("gap", "era", "marker-undone", "cuff", "cuff-withdrawn")
        and event.event_id not in undone
    ]
    marks += [
        Mark(session.t_s(era.monotonic_ns, era.number), era.reason, "era")
        for era in session.eras
        if era.number > 0
    ]
    return tuple(sorted(marks, key=lambda mark: mark.t_s))


def _cuffs(session: FactSource, events: Sequence[Event]) -> tuple[CuffMark, ...]:
    eras = {era.number: era for era in session.eras}
    withdrawn = {
        e.payload.get("event_id"): session.t_s(e.t_host_ns, e.era)
        for e in events
        if e.kind == "cuff-withdrawn"
    }
    marks = [_cuff(session, e, eras[e.era], withdrawn.get(e.event_id)) for e in events if e.kind == "cuff"]
    return tuple(sorted(marks, key=lambda mark: mark.t_s))


def _cuff(session: FactSource, event: Event, era: ClockEra, withdrawn_s: float | None) -> CuffMark:
    """Both times come from the wall clock, which the reading is stamped with."""

    def elapsed_s(wall_ns: int) -> float:
        return session.t_s(era.monotonic_ns + wall_ns - era.wall_ns, era.number)

    payload = event.payload
    measured_ns = int(payload.get("measured_at_ns", event.wall_ns))
    mean = payload.get("map_mmhg")
    return CuffMark(
        t_s=elapsed_s(measured_ns),
        known_s=elapsed_s(event.wall_ns),
        sbp_mmhg=float(payload["sbp_mmhg"]),
        dbp_mmhg=float(payload["dbp_mmhg"]),
        map_mmhg=None if mean is None else float(mean),
        arm=str(payload.get("arm", "")),
        withdrawn_s=withdrawn_s,
    )


def _gaps(session: FactSource, streams: Sequence[StreamInfo]) -> tuple[GapMark, ...]:
    found = [
        GapMark(
            stream.stream_id,
            gap.t0_s,
            session.duration_s if gap.t1_s is None else gap.t1_s,
            gap.cause,
            gap.n_missing,
            gap.detail,
        )
        for stream in streams
        for gap in session.gaps(stream.stream_id)
    ]
    return tuple(sorted(found, key=lambda gap: (gap.t0_s, gap.stream_id)))


def _calibrations(session: FactSource) -> tuple[CalibrationMark, ...]:
    last_era = max((era.number for era in session.eras), default=0)
    return tuple(
        CalibrationMark(
            c.stream_id,
            c.channel,
            -math.inf if c.t_host_ns is None else session.t_s(c.t_host_ns, last_era),
            c.gain_mmhg_per_v,
            c.offset_mmhg,
        )
        for c in session.calibrations()
        if c.accepted
    )
