"""Is it still the same person? (safety rule 3). After an absence samples lie in an unconfirmed span until answered.

A span is a pair of stored events: ``unconfirmed`` at its begin, ``subject-confirmed`` with ``same`` true at its end.
One that nobody answered reaches to the end of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from recorder.acquire import body
from recorder.acquire.hub import Hub
from recorder.schema import CONFIRMED, UNCONFIRMED, Event

Cause = Literal["absent", "gap", "reboot", "suspend"]
ASKED: Final[dict[str, str]] = {"absent": "same-subject"}
"""Cause → id of the warning; every other is ``confirm-subject``."""


class Confirmation:
    """The open question about the subject of the session that runs.

    Args:
        hub: where events go.
        warn: sets (id, value) or takes back (id, None) a warning of the station.
    """

    def __init__(self, hub: Hub, warn: Callable[[str, str | None], None]) -> None:
        self._hub, self._warn = hub, warn
        self._since_ns = 0
        self._missed: tuple[Cause, int] | None = None
        """Why and since when nobody was on the sensors, while that lasts."""
        self.open = False

    def begin_session(self, t_host_ns: int) -> None:
        """Nothing is asked; nobody is missed before ``t_host_ns``."""
        self.open, self._since_ns, self._missed = False, t_host_ns, None

    def restore(self, events: Sequence[Event], t_host_ns: int) -> None:
        """A session goes on: was there a question nobody answered?"""
        self.begin_session(t_host_ns)
        asked = unanswered(events)
        if asked is not None:
            self.open = True
            self._ask(str(asked.payload.get("cause")), float(asked.payload.get("seconds") or 0.0))

    def doubt(self, cause: Cause, seconds: float, since_ns: int) -> None:
        """From ``since_ns`` on, in the era that runs, nobody knows whose samples these are."""
        if self.open:
            return
        self.open = True
        self._hub.event(UNCONFIRMED, {"cause": cause, "seconds": round(seconds, 1)}, since_ns)
        self._ask(cause, seconds)

    def look(self, now_ns: int) -> None:
        """Call often while a session is open: has there been no body on any sensor for long, and how long by now?"""
        if self.open:
            self._tell_longer(now_ns)
            return
        sign_ns = self._hub.body.last_sign_ns(self._hub.devices)
        if sign_ns is None:
            return
        since_ns = max(sign_ns, self._since_ns)
        off = self._hub.body.says_off(self._hub.devices)
        if now_ns - since_ns >= (body.ABSENT_S if off else body.UNHEARD_S) * 1e9:
            cause: Cause = "absent" if off else "gap"
            self._missed = cause, since_ns
            self.doubt(cause, (now_ns - since_ns) / 1e9, since_ns)

    def _tell_longer(self, now_ns: int) -> None:
        """The question names the whole time that nobody was there, up to the first sign of a body."""
        if self._missed is None:
            return
        cause, since_ns = self._missed
        sign_ns = self._hub.body.last_sign_ns(self._hub.devices)
        if sign_ns is not None and sign_ns > since_ns:
            self._missed = None
        else:
            self._ask(cause, (now_ns - since_ns) / 1e9)

    def answered(self, payload: dict[str, Any], *, same: bool, event_id: str, now_ns: int) -> Event:
        """Store an answer; only "the same" ends the span."""
        event = self._hub.event(CONFIRMED, payload | {"same": same}, now_ns, event_id)
        if same:
            self.open, self._since_ns, self._missed = False, now_ns, None
            for name in ("confirm-subject", *ASKED.values()):
                self._warn(name, None)
        return event

    def _ask(self, cause: str, seconds: float) -> None:
        self._warn(ASKED.get(cause, "confirm-subject"), f"{seconds:.0f}")


def unanswered(events: Sequence[Event]) -> Event | None:
    """The question that is still open, if there is one."""
    asked = None
    for event in events:
        if event.kind == UNCONFIRMED:
            asked = asked or event
        elif event.kind == CONFIRMED and event.payload.get("same"):
            asked = None
    return asked
