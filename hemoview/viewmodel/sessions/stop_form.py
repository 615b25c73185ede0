"""The end of a recording: as planned, before its time, or not to be kept (safety rule 14). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hemoview.viewmodel.messages import Message, say

EarlyEnd = Literal["abort", "discard"]


@dataclass(frozen=True, slots=True)
class StopForm:
    """What stands in the fields, as typed."""

    why: str = ""
    operator: str = ""

    @property
    def missing(self) -> Message | None:
        """What an early end still needs; None when it may be asked for."""
        if not self.why.strip():
            return say("stop-needs-reason")
        return None if self.operator.strip() else say("stop-needs-operator")

    def request(self) -> dict[str, Any]:
        """Arguments of the recorder's ``abort`` and ``discard``."""
        return {"why": self.why.strip(), "operator": self.operator.strip()}
