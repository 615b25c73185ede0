"""Where Review looks and how it moves: pure functions from one wish to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

SPEEDS = (1.0, 5.0, 20.0)
MIN_SPAN_S = 0.5
PAN_STEP = 0.1
ZOOM_STEP = 0.6
_LEAD = 0.05
"""Share of the window left of a mark that was jumped to, and of the cursor after the page has turned."""
_SEEN, _NEAR_S, _ROOM, _BEFORE = 0.02, 60.0, 4.0, 0.25
"""Of :func:`seek`: the least share of the window that can be looked at; else the window is at least so long and so
many times the stretch; the share of it that lies before."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks to see.

    Args:
        t0_s, t1_s: visible span, elapsed seconds.
        width_px: width of the picture's time axis.
        panels: ids of the chosen panels.
        cursor_s: playback cursor.
        playing: the cursor runs.
        speed: times real time.
        follow: a live session's end stays in view.
    """

    t0_s: float = 0.0
    t1_s: float = 60.0
    width_px: int = 1000
    panels: frozenset[str] = frozenset()
    cursor_s: float = 0.0
    playing: bool = False
    speed: float = 1.0
    follow: bool = False

    @property
    def span_s(self) -> float:
        """Length of the visible span, seconds."""
        return self.t1_s - self.t0_s


def look_at(wish: Wish, t0_s: float, t1_s: float, duration_s: float) -> Wish:
    """Show a span, moved and cut to lie inside the session."""
    whole = max(duration_s, MIN_SPAN_S)
    span = min(max(t1_s - t0_s, MIN_SPAN_S), whole)
    start = min(max(t0_s, 0.0), whole - span)
    return replace(wish, t0_s=start, t1_s=start + span, follow=False)


def fit(wish: Wish, duration_s: float) -> Wish:
    """Show the whole session."""
    return look_at(wish, 0.0, duration_s, duration_s)


def pan(wish: Wish, share: float, duration_s: float) -> Wish:
    """Move the window by a share of its own width; right is positive."""
    shift = share * wish.span_s
    return look_at(wish, wish.t0_s + shift, wish.t1_s + shift, duration_s)


def zoom(wish: Wish, factor: float, duration_s: float, anchor_s: float | None = None) -> Wish:
    """Scale the window by ``factor`` (below 1: closer); ``anchor_s`` stays where it is on the screen.

    Without an anchor the cursor is held if it is in view, else the middle.
    """
    if anchor_s is None:
        inside = wish.t0_s <= wish.cursor_s <= wish.t1_s
        anchor_s = wish.cursor_s if inside else (wish.t0_s + wish.t1_s) / 2
    span = min(max(wish.span_s * factor, MIN_SPAN_S), max(duration_s, MIN_SPAN_S))
    start = anchor_s - (anchor_s - wish.t0_s) * span / wish.span_s
    return look_at(wish, start, start + span, duration_s)


def to_start(wish: Wish, duration_s: float) -> Wish:
    """Window and cursor to the start."""
    return replace(look_at(wish, 0.0, wish.span_s, duration_s), cursor_s=0.0)


def to_end(wish: Wish, duration_s: float) -> Wish:
    """Window and cursor to the end."""
    return replace(look_at(wish, duration_s - wish.span_s, duration_s, duration_s), cursor_s=duration_s)


def jump(wish: Wish, t_s: float, duration_s: float) -> Wish:
    """Cursor to a moment; the window follows only if the moment is out of view."""
    t_s = min(max(t_s, 0.0), duration_s)
    moved = replace(wish, cursor_s=t_s)
    if wish.t0_s <= t_s < wish.t1_s or (t_s == wish.t1_s == duration_s):
        return moved
    start = t_s - _LEAD * wish.span_s
    return look_at(moved, start, start + wish.span_s, duration_s)


def seek(wish: Wish, t0_s: float, t1_s: float, duration_s: float) -> Wish:
    """Cursor to the begin of a stretch, near enough to see what is in it: a second of a day is less than a dot."""
    moved = jump(wish, t0_s, duration_s)
    if t1_s - t0_s >= _SEEN * wish.span_s or wish.span_s <= _NEAR_S:
        return moved
    span = max(_NEAR_S, (t1_s - t0_s) * _ROOM)
    return look_at(moved, t0_s - _BEFORE * span, t0_s + (1 - _BEFORE) * span, duration_s)


def next_after(times_s: Iterable[float], t_s: float) -> float | None:
    """The first moment after ``t_s``, None if there is none."""
    return min((t for t in times_s if t > t_s + 1e-6), default=None)


def last_before(times_s: Iterable[float], t_s: float) -> float | None:
    """The last moment before ``t_s``, None if there is none."""
    return max((t for t in times_s if t < t_s - 1e-6), default=None)


def play_pause(wish: Wish, duration_s: float) -> Wish:
    """Start or stop the cursor; at the end it starts over."""
    if wish.playing:
        return replace(wish, playing=False)
    start = (
        jump(wish, 0.0, duration_s) if wish.cursor_s >= duration_s else jump(wish, wish.cursor_s, duration_s)
    )
    return replace(start, playing=True)


def next_speed(wish: Wish) -> Wish:
    """The next playback speed, round and round."""
    place = SPEEDS.index(wish.speed) if wish.speed in SPEEDS else -1
    return replace(wish, speed=SPEEDS[(place + 1) % len(SPEEDS)])


def tick(wish: Wish, elapsed_s: float, duration_s: float) -> Wish:
    """Let playback run for ``elapsed_s`` of real time: the cursor sweeps, the page turns, the end stops it."""
    if not wish.playing:
        return wish
    cursor = wish.cursor_s + elapsed_s * wish.speed
    if cursor >= duration_s:
        return replace(jump(wish, duration_s, duration_s), playing=False)
    return jump(wish, cursor, duration_s)


def follow_end(wish: Wish, duration_s: float) -> Wish:
    """Keep the end of a live session in view, a little room left for what comes."""
    start = max(0.0, duration_s - wish.span_s)
    return replace(wish, t0_s=start, t1_s=start + wish.span_s, cursor_s=duration_s, follow=True)
