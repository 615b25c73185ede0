"""Recordings that came later put beside a session that was there: a new session of both, the old one left as it is.

What comes is timed in UTC; the session's clock eras are laid over it, and each stretch is stored in the host time of
the era it falls in.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from recorder import session
from recorder.clock import ClockEra
from recorder.errors import ConfigError, SessionError
from recorder.exchange.imports.importing import Plan, refuse_unanswered, stored_facts, told_of_subject
from recorder.exchange.imports.questions import ZONES_SPAN_NS
from recorder.exchange.into_session import Break, Moment, Rows, Waveform, bulk_numeric, bulk_waveform
from recorder.exchange.sources.local_time import check_zone
from recorder.schema import Event, Gap
from recorder.session.bulk import BulkStream, Told
from recorder.session.joined import Added, write_joined
from recorder.session.stored import Stored, read_stored
from recorder.session.timeline import EraAxis

JOINED = "joined"
"""Kind of the event that names the session the others were put beside."""
_FAR_NS = 2**62


@dataclass(frozen=True, slots=True)
class _Eras:
    """Clock eras of the new session, and the wall time in which each holds.

    Args:
        eras: those of the old session; the first one's anchor lies at the earliest moment of both.
        begins_ns: UTC ns from which each holds; the first from ever.
        origins_ns: UTC ns at host time 0 of each.
    """

    eras: tuple[ClockEra, ...]
    begins_ns: tuple[int, ...]
    origins_ns: tuple[int, ...]

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """(era, from, up to)."""
        ends = (*self.begins_ns[1:], _FAR_NS)
        for era, (begin, end) in enumerate(zip(self.begins_ns, ends, strict=True)):
            yield era, begin, end

    def event(self, moment: Moment) -> Event:
        """A moment in the host time of its era."""
        era = max(bisect_right(self.begins_ns, moment.wall_ns) - 1, 0)
        t_host_ns = moment.wall_ns - self.origins_ns[era]
        stored_ns = moment.wall_ns if moment.stored_wall_ns is None else moment.stored_wall_ns
        return Event(uuid.uuid4().hex, moment.kind, t_host_ns, stored_ns, era, moment.payload)


def join(
    base: Path,
    plan: Plan,
    out: Path,
    *,
    accepted: Collection[str] = (),
    now_wall_ns: int,
    told: Told | None = None,
) -> Path:
    """Write a session of everything in ``base`` and the sources of ``plan``.

    Args:
        base: a sealed session of the same subject.
        plan: what comes beside it.
        out: folder of the new session, new or empty.
        accepted: answered questions of the plan.
        now_wall_ns: UTC now.
        told: hears how far it is.

    Raises:
        ConfigError: a question is not answered, another subject, no common moment, a device of that name is there,
            or the recording came in meanwhile.
        SessionError, StorageError: ``base`` cannot be read, or ``out`` not written; nothing is left.
    """
    refuse_unanswered(plan, accepted)
    stored = read_stored(base)
    with session.open(base) as opened:
        if opened.state != "sealed":
            raise SessionError(f"{base.name}: is not sealed; end it, or run recorder recover, then join it")
        _refuse_another(opened, plan)
        _refuse_apart(opened, plan, accepted)
        before = opened.events()
    eras = _eras_of(stored, plan.span_wall_ns[0])
    added, moments = [], [m for source in plan.sources for m in source.moments]
    gaps: list[Gap] = []
    for source in plan.sources:
        for wave in source.waveforms:
            parts, found = _added_wave(wave, eras)
            added += parts
            gaps += found
        for rows in source.numerics:
            added += _added_rows(rows, eras)
    first_ns = plan.span_wall_ns[0]
    origin = {"session": stored.card.header.session_id, "folder": base.name}
    moments.append(Moment(JOINED, first_ns, origin, now_wall_ns))
    moments += [Moment("import", first_ns, fact, now_wall_ns) for fact in stored_facts(plan)]
    events = [*before, *(eras.event(moment) for moment in moments)]
    events += [session.gap_event(g, uuid.uuid4().hex, g.t0_host_ns + eras.origins_ns[g.era]) for g in gaps]
    events.sort(
        key=lambda e: e.t_host_ns + eras.origins_ns[e.era]
    )  # stable: what was stored later stays later
    card, naming = _card(stored, plan, eras), plan.naming(accepted)
    return write_joined(out, stored, card, added, events, told=told, naming=naming)


def _refuse_another(opened: session.Session, plan: Plan) -> None:
    whose = opened.header.subject.pseudonym if opened.header.subject else "nobody"
    name = opened.path.name
    if whose != plan.order.subject.pseudonym:
        raise ConfigError(
            f"{name} is of subject {whose}, not of {plan.order.subject.pseudonym}: nothing was joined"
        )
    clash = {d.device_id for s in plan.sources for d in s.devices} & {
        info.device_id for info in opened.streams.values()
    }
    if clash:
        raise ConfigError(f"{name} has a device {', '.join(sorted(clash))} already: nothing was joined")


def _refuse_apart(opened: session.Session, plan: Plan, accepted: Collection[str]) -> None:
    """Clocks that are a zone apart may be of one session all the same, as at import: aligning finds by how much."""
    begin_ns = opened.start_wall_ns
    end_ns = begin_ns + round(opened.duration_s * 1e9)
    first_ns, last_ns = plan.span_wall_ns
    between_ns = max(first_ns - end_ns, begin_ns - last_ns)
    within_zones = between_ns <= ZONES_SPAN_NS
    if between_ns < 0 or (within_zones and "apart" in accepted):
        return
    way_out = (
        "; if a device's clock was set wrongly, give --accept apart, and aligning it finds by how much"
        if within_zones
        else ""
    )
    raise ConfigError(
        f"{opened.path.name} and what is to be joined have no moment in common: check the time zone; "
        f"nothing was joined{way_out}"
    )


def _eras_of(stored: Stored, first_wall_ns: int) -> _Eras:
    """An anchor may be moved along its own line: elapsed time 0 is the earliest moment of both."""
    first, *rest = stored.card.eras
    earlier_ns = max(first.wall_ns - first_wall_ns, 0)
    moved = replace(first, monotonic_ns=first.monotonic_ns - earlier_ns, wall_ns=first.wall_ns - earlier_ns)
    eras = (moved, *rest)
    axis = EraAxis.of(eras, stored.last_arrivals_ns())
    starts = [moved.wall_ns + start for start in axis.starts_ns]
    origins = tuple(start - era.monotonic_ns for start, era in zip(starts, eras, strict=True))
    return _Eras(eras, (-_FAR_NS, *starts[1:]), origins)


def _card(stored: Stored, plan: Plan, eras: _Eras) -> session.SessionCard:
    header = stored.card.header
    infos = [wave.info for source in plan.sources for wave in source.waveforms]
    infos += [rows.info for source in plan.sources for rows in source.numerics]
    devices = [d for source in plan.sources for d in source.devices]
    if plan.order.zone and header.zone == "UTC":  # the old one knew of no zone
        header = replace(
            header, zone=plan.order.zone, utc_offset_s=_offset_s(eras.eras[0].wall_ns, plan.order.zone)
        )
    subject = told_of_subject(header.subject or plan.order.subject, plan.sources)
    new = replace(
        header,
        subject=subject,
        session_id=uuid.uuid4().hex,
        devices=(*header.devices, *devices),
        simulated=header.simulated or any(source.simulated for source in plan.sources),
    )
    return session.SessionCard(new, (*stored.card.streams, *infos), eras.eras)


def _offset_s(wall_ns: int, zone: str) -> int:
    offset = datetime.fromtimestamp(wall_ns // 1_000_000_000, check_zone(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _added_wave(wave: Waveform, eras: _Eras) -> tuple[list[Added], list[Gap]]:
    """The stretches of a wave, numbered through from the first era to the last."""
    added: list[Added] = []
    gaps: list[Gap] = []
    next_no = 0
    for era, begin_ns, end_ns in eras.spans():
        part = between(wave, begin_ns, end_ns)
        if part is None:
            continue
        stream, found = bulk_waveform(part, eras.origins_ns[era])
        added.append(_from(stream, next_no, era))
        gaps += [replace(g, first_missing_no=g.first_missing_no + next_no, era=era) for g in found]
        next_no = int(added[-1].stream.rows.sample_no[-1]) + 1
    return added, gaps


def _added_rows(rows: Rows, eras: _Eras) -> Iterator[Added]:
    next_no = 0
    for era, begin_ns, end_ns in eras.spans():
        chosen = (rows.wall_ns >= begin_ns) & (rows.wall_ns < end_ns)
        if not chosen.any():
            continue
        stream = bulk_numeric(
            Rows(rows.info, rows.wall_ns[chosen], rows.values[chosen]), eras.origins_ns[era]
        )
        found = _from(stream, next_no, era)
        yield found
        next_no = int(found.stream.rows.sample_no[-1]) + 1


def _from(stream: BulkStream, first_no: int, era: int) -> Added:
    """The same stretch, numbered from ``first_no`` on, of an era."""
    rows, points = stream.rows, stream.points
    numbered = replace(rows, sample_no=rows.sample_no + first_no)
    told = replace(points, sample_no=points.sample_no + first_no, era=np.full_like(points.era, era))
    return Added(BulkStream(stream.info, numbered, told), era)


def between(wave: Waveform, begin_ns: int, end_ns: int) -> Waveform | None:
    """The samples of a wave taken in ``[begin, end)`` UTC ns; None where there are none."""
    period_ns = Fraction(1_000_000_000) / Fraction(wave.info.nominal_rate_hz or 1.0).limit_denominator(
        100_000
    )
    causes: Sequence[Break | None] = (None, *wave.breaks)
    kept: list[tuple[int, int, int, Break | None]] = []
    for (first, end, wall_ns), cause in zip(wave.runs, causes, strict=True):
        low = min(max(ceil((begin_ns - wall_ns) / period_ns), 0), end - first)
        high = min(max(ceil((end_ns - wall_ns) / period_ns), 0), end - first)
        if high > low:
            kept.append((first + low, first + high, wall_ns + round(low * period_ns), cause))
    if not kept:
        return None
    values = np.concatenate([wave.values[a:b] for a, b, *_ in kept])
    places = np.cumsum([b - a for a, b, *_ in kept]).tolist()
    breaks = tuple(
        Break(place, wall_ns, cause.cause if cause else "", cause.detail if cause else "")
        for place, (_, (_, _, wall_ns, cause)) in zip(places, pairwise(kept), strict=False)
    )
    return Waveform(wave.info, kept[0][2], values, breaks)
