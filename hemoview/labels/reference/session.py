"""The reference of a stored session: its beats with all they say, and what happened to it meanwhile.

Beats are those the monitor gave (a stream of role ``reference``); where there is none they are found in the calibrated
pressure wave by the detector that runs live. Beside an arterial line a monitor gives no beats but values it holds:
then pressures and rate are those of the wave's beats, and the rest is what it showed when a window ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp import abp_beats
from hemoview.dsp.abp_beats import REFRACTORY_S, PressureBeat, find_abp_beats, in_mmhg
from hemoview.dsp.tracking import BeatTracker, Tracked
from hemoview.labels.reference.windows import CNAP_KIND, HeldValues, ReferenceBeats, ReferenceFacts, Span
from hemoview.labels.signals.session_signals import pressure_stream, reference_rows
from recorder.acquire.phase_clock import INFLATION_S
from recorder.errors import ConfigError
from recorder.schema import (
    CUFF_INFLATION,
    FINGER_CHANGED,
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Event,
    StreamInfo,
)
from recorder.schema.events import CO_CALIBRATED
from recorder.session import Session, StreamData, derived

F64 = NDArray[np.float64]

READ_S: Final = 900.0
KEPT: Final = "beats-reference"
_KNOT_EVERY: Final = 16
"""A time base is a line within a run: every so-many-th sample tells the time of all between."""
SIMULATED_KIND: Final = "physiology-model"
LINE_KIND: Final = "arterial-line"
KINDS: Final = (CNAP_KIND, LINE_KIND, "finger-cuff", SIMULATED_KIND)
"""What a reference may be called; the first is one that calibrates itself and has to."""
_LINE_NAME: Final = re.compile(r"(abp|art|aobp|ibp|radial|femoral)", re.IGNORECASE)
_SEARCHES: Final = ("signal-search", "square-wave")
"""Notices of a monitor that shows something other than pressure."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionReference:
    """What labels are made of.

    Args:
        stream_id: where the beats are from.
        beats: in the session's elapsed seconds as the reference's device has them.
        facts: what happened to it.
        adc: (elapsed time it holds from, id) of the volt → mmHg lines of the wave, in order; empty = mmHg already.
    """

    stream_id: str
    beats: ReferenceBeats
    facts: ReferenceFacts
    adc: tuple[tuple[float, str], ...] = ()


def read_reference(session: Session, kind: str = "") -> SessionReference:
    """The reference of an open session.

    Args:
        session: sealed.
        kind: what the reference is, where the session does not tell.

    Raises:
        ConfigError: it has none, or its pressure has no mmHg; names the session.
    """
    rows, wave = reference_rows(session), pressure_stream(session)
    given = rows is not None and rows.role == "reference"
    line = wave is not None and (reference_kind(session, wave) or kind) == LINE_KIND
    shown = rows if given and line else None
    info = rows if given and shown is None else wave or rows
    if info is None:
        raise ConfigError(
            f"{session.path.name}: no reference: neither beats of a monitor nor a pressure wave; "
            "import the monitor's files into it"
        )
    told = reference_kind(session, info) or kind
    facts = facts_of(session, told, _nbp_changes(session, shown))
    if info.kind == "numeric":
        return SessionReference(info.stream_id, _rows(session, info), facts)
    _refuse_volts(session, info)
    adc = tuple(
        (
            -np.inf if c.t_host_ns is None else session.t_s(c.t_host_ns, session.eras[-1].number),
            c.calibration_id,
        )
        for c in session.calibrations()
        if c.accepted and c.stream_id == info.stream_id
    )
    beats = replace(_wave_beats(session, info), held=None if shown is None else _held(session, shown))
    return SessionReference(info.stream_id, beats, facts, tuple(sorted(adc)))


def reference_kind(session: Session, info: StreamInfo) -> str:
    """What measured the labels; empty = the session does not tell."""
    if told := info.metadata.get("reference_kind"):
        return told
    if info.origin == "simulated" or session.header.simulated:
        return SIMULATED_KIND
    products = {d.device_id: d.product for d in session.header.devices}
    source = info.metadata.get("source", "").partition(".")[0]
    product = products.get(info.device_id, "") + products.get(source, "")
    if "CNAP" in product.upper() or info.device_id in ("cnap", "adc") or source == "adc":
        return CNAP_KIND  # the analogue input of this program is the output of that monitor
    return LINE_KIND if _LINE_NAME.match(info.channels[0].name) else ""


