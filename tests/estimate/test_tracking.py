from dataclasses import replace

import numpy as np
import pytest
import tracking_cohort
from hypothesis import given
from hypothesis import strategies as st
from tracking_cohort import Person, beat

from hemoview.estimate.card import Conformal, ConformalTable
from hemoview.estimate.estimator import abstain_all
from hemoview.estimate.tracking import (
    ALPHA,
    FLOOR,
    GAMMA,
    HOLD_S,
    SETTLE_S,
    STEP_S,
    Tracking,
    Widening,
    reference_of,
    stepped,
)
from hemoview.estimate.values import Estimate, ParameterEstimate
from recorder.schema import PRESSURES

SECOND_NS = 1_000_000_000
T0_NS = 1_700_000_000 * SECOND_NS
EXPIRY_S = 1800.0
TABLE = ConformalTable(Conformal(5.0, 20), (Conformal(2.0, 20, 1800.0),))

LARGEST = 3.0
needed = st.lists(st.floats(-1.0, LARGEST), min_size=1, max_size=400)
"""θ that would just have covered, of one window after another; nothing else is assumed of them."""


def followed(sequence: list[float]) -> tuple[list[float], float]:
    """θ after each step, and the share of misses."""
    theta, thetas, misses = 0.0, [], 0
    for score in sequence:
        missed = score > theta
        misses += missed
        theta = stepped(theta, missed=missed)
        thetas.append(theta)
    return thetas, misses / len(sequence)


# ---- the step


@given(needed)
def test_theta_stays_within_what_the_errors_need(sequence: list[float]) -> None:
    thetas, _ = followed(sequence)
    assert min(thetas) >= FLOOR
    assert max(thetas) <= max(0.0, *sequence) + GAMMA


@given(needed)
def test_misses_never_exceed_their_share_for_long_whatever_comes(sequence: list[float]) -> None:
    _, share = followed(sequence)
    assert share <= ALPHA + (LARGEST + GAMMA) / (GAMMA * len(sequence)) + 1e-9


@given(st.lists(st.floats(FLOOR + GAMMA, LARGEST), min_size=1, max_size=400))
def test_misses_tend_to_their_share_where_the_floor_is_not_reached(sequence: list[float]) -> None:
    _, share = followed(sequence)
    assert abs(share - ALPHA) <= (LARGEST + GAMMA) / (GAMMA * len(sequence)) + 1e-9


def test_a_sequence_made_to_hurt_has_its_share_in_the_long_run() -> None:
    theta, misses, n = 0.0, 0, 20_000
    for k in range(n):
        score = theta + 0.01 if theta < 2.0 and k // 997 % 2 else -0.2 + 0.2 * np.sin(k / 50)
        missed = score > theta
        misses += missed
        theta = stepped(theta, missed=missed)
    assert misses / n == pytest.approx(ALPHA, abs=0.003)


@given(st.floats(1 + FLOOR, 5), st.floats(0, 30), st.floats(0, 30), st.floats(0, 40), st.floats(0, 40))
def test_an_interval_keeps_its_value_and_has_a_width(
    factor: float, below: float, above: float, least_below: float, least_above: float
) -> None:
    value, low, high = Widening(2, factor, least_below, least_above).applied(
        (120.0, 120.0 - below, 120.0 + above)
    )
    assert value == 120.0
    assert low <= 120.0 - (1 + FLOOR) * below + 1e-9
    assert high >= 120.0 + (1 + FLOOR) * above - 1e-9
    assert high - low >= max(least_below + least_above - 1e-9, 0.0)


# ---- following a reference


def given_estimate(age_s: float | None = 10.0, half: float = 6.0) -> Estimate:
    made = abstain_all("starting", personalisation_age_s=age_s)
    values = {"SBP": 120.0, "MAP": 90.0, "DBP": 75.0}
    shown = {p: ParameterEstimate(v, v - half, v + half) for p, v in values.items()}
    return replace(made, parameters={**made.parameters, **shown})


def stream(tracking: Tracking, begin_s: int, end_s: int, sbp: float, age_s: float | None = 10.0) -> None:
    """One beat and one window a second, as the pipeline hands them over."""
    for t in range(begin_s, end_s):
        tracking.beat(T0_NS + t * SECOND_NS, beat(sbp))
        at_ns = T0_NS + (t + 1) * SECOND_NS
        tracking.widenings(at_ns, personal=age_s is not None, expiry_s=EXPIRY_S)
        tracking.shown(at_ns, given_estimate(age_s))


