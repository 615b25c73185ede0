"""The thread that reads a session for Review: the window asks, goes on drawing, and is told when there is more.

The session is opened, read and closed in this one thread. A new list of wanted tiles replaces the old one, so
nothing is read for a place already left; an answer for a session no longer open carries an older generation
and is discarded by whoever drains.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hemoview.viewmodel.answers import taken
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.facts import FactSource, GapMark, SessionFacts, damage_of, facts_of
from hemoview.viewmodel.review.slots import SlotBlock, SlotKey, summarise
from hemoview.viewmodel.review.tiles import BINS, Tile, TileKey, floor_level
from recorder.errors import RecorderError
from recorder.session.files import why_of

HOLD_S = 0.06
"""Longer than any paint; a lost :meth:`ReviewReader.go_on` costs no more than this."""
TELL_DAMAGE_S = 0.5
IDLE_S = 3.0
"""Nothing was asked for that long: what makes the next opening faster may be written now."""
DAMAGED = "damaged"
"""Cause under which the session reports a file it could not read."""

_log = logging.getLogger(__name__)


class Source(FactSource, Protocol):
    """A readable session; :class:`recorder.session.Session` is one."""

    def read(self, stream_id: str, t0_s: float | None = None, t1_s: float | None = None) -> Any: ...  # noqa: D102
    def overview(self, stream_id: str, t0_s: float, t1_s: float, n_bins: int) -> Any: ...  # noqa: D102
    def refresh(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@runtime_checkable
class Summarising(Protocol):
    """A source that can write down what makes it open faster; :class:`recorder.session.Session` is one."""

    def summarise(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is open, or was refreshed: here are its facts."""

    generation: int
    facts: SessionFacts


@dataclass(frozen=True, slots=True)
class Tiled:
    """A tile that was asked for."""

    generation: int
    tile: Tile


@dataclass(frozen=True, slots=True)
class Summed:
    """Medians that were asked for."""

    generation: int
    block: SlotBlock


Key = TileKey | SlotKey
"""A piece that can be asked for: levels to draw, or medians of an hour."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The session cannot be opened (``key`` None) or one piece of it cannot be read."""

    generation: int
    message: Message
    key: Key | None = None


Answer = Opened | Tiled | Summed | Failed


def _key_of(answer: Answer) -> Key | None:
    if isinstance(answer, Summed):
        return answer.block.key
    return answer.tile.key if isinstance(answer, Tiled) else getattr(answer, "key", None)


