"""The wristband without its server: when its counter is believed, when its decoding is doubted, what is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import Clock
from recorder.devices.ble_link import GATT_FRAMES
from recorder.devices.contract import DeviceConfig, LinkQuality, Notice, Send
from recorder.devices.e4_ble import PRODUCT, UNVERIFIED, E4BleDriver, stream_infos
from recorder.devices.e4_ble_sensor import Sensor
from recorder.errors import ConfigError
from recorder.protocols import e4_ble
from recorder.protocols.e4_ble import ACC, EDA, LAYOUTS, OPTICAL, TEMP, E4Packet
from recorder.protocols.gatt_packets import GattDecoder, PacketKind, packets_of_rows
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk

S = 1_000_000_000
SHAPES = {OPTICAL: (11, 2), ACC: (6, 3), EDA: (6, 1), TEMP: (8, 1)}


def driver(**options: object) -> E4BleDriver:
    return E4BleDriver(DeviceConfig("e4-ble", "e4", {"address": "C0:01", **options}), Clock())


def packet(uuid: int, counter: int) -> E4Packet:
    values = np.full(SHAPES[uuid], 20, np.int32)
    return E4Packet(uuid, values, counter % LAYOUTS[uuid].modulo)


def octets(uuid: int, counter: int) -> bytes:
    return e4_ble.encode(uuid, np.full(SHAPES[uuid], 20, np.int32), counter)


def sensor(uuid: int = ACC) -> Sensor:
    return Sensor(stream_infos("e4", "recorded", "B")[uuid], LAYOUTS[uuid], uuid)


class Play:
    """Packets at their pace into one sensor; ``gaps`` and ``numbers`` are what came of them."""

    def __init__(self, uuid: int = ACC) -> None:
        self.sensor, self.uuid = sensor(uuid), uuid
        self.gaps: list[Gap] = []
        self.firsts: list[int] = []

    def send(self, counter: int, at_s: float, n_lost: int = 0) -> int:
        missing, events = self.sensor.take(packet(self.uuid, counter), round(at_s * S), n_lost)
        self.gaps += [e for e in events if isinstance(e, Gap)]
        self.firsts += [e.first_sample_no for e in events if isinstance(e, SampleBlock)]
        return missing

    def run(self, counters: range, start_s: float = 0.0) -> None:
        for k, counter in enumerate(counters):
            self.send(counter, start_s + k / LAYOUTS[self.uuid].packets_per_s)


# ---- the counter


@pytest.mark.parametrize("uuid", LAYOUTS)
@given(start=st.integers(0, 2**32 - 1), missing=st.integers(1, 12))
def test_a_believed_counter_counts_what_is_missing_even_where_it_begins_anew(
    uuid: int, start: int, missing: int
) -> None:
    play = Play(uuid)
    play.run(range(start, start + 10))
    resumes_s = (10 + missing) / LAYOUTS[uuid].packets_per_s
    play.run(range(start + 10 + missing, start + 15 + missing), resumes_s)
    (gap,) = play.gaps
    n = LAYOUTS[uuid].n
    assert (gap.n_missing, gap.first_missing_no, gap.cause) == (missing * n, 10 * n, "counter-jump")
    assert play.firsts[10] == (10 + missing) * n


@pytest.mark.parametrize("step", [6, 11, 0, 7])
def test_a_counter_that_counts_something_else_makes_no_losses(step: int) -> None:
    play = Play(ACC)
    for k in range(200):
        play.send(k * step, k / LAYOUTS[ACC].packets_per_s)
    assert play.sensor.is_refuted
    assert all(gap.n_missing is None for gap in play.gaps)
    assert len(play.gaps) < 20, "told while it is tried, then no more"
    assert play.firsts == [6 * k for k in range(200)], "numbering goes by what came"


def test_a_short_counter_that_may_have_gone_round_says_that_nobody_can_tell() -> None:
    play = Play(OPTICAL)
    play.run(range(30))
    round_s = LAYOUTS[OPTICAL].modulo / LAYOUTS[OPTICAL].packets_per_s
    play.send(30, 30 / LAYOUTS[OPTICAL].packets_per_s + round_s)
    (gap,) = play.gaps
    assert (gap.n_missing, gap.cause) == (None, "counter-reset")


def test_a_counter_that_jumps_further_than_time_allows_was_reset() -> None:
    play = Play(ACC)
    play.run(range(1000, 1030))
    play.send(0, 30 / LAYOUTS[ACC].packets_per_s)
    (gap,) = play.gaps
    assert (gap.n_missing, gap.cause) == (None, "counter-reset")


def test_packets_this_computer_lost_are_told_from_those_of_the_radio() -> None:
    play = Play(ACC)
    play.run(range(20))
    play.send(23, 23 / LAYOUTS[ACC].packets_per_s, n_lost=3)
    assert (play.gaps[0].cause, play.gaps[0].n_missing) == ("overrun", 18)


@pytest.mark.parametrize(
    ("resumes", "n_missing"), [(120, 600), (0, None), (5000, None)], ids=["goes on", "anew", "else"]
)
def test_over_a_new_link_the_size_is_exact_where_counter_and_time_agree(
    resumes: int, n_missing: int | None
) -> None:
    play = Play(ACC)
    play.run(range(20))
    play.sensor.relink()
    play.send(resumes, 120 / LAYOUTS[ACC].packets_per_s)
    (gap,) = play.gaps
    assert (gap.cause, gap.n_missing) == ("link-lost", n_missing)


def test_over_a_new_link_a_short_counter_tells_nothing() -> None:
    play = Play(OPTICAL)
    play.run(range(20))
    play.sensor.relink()
    play.send(40, 40 / LAYOUTS[OPTICAL].packets_per_s)
    assert play.gaps[0].n_missing is None


# ---- the rate


@pytest.mark.parametrize(("share", "is_off"), [(1.0, False), (1.04, False), (1.08, True), (0.5, True)])
def test_a_rate_that_is_off_by_more_than_5_percent_is_noticed(share: float, is_off: bool) -> None:
    play = Play(TEMP)
    for k in range(40):
        play.send(k, k / (LAYOUTS[TEMP].packets_per_s * share))
    assert play.sensor.rate_is_off is is_off


def test_lost_packets_do_not_make_the_rate_look_off() -> None:
    play = Play(ACC)
    for k in range(400):
        if k % 10:
            play.send(k, k / LAYOUTS[ACC].packets_per_s)
    assert not play.sensor.rate_is_off


# ---- the driver


def play(made: E4BleDriver, packets: list[tuple[float, int, bytes]]) -> list[object]:
    events: list[object] = []
    for seq, (at_s, uuid, data) in enumerate(packets):
        t = round(at_s * S)
        events += [*made.feed(Chunk(GATT_FRAMES.pack(0, uuid, data, seq), t)), *made.tick(t)]
    return events


def kinds(events: list[object]) -> list[str]:
    return [e.kind for e in events if isinstance(e, Notice)]


def test_it_starts_with_the_time_of_this_computer_and_says_once_that_the_link_is_open() -> None:
    made = driver()
    first, again = made.on_connected(0), made.on_connected(S)
    (sent,) = [e for e in first if isinstance(e, Send)]
    (command,) = GattDecoder().feed(sent.data)
    assert (command.kind, command.characteristic) == (PacketKind.WRITE, e4_ble.COMMAND)
    assert command.data[0] == 1
    assert abs(int.from_bytes(command.data[1:], "little") - Clock().wall_ns() / 1e9) < 5
    assert (kinds(list(first)), kinds(list(again))) == (["unencrypted"], [])


def test_experimental_is_said_in_name_streams_and_words() -> None:
    made = driver()
    made.on_connected(0)
    events = play(made, [(1.0, ACC, octets(ACC, 0))])
    (ready,) = [e for e in events if isinstance(e, Notice)]
    assert "EXPERIMENTAL" in ready.message
    assert "not confirmed by its maker" in ready.message
    assert made.info.product == PRODUCT
    decoded = [info for info in made.streams if info.kind == "waveform"]
    assert len(decoded) == 4
    assert all(info.metadata["status"] == "experimental" for info in decoded)
    assert all(info.metadata["profile"] == "e4-ble-re-v1" for info in decoded)
    assert not {"ppg", "hr", "ibi"} & {info.role for info in made.streams}, "it sends no beats and no BVP"


def test_a_doubtful_decode_is_a_badge_and_is_told_once() -> None:
    made = driver()
    made.on_connected(0)
    counts_samples = [(k / 5.33, ACC, octets(ACC, 6 * k)) for k in range(100)]
    events = play(made, counts_samples)
    assert kinds(events).count("decode-unverified") == 1
    assert made.info.product == UNVERIFIED


def test_every_packet_is_kept_also_those_that_are_not_decoded() -> None:
    made = driver()
    made.on_connected(0)
    odd = [(2.0, ACC, bytes(19)), (3.0, 0x3EB1, bytes(range(60))), (4.0, e4_ble.BUTTON, b"\x01" + bytes(19))]
    events = play(made, [(1.0, ACC, octets(ACC, 0)), *odd, (15.0, ACC, octets(ACC, 1))])
    rows = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == "e4.raw"]
    kept = packets_of_rows(np.concatenate(rows))
    assert [(p.characteristic, p.data) for p in kept[1:-1]] == [(uuid, data) for _, uuid, data in odd]
    assert sorted(kinds(events)) == ["malformed", "ready", "tag"]
    assert [e for e in events if isinstance(e, Gap)] == []


def test_quality_is_the_share_that_arrived_and_the_strength_it_was_found_with() -> None:
    made = driver()
    made.on_connected(0)
    made.feed(Chunk(GATT_FRAMES.pack(3, 0, bytes([256 - 70]), 0), S))
    got = [k for k in range(100) if k % 10 or k == 0]
    events = play(made, [(1 + k / 5.33, ACC, octets(ACC, k)) for k in got])
    quality = [e for e in events if isinstance(e, LinkQuality)][-1]
    assert quality.rssi_dbm == -70
    assert quality.arrived == pytest.approx(0.9, abs=0.02)


def test_the_band_that_was_found_first_stays_the_one() -> None:
    made = E4BleDriver(DeviceConfig("e4-ble", "e4"), Clock())
    before = made.info
    made._connected_as("C0:07", "Empatica E4")
    assert made.info == replace(before, serial="C0:07", transport="ble:C0:07")
    assert "C0:07" in made.quiet_advice


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start_variant": "C"}, "start_variant"),
        ({"temp_variant": "a"}, "temp_variant"),
        ({"radio": "hci7"}, "radio"),
        ({"radio": "virtual:127.0.0.1:1"}, "must be simulated"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        driver(**options)


@pytest.mark.parametrize(("variant", "offset"), [("A", -275.54), ("B", -273.15)])
def test_the_temperature_variant_is_in_scale_and_metadata(variant: e4_ble.TempVariant, offset: float) -> None:
    info = stream_infos("e4", "recorded", variant)[TEMP]
    assert info.channels[0].offset == pytest.approx(offset)
    assert info.metadata["temp_variant"] == variant


def test_a_band_that_is_not_worn_says_so_after_10_s_and_takes_it_back() -> None:
    made = driver()
    made.on_connected(0)
    off = e4_ble.encode(EDA, np.zeros((6, 1), np.int32), 0)
    worn = e4_ble.encode(EDA, np.full((6, 1), 500_000, np.int32), 0)
    pieces = [(1.5 * k, EDA, worn if k in (0, 20) else off) for k in range(21)]
    events = play(made, pieces)
    (told,) = [e for e in events if isinstance(e, Notice) and e.kind == "not-worn"]
    assert 11e9 < told.t_host_ns < 13.1e9
    (back,) = [e for e in events if isinstance(e, Notice) and e.kind == "quality-ok"]
    assert (back.payload, back.stream_id) == ({"ended": "not-worn"}, "e4.eda")
