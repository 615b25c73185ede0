"""The live model: what came over the bus, kept in rings, de-jittered. Free of Qt and of threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.live import visibility
from hemoview.viewmodel.live.facts import Facts, Trouble
from hemoview.viewmodel.live.rings import RingSlice, SampleRing
from recorder.clock import Clock, LiveTimebase
from recorder.devices.contract import DeviceConfig
from recorder.schema import (
    Calibration,
    DeviceInfo,
    Event,
    LinkStatus,
    SampleBlock,
    StationStatus,
    StreamInfo,
)
from recorder.schema.decimals import decimals_to_float

WAVE_KEPT_S = 90.0
"""Longer than the slowest sweep of the widest screen."""

NUMERIC_KEPT_ROWS = 6 * 3600
"""Six hours of estimates at one a second; longer trends are read from the session."""

WAITS_KEPT = 40
LONGEST_WAIT_NS = 3_000_000_000
PAUSE_NS = 1_500_000_000
PAUSE_MARGIN_NS = 1_000_000_000
"""After a pause this long the time base begins a new run at once; else the first second would be drawn in the past."""

WAITING = ("connecting", "scanning", "silent", "lost")
"""States of a link that should deliver and does not."""

LiveMessage = SampleBlock | StationStatus | Event


@dataclass(slots=True)
class LiveStream:
    """One stream as the window keeps it: physical values, times, and when it was last heard.

    ``speed`` is the clock's: pauses are judged in real seconds, times are the clock's. ``heard_before_ns``: its newest
    sample before this window listened, where none has come since.
    """

    info: StreamInfo
    ring: SampleRing
    timebase: LiveTimebase | None
    speed: float = 1.0
    arrival_ns: int | None = None
    heard_before_ns: int | None = None
    waits_ns: deque[int] = field(default_factory=lambda: deque(maxlen=WAITS_KEPT))

    def arrived(self, t_host_ns: int) -> None:
        """A block came; longer pauses than a burst makes are gaps and teach nothing."""
        if self.arrival_ns is not None and 0 <= t_host_ns - self.arrival_ns <= LONGEST_WAIT_NS * self.speed:
            self.waits_ns.append(t_host_ns - self.arrival_ns)
        self.arrival_ns = t_host_ns

    def paused(self, t_host_ns: int) -> bool:
        """The block at ``t_host_ns`` ends a pause no burst explains; samples may be missing that nobody could count."""
        limit_ns = max(PAUSE_NS * self.speed, self.usual_wait_ns + PAUSE_MARGIN_NS * self.speed)
        return self.arrival_ns is not None and t_host_ns - self.arrival_ns > limit_ns

    @property
    def usual_wait_ns(self) -> int:
        """The longest pause between blocks lately: a wristband sends its slow streams in bursts."""
        return max(self.waits_ns, default=0)


class LiveModel:
    """Consumes what ``LiveFeed.drain()`` returns.

    ``wants_describe`` and ``wants_events`` say what must be asked of the recorder; whoever owns the connection
    asks and hands the answers to :meth:`described` and :meth:`events_told`.

    Args:
        clock: shared with the recorder.
        client: this window's name.
        offset_s: of the place of the screen from UTC, at a time of the wall clock in ns.
    """

    def __init__(
        self, clock: Clock, *, client: str = "", offset_s: Callable[[int], int] = lambda _: 0
    ) -> None:
        self._clock = clock
        self._client = client
        self._offset_s = offset_s
        self._since_ns = clock.monotonic_ns()
        self._events: dict[str, Event] = {}
        self._describe_no = -1
        self._header: Mapping[str, Any] | None = None
        self._devices: tuple[DeviceInfo, ...] = ()
        self._calibrations: tuple[Calibration, ...] = ()
        self._configured: tuple[DeviceConfig, ...] = ()
        self._troubles: dict[str, Trouble] = {}
        self.streams: dict[str, LiveStream] = {}
        self.status: StationStatus | None = None
        self.status_seen_ns: int | None = None
        self.card: Mapping[str, Any] = {}
        self.bus_holes = 0
        self.hidden_before_start = False
        """What the start form is set to: it holds until a session of this station tells its own rule."""
        self.event_no = 0
        self.wants_describe = True
        self.wants_events = True

    def take(self, messages: Iterable[LiveMessage]) -> list[SampleBlock]:
        """Store what came; returns the waveform blocks that will be seen on the next picture."""
        shown = []
        for message in messages:
            if isinstance(message, SampleBlock):
                if self._take_block(message):
                    shown.append(message)
            elif isinstance(message, StationStatus):
                self._take_status(message)
            else:
                self._take_event(message)
        return shown

    def described(self, answer: Mapping[str, Any]) -> None:
        """The recorder's answer to ``describe``: streams, devices, their settings, calibrations, header."""
        header = answer.get("header")
        self.wants_describe = self._is_of_another_session(header)  # asked before the present one began
        self._header = None if self.wants_describe else header
        self._devices = tuple(DeviceInfo(**d) for d in answer.get("devices", ()))
        self._calibrations = tuple(Calibration.from_json(c) for c in answer.get("calibrations", ()))
        self._configured = tuple(DeviceConfig(**d) for d in answer.get("configured", ()))
        infos = {info.stream_id: info for info in map(StreamInfo.from_json, answer["streams"])}
        self.streams = {name: self._stream(info) for name, info in infos.items()}

    def _is_of_another_session(self, header: Mapping[str, Any] | None) -> bool:
        present = self.status.session.session_id if self.status else ""
        told = (header or {}).get("session_id", present)
        return bool(present) and told != present

    def events_told(self, answer: Mapping[str, Any]) -> None:
        """The recorder's answer to ``events``."""
        self.wants_events = False
        for value in answer["events"]:
            event = Event.from_json(value)
            self._events[event.event_id] = event
        self.event_no = int(answer["event_no"])

    def remembered(self, stream_id: str, rows: RingSlice) -> None:
        """Rows read from the session on disk: those older than what was heard live are put before it."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.ring.prepend(rows)

    def facts(self) -> Facts:
        """What may be shown now. Rows are views: resolve before the next :meth:`take`."""
        return visibility.bedside(self._facts())

    def _facts(self) -> Facts:
        wall_ns = self._clock.wall_ns()
        return Facts(
            now_ns=self._clock.monotonic_ns(),
            wall_ns=wall_ns,
            speed=self._clock.speed,
            utc_offset_s=self._offset_s(wall_ns),
            watching_since_ns=self._since_ns,
            status=self.status,
            status_seen_ns=self.status_seen_ns,
            infos={name: stream.info for name, stream in self.streams.items()},
            devices=self._devices,
            calibrations=self._calibrations,
            configured=self._configured,
            header=self._header,
            troubles=dict(self._troubles),
            arrivals={n: s.arrival_ns for n, s in self.streams.items() if s.arrival_ns is not None},
            waits_s={n: s.usual_wait_ns / 1e9 / self._clock.speed for n, s in self.streams.items()},
            estimates=self._rows("estimate"),
            beats=self._rows("beats", "sbp_mmhg"),
            events=tuple(sorted(self._events.values(), key=lambda event: event.t_host_ns)),
            card=self.card,
            client=self._client,
            estimates_hidden=self.hidden_before_start,
            bus_holes=self.bus_holes,
        )

    def _stream(self, info: StreamInfo) -> LiveStream:
        known = self.streams.get(info.stream_id)
        if known is not None and known.info.channels == info.channels:
            known.info = info
            return known
        if info.nominal_rate_hz is None:
            return LiveStream(info, SampleRing(NUMERIC_KEPT_ROWS, len(info.channels)), None)
        speed = self._clock.speed
        rows = int(info.nominal_rate_hz * WAVE_KEPT_S * max(1.0, speed)) + 1
        return LiveStream(
            info, SampleRing(rows, len(info.channels)), LiveTimebase(info.nominal_rate_hz), speed
        )

    def _take_block(self, block: SampleBlock) -> bool:
        stream = self.streams.get(block.stream_id)
        if stream is None:
            self.wants_describe = True
            return False
        last = stream.ring.last_sample_no
        if last is not None and block.first_sample_no <= last and stream.timebase is not None:
            stream.timebase = LiveTimebase(stream.timebase.nominal_rate_hz)
            stream.heard_before_ns = None
        if stream.timebase is not None and stream.paused(block.t_host_ns):
            stream.timebase.restart()
        stream.arrived(block.t_host_ns)
        stream.ring.append(block.first_sample_no, _times(stream, block), physical(stream.info, block.values))
        return stream.timebase is not None

    def _take_status(self, status: StationStatus) -> None:
        before = self.status
        self.status, self.status_seen_ns = status, self._clock.monotonic_ns()
        if before is None or before.session.session_id != status.session.session_id:
            self._begin_session()
        lost = {stream.stream_id for stream in status.streams if stream.state == "lost"}
        told = {link.device_id: self._trouble(link, lost) for link in status.links if link.state in WAITING}
        self._troubles = told
        self._hear_of(status)
        if status.describe_no != self._describe_no:
            self._describe_no, self.wants_describe = status.describe_no, True
        if status.event_no > self.event_no:
            self.wants_events = True

    def _hear_of(self, status: StationStatus) -> None:
        """Waves that ended before this window listened: the gap is shown all the same."""
        for told in status.streams:
            stream = self.streams.get(told.stream_id)
            if stream is None or stream.timebase is None or len(stream.ring):
                continue
            ended = told.state in ("silent", "lost") and told.last_age_s is not None
            stream.heard_before_ns = (
                status.t_host_ns - round((told.last_age_s or 0.0) * 1e9) if ended else None
            )

    def _trouble(self, link: LinkStatus, lost: Set[str]) -> Trouble:
        """A link that is tried again and again changes its state; its trouble goes on until it streams. Who came
        later knows by its streams, which stay lost.
        """
        known = self._troubles.get(link.device_id)
        since_ns = link.since_ns if known is None else known.since_ns
        own = {name for name, stream in self.streams.items() if stream.info.device_id == link.device_id}
        was_lost = (known is not None and known.lost) or bool(own & lost)
        return Trouble(since_ns, link.state == "lost" or was_lost)

    def _begin_session(self) -> None:
        self._events.clear()
        self._header, self.event_no = None, 0
        self.wants_describe = self.wants_events = True
        for stream in self.streams.values():
            if stream.timebase is None:
                stream.ring.clear()

    def _take_event(self, event: Event) -> None:
        self._events[event.event_id] = event

    def _rows(self, role: str, channel: str = "") -> RingSlice | None:
        for stream in self.streams.values():
            names = [c.name for c in stream.info.channels]
            if stream.info.role == role and (not channel or channel in names) and len(stream.ring):
                return stream.ring.newest(NUMERIC_KEPT_ROWS)
        return None


def physical(info: StreamInfo, raw: NDArray[Any]) -> NDArray[np.float32]:
    """Raw values of a block → physical values, ``(n, channels)``."""
    if info.dtype == "decimal":
        return decimals_to_float(raw).astype(np.float32)
    scale = np.array([c.scale for c in info.channels])
    offset = np.array([c.offset for c in info.channels])
    values: NDArray[np.float32] = (raw * scale + offset).astype(np.float32)
    return values


def _times(stream: LiveStream, block: SampleBlock) -> NDArray[np.int64]:
    if stream.timebase is None:
        if block.row_t_host_ns is not None:
            return block.row_t_host_ns
        return np.full(block.n_samples, block.t_host_ns, np.int64)
    stream.timebase.update(block.first_sample_no, block.n_samples, block.t_host_ns)
    return stream.timebase.t_ns(np.arange(block.n_samples) + block.first_sample_no)
