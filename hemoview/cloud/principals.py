"""Who asks, and what they may: one table of actions, one filter for every query.

A grant is a role in a ward (or in all), for a study (or for all). What a principal may not see does not exist for it
(404); what it may see but not do is refused (403); who has not signed in is told so (401).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from sqlalchemy import ColumnElement, and_, false, or_, true

from hemoview.cloud import tables


class Role(StrEnum):
    """What somebody is to a ward or study."""

    OPERATOR = "operator"
    RESEARCHER = "researcher"
    ANNOTATOR = "annotator"
    """A rater: sees waves and reference, never estimates nor other raters' labels."""
    CLINICIAN = "clinician"
    AUDITOR = "auditor"
    ADMIN = "admin"
    KIOSK = "kiosk"
    """A screen on the wall of a ward: looks, and nothing else."""


class Action(StrEnum):
    """What can be asked for."""

    SEE_WARD = "see-ward"
    CONFIRM_BED = "confirm-bed"
    SEE_SESSION = "see-session"
    READ_SAMPLES = "read-samples"
    MAKE_REPORT = "make-report"
    READ_REPORT = "read-report"
    SIGN_REPORT = "sign-report"
    SEND_FEEDBACK = "send-feedback"
    ERASE_SESSION = "erase-session"
    READ_AUDIT = "read-audit"
    KEEP_DEVICES = "keep-devices"
    MANAGE = "manage"


_R = Role
ALLOWED: Final[dict[Action, frozenset[Role]]] = {
    Action.SEE_WARD: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.CLINICIAN, _R.ADMIN, _R.KIOSK}),
    Action.CONFIRM_BED: frozenset({_R.OPERATOR, _R.CLINICIAN}),
    Action.SEE_SESSION: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.ANNOTATOR, _R.CLINICIAN, _R.ADMIN}),
    Action.READ_SAMPLES: frozenset({_R.RESEARCHER, _R.ANNOTATOR}),
    Action.MAKE_REPORT: frozenset({_R.RESEARCHER, _R.CLINICIAN}),
    Action.READ_REPORT: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.CLINICIAN}),
    Action.SIGN_REPORT: frozenset({_R.CLINICIAN}),
    Action.SEND_FEEDBACK: frozenset({_R.RESEARCHER, _R.CLINICIAN}),
    Action.ERASE_SESSION: frozenset({_R.ADMIN}),
    Action.READ_AUDIT: frozenset({_R.AUDITOR}),
    Action.KEEP_DEVICES: frozenset({_R.OPERATOR, _R.ADMIN}),
    Action.MANAGE: frozenset({_R.ADMIN}),
}
"""Administrators manage; they do not read samples, sign reports or audit themselves unless granted that too."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``ward_id`` None: every ward; ``study_id`` None: every study."""

    role: Role
    ward_id: str | None = None
    study_id: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        kind: a person or a bedside.
        id: of the user or device.
        name: for the audit log: ``user:NAME`` or ``device:ID``.
        grants: of a user.
        bed_id, ward_id: of a device.
        csrf: what an unsafe request of this log-in must carry.
        must_change: the password is a one-time one: nothing but changing it is allowed.
        kiosk: a ward's screen.
        login: SHA-256 of the log-in's cookie.
        ends_us: when the log-in ends whatever happens.
    """

    kind: Literal["user", "device"]
    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    bed_id: str | None = None
    ward_id: str | None = None
    csrf: str = field(default="", repr=False)
    must_change: bool = False
    kiosk: bool = False
    login: str = field(default="", repr=False)
    ends_us: int = 0

    def may(self, action: Action) -> bool:
        """Anywhere at all."""
        return any(g.role in ALLOWED[action] for g in self.grants)

    def may_everywhere(self, action: Action) -> bool:
        """In every ward and study: what belongs to the whole service."""
        return any(g.ward_id is None and g.study_id is None for g in self.grants_for(action))

    def grants_for(self, action: Action) -> tuple[Grant, ...]:
        """Where."""
        return tuple(g for g in self.grants if g.role in ALLOWED[action])


def ward_filter(principal: Principal, action: Action) -> ColumnElement[bool]:
    """Of ``tables.ward``: the wards where ``principal`` may do ``action``. Grants for one study show no ward."""
    if principal.kind == "device":
        return tables.ward.c.id == principal.ward_id if action is Action.SEE_WARD else false()
    parts = [
        true() if g.ward_id is None else tables.ward.c.id == g.ward_id
        for g in principal.grants_for(action)
        if g.study_id is None
    ]
    return or_(false(), *parts)


def session_filter(principal: Principal, action: Action) -> ColumnElement[bool]:
    """Of ``tables.session``: the sessions where ``principal`` may do ``action``; a device's own for a device."""
    if principal.kind == "device":
        return tables.session.c.device_id == principal.id
    parts = []
    for g in principal.grants_for(action):
        ward = true() if g.ward_id is None else tables.session.c.ward_id == g.ward_id
        study = true() if g.study_id is None else tables.session.c.study_id == g.study_id
        parts.append(and_(ward, study))
    return or_(false(), *parts)


def may_see_estimates(
    principal: Principal, *actions: Action, hidden: bool, ward_id: str | None, study_id: str | None = None
) -> bool:
    """Safety rule 13, and blinding: the one place that decides.

    Args:
        actions: the estimates are shown with; some grant that reaches this very session must allow one of them, and
            not as a rater's. A role in another ward opens nobody's eyes here.
        hidden: of the session (:mod:`hemoview.cloud.hiding`).
        ward_id, study_id: of the session.
    """
    return not hidden and any(
        g.role is not Role.ANNOTATOR and g.ward_id in (None, ward_id) and g.study_id in (None, study_id)
        for action in actions
        for g in principal.grants_for(action)
    )
