"""What a session's signals are: which stream is the pulse, which the pressure, and the beats of both.

Beats are found again from the stored samples by the detectors that run live, whole session in constant memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import REFRACTORY_S
from hemoview.dsp.beat_train import (
    EMPTY,
    BeatTrain,
    Rise,
    find_pressure_rises,
    find_pulse_rises,
    motion_around,
)
from hemoview.dsp.tracking import BeatTracker, Detector, Tracked
from recorder.schema import StreamInfo
from recorder.session import GapSpan, Session, StreamData
from recorder.session.timeline import COUNTED_CAUSES

EDGE: Final = "edge"
"""Device id of what was derived live; never a source."""
SLOWEST_HZ: Final = {"ppg": 25.0, "abp_wave": 40.0, "acc": 5.0}
READ_S: Final = 600.0
"""So much of a stream is held at once."""
IN_FILE_S: Final = 60.0
"""A hole of a file up to this long has one clock on both sides; a longer one may lie between two recordings."""
NOT_IN_FILE, UNREADABLE = "not-in-file", "unreadable"
"""Causes of gaps of imported sources (:mod:`recorder.exchange.into_session`)."""
_KNOT_EVERY: Final = 16

Tell = Callable[[float], None]
"""Told the elapsed second up to which beats were looked for."""


def pulse_stream(session: Session) -> StreamInfo | None:
    """The pulse wave (PPG): of several, that of another device than the pressure wave first."""
    pressure = pressure_stream(session)
    found = _waveforms(session, "ppg")
    other = [i for i in found if pressure is None or i.device_id != pressure.device_id]
    return next(iter([*other, *found]), None)


def pressure_stream(session: Session) -> StreamInfo | None:
    """The arterial pressure wave."""
    return next(iter(_waveforms(session, "abp_wave")), None)


def motion_stream(session: Session) -> StreamInfo | None:
    """The accelerometer of the device of the pulse wave, three channels in g."""
    pulse = pulse_stream(session)
    found = [i for i in _waveforms(session, "acc") if pulse is not None and i.device_id == pulse.device_id]
    return next((i for i in found if len(i.channels) == 3), None)


def reference_rows(session: Session) -> StreamInfo | None:
    """Beat-by-beat reference values: those the monitor gave, else those found live in its pressure wave."""
    numerics = [i for i in session.streams.values() if i.kind == "numeric"]
    given = [i for i in numerics if i.role == "reference"]
    derived = [i for i in numerics if i.role == "beats" and any(c.unit == "mmHg" for c in i.channels)]
    return next(iter([*given, *derived]), None)


def pulse_beats(session: Session, tell: Tell = lambda _: None) -> BeatTrain:
    """Beats of :func:`pulse_stream`, by the beginning of the rise; unusable while the wrist moves. Empty without it."""
    info = pulse_stream(session)
    if info is None:
        return EMPTY
    beats = _beats(session, info, find_pulse_rises, tell)
    return _still(session, beats)


def pressure_beats(session: Session, tell: Tell = lambda _: None) -> BeatTrain:
    """Beats of :func:`pressure_stream`, by the beginning of their rise. Empty without a stream."""
    info = pressure_stream(session)
    if info is None:
        return EMPTY
    return _beats(session, info, find_pressure_rises, tell)


def _waveforms(session: Session, role: str) -> list[StreamInfo]:
    return [
        info
        for info in session.streams.values()
        if info.role == role and info.device_id != EDGE and (info.nominal_rate_hz or 0.0) >= SLOWEST_HZ[role]
    ]


def spans(session: Session, info: StreamInfo, tell: Tell = lambda _: None) -> Iterator[StreamData]:
    """A stream in pieces of :data:`READ_S`, no sample twice."""
    last_no, end_s = -1, session.duration_s + 1.0
    for begin_s in np.arange(0.0, end_s, READ_S).tolist():
        first_s = None if begin_s == 0 else begin_s
        stop_s = None if begin_s + READ_S >= end_s else begin_s + READ_S
        part = session.read(info.stream_id, first_s, stop_s)
        fresh = part.sample_no > last_no
        if fresh.any():
            last_no = int(part.sample_no.max())
            yield part if fresh.all() else _only(part, fresh)
        tell(begin_s + READ_S)


def _only(part: StreamData, chosen: NDArray[np.bool_]) -> StreamData:
    stamps = None if part.device_time_us is None else part.device_time_us[chosen]
    return StreamData(
        part.info,
        part.sample_no[chosen],
        part.time_s[chosen],
        part.raw[chosen],
        part.values[chosen],
        part.units,
        stamps,
        part.era[chosen],
        part.gaps,
    )


@dataclass(slots=True)
class _Found:
    """Beats by sample number, and what turns numbers into times, runs and parts."""

    position: list[float] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)
    pressure: list[tuple[float, float]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    knots: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=list)

    def train(self) -> BeatTrain:
        """Times on the fitted time base: it is a line within a run, so knots are enough."""
        if not self.position:
            return EMPTY
        at = np.array(self.position)
        number = np.concatenate([k for k, _ in self.knots]).astype(np.float64)
        time_s = np.interp(at, number, np.concatenate([t for _, t in self.knots]))
        run = np.searchsorted(np.array(self.runs), at, side="right")
        part = np.searchsorted(np.array(self.parts), at, side="right")
        rising = time_s > np.maximum.accumulate(np.concatenate(([-np.inf], time_s[:-1])))
        quality, pressure = np.array(self.quality), np.array(self.pressure)
        columns = (quality[rising], None, run[rising], part[rising])
        return BeatTrain.of(time_s[rising], *columns, pressure=pressure[rising])


def _beats(session: Session, info: StreamInfo, detect: Detector[Rise], tell: Tell) -> BeatTrain:
    tracker: BeatTracker[Rise] = BeatTracker(detect, info.nominal_rate_hz or 1.0, refractory_s=REFRACTORY_S)
    found = _Found()
    breaks = _breaks(session, info)
    next_no, era = -1, -1
    for part in spans(session, info, tell):
        wave = part.values[:, 0]
        known = np.isfinite(wave)
        number, times, eras = part.sample_no[known], part.time_s[known], part.era[known]
        for start, stop in _cuts(number, eras, breaks):
            first = int(number[start])
            new_part = int(eras[start]) != era or bool(np.isin(first, breaks))
            if new_part or first != next_no:
                beats = tracker.cut() if new_part else tracker.flush()
                _take(found, beats)
                found.runs.append(first)
                if new_part:
                    found.parts.append(first)
            _take(found, tracker.push(first, wave[known][start:stop]))
            kept = np.unique(np.append(np.arange(start, stop, _KNOT_EVERY), stop - 1))
            found.knots.append((number[kept], times[kept]))
            next_no, era = int(number[stop - 1]) + 1, int(eras[start])
    _take(found, tracker.flush())
    return found.train()


def _take(found: _Found, beats: Iterator[Tracked[Rise]]) -> None:
    for tracked in beats:
        found.position.append(tracked.beat.time)
        found.quality.append(tracked.beat.quality)
        found.pressure.append(tracked.beat.pressure)


def _breaks(session: Session, info: StreamInfo) -> NDArray[np.int64]:
    """First samples after gaps over which a device's time may have jumped."""
    jumped = [gap for gap in session.gaps(info.stream_id) if not _goes_on(gap)]
    return np.array(sorted({g.first_missing_no + (g.n_missing or 0) for g in jumped}), dtype=np.int64)


