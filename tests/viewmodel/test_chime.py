"""The technical chime: once for what is new, once a minute while it lasts, never for nothing."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.live.chime import AGAIN_S, APART_S, Chime
from hemoview.viewmodel.live.record_view import Banner
from hemoview.viewmodel.messages import say


def banner(key: str, level: str = "danger") -> Banner:
    return Banner(key, level, say("warning", value=key))  # type: ignore[arg-type]


def run(seen: list[tuple[float, list[Banner]]], *, recording: bool = True) -> list[float]:
    chime, sounded = Chime(), []
    for now_s, banners in seen:
        chime, due = chime.look(banners, now_s, recording=recording)
        if due:
            sounded.append(now_s)
    return sounded


def test_new_trouble_chimes_once_then_once_a_minute() -> None:
    seen = [(t * 0.25, [banner("link-e4")]) for t in range(4 * 130)]
    assert run(seen) == [0.0, AGAIN_S, 2 * AGAIN_S]


def test_lesser_lines_and_times_without_a_recording_are_quiet() -> None:
    assert run([(0.0, [banner("disk", "warn"), banner("x", "info")])]) == []
    assert run([(0.0, [banner("link-e4")])], recording=False) == []


def test_what_came_too_soon_after_another_is_not_forgotten() -> None:
    both = [banner("link-e4"), banner("link-adc")]
    sounded = run([(0.0, both[:1]), (1.0, both), (2.0, both), (APART_S + 0.5, both)])
    assert sounded == [0.0, APART_S + 0.5]


def test_trouble_that_returns_chimes_again() -> None:
    assert run([(0.0, [banner("a")]), (10.0, []), (20.0, [banner("a")])]) == [0.0, 20.0]


@given(
    st.lists(
        st.tuples(st.floats(0, 600), st.sets(st.sampled_from(["a", "b", "c"]))).map(
            lambda x: (x[0], [banner(k) for k in sorted(x[1])])
        ),
        max_size=80,
    )
)
def test_never_two_within_three_seconds_and_never_without_trouble(
    seen: list[tuple[float, list[Banner]]],
) -> None:
    seen.sort(key=lambda entry: entry[0])
    sounded = run(seen)
    assert all(b - a >= APART_S for a, b in pairwise(sounded))
    assert all(any(t == at and banners for t, banners in seen) for at in sounded)
