"""The heart-rate strap: contact, energy and intervals as sent, losses of this computer, nothing invented."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.clock import Clock
from recorder.devices.ble_hr import BleHeartRateDriver
from recorder.devices.ble_link import GATT_FRAMES
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.errors import ConfigError
from recorder.protocols.heart_rate import BATTERY_LEVEL, MEASUREMENT, HeartRate, encode
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk

S = 1_000_000_000


def connected(**options: object) -> BleHeartRateDriver:
    made = BleHeartRateDriver(DeviceConfig("ble-hr", "hr", options), Clock())
    made.on_connected(0)
    return made


def play(made: BleHeartRateDriver, told: list[tuple[int, bytes, int]]) -> list[DriverEvent]:
    """(seq, value, characteristic) a second apart."""
    events: list[DriverEvent] = []
    for k, (seq, data, uuid) in enumerate(told):
        events += made.feed(Chunk(GATT_FRAMES.pack(0, uuid, data, seq), (k + 1) * S))
    return events


def measured(*told: HeartRate) -> list[tuple[int, bytes, int]]:
    return [(seq, encode(one), MEASUREMENT) for seq, one in enumerate(told)]


def rows(events: list[DriverEvent], stream_id: str) -> list[list[float]]:
    found = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == stream_id]
    return np.concatenate(found).tolist() if found else []


def test_what_was_sent_is_stored_and_what_was_not_is_no_number() -> None:
    events = play(
        connected(), measured(HeartRate(72, True, 100, (1024, 896)), HeartRate(300), HeartRate(71, False))
    )
    hr = rows(events, "hr.hr")
    assert hr[0] == [72, 1, 100]
    assert hr[1][0] == 300
    assert np.isnan(hr[1][1:]).all()
    assert hr[2][:2] == [71, 0]
    assert rows(events, "hr.rr") == [[1024], [896]]
    rr = next(info for info in connected().streams if info.stream_id == "hr.rr")
    assert rr.channels[0].scale * 1024 == 1.0


def test_contact_lost_and_found_is_told_once_each() -> None:
    told = [HeartRate(70, c) for c in (None, True, False, False, True, True)]
    kinds = [e.kind for e in play(connected(), measured(*told)) if isinstance(e, Notice)]
    assert kinds == ["ready", "not-worn", "quality-ok"]


def test_values_this_computer_lost_are_a_gap_of_that_size() -> None:
    one = encode(HeartRate(70, rr_1024=(800,)))
    events = play(connected(), [(0, one, MEASUREMENT), (4, one, MEASUREMENT)])
    gaps = {e.stream_id: e for e in events if isinstance(e, Gap)}
    assert (gaps["hr.hr"].n_missing, gaps["hr.hr"].cause) == (3, "overrun")
    assert gaps["hr.rr"].n_missing is None


def test_a_new_link_goes_on_in_the_numbering_with_a_gap_of_unknown_size() -> None:
    made = connected()
    play(made, measured(HeartRate(70, rr_1024=(800,))))
    made.on_connected(5 * S)
    events = [
        e for k in range(2) for e in made.feed(Chunk(GATT_FRAMES.pack(0, MEASUREMENT, b"\x00\x46", k), 6 * S))
    ]
    gaps = [e for e in events if isinstance(e, Gap)]
    assert {g.stream_id: (g.n_missing, g.cause) for g in gaps} == {
        "hr.hr": (None, "link-lost"),
        "hr.rr": (None, "link-lost"),
        "hr.raw": (None, "link-lost"),
    }
    firsts = [e.first_sample_no for e in events if isinstance(e, SampleBlock) and e.stream_id == "hr.hr"]
    assert firsts == [1, 2]


def test_battery_and_truncated_measurements() -> None:
    events = play(
        connected(), [(0, b"\x0c", BATTERY_LEVEL), (1, b"\x10\x48\x00", MEASUREMENT), (2, b"", MEASUREMENT)]
    )
    assert rows(events, "hr.battery") == [[0.12]]
    assert rows(events, "hr.hr") == []
    assert len(rows(events, "hr.raw")) == 3, "kept raw all the same"
    (notice,) = [e for e in events if isinstance(e, Notice)]
    assert "charge it" in notice.message


def test_wrong_options_are_named() -> None:
    with pytest.raises(ConfigError, match="must be simulated"):
        connected(radio="virtual:127.0.0.1:1")
