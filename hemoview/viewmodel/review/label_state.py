"""The state of labelling: which set, whose labels, what is chosen, where to go next. Pure of any toolkit.

A method that moves to another place of the session returns where, None where nothing moves.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hemoview.labels.annotation import Annotation, AnnotationKind, LabelFold, Suggested, order_of
from hemoview.labels.raters.book import LabelBook
from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.scheme import PULSE, SHIPPED_LABELS, Scheme
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.label_reader import LabelReader, Outcome
from hemoview.viewmodel.review.label_rows import LabelIndex
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.session.annotations import DEFAULT_SET, sets_of
from recorder.session.files import why_of

WINDOWS_S: Final = (5.0, 10.0, 30.0, 60.0)
"""Lengths of the window that a stretch is labelled by where none is chosen; 10 s is what data sets are cut into."""
LEAST_S: Final = 0.05
"""Shortest stretch."""
NEAR_S: Final = 0.3
"""An instant is under the cursor when it is no further away."""
Provenance = Callable[[AnnotationKind, float, float], Suggested | None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelView:
    """Labelling as the screen shows it.

    Args:
        on: label mode.
        ready: the labels are read.
        refused: why nothing can be labelled, None where it can.
        set_name, rater: of the labels; no rater yet: empty.
        scheme: what can be said.
        annotations: the labels shown, in order of time; another tuple only where something changed.
        index: the same, ready to be drawn.
        current: the label that edges, comment and delete are about.
        picked: it was chosen, not just made: a digit changes it.
        stretch: chosen span, elapsed seconds.
        window: what a digit labels where no stretch is chosen.
        proposals: suggestions nobody decided about.
        saved: what is on disk, or why not.
        failed: ``saved`` says that something is not on disk.
        damage: lines of the set that cannot be read.
        note: what the last key did, or why it did nothing.
    """

    on: bool
    ready: bool
    refused: Message | None
    set_name: str
    rater: str
    scheme: Scheme
    annotations: tuple[Annotation, ...]
    index: LabelIndex
    current: Annotation | None
    picked: bool
    stretch: tuple[float, float] | None
    window: tuple[float, float]
    window_s: float
    proposals: tuple[Proposal, ...]
    saved: Message | None
    failed: bool
    damage: Message | None
    note: Message | None
    can_undo: bool
    can_redo: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Labels as they were made ready for a state of the set: those that are shown, and these by span."""

    key: tuple[object, ...] = ()
    edition: int = -1
    shown: tuple[Annotation, ...] = ()
    index: LabelIndex = field(default_factory=lambda: LabelIndex(()))


