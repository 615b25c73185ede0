"""What became of sessions on their way to a service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.sync import plan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one session.

    Args:
        folder: which.
        session_id: its id; empty where it could not be read.
        segments, sent, already_there: segments that travel; those sent now; those the service had.
        others_sent: small files sent now.
        bytes_sent: of all bodies.
        rev: under a verified receipt; 0 = none.
        stays: why it stays at home, :data:`plan.STAYS`.
        error: what failed, in words.
        advice: of the error.
    """

    folder: Path
    session_id: str = ""
    segments: int = 0
    sent: int = 0
    already_there: int = 0
    others_sent: int = 0
    bytes_sent: int = 0
    rev: int = 0
    stays: str = ""
    error: str = ""
    advice: str = ""

    @property
    def is_safe(self) -> bool:
        """All of it is at the service, under a receipt that was verified."""
        return not self.stays and not self.error and self.rev > 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        words = {"stays": plan.STAYS[self.stays]} if self.stays else {}
        words |= {"error": self.error} if self.error else {}
        return {
            "session": self.folder.name,
            "rev": self.rev,
            "segments": self.segments,
            "sent": self.sent,
            **words,
        }


def totals(outcomes: Iterable[Outcome], seconds: float) -> dict[str, Any]:
    """What the command says of a whole pass."""
    told = list(outcomes)
    return {
        "ok": not any(o.error for o in told),
        "segments_total": sum(o.segments for o in told),
        "sent": sum(o.sent for o in told),
        "already_there": sum(o.already_there for o in told),
        "bytes_sent": sum(o.bytes_sent for o in told),
        "seconds": round(seconds, 3),
        "others_sent": sum(o.others_sent for o in told),
        "sessions": len(told),
        "safe": sum(o.is_safe for o in told),
        "stayed": [o.to_json() for o in told if o.stays],
        "failed": [o.to_json() for o in told if o.error],
    }
