"""Where everything meets: sets the era, counts what was received, hands to the journal first, then to the live bus.

Handing over is a queue each: neither a slow disk nor a stalled reader holds up a device.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from recorder.acquire.body import BodyWatch
from recorder.acquire.health import StreamWatch, silence_limit_s
from recorder.acquire.journal import Item, Journal
from recorder.clock import Clock, ClockEra
from recorder.errors import ConfigError, StorageError
from recorder.schema import DeviceInfo, Event, Gap, SampleBlock, StreamInfo, StreamStatus

EVENTS_KEPT: Final = 50_000
_DTYPES: Final = {name: np.dtype(name) for name in ("int16", "int32", "int64", "float32", "float64")} | {
    "decimal": np.dtype("int64")
}


class Hub:
    """One lock, held for microseconds: order is the same in the journal and on the bus.

    Args:
        clock: host time.
        era: of this run.
        publish: hands an item to the live bus; must not wait.
    """

    def __init__(self, clock: Clock, era: ClockEra, publish: Callable[[SampleBlock | Event], None]) -> None:
        self.era = era
        self.describe_no = 0
        self.event_no = 0
        self.streams: dict[str, StreamInfo] = {}
        self.devices: dict[str, DeviceInfo] = {}
        self.event_kinds: Counter[str] = Counter()
        self.body = BodyWatch()
        self._clock, self._publish = clock, publish
        self._watches: dict[str, StreamWatch] = {}
        self._offsets: dict[str, int] = {}
        self._leaving: set[str] = set()
        self._events: deque[tuple[int, Event]] = deque(maxlen=EVENTS_KEPT)
        self._event_ids: set[str] = set()
        self._journal: Journal | None = None
        self._lock = threading.RLock()

    # ---- who takes part

    def add_device(
        self, device: DeviceInfo, streams: Sequence[StreamInfo], silence_s: float | None = None
    ) -> None:
        """A device joins, late ones too; one known already is described anew and keeps its numbering."""
        with self._lock:
            self.devices[device.device_id] = device
            self.body.link_began(device.device_id)
            self._record(device)
            self.add_streams(streams, silence_s)

    def add_streams(self, streams: Sequence[StreamInfo], silence_s: float | None = None) -> None:
        """Streams of a device or of the edge process.

        Raises:
            ConfigError: a stream of that name is recorded with other columns.
        """
        with self._lock:
            for info in streams:
                self._refuse_other_columns(info)
            for info in streams:
                self.streams[info.stream_id] = info
                self._leaving.discard(info.stream_id)
                limit = silence_limit_s(info, silence_s, self._clock.speed)
                watch = self._watches.setdefault(info.stream_id, StreamWatch(info, limit))
                watch.info, watch.silence_s = info, limit
                self._record(info)
            self.describe_no += 1

    def remove_device(self, device_id: str) -> None:
        """A device leaves; what it recorded stays, and its gap is open until it returns."""
        now = self._clock.monotonic_ns()
        with self._lock:
            self.devices.pop(device_id, None)
            for stream_id in [s for s, i in self.streams.items() if i.device_id == device_id]:
                if self._journal is None:
                    del self.streams[stream_id], self._watches[stream_id]
                else:
                    self._leaving.add(stream_id)
            self._lose_streams(device_id, "device was taken out", now)
            self.describe_no += 1

    # ---- what comes in

    def block(self, block: SampleBlock) -> None:
        """Samples of a device, or derived ones.

        Raises:
            ConfigError: unknown stream, or other columns than declared.
        """
        with self._lock:
            watch = self._watches.get(block.stream_id)
            if watch is None:
                raise ConfigError(f"block of unknown stream {block.stream_id}: declare the stream first")
            _check_columns(watch.info, block)
            stamped = self._stamped(block, watch)
            self._store_gap(watch.block(stamped, self.era.number))
            for other in self._watches_of(watch.info.device_id):
                self._store_gap(other.device_delivers(stamped.t_host_ns, self.era.number))
            self.body.block(watch.info.device_id, watch.info.role, stamped.t_host_ns)
            self._record(stamped)
            self._publish(stamped)

    def derived(self, block: SampleBlock, now_ns: int) -> None:
        """Rows the edge process computed: they arrived now, what they are about is in ``row_t_host_ns``."""
        self.block(replace(block, t_host_ns=now_ns))

    def gap(self, gap: Gap) -> None:
        """Missing samples a driver counted."""
        with self._lock:
            watch = self._watches[gap.stream_id]
            first_no = gap.first_missing_no + self._offsets.get(gap.stream_id, 0)
            told = replace(gap, first_missing_no=max(first_no, watch.next_no), era=self.era.number)
            self._store_gap(watch.driver_gap(told))

    def event(
        self,
        kind: str,
        payload: dict[str, Any],
        t_host_ns: int | None = None,
        event_id: str | None = None,
        *,
        era: int | None = None,
    ) -> Event:
        """Store something that happened; the same ``event_id`` again changes nothing."""
        with self._lock:
            if event_id in self._event_ids:
                return next(e for _, e in self._events if e.event_id == event_id)
            event = Event(
                event_id or uuid.uuid4().hex,
                kind,
                self._clock.monotonic_ns() if t_host_ns is None else t_host_ns,
                self._clock.wall_ns(),
                self.era.number if era is None else era,
                payload,
            )
            self._remember(event)
            if kind == "notice":
                self.body.notice(payload)
            self._record(event)
            self._publish(event)
            return event

    def record(self, item: Item) -> None:
        """Hand an amendment or the like to the journal, in order with everything else."""
        with self._lock:
            self._record(item)

    def has_unseen_waveforms(self) -> bool:
        """Whether a device that delivers already has a regular stream that has not begun."""
        with self._lock:
            watches = list(self._watches.values())
            delivering = {w.info.device_id for w in watches if w.state == "streaming"}
            return any(
                w.info.kind == "waveform" and w.state == "never-seen" and w.info.device_id in delivering
                for w in watches
            )

    # ---- links, ages, interruptions

    def link_lost(self, device_id: str, cause: str) -> None:
        """The link of a device is down: its streams are lost, each with since when and why."""
        now = self._clock.monotonic_ns()
        with self._lock:
            self._lose_streams(device_id, cause, now)

    def judge(self) -> None:
        """Look at every stream's age: those too old become silent, and their gap begins."""
        now = self._clock.monotonic_ns()
        with self._lock:
            for watch in self._watches.values():
                self._store_gap(watch.judge(now, self.era.number))

    def begin_era(self, era: ClockEra, cause: str, detail: str) -> None:
        """Host time was interrupted: later samples belong to ``era``, and every stream has a gap with that cause."""
        with self._lock:
            for watch in self._watches.values():
                self._store_gap(watch.finish(era.monotonic_ns, self.era.number))
            self.era = era
            self._record(era)
            self.event("era", era.to_json() | {"cause": cause, "detail": detail})
            for watch in self._watches.values():
                self._store_gap(watch.interrupt(era.monotonic_ns, era.number, cause, detail))

    # ---- sessions

    def attach(
        self, journal: Journal, era: ClockEra, rows: Mapping[str, int], next_no: Mapping[str, int]
    ) -> None:
        """From here on everything is recorded. ``rows`` and ``next_no`` are those of a resumed session."""
        with self._lock:
            self.era, self._journal = era, journal
            for device in self.devices.values():
                self._record(device)
            for stream_id, watch in self._watches.items():
                self._record(watch.info)
                watch.next_no = max(watch.next_no, next_no.get(stream_id, 0))
                self._store_gap(watch.begin_session(era.monotonic_ns, era.number, rows.get(stream_id, 0)))

    def resume(self, era: ClockEra, last_arrivals: Mapping[str, int]) -> None:
        """The streams of a resumed session were without a recorder since their last arrivals, told in ``era``."""
        with self._lock:
            self.event("era", era.to_json() | {"cause": era.reason, "detail": "another recorder goes on"})
            heard: dict[str, int] = {}
            for stream_id, t_host_ns in last_arrivals.items():
                device_id = self._watches[stream_id].info.device_id
                heard[device_id] = max(heard.get(device_id, t_host_ns), t_host_ns)
            for stream_id, t_host_ns in last_arrivals.items():
                watch, detail = self._watches[stream_id], f"new clock era: {era.reason}"
                since = heard[watch.info.device_id] if watch.is_sparse else t_host_ns
                self._store_gap(watch.resume(since, t_host_ns, era.number, detail))

    def restore(self, events: Sequence[Event]) -> None:
        """Events of a resumed session, so that they can be asked for and are not made twice."""
        with self._lock:
            for event in events:
                self._remember(event)

    def forget_events(self) -> None:
        """A new session begins; numbers go on."""
        with self._lock:
            self._events.clear()
            self._event_ids.clear()
            self.event_kinds.clear()

    def detach(self, t_host_ns: int) -> None:
        """The session ends here: gaps that still last end with it. Devices go on."""
        with self._lock:
            if self._journal is None:
                return
            for watch in self._watches.values():
                self._store_gap(watch.finish(t_host_ns, self.era.number))
            self._journal = None
            for stream_id in self._leaving:
                del self.streams[stream_id], self._watches[stream_id]
            self._leaving.clear()

    # ---- what is told

    def statuses(self, on_disk: Mapping[str, int], latency_ms: float | None) -> tuple[StreamStatus, ...]:
        """Every stream as the screens show it."""
        now = self._clock.monotonic_ns()
        with self._lock:
            return tuple(
                watch.status(now, on_disk.get(stream_id, 0), latency_ms)
                for stream_id, watch in self._watches.items()
            )

    def events_since(self, event_no: int) -> list[Event]:
        """Events with a higher number, oldest first."""
        with self._lock:
            return [event for number, event in self._events if number > event_no]

    def find_event(self, event_id: str) -> Event | None:
        """An event of this session by its id."""
        with self._lock:
            return next((e for _, e in reversed(self._events) if e.event_id == event_id), None)

    # ---- inside

    def _watches_of(self, device_id: str) -> list[StreamWatch]:
        return [watch for watch in self._watches.values() if watch.info.device_id == device_id]

    def _lose_streams(self, device_id: str, cause: str, now: int) -> None:
        watches = self._watches_of(device_id)
        heard = max((w.last_ns for w in watches if w.last_ns is not None), default=None)
        for watch in watches:
            self._store_gap(watch.link_lost(now, self.era.number, cause, heard))

    def _stamped(self, block: SampleBlock, watch: StreamWatch) -> SampleBlock:
        """The block in this era, its numbers never used before: a driver or edge process that began anew counts
        from 0 again, and goes on where the stream ended.
        """
        offset = self._offsets.get(block.stream_id, 0)
        if block.first_sample_no + offset < watch.next_no:
            offset = self._offsets[block.stream_id] = watch.next_no - block.first_sample_no
        if not offset and block.era == self.era.number:
            return block
        return SampleBlock(
            block.stream_id,
            block.first_sample_no + offset,
            block.values,
            block.t_host_ns,
            self.era.number,
            block.device_time_us,
            block.row_t_host_ns,
        )

    def _store_gap(self, gap: Gap | None) -> None:
        if gap is not None:
            self.event("gap", asdict(gap), gap.t0_host_ns, era=gap.era)

    def close_gap(self, gap: Gap, t1_host_ns: int) -> None:
        """A gap of a former era that its recorder left open ended there."""
        self._store_gap(replace(gap, t1_host_ns=max(t1_host_ns, gap.t0_host_ns)))

    def _remember(self, event: Event) -> None:
        self.event_no += 1
        self.event_kinds[event.kind] += 1
        if len(self._events) == EVENTS_KEPT:
            self._event_ids.discard(self._events[0][1].event_id)
        self._events.append((self.event_no, event))
        self._event_ids.add(event.event_id)

    def _record(self, item: Item) -> None:
        """Into the journal's queue, if a session is open. A journal at its limit ends the session; devices go on."""
        if self._journal is None:
            return
        try:
            self._journal.put(item)
        except StorageError:  # told by the journal itself, once, through its on_failure
            self._journal = None

    def _refuse_other_columns(self, info: StreamInfo) -> None:
        known = self.streams.get(info.stream_id)
        if known is None or self._journal is None:
            return
        if (known.dtype, known.n_columns) != (info.dtype, info.n_columns):
            raise ConfigError(
                f"stream {info.stream_id}: is being recorded with other columns; stop the session first"
            )


def _check_columns(info: StreamInfo, block: SampleBlock) -> None:
    wanted = _DTYPES[info.dtype]
    if block.values.shape[1] != info.n_columns or block.values.dtype != wanted:
        raise ConfigError(
            f"block of {info.stream_id}: {block.values.shape[1]} columns of {block.values.dtype}, "
            f"needs {info.n_columns} of {wanted}; declare the stream anew"
        )
