"""Foot, upstroke, peak and notch where the waves were made to have them, and no notch where they have none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulse_waves import UPSTROKE_S, pressure, pulse, rhythm

from hemoview.dsp.abp_beats import REFRACTORY_S, find_abp_beats
from hemoview.dsp.fiducials import derivatives, in_seconds, pressure_fiducials, pulse_fiducials
from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.tracking import BeatTracker, track_all


def incisura(onsets_s: np.ndarray, rate_hz: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """A pressure wave whose valve closes 0.3 s after each onset: a trough 12 mmHg deep; and where they are."""
    wave = pressure(onsets_s, rate_hz, seconds)
    t = np.arange(len(wave)) / rate_hz
    for onset in onsets_s:
        wave -= 12 * np.exp(-(((t - onset - 0.30) / 0.03) ** 2))
    return wave, onsets_s + 0.30


def test_the_points_of_a_pulse_are_where_they_were_put() -> None:
    rng = np.random.default_rng(0)
    onsets = rhythm(rng, 60.0, 0.85, 0.04)
    wave = pulse(onsets, 64.0, 60.0) + rng.normal(0, 0.01, 3840)
    beats = [t.beat for t in track_all(find_ppg_beats, wave, 64.0, refractory_s=REFRACTORY_S)]
    found = pulse_fiducials(wave, 64.0, beats)
    foot, upstroke, peak, notch = in_seconds(found, 64.0).T
    assert len(found) == len(beats)
    assert np.all((foot < upstroke) & (upstroke < peak))
    nearest = np.abs(upstroke[:, None] - UPSTROKE_S - onsets).min(axis=1)
    assert np.median(nearest) < 0.01
    assert np.isfinite(notch).mean() > 0.95
    assert np.all(notch[np.isfinite(notch)] > peak[np.isfinite(notch)])
    bump_begins_s = np.nanmedian(notch - upstroke)
    assert bump_begins_s == pytest.approx(0.42 - UPSTROKE_S - 0.07, abs=0.025)


def test_a_wave_that_only_runs_off_has_no_notch() -> None:
    onsets = rhythm(np.random.default_rng(1), 40.0, 0.9, 0.03)
    wave = pressure(onsets, 100.0, 40.0)
    beats = [t.beat for t in track_all(find_abp_beats, wave, 100.0, refractory_s=REFRACTORY_S)]
    found = pressure_fiducials(wave, 100.0, beats)
    assert len(found) > 30
    assert [f.notch for f in found] == [None] * len(found)
    assert np.isnan(in_seconds(found, 100.0)[:, 3]).all()


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 500.0])
def test_the_closing_valve_of_a_pressure_wave(rate_hz: float) -> None:
    rng = np.random.default_rng(2)
    onsets = rhythm(rng, 40.0, 0.9, 0.05)
    wave, closed = incisura(onsets, rate_hz, 40.0)
    wave += rng.normal(0, 0.3, len(wave))
    beats = [t.beat for t in track_all(find_abp_beats, wave, rate_hz, refractory_s=REFRACTORY_S)]
    onset, upstroke, peak, notch = in_seconds(pressure_fiducials(wave, rate_hz, beats), rate_hz).T
    assert len(onset) > 30
    assert np.all((onset < upstroke) & (upstroke < peak) & (peak < notch))
    assert np.abs(notch[:, None] - closed).min(axis=1).max() < 0.03


def test_no_beats_no_points() -> None:
    assert in_seconds(pulse_fiducials(np.zeros(640), 64.0, []), 64.0).shape == (0, 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(20.0, 500.0))
def test_a_cubic_has_the_slope_and_bend_of_a_cubic(seed: int, rate_hz: float) -> None:
    a, b, c, d = np.random.default_rng(seed).normal(size=4)
    k = np.arange(200.0)
    slope, bend = derivatives(a + b * k + c * k**2 / 100 + d * k**3 / 10_000, rate_hz)
    inner = slice(60, 140)
    np.testing.assert_allclose(slope[inner], (b + c * k / 50 + 3 * d * k**2 / 10_000)[inner], atol=1e-7)
    np.testing.assert_allclose(bend[inner], (c / 50 + 6 * d * k / 10_000)[inner], atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(400, 1400))
def test_a_point_is_the_same_in_a_stretch_and_in_the_whole(seed: int, first: int) -> None:
    rng = np.random.default_rng(seed)
    wave = pulse(rhythm(rng, 40.0, 0.8, 0.1), 64.0, 40.0) + rng.normal(0, 0.02, 2560)
    beats = [t.beat for t in track_all(find_ppg_beats, wave, 64.0, refractory_s=REFRACTORY_S)]
    whole = pulse_fiducials(wave, 64.0, beats)
    inside = [b for b in beats if first + 16 <= b.foot and b.position < first + 1000]
    cut = pulse_fiducials(wave[first : first + 1160], 64.0, [b.shifted(-first) for b in inside])
    for here, there in list(
        zip(cut, [w for b, w in zip(beats, whole, strict=True) if b in inside], strict=True)
    )[:-1]:
        assert (here.notch is None) == (there.notch is None)
        if here.notch is not None and there.notch is not None:
            assert here.notch + first == pytest.approx(there.notch, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_live_pressure_beats_are_the_batch_beats_for_any_chunks(seed: int, chunks: list[int]) -> None:
    rng = np.random.default_rng(seed)
    wave = pressure(rhythm(rng, 40.0, 0.75, 0.1), 100.0, 40.0) + rng.normal(0, 0.4, 4000)
    batch = [b.beat for b in track_all(find_abp_beats, wave, 100.0, refractory_s=REFRACTORY_S)]
    tracker = BeatTracker(find_abp_beats, 100.0, refractory_s=REFRACTORY_S)
    live, at = [], 0
    for n in chunks:
        live += [b.beat for b in tracker.push(at, wave[at : at + n])]
        at = min(len(wave), at + n)
    certain = [b for b in batch if b.position < at - 300]
    assert live[: len(certain)] == certain
    assert live == batch[: len(live)]
    assert len(batch) > 30


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(20, 500), min_size=2, max_size=30), st.integers(1, 400))
def test_holes_change_nothing_about_it(seed: int, chunks: list[int], hole: int) -> None:
    """Two runs, each searched as if it were alone, however the samples came."""
    rng = np.random.default_rng(seed)
    wave = pressure(rhythm(rng, 40.0, 0.75, 0.1), 100.0, 40.0) + rng.normal(0, 0.4, 4000)
    spans = ((0, 1800), (1800 + hole, 4000))
    whole = BeatTracker(find_abp_beats, 100.0, refractory_s=REFRACTORY_S)
    batch = [b for a, z in spans for b in whole.push(a, wave[a:z])] + list(whole.flush())
    tracker = BeatTracker(find_abp_beats, 100.0, refractory_s=REFRACTORY_S)
    live = []
    for first, stop in spans:
        edges = [first, *(e for e in np.cumsum(chunks) + first if e < stop), stop]
        live += [b for a, z in pairwise(edges) for b in tracker.push(int(a), wave[a:z])]
    assert live + list(tracker.flush()) == batch
