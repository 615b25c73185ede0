"""Two raters' labels compared: disagreements one after the other, decided into a label set of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hemoview.labels.annotation import Annotation, Deed, LabelFold
from hemoview.labels.raters.adjudicate import (
    Choice,
    Pair,
    adjudicated_set,
    agreed_deeds,
    decided,
    open_pairs,
    pairs_of,
)
from hemoview.labels.raters.book import LabelBook
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.raters import Compared, compare, raters_with_labels
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.label import LabelModel
from hemoview.viewmodel.review.label_reader import LabelReader
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.session.files import why_of


@dataclass(frozen=True, slots=True, eq=False)
class PairView:
    """The comparison as the screen shows it.

    Args:
        on: it is going on.
        a, b: raters.
        agreement: how far they agree; None where nothing can be compared.
        pair: the disagreement in view, the ``place``-th of ``left``.
        n_agreed, n_decided: labels both gave alike, and disagreements decided.
    """

    on: bool = False
    a: str = ""
    b: str = ""
    agreement: Compared | None = None
    pair: Pair | None = None
    place: int = 0
    left: int = 0
    n_agreed: int = 0
    n_decided: int = 0
    note: Message | None = None


class PairModel:
    """The comparison of two raters of the label set that is open."""

    def __init__(self, labels: LabelModel, notify: Callable[[], None], clock: Clock) -> None:
        self._labels = labels
        self._clock = clock
        self._reader = LabelReader(notify)
        self._on = False
        self._raters = ("", "")
        self._book: LabelBook | None = None
        self._pairs: tuple[Pair, ...] = ()
        self._open: tuple[Pair, ...] = ()
        self._place = 0
        self._agreement: Compared | None = None
        self._note: Message | None = None

    @property
    def on(self) -> bool:
        """It is going on: its keys come before those of labelling."""
        return self._on

    @property
    def shown(self) -> frozenset[str]:
        """Raters whose labels are shown side by side; none outside the comparison."""
        return frozenset(self._raters) if self._on else frozenset()

    def switch(self) -> float | None:
        """Begin, or leave. The first disagreement is gone to once the decisions made so far are read."""
        if self._on:
            self.leave()
            return None
        refused = self._refusal()
        if refused is not None:
            self._note = refused
            return None
        fold, folder = self._labels.fold, self._labels.folder
        a, b = sorted(fold.finished & set(raters_with_labels(fold)))[:2]
        where = f"{folder.name if folder else ''}, {self._labels.set_name}"
        try:
            self._agreement = compare(fold, a, b, where)
        except RecorderError as error:
            self._note = say("raters.no-comparison", why=why_of(error))
            return None
        if not self._done():
            return None
        self._raters, self._on, self._note = (a, b), True, say("labels.reading")
        self._pairs = pairs_of(fold, a, b)
        self._open, self._place, self._book = (), 0, None
        if folder is not None:
            self._reader.open(folder, adjudicated_set(self._labels.set_name))
        return None

    def _refusal(self) -> Message | None:
        """Only two who are done are compared, by one of them or by somebody who has nothing left to say."""
        fold, me = self._labels.fold, self._labels.rater
        if not me:
            return say("labels.no-rater")
        if me in raters_with_labels(fold) and me not in fold.finished:
            return say("raters.finish-first")
        done = fold.finished & set(raters_with_labels(fold))
        return None if len(done) > 1 else say("raters.two-needed", n=len(done))

    def _done(self) -> bool:
        """Who has no labels and looks at those of others is done: what is labelled later is on record as not blind."""
        labels = self._labels
        if labels.rater in labels.fold.finished:
            return True
        done = labels.declare(self._author().finish(0.0, labels.duration_s))
        if not done:
            self._note = say("raters.not-kept")
        return done

    def leave(self) -> None:
        """Back to one's own labels."""
        if self._on:
            self._labels.escape()
        self._on, self._pairs, self._open, self._book = False, (), (), None
        self._agreement, self._note = None, None
        self._reader.forget()

    def drain(self) -> bool:
        """Take the decisions made so far; True if there was an answer."""
        outcome = self._reader.drain()
        if outcome is None or not self._on:
            return False
        if not isinstance(outcome, LabelBook):
            self._note = say("labels.unreadable", why=why_of(outcome))
            return True
        self._book = outcome
        self._take_over_agreed()
        self._look_again()
        return True

    def _take_over_agreed(self) -> None:
        """What both gave alike needs no decision."""
        assert self._book is not None
        deeds = agreed_deeds(self._pairs, self._book.fold, self._labels.fold, self._author())
        self._note = None
        if deeds and self._write(*deeds):
            self._note = say("raters.agreed-kept", n=len(deeds))

    def _look_again(self) -> None:
        self._open = open_pairs(self._pairs, self._book.fold if self._book else LabelFold())
        self._place = min(self._place, max(len(self._open) - 1, 0))
        self._mark()

    def _mark(self) -> None:
        """What is to be decided about lies marked across the picture."""
        if self.pair is not None:
            self._labels.choose_stretch(self.pair.t0_s, self.pair.t1_s)

    @property
    def pair(self) -> Pair | None:
        """The disagreement in view."""
        return self._open[self._place] if self._open else None

    def step(self, by: int) -> float | None:
        """To the next or the previous disagreement; where it is."""
        if not self._open:
            self._note = say("raters.none-left")
            return None
        self._place = (self._place + by) % len(self._open)
        self._note = None
        self._mark()
        return self.place_s

    @property
    def place_s(self) -> float | None:
        """Where the disagreement in view is."""
        return self.pair.t0_s if self.pair is not None else None

    def decide(self, choice: Choice, own: Annotation | None = None) -> float | None:
        """A, B, something else or nothing; then the next one."""
        pair = self.pair
        if pair is None or self._book is None:
            self._note = say("raters.none-left")
            return None
        if (choice == "a" and pair.a is None) or (choice == "b" and pair.b is None):
            choice = "neither"  # who said nothing is right: nothing is there
        deed = decided(pair, choice, self._labels.fold, self._author(), own)
        if not self._write(deed):
            return None
        self._look_again()
        self._note = say(f"raters.decided-{choice}", at=elapsed_text(pair.t0_s, 0.1))
        return self.place_s

    def own_of(self, label: str, t0_s: float, t1_s: float, comment: str = "") -> Annotation | None:
        """What somebody says who finds neither right, at the disagreement in view."""
        pair = self.pair
        said = (pair.a or pair.b) if pair is not None else None
        if said is None:
            return None
        end_s = t0_s if said.kind == "instant" else t1_s
        return replace(said, label=label, t0_s=t0_s, t1_s=end_s, comment=comment, rater=self._labels.rater)

    def undo(self) -> float | None:
        """Take back one's last decision; where it was."""
        deed = self._author().undo(self._book.fold) if self._book is not None else None
        if deed is None:
            self._note = say("labels.nothing-to-undo")
            return None
        if not self._write(deed):
            return None
        self._look_again()
        about = self._book.fold.about(deed.undoes or "") if self._book is not None else ()
        again = {told.annotation_id for told in about}
        self._place = next((n for n, p in enumerate(self._open) if p.pair_id in again), self._place)
        self._mark()
        self._note = say("raters.taken-back")
        return self.place_s

    def _author(self) -> Author:
        return Author(self._labels.rater, self._clock.wall_ns)

    def _write(self, *deeds: Deed) -> bool:
        assert self._book is not None
        try:
            self._book.write(deeds)
        except (RecorderError, OSError) as error:
            self._note = say("labels.not-saved", why=why_of(error))
            return False
        return True

    def view(self) -> PairView:
        """The comparison as it stands."""
        if not self._on:
            return PairView(note=self._note)
        agreed = sum(pair.agreed for pair in self._pairs)
        return PairView(
            on=True,
            a=self._raters[0],
            b=self._raters[1],
            agreement=self._agreement,
            pair=self.pair,
            place=self._place + 1 if self._open else 0,
            left=len(self._open),
            n_agreed=agreed,
            n_decided=len(self._pairs) - agreed - len(self._open) if self._book is not None else 0,
            note=self._note,
        )
