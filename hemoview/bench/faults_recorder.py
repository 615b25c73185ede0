"""One recorder process of a fault-ridden session: the real station, over links and a machine that fail as planned."""

from __future__ import annotations

import json
import logging
import os
import random
import select
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemoview.bench.faults_plan import Plan
from recorder.acquire import disk, verbs, wire
from recorder.acquire import station as stations
from recorder.acquire.clockwatch import Reading
from recorder.acquire.machine import Machine
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.clock import Clock
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig, Driver, DriverEvent
from recorder.errors import LinkLost, RecorderError
from recorder.session import writer
from recorder.testing.sealing_here import SealerInProcess
from recorder.testing.transports import Faults, FaultTransport
from recorder.transports import Chunk, Transport

PATIENCE_S = 30.0
WAVES = 5
"""Regular streams of both devices."""
ROOM = 10**11
FULL = 10 << 20
"""Bytes left on a disk that is full: below what the recorder stops at."""


class SteppedClock(Clock):
    """The shared clock, whose calendar somebody sets."""

    def __init__(self, shared: Clock) -> None:
        super().__init__(shared.speed, shared.base_monotonic_ns, shared.base_wall_ns)
        object.__setattr__(self, "stepped_ns", 0)

    stepped_ns: int

    def wall_ns(self) -> int:
        """As set."""
        return super().wall_ns() + self.stepped_ns

    def step(self, seconds: float) -> None:
        """Somebody sets it."""
        object.__setattr__(self, "stepped_ns", self.stepped_ns + int(seconds * 1e9))


class Damaging:
    """A link that breaks once after so many chunks, or whose bytes are damaged.

    Args:
        inner: the real one.
        rng: what is damaged.
        breaks_after: chunks until it is lost; None = never.
        flip: chance that a byte of a chunk is another one.
    """

    def __init__(self, inner: Transport, rng: random.Random, breaks_after: int | None, flip: float) -> None:
        self._inner, self._rng, self._left, self._flip = inner, rng, breaks_after, flip

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise LinkLost("the connection was cut, as planned")
        chunk = self._inner.read(timeout_s)
        if chunk is None or not chunk.data or self._rng.random() >= self._flip:
            return chunk
        data = bytearray(chunk.data)
        data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        return Chunk(bytes(data), chunk.t_host_ns)

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.write(data)

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.close()


