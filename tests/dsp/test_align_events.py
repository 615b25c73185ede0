"""Three taps seen by both devices tell the absolute offset."""

from __future__ import annotations

import numpy as np
import pytest

from hemoview.dsp.align_events import (
    SyncEvent,
    anchor_s,
    beside,
    groups_of_three,
    paired_taps,
    taps_in_motion,
    taps_in_pressure,
)

TAPS_S = np.array([20.0, 20.55, 21.2])


def motion(taps_s: np.ndarray, seconds: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    t = np.arange(0.0, seconds, 1 / 32)
    acc = np.tile([0.0, 0.1, 0.99], (t.size, 1)) + np.random.default_rng(1).normal(0, 0.01, (t.size, 3))
    for tap in taps_s:
        after = t - tap
        acc[:, 2] += np.where(after >= 0, 1.2 * np.exp(-np.abs(after) / 0.03), 0.0)
    return t, acc


def pressure(taps_s: np.ndarray, seconds: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    t = np.arange(0.0, seconds, 1 / 100)
    wave = 90 + 20 * np.sin(2 * np.pi * 1.2 * t) + 8 * np.sin(2 * np.pi * 2.4 * t)
    wave += np.random.default_rng(2).normal(0, 0.1, t.size)
    for tap in taps_s:
        after = t - tap
        wave += np.where((after >= 0) & (after < 0.04), 25.0, 0.0)
    return t, wave


def test_taps_are_found_in_both_and_give_the_offset() -> None:
    felt, seen = taps_in_motion(*motion(TAPS_S + 7.0)), taps_in_pressure(*pressure(TAPS_S))
    assert len(felt) == len(seen) == 1
    events = paired_taps(felt, seen)
    assert anchor_s(events) == pytest.approx(7.0, abs=0.04)
    assert events[0].kind == "taps" and events[0].spread_ms < 60


def test_a_moving_arm_is_no_taps() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(0.0, 60.0, 1 / 32)
    swing = 0.4 * np.sin(2 * np.pi * 1.7 * t)[:, None] * [1.0, 0.3, 0.2] + rng.normal(0, 0.05, (t.size, 3))
    assert taps_in_motion(t, swing) == []
    assert taps_in_pressure(*pressure(np.array([]))) == []


def test_two_or_four_taps_are_none() -> None:
    assert groups_of_three(np.array([5.0, 5.6])) == []
    assert groups_of_three(np.array([5.0, 5.6, 6.2, 6.8])) == []
    assert len(groups_of_three(np.array([1.0, 5.0, 5.6, 6.2, 9.0]))) == 1


def test_taps_that_fit_several_or_contradict_each_other_tell_nothing() -> None:
    even = np.array([0.0, 0.5, 1.0])
    assert paired_taps([even], [even + 10.0, even + 50.0]) == []
    assert anchor_s([SyncEvent("taps", 10.0, 5.0), SyncEvent("taps", 90.0, 80.0)]) is None
    assert anchor_s([]) is None


def test_a_tag_beside_one_marker_is_evidence_and_beside_two_is_not() -> None:
    assert [e.reference_s for e in beside([107.2], [100.0, 300.0], 7.0)] == [100.0]
    assert beside([107.2], [100.0, 100.5], 7.0) == []


def test_nothing_breaks_on_little() -> None:
    assert taps_in_motion(np.zeros(0), np.zeros((0, 3))) == []
    assert taps_in_pressure(np.arange(3.0), np.zeros(3)) == []
