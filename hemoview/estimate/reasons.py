"""Why a number is not shown. Ids only; the screens own the words."""

from __future__ import annotations

from typing import Final, Literal, get_args

Reason = Literal[
    "starting",
    "gap",
    "cuff-inflating",
    "poor-contact",
    "clipped",
    "motion",
    "too-few-beats",
    "poor-signal",
    "irregular-pulse",
    "no-model",
    "not-in-model",
    "no-real-reference",
    "needs-height-weight",
    "calibration-old",
    "implausible",
    "outside-training-range",
    "simulated",
    "unconfirmed-subject",
]

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""In order of precedence: of two reasons the earlier is told. The signal comes first, because it is what an operator
can change now; then what the model never learned; then what is wrong with this value. ``simulated`` is no abstention:
the value stands, learned from simulation alone, and must be shown tagged SIM. A stored code is the index + 1, 0 = fine.
``unconfirmed-subject`` comes alone: while nobody knows whose signal it is, nothing is estimated (safety rule 3).
"""


def code(reason: Reason | None) -> int:
    """The stored number of a reason."""
    return 0 if reason is None else REASONS.index(reason) + 1


def first(*reasons: Reason | None) -> Reason | None:
    """The reason that takes precedence, None where there is none."""
    given = [reason for reason in reasons if reason is not None]
    return min(given, key=REASONS.index) if given else None
