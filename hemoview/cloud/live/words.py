"""What replicas of a service tell each other: what a bedside said, as it was accepted, and what changes for a device, a
bed or a ward. Frozen; how they travel is the bus's matter.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """A bedside's message that one replica accepted.

    Args:
        device_id, bed_id, ward_id: whose, and where it stands.
        at_us: its arrival there.
        connection: which of the device's connections it came by; within one the numbering goes on.
        gap: messages missing right before it, as that replica found; None where it is this one and looks itself.
        gaps: of the whole session, likewise.
        text: a live message with head and footer, so that any one alone can be shown.
    """

    device_id: str
    bed_id: str
    ward_id: str
    at_us: int
    connection: str
    gap: int | None = None
    gaps: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """A device has a new connection at this replica: an older one elsewhere ends.

    Args:
        connection: which; the same may have come over the broker to two that both believed to lead.
    """

    device_id: str
    connection: str


@dataclass(frozen=True, slots=True)
class Ended:
    """No connection of this device goes on."""

    device_id: str
    code: int
    why: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A device was moved or enrolled anew: no bed shows anything of it until it comes again."""

    device_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody at a bed said that it shows the right session."""

    bed_id: str
    session_id: str
    device_id: str
    at_us: int
    by: str


@dataclass(frozen=True, slots=True)
class Erased:
    """A session was erased: look which, in the database."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A ward's beds, or their names, are others now."""

    ward_id: str


Word = Heard | Connected | Ended | Placed | Confirmed | Erased | Changed
