"""What must be on disk is counted from the emulators' counters at Start, and the drift comes with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hemoview.demo_result import Counters, drift, expected
from recorder import session as sessions
from recorder.clock import ClockEra
from recorder.schema import Channel, SampleBlock, StreamInfo

ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)
PPM = 60.0
RATE_HZ, BLOCK_SAMPLES, FIRST = 100.0, 10, 500
SECONDS = 300


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sessions.Session]:
    """A wave whose first row is number 500, a battery level without a row, and a wave of which nothing came."""
    folder = tmp_path_factory.mktemp("session") / "s"
    writer = sessions.create(folder, sessions.SessionHeader("s", "bed-1", ERA.wall_ns, zone="UTC"), ERA)
    channel = (Channel("abp", "V", 0.001, 0.0),)
    writer.add_stream(StreamInfo("adc.wave", "adc", "waveform", channel, "int32", RATE_HZ))
    writer.add_stream(StreamInfo("adc.other", "adc", "waveform", channel, "int32", RATE_HZ))
    writer.add_stream(StreamInfo("e4.battery", "e4", "numeric", (Channel("level", "1"),), "float32"))
    delays_s = np.random.default_rng(1).uniform(0.001, 0.02, SECONDS * 10)
    for block, delay_s in enumerate(delays_s):
        arrival_s = (block + 1) * BLOCK_SAMPLES / (RATE_HZ * (1 + PPM * 1e-6)) + delay_s
        values = np.zeros((BLOCK_SAMPLES, 1), np.int32)
        at_ns = ERA.monotonic_ns + round(arrival_s * 1e9)
        writer.write_block(SampleBlock("adc.wave", FIRST + block * BLOCK_SAMPLES, values, at_ns))
    writer.commit()
    writer.abandon()
    with sessions.open(folder) as opened:
        yield opened


def counters(at_start: dict[str, int], at_end: dict[str, int]) -> Counters:
    streams = [
        {"streams": {n: {"sent": s - 1, "overrun": 1} for n, s in c.items()}} for c in (at_start, at_end)
    ]
    return Counters(streams[0], streams[1])


def test_rows_count_from_the_first_on_but_from_start_at_the_latest(session: sessions.Session) -> None:
    assert session.rows("adc.wave") == SECONDS * 100
    end = FIRST + SECONDS * 100
    before = counters({"adc.wave": FIRST + 40}, {"adc.wave": end})
    assert expected(session, before, "adc.wave") == SECONDS * 100
    late = counters({"adc.wave": FIRST - 30}, {"adc.wave": end})
    assert expected(session, late, "adc.wave") == SECONDS * 100 + 30, "30 of after Start are missing"


def test_a_stream_without_a_row_is_owed_what_was_sent_after_start_only(session: sessions.Session) -> None:
    assert expected(session, counters({"e4.battery": 3}, {"e4.battery": 3}), "e4.battery") == 0
    assert expected(session, counters({"e4.battery": 3}, {"e4.battery": 5}), "e4.battery") == 2
    assert expected(session, counters({}, {"e4.battery": 2}), "e4.battery") == 2


def test_the_drift_is_told_with_its_uncertainty(session: sessions.Session) -> None:
    told = drift(session, "adc.wave")
    assert told["drift_ppm"] is not None and told["drift_error_ppm"] is not None
    assert 0 < told["drift_error_ppm"] < 20
    assert abs(told["drift_ppm"] - PPM) < told["drift_error_ppm"]


@pytest.mark.parametrize("name", ["e4.battery", "adc.other", "no.such"])
def test_a_drift_that_is_not_known_is_none(session: sessions.Session, name: str) -> None:
    assert drift(session, name) == {"drift_ppm": None, "drift_error_ppm": None}
