"""Beats of both devices, residuals, and the page on the pulse's time axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from align_rig import PIECES
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.review.align_beats import CLOSE_S, beats_around, pairs, residuals
from hemoview.viewmodel.review.facts import GapMark, SessionFacts
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.shift import TimeShift, placed_span, reference_streams


@given(st.lists(st.floats(0, 50), max_size=40), st.lists(st.floats(0, 50), max_size=40))
def test_a_pair_is_each_others_nearest_and_nobody_has_two(one: list[float], other: list[float]) -> None:
    a, b = np.unique(one), np.unique(other)
    here, there = pairs(a, b)
    assert len(set(here.tolist())) == len(here) == len(set(there.tolist()))
    for i, j in zip(here.tolist(), there.tolist(), strict=True):
        assert abs(a[i] - b[j]) == np.abs(a[i] - b).min() == np.abs(a - b[j]).min()


def test_lone_beats_are_told_from_pairs() -> None:
    pulse, pressure = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.02, 3.2, 4.0])
    picture = beats_around(pulse, pressure, 2.5)
    assert picture.pulse.matched.tolist() == [True, False, False, True]
    assert picture.pressure.matched.tolist() == [True, False, True]
    assert picture.joins.tolist() == [[1.0, 1.02], [4.0, 4.0]]


def test_residuals_of_a_day_are_as_few_as_can_be_drawn() -> None:
    pulse = np.arange(0, 86_400, 0.8)
    found = residuals(pulse, pulse + 0.02, duration_s=86_400)
    assert 10_000 < len(found.t_s) <= 20_000
    assert np.allclose(found.ms, -20)
    assert found.within_ms == 1000 * CLOSE_S
    empty = residuals(np.empty(0), pulse, duration_s=0)
    assert (len(empty.t_s), empty.duration_s) == (0, 1.0)


def test_a_view_is_filled_from_where_the_reference_is_stored() -> None:
    shift = TimeShift(3, frozenset({"adc.wave"}), PIECES)
    wish = Wish(100.0, 120.0, cursor_s=110.0)
    assert shift.wish_for("e4.bvp", wish) is wish
    there = shift.wish_for("adc.wave", wish)
    assert there is not None
    assert (there.t0_s, there.t1_s) == (pytest.approx(98.0, abs=0.01), pytest.approx(118.0, abs=0.01))
    assert shift.moment_s("adc.wave", 110.0) == pytest.approx(108.0, abs=0.01)
    assert shift.moment_s("e4.bvp", 110.0) == 110.0
    assert shift.moment_s("adc.wave", 302.0) is None
    assert shift.wish_for("adc.wave", Wish(700.0, 720.0)) is None
    whole = shift.wish_for("adc.wave", Wish(0.0, 700.0))
    assert whole is not None
    assert whole.t0_s < 1.0
    assert whole.t1_s > 599.9


def test_a_gap_between_two_pieces_is_drawn_between_them() -> None:
    t0_s, t1_s = placed_span(PIECES, 291.0, 309.0)
    assert (t0_s, t1_s) == (pytest.approx(293.0, abs=0.01), pytest.approx(311.5, abs=0.01))
    shift = TimeShift(1, frozenset({"adc.wave"}), PIECES)
    assert shift.gap(GapMark("e4.bvp", 5.0, 6.0, "silent")).t0_s == 5.0
    assert shift.gap(GapMark("adc.wave", 5.0, 6.0, "silent")).t0_s == pytest.approx(7.0, abs=0.001)


def test_streams_of_the_reference_are_those_of_its_device_and_its_beats(facts: SessionFacts) -> None:
    assert reference_streams(facts.streams) == {"adc.wave", "edge.beats_abp"}
    one_clock = tuple(replace(s, device_id="wfdb") for s in facts.streams)
    assert reference_streams(one_clock) == {"adc.wave", "edge.beats_abp"}
