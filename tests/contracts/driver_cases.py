"""Every driver with the other end of its wire, for the one suite that all must pass.

A new driver adds one case here; the suite refuses to pass without it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "radio"))

from air_rig import air_rig

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.ble_link import GATT_FRAMES
from recorder.devices.contract import DeviceConfig, Driver, DriverEvent, Send
from recorder.devices.registry import make_driver
from recorder.devices.sim.ble_air import Offer
from recorder.errors import LinkLost
from recorder.protocols import e4_ble, heart_rate, nonin
from recorder.protocols.adc_profile import AdcProfile
from recorder.protocols.e4_events import Band, Command, Reply, Sample
from recorder.protocols.e4_server import CommandDecoder, format_reply, format_sample
from recorder.protocols.gatt_packets import GattDecoder
from recorder.protocols.heart_rate import HeartRate
from recorder.protocols.serial_adc import encode
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk, Transport

S = 1_000_000_000
RESOURCES = Path(__file__).parent


class E4Side:
    """A streaming server without a socket: answers commands, makes sample lines."""

    def __init__(self) -> None:
        self._commands = CommandDecoder()

    def answer(self, data: bytes) -> bytes:
        return b"".join(format_reply(self._reply(command)) for command in self._commands.feed(data))

    @staticmethod
    def _reply(command: Command) -> Reply:
        if command.name == "device_list":
            return Reply("device_list", "list", bands=(Band("9ff167"), Band("7a3166")))
        if command.name == "pause":
            return Reply("pause", "on" if command.arguments == ("ON",) else "off")
        return Reply(command.name, "ok", command.arguments[0] if command.name == "device_subscribe" else "")

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        """BVP lines, each fourth with one of acceleration, each 16th with conductance and temperature."""
        lines = []
        for n in numbers:
            stamp = 1_700_000_000_000_000 + round(n * 1e6 / 64)
            lines.append(format_sample(Sample("bvp", stamp, ((n * 7 - 900, 2),))))
            if n % 2 == 0:
                lines.append(format_sample(Sample("acc", stamp, ((n % 64, 0), (-(n % 50), 0), (63, 0)))))
            if n % 16 == 0:
                lines.append(format_sample(Sample("gsr", stamp, ((n + 100, 3),))))
                lines.append(format_sample(Sample("tmp", stamp, ((3300 + n % 7, 2),))))
            if n % 50 == 0:
                lines.append(format_sample(Sample("ibi", stamp, ((828125, 6),))))
        return lines


@dataclass
class AdcSide:
    """An ADC without a cable."""

    profile: AdcProfile

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    def frames(self, numbers: Iterable[int]) -> list[bytes]:
        period_us = 1e6 / self.profile.rate_hz
        return [
            encode(self.profile, n, round(n * period_us), [1000 + n % 800] * len(self.profile.channels))
            for n in numbers
        ]


class NoninSide:
    """An oximeter without a cable: frame n is number n % 25 of its packet, its pleth n % 256."""

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        said = nonin.float_bytes(nonin.Vitals(72, 73, 72, 73, 97, 97, 96, 95, 98, 98, 48))
        return [
            nonin.encode(nonin.Frame(0x80 | (n % 25 == 0), n % 256, said[n % 25]), "df2") for n in numbers
        ]


class GattSide:
    """A Bluetooth device without a radio: packets in the driver's own framing."""

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        raise NotImplementedError


