"""bleak as a transport: against real GATT on a virtual air, and against what systems without Bluetooth say."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from air_rig import AirRig, air_rig
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from recorder.clock import Clock
from recorder.devices.ble_link import GATT_FRAMES
from recorder.devices.discovery import found_devices, radio_of
from recorder.devices.sim.bedside import Bedside
from recorder.devices.sim.ble_air import Offer
from recorder.devices.sim.config import parse
from recorder.errors import ConfigError, DeviceAbsent, DeviceBusy, DeviceError, DeviceRefused, LinkLost
from recorder.protocols.gatt_packets import GattDecoder, GattPacket, PacketKind, encode
from recorder.transports import ble
from recorder.transports.ble import BleTarget, BleTransport, open_ble
from recorder.transports.ble_loop import Attempt
from recorder.transports.ble_scan import refusal

ONE, TWO = "C0:00:00:00:00:01", "C0:00:00:00:00:02"
BAND = Offer(
    notify={0x3EA0: [0x3EA1]},
    read={0x180F: [0x2A19]},
    write={0x3E70: [0x3E71]},
    values={0x2A19: b"\x32"},
)
TARGET = BleTarget("E4 wristband", ONE, services=(0x3EA0, 0x3E70), notify=(0x3EA1,), read=(0x2A19,))


@pytest.fixture
def rig() -> Iterator[AirRig]:
    with air_rig() as made:
        yield made


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble, "SEARCH_S", 1.5)
    monkeypatch.setattr(ble, "SETTLE_S", 0.5)


def connect(rig: AirRig, target: BleTarget = TARGET) -> BleTransport:
    return open_ble(target, GATT_FRAMES, Clock(), radio_of(rig.radio))


def packets(transport: BleTransport, n: int) -> list[GattPacket]:
    found: list[GattPacket] = []
    decoder, deadline = GattDecoder(), time.monotonic() + 10
    while len(found) < n:
        assert time.monotonic() < deadline, found
        chunk = transport.read(0.2)
        found += decoder.feed(chunk.data) if chunk else []
    return found


def test_values_come_in_order_with_their_time_and_are_written(rig: AirRig) -> None:
    band = rig.add("Empatica E4", ONE, BAND)
    transport = connect(rig)
    try:
        first = packets(transport, 2)
        assert [(p.kind, p.characteristic, p.data) for p in first] == [
            (PacketKind.RSSI, 0, bytes([256 - 50])),
            (PacketKind.READ, 0x2A19, b"\x32"),
        ]
        before = Clock().monotonic_ns()
        for n in range(5):
            assert rig.do(band.notify(0x3EA1, bytes([n]) * 20))
        chunk = transport.read(1.0)
        assert chunk is not None
        assert before < chunk.t_host_ns < Clock().monotonic_ns()
        rest = [*GattDecoder().feed(chunk.data), *packets(transport, 4)]
        assert [p.data for p in rest] == [bytes([n]) * 20 for n in range(5)]
        assert [p.seq for p in rest] == [2, 3, 4, 5, 6]
        transport.write(encode(GattPacket(PacketKind.WRITE, 0x3E71, b"\x01\x02")))
        assert rig.written == [(0x3E71, b"\x01\x02")]
        with pytest.raises(LinkLost, match="2a37"):
            transport.write(encode(GattPacket(PacketKind.WRITE, 0x2A37, b"\x01")))
        assert transport.read(0.05) is None
    finally:
        transport.close()
        transport.close()
    with pytest.raises(LinkLost):
        transport.read(0.05)


def test_a_link_the_device_drops_is_told_after_what_came_before_it(rig: AirRig) -> None:
    band = rig.add("Empatica E4", ONE, BAND)
    transport = connect(rig)
    rig.do(band.notify(0x3EA1, b"last"))
    rig.do(band.drop())
    time.sleep(0.3)
    assert [p.data for p in packets(transport, 3)][-1] == b"last"
    with pytest.raises(LinkLost, match=f"{ONE} dropped the Bluetooth link: bring it near"):
        transport.read(1.0)
    transport.close()
    again = connect(rig)
    assert len(packets(again, 2)) == 2
    again.close()


def test_two_bands_of_one_name_are_told_apart_by_address(rig: AirRig) -> None:
    for address in (ONE, TWO):
        rig.add("Empatica E4", address, BAND)
    with pytest.raises(LinkLost, match=f"2 devices called Empatica E4 are in range, {ONE} .*{TWO} .*address"):
        connect(rig, BleTarget("E4 wristband", name="Empatica E4"))
    transport = connect(rig, BleTarget("E4 wristband", TWO.lower(), name="Empatica E4"))
    assert transport.address == TWO
    found = found_devices(0.6, radio_of(rig.radio))
    assert [(d.address, d.name, d.kind) for d in found] == [(ONE, "Empatica E4", "e4-ble")]
    transport.close()


def test_a_band_in_use_elsewhere_is_absent_and_the_message_says_why_it_may_be(rig: AirRig) -> None:
    band = rig.add("Empatica E4", ONE, BAND)
    first = connect(rig)
    with pytest.raises(DeviceAbsent, match=f"{ONE} is not in range: .*another station.*disconnect it there"):
        connect(rig)
    assert band.n_connections == 1
    first.close()


def test_a_search_is_ended_from_outside(rig: AirRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a station does not wait for a band that is not there."""
    monkeypatch.setattr(ble, "SEARCH_S", 30.0)
    attempt, began = Attempt(), time.monotonic()
    threading.Timer(0.4, attempt.interrupt).start()
    with pytest.raises(LinkLost, match="the search was ended"):
        open_ble(TARGET, GATT_FRAMES, Clock(), radio_of(rig.radio), attempt=attempt)
    with pytest.raises(LinkLost, match="the search was ended"):
        open_ble(TARGET, GATT_FRAMES, Clock(), radio_of(rig.radio), attempt=attempt)
    assert time.monotonic() - began < 10
    rig.add("Empatica E4", ONE, BAND)
    connect(rig).close()


