"""A driver that does what a test says, with the shape of a real one, and a machine that is a fake."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from recorder.acquire.machine import Machine
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig, DriverEvent
from recorder.errors import LinkLost
from recorder.schema import Channel, DeviceInfo, SampleBlock, StreamInfo
from recorder.transports import Chunk

RATE_HZ = 100.0


def wave_stream(device_id: str) -> StreamInfo:
    return StreamInfo(
        f"{device_id}.wave",
        device_id,
        "waveform",
        (Channel("abp", "V", 0.001),),
        "int32",
        RATE_HZ,
        "abp_wave",
    )


class Cable:
    """What the test holds: put samples, notices or a fault in; the driver's thread takes them out."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: queue.Queue[object] = queue.Queue()
        self.next_no = 0
        self.written: list[bytes] = []
        self.opened = 0
        self.refuse: Exception | None = None

    def samples(self, n: int = 10, skip: int = 0) -> None:
        self.next_no += skip
        values = np.arange(self.next_no, self.next_no + n, dtype=np.int32).reshape(-1, 1)
        self.waiting.put((self.next_no, values))
        self.next_no += n

    def put(self, thing: object) -> None:
        self.waiting.put(thing)

    def cut(self, why: str = "cable out") -> None:
        self.waiting.put(LinkLost(why))


class ScriptedTransport:
    def __init__(self, cable: Cable) -> None:
        self._cable = cable

    def read(self, timeout_s: float) -> Chunk | None:
        try:
            thing = self._cable.waiting.get(timeout=min(timeout_s, 0.02))
        except queue.Empty:
            return None
        if isinstance(thing, Exception):
            raise thing
        self._thing = thing
        return Chunk(b"x", self._cable.clock.monotonic_ns())

    def take(self) -> object:
        return self._thing

    def write(self, data: bytes) -> None:
        self._cable.written.append(data)

    def close(self) -> None:
        pass


@dataclass
class ScriptedDriver:
    config: DeviceConfig
    cable: Cable
    silence_s: float = 1000.0
    quiet_advice: str = "script is open but sends no sample: check the cable"
    info: DeviceInfo = field(init=False)
    streams: tuple[StreamInfo, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.info = DeviceInfo(self.config.device_id, "Scripted ADC", None, "script")
        self.streams = (wave_stream(self.config.device_id),)

    def open(self) -> ScriptedTransport:
        self.cable.opened += 1
        if self.cable.refuse is not None:
            raise self.cable.refuse
        self._transport = ScriptedTransport(self.cable)
        return self._transport

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        return ()

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        thing = self._transport.take()
        if isinstance(thing, tuple):
            first, values = thing
            return (SampleBlock(self.streams[0].stream_id, first, values, chunk.t_host_ns),)
        return (thing,)  # type: ignore[return-value]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        return ()

    def stop(self) -> bytes:
        return b"bye"


class Awake:
    """An inhibitor that counts."""

    def __init__(self) -> None:
        self.held = 0

    def __call__(self) -> Awake:
        self.held += 1
        return self

    def release(self) -> None:
        self.held -= 1


@dataclass
class FakeMachine:
    """Knobs of a machine; ``free`` is the room left on its disk."""

    free: int = 10**11
    kind: str = "ext4"
    refuse_inhibit: bool = False
    slept_ns: int = 0
    awake: Awake = field(default_factory=Awake)
    told: list[tuple[str, str]] = field(default_factory=list)

    def machine(self) -> Machine:
        return Machine(
            boottime_ns=lambda: __import__("time").monotonic_ns() + self.slept_ns,
            file_system=lambda path: self.kind,
            network_file_systems=frozenset({"nfs"}),
            inhibit_sleep=self._inhibit,
            warnings=lambda: list(self.told),
            zone=lambda: "Europe/Berlin",
            free_bytes=lambda path: self.free,
        )

    def _inhibit(self) -> Awake:
        if self.refuse_inhibit:
            raise OSError("not allowed")
        return self.awake()


def config(device_id: str = "adc", *, required: bool = True) -> DeviceConfig:
    return DeviceConfig("scripted", device_id, {}, required)


SUBJECT = {"pseudonym": "S-01", "sex": "female", "age_y": 40}
CONSENT = {"version": "1", "date": "2026-01-01"}


def args(**changes: object) -> dict[str, object]:
    """Arguments of ``start``."""
    return {"subject": SUBJECT, "consent": CONSENT, "operator": "op1", **changes}


def sessions_folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions"