def calibrated() -> Tracking:
    tracking = Tracking()
    tracking.reset(valid=True)
    return tracking


def at(tracking: Tracking, t_s: float, *, personal: bool = True) -> dict[str, Widening]:
    return tracking.widenings(T0_NS + round(t_s * SECOND_NS), personal=personal, expiry_s=EXPIRY_S)


def test_hits_narrow_and_misses_widen_one_step_every_five_seconds() -> None:
    tracking = calibrated()
    stream(tracking, 0, 70, 120.0)
    n = (70 - 10 - SETTLE_S) // STEP_S + 1
    assert {p: w.factor for p, w in at(tracking, 70).items()} == dict.fromkeys(
        PRESSURES, pytest.approx(1 - n * GAMMA * ALPHA)
    )
    missing = calibrated()
    stream(missing, 0, 70, 127.0)  # of all three: the beat has 97 and 82 of MAP and DBP
    assert at(missing, 70)["SBP"].factor == pytest.approx(1 + n * GAMMA * (1 - ALPHA))


def test_each_pressure_has_its_own_width() -> None:
    tracking = calibrated()
    for t in range(60):
        odd = replace(beat(120.0), map=110.0)
        tracking.beat(T0_NS + t * SECOND_NS, odd)
        at_ns = T0_NS + (t + 1) * SECOND_NS
        tracking.widenings(at_ns, personal=True, expiry_s=EXPIRY_S)
        tracking.shown(at_ns, given_estimate())
    found = at(tracking, 60)
    assert found["MAP"].factor > 1 > found["SBP"].factor == found["DBP"].factor


def test_nothing_is_learned_unless_somebody_saw_the_monitor_calibrate() -> None:
    for tracking in (Tracking(), calibrated()):
        if tracking._valid:
            tracking.reset(valid=False)
        stream(tracking, 0, 60, 140.0)
        assert at(tracking, 60) == {}


def test_a_cuff_alone_teaches_nothing() -> None:
    tracking = calibrated()
    for t in range(1, 600):
        tracking.widenings(T0_NS + t * SECOND_NS, personal=True, expiry_s=EXPIRY_S)
        tracking.shown(T0_NS + t * SECOND_NS, given_estimate(age_s=float(t % 300)))
    assert at(tracking, 600) == {}


def test_a_label_is_used_only_when_its_window_is_over_and_all_its_beats_are_told() -> None:
    tracking = calibrated()
    for t in range(60):
        stream(tracking, t, t + 1, 120.0)
        known = [s.scored_ns for s in tracking.states.values()]
        assert all(ns <= T0_NS + round((t + 1 - SETTLE_S) * SECOND_NS) for ns in known)
    assert known


