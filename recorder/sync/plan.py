"""What next? Pure: where a session stands, and the one step that follows. And why a session stays at home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from recorder.session.header import SessionHeader

Step = Literal["stay", "open", "settle", "ask", "put", "commit", "done"]

STAYS: Final = {
    "no-upload-consent": "the consent does not cover upload; an amendment of consent.upload lets it go",
    "no-consent": "no consent was recorded with it",
    "simulated": "it is simulated, and the service is for production (one for trials has production = false)",
    "training": "it was made in training mode, and the service is for production (one for trials: production = false)",
    "unconfirmed": "nobody has confirmed whose the samples at its end are",
    "quarantined": "it was discarded; restore it first",
    "erased": "it was erased here; a copy at the service is erased there",
    "erased-there": "it was erased at the service",
    "damaged": "it is damaged; run recorder verify",
}
"""Why a session is not sent, in words."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a session stands with one service.

    Args:
        stays: one of :data:`STAYS`, or empty.
        opened: the service knows the session.
        pending: a revision was signed and sent, and no receipt has come.
        missing: blobs the service lacks; None = not asked.
        covered: the last verified receipt is of just these files.
    """

    stays: str = ""
    opened: bool = False
    pending: bool = False
    missing: int | None = None
    covered: bool = False


def next_step(facts: Facts) -> Step:
    """The step that follows; ``done`` and ``stay`` are ends.

    A revision without a receipt is settled before anything else is said: it may have arrived.
    """
    table: tuple[tuple[bool, Step], ...] = (
        (bool(facts.stays), "stay"),
        (not facts.opened, "open"),
        (facts.pending, "settle"),
        (facts.missing is None, "ask"),
        (bool(facts.missing), "put"),
        (not facts.covered, "commit"),
    )
    return next((step for holds, step in table if holds), "done")


def stays_by_header(header: SessionHeader, *, production: bool) -> str:
    """Why a session may not go to a service, by its header as corrected; empty: it may (safety rules 12 and 14)."""
    if header.consent is None:
        return "no-consent"
    if not header.consent.allows("upload"):
        return "no-upload-consent"
    if production and header.simulated:
        return "simulated"
    if production and is_training(header):
        return "training"
    return ""


def is_training(header: SessionHeader) -> bool:
    """It was made to practise (safety rule 12)."""
    rules = header.template.get("rules")
    return isinstance(rules, dict) and bool(rules.get("training"))


def backoff_s(failures: int, first_s: float, longest_s: float, luck: float) -> float:
    """Wait after so many failures in a row: doubled each time, between half and all of it by ``luck`` (0 to 1).

    Many bedsides that lost the same service must not come back in the same second.
    """
    longest = min(longest_s, first_s * 2.0 ** min(max(failures - 1, 0), 30))
    return longest * (0.5 + 0.5 * luck)
