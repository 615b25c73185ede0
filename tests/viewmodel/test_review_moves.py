"""Where Review looks: every move stays inside the session and does what its key says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.moves import Wish

DAY_S = 86_400.0
WISH = Wish(t0_s=1000.0, t1_s=1100.0, cursor_s=1050.0)


@given(
    st.floats(0, DAY_S),
    st.floats(0.5, DAY_S),
    st.sampled_from([0.05, 0.6, 1.0, 3.0]),
    st.floats(-5, 5),
    st.one_of(st.none(), st.floats(0, DAY_S)),
)
def test_no_move_leaves_the_session(
    t0_s: float, span_s: float, factor: float, share: float, anchor_s: float | None
) -> None:
    wish = moves.look_at(Wish(), t0_s, t0_s + span_s, DAY_S)
    for moved in (moves.zoom(wish, factor, DAY_S, anchor_s), moves.pan(wish, share, DAY_S)):
        assert 0.0 <= moved.t0_s < moved.t1_s <= DAY_S * (1 + 1e-12)
        assert moved.span_s >= moves.MIN_SPAN_S * (1 - 1e-9)


def test_zoom_keeps_what_is_under_the_mouse() -> None:
    zoomed = moves.zoom(WISH, 0.5, DAY_S, anchor_s=1020.0)
    assert zoomed.span_s == pytest.approx(50.0)
    before = (1020.0 - WISH.t0_s) / WISH.span_s
    assert (1020.0 - zoomed.t0_s) / zoomed.span_s == pytest.approx(before)


def test_zoom_by_key_holds_the_cursor_in_view_else_the_middle() -> None:
    assert moves.zoom(replace(WISH, cursor_s=1000.0), 0.5, DAY_S).t0_s == pytest.approx(1000.0)
    assert moves.zoom(replace(WISH, cursor_s=5.0), 0.5, DAY_S).t0_s == pytest.approx(1025.0)


def test_a_jump_moves_the_window_only_when_it_must() -> None:
    assert moves.jump(WISH, 1090.0, DAY_S).t0_s == WISH.t0_s
    away = moves.jump(WISH, 5000.0, DAY_S)
    assert away.t0_s < 5000.0 < away.t1_s
    assert away.span_s == pytest.approx(WISH.span_s)


def test_playback_sweeps_then_turns_the_page_and_stops_at_the_end() -> None:
    playing = moves.play_pause(replace(WISH, speed=20.0), DAY_S)
    assert moves.tick(playing, 1.0, DAY_S).cursor_s == pytest.approx(1070.0)
    turned = moves.tick(playing, 3.0, DAY_S)
    assert turned.cursor_s == pytest.approx(1110.0)
    assert turned.t0_s > WISH.t0_s
    assert turned.playing
    ended = moves.tick(replace(playing, cursor_s=DAY_S - 1), 1.0, DAY_S)
    assert (ended.cursor_s, ended.playing) == (DAY_S, False)
    assert moves.play_pause(ended, DAY_S).cursor_s == 0.0


def test_a_paused_cursor_stands_still() -> None:
    assert moves.tick(WISH, 5.0, DAY_S) is WISH


def test_speeds_go_round() -> None:
    speeds = [WISH]
    for _ in moves.SPEEDS:
        speeds.append(moves.next_speed(speeds[-1]))
    assert [w.speed for w in speeds] == [1.0, 5.0, 20.0, 1.0]


def test_next_and_previous_find_only_what_lies_beyond() -> None:
    times = [10.0, 20.0, 30.0]
    assert moves.next_after(times, 20.0) == 30.0
    assert moves.last_before(times, 20.0) == 10.0
    assert moves.next_after(times, 30.0) is None
    assert moves.last_before([], 30.0) is None


def test_an_empty_session_still_has_a_window() -> None:
    wish = moves.fit(Wish(), 0.0)
    assert wish.t1_s > wish.t0_s == 0.0
    assert moves.to_end(wish, 0.0).t0_s == 0.0


@pytest.mark.parametrize(
    ("t_s", "step_s", "words"),
    [(-0.2, 1.0, "0:00:00"), (-0.04, 0.1, "0:00:00.0"), (-0.6, 1.0, "-0:00:01"), (3723.4, 0.1, "1:02:03.4")],
)
def test_a_moment_that_rounds_to_zero_has_no_sign(t_s: float, step_s: float, words: str) -> None:
    assert elapsed_text(t_s, step_s) == words


def test_what_is_sought_can_be_seen_and_what_can_be_seen_stays_where_it_is() -> None:
    day = Wish(0.0, 86_400.0, 1000)
    near = moves.seek(day, 40_000.0, 40_010.0, 86_400.0)
    assert near.cursor_s == 40_000.0 and near.span_s == 60.0 and near.t0_s == 39_985.0
    long = moves.seek(day, 40_000.0, 40_600.0, 86_400.0)
    assert long.span_s == 2_400.0 and long.t0_s <= 40_000.0 and long.t1_s >= 40_600.0
    minute = Wish(0.0, 60.0, 1000)
    assert moves.seek(minute, 30.0, 30.0, 86_400.0) == moves.jump(minute, 30.0, 86_400.0)
    assert moves.seek(day, 0.0, 40_000.0, 86_400.0).span_s == 86_400.0