@given(st.integers(20, 110), st.floats(-60, 60), st.integers(0, 2**32 - 1))
def test_a_label_at_or_after_t_never_changes_the_interval_at_t(t_s: int, by: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    at_s = np.arange(10, 121, 5)
    beats = 120 + rng.normal(0, 6, 120)
    true = np.array([np.median(beats[t - 10 : t]) for t in at_s])
    one = Person(beats, at_s, 120 + rng.normal(0, 4, len(at_s)), true)
    changed = replace(one, beats=np.where(np.arange(120) >= t_s, beats + by, beats))
    before = at_s <= t_s
    for plain, other in zip(
        tracking_cohort.intervals(one, TABLE, anchored=True, tracked=True),
        tracking_cohort.intervals(changed, TABLE, anchored=True, tracked=True),
        strict=True,
    ):
        np.testing.assert_array_equal(plain[before], other[before])


def test_frozen_it_is_never_narrower_than_the_card_nor_than_it_was() -> None:
    wide, calm = calibrated(), calibrated()
    stream(wide, 0, 60, 127.0)
    stream(calm, 0, 60, 120.0)
    at(wide, 70), at(calm, 70)
    table = (120.0, 114.0, 126.0)
    older = (120.0, 112.0, 128.0)
    last_s = max(s.scored_ns for s in wide.states.values()) / 1e9 - T0_NS / 1e9
    live, frozen = (at(wide, last_s + after)["SBP"] for after in (HOLD_S - 1, HOLD_S + 1))
    assert (live.code, frozen.code) == (1, 2)
    assert frozen.applied(table) == live.applied(table)
    assert frozen.applied(older)[2] > live.applied(table)[2], "what the card adds with age is stretched too"
    assert at(calm, last_s + HOLD_S - 1)["SBP"].applied(table)[2] < 126.0
    assert at(calm, last_s + HOLD_S + 1)["SBP"].applied(table) == table
    assert at(wide, last_s + EXPIRY_S - 1)["SBP"].code == 2
    assert at(wide, last_s + EXPIRY_S + 1) == {}


def test_a_recalibration_begins_anew_and_old_windows_are_not_held_against_it() -> None:
    tracking = calibrated()
    stream(tracking, 0, 60, 140.0)
    assert at(tracking, 60)["SBP"].factor > 1
    tracking.reset(valid=True)
    assert at(tracking, 61) == {}
    stream(tracking, 61, 69, 120.0)
    assert at(tracking, 74.5) == {}, "no window that reaches back before it is compared"
    stream(tracking, 75, 90, 120.0)
    assert at(tracking, 90)["SBP"].factor < 1


def test_a_square_wave_stops_the_learning_until_somebody_says_calibrated() -> None:
    tracking = calibrated()
    stream(tracking, 0, 60, 140.0)
    tracking.doubt()
    known = dict(tracking.states)
    stream(tracking, 60, 100, 140.0)
    assert tracking.states == known
    tracking.reset(valid=True)
    stream(tracking, 100, 130, 140.0)
    assert at(tracking, 130)["SBP"].code == 1


def test_windows_that_touch_a_flush_or_a_flat_line_are_not_compared() -> None:
    tracking = calibrated()
    stream(tracking, 0, 60, 120.0)
    newest = tracking.states["SBP"].scored_ns
    tracking.forget()
    stream(tracking, 60, 69, 120.0)
    assert tracking.states["SBP"].scored_ns == newest
    stream(tracking, 69, 90, 120.0)
    assert tracking.states["SBP"].scored_ns > newest


def test_a_correction_of_cold_intervals_is_not_one_of_personal_ones() -> None:
    tracking = calibrated()
    stream(tracking, 0, 60, 140.0, age_s=None)
    assert at(tracking, 60, personal=False)["SBP"].factor > 1
    assert at(tracking, 60, personal=True) == {}
    stream(tracking, 60, 80, 120.0)
    assert at(tracking, 80, personal=True)["SBP"].factor < 1, "it began at the card's own interval"


def test_a_calendar_set_back_begins_anew() -> None:
    tracking = calibrated()
    stream(tracking, 3600, 3660, 140.0)
    assert at(tracking, 100) == {}
    stream(tracking, 100, 130, 120.0)
    assert at(tracking, 130)["SBP"].factor < 1


def test_what_the_reference_says_of_a_window_needs_good_beats_that_fill_it() -> None:
    good = [replace(beat(120.0 + k), hr_per_min=60.0) for k in range(8)]
    found = reference_of(good)
    assert found is not None and (found.sbp, found.map, found.dbp) == (123.5, 93.5, 78.5)
    assert reference_of(good[:6]) is None, "a hole"
    assert reference_of([replace(beat(120.0 + 6 * k)) for k in range(8)]) is None, "unsteady"
    tracking = calibrated()
    for t in range(60):
        tracking.beat(T0_NS + t * SECOND_NS, replace(beat(140.0), quality=0.5))
        tracking.widenings(T0_NS + (t + 1) * SECOND_NS, personal=True, expiry_s=EXPIRY_S)
        tracking.shown(T0_NS + (t + 1) * SECOND_NS, given_estimate())
    assert at(tracking, 60) == {}, "beats of poor quality"


def test_a_small_cohort_is_covered_person_by_person_only_when_tracked() -> None:
    found = tracking_cohort.judge(3, n=12)
    plain, tracked = (
        found[way, "streams"] for way in ("personalised every 5 min", "personalised every 5 min, tracked")
    )
    assert 0.87 <= tracked.mean <= 0.93
    assert tracked.tenth >= 0.85 > plain.tenth
    for name in ("off 0-5 min", "off 5-15 min", "off 15-25 min"):
        card, frozen = (
            found[way, name] for way in ("personalised every 5 min", "personalised every 5 min, tracked")
        )
        assert frozen.width >= card.width
        assert frozen.mean >= card.mean
