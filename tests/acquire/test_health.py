"""The watchdog of a stream: three silences kept apart, gaps by age with their cause, effective rate."""

from dataclasses import replace

import numpy as np
import pytest

from recorder.acquire.health import STARVED_S, StreamWatch, silence_limit_s
from recorder.schema import Channel, Gap, SampleBlock, StreamInfo

S = 1_000_000_000
BVP = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "int32", 64.0, "ppg")
TEMP = StreamInfo(
    "e4.temp", "e4", "waveform", (Channel("temp", "Cel"),), "int32", 4.0, "temp", metadata={"block_s": "2"}
)
IBI = StreamInfo("e4.ibi", "e4", "numeric", (Channel("ibi", "s"),), "float64", None, "ibi")
EST = StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"),), "float32", None, "estimate")


def block(first: int, n: int, t_s: float, info: StreamInfo = BVP) -> SampleBlock:
    return SampleBlock(info.stream_id, first, np.zeros((n, 1), np.int32), int(t_s * S))


def watch(info: StreamInfo = BVP) -> StreamWatch:
    return StreamWatch(info, silence_limit_s(info, 2.0))


def test_a_starved_stream_is_seen_within_two_seconds_with_status_twice_a_second() -> None:
    assert silence_limit_s(BVP, 5.0) == STARVED_S
    assert STARVED_S + 0.5 <= 2.0


def test_slow_streams_may_come_in_packets_and_rows_when_they_come() -> None:
    assert silence_limit_s(TEMP, 2.0) == 4.0  # 8 samples of 4 Hz in one packet
    assert silence_limit_s(IBI, 2.0) is None
    assert silence_limit_s(BVP, 2.0, speed=10.0) == pytest.approx(10 * STARVED_S)
    assert silence_limit_s(EST, None) == 5.0


def test_never_seen_is_not_silent_and_makes_no_gap() -> None:
    w = watch()
    assert w.judge(100 * S, 0) is None
    assert w.link_lost(100 * S, 0, "gone") is None
    assert w.status(100 * S, 0, None).state == "never-seen"


def test_silence_opens_a_gap_and_the_next_sample_closes_it() -> None:
    w = watch()
    assert w.block(block(0, 64, 1.0), 0) is None
    assert w.judge(int(2.3 * S), 0) is None
    opened = w.judge(3 * S, 0)
    assert opened == Gap("e4.bvp", 64, None, S, None, "silent", 0)
    status = w.status(4 * S, 64, None)
    assert (status.state, status.since_ns, status.n_gaps, status.longest_gap_s) == ("silent", 3 * S, 1, 3.0)
    assert "no sample for 1.4 s" in status.cause
    ended = w.block(block(64, 64, 11.0), 0)
    assert ended == Gap("e4.bvp", 64, None, S, 11 * S, "silent", 0)
    status = w.status(11 * S, 0, None)
    assert (status.state, status.n_gaps, status.longest_gap_s) == ("streaming", 1, 10.0)


def test_a_lost_link_explains_a_silence_that_lasts() -> None:
    w = watch()
    w.block(block(0, 64, 1.0), 0)
    w.judge(3 * S, 0)
    better = w.link_lost(4 * S, 0, "cable out")
    assert better == Gap("e4.bvp", 64, None, S, None, "link-lost", 0, "cable out")
    assert w.link_lost(5 * S, 0, "again") is None  # told once
    assert w.status(5 * S, 0, None).state == "lost"
    ended = w.block(block(64, 1, 9.0), 0)
    assert ended is not None and ended.cause == "link-lost" and ended.t1_host_ns == 9 * S


def test_a_row_a_minute_is_missing_since_the_link_was_lost_and_until_the_device_delivers() -> None:
    w = watch(IBI)
    w.block(block(0, 1, 1.2, IBI), 0)
    assert w.judge(40 * S, 0) is None
    opened = w.link_lost(int(40.5 * S), 0, "cable out", 40 * S)  # another stream's sample came at 40 s
    assert opened == Gap("e4.ibi", 1, None, 40 * S, None, "link-lost", 0, "cable out")
    ended = w.device_delivers(int(41.2 * S), 0)
    assert ended == Gap("e4.ibi", 1, None, 40 * S, int(41.2 * S), "link-lost", 0, "cable out")
    assert w.status(42 * S, 0, None).state == "streaming"
    assert w.block(block(1, 1, 61.2, IBI), 0) is None
    assert watch(IBI).link_lost(5 * S, 0, "never had a row") is None


def test_a_regular_stream_is_missing_since_its_last_sample_whatever_else_the_device_sent() -> None:
    w = watch()
    w.block(block(0, 64, 1.0), 0)
    opened = w.link_lost(4 * S, 0, "cable out", 3 * S)
    assert opened is not None and opened.t0_host_ns == S
    assert w.device_delivers(5 * S, 0) is None and w.open_gap is not None


