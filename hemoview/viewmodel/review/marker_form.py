"""Setting and taking back markers of a finished session: what may be done with what was typed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.marks import Mark
from recorder.schema import REFERENCE_CALIBRATED
from recorder.session.markers import LONGEST_LABEL


@dataclass(frozen=True, slots=True)
class MarkerForm:
    """What stands in the fields: ``label`` in the words it is stored by, ``chosen`` the marker selected in the list."""

    label: str = REFERENCE_CALIBRATED
    operator: str = ""
    why: str = ""
    chosen: str = ""

    @property
    def missing(self) -> Message | None:
        """What bars both buttons."""
        if not self.operator.strip():
            return say("markers-needs-operator")
        return None if self.why.strip() else say("markers-needs-why")

    @property
    def may_place(self) -> bool:
        """A marker can be set."""
        return self.missing is None and 0 < len(self.label.strip()) <= LONGEST_LABEL

    @property
    def may_take_back(self) -> bool:
        """The selected one can be taken back."""
        return self.missing is None and bool(self.chosen)


def may_change(facts: SessionFacts | None) -> bool:
    """A session that is being recorded has its markers on the Record page; a saved table has none to change."""
    return facts is not None and not facts.live


def listed(facts: SessionFacts) -> Sequence[Mark]:
    """Markers by time; those of the wristband's button too."""
    return [mark for mark in facts.markers if mark.event_id]
