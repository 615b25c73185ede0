"""What can be done in labelling: every deed goes to the disk first, and is shown as it was read back from there.

Pure of any toolkit. A method that moves to another place of the session returns where, None where nothing moves.
"""

from __future__ import annotations

import bisect
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final, Literal

from hemoview.labels.annotation import Annotation, AnnotationKind, Deed, order_of
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.scheme import LabelChoice, Scheme
from hemoview.viewmodel.messages import say
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.label_state import LEAST_S, NEAR_S, LabelState, name_of
from recorder.errors import RecorderError
from recorder.session.files import why_of

Edge = Literal["left", "right"]
STEPS_NS = 1_500_000_000
"""Steps of an edge that follow each other within this are one movement."""
_REFUSALS = {
    "session-in-use": "labels.live",
    "disk-full": "labels.disk-full",
    "disk-read-only": "labels.disk-read-only",
}
"""What the disk may say, in words of the screens; the rest is said as it comes."""
UNSURE: Final = 0.5
"""A suggestion at least so uncertain is worth a look before the others."""


class LabelModel(LabelState):
    """Labels of the session that is open in Review, and the deeds of one rater."""

    _steps: Deed | None = None

    @property
    def proposed(self) -> tuple[Proposal, ...]:
        """All suggestions of this session, decided about or not."""
        return self._proposals

    @property
    def folder(self) -> Path | None:
        """Session folder."""
        return self._folder

    @property
    def set_name(self) -> str:
        """Name of the label set."""
        return self._set_name

    @property
    def duration_s(self) -> float:
        """Length of the session."""
        return self._duration_s

    def next_uncertain(self, cursor_s: float, *, back: bool = False) -> float | None:
        """Start of the next suggestion that detectors or model are least sure about; of any, once those are decided."""
        unsure = [p.t0_s for p in self.proposals if p.uncertainty >= UNSURE]
        times = unsure or [p.t0_s for p in self.proposals]
        found = moves.last_before(times, cursor_s) if back else moves.next_after(times, cursor_s)
        self.moved()
        if found is None:
            self._note = self.unsuggested or say("labels.no-uncertain")
        return found

    def put(self, key: int, cursor_s: float) -> float | None:
        """Label what is chosen, else the window at the cursor; an instant at the cursor. Where to go on."""
        choice = self.scheme.at_key(key)
        if choice is None:
            self._note = say("labels.no-key", key=key)
            return None
        return self.put_choice(choice, cursor_s)

    def put_choice(self, choice: LabelChoice, cursor_s: float) -> float | None:
        """The same for a label itself."""
        if self._refuses():
            return None
        current = self.current if self._picked else None
        if current is not None and current.kind == choice.kind:
            self._relabel(current, choice)
            return None
        t0_s, t1_s = self._place_for(choice.kind, cursor_s)
        there = self._at(choice.kind, t0_s, t1_s)
        if any(a.label == choice.label for a in there):
            self._note = say(
                "labels.already", label=name_of(choice.label, self.scheme), at=elapsed_text(t0_s, 0.1)
            )
            return None
        if choice.kind == "quality" and there:  # a window has one quality
            self._relabel(there[0], choice)
        else:
            told = self.provenance(choice.kind, t0_s, t1_s)
            deed = self._author().add(choice.kind, t0_s, t1_s, choice.label, suggestion=told)
            if not self._write(deed):
                return None
            self._current, self._picked = deed.annotation_id, False
            self._note = say(
                "labels.added", label=name_of(choice.label, self.scheme), at=elapsed_text(t0_s, 0.1)
            )
        if self.goes_on and self._stretch is None and choice.kind != "instant":
            going = self._current
            target = self.next_window(cursor_s)
            self._current = going
            return target
        return None

    def _relabel(self, annotation: Annotation, choice: LabelChoice) -> None:
        if annotation.label == choice.label:
            self._note = say(
                "labels.already",
                label=name_of(choice.label, self.scheme),
                at=elapsed_text(annotation.t0_s, 0.1),
            )
        elif self._write(self._changed(annotation, label=choice.label)):
            self._current = annotation.annotation_id
            self._note = say(
                "labels.relabelled",
                label=name_of(choice.label, self.scheme),
                at=elapsed_text(annotation.t0_s, 0.1),
            )

    def shift_edge(self, edge: Edge, by_s: float, cursor_s: float) -> None:
        """Move an edge of the current label, or of the chosen stretch; an instant moves whole."""
        current = self.current
        if current is None:
            start, end = self._stretch or (cursor_s, cursor_s)
            start, end = (start + by_s, end) if edge == "left" else (start, end + by_s)
            start, end = self._inside(min(start, end)), self._inside(max(start, end))
            self._stretch = (start, end) if end - start >= LEAST_S else self._stretch
            self._note = None
        elif current.kind == "instant":
            self.move_to(current, current.t0_s + by_s, current.t0_s + by_s, steps=True)
        elif edge == "left":
            self.move_to(current, current.t0_s + by_s, current.t1_s, steps=True)
        else:
            self.move_to(current, current.t0_s, current.t1_s + by_s, steps=True)

    def move_to(self, annotation: Annotation, t0_s: float, t1_s: float, *, steps: bool = False) -> None:
        """Put one of this rater's labels elsewhere; what would be nothing, or is where it is, is not written.

        ``steps``: part of a movement by key; quick steps are one deed, and one undo takes them all back.
        """
        t0_s, t1_s = self._inside(t0_s), self._inside(t1_s)
        too_short = annotation.kind != "instant" and t1_s - t0_s < LEAST_S
        if too_short or (round(t0_s, 6), round(t1_s, 6)) == (annotation.t0_s, annotation.t1_s):
            self._note = say("labels.too-short") if too_short else None
            return
        if annotation.kind == "instant":
            t1_s = t0_s
        deed = self._changed(annotation, t0_s=t0_s, t1_s=t1_s)
        if steps:
            deed = self._as_one_deed(deed, annotation)
        if self._write(deed):
            self._current = annotation.annotation_id
            self._note = say("labels.moved", at=elapsed_text(t0_s, 0.1))

    def set_end(self, edge: Edge, cursor_s: float) -> None:
        """The chosen stretch begins or ends at the cursor."""
        start, end = self._stretch or self.window_at(cursor_s)
        if edge == "left":
            start, end = cursor_s, end if end > cursor_s else self.window_at(cursor_s)[1]
        else:
            start, end = start if start < cursor_s else self.window_at(cursor_s)[0], cursor_s
        self.choose_stretch(start, end)

    def snap(self, foot_s: float | None, cursor_s: float) -> float | None:
        """To the beat foot: the current label's nearer edge, else the cursor."""
        if foot_s is None:
            self._note = say("labels.no-foot")
            return None
        current = self.current
        if current is None:
            self._note = say("labels.snapped", at=elapsed_text(foot_s, 0.01))
            return foot_s
        t0_s, t1_s = current.t0_s, current.t1_s
        if abs(cursor_s - t0_s) <= abs(cursor_s - t1_s) or current.kind == "instant":
            self.move_to(current, foot_s, foot_s if current.kind == "instant" else t1_s)
        else:
            self.move_to(current, t0_s, foot_s)
        return None

    def snaps_at(self, cursor_s: float) -> float:
        """The moment that :meth:`snap` wants a foot near to."""
        current = self.current
        if current is None:
            return cursor_s
        return min((current.t0_s, current.t1_s), key=lambda t: abs(t - cursor_s))

    def delete(self) -> None:
        """Take the current label away."""
        current = self.current
        if current is None:
            self._note = say("labels.nothing-chosen")
        elif self._write(self._author().delete(current)):
            self._current, self._picked = None, False
            self._note = say("labels.deleted", at=elapsed_text(current.t0_s, 0.1))

    def comment(self, words: str) -> None:
        """Say something about the current label."""
        current = self.current
        if current is None:
            self._note = say("labels.nothing-chosen")
        elif words.strip() != current.comment and self._write(
            self._author().change(current, comment=words.strip())
        ):
            self._note = say("labels.commented", at=elapsed_text(current.t0_s, 0.1))

    def undo(self) -> float | None:
        """Take back this rater's last deed; where it was."""
        return self._turn("undo", self._author().undo(self.fold) if self._rater else None)

    def redo(self) -> float | None:
        """Do again what was taken back last; where it is."""
        return self._turn("redo", self._author().redo(self.fold) if self._rater else None)

    def _turn(self, act: Literal["undo", "redo"], deed: Deed | None) -> float | None:
        if deed is None:
            self._note = say(f"labels.nothing-to-{act}")
            return None
        if not self._write(deed):
            return None
        about = self.fold.about(deed.undoes or "")
        found = (self.fold.get(self._rater, d.annotation_id) for d in about)
        standing = next((a for a in found if a is not None), None)
        self._current = standing.annotation_id if standing else None
        self._picked = False
        was_s = next((d.t0_s for d in about if d.t0_s is not None), None)
        self._note = say(f"labels.{act}ne", what=say(f"labels.act-{about[0].act}") if about else "")
        return standing.t0_s if standing else was_s

    def accept(self, cursor_s: float) -> float | None:
        """Take over the suggestion at the cursor."""
        return self._decide(cursor_s, accepted=True)

    def reject(self, cursor_s: float) -> float | None:
        """Refuse the suggestion at the cursor; that too is kept."""
        return self._decide(cursor_s, accepted=False)

    def accept_all(self, t0_s: float, t1_s: float) -> int:
        """Take over every suggestion that touches a span, as one deed; how many."""
        there = [p for p in self.proposals if p.t0_s <= t1_s and p.t1_s >= t0_s]
        if self._refuses() or not there:
            return 0
        deeds = [self._author().accept(p) for p in there]
        return len(there) if self._write(*(replace(d, deed_id=deeds[0].deed_id) for d in deeds)) else 0

    def declare(self, deed: Deed) -> bool:
        """Write that a rater is done, or is not after all; True if it is on disk."""
        return self._write(deed, finished=True)

    def hide_suggestions(self, *, hide: bool) -> None:
        """Suggestions are hidden from everybody who labels by this scheme, or not."""
        self.use_scheme(replace(self.scheme, hide_suggestions=hide))

    def _decide(self, cursor_s: float, *, accepted: bool) -> float | None:
        if self._refuses():
            return None
        there = [p for p in self.proposals if p.t0_s - NEAR_S <= cursor_s <= p.t1_s + NEAR_S]
        if not there:
            self._note = self.unsuggested or say("labels.no-suggestion-here")
            return None
        chosen = min(there, key=lambda p: (abs(p.t0_s - cursor_s), p.proposal_id))
        author = self._author()
        if self._write(author.accept(chosen) if accepted else author.reject(chosen)):
            self._current, self._picked = (chosen.proposal_id if accepted else None), False
            self._note = say("labels.accepted" if accepted else "labels.rejected")
        return None

    def use_scheme(self, scheme: Scheme) -> None:
        """What can be labelled from now on; what was labelled stays."""
        if not self._refuses() and self._write(self._author().choose(scheme)):
            self._note = say("labels.scheme-changed")

    # parts

    def _changed(self, annotation: Annotation, **to: Any) -> Deed:
        """A change; a model that is seen only now was seen when the label became what it is."""
        told = annotation.suggestion
        if told is None or not told.model_sha256:
            seen = self.provenance(annotation.kind, annotation.t0_s, annotation.t1_s)
            if seen is not None and (told is None or seen.model_sha256):
                to["suggestion"] = seen
        return self._author().change(annotation, **to)

    def _as_one_deed(self, deed: Deed, annotation: Annotation) -> Deed:
        """A step right after another one of the same label carries on that deed."""
        before = self._steps
        soon = before is not None and deed.wall_ns - before.wall_ns < STEPS_NS
        goes_on = (
            before is not None
            and soon
            and before.deed_id == annotation.deed_id == self.fold.undo_of(self._rater)
        )
        self._steps = replace(deed, deed_id=before.deed_id) if before is not None and goes_on else deed
        return self._steps

    def _author(self) -> Author:
        return Author(self._rater, self._clock.wall_ns)

    def _write(self, *deeds: Deed, finished: bool = False) -> bool:
        """To the disk, then to the screen; True if it is on disk. ``finished``: also of a rater who is done."""
        if self._refuses(finished=finished) or self._book is None:
            return False
        try:
            self._book.write(deeds)
        except (RecorderError, OSError) as error:
            known = _REFUSALS.get(getattr(error, "advice", ""))
            self._failure = say(known) if known else say("labels.not-saved", why=why_of(error))
            return False
        self._failure, self._saved_ns = None, self._clock.wall_ns()
        return True

    def _refuses(self, *, finished: bool = False) -> bool:
        """Whether nothing can be written; the note says why."""
        refused = self._refusal(finished=finished) or (
            say("labels.not-read-yet") if self._book is None else None
        )
        self._note = refused or self._note
        return refused is not None

    def _place_for(self, kind: AnnotationKind, cursor_s: float) -> tuple[float, float]:
        if kind == "instant":
            return cursor_s, cursor_s
        return self._stretch or self.window_at(cursor_s)

    def _at(self, kind: AnnotationKind, t0_s: float, t1_s: float) -> list[Annotation]:
        mine, start, end = self._mine(), round(t0_s, 6), round(t1_s, 6)
        at = bisect.bisect_left(mine, (start, end, "", ""), key=order_of)
        there = takewhile(lambda a: (a.t0_s, a.t1_s) == (start, end), islice(mine, at, None))
        return [a for a in there if a.kind == kind]
