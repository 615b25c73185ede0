"""One way for live messages to a service: the port. Its adapters are :mod:`uplink_websocket` and :mod:`uplink_mqtt`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from recorder.schema.sync_status import LiveTrouble, LiveWay
from recorder.sync.uplink import wire as codes

OPEN_S: Final = 10.0
"""A connection that is not there by then will not be."""
BEAT_S: Final = 10.0
"""So often each side asks a silent link whether it is one."""
_PATIENT: Final = frozenset({codes.UNKNOWN_CODE, codes.NO_BED_CODE, codes.REPLACED_CODE})
_TROUBLES: Final[dict[int, LiveTrouble]] = {
    codes.REFUSED_CODE: "garbled",
    codes.UNKNOWN_CODE: "unknown",
    codes.NO_BED_CODE: "no-bed",
    codes.REPLACED_CODE: "replaced",
    codes.ELSEWHERE_CODE: "elsewhere",
    codes.TOO_FAST_CODE: "too-fast",
}


class LinkEnded(Exception):
    """A connection has ended, or never came about.

    Args:
        why: in words.
        patient: it is of no use to come back soon.
        told: the service itself says so, whatever carried its word: another way would end as this one.
        trouble: what a screen says of it, in its own language.
    """

    def __init__(
        self, why: str, *, patient: bool = False, told: bool = False, trouble: LiveTrouble = "away"
    ) -> None:
        super().__init__(why)
        self.why, self.patient, self.told, self.trouble = why, patient, told, trouble


def told(code: int, why: str) -> LinkEnded:
    """The service closes the connection with a code of :mod:`uplink_wire`."""
    return LinkEnded(
        why or f"closed with {code}",
        patient=code in _PATIENT,
        told=True,
        trouble=_TROUBLES.get(code, "later"),
    )


class Link(Protocol):
    """A connection that is open."""

    holds_s: float
    """So long from its opening; then it is made anew, before what opened it ends."""

    def check(self) -> None:
        """Nothing, as long as it holds.

        Raises:
            LinkEnded: why it does not.
        """
        ...

    def send(self, text: str) -> None:
        """Hand a message over; it may be lost all the same.

        Args:
            text: of :mod:`uplink_wire`.

        Raises:
            LinkEnded: it did not go.
        """
        ...

    def close(self) -> None:
        """Let go of it, within a few seconds."""
        ...


class Transport(Protocol):
    """Opens connections, one at a time."""

    @property
    def way(self) -> LiveWay:
        """Which."""
        ...

    def open(self, wake: Callable[[], None]) -> Link:
        """A new connection.

        Args:
            wake: called, from any thread, when it has ended while nothing was sent.

        Raises:
            LinkEnded: none came about.
        """
        ...
