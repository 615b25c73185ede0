"""Which session a bed shows, and whether somebody at the bed said that it is the right one (safety rule 5). Pure.

A person confirms by ``POST /v1/beds/{id}/confirm``. The bedside's own Start (pseudonym, sex and age read and confirmed
by whoever stands there) counts as well, but only of a device that a person has confirmed at this very bed before: a
code typed at the wrong bed, or a station carried to another, must not show somebody else's numbers as confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

AT_THE_BEDSIDE: Final = "bedside"
"""Who confirmed, where it was the Start at a bedside that a person had confirmed before."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A bed's session.

    Args:
        session_id: empty between two; what was confirmed of the device then stays known.
        device_id: which bedside speaks for the bed.
        bound_us: since when.
        confirmed_us, confirmed_by: None until confirmed.
    """

    session_id: str
    device_id: str
    bound_us: int
    confirmed_us: int | None = None
    confirmed_by: str | None = None

    @property
    def asks(self) -> bool:
        """Somebody should confirm it at the bed."""
        return bool(self.session_id) and self.confirmed_us is None

    def to_json(self) -> dict[str, Any]:
        """For browsers."""
        return {
            "session_id": self.session_id,
            "bound_us": self.bound_us,
            "confirmed": self.confirmed_us is not None,
            "confirmed_us": self.confirmed_us,
            "confirmed_by": self.confirmed_by,
        }


def bind(before: Binding | None, session_id: str, device_id: str, *, started: bool, at_us: int) -> Binding:
    """The binding once a bedside has spoken; ``before`` itself where nothing changed.

    Args:
        started: its Start was confirmed by somebody who stood there.
    """
    same_device = before is not None and before.device_id == device_id
    if before is not None and same_device and before.session_id == session_id:
        return before
    known = before is not None and same_device and before.confirmed_us is not None
    if known and before is not None and not session_id:
        return replace(before, session_id="", bound_us=at_us)
    if known and started:
        return Binding(session_id, device_id, at_us, at_us, AT_THE_BEDSIDE)
    return Binding(session_id, device_id, at_us)


def confirm(binding: Binding, by: str, at_us: int) -> Binding:
    """Somebody at the bed says that it is right."""
    return replace(binding, confirmed_us=at_us, confirmed_by=by)