def facts_of(session: Session, kind: str, more_cuffs: Sequence[Span] = ()) -> ReferenceFacts:
    """Calibrations, changes of the finger, searches and cuffs, out of the stored events; more cuffs from elsewhere."""
    events = session.events()
    undone = {e.payload.get("event_id") for e in events if e.kind == "marker-undone"}
    marks = [(_t_s(session, e), str(e.payload.get("label", ""))) for e in events if _is_mark(e, undone)]
    calibrated = tuple(sorted(t for t, label in marks if label == REFERENCE_CALIBRATED))
    doubted = tuple(sorted(t for t, label in marks if label == FINGER_CHANGED))
    return ReferenceFacts(
        kind,
        calibrates_itself=kind != LINE_KIND,
        calibrated_s=calibrated,
        doubted_s=doubted,
        co_calibrated_s=tuple(sorted(t for t, label in marks if label == CO_CALIBRATED)),
        recalibrations=(*((t, t) for t in (*calibrated, *doubted)), *_searches(session, events)),
        cuffs=(*_cuffs(session, events), *more_cuffs),
    )


def _is_mark(event: Event, undone: set[object]) -> bool:
    return event.kind == "marker" and event.event_id not in undone


def _t_s(session: Session, event: Event) -> float:
    return session.t_s(event.t_host_ns, event.era)


def _searches(session: Session, events: list[Event]) -> Iterator[Span]:
    """Spans in which the monitor searched or showed its square wave; one whose end was not told is a moment."""
    begun: dict[str, float] = {}
    for event in events:
        if event.kind != "notice":
            continue
        kind, ended, t_s = event.payload.get("kind"), event.payload.get("ended"), _t_s(session, event)
        if ended in _SEARCHES:
            yield (begun.pop(str(ended), t_s), t_s)
        elif kind in _SEARCHES:
            if str(kind) in begun:
                yield (begun[str(kind)],) * 2
            begun[str(kind)] = t_s
    yield from ((t, t) for t in begun.values())


def _cuffs(session: Session, events: list[Event]) -> Iterator[Span]:
    """When a cuff was inflated: told as a span, or known by its reading."""
    eras = {era.number: era for era in session.eras}
    started: float | None = None
    for event in events:
        t_s = _t_s(session, event)
        if event.kind == "cuff":
            era = eras[event.era]
            measured_ns = int(event.payload.get("measured_at_ns", event.wall_ns))
            at_s = session.t_s(era.monotonic_ns + measured_ns - era.wall_ns, era.number)
            yield (at_s, at_s)
        elif event.kind == "notice" and event.payload.get("kind") in ("cuff-failed", "cuff-implausible"):
            yield (t_s, t_s)
        elif event.kind == CUFF_INFLATION and event.payload.get("state") == "started":
            if started is not None:
                yield (started, min(t_s, started + INFLATION_S))
            started = t_s
        elif event.kind == CUFF_INFLATION and started is not None:
            yield (started, t_s)
            started = None
    if started is not None:
        yield (started, started + INFLATION_S)


def _nbp_changes(session: Session, info: StreamInfo | None) -> list[Span]:
    """When a held cuff reading became another: nothing else tells of the cuff."""
    names = [c.name for c in info.channels] if info is not None else []
    if info is None or "nbp_sys" not in names:
        return []
    data = session.read(info.stream_id)
    values = data.values[:, names.index("nbp_sys")]
    known = np.isfinite(values)
    times, values = data.time_s[known], values[known]
    return [(t, t) for t in times[1:][np.diff(values) != 0].tolist()]


def _held(session: Session, info: StreamInfo) -> HeldValues:
    """What a monitor shows beside its waves; its pressures and rate are not taken: those are its display's."""
    data = session.read(info.stream_id)
    names = [c.name.lower() for c in info.channels]
    values = np.full((len(data), len(PARAMETERS) + 1), np.nan)
    for k, name in enumerate((*PARAMETERS, "cvp")):
        if name.lower() in names and name not in ("SBP", "MAP", "DBP", "HR"):
            values[:, k] = data.values[:, names.index(name.lower())]
    return HeldValues(data.time_s, values)


def _refuse_volts(session: Session, info: StreamInfo) -> None:
    unit = info.channels[0].unit
    scaled = any(
        c.accepted and (c.stream_id, c.channel) == (info.stream_id, info.channels[0].name)
        for c in session.calibrations()
    )
    if unit != "mmHg" and not scaled:
        raise ConfigError(
            f"{session.path.name}: {info.stream_id} is in {unit} and nobody calibrated it; run recorder calibrate"
        )


