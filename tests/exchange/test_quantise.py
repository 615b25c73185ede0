"""Steps: nothing is clipped, everything comes back within half a step, stored counts come back as they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange.exports.exported import Column
from recorder.exchange.exports.quantise import EDF_COUNTS, WFDB_MISSING, edf_scale, grid, wfdb_scale

FLOATS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))
SCALES = st.sampled_from([1.0, 1 / 64, 0.001, 0.01, 0.1, 5 / 1023, 10 / 2**15, 100.0, 2.0])


def column(values: np.ndarray, step: float | None, offset: float = 0.0) -> Column:
    return Column("x", "V", step, offset, float(values.min()), float(values.max()))


def back_edf(counts: np.ndarray, low: str, high: str) -> np.ndarray:
    """As a reader of EDF does it."""
    p0, p1 = float(low), float(high)
    return (counts.astype(float) + EDF_COUNTS) * (p1 - p0) / (2 * EDF_COUNTS) + p0


@given(st.lists(FLOATS, min_size=1, max_size=30))
def test_floats_come_back_from_edf_within_half_a_step(numbers: list[float]) -> None:
    values = np.array(numbers)
    scale = edf_scale(column(values, None))
    assert len(scale.low) <= 8 and len(scale.high) <= 8
    counts = scale.counts(values)
    assert np.abs(counts.astype(int)).max() < EDF_COUNTS, "not clipped, and never the count of no sample"
    slack = scale.step * 0.5 + 1e-9 * np.abs(values).max()
    assert np.abs(back_edf(counts, scale.low, scale.high) - values).max() <= slack


@given(SCALES, st.integers(-20, 20), st.lists(st.integers(-30_000, 30_000), min_size=1, max_size=30))
def test_counts_that_fit_keep_their_own_step_in_edf(step: float, shift: int, counts: list[int]) -> None:
    values = np.array(counts) * step + shift * step
    scale = edf_scale(column(values, step, shift * step))
    if scale.step == pytest.approx(step, rel=1e-3):
        found = back_edf(scale.counts(values), scale.low, scale.high)
        assert np.abs(found - values).max() <= 0.3 * step, "nearer than half a step: the same count"
    else:
        assert scale.step < 12 * step
        found = back_edf(scale.counts(values), scale.low, scale.high)
        assert np.abs(found - values).max() <= scale.step * 0.5000001


@given(SCALES, st.lists(st.integers(-(2**30), 2**30), min_size=1, max_size=30))
def test_counts_of_32_bits_are_exact_in_wfdb(step: float, counts: list[int]) -> None:
    values = np.array(counts) * step
    scale = wfdb_scale(column(values, step))
    found = (scale.counts(values, scale.bits).astype(float) - scale.baseline) * scale.step
    assert scale.step == step and np.abs(found - values).max() <= 1e-6 * step
    assert scale.bits == (16 if max(map(abs, counts)) < 2**15 - 1 else 32)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_floats_come_back_from_wfdb_within_half_a_step(numbers: list[float]) -> None:
    values = np.array(numbers)
    scale = wfdb_scale(column(values, None))
    counts = scale.counts(values, scale.bits)
    assert (counts != WFDB_MISSING[scale.bits]).all()
    found = (counts.astype(float) - scale.baseline) * scale.step
    assert np.abs(found - values).max() <= scale.step * 0.51
    assert scale.step <= max((values.max() - values.min()) / 1e7, np.abs(values).max() / 1e8, 1e-11)


def test_no_number_is_no_sample() -> None:
    values = np.array([1.0, math.nan, math.inf, 3.0])
    known = Column("x", "V", 0.1, 0.0, 1.0, 3.0)
    assert (edf_scale(known).counts(values) == -EDF_COUNTS).tolist() == [False, True, True, False]
    assert (wfdb_scale(known).counts(values, 16) == WFDB_MISSING[16]).tolist() == [False, True, True, False]
    assert edf_scale(Column("x", "V")).step > 0, "a stream without a value has a scale too"


@pytest.mark.parametrize(
    ("rates", "seconds"),
    [([64, 32, 4, 100], 1), ([0.5, 4], 2), ([62.5, 4], 2), ([62.4725], None), ([1 / 3, 1], 3), ([], 1)],
)
def test_records_hold_whole_numbers_of_samples(rates: list[float], seconds: int | None) -> None:
    assert grid(list(rates)) == seconds
