"""A session on disk → the facts of its hemodynamic report."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate.claims import card_of
from hemoview.labels.reference.self_calibration import ALWAYS, calibrated_spans, calibrates_itself
from hemoview.labels.reference.session import reference_kind
from hemoview.report.session import numbers
from hemoview.report.session.facts import (
    GROUPS,
    LISTED,
    TABLE_S,
    UNITS,
    Ages,
    Coverage,
    CuffFact,
    Facts,
    Finding,
    GapFact,
    Learned,
    MarkerFact,
    ParameterFact,
    Row,
    SessionFact,
    Trend,
    from_json,
    rounded,
    to_json,
)
from hemoview.report.session.numbers import F64, Series, Span
from hemoview.report.session.sources import Calibrated, EstimateRows, columns_of, reasons_of, references
from recorder import __version__
from recorder.clock import ClockEra
from recorder.host import places
from recorder.schema import (
    CO_CALIBRATED,
    REFERENCE_CALIBRATED,
    Event,
    StreamInfo,
)
from recorder.schema.claims import OWN_DEVICES, claim_of
from recorder.session import Session, hides_estimates

STEPS_S: Final = (10, 30, 60, 120, 300, 600)
MOST_POINTS: Final = 300
"""More points than this are not told apart on paper."""
_NONE: Final = np.empty(0)


def read_facts(session: Session, models: Path | None = None, *, hide: bool = False) -> Facts:
    """Everything the report of an open session says.

    Args:
        models: folder of the bundles, for sessions that name a model without its claims; the installed ones.
        hide: its estimates, whatever the session itself says.

    Raises:
        RecorderError: the session cannot be read; says what to do.
    """
    read = _Read.of(session, models or places.models_dir(), hide=hide)
    step_s = next((s for s in STEPS_S if read.duration_s / s <= MOST_POINTS), STEPS_S[-1])
    ranges = _ranges(session.header.template.get("ranges"))
    found = tuple(p for p in UNITS if p in read.estimates or p in read.references)
    facts = Facts(
        session=_session(session, read),
        coverage=tuple(_coverage(session, read.recorded)),
        gaps=tuple(_gaps(session, read.recorded)),
        markers=read.markers,
        cuffs=read.cuffs,
        ages=_ages(session, read),
        reference_kind=read.kind,
        learned=_learned(session, read),
        parameters=tuple(_parameter(p, read) for p in found),
        table=tuple(_table(read, found)),
        ranges=tuple((p, low, high) for p, (low, high) in ranges.items()),
        findings=tuple(_findings(read, ranges)),
        trend_step_s=step_s,
        trends=tuple(_trend(p, read, step_s) for p in found),
        software=f"HemoView {__version__}",
    )
    return from_json(
        to_json(facts)
    )  # whole numbers of a header become what their field is: one text, one hash


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What was read of a session: its sources by parameter, and what happened."""

    duration_s: float
    events: Sequence[Event]
    recorded: tuple[StreamInfo, ...]
    hidden: bool
    info: StreamInfo | None
    card: dict[str, Any]
    reasons: tuple[str, ...]
    estimates: dict[str, Series]
    references: dict[str, Series]
    last_personalised_s: float | None
    kind: str
    self_calibrating: bool
    calibrated: tuple[Span, ...]
    markers: tuple[MarkerFact, ...]
    cuffs: tuple[CuffFact, ...]
    unconfirmed: tuple[Span, ...]

    @classmethod
    def of(cls, session: Session, models: Path, *, hide: bool) -> _Read:
        streams = tuple(session.streams.values())
        events, hidden = session.events(), hide or hides_estimates(session)
        info = next((s for s in streams if s.role == "estimate"), None)
        card = card_of(info.metadata, models) if info is not None else {}
        markers = tuple(_markers(session, events))
        unconfirmed = tuple((span.t0_s, span.t1_s) for span in session.unconfirmed())
        own = calibrates_itself(session.header.devices, streams)
        calibrated = calibrated_spans((m.t_s, m.label) for m in markers) if own else (ALWAYS,)
        co_since_s = min((m.t_s for m in markers if m.label == CO_CALIBRATED), default=math.inf)
        reasons = tuple(reasons_of(info)) if info is not None else ()
        rows = EstimateRows.of(session, info, reasons) if info is not None else None
        given = [s for role in ("reference", "beats") for s in streams if s.role == role]
        wave = next((s for s in streams if s.role == "abp_wave"), None)
        first = next((s for s in given if columns_of(s)), wave)
        return cls(
            duration_s=session.duration_s,
            events=events,
            recorded=tuple(s for s in streams if s.origin != "derived"),
            hidden=hidden,
            info=info,
            card=card,
            reasons=reasons,
            estimates={} if hidden or rows is None else dict(rows.series(card, unconfirmed)),
            references=dict(references(session, given, Calibrated(own, calibrated, co_since_s), unconfirmed)),
            last_personalised_s=rows.last_age_s if rows is not None else None,
            kind="" if first is None else reference_kind(session, first),
            self_calibrating=own,
            calibrated=calibrated,
            markers=markers,
            cuffs=tuple(sorted(_cuffs(session, events), key=lambda cuff: cuff.t_s)),
            unconfirmed=unconfirmed,
        )


