"""The E4 driver: stamps to numbers, and what an operator is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.e4 import E4Driver
from recorder.errors import ConfigError
from recorder.schema import Gap, SampleBlock
from recorder.schema.decimals import decimals_to_float, decode_decimal
from recorder.transports import Chunk

S = 1_000_000_000
T0_US = 1_700_000_000_000_000


def e4(**options: object) -> E4Driver:
    return E4Driver(DeviceConfig("e4-tcp", "e4", options), Clock())


def connected(**options: object) -> E4Driver:
    """A driver in the middle of a recording."""
    driver = e4(**options)
    driver.on_connected(0)
    lines = ["R device_list 1 | 9ff167 Empatica_E4", "R device_connect OK", "R pause ON"]
    lines += [f"R device_subscribe {name} OK" for name in ("bvp", "acc", "gsr", "tmp", "ibi", "bat", "tag")]
    for line in (*lines, "R pause OFF"):
        driver.feed(Chunk(line.encode() + b"\r\n", 0))
    assert driver.state == "streaming"
    return driver


def stamp(us: int) -> str:
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


def bvp(numbers: Sequence[int], shift_us: int = 0) -> bytes:
    lines = [f"E4_Bvp {stamp(T0_US + shift_us + round(n * 1e6 / 64))} {n}.5\r\n" for n in numbers]
    return "".join(lines).encode()


def feed(driver: E4Driver, data: bytes, t_s: float) -> list[DriverEvent]:
    return list(driver.feed(Chunk(data, round(t_s * S))))


def of(events: Sequence[DriverEvent], kind: type) -> list[DriverEvent]:
    return [event for event in events if isinstance(event, kind)]


def test_the_band_that_answers_becomes_the_serial() -> None:
    assert e4().info.serial is None
    assert connected().info.serial == "9ff167"
    assert connected().info.transport == "tcp://127.0.0.1:28000"


def test_stamps_and_decimals_are_kept_as_they_were_sent() -> None:
    (block,) = feed(connected(), b"E4_Bvp 1700000000,015625 -0,250\r\nE4_Bvp 1700000000.03125 31.128\r\n", 1)
    assert isinstance(block, SampleBlock)
    assert block.device_time_us is not None
    assert block.device_time_us.tolist() == [1_700_000_000_015_625, 1_700_000_000_031_250]
    assert [decode_decimal(*row) for row in block.values.tolist()] == ["-0.250", "31.128"]
    assert decimals_to_float(block.values)[:, 0].tolist() == [-0.25, 31.128]


def test_acceleration_is_raw_64ths_of_g() -> None:
    driver = connected()
    (block,) = feed(driver, b"E4_Acc 123345627891.123 51 -2 -10\r\n", 1)
    assert isinstance(block, SampleBlock)
    info = next(info for info in driver.streams if info.stream_id == "e4.acc")
    g = block.values * np.array([channel.scale for channel in info.channels])
    assert g.tolist() == [[0.796875, -0.03125, -0.15625]]


def test_one_block_a_stream_and_chunk() -> None:
    mixed = (
        bvp(range(11))
        + b"E4_Ibi 1700000000.5 0.822\r\nE4_Hr 1700000000.5 72.99\r\nE4_Battery 1700000000.5 0.2\r\n"
    )
    blocks = of(feed(connected(), mixed, 1), SampleBlock)
    assert [(b.stream_id, b.n_samples, b.first_sample_no) for b in blocks] == [  # type: ignore[union-attr]
        ("e4.bvp", 11, 0),
        ("e4.ibi", 1, 0),
        ("e4.hr", 1, 0),
        ("e4.battery", 1, 0),
    ]
    assert blocks[1].values.tolist() == [[0.822]]  # type: ignore[union-attr]


def test_a_jump_of_the_stamps_is_a_loss_of_so_many() -> None:
    driver = connected()
    feed(driver, bvp(range(64)), 1)
    gap, block = feed(driver, bvp(range(75, 86)), 1.35)
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.first_missing_no, gap.n_missing) == ("stamp-jump", 64, 11)
    assert (gap.t0_host_ns, gap.t1_host_ns) == (S, round(1.35 * S))
    assert isinstance(block, SampleBlock)
    assert block.first_sample_no == 75


def test_stamps_rounded_to_milliseconds_are_no_loss() -> None:
    driver = connected()
    lines = "".join(f"E4_Bvp {1700000000 + round(n / 64, 3):.3f} 1.0\r\n" for n in range(6400))
    assert of(feed(driver, lines.encode(), 1), Gap) == []


def test_a_server_whose_clock_was_set_forward_has_lost_nothing_we_can_count() -> None:
    driver = connected()
    feed(driver, bvp(range(64)), 1)
    notice, gap, block = feed(driver, bvp(range(64, 75), shift_us=3600 * 1_000_000), 1.2)
    assert isinstance(notice, Notice)
    assert notice.kind == "stamp-step"
    assert isinstance(gap, Gap)
    assert gap.n_missing is None
    assert isinstance(block, SampleBlock)
    assert block.first_sample_no == 64
    assert of(feed(driver, bvp(range(75, 86), shift_us=3600 * 1_000_000), 1.4), Gap) == []


def test_a_backlog_read_at_once_still_tells_what_overran() -> None:
    """Nobody read for 40 s; the server dropped 30 s: what was buffered and what is fresh come together."""
    driver = connected()
    feed(driver, bvp(range(64)), 1)
    (gap,) = of(feed(driver, bvp([*range(64, 640), *range(640 + 1920, 2600)]), 41), Gap)
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.first_missing_no, gap.n_missing) == ("stamp-jump", 640, 1920)


def test_stamps_that_go_back_are_told_and_cost_no_number() -> None:
    driver = connected()
    feed(driver, bvp(range(64)), 1)
    notice, block = feed(driver, bvp(range(64, 75), shift_us=-3600 * 1_000_000), 1.2)
    assert isinstance(notice, Notice)
    assert notice.kind == "stamps-back"
    assert isinstance(block, SampleBlock)
    assert block.first_sample_no == 64


def test_a_new_connection_has_a_new_anchor_and_an_uncounted_gap() -> None:
    driver = connected()
    feed(driver, bvp(range(64)), 1)
    driver.on_connected(5 * S)
    gap, block = feed(driver, bvp(range(11), shift_us=7_000_000), 8)
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.n_missing, gap.t0_host_ns, gap.t1_host_ns) == ("link-lost", None, S, 8 * S)
    assert isinstance(block, SampleBlock)
    assert block.first_sample_no == 64


def test_a_tag_is_a_notice_with_its_stamp() -> None:
    """pyEmpatica crashes on a tag without a value."""
    (notice,) = feed(connected(), b"E4_Tag 123345627891.123\r\n", 3)
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.t_host_ns) == ("tag", 3 * S)
    assert notice.payload == {"stamp_us": 123345627891_123000}


def test_conductance_of_exactly_zero_for_10_s_suggests_a_band_not_worn() -> None:
    driver = connected()
    told = []
    for n in range(60):
        told += of(feed(driver, f"E4_Gsr {stamp(T0_US + n * 250_000)} 0.000\r\n".encode(), n / 4), Notice)
    assert [notice.kind for notice in told] == ["not-worn"]  # type: ignore[union-attr]
    assert told[0].t_host_ns == 10 * S  # type: ignore[union-attr]
    (ok,) = of(feed(driver, f"E4_Gsr {stamp(T0_US + 60 * 250_000)} 0.3\r\n".encode(), 15), Notice)
    assert ok.kind == "quality-ok"  # type: ignore[union-attr]


def test_the_battery_is_told_at_each_step_with_advice_when_low() -> None:
    driver, told = connected(), []
    for n, level in enumerate(("0.20", "0.19", "0.15", "0.14", "5")):
        told += of(feed(driver, f"E4_Battery {1700000000 + n}.0 {level}\r\n".encode(), n), Notice)
    assert [notice.payload["fraction"] for notice in told] == [0.2, 0.15, 0.05]  # type: ignore[union-attr]
    assert "charge" not in told[0].message  # type: ignore[union-attr]
    assert "charge" in told[1].message  # type: ignore[union-attr]


def test_malformed_lines_are_told_at_most_every_10_s_with_their_number() -> None:
    driver = connected()
    feed(driver, b"E4_Bvp abc\r\n\r\n\xff\xfe\r\n", 1)
    (notice,) = of(driver.tick(2 * S), Notice)
    assert (notice.kind, notice.payload["n"], notice.fatal) == ("malformed", 3, False)  # type: ignore[union-attr]
    feed(driver, b"E4_Bvp abc\r\n", 3)
    assert of(driver.tick(4 * S), Notice) == []
    driver.feed(Chunk(bvp([0]), 12 * S))
    assert len(of(driver.tick(12 * S), Notice)) == 1


@pytest.mark.parametrize(
    ("host", "told"), [("192.0.2.7", True), ("localhost", False), ("127.0.0.1", False), ("::1", False)]
)
def test_a_link_that_leaves_the_computer_is_flagged(host: str, told: bool) -> None:
    notices = of(e4(host=host, unencrypted_ok=told).on_connected(0), Notice)
    assert [n.kind for n in notices] == (["unencrypted"] if told else [])  # type: ignore[union-attr]


def test_a_link_that_leaves_the_computer_needs_a_confirmed_setting() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.7 is not encrypted; confirm"):
        e4(host="192.0.2.7")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"hots": "x"}, "hots"),
        ({"port": "28000"}, "port"),
        ({"port": True}, "port"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "70000"),
        ({"host": ""}, "address"),
        ({"silence_s": -1}, "silence_s"),
        ({"origin": "made-up"}, "origin"),
        ({"connects_bands": 1}, "connects_bands"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        e4(**options)


def test_an_unknown_option_lists_each_allowed_one_once() -> None:
    with pytest.raises(ConfigError) as caught:
        e4(hots="x")
    assert str(caught.value).count("silence_s") == 1


def test_nonsense_is_quoted_short_and_printable() -> None:
    driver = e4()
    driver.on_connected(0)
    said = driver.feed(Chunk(b"\x00\xff\x1b'SSH-2.0\xc3\xa4-" + b"x" * 600 + b"\nb\nc\n", 1))
    (notice,) = [e for e in said if isinstance(e, Notice) and e.kind == "nonsense"]
    assert '(it said "···\'SSH-2.0ä-xxxxxxxxxxx")' in notice.message


def test_a_quiet_link_has_advice() -> None:
    assert (
        "E4 streaming server 127.0.0.1:28000 sends no sample: check that the wristband" in e4().quiet_advice
    )


def test_a_simulated_band_never_counts_as_recorded() -> None:
    config = DeviceConfig("e4-tcp", "e4", {"origin": "recorded"}, simulated=True)
    with pytest.raises(ConfigError, match="simulated"):
        E4Driver(config, Clock())
    replayed = E4Driver(DeviceConfig("e4-tcp", "e4", {"origin": "replayed"}, simulated=True), Clock())
    assert {info.origin for info in replayed.streams} == {"replayed"}


def test_goodbye_unbinds_from_the_band() -> None:
    assert e4().stop() == b"device_disconnect\r\n"
