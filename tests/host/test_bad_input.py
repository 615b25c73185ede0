"""Wrong port, nonsense on the line, a port somebody else holds: each is named, everything else goes on."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.acquire import verbs
from recorder.acquire.machine import Machine
from recorder.acquire.station import Station
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.host.lock import StationLock
from recorder.host.serve import machine, who_holds
from recorder.schema import LinkStatus


class Babbler:
    """A TCP server that says ``words`` to everybody, again and again."""

    def __init__(self, words: bytes) -> None:
        self.words, self.closing = words, False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.closing:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                try:
                    for _ in range(100):
                        peer.sendall(self.words)
                        time.sleep(0.02)
                except OSError:
                    continue

    def close(self) -> None:
        self.closing = True
        self.socket.close()
        self.thread.join(timeout=5)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    clock = Clock()
    made = Station(
        "bed1", tmp_path / "s", tmp_path / "sessions", clock=clock, machine=awake(), verbs=verbs.table
    )
    made.start()
    yield made
    made.close()


def awake() -> Machine:
    class Nothing:
        def release(self) -> None:
            pass

    real = machine()
    return Machine(
        real.boottime_ns, real.file_system, real.network_file_systems, Nothing, real.warnings, real.zone
    )


def link(station: Station, device_id: str) -> LinkStatus:
    return next(found for found in station.link_statuses() if found.device_id == device_id)


def until(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def e4(port: int, device_id: str = "e4") -> DeviceConfig:
    return DeviceConfig("e4-tcp", device_id, {"host": "127.0.0.1", "port": port})


def adc(port: str, device_id: str = "adc") -> DeviceConfig:
    return DeviceConfig("serial-adc", device_id, {"port": port, "profile": "lab-adc-ascii"})


def test_nobody_listens_and_no_such_port_are_named_with_what_to_do(station: Station) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = int(taken.getsockname()[1])
    station.configure([e4(free), adc("/dev/no-such-port")])
    until(lambda: link(station, "e4").error and link(station, "adc").error)
    assert str(free) in link(station, "e4").error and ": start" in link(station, "e4").error
    assert "/dev/no-such-port" in link(station, "adc").error
    until(lambda: link(station, "e4").attempt >= 2)  # it is tried again all the same


@pytest.mark.parametrize(
    "words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\xfe" * 200, b"SSH-2.0-OpenSSH_9.7\r\n"], ids=len
)
def test_a_device_that_speaks_nonsense_is_named_and_the_others_go_on(station: Station, words: bytes) -> None:
    babbler = Babbler(words)
    try:
        station.configure([e4(babbler.port), adc(f"socket://127.0.0.1:{babbler.port}")])
        until(lambda: link(station, "e4").error and link(station, "adc").error)
        for device_id in ("e4", "adc"):
            said = link(station, device_id)
            assert str(babbler.port) in said.error and len(said.error.splitlines()) == 1
        notices = [e for e in station.hub.events_since(0) if e.kind == "notice"]
        assert len(notices) < 40  # no flood
    finally:
        babbler.close()


def test_the_station_that_uses_a_port_is_named_while_it_lives(tmp_path: Path) -> None:
    folder = tmp_path / "stations" / "bed7"
    folder.mkdir(parents=True)
    band = {"kind": "e4-ble", "device_id": "e4", "options": {"address": "C0:00:00:00:00:0A"}}
    settings = {
        "devices": [{"kind": "serial-adc", "device_id": "adc", "options": {"port": "/dev/ttyACM0"}}, band]
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "stations" / "bed8").mkdir()
    (tmp_path / "stations" / "bed8" / "settings.json").write_text("broken")
    with StationLock("bed7", tmp_path):
        assert who_holds(adc("/dev/ttyACM0"), "bed1", tmp_path) == "bed7"
        assert who_holds(adc("/dev/ttyACM1"), "bed1", tmp_path) == ""
        for address, holder in (("c0:00:00:00:00:0a", "bed7"), ("C0:00:00:00:00:0B", ""), ("", "")):
            wanted = DeviceConfig("e4-ble", "e4", {"address": address})
            assert who_holds(wanted, "bed1", tmp_path) == holder
        assert who_holds(adc("/dev/ttyACM0"), "bed7", tmp_path) == ""
    assert who_holds(adc("/dev/ttyACM0"), "bed1", tmp_path) == ""
