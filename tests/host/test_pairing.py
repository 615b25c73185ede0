"""Pairing by button: of all wristbands in reach the one whose button is pressed answers, with its serial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bedside_rig import Rig, wait_for

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.errors import LinkLost
from recorder.host import virtual_bedside
from recorder.host.pairing import Band, Holder, Pairing, held_elsewhere, radio_bands, server_bands
from recorder.host.virtual_bedside import VirtualBedside

E4 = {"serial": "9ff167", "port": 0, "companions": ["7a3166"]}


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[VirtualBedside]:
    """A streaming server with two wristbands."""
    made = virtual_bedside.start(tmp_path / "bedside", Clock(), {"seed": 1, "script": "rest", "e4": E4})
    yield made
    made.stop()


def config(bedside: VirtualBedside) -> DeviceConfig:
    options = {"host": bedside.ready["e4"]["host"], "port": bedside.ready["e4"]["port"]}
    return DeviceConfig("e4-tcp", "e4", options, simulated=True)


def until(holds: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_either_band_answers_to_its_own_button(bedside: VirtualBedside) -> None:
    bands = server_bands(config(bedside), Clock(), {})
    assert [band.serial for band in bands] == ["9ff167", "7a3166"]
    assert [band.config.options["band"] for band in bands] == ["9ff167", "7a3166"]
    pairing = Pairing(bands, Clock())
    pairing.start()
    try:
        until(lambda: all(state.state == "listening" for state in pairing.states()))
        bedside.press_button("7a3166")
        until(lambda: [state.presses for state in pairing.states()] == [0, 1])
        bedside.press_button()
        until(lambda: [state.presses for state in pairing.states()] == [1, 1])
        assert pairing.states()[0].pressed_ns > pairing.states()[1].pressed_ns  # type: ignore[operator]
    finally:
        pairing.stop()


def test_a_band_that_refuses_says_so_and_the_others_are_listened_to(bedside: VirtualBedside) -> None:
    bands = server_bands(config(bedside), Clock(), {})
    options = {**bands[0].config.options, "band": "000000"}
    gone = Band("000000", DeviceConfig("e4-tcp", "e4", options))
    pairing = Pairing([gone, bands[0]], Clock())
    pairing.start()
    try:
        until(lambda: [s.state for s in pairing.states()] == ["refused", "listening"])
        assert "does not have E4 000000, but 9ff167" in pairing.states()[0].said
    finally:
        pairing.stop()


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(LinkLost, match=r"Nothing listens on 127\.0\.0\.1:1: start the E4 streaming server"):
        server_bands(DeviceConfig("e4-tcp", "e4", {"port": 1}), Clock(), {})


def test_a_band_that_another_station_records_with_is_named_with_it(tmp_path: Path) -> None:
    with Rig(tmp_path, "bed-2", e4=E4, adc=None) as other:
        other.up()
        other.configure()
        other.await_streaming()
        held = held_elsewhere("bed-1", tmp_path)
        assert held == {"9ff167": Holder("bed-2", recording=False)}
        other.start()
        wait_for(lambda: held_elsewhere("bed-1", tmp_path)["9ff167"].recording, "it records")
        bands = server_bands(config(other.bedside), Clock(), held_elsewhere("bed-1", tmp_path))
        assert [band.holder.station if band.holder else "" for band in bands] == ["bed-2", ""]
        assert held_elsewhere("bed-2", tmp_path) == {}


def test_bands_on_the_air_are_told_apart_by_their_address() -> None:
    found = [
        {"address": "C0:01", "name": "Empatica E4", "rssi_dbm": -80, "kind": "e4-ble"},
        {"address": "C0:02", "name": "Empatica E4", "rssi_dbm": -55, "kind": "e4-ble"},
        {"address": "C0:03", "name": "Polar H10", "rssi_dbm": -40, "kind": "ble-hr"},
    ]
    held = {"c0:01": Holder("bed-2", recording=True)}
    bands = radio_bands(DeviceConfig("e4-ble", "e4", {"start_variant": "B"}), found, held)
    assert [(band.serial, band.rssi_dbm, band.holder) for band in bands] == [
        ("C0:02", -55, None),
        ("C0:01", -80, held["c0:01"]),
    ]
    assert bands[0].config.options == {"start_variant": "B", "address": "C0:02"}
