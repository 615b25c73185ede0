"""An arm laid down elsewhere is told once it is still; shaking and working are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.dsp.arm import MMHG_PER_CM, SETTLED, ArmTracker, Turned, plausible_height_cm

RATE_HZ = 32.0


def lying(angle_deg: float, seconds: float, seed: int = 1, shake_g: float = 0.005) -> np.ndarray:
    """An arm that lies turned by an angle about its y axis, with noise, to the 1/64 g of a wristband."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    a = np.radians(angle_deg)
    still = np.tile([np.sin(a), 0.0, np.cos(a)], (n, 1))
    return np.rint((still + shake_g * rng.standard_normal((n, 3))) * 64) / 64


def turns(samples: np.ndarray, chunk: int = 6) -> list[Turned]:
    tracker = ArmTracker(RATE_HZ)
    return [t for k in range(0, len(samples), chunk) for t in tracker.push(k, samples[k : k + chunk])]


@pytest.mark.parametrize("angle", [35.0, 60.0, 90.0, 150.0])
def test_an_arm_laid_down_elsewhere_is_told_once_by_its_angle(angle: float) -> None:
    (found,) = turns(np.concatenate([lying(0, 20), lying(angle, 20)]))
    assert found.angle_deg == pytest.approx(angle, abs=3)
    assert 20 + SETTLED - 1 <= found.sample_no / RATE_HZ <= 20 + SETTLED + 4


@pytest.mark.parametrize(
    "samples",
    [
        lying(0, 60),
        np.concatenate([lying(0, 20), lying(15, 40)]),
        np.concatenate([lying(0, 20), lying(90, 3), lying(0, 20)]),
        np.concatenate([lying(0, 20), lying(60, 20, shake_g=0.3), lying(0, 20)]),
        np.concatenate([lying(0, 20), 3 * lying(80, 20)]),
        lying(70, 60),
    ],
    ids=["still", "a little", "for a moment", "shaking", "falling", "from the beginning"],
)
def test_anything_else_is_not(samples: np.ndarray) -> None:
    assert turns(samples) == []


def test_a_turn_through_a_hole_is_told_and_going_back_is_a_turn_again() -> None:
    tracker = ArmTracker(RATE_HZ)
    first, second, third = lying(0, 20), lying(80, 20), lying(0, 20)
    found = [*tracker.push(0, first)]
    tracker.cut()
    found += [*tracker.push(2000, second), *tracker.push(2000 + len(second), third)]
    assert [round(t.angle_deg, -1) for t in found] == [80, 80]


@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.integers(0, 50))
@settings(max_examples=30)
def test_how_samples_are_chunked_does_not_matter(sizes: list[int], seed: int) -> None:
    samples = np.concatenate([lying(0, 12, seed), lying(50, 12, seed + 1), lying(-40, 12, seed + 2)])
    tracker, found, at, k = ArmTracker(RATE_HZ), [], 0, 0
    while at < len(samples):
        n = sizes[k % len(sizes)]
        found += tracker.push(at, samples[at : at + n])
        at, k = at + n, k + 1
    assert found == turns(samples, len(samples))


def test_what_a_turn_may_mean_at_the_hand() -> None:
    assert plausible_height_cm(0) == 0
    assert plausible_height_cm(90) == pytest.approx(35.4, abs=0.1)
    assert plausible_height_cm(180) == 50
    assert pytest.approx(1060 * 9.81 / 100 / 133.322, abs=0.02) == MMHG_PER_CM