class FaultyDriver:
    """A real driver over a damaged link."""

    def __init__(self, driver: Driver, plan: Plan, device_id: str) -> None:
        self._driver, self._plan, self._device_id = driver, plan, device_id
        self._drops = list(plan.drops) if device_id == "e4" else []
        self._rng = random.Random(f"{plan.seed} {device_id}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def open(self) -> Transport:
        """The real link, damaged as planned."""
        inner = self._driver.open()
        corrupt = self._plan.corrupt and self._device_id == "adc"
        faults = Faults(drop=0.01, split=0.3, nonsense=0.02) if corrupt else Faults(split=0.2)
        split = FaultTransport(inner, faults, self._rng.randrange(1 << 30))
        breaks_after = self._drops.pop(0) if self._drops else None
        return Damaging(split, self._rng, breaks_after, 0.02 if corrupt else 0.0)

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """See :class:`recorder.devices.contract.Driver`."""
        return self._driver.feed(chunk)


@dataclass(slots=True)
class _Knobs:
    free: int = ROOM
    slept_ns: int = 0


class Recorder:
    """The station and the machine it believes to run on.

    Args:
        plan: what goes wrong.
        place: of its settings and sessions.
        clock: shared with the emulators.
    """

    def __init__(self, plan: Plan, place: Path, sessions: Path, clock: Clock) -> None:
        self.plan, self.clock, self.knobs = plan, SteppedClock(clock), _Knobs()
        self.station = Station(
            "bed",
            place / "station",
            sessions,
            clock=self.clock,
            machine=self._machine(),
            verbs=verbs.table,
            make_driver=self._driver,
            read_clocks=self._clocks,
        )
        self._asked = 0

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """A command as the window sends it.

        Raises:
            RecorderError: it was refused.
        """
        self._asked += 1
        request = Request(f"{os.getpid()}-{self._asked}", "bench", verb, args, ())
        return wire.unpack_reply(self.station.desk.answer(request))

    def _machine(self) -> Machine:
        return Machine(
            boottime_ns=lambda: time.monotonic_ns() + self.knobs.slept_ns,
            file_system=lambda _: "ext4",
            network_file_systems=frozenset(),
            inhibit_sleep=_Awake,
            warnings=list,
            zone=lambda: "UTC",
            free_bytes=lambda _: self.knobs.free,
        )

    def _clocks(self) -> Reading:
        now = time.monotonic_ns()
        return Reading(now, time.time_ns() + self.clock.stepped_ns, now + self.knobs.slept_ns)

    def _driver(self, config: DeviceConfig, clock: Clock) -> Driver:
        return FaultyDriver(registry.make_driver(config, clock), self.plan, config.device_id)


class _Awake:
    def release(self) -> None:
        """Nobody sleeps here."""


def serve(make: Callable[[], Recorder], inbox: int, outbox: int) -> None:
    """Wait for ``go``, record, tell; ends the process, whatever happens. Lines of JSON both ways."""
    code = 1
    logging.disable(logging.CRITICAL)  # what fails on purpose is told, not logged
    try:
        lines = Lines(inbox)
        go = lines.next(None)
        if go is not None:
            _serve(make(), go, lines, outbox)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here; the one that started it scores what was said
        say(outbox, {"failed": traceback.format_exc()[-1500:]})
    os._exit(code)


def _serve(recorder: Recorder, go: dict[str, Any], lines: Lines, outbox: int) -> None:
    disk.RESERVE_BYTES = 1 << 20  # type: ignore[misc]
    stations.DISK_EVERY = 1  # type: ignore[misc]
    writer.SealerProcess = SealerInProcess  # type: ignore[assignment,attr-defined]
    station = recorder.station
    station.start()
    if station.sessions.state != "open":
        recorder.ask("configure", devices=go["devices"])
        _await_streaming(station)
        folder = recorder.ask("start", **go["start"])["folder"]
        say(outbox, {"started": folder})
    else:
        say(outbox, {"resumed": str(station.sessions.path)})
        _await_streaming(station)
        say(outbox, {"streaming": True})
    _go_wrong_until_told(recorder, lines, go["since_ns"])
    say(outbox, {"done": _stop(recorder)})
    station.close()


def _await_streaming(station: Station) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _delivers(station):
        if time.monotonic() > deadline:
            raise TimeoutError(f"links: {station.link_statuses()}")
        time.sleep(0.02)


def _delivers(station: Station) -> bool:
    """Every regular stream."""
    waves = [s for s in station.status().streams if s.nominal_rate_hz is not None]
    return len(waves) == WAVES and all(s.state == "streaming" for s in waves)


def _go_wrong_until_told(recorder: Recorder, lines: Lines, since_ns: int | None) -> None:
    """Carry out the plan's faults of clock and disk; those of before a restart lie in the past."""
    plan, clock, knobs = recorder.plan, recorder.clock, recorder.knobs
    t0_ns = clock.monotonic_ns() if since_ns is None else since_ns
    due = [(at, "step", by) for at, by in plan.steps] + [(at, "sleep", by) for at, by in plan.suspends]
    due += [(plan.disk_at, "disk", 0.0)] if plan.disk_at is not None else []
    due.sort()
    while lines.next(0.02) is None:
        now_s = (clock.monotonic_ns() - t0_ns) / 1e9
        while due and due[0][0] <= now_s:
            _, what, by = due.pop(0)
            if what == "step":
                clock.step(by)
            elif what == "sleep":
                knobs.slept_ns += int(by * 1e9)
            else:
                knobs.free = FULL


def _stop(recorder: Recorder) -> dict[str, Any]:
    """Let the journal take what came, stop, and tell how it ended."""
    station = recorder.station
    deadline = time.monotonic() + PATIENCE_S
    before = -1
    while station.sessions.state == "open" and time.monotonic() < deadline:
        streams = station.status().streams
        received = sum(s.received for s in streams)
        if received == before and all(s.on_disk == s.received for s in streams):
            break
        before = received
        time.sleep(0.15)
    refused = ""
    try:
        if station.sessions.state == "open":
            recorder.ask("stop", reason="bench")
    except RecorderError as error:
        refused = str(error)
    while station.sessions.state == "sealing" and time.monotonic() < deadline:
        time.sleep(0.02)
    return {"state": station.sessions.state, "warnings": dict(station.sessions.warnings), "refused": refused}


class Lines:
    """Lines of JSON out of a pipe."""

    def __init__(self, fd: int) -> None:
        self._fd, self._rest = fd, b""

    def next(self, timeout_s: float | None) -> dict[str, Any] | None:
        """The next one; None when none came in time, or the other end is gone."""
        while b"\n" not in self._rest:
            if not select.select([self._fd], [], [], timeout_s)[0]:
                return None
            got = os.read(self._fd, 65536)
            if not got:
                return {"gone": True} if timeout_s is not None else None
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        value: dict[str, Any] = json.loads(line)
        return value


def say(fd: int, value: dict[str, Any]) -> None:
    """A line into a pipe."""
    os.write(fd, json.dumps(value).encode() + b"\n")
