"""Suggestions, and two raters who do not see each other: what is switched on, who is done, what they disagree about.

Pure of any toolkit. A method that moves to another place of the session returns where, None where nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hemoview.labels.annotation import Suggested
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.raters import may_see
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review import raters_choice as choice
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.label import LabelModel
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.raters_pairs import PairModel, PairView
from hemoview.viewmodel.review.raters_reader import SuggestionReader
from hemoview.viewmodel.review.raters_seen import Seen, seen_of
from recorder.clock import Clock
from recorder.schema.labelling import AnnotationKind


@dataclass(frozen=True, slots=True)
class RaterLine:
    """A rater of the set: his code, whether he is done, whether it is oneself."""

    rater: str
    finished: bool
    me: bool


@dataclass(frozen=True, slots=True, eq=False)
class RaterView:
    """The tab as the screen shows it.

    Args:
        suggesting: suggestions are on for this rater.
        hidden: the label scheme hides suggestions from everybody.
        progress: how far looking for them has come, or what failed.
        share: 0 to 1, None where nothing runs.
        left: suggestions in the session, and in view, that nobody decided about.
        raters: who has labels in the set.
        blind: why the others' labels are not shown; None where they are.
        finished: this rater is done.
        pairs: the comparison.
    """

    on: bool
    rater: str
    suggesting: bool
    hidden: bool
    progress: Message | None
    share: float | None
    left: tuple[int, int]
    raters: tuple[RaterLine, ...]
    blind: Message | None
    finished: bool
    note: Message | None
    pairs: PairView


class RaterModel:
    """Beside the labels of the session that is open in Review.

    Args:
        labels: the labels of the page; their suggestions and their provenance are set from here.
        notify: called from another thread when :meth:`drain` has something.
    """

    def __init__(
        self,
        labels: LabelModel,
        notify: Callable[[], None] = lambda: None,
        reader: SuggestionReader | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._labels = labels
        self._reader = reader or SuggestionReader(notify)
        self._clock = clock or Clock.from_environment()
        self.pairs = PairModel(labels, notify, self._clock)
        self._path = ""
        self._rater = ""
        self._suggesting = False
        self._asked = False
        self._proposals: list[Proposal] = []
        self._done = self._total = 0
        self._why = ""
        self._note: Message | None = None
        self._seen = Seen()
        self._proposed_for: tuple[object, ...] = ()
        labels.provenance = self._provenance

    # what is open

    def show(self, view: ReviewView) -> None:
        """Follow the page, before the labels are shown."""
        path = view.facts.path if view.facts is not None else ""
        if path != self._path:
            self._path = path
            self._forget()
            self.pairs.leave()
        if self._labels.rater != self._rater or not path:
            self._rater = self._labels.rater
            self._note = None
            place = choice.place_of(Path(path)) if path else None
            self._suggesting = bool(place and self._rater and choice.suggests_to(place, self._rater))
        self._ask(view.wish.cursor_s)
        self._labels.show_raters(self.pairs.shown or may_see(self._labels.fold, self._rater))
        drawn = self._labels.proposals if self._labels.on and self._shows() else ()
        self._seen = seen_of(view, drawn)

    def hold(self) -> None:
        """The picture moves."""
        self._reader.hold()

    def close(self) -> None:
        """The page is not used any more."""
        self._reader.stop()

    def drain(self) -> bool:
        """Take what was found; True if there was anything."""
        found = self._reader.drain()
        for one in found:
            self._done, self._total, self._why = one.done, one.total, one.why
            self._proposals += one.proposals
        if found:
            self._propose()
        return self.pairs.drain() or bool(found)

    def _forget(self) -> None:
        self._reader.stop()
        self._asked, self._proposals, self._done, self._total, self._why = False, [], 0, 0, ""
        self._propose()

    def _ask(self, cursor_s: float) -> None:
        """Look for suggestions once they are wanted, once a session."""
        wanted = self._labels.on and self._shows() and bool(self._path)
        if wanted and not self._asked:
            self._asked = True
            self._reader.start(self._path, cursor_s)
        if self._proposed_for != self._state():
            self._propose()

    def _state(self) -> tuple[object, ...]:
        """What suggestions are shown for."""
        return self._shows(), self._labels.scheme, len(self._proposals), self._labels.folder

    def _shows(self) -> bool:
        return self._suggesting and not self._labels.scheme.hide_suggestions

    def _propose(self) -> None:
        """Only what the scheme can say, and only where this rater wants suggestions."""
        known = {(c.kind, c.label) for c in self._labels.scheme.labels}
        shown = [p for p in self._proposals if (p.kind, p.label) in known] if self._shows() else []
        why = "raters.hidden" if self._labels.scheme.hide_suggestions else "raters.switch-on-first"
        self._labels.unsuggested = None if self._shows() else say(why)
        self._labels.propose(shown)
        self._proposed_for = self._state()

    def _provenance(self, kind: AnnotationKind, t0_s: float, t1_s: float) -> Suggested | None:
        return self._seen.at(kind, t0_s, t1_s)

    # what can be done

    def switch_suggestions(self) -> None:
        """On or off for this rater, from now on and the next time."""
        if not self._rater:
            self._note = say("labels.no-rater")
            return
        if self._labels.scheme.hide_suggestions:
            self._note = say("raters.hidden")
            return
        self._suggesting = not self._suggesting
        choice.remember(choice.place_of(Path(self._path)), self._rater, on=self._suggesting)
        self._note = say("raters.suggesting" if self._suggesting else "raters.not-suggesting")
        if self._suggesting:
            self._propose()
        else:
            self._forget()  # looking for them ends too

    def accept_all(self) -> None:
        """Take over every suggestion in view, as one deed."""
        n = self._labels.accept_all(self._seen.t0_s, self._seen.t1_s) if self._shows() else 0
        if self._shows():
            self._note = say("raters.accepted-all", n=n) if n else say("raters.none-in-view")
        else:
            self._note = say("raters.switch-on-first")

    def hide_suggestions(self, *, hide: bool) -> None:
        """The scheme of the set hides suggestions from everybody, or not."""
        self._labels.hide_suggestions(hide=hide)
        self._propose()

    def finish(self, span: tuple[float, float] | None = None) -> None:
        """Declare one's labels finished, having looked at a span or at all of it; done already: open them again."""
        fold = self._labels.fold
        author = Author(self._rater, self._clock.wall_ns)
        if self._rater in fold.finished:
            done = self._labels.declare(author.reopen())
            self._note = say("raters.reopened") if done else None
            return
        t0_s, t1_s = span or (0.0, self._labels.duration_s)
        if self._labels.declare(author.finish(t0_s, t1_s)):
            ends = say("raters.span", start=elapsed_text(t0_s), end=elapsed_text(t1_s))
            self._note = say("raters.finished", span=ends)

    def compare(self) -> float | None:
        """Go through the disagreements of two raters who are done, or leave that."""
        self._note = None
        return self.pairs.switch()

    # what is shown

    def view(self) -> RaterView:
        """The tab as it stands."""
        labels, seen = self._labels, self._seen
        fold, shows = labels.fold, self._shows()
        open_now = labels.proposals if shows else ()
        in_view = sum(p.t0_s <= seen.t1_s and p.t1_s >= seen.t0_s for p in open_now)
        known = sorted({*fold.raters, *fold.finished} | ({self._rater} if self._rater else set()))
        return RaterView(
            on=labels.on,
            rater=self._rater,
            suggesting=self._suggesting,
            hidden=labels.scheme.hide_suggestions,
            progress=self._progress() if shows else None,
            share=self._done / self._total if shows and self._total and self._done < self._total else None,
            left=(len(open_now), in_view),
            raters=tuple(RaterLine(r, r in fold.finished, r == self._rater) for r in known),
            blind=self._blind(known),
            finished=self._rater in fold.finished,
            note=self._note,
            pairs=self.pairs.view(),
        )

    def _progress(self) -> Message | None:
        if self._why:
            return say("raters.failed", why=self._why)
        if not self._asked or not self._total:
            return say("raters.starting") if self._asked else None
        if self._done < self._total:
            return say("raters.looking", share=f"{self._done / self._total:.0%}", n=len(self._proposals))
        return say("raters.looked", n=len(self._proposals))

    def _blind(self, known: list[str]) -> Message | None:
        others = [r for r in known if r != self._rater]
        if not others or self.pairs.shown:
            return None
        if self._rater not in self._labels.fold.finished:
            return say("raters.blind-me")
        waiting = [r for r in others if r not in self._labels.fold.finished]
        return say("raters.blind-other", raters=tuple(waiting)) if waiting else None