def test_what_the_driver_counted_inside_a_gap_is_added_to_it() -> None:
    w = watch()
    w.block(block(0, 100, 1.0), 0)
    w.link_lost(2 * S, 0, "cable out")
    assert w.driver_gap(Gap("e4.bvp", 100, 30, S, 3 * S, "counter-jump")) is None
    ended = w.block(block(130, 1, 3.0), 0)
    assert ended is not None
    assert (ended.first_missing_no, ended.n_missing, ended.cause) == (100, 30, "link-lost")
    assert ended.detail == "counter-jump"
    assert w.status(3 * S, 0, None).lost == 30


def test_a_gap_the_driver_counted_alone_stands() -> None:
    w = watch()
    w.block(block(0, 100, 1.0), 0)
    gap = Gap("e4.bvp", 100, 30, S, int(1.3 * S), "counter-jump")
    assert w.driver_gap(gap) == gap
    assert w.block(block(130, 1, 1.3), 0) is None
    status = w.status(2 * S, 0, None)
    assert (status.lost, status.n_gaps, status.longest_gap_s) == (30, 1, pytest.approx(0.3))


def test_a_session_counts_from_its_start_and_its_gaps_do_not_reach_before_it() -> None:
    w = watch()
    w.block(block(0, 100, 1.0), 0)
    assert w.begin_session(2 * S, 0, 0) is None
    opened = w.judge(3 * S, 0)
    assert opened is not None and opened.t0_host_ns == 2 * S
    w.block(block(100, 7, 4.0), 0)
    assert w.status(4 * S, 0, None).received == 7


def test_a_gap_that_lasts_when_the_session_begins_begins_with_it() -> None:
    w = watch()
    w.block(block(0, 100, 1.0), 0)
    w.link_lost(2 * S, 0, "cable out")
    assert w.begin_session(50 * S, 0, 0) == Gap(
        "e4.bvp", 100, None, 50 * S, None, "link-lost", 0, "cable out"
    )
    assert w.finish(60 * S, 0) == Gap("e4.bvp", 100, None, 50 * S, 60 * S, "link-lost", 0, "cable out")
    assert w.finish(61 * S, 0) is None


def test_the_effective_rate_is_measured_by_arrival_and_begins_anew_after_a_gap() -> None:
    w = watch()
    for k in range(20):
        w.block(block(k * 60, 60, float(k)), 0)  # 60 a second instead of 64
    assert w.effective_rate_hz() == pytest.approx(60.0)
    w.judge(40 * S, 0)
    assert w.effective_rate_hz() is None


def test_rows_of_the_edge_that_never_came_are_a_counted_gap() -> None:
    derived = replace(EST, origin="derived")
    w = watch(derived)
    w.block(block(0, 3, 1.0, derived), 0)
    assert w.block(block(4, 1, 3.0, derived), 0) == Gap(
        "edge.est", 3, 1, S, 3 * S, "not-delivered", 0, "computed rows that did not arrive"
    )
    w.interrupt(4 * S, 0, "recorder-restart", "")
    assert w.block(block(9, 1, 6.0, derived), 1) == Gap("edge.est", 5, 4, 4 * S, 6 * S, "recorder-restart", 1)


def test_the_rate_counts_anew_with_every_session() -> None:
    w = watch()
    for second in range(20):
        w.block(block(second * 64, 64, second), 0)
    w.begin_session(20 * S, 0, 0)
    for second in range(20, 26):
        w.block(block(second * 64, 64, second), 0)
    assert w.effective_rate_hz() == pytest.approx(64, abs=0.5)


def test_beats_lost_while_a_killed_recorder_was_away_are_a_gap_though_the_device_delivers_before_the_next_one() -> (
    None
):
    """The edge process outlives the recorder and counts on; its stream belongs to a device that is heard at once."""
    beats = replace(IBI, stream_id="edge.beats", origin="derived", role="beats")
    w = watch(
        beats
    )  # of the recorder that goes on: it knows what is on the disk, and has heard nothing itself
    w.next_no = 40
    w.begin_session(50 * S, 1, 40)
    opened = w.interrupt(47 * S, 1, "recorder-restart", "")
    assert opened == Gap("edge.beats", 40, None, 47 * S, None, "recorder-restart", 1)
    assert w.device_delivers(51 * S, 1) == replace(opened, t1_host_ns=51 * S)
    told = w.block(block(43, 1, 52.0, beats), 1)
    assert told == replace(opened, n_missing=3, t1_host_ns=52 * S)  # same begin: stored in place of the other
    status = w.status(52 * S, 0, None)
    assert (status.lost, status.n_gaps) == (3, 1)
    assert w.block(block(44, 1, 53.0, beats), 1) is None


def test_computed_rows_that_are_missing_before_any_time_is_known_are_told_at_once() -> None:
    derived = replace(EST, origin="derived")
    w = watch(derived)
    w.next_no = 5  # rows on the disk whose clock points were not
    told = w.block(block(7, 1, 9.0, derived), 0)
    assert told is not None and (told.first_missing_no, told.n_missing, told.t0_host_ns) == (5, 2, 9 * S)
