"""What was said of a session after it ended, as events: markers set or taken back by an amendment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from recorder.clock import ClockEra
from recorder.schema import Amendment, Event

MARKER: Final = "marker"
"""Field of such an amendment: ``new`` is the marker that was set, or ``old`` the one that was taken back."""
AFTERWARDS: Final = "afterwards"
"""``source`` of such a marker."""


def told_afterwards(amendments: Iterable[Amendment], eras: Sequence[ClockEra]) -> list[Event]:
    """The events such amendments stand for. One that cannot be understood is passed over: it stays in the list.

    Args:
        amendments: of a session.
        eras: its clock eras. What takes a marker back has no time of its own and gets the beginning.
    """
    found = []
    for number, amendment in enumerate(amendments):
        if amendment.field != MARKER:
            continue
        try:
            found.append(_event(amendment, number, eras))
        except (KeyError, TypeError, ValueError, IndexError):
            continue
    return found


def _event(amendment: Amendment, number: int, eras: Sequence[ClockEra]) -> Event:
    signed = {"source": AFTERWARDS, "operator": amendment.who, "why": amendment.why}
    new: Any = amendment.new
    if new is None:
        payload = {"event_id": str(amendment.old["event_id"]), **signed}
        return Event(
            f"{MARKER}-{number}", "marker-undone", eras[0].monotonic_ns, amendment.wall_ns, 0, payload
        )
    payload = {"label": str(new["label"]), **signed}
    era = range(len(eras))[new["era"]]
    return Event(str(new["event_id"]), "marker", int(new["t_host_ns"]), amendment.wall_ns, era, payload)