class LabelState:
    """Labels of the session that is open in Review; what can be done to them is in :mod:`review_label`.

    Args:
        notify: called from another thread when :meth:`drain` has something.
        clock: says when a label was made.
    """

    def __init__(self, notify: Callable[[], None] = lambda: None, clock: Clock | None = None) -> None:
        self._reader = LabelReader(notify)
        self._clock = clock or Clock.from_environment()
        self._folder: Path | None = None
        self._duration_s = 0.0
        self._live = False
        self._set_name = DEFAULT_SET
        self._book: LabelBook | None = None
        self._on = False
        self._rater = ""
        self._current: str | None = None
        self._picked = False
        self._stretch: tuple[float, float] | None = None
        self._window_s = 10.0
        self._proposals: tuple[Proposal, ...] = ()
        self._saved_ns: int | None = None
        self._failure: Message | None = None
        self._note: Message | None = None
        self._shown = _Shown()
        self._open_proposals: tuple[tuple[object, ...], tuple[Proposal, ...]] = ((), ())
        self._others: frozenset[str] = frozenset()
        self.goes_on = False
        """After a label on a window the cursor goes to the next one."""
        self.unsuggested: Message | None = None
        """Why nothing is suggested to this rater; None where it is."""
        self.provenance: Provenance = self._seen_there
        """What a machine proposed where a label is made; who shows suggestions may know better."""

    # what is open

    def open(self, facts: SessionFacts | None) -> None:
        """The session of the page: another one is read, the same one looked at again."""
        folder = None if facts is None else Path(facts.path)
        self._duration_s = facts.duration_s if facts is not None else 0.0
        self._live = facts is not None and facts.live
        if folder != self._folder:
            self._folder = folder
            self._set_name = DEFAULT_SET
            self._begin()

    def use_set(self, name: str) -> None:
        """Another label set of the session."""
        if name != self._set_name:
            self._set_name = name
            self._begin()

    def sets(self) -> tuple[str, ...]:
        """Label sets of the session, the one that is open first."""
        known = sets_of(self._folder) if self._folder is not None else ()
        return tuple(dict.fromkeys((self._set_name, *known)))

    def catch_up(self) -> bool:
        """Lines that another window wrote meanwhile; True if there were any."""
        try:
            return self._book is not None and self._book.catch_up()
        except (RecorderError, OSError) as error:
            self._failure = say("labels.unreadable", why=why_of(error))
            return True

    def _begin(self) -> None:
        self._book, self._current, self._picked, self._stretch = None, None, False, None
        self._proposals, self._saved_ns, self._failure, self._note = (), None, None, None
        self._others = frozenset()
        self._reader.forget()
        if self._folder is not None:
            self._reader.open(self._folder, self._set_name)

    def drain(self) -> bool:
        """Take what was read; True if there was anything."""
        outcome = self._reader.drain()
        if outcome is None:
            return False
        self.take(outcome)
        return True

    def take(self, outcome: Outcome) -> None:
        """A label set that was read, or why it was not."""
        if isinstance(outcome, LabelBook):
            self._book = outcome
        else:
            self._failure = say("labels.unreadable", why=why_of(outcome))

    # what is shown

    @property
    def on(self) -> bool:
        """Label mode."""
        return self._on

    @property
    def rater(self) -> str:
        """Operator code of who labels; empty: not known yet."""
        return self._rater

    @property
    def fold(self) -> LabelFold:
        """All lines of the set, as they stand."""
        return self._book.fold if self._book is not None else LabelFold()

    @property
    def scheme(self) -> Scheme:
        """What can be labelled."""
        return self._book.scheme if self._book is not None else PULSE

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Suggestions of this session that this rater has not decided about."""
        fold = self.fold
        key = (self._proposals, fold.edition, self._rater, id(self._book))
        if self._open_proposals[0] != key:
            left = tuple(p for p in self._proposals if not fold.decided(self._rater, p.proposal_id))
            self._open_proposals = (key, left)
        return self._open_proposals[1]

    @property
    def current(self) -> Annotation | None:
        """The label that edges, comment and delete are about."""
        return self.fold.get(self._rater, self._current) if self._current else None

    def view(self, cursor_s: float) -> LabelView:
        """Labelling as it stands, with the cursor at a moment."""
        labels, fold, current = self._labels(), self.fold, self.current
        return LabelView(
            on=self._on,
            ready=self._book is not None,
            refused=self._refusal(),
            set_name=self._set_name,
            rater=self._rater,
            scheme=self.scheme,
            annotations=labels.shown,
            index=labels.index,
            current=current,
            picked=self._picked and current is not None,
            stretch=self._stretch,
            window=self.window_at(cursor_s),
            window_s=self._window_s,
            proposals=self.proposals,
            saved=self._saved_text(len(self._mine())),
            failed=self._failure is not None,
            damage=self._damage(),
            note=self._note,
            can_undo=self._may_write() and fold.undo_of(self._rater) is not None,
            can_redo=self._may_write() and fold.redo_of(self._rater) is not None,
        )

    def window_at(self, t_s: float) -> tuple[float, float]:
        """The window that a moment lies in, cut at the end of the session; too short a rest has none of its own."""
        start = min(max(t_s, 0.0), self._last_s) // self._window_s * self._window_s
        return start, min(start + self._window_s, self._duration_s)

    @property
    def _last_s(self) -> float:
        return max(self._duration_s - LEAST_S, 0.0)

    def _labels(self) -> _Shown:
        """Made anew only where a line was added or somebody else is shown; a line or two change what was made."""
        fold = self.fold
        key = (id(self._book), self._rater, self._others)
        if self._shown.key != key:
            every = fold.annotations()
            shown = tuple(a for a in every if a.rater == self._rater or a.rater in self._others)
            self._shown = _Shown(key, fold.edition, shown, LabelIndex(shown))
        elif self._shown.edition != fold.edition:
            self._shown = self._followed(self._shown, fold)
        return self._shown

    def _followed(self, shown: _Shown, fold: LabelFold) -> _Shown:
        changes = fold.changes_since(shown.edition)
        if changes is None:
            self._shown = _Shown()
            return self._labels()
        labels, index = list(shown.shown), shown.index
        seen = {self._rater, *self._others}
        for before, after in changes:
            if (before or after) is None or (before or after).rater not in seen:  # type: ignore[union-attr]
                continue
            if before is not None:
                del labels[bisect.bisect_left(labels, order_of(before), key=order_of)]
            if after is not None:
                bisect.insort(labels, after, key=order_of)
            index = index.changed(before, after)
        return _Shown(shown.key, fold.edition, tuple(labels), index)

    def _mine(self) -> tuple[Annotation, ...]:
        shown = self._labels().shown
        return shown if not self._others else tuple(a for a in shown if a.rater == self._rater)

    def _refusal(self, *, finished: bool = False) -> Message | None:
        """``finished``: who is done may all the same."""
        if self._live:
            return say("labels.live")
        if self._book is not None and self._duration_s < LEAST_S:
            return say("labels.no-length")
        if not self._rater:
            return say("labels.no-rater")
        done = not finished and self._rater in self.fold.finished
        return say("raters.is-finished") if done else None

    def _may_write(self) -> bool:
        return self._book is not None and self._refusal() is None

    def _saved_text(self, n_labels: int) -> Message | None:
        if self._failure is not None:
            return self._failure
        if self._book is None or not self._rater:
            return None
        if self._saved_ns is None:
            return say("labels.on-disk", n=n_labels, set=self._set_name)
        return say("labels.saved", time=f"{_here(self._saved_ns):%H:%M:%S}", n=n_labels, set=self._set_name)

    def _damage(self) -> Message | None:
        lines = self._book.damaged if self._book is not None else ()
        return say("labels.damaged", n=len(lines), first=lines[0]) if lines else None

    # choices

    def switch(self) -> None:
        """Label mode on or off."""
        self._on = not self._on
        self._note = None
        self._stretch = None
        self._current, self._picked = None, False

    def use_rater(self, rater: str) -> None:
        """Who labels from now on; nobody else's labels are shown."""
        rater = rater.strip()
        if rater != self._rater:
            self._rater, self._others = rater, frozenset()
            self._current, self._picked, self._note, self._saved_ns = None, False, None, None

    def show_raters(self, raters: frozenset[str]) -> None:
        """Labels of these raters beside one's own; none: blind."""
        self._others = raters - {self._rater}

    def use_window(self, window_s: float) -> None:
        """Length of the window that a digit labels."""
        if window_s in WINDOWS_S:
            self._window_s, self._stretch = window_s, None

    def propose(self, proposals: Sequence[Proposal]) -> None:
        """Suggestions that are on the screen from now on."""
        self._proposals = tuple(sorted(proposals, key=lambda p: (p.t0_s, p.t1_s, p.proposal_id)))

    def choose_stretch(self, t0_s: float, t1_s: float) -> None:
        """A span for the next label."""
        start, end = sorted((self._inside(t0_s), self._inside(t1_s)))
        self._stretch = (start, end) if end - start >= LEAST_S else None
        self._current, self._picked, self._note = None, False, None

    def pick(self, rater: str, annotation_id: str) -> float | None:
        """Choose a label: the next digit changes it. Another rater's can be looked at, not changed."""
        found = self.fold.get(rater, annotation_id)
        if found is None:
            return None
        mine = rater == self._rater
        self._current, self._picked = (annotation_id, True) if mine else (None, False)
        self._stretch = None
        self._note = None if mine else say("labels.not-mine", rater=rater)
        return found.t0_s

    def moved(self) -> None:
        """The cursor was set elsewhere: what was chosen is chosen no longer."""
        self._current, self._picked, self._note = None, False, None

    def escape(self) -> bool:
        """Drop what is chosen; False where nothing is."""
        held = self._stretch is not None or self._current is not None
        self._stretch, self._current, self._picked, self._note = None, None, False, None
        return held

    # where to go

    def next_window(self, cursor_s: float, *, back: bool = False) -> float | None:
        """Start of the next window."""
        start, _ = self.window_at(cursor_s)
        target = start + (-self._window_s if back else self._window_s)
        self.moved()
        self._stretch = None
        return target if 0 <= target <= self._last_s else None

    def next_label(self, cursor_s: float, *, back: bool = False) -> float | None:
        """Choose the next label, seen from the chosen one or from the cursor."""
        mine, current = self._mine(), self.current
        here = order_of(current) if current is not None else (cursor_s, -math.inf, "", "")
        at = bisect.bisect_left(mine, here, key=order_of)
        at += -1 if back else int(current is not None)
        if not 0 <= at < len(mine):
            self._note = say("labels.no-earlier" if back else "labels.no-later")
            return None
        return self.pick(self._rater, mine[at].annotation_id)

    # parts

    def _inside(self, t_s: float) -> float:
        return min(max(t_s, 0.0), self._duration_s)

    def _seen_there(self, kind: AnnotationKind, t0_s: float, t1_s: float) -> Suggested | None:
        """A suggestion of this kind that was on the screen where the label is."""
        there = [
            p
            for p in self._proposals
            if p.kind == kind and p.t0_s <= t1_s + NEAR_S and p.t1_s >= t0_s - NEAR_S
        ]
        return Suggested(there[0].source, there[0].model_sha256) if there else None


def name_of(label: str, scheme: Scheme | None = None) -> Message | str:
    """What a label is called: as somebody typed it, in the words of the screen where it was shipped, else as stored."""
    choice = scheme.of(label) if scheme is not None else None
    if choice is not None and choice.name:
        return choice.name
    return say(f"labels.name.{label}") if label in SHIPPED_LABELS else label


def _here(wall_ns: int) -> datetime:
    """By the clock on the wall of whoever labels."""
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone()
