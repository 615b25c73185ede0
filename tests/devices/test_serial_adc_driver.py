"""The serial ADC driver: losses to gaps, damage and oddities to notices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.serial_adc import NONSENSE_BYTES, SerialAdcDriver
from recorder.protocols.serial_adc import encode
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk

S = 1_000_000_000
BARE = """
[profile]
name = "bare"
version = 1
status = "lab"
[transport]
kind = "serial"
baud = 9600
[framing]
kind = "ascii"
fields = ["adc0"]
checksum = "xor8"
[[channel]]
field = "adc0"
role = "abp_wave"
unit = "V"
scale = 0.005
[timing]
fs_nominal = 100.0
"""


def adc(profile: str | Path = "lab-adc-binary", **options: object) -> SerialAdcDriver:
    options = {"port": "/dev/ttyUSB0", "profile": str(profile), **options}
    return SerialAdcDriver(DeviceConfig("serial-adc", "adc", options), Clock())


def connected(profile: str | Path = "lab-adc-binary") -> SerialAdcDriver:
    driver = adc(profile)
    driver.on_connected(0)
    return driver


def wire(driver: SerialAdcDriver, numbers: Iterable[int], counts: Sequence[int] | None = None) -> bytes:
    period_us = 1e6 / driver.profile.rate_hz
    return b"".join(
        encode(
            driver.profile, n, round(n * period_us), [1000 + 40 * (n % 20) if counts is None else counts[k]]
        )
        for k, n in enumerate(numbers)
    )


def feed(driver: SerialAdcDriver, data: bytes, t_s: float) -> list[DriverEvent]:
    return list(driver.feed(Chunk(data, round(t_s * S))))


def notices(events: Sequence[DriverEvent]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice)]


def gaps(events: Sequence[DriverEvent]) -> list[Gap]:
    return [event for event in events if isinstance(event, Gap)]


def test_the_stream_tells_counts_to_volts_and_what_is_invalid() -> None:
    (info,) = adc().streams
    assert (info.stream_id, info.role, info.dtype, info.nominal_rate_hz) == (
        "adc.wave",
        "abp_wave",
        "int32",
        100.0,
    )
    (channel,) = info.channels
    assert (channel.unit, channel.scale) == ("V", 5 / 4096)
    assert info.metadata["invalid"] == "adc0=-1"
    assert info.metadata["profile_status"] == "lab"
    assert adc().silence_s == 2.0
    assert adc(silence_s=1.0).silence_s == 1.0


def test_joining_in_the_middle_of_a_frame_is_no_damage() -> None:
    driver = connected()
    events = feed(driver, wire(driver, range(10))[5:], 0.1)
    assert [notice.kind for notice in notices(events)] == ["ready"]
    assert gaps(events) == []
    (block,) = [event for event in events if isinstance(event, SampleBlock)]
    assert (block.first_sample_no, block.n_samples) == (0, 9)


def test_a_counter_jump_is_a_gap_of_exactly_so_many() -> None:
    driver = connected()
    feed(driver, wire(driver, range(50)), 0.5)
    events = feed(driver, wire(driver, [*range(80, 90), *range(95, 100)]), 1.0)
    assert [(g.cause, g.first_missing_no, g.n_missing) for g in gaps(events)] == [
        ("counter-jump", 50, 30),
        ("counter-jump", 90, 5),
    ]
    assert (gaps(events)[0].t0_host_ns, gaps(events)[0].t1_host_ns) == (S // 2, S)


def test_a_device_that_restarts_counts_from_zero_and_we_go_on() -> None:
    driver = connected()
    feed(driver, wire(driver, range(40_000, 40_100)), 1.0)
    events = feed(driver, wire(driver, range(20)), 3.0)
    (gap,) = gaps(events)
    assert (gap.cause, gap.n_missing, gap.first_missing_no) == ("counter-reset", None, 100)


def test_a_reconnection_without_any_loss_is_no_gap() -> None:
    driver = connected()
    feed(driver, wire(driver, range(100)), 1.0)
    driver.on_connected(round(1.01 * S))
    assert gaps(feed(driver, wire(driver, range(100, 110)), 1.1)) == []


@pytest.mark.parametrize(("octet", "kind"), [(509, "checksum"), (507, "malformed")], ids=["value", "sync"])
def test_damaged_frames_are_counted_and_told_at_most_every_10_s(octet: int, kind: str) -> None:
    driver, told = connected(), []
    for second in range(25):
        data = bytearray(wire(driver, range(second * 100, second * 100 + 100)))
        data[octet] ^= 0x50
        told += notices(feed(driver, bytes(data), second + 1.0))
    damaged = [notice for notice in told if notice.kind == kind]
    assert [notice.payload[kind] for notice in damaged] == [1, 10, 10]
    assert not any(notice.fatal for notice in damaged)
    assert "/dev/ttyUSB0" in damaged[0].message


def test_without_a_counter_damage_is_a_gap_nobody_can_count(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text(BARE)
    driver = connected(path)
    data = wire(driver, range(10)) + b"17*00\n" + wire(driver, range(10, 20))
    (gap,) = gaps(feed(driver, data, 1.0))
    assert (gap.cause, gap.n_missing, gap.first_missing_no) == ("checksum", None, 10)
    driver.on_connected(2 * S)
    (gap,) = gaps(feed(driver, wire(driver, range(5)), 3.0))
    assert (gap.cause, gap.n_missing) == ("link-lost", None)


def test_a_whole_round_of_the_counter_lost_in_silence_is_seen_by_the_device_s_clock() -> None:
    driver = connected("lab-adc-1k")
    feed(driver, wire(driver, range(1000)), 1.0)
    (gap,) = gaps(feed(driver, wire(driver, range(1000 + 65536, 1100 + 65536)), 66.6))
    assert gap.n_missing == 65536


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ([330 if (n // 50) % 2 else 1310 for n in range(400)], "square-wave"),
        ([800] * 400, "flat-line"),
        ([4095] * 100 + [1000 + 40 * (n % 20) for n in range(300)], "saturation"),
        ([-1] * 100 + [1000 + 40 * (n % 20) for n in range(300)], "invalid-value"),
    ],
)
def test_what_is_no_pressure_is_told_with_begin_and_end(counts: list[int], kind: str) -> None:
    driver = connected()
    told = notices(feed(driver, wire(driver, range(400)), 4.0))
    told += notices(feed(driver, wire(driver, range(400, 800), counts), 8.0))
    told += notices(feed(driver, wire(driver, range(800, 1400)), 14.0))
    began = next(notice for notice in told if notice.kind == kind)
    ended = next(notice for notice in told if notice.payload.get("ended") == kind)
    assert began.stream_id == "adc.wave"
    assert began.payload["channel"] == "adc0"
    assert 390 <= began.payload["first_sample_no"] <= 460
    assert ended.kind == "quality-ok"
    assert ended.payload["first_sample_no"] == began.payload["first_sample_no"]
    assert ended.payload["first_sample_no"] < ended.payload["last_sample_no"] < 810


def test_the_wrong_baud_rate_is_named() -> None:
    driver = connected("lab-adc-ascii")
    noise = np.random.default_rng(0).integers(128, 256, NONSENSE_BYTES, dtype=np.uint8).tobytes()
    (notice,) = notices(feed(driver, noise, 1.0))
    assert notice.fatal
    assert notice.kind == "nonsense"
    assert "baud rate" in notice.message
    assert "lab-adc-ascii" in notice.message


def test_nonsense_is_quoted_short_and_printable() -> None:
    noise = b"\x00\xff'GET\x7f" + b"y" * NONSENSE_BYTES
    (notice,) = notices(feed(connected(), noise, 1.0))
    assert f'(they begin "··\'GET·{"y" * 17}")' in notice.message


def test_a_quiet_link_says_what_to_check() -> None:
    for word in ("cable", "power", "baud rate (", "profile (lab-adc-ascii)"):
        assert word in adc(profile="lab-adc-ascii").quiet_advice


def test_after_nonsense_a_new_connection_is_judged_afresh() -> None:
    driver = connected()
    assert notices(feed(driver, b"x" * NONSENSE_BYTES, 1.0))[0].fatal
    driver.on_connected(2 * S)
    assert [n.kind for n in notices(feed(driver, wire(driver, range(10)), 2.1))] == ["ready"]


def test_the_pieces_of_a_profile_reach_the_device_info() -> None:
    assert profiles.load("lab-adc-binary") == adc().profile
    assert adc().info.transport == "serial:/dev/ttyUSB0"
    assert "lab-adc-binary" in adc().info.product
    assert adc().stop() == b""