def test_something_else_of_that_name_is_refused_by_what_it_lacks(rig: AirRig) -> None:
    toilet = Offer(notify={0x3EA0: [0x3EA1]})  # a Geberit AquaClean advertises 3ea0 as well
    peripheral = rig.add("Empatica E4", ONE, toilet)
    with pytest.raises(DeviceRefused, match=f"{ONE} .* is no E4 wristband: it lacks 3e70; choose another"):
        connect(rig)
    deadline = time.monotonic() + 5
    while peripheral.connected.is_set():
        assert time.monotonic() < deadline, "the link to it is closed again"
        time.sleep(0.02)


def test_search_tells_kind_name_and_strength_and_refuses_odd_lengths(rig: AirRig) -> None:
    rig.add("HR strap", TWO, Offer(notify={0x180D: [0x2A37]}, advertise=(0x180D,)))
    rig.add("TV", ONE, Offer())
    found = found_devices(0.6, radio_of(rig.radio))
    assert [(d.kind, d.name, d.rssi_dbm) for d in found] == [("ble-hr", "HR strap", -50), ("", "TV", -50)]
    for seconds in (0.0, -1.0, 61.0, float("nan")):
        with pytest.raises(ConfigError, match="at most 60"):
            found_devices(seconds, radio_of(rig.radio))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_bluetooth_is_one_sentence_with_what_to_do() -> None:
    """This machine has none: bleak raises a bare FileNotFoundError. Where there is one, nothing is to be shown."""
    try:
        found_devices(0.2)
    except DeviceError as error:
        said = str(error)
        assert "\n" not in said
        assert "FileNotFound" not in said
        assert "Bluetooth" in said
        assert ":" in said
    gc.collect()  # dbus-fast leaves its socket open where there is no D-Bus


REASONS = BleakBluetoothNotAvailableReason
ERRORS = [
    (FileNotFoundError(2, "No such file or directory"), DeviceError, "no working Bluetooth: plug in"),
    (EOFError(), DeviceError, "no working Bluetooth"),
    *(
        (BleakBluetoothNotAvailableError("x", reason), DeviceError, words)
        for reason, words in [
            (REASONS.NO_BLUETOOTH, "no working Bluetooth"),
            (REASONS.POWERED_OFF, "switched off: switch it on"),
            (REASONS.DENIED_BY_USER, "allow it"),
            (REASONS.DENIED_BY_SYSTEM, "administrator"),
            (REASONS.NO_BLE_CENTRAL_ROLE, "too old"),
            (REASONS.UNKNOWN, "no working Bluetooth"),
        ]
    ),
    (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), DeviceError, "no working Bluetooth"),
    (BleakDBusError("org.bluez.Error.NotReady", []), DeviceError, "switched off"),
    (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []), DeviceError, "administrator"),
    (BleakDBusError("org.bluez.Error.InProgress", []), DeviceBusy, "off and on again"),
    (BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]), LinkLost, "abort-by-local"),
    (BleakDeviceNotFoundError("x"), DeviceAbsent, "out of reach"),
    (BleakError("Not\nconnected"), LinkLost, "Not connected"),
    (TimeoutError(), LinkLost, "in time"),
]


@pytest.mark.parametrize(
    ("error", "kind", "words"), ERRORS, ids=lambda v: getattr(v, "__name__", str(v))[:40]
)
def test_every_error_of_bleak_is_an_operators_sentence(
    error: Exception, kind: type[DeviceError], words: str
) -> None:
    told = refusal(f"E4 wristband {ONE}", error)
    assert type(told) is kind
    assert words in str(told)
    assert str(told).startswith(f"E4 wristband {ONE}")
    assert "\n" not in str(told)


@pytest.mark.parametrize("name", ["hci0", "virtual:", "virtual:localhost", "virtual::1", "virtual:h:port"])
def test_an_unknown_radio_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match="leave it empty"):
        radio_of(name)


def test_a_virtual_bedside_that_is_not_there_is_no_bluetooth() -> None:
    with pytest.raises(DeviceError, match="no working Bluetooth"):
        found_devices(0.2, radio_of("virtual:127.0.0.1:1"))


def test_what_no_thread_takes_is_dropped_and_the_numbers_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble, "ROOM", 3)
    transport = BleTransport(TARGET, GATT_FRAMES, Clock())

    async def arrive() -> None:
        for n in range(5):
            transport._take(0, 0x3EA1, bytes([n]))
        chunk = transport.read(0.1)
        assert chunk is not None
        transport._take(0, 0x3EA1, b"later")

    asyncio.run(arrive())
    seqs = [p.seq for p in packets(transport, 3)]
    assert seqs == [1, 2, 5]


def test_an_installation_without_the_virtual_radio_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """bumble is there for tests and training only; no bedside needs it."""
    for name in [name for name in sys.modules if name.startswith("recorder.devices.sim.ble_")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == "bumble"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bumble", None)
    with pytest.raises(ConfigError, match="needs the package bumble: install it"):
        radio_of("virtual:127.0.0.1:1")
    with pytest.raises(ConfigError, match="need the package bumble: install it"):
        Bedside(parse({"e4_ble": {}}), Clock())