def _rows(session: Session, info: StreamInfo) -> ReferenceBeats:
    """What a monitor (or the edge) stored, row by row; rows of no beat are left out."""
    data = session.read(info.stream_id)
    names = [re.sub(r"_(mmhg|per_min)\Z", "", c.name.lower()) for c in info.channels]
    values = np.full((len(data), len(PARAMETERS)), np.nan)
    for k, parameter in enumerate(PARAMETERS):
        if parameter.lower() in names:
            values[:, k] = data.values[:, names.index(parameter.lower())]
    if info.role == "reference" and "quality" in names:
        values[data.values[:, names.index("quality")] == 0, :3] = np.nan
    cvp = data.values[:, names.index("cvp")] if "cvp" in names else None
    order = np.argsort(data.time_s, kind="stable")
    kept = order[np.isfinite(values[order, :4]).any(axis=1)]
    return ReferenceBeats(data.time_s[kept], values[kept], None if cvp is None else cvp[kept])


def _wave_beats(session: Session, info: StreamInfo) -> ReferenceBeats:
    """Beats of a pressure wave in mmHg, timed by its fitted time base; found once and kept beside the session."""
    facts = {
        "detector": [abp_beats.DETECTOR, abp_beats.VERSION],
        "stream": info.stream_id,
        "calibrations": [repr(c) for c in session.calibrations()],
    }
    key = derived.key_of(session.path, facts)
    known = None if key is None else derived.read(session.path, KEPT, key)
    if known is not None and {"t_s", "values"} <= known.keys():
        return ReferenceBeats(known["t_s"], known["values"])
    found = _found_in_wave(session, info)
    if key is not None and not session.damaged:
        derived.write(session.path, KEPT, key, {"t_s": found.t_s, "values": found.values})
    return found


def _found_in_wave(session: Session, info: StreamInfo) -> ReferenceBeats:
    tracker: BeatTracker[PressureBeat] = BeatTracker(
        find_abp_beats, info.nominal_rate_hz or 1.0, refractory_s=REFRACTORY_S
    )
    found: list[PressureBeat] = []
    numbers, times = [np.empty(0, np.int64)], [np.empty(0)]
    last_era = -1

    def take(beats: Iterator[Tracked[PressureBeat]]) -> None:
        found.extend(kept for b in beats if (kept := in_mmhg(b.beat, 1.0, 0.0)) is not None)

    for part in calibrated_pieces(session, info):
        wave = part.values[:, 0]
        known = np.isfinite(wave)
        number, time_s, era = part.sample_no[known], part.time_s[known], part.era[known]
        cuts = (np.flatnonzero((np.diff(number) != 1) | (np.diff(era) != 0)) + 1).tolist()
        for start, stop in zip([0, *cuts], [*cuts, len(number)], strict=True):
            if stop == start:
                continue
            if era[start] != last_era:
                take(tracker.cut())
            last_era = int(era[start])
            take(tracker.push(int(number[start]), wave[known][start:stop]))
            knots = np.unique(np.append(np.arange(start, stop, _KNOT_EVERY), stop - 1))
            numbers.append(number[knots])
            times.append(time_s[knots])
    take(tracker.flush())
    onset = np.array([b.onset for b in found])
    known_no = np.concatenate(numbers)
    t_s = np.interp(onset, known_no, np.concatenate(times)) if len(known_no) else np.empty(0)
    values = np.full((len(found), len(PARAMETERS)), np.nan)
    if found:
        values[:, :4] = [[b.sbp, b.map, b.dbp, b.hr_per_min] for b in found]
    order = np.argsort(t_s, kind="stable")
    return ReferenceBeats(t_s[order], values[order])


def calibrated_pieces(session: Session, info: StreamInfo) -> Iterator[StreamData]:
    """A stream piece by piece, mmHg where it was calibrated; a sample at a seam may come twice."""
    end_s = session.duration_s + 1.0
    for begin_s in np.arange(0.0, end_s, READ_S).tolist():
        last = begin_s + READ_S >= end_s
        low, high = None if begin_s == 0 else begin_s, None if last else begin_s + READ_S
        part = session.read(info.stream_id, low, high, calibrated=True)
        if len(part):
            yield part
