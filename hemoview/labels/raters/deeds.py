"""Lines for the label store, made from what a rater asks for. Pure but for the ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import recorder
from hemoview.labels.annotation import Annotation, Deed, LabelFold, Suggested
from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.scheme import Scheme
from recorder.schema.labelling import AnnotationKind

SOFTWARE: Final = f"hemoview {recorder.__version__}"
_PLACES: Final = 6
"""Times are kept to the microsecond: finer than any sample, and short in the file."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who labels, and the clock that says when: every line carries both.

    Args:
        rater: operator code.
        wall_ns: reads the wall clock, UTC ns since 1970.
    """

    rater: str
    wall_ns: Callable[[], int]

    def add(
        self,
        kind: AnnotationKind,
        t0_s: float,
        t1_s: float,
        label: str,
        *,
        comment: str = "",
        suggestion: Suggested | None = None,
    ) -> Deed:
        """A new annotation."""
        return Deed(
            "add",
            _new_id(),
            self.rater,
            self.wall_ns(),
            SOFTWARE,
            _new_id(),
            kind,
            round(t0_s, _PLACES),
            round(t1_s, _PLACES),
            label,
            comment,
            suggestion,
        )

    def change(self, annotation: Annotation, **to: Any) -> Deed:
        """Another place, label or comment: ``t0_s``, ``t1_s``, ``kind``, ``label``, ``comment``."""
        for name in ("t0_s", "t1_s"):
            if name in to:
                to[name] = round(to[name], _PLACES)
        now = replace(annotation, **to)
        return Deed(
            "change",
            _new_id(),
            self.rater,
            self.wall_ns(),
            SOFTWARE,
            now.annotation_id,
            now.kind,
            now.t0_s,
            now.t1_s,
            now.label,
            now.comment,
            now.suggestion,
            replaces=annotation.deed_id,
        )

    def delete(self, annotation: Annotation) -> Deed:
        """Take an annotation away."""
        return Deed(
            "delete",
            _new_id(),
            self.rater,
            self.wall_ns(),
            SOFTWARE,
            annotation.annotation_id,
            replaces=annotation.deed_id,
        )

    def accept(self, proposal: Proposal) -> Deed:
        """A proposal becomes a label of this rater; its origin stays with it."""
        told = Suggested(proposal.source, proposal.model_sha256, visible=True, accepted=True)
        made = self.add(proposal.kind, proposal.t0_s, proposal.t1_s, proposal.label, suggestion=told)
        return replace(made, annotation_id=proposal.proposal_id)

    def reject(self, proposal: Proposal) -> Deed:
        """A proposal was seen and is wrong."""
        told = Suggested(proposal.source, proposal.model_sha256, visible=True, accepted=False)
        made = self.add(proposal.kind, proposal.t0_s, proposal.t1_s, proposal.label, suggestion=told)
        return replace(made, act="reject", annotation_id=proposal.proposal_id)

    def undo(self, fold: LabelFold) -> Deed | None:
        """Take back this rater's last deed; None where there is none."""
        return self._turn("undo", fold.undo_of(self.rater))

    def redo(self, fold: LabelFold) -> Deed | None:
        """Do again what was taken back last; None where there is nothing."""
        return self._turn("redo", fold.redo_of(self.rater))

    def choose(self, scheme: Scheme) -> Deed:
        """What can be labelled from now on."""
        return Deed("scheme", _new_id(), self.rater, self.wall_ns(), SOFTWARE, scheme=scheme.to_json())

    def finish(self, t0_s: float, t1_s: float) -> Deed:
        """This rater looked at a stretch and is done with it."""
        return Deed(
            "finish",
            _new_id(),
            self.rater,
            self.wall_ns(),
            SOFTWARE,
            t0_s=round(t0_s, _PLACES),
            t1_s=round(t1_s, _PLACES),
        )

    def reopen(self) -> Deed:
        """And is not done after all."""
        return Deed("reopen", _new_id(), self.rater, self.wall_ns(), SOFTWARE)

    def _turn(self, act: Any, deed_id: str | None) -> Deed | None:
        if deed_id is None:
            return None
        return Deed(act, _new_id(), self.rater, self.wall_ns(), SOFTWARE, undoes=deed_id)


def _new_id() -> str:
    return uuid.uuid4().hex[:20]
