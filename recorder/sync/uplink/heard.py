"""What came over the live bus, kept for one second: the input of :func:`uplink_message.message_of`. Free of threads.

Whoever owns the connection asks ``describe`` and ``events`` when :class:`Heard` wants them and hands the answers in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.clock import Clock, LiveTimebase
from recorder.schema import Calibration, DeviceInfo, Event, SampleBlock, StationStatus, StreamInfo
from recorder.schema.physical import physical

NS: Final = 1_000_000_000
WAVE_S: Final = 4.0
"""A wave is kept for so long at most: a link that stalled sends what is of now."""
BEATS_NS: Final = 5 * NS
"""The reference is the median of the beats of the last 5 s, as on the bedside's screen."""
PAUSE_NS: Final = 2_500_000_000
"""After a pause this long the time base begins a new run: samples may be missing that nobody could count."""
SLOWEST_HZ: Final = {"ppg": 25.0, "abp_wave": 40.0}
"""Roles whose wave is shown, and the least rate at which it is one."""

Item = SampleBlock | StationStatus | Event


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Consecutive samples of one stream, oldest first.

    Args:
        info: of the stream.
        sample_no: ``(n,)``, with holes where samples are missing.
        values: physical, ``(n, channels)``.
        t0_ns: host time of the first.
        rate_hz: as fitted so far.
    """

    info: StreamInfo
    sample_no: NDArray[np.int64]
    values: NDArray[np.float64]
    t0_ns: int
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The newest rows of a derived stream.

    Args:
        info: of the stream.
        t_ns: what each row is about, host time.
        values: ``(n, channels)``.
        arrived_ns: when the newest came.
    """

    info: StreamInfo
    t_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    arrived_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """One second of a bedside.

    Args:
        now_ns, wall_ns, speed: the shared clock.
        status: the recorder's last word; None before the first.
        status_age_s: real seconds since it came.
        header: of the open session as JSON, None without one.
        infos: streams by id.
        devices, calibrations: as the recorder described them.
        events: stored events of the session, oldest first.
        estimate, beats: newest rows; beats are those of the pressure wave.
        waves: role → samples since the last second.
    """

    now_ns: int
    wall_ns: int
    speed: float = 1.0
    status: StationStatus | None = None
    status_age_s: float = 0.0
    header: Mapping[str, Any] | None = None
    infos: Mapping[str, StreamInfo] = field(default_factory=dict)
    devices: tuple[DeviceInfo, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    events: tuple[Event, ...] = ()
    estimate: Rows | None = None
    beats: Rows | None = None
    waves: Mapping[str, Wave] = field(default_factory=dict)

    def age_s(self, t_ns: int) -> float:
        """Real seconds since a host time."""
        return (self.now_ns - t_ns) / NS / self.speed

    def by_role(self, role: str) -> StreamInfo | None:
        """The first stream of a role."""
        return next((i for i in self.infos.values() if i.role == role), None)


@dataclass(slots=True, eq=False)
class _Track:
    """What is kept of one stream."""

    info: StreamInfo
    timebase: LiveTimebase | None
    kept: deque[tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=deque)
    arrived_ns: int | None = None

    def take(self, block: SampleBlock) -> None:
        values = physical(self.info, block.values)
        if self.timebase is None:
            t_ns = block.row_t_host_ns
            times = np.full(block.n_samples, block.t_host_ns, np.int64) if t_ns is None else t_ns
            self.kept.append((times, values))
            while len(self.kept) > 1 and self.kept[0][0][-1] < times[-1] - BEATS_NS:
                self.kept.popleft()
        else:
            self._take_samples(block, values, self.timebase)
        self.arrived_ns = block.t_host_ns

    def _take_samples(self, block: SampleBlock, values: NDArray[np.float64], timebase: LiveTimebase) -> None:
        numbers = np.arange(block.n_samples, dtype=np.int64) + block.first_sample_no
        if self.kept and block.first_sample_no <= self.kept[-1][0][-1]:  # numbered anew
            self.kept.clear()
            self.timebase = timebase = LiveTimebase(timebase.nominal_rate_hz)
        elif self.arrived_ns is not None and block.t_host_ns - self.arrived_ns > PAUSE_NS:
            timebase.restart()
        timebase.update(block.first_sample_no, block.n_samples, block.t_host_ns)
        self.kept.append((numbers, values))
        oldest = numbers[-1] - round(WAVE_S * timebase.nominal_rate_hz)
        while self.kept and self.kept[0][0][-1] <= oldest:
            self.kept.popleft()

    def wave(self) -> Wave | None:
        """All samples kept; they are given once."""
        if self.timebase is None or not self.kept:
            return None
        numbers, values = (np.concatenate(parts) for parts in zip(*self.kept, strict=True))
        self.kept.clear()
        t0_ns = int(self.timebase.t_ns(numbers[:1])[0])
        return Wave(self.info, numbers, values, t0_ns, self.timebase.rate_hz)

    def rows(self) -> Rows | None:
        """The rows kept; they stay."""
        if self.timebase is not None or not self.kept or self.arrived_ns is None:
            return None
        t_ns, values = (np.concatenate(parts) for parts in zip(*self.kept, strict=True))
        return Rows(self.info, t_ns, values, self.arrived_ns)


class Heard:
    """Consumes what ``LiveFeed.drain()`` returns.

    Args:
        clock: the shared one.
    """

    def __init__(self, clock: Clock) -> None:
        self.wants_describe = True
        self.wants_events = True
        self.event_no = 0
        self._clock = clock
        self._status: StationStatus | None = None
        self._status_ns = 0
        self._describe_no = -1
        self._header: Mapping[str, Any] | None = None
        self._devices: tuple[DeviceInfo, ...] = ()
        self._calibrations: tuple[Calibration, ...] = ()
        self._events: dict[str, Event] = {}
        self._infos: dict[str, StreamInfo] = {}
        self._tracks: dict[str, _Track] = {}

    def take(self, items: Iterable[Item]) -> None:
        """Store what came."""
        for item in items:
            if isinstance(item, SampleBlock):
                track = self._tracks.get(item.stream_id)
                if track is not None:
                    track.take(item)
                elif item.stream_id not in self._infos:
                    self.wants_describe = True
            elif isinstance(item, StationStatus):
                self._take_status(item)
            else:
                self._events[item.event_id] = item

    def described(self, answer: Mapping[str, Any]) -> None:
        """The recorder's answer to ``describe``."""
        header = answer.get("header")
        present = self._status.session.session_id if self._status else ""
        told = (header or {}).get("session_id", present)
        self.wants_describe = bool(present) and told != present  # asked before the present one began
        self._header = None if self.wants_describe else header
        self._devices = tuple(DeviceInfo(**d) for d in answer.get("devices", ()))
        self._calibrations = tuple(Calibration.from_json(c) for c in answer.get("calibrations", ()))
        self._infos = {i.stream_id: i for i in map(StreamInfo.from_json, answer["streams"])}
        shown = _shown(self._infos.values())
        self._tracks = {i.stream_id: self._track(i) for i in shown}

    def events_told(self, answer: Mapping[str, Any]) -> None:
        """The recorder's answer to ``events``."""
        self.wants_events = False
        for value in answer["events"]:
            event = Event.from_json(value)
            self._events[event.event_id] = event
        self.event_no = int(answer["event_no"])

    def second(self) -> Second:
        """What is known now; samples are given once."""
        now_ns = self._clock.monotonic_ns()
        waves = {t.info.role: wave for t in self._tracks.values() if (wave := t.wave()) is not None}
        return Second(
            now_ns,
            self._clock.wall_ns(),
            self._clock.speed,
            self._status,
            (now_ns - self._status_ns) / NS / self._clock.speed,
            self._header,
            dict(self._infos),
            self._devices,
            self._calibrations,
            tuple(sorted(self._events.values(), key=lambda event: event.t_host_ns)),
            self._rows("estimate"),
            self._rows("beats"),
            waves,
        )

    def _rows(self, role: str) -> Rows | None:
        return next((r for t in self._tracks.values() if t.info.role == role and (r := t.rows())), None)

    def _track(self, info: StreamInfo) -> _Track:
        known = self._tracks.get(info.stream_id)
        if known is not None and known.info.channels == info.channels:
            known.info = info
            return known
        rate_hz = info.nominal_rate_hz
        return _Track(info, None if rate_hz is None else LiveTimebase(rate_hz))

    def _take_status(self, status: StationStatus) -> None:
        before, self._status = self._status, status
        self._status_ns = self._clock.monotonic_ns()
        if before is None or before.session.session_id != status.session.session_id:
            self._events.clear()
            self._header, self.event_no = None, 0
            self.wants_describe = self.wants_events = True
        if before is not None and before.pid != status.pid:
            self.wants_describe = self.wants_events = True
            self.event_no = 0
        if status.describe_no != self._describe_no:
            self._describe_no, self.wants_describe = status.describe_no, True
        if status.event_no > self.event_no:
            self.wants_events = True


def _shown(infos: Iterable[StreamInfo]) -> list[StreamInfo]:
    """Estimates, beats of the pressure wave, and the first wave of each role that is fast enough."""
    found: dict[str, StreamInfo] = {}
    for info in infos:
        slowest = SLOWEST_HZ.get(info.role)
        fast = slowest is not None and (info.nominal_rate_hz or 0.0) >= slowest and info.origin != "derived"
        rows = info.role == "estimate" or (
            info.role == "beats" and any(c.name == "sbp_mmhg" for c in info.channels)
        )
        if fast or (rows and info.nominal_rate_hz is None):
            found.setdefault(info.role, info)
    return list(found.values())
