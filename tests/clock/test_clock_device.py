"""Streams of one device share one drift; who contradicts it keeps a drift of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from clock_points import Points, device_points
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.clock import RunPoints, Timebase, fit_device
from recorder.clock.shared import CRYSTAL_PPM

E4 = {"bvp": (64.0, 11), "acc": (32.0, 6), "eda": (4.0, 6), "temp": (4.0, 8)}
SEEDS = range(50)


def wristband(ppm: float, seconds: float, seed: int, **other_ppm: float) -> dict[str, Points]:
    """Clock points of every stream; ``other_ppm`` is added to the drift of one."""
    return {
        name: device_points(
            ppm=ppm + other_ppm.get(name, 0.0),
            seconds=seconds,
            seed=100 * seed + k,
            rate_hz=rate,
            block=block,
        )
        for k, (name, (rate, block)) in enumerate(E4.items())
    }


def fit(streams: dict[str, Points]) -> dict[str, Timebase]:
    bases = fit_device([(E4[name][0], [run_points(p)]) for name, p in streams.items()])
    return {name: only for name, (only,) in zip(streams, bases, strict=True)}


def run_points(points: Points) -> RunPoints:
    return RunPoints(points.first, points.n, points.t_host_ns)


def kept(points: Points, keep: np.ndarray) -> Points:
    """Blocks lost and counted: numbering goes on over them."""
    return Points(points.first[keep], points.n[keep], points.t_host_ns[keep], points.truth_ns[keep])


def uncounted(points: Points, keep: np.ndarray) -> Points:
    """Blocks lost in the air: numbering shifts over them."""
    n = int(keep.sum())
    return Points(points.first[:n], points.n[keep], points.t_host_ns[keep], points.truth_ns[keep])


def lossy(points: Points, share: float, seed: int, how: Callable[[Points, np.ndarray], Points]) -> Points:
    keep = np.random.default_rng(seed).random(points.first.size) >= share
    return how(points, keep)


def earliest_of(points: Points, rate_hz: float, every_s: float) -> Points:
    """The least delayed block of each stretch."""
    delay_ns = points.t_host_ns - (points.first + points.n) / rate_hz * 1e9
    stretch = points.t_host_ns // int(every_s * 1e9)
    chosen = [np.flatnonzero(stretch == s)[np.argmin(delay_ns[stretch == s])] for s in np.unique(stretch)]
    return kept(points, np.array(chosen))


def with_a_hole(points: Points, at_s: float, for_s: float) -> Points:
    t_s = (points.t_host_ns - points.t_host_ns[0]) / 1e9
    return kept(points, (t_s < at_s) | (t_s >= at_s + for_s))


@pytest.mark.parametrize("ppm", [80.0, -80.0])
def test_every_stream_is_within_5_ppm_after_10_minutes(ppm: float) -> None:
    """Jitter of 5 to 60 ms, radio packets, 1 % of them lost and counted, a hole of 30 s."""
    errors: dict[str, list[float]] = {name: [] for name in E4}
    for seed in SEEDS:
        whole = wristband(ppm, 600, seed)
        streams = {
            name: with_a_hole(lossy(p, 0.01, seed + k, kept), 60.0 + 9 * seed, 30.0)
            for k, (name, p) in enumerate(whole.items())
        }
        for name, base in fit(streams).items():
            errors[name].append(abs(base.drift_ppm - ppm))
            assert base.n_steps == 0, (name, seed)
    for name, found in errors.items():
        print(f"seeds {SEEDS} {name}: worst {max(found):.2f}, median {np.median(found):.2f} ppm")
        assert max(found) < 1.0, f"{name}: seed {int(np.argmax(found))}"
        assert np.median(found) < 0.2, name


def test_a_minute_and_a_half_tells_more_than_the_nominal_rate() -> None:
    for seed in SEEDS:
        for name, base in fit(wristband(80.0, 93, seed)).items():
            assert abs(base.drift_ppm - 80.0) < 30.0, (name, seed)


@pytest.mark.parametrize("seed", range(10))
def test_the_rate_is_exactly_nominal_before_there_is_evidence(seed: int) -> None:
    for base in fit(wristband(80.0, 8, seed)).values():
        assert base.rate_hz == base.nominal_rate_hz
        assert base.drift_error_ppm > 2 * CRYSTAL_PPM, "and it does not claim that this is right"


@pytest.mark.parametrize("seconds", [20, 60, 150, 400])
def test_the_drift_is_within_its_error_19_times_in_20(seconds: float) -> None:
    """Crystals drawn as they are thought to be."""
    rng, outside, runs = np.random.default_rng(1), 0, 200
    for seed in range(runs):
        ppm = float(rng.laplace(0.0, CRYSTAL_PPM))
        base = fit(wristband(ppm, seconds, seed))["bvp"]
        outside += abs(base.drift_ppm - ppm) > base.drift_error_ppm
    assert outside <= 0.08 * runs, "200 draws of 5 % are 17 or more once in 20 times"


@pytest.mark.parametrize("wrong", ["bvp", "eda", "temp"])
@pytest.mark.parametrize("seed", range(5))
def test_a_stream_whose_nominal_rate_is_wrong_keeps_its_own(wrong: str, seed: int) -> None:
    """0.3 %: 99.7 Hz of a converter said to give 100."""
    found = fit(wristband(80.0, 600, seed, **{wrong: -3000.0}))
    assert abs(found[wrong].drift_ppm + 2920.0) < 5.0
    others = [base.drift_ppm for name, base in found.items() if name != wrong]
    assert len(set(others)) == 1, "the others share one drift still"
    assert abs(others[0] - 80.0) < 1.0


@pytest.mark.parametrize("seed", range(10))
def test_two_crystals_in_one_device_are_told_apart(seed: int) -> None:
    found = fit(wristband(-80.0, 600, seed, eda=25.0, temp=25.0))
    assert len({found["bvp"].drift_ppm, found["acc"].drift_ppm}) == 1
    assert abs(found["bvp"].drift_ppm + 80.0) < 1.0
    assert abs(found["eda"].drift_ppm + 55.0) < 5.0
    assert abs(found["temp"].drift_ppm + 55.0) < 5.0


@pytest.mark.parametrize("seed", range(10))
def test_short_runs_after_lost_links_have_the_drift_of_the_whole(seed: int) -> None:
    """Ten links of a minute: each has an offset of its own, all have one drift."""
    runs = []
    for name, points in wristband(80.0, 610, seed).items():
        link = ((points.t_host_ns - points.t_host_ns[0]) // int(60e9)).astype(int)
        parts = [kept(points, link == k) for k in range(10)]
        for k, part in enumerate(parts):
            part.first -= 100 * k
        runs.append((E4[name][0], parts))
    fitted = fit_device([(rate, [run_points(p) for p in parts]) for rate, parts in runs])
    for (_, parts), bases in zip(runs, fitted, strict=True):
        for part, base in zip(parts, bases, strict=True):
            assert abs(base.drift_ppm - 80.0) < 10.0
            late_ms = (base.t_ns(part.first) - part.truth_ns) / 1e6
            assert np.all((late_ms > 4.0) & (late_ms < 60.0))


@pytest.mark.parametrize("seed", range(20))
def test_packets_lost_in_the_air_that_nobody_counted(seed: int) -> None:
    """1 % of the packets of every stream: the steps of each are its own, the drift is shared."""
    whole = wristband(80.0, 600, seed)
    streams = {name: lossy(p, 0.01, 7 * seed + k, uncounted) for k, (name, p) in enumerate(whole.items())}
    for name, base in fit(streams).items():
        assert abs(base.drift_ppm - 80.0) < 15.0, name


@pytest.mark.parametrize("seed", range(10))
def test_a_step_is_found_among_the_earliest_points_of_every_5_s(seed: int) -> None:
    """As the footers of a session keep them; two packets of every stream are lost and nobody counted them."""
    streams = {}
    for k, (name, points) in enumerate(wristband(80.0, 600, seed).items()):
        keep = np.ones(points.first.size, bool)
        keep[[int((share + 0.02 * k) * points.first.size) for share in (0.2, 0.8)]] = False
        streams[name] = earliest_of(uncounted(points, keep), E4[name][0], 5.0)
    for name, base in fit(streams).items():
        assert base.n_steps == 2, name
        assert abs(base.drift_ppm - 80.0) < 5.0, name


def test_a_stream_alone_and_an_order_of_streams() -> None:
    streams = wristband(33.0, 300, 4)
    found = fit(streams)
    assert fit(dict(reversed(streams.items())))["acc"] == found["acc"]
    alone = fit({"temp": streams["temp"]})["temp"]
    assert alone.drift_error_ppm > found["temp"].drift_error_ppm, "the others make it surer"


@pytest.mark.parametrize("spread_ns", [0, 1000])
def test_everything_at_one_moment_is_a_backlog_not_a_rate_without_bounds(spread_ns: int) -> None:
    first = np.arange(0, 6400, 11)
    base = fit_device([(64.0, [RunPoints(first, np.full(first.size, 11), first * spread_ns + 10**9)])])[0][0]
    assert 0.0 < base.rate_hz <= 640.0 * (1 + 1e-9)
    assert np.all(np.diff(base.t_ns(np.arange(6400))) > 0)


def test_a_run_without_points_is_refused() -> None:
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="0,"):
        RunPoints(none, none, none)
    with pytest.raises(ValueError, match=r"\(2,\) numbers, \(2,\) lengths and \(1,\) times"):
        RunPoints(np.arange(2), np.arange(2), np.arange(1))
    assert fit_device([]) == []


@settings(max_examples=30, deadline=None)
@given(ppm=st.floats(-200, 200), seed=st.integers(0, 2**20), seconds=st.floats(3, 200))
def test_lines_lie_under_every_arrival(ppm: float, seed: int, seconds: float) -> None:
    streams = wristband(ppm, seconds, seed)
    for name, base in fit(streams).items():
        points = streams[name]
        assert np.all(base.t_ns(points.first + points.n - 1) <= points.t_host_ns + 2)
        assert base.drift_error_ppm >= 0.0
