"""Rectangles, flat lines, saturation: found where they are, and not in real-looking pressure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.devices.detectors import ChannelWatch, Finding
from recorder.exchange.sources.reading import read_recording

FULL_SCALE = (0, 4095)


def pressure(seconds: float, rate_hz: float, seed: int = 0) -> np.ndarray:
    """Pulses with a steep upstroke and an exponential run-off, 12 bits, with converter noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = (t * 1.1) % 1.0
    wave = 75 + 45 * np.where(phase < 0.12, np.sin(phase / 0.12 * np.pi / 2), np.exp(-(phase - 0.12) * 2.2))
    counts = wave / 100 / 5 * 4096 + 8 * np.sin(t * 1.6) + rng.normal(0, 1.0, t.size)
    return np.rint(counts).astype(int)


def rectangle(seconds: float, rate_hz: float, half_s: float = 0.5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    level = np.where(np.floor(t / half_s).astype(int) % 2 == 0, 330, 1310)
    return np.asarray(np.rint(level + rng.normal(0, 0.7, t.size)).astype(int))


def watch(counts: np.ndarray, rate_hz: float, **options: object) -> list[Finding]:
    options.setdefault("saturation", FULL_SCALE)
    return list(ChannelWatch(rate_hz, **options).feed(0, counts.tolist()))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
@pytest.mark.parametrize("seed", range(5))
def test_pressure_is_none_of_these(rate_hz: float, seed: int) -> None:
    assert watch(pressure(60, rate_hz, seed), rate_hz) == []


@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
@pytest.mark.parametrize("half_s", [0.25, 0.5, 1.0])
def test_a_rectangle_is_found_with_begin_and_end(rate_hz: float, half_s: float) -> None:
    parts = [pressure(10, rate_hz), rectangle(8, rate_hz, half_s), pressure(10, rate_hz)]
    began, ended = watch(np.concatenate(parts), rate_hz)
    assert (began.kind, began.last_no) == ("square-wave", None)
    assert (ended.kind, ended.first_no) == ("square-wave", began.first_no)
    assert ended.last_no is not None
    assert abs(began.first_no / rate_hz - 10) < 0.6
    assert abs(ended.last_no / rate_hz - 18) < 0.6


@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
def test_a_flat_line_is_found_after_2_s_and_ends_with_the_pulse(rate_hz: float) -> None:
    flat = np.rint(np.random.default_rng(0).normal(800, 1.5, round(5 * rate_hz))).astype(int)
    began, ended = watch(np.concatenate([pressure(5, rate_hz), flat, pressure(5, rate_hz)]), rate_hz)
    assert (began.kind, began.last_no) == ("flat-line", None)
    assert ended.last_no is not None
    assert abs(ended.first_no / rate_hz - 5) < 0.2
    assert abs(ended.last_no / rate_hz - 10) < 0.2


@pytest.mark.parametrize("limit", FULL_SCALE)
def test_saturation_is_told_once_for_a_row_of_clipped_beats(limit: int) -> None:
    counts = pressure(20, 100.0)
    clipped = np.clip(counts * 5 - 500, 0, 4095) if limit else np.clip(counts - 750, 0, 4095)
    findings = [f for f in watch(np.concatenate([counts, clipped, counts]), 100.0) if f.kind == "saturation"]
    assert [f.last_no is None for f in findings] == [True, False]
    assert findings[1].first_no >= 2000


def test_invalid_counts_are_told_and_are_no_other_fault() -> None:
    counts = pressure(20, 100.0)
    counts[500:1000] = -1
    findings = watch(counts, 100.0, invalid=(-1,))
    assert findings == [Finding("invalid-value", 500), Finding("invalid-value", 500, 999)]


def test_one_clipped_sample_is_no_saturation() -> None:
    counts = pressure(5, 100.0)
    counts[200] = 4095
    assert watch(counts, 100.0) == []


SURGERY = Path(__file__).parents[2] / "../shared/data/surgery_ev1000/wt01_waves.npz"


@pytest.mark.skipif(not SURGERY.exists(), reason="needs the shared recordings beside the checkout")
def test_half_an_hour_of_real_arterial_pressure_is_none_of_these() -> None:
    abp = read_recording(SURGERY).signals["abp"]
    mmhg = np.asarray(abp.values, dtype=float).reshape(-1)
    counts = np.where(np.isfinite(mmhg), np.rint(mmhg / 100 / 5 * 4096), -1).astype(int)
    assert counts.size > 30 * 60 * abp.rate_hz * 0.9
    assert {finding.kind for finding in watch(counts, abp.rate_hz, invalid=(-1,))} <= {"invalid-value"}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40000, 70000), st.integers(1, 60)), max_size=30),
    st.lists(st.integers(1, 50), max_size=20),
)
def test_findings_alternate_and_do_not_depend_on_how_samples_are_blocked(
    runs: list[tuple[int, int]], sizes: list[int]
) -> None:
    counts = [level for level, n in runs for _ in range(n)]
    once = list(ChannelWatch(10.0, FULL_SCALE, (-1,)).feed(0, counts))
    channel, at, often = ChannelWatch(10.0, FULL_SCALE, (-1,)), 0, []
    for size in [*sizes, len(counts)]:
        often += channel.feed(at, counts[at : at + size])
        at += size
    assert often == once
    for kind in {finding.kind for finding in once}:
        own = [finding for finding in once if finding.kind == kind]
        assert [f.last_no is None for f in own] == [n % 2 == 0 for n in range(len(own))]
        assert all(f.last_no is None or f.first_no <= f.last_no for f in own)
