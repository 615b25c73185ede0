"""A station in this process with the real drivers, and emulated radio devices on a thread of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "acquire"))

from bed import Bed

from recorder.acquire import verbs
from recorder.acquire.station import Station
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.devices.sim.bedside import make_source
from recorder.devices.sim.ble_bedside import BleBedside
from recorder.devices.sim.config import BleHrConfig, E4BleConfig, parse
from recorder.schema import LinkStatus, StreamStatus

E4, HR = E4BleConfig(), BleHrConfig()
PATIENT = parse({"seed": 3, "subject": {"motion_fraction": 0.0}})


class RadioBed(Bed):
    """A bed whose devices are on the ``air``."""

    def __init__(self, tmp_path: Path, air: BleBedside, clock: Clock) -> None:
        self.air, self._host_clock = air, clock
        super().__init__(tmp_path)

    def make(self) -> Station:
        self.clock = self._host_clock
        folder = self.tmp_path / "sessions"
        machine = self.machine.machine()
        return Station(
            "bed1", self.tmp_path / "station", folder, clock=self.clock, machine=machine, verbs=verbs.table
        )

    def use(self, *devices: DeviceConfig) -> None:
        self.ask("configure", devices=[asdict(device) for device in devices])

    def link(self, device_id: str) -> LinkStatus:
        return next(link for link in self.status().links if link.device_id == device_id)

    def stream(self, stream_id: str) -> StreamStatus:
        return next(stream for stream in self.status().streams if stream.stream_id == stream_id)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [e.payload for e in self.station.hub.events_since(0) if e.kind == kind]

    def notices(self) -> list[str]:
        return [event["kind"] for event in self.events("notice")]


def on_air(air: BleBedside, part: E4BleConfig | BleHrConfig, device_id: str, **options: Any) -> DeviceConfig:
    """How the recorder reaches a device of ``air``."""
    kind = "e4-ble" if isinstance(part, E4BleConfig) else "ble-hr"
    return DeviceConfig(
        kind, device_id, {"address": part.address, "radio": air.radio, **options}, simulated=True
    )


@contextmanager
def radio_bed(
    tmp_path: Path,
    *,
    e4: tuple[E4BleConfig, ...] = (E4,),
    hr: BleHrConfig | None = HR,
    speed: float = 1.0,
) -> Iterator[RadioBed]:
    clock = Clock() if speed == 1.0 else Clock.scaled(speed)
    air = BleBedside(lambda: make_source(PATIENT), clock, e4=e4, hr=hr)
    bed = RadioBed(tmp_path, air, clock)
    bed.station.start()
    try:
        yield bed
    finally:
        bed.station.close()
        air.close()