# ---- what is said of them


def _parameter(parameter: str, read: _Read) -> ParameterFact:
    estimate, reference = read.estimates.get(parameter), read.references.get(parameter)
    return ParameterFact(
        parameter,
        UNITS[parameter],
        numbers.summary(parameter, estimate, read.duration_s, read.reasons) if estimate else None,
        numbers.summary(parameter, reference, read.duration_s) if reference else None,
        numbers.agreement(parameter, estimate, reference, read.duration_s)
        if estimate and reference
        else None,
    )


def _findings(read: _Read, ranges: dict[str, Span]) -> Iterator[Finding]:
    for parameter, ends in ranges.items():
        for source, by in (("estimate", read.estimates), ("reference", read.references)):
            if parameter in by:
                yield from numbers.findings(parameter, source, by[parameter], ends, read.duration_s)


def _table(read: _Read, parameters: Sequence[str]) -> Iterator[Row]:
    """Ten minutes by ten minutes, parameter by parameter; slots without any row are left out."""
    n = numbers.n_slots(read.duration_s, TABLE_S)
    withdrawn = [(c.t_s, c.withdrawn_s) for c in read.cuffs if c.withdrawn_s is not None]
    parts = {p: _Parts.of(p, read, n) for p in parameters}
    for slot in range(n):
        t0_s = float(slot * TABLE_S)
        touched = any(a < t0_s + TABLE_S and b > t0_s for a, b in withdrawn)
        for parameter in parameters:
            row = parts[parameter].row(slot, t0_s, withdrawn=touched)
            if row is not None:
                yield row


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Medians of ten minutes of one parameter."""

    parameter: str
    series: Series | None
    estimate: F64
    low: F64
    high: F64
    n: NDArray[np.int64]
    rows: NDArray[np.int64]
    reference: F64
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, parameter: str, read: _Read, n: int) -> _Parts:
        nothing, none = np.full(n, np.nan), np.zeros(n, np.int64)
        series, beside = read.estimates.get(parameter), read.references.get(parameter)
        value, counted, low, high, rows = nothing, none, nothing, nothing, none
        if series is not None:
            value, counted = numbers.slots_of(series.t_s, series.value, TABLE_S, n)
            rows = numbers.slots_of(series.t_s, np.zeros(len(series.t_s)), TABLE_S, n)[1]
            if series.low.size:
                low, high = (
                    numbers.slots_of(series.t_s, e, TABLE_S, n)[0] for e in (series.low, series.high)
                )
        reference = nothing if beside is None else numbers.slots_of(beside.t_s, beside.value, TABLE_S, n)[0]
        return cls(parameter, series, value, low, high, counted, rows, reference, read.reasons)

    def row(self, slot: int, t0_s: float, *, withdrawn: bool) -> Row | None:
        if not self.rows[slot] and not np.isfinite(self.reference[slot]):
            return None
        shown, n, rows = np.isfinite(self.estimate[slot]), int(self.n[slot]), int(self.rows[slot])
        return Row(
            t0_s=t0_s,
            parameter=self.parameter,
            estimate=self._at(self.estimate, slot),
            low=self._at(self.low, slot),
            high=self._at(self.high, slot),
            n=n,
            abstained=round(1 - n / rows, 3) if rows else None,
            why=self._why(t0_s) if rows and n < rows else "",
            simulated=bool(self.series and self.series.simulated and shown),
            withdrawn=bool(withdrawn and shown),
            reference=self._at(self.reference, slot),
        )

    def _at(self, values: F64, slot: int) -> float | None:
        return rounded(self.parameter, values[slot]) if np.isfinite(values[slot]) else None

    def _why(self, t0_s: float) -> str:
        assert self.series is not None
        a, b = np.searchsorted(self.series.t_s, [t0_s, t0_s + TABLE_S])
        told = numbers.reasons(self.series.why[a:b], self.reasons)
        return told[0][0] if told else ""


def _trend(parameter: str, read: _Read, step_s: int) -> Trend:
    n = numbers.n_slots(read.duration_s, step_s)

    def line(series: Series | None, values: F64) -> tuple[float | None, ...]:
        if series is None or not values.size:
            return ()
        median = numbers.slots_of(series.t_s, values, step_s, n)[0]
        return tuple(rounded(parameter, v) if math.isfinite(v) else None for v in median.tolist())

    estimate, reference = read.estimates.get(parameter), read.references.get(parameter)
    return Trend(
        parameter,
        line(estimate, estimate.value if estimate else _NONE),
        line(estimate, estimate.low if estimate else _NONE),
        line(estimate, estimate.high if estimate else _NONE),
        line(reference, reference.value if reference else _NONE),
    )


# ---- the session


def _session(session: Session, read: _Read) -> SessionFact:
    header, streams = session.header, session.streams.values()
    who = header.subject
    return SessionFact(
        session_id=header.session_id,
        pseudonym=who.pseudonym if who else "",
        sex=who.sex if who else "unknown",
        age_y=who.age_y if who else None,
        height_cm=who.height_cm if who else None,
        weight_kg=who.weight_kg if who else None,
        template=str(header.template.get("name") or ""),
        start_wall_ns=session.start_wall_ns,
        utc_offset_s=header.utc_offset_s,
        zone=header.zone,
        duration_s=round(read.duration_s, 1),
        state=session.state,
        incomplete=session.incomplete_reason,
        simulated=header.simulated or any(s.origin == "simulated" for s in streams),
        replayed=any(s.origin == "replayed" for s in streams),
        speed=header.speed,
        estimates_hidden=read.hidden,
        corrected=tuple(session.amended_fields),
        devices=tuple(dict.fromkeys(d.product for d in header.devices if d.device_id not in OWN_DEVICES)),
        unconfirmed_s=round(sum(end - start for start, end in read.unconfirmed), 1),
        cvp_assumed=who is None or who.cvp_mmhg is None,
    )


def _coverage(session: Session, recorded: Sequence[StreamInfo]) -> Iterator[Coverage]:
    products = {d.device_id: d.product for d in session.header.devices}
    for info in recorded:
        rows, lengths = session.rows(info.stream_id), [g.t1_s - g.t0_s for g in session.gaps(info.stream_id)]
        whole = (info.nominal_rate_hz or 0.0) * session.duration_s
        yield Coverage(
            info.stream_id,
            info.role,
            products.get(info.device_id, info.device_id),
            rows,
            round(min(1.0, rows / whole), 4) if whole else None,
            len(lengths),
            round(max(lengths, default=0.0), 1),
        )


def _gaps(session: Session, recorded: Sequence[StreamInfo]) -> Iterator[GapFact]:
    found = [
        GapFact(info.stream_id, round(gap.t0_s, 1), round(gap.t1_s, 1), gap.cause, gap.n_missing)
        for info in recorded
        for gap in session.gaps(info.stream_id)
    ]
    return iter(sorted(found, key=lambda gap: (gap.t0_s, gap.stream_id)))


def _markers(session: Session, events: Sequence[Event]) -> Iterator[MarkerFact]:
    undone = {e.payload.get("event_id") for e in events if e.kind == "marker-undone"}
    found = [
        MarkerFact(
            round(session.t_of(e), 1), str(e.payload.get("label", "")), str(e.payload.get("source", ""))
        )
        for e in events
        if e.kind == "marker" and e.event_id not in undone
    ]
    return iter(sorted(found, key=lambda mark: mark.t_s))


def _cuffs(session: Session, events: Sequence[Event]) -> Iterator[CuffFact]:
    """Readings by the wall clock, which they are stamped with."""
    eras: dict[int, ClockEra] = {era.number: era for era in session.eras}
    gone = {e.payload.get("event_id"): session.t_of(e) for e in events if e.kind == "cuff-withdrawn"}
    for event in events:
        if event.kind != "cuff":
            continue
        told, era = event.payload, eras[event.era]
        measured_ns = int(told.get("measured_at_ns", event.wall_ns))
        mean, withdrawn_s = told.get("map_mmhg"), gone.get(event.event_id)
        yield CuffFact(
            t_s=round(session.t_s(era.monotonic_ns + measured_ns - era.wall_ns, era.number), 1),
            sbp_mmhg=float(told["sbp_mmhg"]),
            dbp_mmhg=float(told["dbp_mmhg"]),
            map_mmhg=None if mean is None else float(mean),
            arm=str(told.get("arm", "")),
            posture=str(told.get("posture", "")),
            withdrawn_s=None if withdrawn_s is None else round(withdrawn_s, 1),
        )


def _ages(session: Session, read: _Read) -> Ages:
    told = tuple(m.t_s for m in read.markers if m.label == REFERENCE_CALIBRATED)
    holds = any(end > read.duration_s for _, end in read.calibrated) if read.self_calibrating else False
    lines = [c for c in session.calibrations() if c.accepted]
    newest = max(lines, key=lambda c: c.wall_ns, default=None)
    return Ages(
        reference_calibrations_s=told,
        calibrates_itself=read.self_calibrating,
        reference_s=round(read.duration_s - told[-1], 1) if told and holds else None,
        personalisation_s=read.last_personalised_s,
        adc_calibrated_ns=newest.wall_ns if newest else None,
        adc_s=round((session.start_wall_ns - newest.wall_ns) / 1e9, 0) if newest else None,
        adc_method=newest.method if newest else "",
    )


def _learned(session: Session, read: _Read) -> Learned | None:
    """None: no model ran, or nothing may be said of what it gave."""
    model = read.info.metadata.get("model", "") if read.info is not None else ""
    if read.hidden or not (model or read.card):
        return None
    products = [d.product for d in session.header.devices if d.device_id not in OWN_DEVICES]
    claim = claim_of(read.card, products)
    return Learned(
        model or f"{read.card.get('name', '')}-{read.card.get('version', '')}",
        bool(read.card),
        LISTED.join(claim.kinds),
        LISTED.join(claim.site),
        claim.n,
        LISTED.join(claim.unchecked),
    )


def _ranges(value: Any) -> dict[str, Span]:
    """Parameter → (low, high) that the template names for time in target; what is no range is passed over."""
    found: dict[str, Span] = {}
    for name, ends in value.items() if isinstance(value, dict) else ():
        with contextlib.suppress(TypeError, ValueError):
            low, high = (float(end) for end in ends)
            if name in UNITS and low < high:
                found[str(name)] = (low, high)
    return {name: found[name] for name in UNITS if name in found}


assert set(UNITS) == {p for group in GROUPS.values() for p in group}
