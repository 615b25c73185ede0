import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.dsp.windows import SampleRing, Windower


def column(first: int, n: int) -> np.ndarray:
    return np.arange(first, first + n, dtype=float)[:, None]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.sampled_from([4.0, 10.0, 12.5, 31.7]))
def test_windows_do_not_depend_on_chunks(chunks: list[int], rate_hz: float) -> None:
    total = sum(chunks)
    whole = list(Windower(rate_hz).push(0, column(0, total)))
    windower, parts, at = Windower(rate_hz), [], 0
    for n in chunks:
        parts += windower.push(at, column(at, n))
        at += n
    assert [w.end_no for w in parts] == [w.end_no for w in whole]
    for one, other in zip(parts, whole, strict=True):
        assert (one.samples is None) == (other.samples is None)
        if one.samples is not None and other.samples is not None:
            assert np.array_equal(one.samples, other.samples)
            assert one.samples[-1, 0] == one.end_no - 1
            assert len(one.samples) == windower.n_window


def test_a_window_with_a_gap_is_not_a_window() -> None:
    windower = Windower(10.0)
    first = list(windower.push(0, column(0, 150)))
    assert [w.samples is not None for w in first] == [False] * 9 + [True] * 6
    after = list(windower.push(180, column(180, 130)))
    assert [w.end_no for w in after] == list(range(190, 311, 10))
    assert [w.samples is not None for w in after] == [False] * 9 + [True] * 4
    assert all(w.after_gap for w in after)
    assert not any(w.after_gap for w in first)


def test_samples_sent_twice_are_taken_once() -> None:
    ring = SampleRing(50)
    assert ring.append(0, column(0, 20))
    assert not ring.append(10, column(10, 20))
    held = ring.read(0, 30)
    assert held is not None
    assert np.array_equal(held[:, 0], np.arange(30))
    assert ring.read(0, 31) is None
    assert ring.append(1000, column(1000, 5))
    assert ring.read(29, 31) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90)), min_size=1, max_size=40))
def test_the_ring_holds_the_newest_of_its_run(steps: list[tuple[int, int]]) -> None:
    ring, at = SampleRing(40), 0
    for hole, n in steps:
        at += hole
        ring.append(at, column(at, n))
        at += n
        newest = ring.read(max(ring.run_start_no, at - 40), at)
        assert newest is not None
        assert newest[-1, 0] == at - 1
        assert newest[0, 0] == max(ring.run_start_no, at - 40)
