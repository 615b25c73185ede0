"""The pulse oximeter: what a count of 25 can tell, and what only the pace can; states and vitals."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig, Notice
from recorder.devices.nonin import NoninDriver
from recorder.devices.nonin_count import FrameOrder, Hole, Pace
from recorder.errors import ConfigError
from recorder.protocols import nonin
from recorder.protocols.nonin import Frame, Vitals
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk

S = 1_000_000_000
SAID = nonin.float_bytes(Vitals(72, 73, 74, 75, 97, 96, 95, 94, 93, 92, 48, smart_point=True))


def frame(n: int, status: int = 0) -> Frame:
    return Frame(0x80 | status | (n % 25 == 0), n % 256, SAID[n % 25])


def octets(n: int, status: int = 0) -> bytes:
    return nonin.encode(frame(n, status), "df2")


def driver(**options: object) -> NoninDriver:
    made = NoninDriver(DeviceConfig("nonin-serial", "ox", {"port": "/dev/ttyX", **options}), Clock())
    made.on_connected(0)
    return made


def play(made: NoninDriver, pieces: dict[float, bytes]) -> list[object]:
    events: list[object] = []
    for at_s, data in pieces.items():
        t = round(at_s * S)
        events += [*made.feed(Chunk(data, t)), *made.tick(t)]
    return events


def at_pace(numbers: list[int], status: int = 0) -> dict[float, bytes]:
    return {n / nonin.RATE_HZ: octets(n, status) for n in numbers}


def numbers_of(events: list[object], stream_id: str = "ox.pleth") -> dict[int, int]:
    """Sample number -> pleth."""
    found: dict[int, int] = {}
    for event in events:
        if isinstance(event, SampleBlock) and event.stream_id == stream_id:
            for k, row in enumerate(event.values):
                found[event.first_sample_no + k] = int(row[0])
    return found


def gaps(events: list[object]) -> list[Gap]:
    return [e for e in events if isinstance(e, Gap) and e.stream_id == "ox.pleth"]


def notices(events: list[object]) -> list[str]:
    return [e.kind for e in events if isinstance(e, Notice)]


# ---- order within packets


def test_two_frames_missing_at_the_end_of_a_packet_show_at_the_next_first() -> None:
    order = FrameOrder()
    out = [o for n in [*range(23), *range(25, 50)] for o in order.take(frame(n), n)]
    holes = [o for o in out if isinstance(o, Hole)]
    assert [h.missing for h in holes] == [2]
    assert out.index(holes[0]) == 23
    assert order.packet == tuple(frame(n) for n in range(25, 50))


@given(st.integers(1, 24), st.integers(0, 60), st.booleans())
def test_fewer_than_a_packet_missing_are_counted_exactly(n_missing: int, at: int, seen: bool) -> None:
    """Wherever the hole is, with damage seen there or not; where it is seen its place is exact as well."""
    order, out = FrameOrder(), []
    for n in range(150):
        if at <= n - 25 < at + n_missing:
            if seen:
                order.hurt()
            continue
        out += order.take(frame(n), n)
    out += order.overdue(10**12, 0)
    counted = sum(o.missing or 0 for o in out if isinstance(o, Hole))
    assert counted == n_missing
    assert [o[0] for o in out if not isinstance(o, Hole)] == [
        frame(n) for n in range(150) if not at <= n - 25 < at + n_missing
    ]
    if seen:
        hole = next(i for i, o in enumerate(out) if isinstance(o, Hole))
        assert hole == at + 25


def test_where_no_first_frame_comes_the_size_is_unknown_and_nothing_is_kept_back_for_ever() -> None:
    order = FrameOrder()
    for n in range(30):
        order.take(frame(n), n)
    order.hurt()
    held = [order.take(Frame(0x80, n % 256, 0), n) for n in range(60)]
    released = next(out for out in held if out)
    assert isinstance(released[0], Hole)
    assert released[0].missing is None


# ---- whole packets


def test_whole_packets_that_never_came_show_as_a_lag_that_lasts() -> None:
    events = play(driver(), at_pace([n for n in range(75 * 12) if not 300 <= n < 375]))
    (gap,) = gaps(events)
    assert (gap.n_missing, gap.cause) == (75, "arrival-jump")
    assert max(numbers_of(events)) == 75 * 12 - 1


def test_a_backlog_that_is_read_late_is_no_loss() -> None:
    late: dict[float, bytes] = {}
    for n in range(75 * 20):
        at_s = n / nonin.RATE_HZ
        due = 8.0 if 4.0 <= at_s < 8.0 else at_s
        late[due] = late.get(due, b"") + octets(n)
    events = play(driver(), late)
    assert gaps(events) == []
    assert len(numbers_of(events)) == 75 * 20


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_clock_that_is_off_is_no_loss(ppm: int) -> None:
    pace, found = Pace(), 0
    rng = random.Random(ppm)
    for packet in range(3 * 3600):
        at_s = packet / 3 * (1 + ppm * 1e-6) + rng.uniform(0, 0.05)
        found += pace.missing_packets(round(at_s * S))
        pace.numbers(25)
    assert found == 0


# ---- what is stored and told


def test_vitals_come_once_a_packet_and_raw_holds_every_byte() -> None:
    events = play(driver(), at_pace(list(range(100))))
    spo2 = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == "ox.spo2"]
    pr = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == "ox.pr"]
    assert [v.tolist() for v in spo2] == [[[97, 96, 95, 94, 93, 92]]] * 4
    assert [v.tolist() for v in pr] == [[[72, 73, 74, 75]]] * 4
    rows = np.concatenate(
        [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == "ox.raw"]
    )
    again = b"".join(
        nonin.encode(Frame(status, msb << 8 | lsb, last), "df2") for status, msb, lsb, last in rows.tolist()
    )
    assert again == b"".join(octets(n) for n in range(100))


def test_no_value_is_not_a_number() -> None:
    none = nonin.float_bytes(Vitals())
    data = b"".join(nonin.encode(Frame(0x80 | (n % 25 == 0), 0, none[n % 25]), "df2") for n in range(50))
    events = play(driver(), {1.0: data})
    rows = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id in ("ox.spo2", "ox.pr")]
    assert rows
    assert all(np.isnan(values).all() for values in rows)


def test_a_sensor_off_is_told_once_and_its_return_too_but_not_a_single_frame() -> None:
    off = nonin.DISCONNECTED
    blink = at_pace(list(range(50))) | at_pace([50, 51], off) | at_pace(list(range(52, 100)))
    gone = at_pace(list(range(100, 200)), off) | at_pace(list(range(200, 260)))
    events = play(driver(), blink | gone)
    assert notices(events) == ["ready", "sensor-off", "quality-ok"]
    assert gaps(events) == []


def test_the_other_format_is_refused_with_the_option_to_change() -> None:
    data = b"".join(nonin.encode(Frame(0x80 | (n % 25 == 0), 40_000 + n, 0), "df7") for n in range(600))
    (notice,) = [e for e in play(driver(), {1.0: data}) if isinstance(e, Notice)]
    assert notice.fatal
    assert "format = df7" in notice.message
    assert not [e for e in play(driver(format="df7"), {1.0: data}) if isinstance(e, Notice) and e.fatal]


@pytest.mark.parametrize(
    ("options", "named"), [({"port": ""}, "choose a serial port"), ({"format": "df8"}, "df2 or df7")]
)
def test_wrong_options_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        driver(**options)
