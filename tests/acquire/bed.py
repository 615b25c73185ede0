"""A whole station in this process, with scripted devices, a fake machine, a real store and real commands."""

import time
from collections.abc import Callable
from pathlib import Path

from scripted import Cable, FakeMachine, ScriptedDriver, args, sessions_folder

from recorder import session
from recorder.acquire import verbs, wire
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig, Driver
from recorder.errors import ConfigError
from recorder.schema import StationStatus


class Bed:
    """One station and what its devices are connected to."""

    def __init__(self, tmp_path: Path, clock: Clock | None = None) -> None:
        self.clock, self.machine, self.tmp_path = clock or Clock(), FakeMachine(), tmp_path
        self.cables: dict[str, Cable] = {}
        self.wrong: set[str] = set()
        self.requests = 0
        self.station = self.make()

    def make(self) -> Station:
        return Station(
            "bed1",
            self.tmp_path / "station",
            sessions_folder(self.tmp_path),
            clock=self.clock,
            machine=self.machine.machine(),
            verbs=verbs.table,
            make_driver=self.driver,
        )

    def driver(self, config: DeviceConfig, clock: Clock) -> Driver:
        if config.device_id in self.wrong:
            raise ConfigError(f"profile of {config.device_id}: baud is missing; add it")
        self.cables[config.device_id] = Cable(clock)
        return ScriptedDriver(config, self.cables[config.device_id])

    def ask(
        self, verb: str, client: str = "window", frames: tuple[bytes, ...] = (), **arguments: object
    ) -> dict:
        self.requests += 1
        request = Request(f"r{self.requests}", client, verb, dict(arguments), frames)
        return wire.unpack_reply(self.station.desk.answer(request))

    def status(self) -> StationStatus:
        return self.station.status()

    def until(self, condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.status()
            time.sleep(0.01)

    def connect(self, *device_ids: str) -> None:
        self.ask("configure", devices=[{"kind": "scripted", "device_id": name} for name in device_ids])
        for name in device_ids:
            self.cables[name].samples(10)
        self.until(lambda: all(link.state == "streaming" for link in self.status().links))

    def start(self, **changes: object) -> Path:
        return Path(self.ask("start", **args(**changes))["folder"])

    def read(self, folder: Path) -> session.Session:
        """What is on disk, without the second that sealing takes."""
        self.station.sessions.abandon()
        return session.open(folder)

    def crash(self) -> None:
        """The process dies; another recorder takes the station over."""
        for link in self.station._links.values():
            link.stop()
        self.station.sessions.abandon()
        self.station.close()
        self.station = self.make()