def _goes_on(gap: GapSpan) -> bool:
    """The device counted what is missing, or its file says when the next sample was taken."""
    if gap.n_missing is None:
        return False
    of_file = gap.cause == UNREADABLE or (gap.cause == NOT_IN_FILE and gap.t1_s - gap.t0_s <= IN_FILE_S)
    return of_file or gap.cause in COUNTED_CAUSES


def _cuts(
    number: NDArray[np.int64], era: NDArray[np.int64], breaks: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Index ranges without a hole, a break or another era inside."""
    if not number.size:
        return []
    ends = np.flatnonzero((np.diff(number) != 1) | (np.diff(era) != 0)) + 1
    cuts = np.union1d(ends, np.searchsorted(number, breaks))
    inside = cuts[(cuts > 0) & (cuts < number.size)].tolist()
    return list(zip([0, *inside], [*inside, number.size], strict=True))


def _still(session: Session, beats: BeatTrain) -> BeatTrain:
    """Beats while the arm moves are not usable."""
    info = motion_stream(session)
    if info is None or not len(beats):
        return beats
    moved = np.full(len(beats), np.nan)
    for part in spans(session, info):
        around = motion_around(beats.time_s, part.time_s, part.values, info.nominal_rate_hz or 32.0)
        moved = np.where(np.isnan(moved), around, moved)
    return beats.while_still(moved)
