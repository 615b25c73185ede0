"""Vectors of our own for the reverse-engineered E4 packets, and properties over any bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols import e4_ble
from recorder.protocols.e4_ble import ACC, EDA, LAYOUTS, OPTICAL, TEMP, decode, encode, start_command

ACC_HEX = "00004001ff3fc0200a7f8005020304fbfaf91234"
EDA_HEX = "0f424007a120030d400186a01e84800000000007"
TEMP_HEX = "283c293c283c273c2a3c283c283c293c7b000000"
OPTICAL_HEX = "03fc17e07f5fc0000057629b0f62516194e0bee9"


def test_start_commands():
    assert start_command("A", 1_700_000_000).hex() == "0100f15365"
    assert start_command("B", 1_700_000_000) == b"\x02"


def test_acceleration():
    packet = decode(ACC, bytes.fromhex(ACC_HEX))
    assert packet.values.tolist() == [
        [0, 0, 64], [1, -1, 63], [-64, 32, 10], [127, -128, 5], [2, 3, 4], [-5, -6, -7],
    ]  # fmt: skip
    assert packet.counter == 0x1234


def test_conductance():
    packet = decode(EDA, bytes.fromhex(EDA_HEX))
    assert e4_ble.conductance_us(packet.values)[:, 0].tolist() == [1.0, 2.0, 5.0, 10.0, 0.5, 0.0]
    assert packet.counter == 7


def test_temperature_in_both_variants():
    packet = decode(TEMP, bytes.fromhex(TEMP_HEX))
    raw = packet.values[:, 0]
    assert raw.tolist() == [15400, 15401, 15400, 15399, 15402, 15400, 15400, 15401]
    assert packet.counter == 123
    for variant, first in (("B", [34.85, 34.87]), ("A", [32.46, 32.48])):
        cel = raw * e4_ble.TEMP_SCALE + e4_ble.TEMP_OFFSETS_CEL[variant]
        assert cel[:2] == pytest.approx(first, abs=0.001)


def test_optical_differences():
    packet = decode(OPTICAL, bytes.fromhex(OPTICAL_HEX))
    flat = [1, -1, 2, -2, 3, -3, 63, -64, 0, 0, 10, -10, 20, -20, 30, -30, 40, -40, 50, -50, 5, -5]
    assert packet.values.reshape(-1).tolist() == flat
    assert packet.counter == 41


@pytest.mark.parametrize("characteristic", LAYOUTS)
def test_19_or_21_bytes_are_no_packet(characteristic):
    assert decode(characteristic, bytes(19)) is None
    assert decode(characteristic, bytes(21)) is None
    assert decode(0x2A37, bytes(20)) is None


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(min_size=20, max_size=20))
def test_every_packet_encodes_back_to_its_bytes(characteristic, data):
    packet = decode(characteristic, data)
    assert packet.values.dtype == np.int32
    assert packet.values.shape[0] == LAYOUTS[characteristic].n
    assert encode(characteristic, packet.values, packet.counter) == data


@given(st.integers(0, 65535) | st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=40))
def test_no_bytes_raise(characteristic, data):
    known = len(data) == 20 and characteristic in LAYOUTS
    assert (decode(characteristic, data) is not None) == known
    share = e4_ble.battery_share(data)
    assert share is None or 0 <= share <= 1
    assert e4_ble.is_button(data) in (True, False)


@pytest.mark.parametrize("characteristic", LAYOUTS)
def test_what_does_not_fit_is_refused(characteristic):
    n = LAYOUTS[characteristic].n
    with pytest.raises(ValueError, match=f"{characteristic:04x}"):
        encode(characteristic, np.full((n, 1), 2**25, np.int32), 0)


def test_battery_and_button():
    assert [e4_ble.battery_share(bytes([v])) for v in (0, 55, 100, 101)] == [0.0, 0.55, 1.0, None]
    assert e4_ble.is_button(b"\x01" + bytes(19))
    assert not e4_ble.is_button(bytes(20))
