"""Session.timebase: one drift for all streams of a device, from stored clock points, sealed or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_session import ERA, decimals, header

from recorder import session as sessions
from recorder.schema import Channel, Gap, SampleBlock, StreamInfo
from recorder.session import gap_event
from recorder.session.sealer import seal

ALL = 1 << 40
PPM = 80.0
BLOCK = {"e4.bvp": 11, "e4.eda": 6, "e4.temp": 8}


def stream(stream_id: str, rate_hz: float) -> StreamInfo:
    channel = Channel(stream_id.split(".")[1], "1")
    return StreamInfo(
        stream_id, stream_id.split(".", maxsplit=1)[0], "waveform", (channel,), "decimal", rate_hz
    )


STREAMS = (stream("e4.bvp", 64.0), stream("e4.eda", 4.0), stream("e4.temp", 4.0))


@dataclass
class Sent:
    """A block: its stream, first number, samples, arrival; when its first sample was taken, s since the era began."""

    info: StreamInfo
    first: int
    n: int
    arrival_s: float
    taken_s: float


def wristband(seconds: float, seed: int, lost_share: float = 0.0) -> list[Sent]:
    """Blocks in order of arrival, 5 to 60 ms late; a lost one shifts the numbering of its stream."""
    sent = []
    for k, info in enumerate(STREAMS):
        rng, n = np.random.default_rng([seed, k]), BLOCK[info.stream_id]
        period_s = 1.0 / (float(info.nominal_rate_hz or 1.0) * (1 + PPM * 1e-6))
        taken_s = np.arange(0.0, seconds, n * period_s)
        arrival_s = np.maximum.accumulate(
            taken_s + (n - 1) * period_s + rng.uniform(0.005, 0.06, taken_s.size)
        )
        there = np.flatnonzero(rng.random(taken_s.size) >= lost_share)
        sent += [
            Sent(info, n * number, n, float(arrival_s[j]), float(taken_s[j]))
            for number, j in enumerate(there)
        ]
    return sorted(sent, key=lambda block: block.arrival_s)


def store(folder: Path, blocks: list[Sent], sealed_share: float) -> sessions.Session:
    writer = sessions.create(folder, header(), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    for done, block in enumerate(blocks):
        if done == round(sealed_share * len(blocks)):
            writer.commit()
            seal(writer.folder, upto_commit=ALL)
        write(writer, block)
        if done % 50 == 49:
            writer.commit()
    writer.commit()
    if sealed_share >= 1.0:
        seal(writer.folder, upto_commit=ALL)
    writer.abandon()
    return sessions.open(folder)


def write(writer: sessions.SessionWriter, block: Sent) -> None:
    values = decimals(np.arange(block.first, block.first + block.n))
    arrival_ns = ERA.monotonic_ns + round(block.arrival_s * 1e9)
    writer.write_block(SampleBlock(block.info.stream_id, block.first, values, arrival_ns))


def errors_ms(session: sessions.Session, blocks: list[Sent]) -> Iterator[tuple[str, np.ndarray]]:
    """Stream, and time − truth of the first sample of each block less the fastest delivery."""
    for info in STREAMS:
        own = [block for block in blocks if block.info is info]
        time_s = session.read(info.stream_id).time_s[:: BLOCK[info.stream_id]]
        yield info.stream_id, (time_s - [block.taken_s for block in own]) * 1e3 - 5.0


@pytest.mark.parametrize("sealed_share", [1.0, 0.6, 0.0])
def test_every_stream_is_within_5_ppm_after_10_minutes(tmp_path: Path, sealed_share: float) -> None:
    blocks = wristband(600, seed=8)
    with store(tmp_path / "s", blocks, sealed_share) as session:
        bases = [session.timebase(info.stream_id, 0) for info in STREAMS]
        assert len({base.drift_ppm for base in bases}) == 1
        assert all(abs(base.drift_ppm - PPM) < 1.0 for base in bases)
        assert all(base.drift_error_ppm < 5.0 for base in bases)
        for name, error in errors_ms(session, blocks):
            assert np.abs(error).max() < 5.0, name


def test_a_short_session_tells_its_drift_and_how_well_it_is_known(tmp_path: Path) -> None:
    with store(tmp_path / "s", wristband(93, seed=3), 1.0) as session:
        for info in STREAMS:
            base = session.timebase(info.stream_id, 0)
            assert abs(base.drift_ppm - PPM) < min(base.drift_error_ppm, 40.0)


def test_a_very_short_one_says_that_it_does_not_know(tmp_path: Path) -> None:
    with store(tmp_path / "s", wristband(10, seed=3), 1.0) as session:
        base = session.timebase("e4.bvp", 0)
        assert base.drift_ppm == 0.0
        assert base.drift_error_ppm > PPM


@pytest.mark.parametrize("sealed_share", [1.0, 0.5])
@pytest.mark.parametrize("lost_share", [0.002, 0.01])
def test_losses_nobody_counted_are_steps_in_sealed_files_too(
    tmp_path: Path, sealed_share: float, lost_share: float
) -> None:
    """Footers hold one point in 5 s, too few to tell many steps apart."""
    blocks = wristband(600, seed=5, lost_share=lost_share)
    with store(tmp_path / "s", blocks, sealed_share) as session:
        for name, error in errors_ms(session, blocks):
            base = session.timebase(name, 0)
            assert abs(base.drift_ppm - PPM) < 15.0, name
            assert np.percentile(np.abs(error), 90) < 12.0, name


@pytest.mark.parametrize("sealed_share", [1.0, 0.0])
def test_a_run_begins_with_its_first_sample_not_with_its_first_good_point(
    tmp_path: Path, sealed_share: float
) -> None:
    """After a lost link the first seconds come late, in one go."""
    info = STREAMS[0]
    before = [b for b in wristband(40, seed=1) if b.info is info]
    after = [
        Sent(info, b.first + before[-1].first + 11, 11, max(b.arrival_s, 4.5) + 100, b.taken_s + 100)
        for b in wristband(40, seed=2)
        if b.info is info
    ]
    writer = sessions.create(tmp_path / "s", header(), ERA)
    writer.add_stream(info)
    for block in before:
        write(writer, block)
    start_ns = ERA.monotonic_ns
    gap = Gap(
        info.stream_id,
        after[0].first,
        None,
        start_ns + 40 * 10**9,
        start_ns + 100 * 10**9,
        "link-lost",
        0,
        "",
    )
    writer.write_event(gap_event(gap, "g1", ERA.wall_ns))
    for block in after:
        write(writer, block)
    writer.commit()
    if sealed_share:
        seal(writer.folder, upto_commit=ALL)
    writer.abandon()
    with sessions.open(tmp_path / "s") as session:
        time_s = session.read(info.stream_id).time_s[::11]
        truth_s = np.array([b.taken_s for b in (*before, *after)])
        assert np.abs(time_s - truth_s).max() < 0.05