class ReviewReader:
    """Opens sessions and loads tiles in a thread of its own.

    Args:
        open_session: :func:`recorder.session.open`.
        notify: called from the thread whenever an answer waits; must return at once.
    """

    def __init__(self, open_session: Callable[[str], Source], notify: Callable[[], None]) -> None:
        self._open_session = open_session
        self._notify = notify
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._path: str | None = None
        self._refresh = False
        self._wanted: list[Key] = []
        self._under_way: set[Key | None] = set()
        self._first: set[Key | None] = set()
        self._generation = 0
        self._closed = False
        self._held_until_s = 0.0
        self._thread = threading.Thread(target=self._run, name="review-reader", daemon=True)
        self._thread.start()

    def open(self, path: str) -> int:
        """Open another session; returns the generation its answers carry."""
        with self._changed:
            self._path, self._wanted, self._refresh = path, [], False
            self._under_way.clear()
            self._first.clear()
            self._generation += 1
            self._changed.notify()
            return self._generation

    def want(self, keys: Sequence[Key], first: Iterable[Key] = ()) -> None:
        """These pieces, in this order, and none of those asked for before.

        Once all of ``first`` are read it holds by itself: they are shown before what may be wanted next is read.
        """
        with self._changed:
            self._first = set(first)
            self._wanted = [key for key in keys if key not in self._under_way]
            self._changed.notify()

    def refresh(self) -> None:
        """Look what a live session has by now; answered with new facts."""
        with self._changed:
            self._refresh = True
            self._changed.notify()

    def hold(self) -> None:
        """Read nothing until :meth:`go_on`, at most :data:`HOLD_S`: two threads of Python only slow each other down
        while a picture is being painted.
        """
        with self._changed:
            self._held_until_s = time.monotonic() + HOLD_S

    def go_on(self) -> None:
        """The picture is painted."""
        with self._changed:
            self._held_until_s = 0.0
            self._changed.notify()

    def drain(self) -> list[Answer]:
        """Everything answered since the last call."""
        found = taken(self._answers)
        with self._changed:
            self._under_way.difference_update(_key_of(answer) for answer in found)
        return found

    def close(self) -> None:
        """End the thread and close the session."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=10.0)

    # Everything below runs in the thread.

    def _run(self) -> None:
        reading = _Reading(self._open_session)
        while True:
            with self._changed:
                waits = IDLE_S if reading.may_summarise else None
                idle = not self._changed.wait_for(self._has_work, waits)
                self._wait_while_held()
                if self._closed:
                    break
                idle = idle and not self._has_work()
                generation, last = self._generation, len(self._wanted) <= 1
                path, self._path = self._path, None
                refresh, self._refresh = self._refresh, False
                key = self._wanted.pop(0) if self._wanted and path is None and not refresh else None
                if key is not None:
                    self._under_way.add(key)
            if idle:
                reading.summarise()
                continue
            answers = reading.answers(generation, path, refresh=refresh, key=key)
            self._hold_after(key)
            self._tell(answers)
            self._tell(reading.found_damage(generation, now=last))
        reading.close()

    def _hold_after(self, key: Key | None) -> None:
        """Before the picture is told: whoever hears of it lets it go on again."""
        with self._changed:
            if key in self._first:
                self._first.discard(key)
                if not self._first:
                    self._held_until_s = time.monotonic() + HOLD_S

    def _wait_while_held(self) -> None:
        while not self._closed and (left_s := self._held_until_s - time.monotonic()) > 0:
            self._changed.wait(left_s)

    def _has_work(self) -> bool:
        return bool(self._closed or self._path is not None or self._refresh or self._wanted)

    def _tell(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            self._answers.put(answer)
        if answers:
            self._notify()


class _Reading:
    """The session that is open now, and the edition of its facts."""

    def __init__(self, open_session: Callable[[str], Source]) -> None:
        self._open_session = open_session
        self._session: Source | None = None
        self._facts: SessionFacts | None = None
        self._told: SessionFacts | None = None
        self._told_s = 0.0
        self.may_summarise = False
        """An open session whose summary nobody has looked after yet."""

    def summarise(self) -> None:
        """Once for a session that was opened."""
        self.may_summarise = False
        source: object = self._session
        if isinstance(source, Summarising):
            with contextlib.suppress(RecorderError, OSError):
                source.summarise()

    def answers(self, generation: int, path: str | None, *, refresh: bool, key: Key | None) -> list[Answer]:
        """Do one piece of work; every failure becomes an answer."""
        try:
            if path is not None:
                return [self._open(generation, path)]
            if self._session is None or self._facts is None:
                return []
            if refresh:
                self._session.refresh()
                self._facts = self._told = facts_of(self._session, self._facts.edition + 1)
                return [Opened(generation, self._facts)]
            return [] if key is None else self._load(generation, self._session, self._facts, key)
        except Exception as error:  # noqa: BLE001 -- a thread that ended would leave the page waiting for ever
            if not isinstance(error, RecorderError | OSError):
                _log.exception("review: a session could not be read")
            return [Failed(generation, _failure(error, key), key)]

    def _load(self, generation: int, session: Source, facts: SessionFacts, key: Key) -> list[Answer]:
        """A piece; a damaged file met on the way goes into the facts, with its stretch as a gap."""
        piece = _piece(generation, session, facts, key)
        damaged = damage_of(session)
        if damaged != facts.damaged:
            read = session.read(key.stream_id, key.t0_s, key.t1_s)
            holes = [
                GapMark(key.stream_id, g.t0_s, g.t1_s, g.cause, g.n_missing, g.detail)
                for g in read.gaps
                if g.cause == DAMAGED
            ]
            gaps = sorted({*facts.gaps, *holes}, key=lambda gap: (gap.t0_s, gap.stream_id))
            self._facts = replace(facts, damaged=damaged, state="damaged", gaps=tuple(gaps))
        return [piece]

    def found_damage(self, generation: int, *, now: bool) -> list[Answer]:
        """Facts again where reading found damaged files; of many at most twice a second, unless all is read ``now``."""
        due = now or time.monotonic() - self._told_s > TELL_DAMAGE_S
        if self._facts is None or self._facts is self._told or not due:
            return []
        self._told, self._told_s = self._facts, time.monotonic()
        return [Opened(generation, self._facts)]

    def _open(self, generation: int, path: str) -> Answer:
        self.close()
        self._session = self._open_session(path)
        self._facts = self._told = facts_of(self._session)
        self.may_summarise = isinstance(self._session, Summarising)
        return Opened(generation, self._facts)

    def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            self._session.close()
        self._session, self._facts = None, None
        self.may_summarise = False


def load_tile(session: Source, facts: SessionFacts, key: TileKey) -> Tile:
    """Read one tile: samples at the floor level, min/max levels above it. The values of a channel lie side by side: a
    picture draws channels, not rows.
    """
    info = facts.stream(key.stream_id)
    exact = key.level <= floor_level(info)
    if exact:
        piece = session.read(key.stream_id, key.t0_s, key.t1_s)
        low = high = np.asarray(piece.values, np.float32, order="F")
        t_s = np.asarray(piece.time_s, dtype=np.float64)
    else:
        piece = session.overview(key.stream_id, key.t0_s, key.t1_s, BINS)
        t_s = np.asarray(piece.t_s, dtype=np.float64)
        low, high = (np.asarray(v, np.float32, order="F") for v in (piece.low, piece.high))
    return Tile(key, t_s, low, high, exact, facts.edition, min(key.t1_s, facts.duration_s))


def load_slots(session: Source, facts: SessionFacts, key: SlotKey) -> SlotBlock:
    """Medians of an hour of a numeric stream."""
    rows = session.read(key.stream_id, key.t0_s, key.t1_s)
    t_s, values = np.asarray(rows.time_s, np.float64), np.asarray(rows.values, np.float32)
    return summarise(key, facts.stream(key.stream_id), t_s, values, min(key.t1_s, facts.duration_s))


def _piece(generation: int, session: Source, facts: SessionFacts, key: Key) -> Tiled | Summed:
    if isinstance(key, SlotKey):
        return Summed(generation, load_slots(session, facts, key))
    return Tiled(generation, load_tile(session, facts, key))


def _failure(error: Exception, key: Key | None) -> Message:
    advice = getattr(error, "advice", "session-damaged")
    if key is None:
        return say("review.open-failed", why=why_of(error), advice=advice)
    return say("review.part-unreadable", stream=key.stream_id, why=why_of(error), advice=advice)
