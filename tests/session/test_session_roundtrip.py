"""Whatever blocks are written, exactly those rows and stamps are read: from the journal, and from segments."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_session import ERA, header

from recorder import session as sessions
from recorder.schema import Channel, SampleBlock, StreamInfo
from recorder.session import NO_TIME
from recorder.session.points import RESOLUTION_NS
from recorder.session.rows import COLUMN_DTYPES, Rows, pack_rows, same_rows, unpack_rows
from recorder.session.sealer import seal
from recorder.session.segments import decode_samples, encode_samples

DTYPES = ["int16", "int32", "int64", "float32", "float64", "decimal"]


def values_of(dtype: str, n: int, channels: int) -> st.SearchStrategy[Any]:
    if dtype == "decimal":
        mantissa = hnp.arrays(np.int64, (n, channels), elements=st.integers(-(10**18) + 1, 10**18 - 1))
        places = hnp.arrays(np.int64, (n, channels), elements=st.integers(0, 18))
        negative_zero = st.booleans()
        return st.tuples(mantissa, places, negative_zero).map(lambda t: interleave(*t))
    return hnp.arrays(COLUMN_DTYPES[dtype], (n, channels))


def interleave(mantissa: np.ndarray, places: np.ndarray, negative_zero: bool) -> np.ndarray:
    table = np.stack([mantissa, places], axis=2).reshape(len(mantissa), -1)
    if negative_zero:
        table[0, 0], table[0, 1] = 0, -1 - table[0, 1]
    return table


@st.composite
def recordings(draw: st.DrawFn) -> tuple[StreamInfo, list[SampleBlock], list[int]]:
    """A stream, its blocks (with holes), and after which blocks a commit comes."""
    dtype = draw(st.sampled_from(DTYPES))
    kind = draw(st.sampled_from(["waveform", "numeric"]))
    channels = draw(st.integers(1, 3))
    info = StreamInfo(
        "d.s",
        "d",
        kind,
        tuple(Channel(f"c{i}", "1", 0.5, 3.0) for i in range(channels)),
        dtype,
        draw(st.sampled_from([1.0, 4.0, 64.0])) if kind == "waveform" else None,
    )
    blocks, number, t_ns = [], draw(st.integers(0, 1000)), ERA.monotonic_ns
    for _ in range(draw(st.integers(1, 8))):
        n = draw(st.integers(1, 6))
        number += draw(st.sampled_from([0, 0, 0, 1, 500]))
        t_ns += draw(st.integers(1, 3 * 10**9))
        stamps = draw(st.none() | hnp.arrays(np.int64, n, elements=st.integers(-(2**62), 2**62)))
        rows = np.sort(t_ns - draw(hnp.arrays(np.int64, n, elements=st.integers(0, 10**9))))
        own = rows if kind == "numeric" and draw(st.booleans()) else None
        blocks.append(SampleBlock("d.s", number, draw(values_of(dtype, n, channels)), t_ns, 0, stamps, own))
        number += n
    commits = draw(st.lists(st.integers(0, len(blocks) - 1), max_size=3))
    return info, blocks, commits


def assert_read_back(folder: Path, blocks: list[SampleBlock]) -> None:
    with sessions.open(folder) as session:
        stream = session.read("d.s")
        points = session.clock_points("d.s")
        assert session.damaged == []
    expected_numbers = np.concatenate([np.arange(b.first_sample_no, b.next_sample_no) for b in blocks])
    np.testing.assert_array_equal(stream.sample_no, expected_numbers)
    assert stream.raw.tobytes() == np.concatenate([b.values for b in blocks]).tobytes()
    assert points.sample_no.tolist() == [b.first_sample_no for b in blocks]
    assert points.n_samples.tolist() == [b.n_samples for b in blocks]
    assert points.t_host_ns.tolist() == [b.t_host_ns // RESOLUTION_NS * RESOLUTION_NS for b in blocks]
    stamps = [np.full(b.n_samples, NO_TIME) if b.device_time_us is None else b.device_time_us for b in blocks]
    if all(b.device_time_us is None for b in blocks):
        assert stream.device_time_us is None
    else:
        np.testing.assert_array_equal(stream.device_time_us, np.concatenate(stamps))
    if stream.info.kind == "numeric":
        own = [
            np.full(b.n_samples, b.t_host_ns) if b.row_t_host_ns is None else b.row_t_host_ns for b in blocks
        ]
        elapsed = (np.concatenate(own) - ERA.monotonic_ns) / 1e9
        np.testing.assert_array_equal(stream.time_s, elapsed)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(recording=recordings(), seal_at=st.integers(0, 3))
def test_any_blocks_come_back_exactly(
    recording: tuple[StreamInfo, list[SampleBlock], list[int]], seal_at: int
) -> None:
    info, blocks, commits = recording
    place = Path(tempfile.mkdtemp())
    try:
        writer = sessions.create(place / "s", header(), ERA)
        writer.add_stream(info)
        for number, block in enumerate(blocks):
            writer.write_block(block)
            if number in commits:
                writer.commit()
            if number == seal_at:
                writer.commit()
                seal(place / "s", upto_commit=1 << 40)
        writer.commit()
        assert_read_back(place / "s", blocks)
        seal(place / "s", upto_commit=1 << 40)
        assert_read_back(place / "s", blocks)
        writer.abandon()
    finally:
        shutil.rmtree(place)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_rows_survive_journal_and_segment_bit_for_bit(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    channels, n = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 40))
    names = tuple(Channel(f"c{i}", "1", -2.0) for i in range(channels))
    info = StreamInfo("d.s", "d", "waveform", names, dtype, 10.0)
    steps = data.draw(hnp.arrays(np.int64, n, elements=st.sampled_from([1, 1, 1, 7])))
    rows = Rows(np.cumsum(steps), data.draw(values_of(dtype, n, channels)))
    assert same_rows(unpack_rows(info, pack_rows(rows)), rows)
    content = encode_samples(info, rows, "s", ERA, (1, 2))
    assert same_rows(decode_samples(info, content), rows)


@pytest.mark.parametrize("payload", [b"", b"\x01\x00\x01\x00\x01\x00\x00\x00", b"\x09" * 40])
def test_foreign_bytes_are_refused(payload: bytes) -> None:
    info = StreamInfo("d.s", "d", "waveform", (Channel("c", "1"),), "int16", 10.0)
    with pytest.raises(ValueError):
        unpack_rows(info, payload)
