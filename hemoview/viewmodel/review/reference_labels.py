"""The labels of the reference in Review: of the window at the cursor, with reasons, and what somebody put right.

They are computed in a process of their own when asked for, so that the picture stays smooth. A correction or an
exclusion is an annotation of the label set ``reference``, with who and why; each can be taken back.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.alignment import REFUSED
from hemoview.labels.annotation import Deed
from hemoview.labels.datasets import build, label_marks
from hemoview.labels.datasets.label_marks import REFERENCE_SET, correction_label, marks_of
from hemoview.labels.datasets.session_windows import SessionWindows, session_windows
from hemoview.labels.raters.book import LabelBook
from hemoview.labels.raters.deeds import Author
from hemoview.labels.reference.windows import VALID, WindowLabels
from hemoview.viewmodel.answers import taken
from hemoview.viewmodel.messages import Message, say
from recorder.errors import ConfigError, RecorderError
from recorder.schema import PARAMETER_UNITS, PARAMETERS

State = Literal["none", "asleep", "working", "refused", "ready"]
Codes = NDArray[np.int8]
NO_LABEL: Final = 0
LABELLED: Final = 1
BY_HAND: Final = 2
"""What is known of a window's systolic pressure: no label, a label, put right by somebody."""
SEEN_S: Final = 1.0
"""A beat or so: from here on the pressure under the cursor is another one than is labelled."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One of the ten.

    Args:
        parameter, unit: which.
        value: None = no label.
        reason: why it is there or not.
        valid: a plain label.
        by_hand: somebody put it right.
    """

    parameter: str
    unit: str
    value: float | None
    reason: Message
    valid: bool
    by_hand: bool


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Every window on the time axis; ``codes`` of :data:`NO_LABEL`, :data:`LABELLED`, :data:`BY_HAND`."""

    t0_s: NDArray[np.float64]
    window_s: float
    codes: Codes


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceView:
    """What the panel shows.

    Args:
        state: what there is.
        said: one line about it.
        window_s: begin and end of the window at the cursor, None = there is none.
        rows: the ten.
        about: calibration age, beats, the reference's own error; a line each.
        notes: who put what right and why.
        ticks: for the strip; None = none.
        may_edit, may_undo: buttons.
        problem: why the last correction was not stored.
    """

    state: State = "none"
    said: Message | None = None
    window_s: tuple[float, float] | None = None
    rows: tuple[LabelRow, ...] = ()
    about: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()
    ticks: Ticks | None = None
    may_edit: bool = False
    may_undo: bool = False
    problem: Message | None = None


class ReferenceLabels:
    """One session at a time.

    Args:
        notify: called from any thread when an answer waits.
        pool: makes the executor.
    """

    def __init__(self, notify: Callable[[], None], pool: Callable[[int], Executor] = build.processes) -> None:
        self._notify, self._make_pool = notify, pool
        self._pool: Executor | None = None
        self._answers: queue.SimpleQueue[tuple[str, SessionWindows]] = queue.SimpleQueue()
        self._path = ""
        self._found: SessionWindows | None = None
        self._working = False
        self._book: LabelBook | None = None
        self._put_right: tuple[WindowLabels, Ticks] | None = None
        self._problem: Message | None = None

    def open(self, path: str) -> None:
        """Another session, or none (empty): what was known of the one before is forgotten."""
        if path != self._path:
            self._path, self._found, self._working = path, None, False
            self._book = self._put_right = self._problem = None

    def ask(self) -> None:
        """Compute the labels of the session; an answer follows."""
        if not self._path or self._working:
            return
        self._working, self._found = True, None
        if self._pool is None:
            self._pool = self._make_pool(1)
        path = self._path
        future = self._pool.submit(session_windows, path)
        future.add_done_callback(lambda done: self._answer(path, done))

    def drain(self) -> bool:
        """Take what was answered; True if anything is to be shown."""
        news = False
        for path, found in taken(self._answers):
            if path == self._path:
                self._found, self._working, news = found, False, True
                self._read_book()
        return news

    def close(self) -> None:
        """End the process; nothing is asked afterwards."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    # ---- putting right

    def correct(self, parameter: str, value: float | None, t_s: float, *, why: str, rater: str) -> bool:
        """Store a value for the window at a moment; None takes the label of this parameter away."""
        return self._store(parameter, value, t_s, why, rater)

    def exclude(self, t_s: float, *, why: str, rater: str) -> bool:
        """Take all ten labels of the window at a moment away."""
        return self._store(None, None, t_s, why, rater)

    def undo(self, rater: str) -> bool:
        """Take back what this person put right last, in this session."""
        book = self._book
        deed = (
            None if book is None or not rater.strip() else Author(rater.strip(), time.time_ns).undo(book.fold)
        )
        return deed is not None and self._write(deed)

    def may_undo(self, rater: str) -> bool:
        """Whether there is something to take back."""
        return self._book is not None and self._book.fold.undo_of(rater.strip()) is not None

    def _store(self, parameter: str | None, value: float | None, t_s: float, why: str, rater: str) -> bool:
        found, window = self._found, self._window(t_s)
        if found is None or window is None or self._book is None:
            return False
        if not why.strip() or not rater.strip():
            self._problem = say("refl.who-and-why")
            return False
        middle_s, half_s = found.t0_s[window] + found.window_s / 2, _step_s(found) / 2
        try:
            label = correction_label(parameter, value)
        except ConfigError:
            self._problem = say("refl.no-number")
            return False
        author = Author(rater.strip(), time.time_ns)
        return self._write(
            author.add("span", middle_s - half_s, middle_s + half_s, label, comment=why.strip())
        )

    def _write(self, deed: Deed) -> bool:
        assert self._book is not None
        try:
            self._book.write([deed])
        except RecorderError as error:
            self._problem = say("refl.not-stored", why=str(error))
            return False
        self._problem, self._put_right = None, None
        return True

    # ---- showing

    def view(self, cursor_s: float, rater: str = "", *, aligned: bool = True) -> ReferenceView:
        """What is shown for a cursor; ``aligned``: the picture draws the pressure where these labels take it from."""
        if not self._path:
            return ReferenceView()
        if self._working:
            return ReferenceView("working", say("refl.working"))
        found = self._found
        if found is None:
            return ReferenceView("asleep", say("refl.asleep"))
        if found.refused:
            return ReferenceView("refused", _refusal(found))
        labels, ticks = self._labels()
        window = self._window(cursor_s)
        undo = self.may_undo(rater)
        if window is None:
            said = say("refl.no-window")
            return ReferenceView("ready", said, ticks=ticks, may_undo=undo, problem=self._problem)
        span = (float(found.t0_s[window]), float(found.t0_s[window]) + found.window_s)
        return ReferenceView(
            "ready",
            None,
            span,
            tuple(_row(labels, window, k) for k in range(len(PARAMETERS))),
            tuple(_about(found, window) + ([] if aligned else _apart(found, window))),
            tuple(self._notes(span)),
            ticks,
            may_edit=self._book is not None,
            may_undo=undo,
            problem=self._problem,
        )

    def _window(self, t_s: float) -> int | None:
        return None if self._found is None else self._found.nearest(t_s)

    def _labels(self) -> tuple[WindowLabels, Ticks]:
        """With what was put right; made once, a moved cursor costs nothing."""
        assert self._found is not None
        if self._put_right is None:
            found = self._found
            plain = WindowLabels(
                found.values,
                found.reasons,
                found.n_beats,
                found.calibration_age_s,
                np.full(len(found.t0_s), np.nan),
                None,
            )
            told = () if self._book is None else self._book.fold.annotations()
            labels = label_marks.corrected(plain, found.span_s, marks_of(told))
            self._put_right = labels, Ticks(found.t0_s, found.window_s, _codes(labels))
        return self._put_right

    def _notes(self, span: tuple[float, float]) -> list[Message]:
        told = () if self._book is None else self._book.fold.annotations()
        middle_s = sum(span) / 2
        return [
            say("refl.note", what=c.label, who=c.rater, why=c.comment)
            for c in told
            if c.t0_s <= middle_s < c.t1_s and label_marks.correction_of(c) is not None
        ]

    def _read_book(self) -> None:
        try:
            self._book, self._problem = LabelBook(Path(self._path), REFERENCE_SET), None
        except RecorderError as error:
            self._book, self._problem = None, say("refl.not-stored", why=str(error))
        self._put_right = None

    def _answer(self, path: str, done: Future[SessionWindows]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        found = done.result() if error is None else SessionWindows(refused="unreadable", why=str(error))
        self._answers.put((path, found))
        self._notify()


def _step_s(found: SessionWindows) -> float:
    """From one window to the next: a correction is of the one window whose middle it surrounds."""
    steps = np.diff(found.t0_s)
    return float(steps.min()) if len(steps) else found.window_s


def _refusal(found: SessionWindows) -> Message:
    if found.refused == "unreadable":
        return say("dataset.bar.unreadable", why=found.why)
    known = found.refused == "never-aligned" or found.refused in REFUSED
    return (
        say(f"dataset.bar.{found.refused}") if known else say("dataset.bar.unsynchronised", why=found.refused)
    )


def _codes(labels: WindowLabels) -> Codes:
    reasons = labels.reasons
    by_hand = np.char.startswith(reasons, label_marks.CORRECTED) | (reasons == label_marks.BY_HAND)
    codes = np.where(np.isfinite(labels.values[:, 0]), LABELLED, NO_LABEL)
    return np.where(by_hand.any(axis=1), BY_HAND, codes).astype(np.int8)


def _row(labels: WindowLabels, window: int, k: int) -> LabelRow:
    value, reason = float(labels.values[window, k]), str(labels.reasons[window, k])
    by_hand = reason.startswith(label_marks.CORRECTED) or reason == label_marks.BY_HAND
    return LabelRow(
        PARAMETERS[k],
        PARAMETER_UNITS[PARAMETERS[k]],
        value if np.isfinite(value) else None,
        reason_message(reason),
        valid=reason == VALID,
        by_hand=by_hand,
    )


def reason_message(reason: str) -> Message:
    """A reason of a label as a screen says it."""
    if reason.startswith(label_marks.CORRECTED):
        return say("refl.why.corrected", who=reason.removeprefix(label_marks.CORRECTED).strip())
    return say(f"refl.why.{reason.replace(' ', '-')}")


def _about(found: SessionWindows, window: int) -> list[Message]:
    age_s = float(found.calibration_age_s[window])
    lines = [say("refl.beats", n=int(found.n_beats[window]))]
    if np.isfinite(age_s):
        lines.append(say("refl.age", minutes=f"{age_s / 60:.0f}"))
    if found.error_mmhg is not None:
        low, high = found.error_mmhg
        lines.append(say("refl.error", kind=found.kind, low=f"{low:.0f}", high=f"{high:.0f}"))
    elif found.kind:
        lines.append(say("refl.kind", kind=found.kind))
    return lines


def _apart(found: SessionWindows, window: int) -> list[Message]:
    """Said where the pressure under the cursor is not the one that is labelled."""
    moved_s = float(found.moved_s[window]) if len(found.moved_s) else 0.0
    return [say("refl.moved", seconds=f"{moved_s:+.1f}")] if abs(moved_s) >= SEEN_S else []


def typed_value(typed: str) -> float | Literal[False] | None:
    """A value as typed: None where nothing is, False where it is no number above 0."""
    said = typed.strip().replace(",", ".")
    if not said:
        return None
    try:
        value = float(said)
    except ValueError:
        return False
    return value if 0 < value < 1e5 else False
