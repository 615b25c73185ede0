"""Captures: played at the pace they came; and the link that misbehaves on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import Clock
from recorder.errors import ConfigError, LinkLost
from recorder.testing.transports import Faults, FaultTransport
from recorder.transports import Chunk, Transport
from recorder.transports.replay import CaptureTransport, ReplayTransport, load_capture, save_capture

CHUNKS = [Chunk(bytes([n]) * 3, 5_000_000_000 + n * 20_000_000) for n in range(10)]


def drain(transport: Transport, reads: int = 1000) -> list[bytes]:
    got = []
    with pytest.raises(LinkLost):
        for _ in range(reads):
            chunk = transport.read(0.01)
            if chunk is not None:
                got.append(chunk.data)
    return got


def test_a_replay_keeps_the_pace_and_then_ends() -> None:
    clock = Clock()
    replay = ReplayTransport(CHUNKS, clock)
    begin = clock.monotonic_ns()
    assert drain(replay) == [chunk.data for chunk in CHUNKS]
    assert clock.monotonic_ns() - begin >= 180_000_000


def test_a_scaled_clock_replays_faster() -> None:
    clock = Clock.scaled(20.0)
    begin = clock.monotonic_ns()
    assert len(drain(ReplayTransport(CHUNKS, clock))) == 10
    assert clock.monotonic_ns() - begin >= 180_000_000


def test_a_capture_is_written_and_read_back(tmp_path: Path) -> None:
    capture = CaptureTransport(ReplayTransport(CHUNKS, Clock(), paced=False))
    drain(capture)
    path = tmp_path / "capture.txt"
    save_capture(capture.chunks, path)
    assert load_capture(path) == capture.chunks


def test_a_file_that_is_no_capture_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "capture.txt"
    path.write_text("1 00ff\nnonsense\n")
    with pytest.raises(ConfigError, match="line 2"):
        load_capture(path)


def test_what_the_driver_says_is_kept() -> None:
    replay = ReplayTransport(CHUNKS, Clock())
    replay.write(b"pause ON\r\n")
    assert replay.written == [b"pause ON\r\n"]
    replay.close()
    with pytest.raises(LinkLost):
        replay.read(0.0)


def faulty(faults: Faults, seed: int = 1) -> FaultTransport:
    return FaultTransport(ReplayTransport(CHUNKS, Clock(), paced=False), faults, seed)


def test_no_faults_change_nothing() -> None:
    assert drain(faulty(Faults())) == [chunk.data for chunk in CHUNKS]


@given(st.integers(0, 1000))
def test_splits_and_stalls_lose_nothing_that_was_let_through(seed: int) -> None:
    link = faulty(Faults(split=0.7), seed)
    assert b"".join(drain(link)) == b"".join(chunk.data for chunk in CHUNKS)
    same, again = faulty(Faults(0.3, 0.5, 0.2, 0.1), seed), faulty(Faults(0.3, 0.5, 0.2, 0.1), seed)
    assert drain(same) == drain(again), "same seed, same faults"


def test_drops_are_counted_and_a_break_comes_when_asked() -> None:
    link = faulty(Faults(drop=0.5))
    assert len(drain(link)) + link.n_dropped == 10
    assert link.n_dropped > 0
    assert len(drain(faulty(Faults(break_after=4)))) == 4


def test_nonsense_is_added_not_exchanged() -> None:
    for data, chunk in zip(drain(faulty(Faults(nonsense=1.0))), CHUNKS, strict=True):
        assert data.endswith(chunk.data)
        assert len(data) > len(chunk.data)
