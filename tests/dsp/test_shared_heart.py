"""One heart or two, from beat times alone; hearts made here, so that each is exactly what the test says."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.dsp.shared_heart import LEAST_BEATS, Beats, compare

SECONDS = 45.0


def heart(
    rng: np.random.Generator,
    per_min: float = 70.0,
    *,
    rsa_s: float = 0.025,
    breath_s: float = 4.0,
    cv: float = 0.0,
) -> np.ndarray:
    """Beat times of one heart: breathing, a slow wander (OU, 60 s), and for ``cv`` independent intervals (AF)."""
    times, wander, t = [], 0.0, float(rng.uniform(0, 1))
    phase = rng.uniform(0, 2 * np.pi)
    mean = 60.0 / per_min
    while t < SECONDS + 4:
        times.append(t)
        wander += -wander * mean / 60 + 0.02 * np.sqrt(2 * mean / 60) * rng.standard_normal() * (rsa_s > 0)
        own = mean + wander + rsa_s * np.sin(2 * np.pi * t / breath_s + phase)
        t += max(0.3, own * (1 + cv * rng.standard_normal()))
    return np.array(times)


def seen(
    rng: np.random.Generator,
    times: np.ndarray,
    *,
    noise_s: float = 0.01,
    lag_s: float = 0.0,
    ppm: float = 0.0,
    missed: float = 0.0,
    extra: float = 0.0,
) -> Beats:
    """What a device makes of them."""
    kept = times[rng.random(times.size) >= missed]
    added = rng.uniform(times[0], times[-1], rng.binomial(times.size, extra))
    found = np.sort(np.concatenate([kept + noise_s * rng.standard_normal(kept.size), added]))
    found = found * (1 + ppm * 1e-6) + lag_s
    return Beats(found, np.ones(found.size, dtype=bool))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng([27, seed])


@pytest.mark.parametrize(
    ("made", "device", "least_told"),
    [
        ({}, {}, 6),
        ({}, {"lag_s": -0.9, "ppm": -100.0}, 6),
        ({}, {"lag_s": 1.9, "ppm": 100.0, "noise_s": 0.02}, 3),
        ({}, {"missed": 0.1, "extra": 0.1}, 6),
        ({"cv": 0.19}, {"missed": 0.2, "extra": 0.1, "noise_s": 0.02}, 6),
        ({"rsa_s": 0.05, "breath_s": 10.0}, {"lag_s": 0.4}, 6),
        ({"per_min": 140.0, "rsa_s": 0.01}, {}, 4),
        ({"per_min": 44.0}, {}, 1),
    ],
    ids=["rest", "early", "late", "missed", "fibrillation", "slow breathing", "fast", "slow"],
)
def test_one_heart_is_never_two(made: dict[str, float], device: dict[str, float], least_told: int) -> None:
    told = 0
    for seed in range(6):
        rng = rng_of(seed)
        times = heart(rng, **{"per_min": 70.0, **made})
        found = compare(seen(rng, times), seen(rng, times, **device))
        assert found.verdict != "different", found
        told += found.verdict == "same"
    assert told >= least_told


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"per_min": 76.0}),
        ({}, {}),
        ({"per_min": 60.0}, {"per_min": 120.0}),
        ({"cv": 0.19, "per_min": 90.0}, {"cv": 0.19, "per_min": 90.0}),
        ({"cv": 0.19}, {}),
        ({"rsa_s": 0.05, "breath_s": 10.0}, {"rsa_s": 0.05, "breath_s": 10.0}),
    ],
    ids=["rates", "same rate", "double", "two fibrillating", "one fibrillating", "breathing together"],
)
def test_two_hearts_are_never_one(seed: int, first: dict[str, float], second: dict[str, float]) -> None:
    rng = rng_of(100 + seed)
    one, other = (heart(rng, **{"per_min": 70.0, **made}) for made in (first, second))
    found = compare(seen(rng, one), seen(rng, other))
    assert found.verdict == "different" or (breathe_together(first, second) and found.log_ratio <= 0.0), found


def breathe_together(first: dict[str, float], second: dict[str, float]) -> bool:
    """Hearts of one rate that speed up and slow down as one: seldom, one jump explains a single look as well as two."""
    return first == second and "breath_s" in first


@pytest.mark.parametrize("jump_s", [0.03, 0.08, 0.15, 0.3, -0.1, -0.4])
def test_a_lag_that_jumps_is_no_second_heart(jump_s: float) -> None:
    """A starved computer stamps one device later from some beat on."""
    for seed in range(12):
        rng = rng_of(300 + seed)
        times = heart(rng, per_min=60.0 + 4 * seed, cv=0.19 if seed % 4 == 0 else 0.0)
        first, late = seen(rng, times), seen(rng, times)
        since_s = rng.uniform(10.0, 40.0)
        late = Beats(np.where(late.time_s > since_s, late.time_s + jump_s, late.time_s), late.usable)
        found = compare(first, late)
        assert found.verdict != "different", found


@pytest.mark.parametrize("is_one", [True, False])
def test_two_pacemakers_of_one_rate_cannot_be_told_apart(is_one: bool) -> None:
    """Chance may lend one in ten some steps of its own; nobody is ever told that they are two."""
    told = Counter[str]()
    for seed in range(20):
        rng = rng_of(200 + seed)
        one = heart(rng, rsa_s=0.0)
        other = one if is_one else heart(rng, rsa_s=0.0)
        told[compare(seen(rng, one, noise_s=0.006), seen(rng, other, noise_s=0.004)).verdict] += 1
    assert told["different"] == 0
    assert told["cannot-tell"] >= 16, told


@pytest.mark.parametrize("seed", range(6))
def test_pacemakers_of_different_rates_are_two(seed: int) -> None:
    rng = rng_of(300 + seed)
    one, other = heart(rng, 70.0, rsa_s=0.0), heart(rng, 71.0, rsa_s=0.0)
    assert compare(seen(rng, one), seen(rng, other)).verdict == "different"


def test_too_little_is_told_as_too_little() -> None:
    rng = rng_of(400)
    times = heart(rng)
    whole, short = seen(rng, times), seen(rng, times[: LEAST_BEATS - 1])
    none = Beats(np.empty(0), np.empty(0, dtype=bool))
    moving = Beats(whole.time_s, np.zeros(whole.time_s.size, dtype=bool))
    for first, second in ((whole, short), (none, whole), (none, none), (moving, whole), (whole, moving)):
        found = compare(first, second)
        assert (found.verdict, found.why, found.log_ratio) == ("cannot-tell", "too-few-beats", 0.0)


def test_beats_that_are_not_believed_cannot_make_two_of_one() -> None:
    """Ten seconds of motion: beats anywhere, none of them believed."""
    told = Counter[str]()
    for seed in range(10):
        rng = rng_of(500 + seed)
        times = heart(rng, rsa_s=0.04)
        good = seen(rng, times)
        wild = np.sort(rng.uniform(20.0, 34.0, 24))
        calm = (good.time_s < 20) | (good.time_s > 34)
        at = np.argsort(np.concatenate([good.time_s[calm], wild]))
        time_s = np.concatenate([good.time_s[calm], wild])[at]
        usable = np.concatenate([np.ones(calm.sum(), bool), np.zeros(wild.size, bool)])[at]
        other = seen(rng, times)
        told[compare(Beats(time_s, usable), other).verdict] += 1
    assert told["different"] == 0 and told["same"] >= 8, told


@given(st.integers(0, 10_000), st.floats(-0.9, 1.9), st.floats(0.0, 0.15))
@settings(max_examples=40)
def test_lag_and_order_of_the_devices_do_not_change_the_answer_for_one_heart(
    seed: int, lag_s: float, missed: float
) -> None:
    rng = rng_of(seed)
    times = heart(rng)
    one, other = seen(rng, times), seen(rng, times, missed=missed)
    found, there = compare(one, other), compare(one, other.later(lag_s))
    assert "different" not in (found.verdict, there.verdict)
    if found.verdict == there.verdict == "same":
        assert there.lag_s == pytest.approx(found.lag_s + lag_s, abs=0.03)


@given(
    st.lists(st.floats(0, 100), max_size=120), st.lists(st.floats(0, 100), max_size=120), st.integers(0, 9)
)
@settings(max_examples=60)
def test_no_beats_break_it(first: list[float], second: list[float], seed: int) -> None:
    rng = rng_of(seed)
    beats = [Beats(np.unique(times), rng.random(np.unique(times).size) < 0.8) for times in (first, second)]
    found = compare(*beats)
    assert np.isfinite(found.log_ratio)
