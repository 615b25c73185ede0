from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.live.rings import SampleRing


def _rows(first: int, n: int) -> tuple[int, np.ndarray, np.ndarray]:
    numbers = np.arange(first, first + n)
    return first, numbers * 1_000_000, numbers[:, None].astype(np.float32)


@given(
    capacity=st.integers(1, 50),
    blocks=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 70)), min_size=1, max_size=30),
)
def test_keeps_the_newest_rows_and_never_invents_one(capacity: int, blocks: list[tuple[int, int]]) -> None:
    ring = SampleRing(capacity, 1)
    sent: list[int] = []
    at = 0
    for hole, n in blocks:
        at += hole
        ring.append(*_rows(at, n))
        sent += range(at, at + n)
        at += n
    kept = ring.newest(10**6)
    expected = sent[-capacity:]
    assert len(ring) == len(expected)
    assert kept.sample_no.tolist() == expected
    assert kept.t_ns.tolist() == [n * 1_000_000 for n in expected]
    assert kept.values[:, 0].tolist() == expected


def test_since_gives_only_later_rows() -> None:
    ring = SampleRing(10, 1)
    ring.append(*_rows(0, 8))
    assert ring.since(5_000_000).sample_no.tolist() == [6, 7]
    assert len(ring.since(7_000_000)) == 0


def test_numbering_that_goes_back_is_a_new_recording() -> None:
    ring = SampleRing(10, 1)
    ring.append(*_rows(5, 4))
    ring.append(*_rows(0, 2))
    assert ring.newest(10).sample_no.tolist() == [0, 1]
    assert ring.restarts == 1


def test_empty_ring_answers() -> None:
    ring = SampleRing(4, 2)
    assert ring.last_t_ns is None
    assert ring.last_sample_no is None
    assert len(ring.newest(3)) == 0


def test_rows_read_from_disk_go_before_what_was_heard() -> None:
    ring = SampleRing(6, 1)
    ring.append(*_rows(4, 3))
    older = SampleRing(10, 1)
    older.append(*_rows(0, 6))
    ring.prepend(older.newest(10))
    assert ring.newest(10).sample_no.tolist() == [1, 2, 3, 4, 5, 6]
    ring.append(*_rows(7, 2))
    assert ring.newest(10).sample_no.tolist() == [3, 4, 5, 6, 7, 8]
    assert ring.newest(10).values[:, 0].tolist() == [3, 4, 5, 6, 7, 8]


def test_an_empty_ring_takes_what_was_read() -> None:
    ring, older = SampleRing(4, 1), SampleRing(4, 1)
    older.append(*_rows(2, 3))
    ring.prepend(older.newest(4))
    assert ring.newest(4).sample_no.tolist() == [2, 3, 4]