class E4BleSide(GattSide):
    """Six samples of acceleration a packet, and now and then one of the other sensors; each counts its packets."""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        packets: list[tuple[int, bytes]] = []
        for n in numbers:
            acc = np.array([[n % 128, -(n % 64), (n + k) % 128] for k in range(6)], np.int32)
            packets.append((e4_ble.ACC, e4_ble.encode(e4_ble.ACC, acc, n)))
            light = np.array([[n % 60, -(n % 60)]] * 11, np.int32)
            packets.append((e4_ble.OPTICAL, e4_ble.encode(e4_ble.OPTICAL, light, n)))
            if n % 8 == 0:
                skin = np.full((6, 1), 500_000 + n, np.int32)
                packets.append((e4_ble.EDA, e4_ble.encode(e4_ble.EDA, skin, n // 8)))
            if n % 10 == 0:
                warm = np.full((8, 1), 15_400 + n % 9, np.int32)
                packets.append((e4_ble.TEMP, e4_ble.encode(e4_ble.TEMP, warm, n // 10)))
            if n % 50 == 0:
                packets.append((e4_ble.BATTERY, bytes([90 - n % 7])))
        return [GATT_FRAMES.pack(0, uuid, data, seq) for seq, (uuid, data) in enumerate(packets)]


class HeartRateSide(GattSide):
    """A strap that counts nothing; what is lost behind the operating system is seen by our own count of values."""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        frames = []
        for n in numbers:
            rr = (700 + n % 300,) * (n % 3)
            told = HeartRate(40 + n % 150, contact=True, energy_kj=n, rr_1024=rr)
            frames.append(GATT_FRAMES.pack(0, heart_rate.MEASUREMENT, heart_rate.encode(told), n))
        return frames


Side = E4Side | AdcSide | NoninSide | GattSide


@dataclass(frozen=True)
class Case:
    """One driver and its other end.

    Args:
        kind: of the registry.
        options: without the address.
        main: the stream whose numbering is looked at.
        side: makes a fresh other end.
        link: opens a real loopback link: gives the options that lead there, the file number is the other end's.
        rate_hz: of ``main``.
        per_frame: samples of ``main`` that each number of ``side.frames`` gives.
        lost: numbers left out where samples are lost.
    """

    name: str
    kind: str
    options: dict[str, object]
    address: dict[str, object]
    main: str
    side: Callable[[], Side]
    link: Callable[[Side], object]
    rate_hz: float
    nothing_there: dict[str, object] = field(default_factory=dict)
    per_frame: int = 1
    lost: range = range(100, 137)

    @property
    def absent_name(self) -> str:
        """What a message must name where nothing is."""
        return str(list(self.nothing_there.values())[-1])

    def driver(self, address: dict[str, object] | None = None) -> Driver:
        options = {**self.options, **(self.address if address is None else address)}
        return make_driver(DeviceConfig(self.kind, "dev", options, simulated=True), Clock())


# --- real loopback links -------------------------------------------------------------------------------------


@contextmanager
def tcp_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A TCP server thread that answers for ``side``; gives the address and a function that sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connected, peers = threading.Event(), []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peers.append(peer)
                    connected.set()
                    while data := peer.recv(4096):
                        peer.sendall(side.answer(data))

        def send(data: bytes) -> None:
            assert connected.wait(10)
            peers[-1].sendall(data)

        thread = threading.Thread(target=serve, name="test-tcp-link", daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield {"host": "127.0.0.1", "port": port}, send
        finally:
            for peer in peers:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)
                peer.close()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(10)
            assert not thread.is_alive()


@contextmanager
def socket_url_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    with tcp_link(side) as (address, send):
        yield {"port": f"socket://127.0.0.1:{address['port']}"}, send


@contextmanager
def pty_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A pseudo-terminal; its master end is the device."""
    master, slave = os.openpty()
    name = os.ttyname(slave)

    def send(data: bytes) -> None:
        while data:
            data = data[os.write(master, data[:512]) :]

    try:
        yield {"port": name}, send
    finally:
        os.close(slave)
        os.close(master)


ADDRESS = "C0:00:00:00:00:0A"
OFFERS = {
    E4BleSide: Offer(
        notify={0x3EA0: list(e4_ble.LAYOUTS), 0x3EB0: [e4_ble.BUTTON, e4_ble.BATTERY]},
        write={e4_ble.COMMANDS: [e4_ble.COMMAND]},
    ),
    HeartRateSide: Offer(notify={heart_rate.SERVICE: [heart_rate.MEASUREMENT]}, advertise=(0x180D,)),
}


@contextmanager
def air_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A peripheral on a virtual air; what is sent are notifications, once the driver has asked for them."""
    with air_rig() as rig:
        peripheral = rig.add("Empatica E4", ADDRESS, OFFERS[type(side)])  # type: ignore[index]

        def send(data: bytes) -> None:
            for packet in GattDecoder().feed(data):
                deadline = time.monotonic() + 10
                while not rig.do(peripheral.notify(packet.characteristic, packet.data)):
                    assert time.monotonic() < deadline, "nobody listens"
                    time.sleep(0.01)

        yield {"address": ADDRESS, "radio": rig.radio}, send


NO_AIR = {"radio": "virtual:127.0.0.1:1", "address": "C0:00:00:00:00:0B"}
TWO_CHANNELS = RESOURCES / "two-channels.toml"

CASES = [
    Case(
        "e4",
        "e4-tcp",
        {},
        {"host": "127.0.0.1", "port": 28000},
        "dev.bvp",
        E4Side,
        tcp_link,
        64.0,
        {"host": "127.0.0.1", "port": 1},
    ),
    *(
        Case(
            f"adc-{profile if isinstance(profile, str) else profile.stem}-{'pty' if link is pty_link else 'socket'}",
            "serial-adc",
            {"profile": str(profile)},
            {"port": "/dev/tty-of-a-test"},
            "dev.wave",
            lambda profile=profile: AdcSide(profiles.load(profile)),  # type: ignore[misc]
            link,
            1000.0 if profile == "lab-adc-1k" else 100.0,
            {"port": "/dev/tty-that-is-not-there"},
        )
        for profile, link in [
            ("lab-adc-ascii", pty_link),
            ("lab-adc-binary", socket_url_link),
            ("lab-adc-1k", pty_link),
            (TWO_CHANNELS, socket_url_link),
        ]
    ),
    Case(
        "nonin",
        "nonin-serial",
        {},
        {"port": "/dev/tty-of-a-test"},
        "dev.pleth",
        NoninSide,
        pty_link,
        75.0,
        {"port": "/dev/tty-that-is-not-there"},
        lost=range(100, 112),  # it numbers within a packet of 25 only
    ),
    Case(
        "e4-ble",
        "e4-ble",
        {},
        {"address": ADDRESS},
        "dev.acc",
        E4BleSide,
        air_link,
        32.0,
        NO_AIR,
        per_frame=6,
    ),
    Case("ble-hr", "ble-hr", {}, {"address": ADDRESS}, "dev.hr", HeartRateSide, air_link, 1.0, NO_AIR),
]


# --- driving a driver ----------------------------------------------------------------------------------------


class MemoryTransport:
    """A link in memory: what the driver sends is answered by ``side``; ``put`` makes more arrive."""

    def __init__(self, side: Side, t_host_ns: int) -> None:
        self._side = side
        self.waiting: deque[bytes] = deque()
        self.t_host_ns = t_host_ns

    def put(self, *pieces: bytes) -> None:
        self.waiting.extend(pieces)

    def read(self, timeout_s: float) -> Chunk | None:
        self.t_host_ns += 10_000_000
        if not self.waiting:
            raise LinkLost("the memory is empty")
        return Chunk(self.waiting.popleft(), self.t_host_ns)

    def write(self, data: bytes) -> None:
        answer = self._side.answer(data)
        if answer:
            self.waiting.appendleft(answer)

    def close(self) -> None:
        self.waiting.clear()


def converse(driver: Driver, transport: Transport, events: Sequence[DriverEvent]) -> list[DriverEvent]:
    """Write what the driver sends; give back the rest."""
    for event in events:
        if isinstance(event, Send):
            transport.write(event.data)
    return [event for event in events if not isinstance(event, Send)]


def run_memory(
    driver: Driver,
    side: Side,
    pieces: Sequence[bytes],
    wrap: Callable[[Transport], Transport] = lambda t: t,
    t0_ns: int = 10 * S,
) -> list[DriverEvent]:
    """A whole connection over memory: conversation first, then ``pieces``, until nothing is left."""
    memory = MemoryTransport(side, t0_ns)
    seen = converse(driver, memory, driver.on_connected(memory.t_host_ns))
    while memory.waiting:
        chunk = memory.read(0.0)
        assert chunk is not None
        seen += converse(driver, memory, driver.feed(chunk))
    memory.put(*pieces)
    faulty = wrap(memory)
    with suppress(LinkLost):
        while True:
            chunk = faulty.read(0.0)
            if chunk is not None:
                seen += converse(driver, faulty, driver.feed(chunk))
            seen += converse(driver, faulty, driver.tick(memory.t_host_ns))
    return seen


def blocks_of(events: Sequence[DriverEvent], stream_id: str) -> list[SampleBlock]:
    return [event for event in events if isinstance(event, SampleBlock) and event.stream_id == stream_id]


def gaps_of(events: Sequence[DriverEvent], stream_id: str) -> list[Gap]:
    return [event for event in events if isinstance(event, Gap) and event.stream_id == stream_id]


def rows_of(events: Sequence[DriverEvent], stream_id: str) -> list[tuple[object, ...]]:
    """(number, device stamp, values…) of every sample, in order of arrival."""
    rows: list[tuple[object, ...]] = []
    for block in blocks_of(events, stream_id):
        stamps = np.zeros(block.n_samples) if block.device_time_us is None else block.device_time_us
        numbers = range(block.first_sample_no, block.next_sample_no)
        rows += [(n, int(s), *v) for n, s, v in zip(numbers, stamps, block.values.tolist(), strict=True)]
    return rows
