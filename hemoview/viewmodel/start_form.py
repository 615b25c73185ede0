"""The form before Start: who, consent, sites. Examined by a pure function; the screen only shows what it says.

Settings return, the subject never does (safety rule 2): :func:`next_subject` keeps operator, template and sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hemoview.viewmodel.messages import Message, say
from recorder.schema import Consent, Sites, Subject

SEXES = ("", "female", "male", "other", "unknown")
SIDES = ("unknown", "left", "right")
POSTURES = ("unknown", "supine", "seated", "standing")

_DATE = re.compile(r"(19|20)\d{6}|\d{4}(19|20)\d\d|\d{4}[.-]\d\d?[.-]\d\d?|\d\d?[.-]\d\d?[.-]\d{4}")
_NATIONAL = re.compile(r"\d{9,}[xX]?")
_NAME = re.compile(r"[A-Z]?[a-z]{2,}([._-]?[A-Z]?[a-z]{2,})?")


@dataclass(frozen=True, slots=True)
class StartForm:
    """What stands in the fields, as typed.

    ``overrides``: device id → reason for starting without it.
    """

    pseudonym: str = ""
    pseudonym_again: str = ""
    sex: str = ""
    age_y: str = ""
    height_cm: str = ""
    weight_kg: str = ""
    cvp_mmhg: str = ""
    consent_version: str = ""
    consent_date: str = ""
    consent_record: bool = False
    consent_upload: bool = False
    consent_training: bool = False
    consent_feedback: bool = False
    wristband_side: str = "unknown"
    finger_cuff_side: str = "unknown"
    arm_cuff_side: str = "unknown"
    posture: str = "unknown"
    hand_height_cm: str = ""
    operator: str = ""
    template: str = ""
    notes: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field."""

    field: str
    message: Message


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the recorder's pre-flight. ``device`` is what an override is filed under."""

    check_id: str
    device: str
    level: str
    message: Message
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmCard:
    """What the operator compares with the person in the bed, shown large."""

    pseudonym: str
    sex: str
    age: str
    details: Message
    warnings: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class StartView:
    """The examined form. ``request`` are the arguments of the recorder's ``start``, None while it may not be sent."""

    problems: tuple[Problem, ...]
    card: ConfirmCard | None
    findings: tuple[Finding, ...]
    refused: tuple[Message, ...]
    can_confirm: bool
    can_start: bool
    request: dict[str, Any] | None


def next_subject(form: StartForm) -> StartForm:
    """The empty form for the next person: operator, template, sides and consent version stay."""
    return StartForm(
        operator=form.operator,
        template=form.template,
        wristband_side=form.wristband_side,
        finger_cuff_side=form.finger_cuff_side,
        arm_cuff_side=form.arm_cuff_side,
        consent_version=form.consent_version,
    )


def examine(form: StartForm, checks: Sequence[Mapping[str, Any]] | None = None) -> StartView:
    """Judge the fields and the recorder's pre-flight answers; ``checks`` is None before they were asked for."""
    problems = (*_subject_problems(form), *_consent_problems(form), *_site_problems(form))
    findings = tuple(_finding(check, form) for check in checks or () if not check["ok"])
    refused = tuple(f.message for f in findings if f.level == "refuse")
    unexplained = [f for f in findings if f.level == "override" and not f.reason.strip()]
    can_confirm = not problems
    can_start = can_confirm and checks is not None and not refused and not unexplained
    return StartView(
        problems=problems,
        card=_card(form) if can_confirm else None,
        findings=findings,
        refused=refused,
        can_confirm=can_confirm,
        can_start=can_start,
        request=request(form, findings) if can_start else None,
    )


def pseudonym_warnings(pseudonym: str) -> tuple[Message, ...]:
    """A pseudonym that looks like a name, a date of birth or a national number is warned about."""
    looks = (("date", _DATE), ("number", _NATIONAL), ("name", _NAME))
    found = next((kind for kind, pattern in looks if pattern.fullmatch(pseudonym)), None)
    return () if found is None else (say(f"pseudonym-looks-like-{found}", pseudonym=pseudonym),)


def _subject_problems(form: StartForm) -> tuple[Problem, ...]:
    found = []
    if not form.pseudonym:
        found.append(Problem("pseudonym", say("field-required")))
    elif form.pseudonym_again != form.pseudonym:
        found.append(Problem("pseudonym_again", say("pseudonym-differs")))
    if not form.sex:
        found.append(Problem("sex", say("field-required")))
    found += [
        p for name in ("age_y", "height_cm", "weight_kg", "cvp_mmhg") for p in _number_problem(form, name)
    ]
    if not form.age_y.strip():
        found.append(Problem("age_y", say("field-required")))
    if not found:
        found += _refusal("pseudonym", lambda: subject(form))
    return tuple(found)


def _consent_problems(form: StartForm) -> tuple[Problem, ...]:
    if not form.consent_record:
        return (Problem("consent_record", say("consent-needed")),)
    return tuple(_refusal("consent_version", lambda: consent(form)))


def _site_problems(form: StartForm) -> tuple[Problem, ...]:
    return tuple(_number_problem(form, "hand_height_cm"))


def _number_problem(form: StartForm, name: str) -> list[Problem]:
    try:
        _number(getattr(form, name))
    except ValueError:
        return [Problem(name, say("field-not-a-number"))]
    return []


def _refusal(name: str, make: Any) -> list[Problem]:
    try:
        make()
    except ValueError as error:
        return [Problem(name, say("field-refused", why=str(error)))]
    return []


def _number(text: str) -> float | None:
    """A typed number; a decimal comma is read as a point."""
    text = text.strip().replace(",", ".")
    return float(text) if text else None


def subject(form: StartForm) -> Subject:
    """The subject of the form.

    Raises:
        ValueError: a field is out of range.
    """
    age = _number(form.age_y)
    return Subject(
        pseudonym=form.pseudonym,
        sex=form.sex,  # type: ignore[arg-type]
        age_y=None if age is None else min(90, int(age)),
        height_cm=_number(form.height_cm),
        weight_kg=_number(form.weight_kg),
        cvp_mmhg=_number(form.cvp_mmhg),
    )


def consent(form: StartForm) -> Consent:
    """The consent of the form.

    Raises:
        ValueError: version or date is missing.
    """
    return Consent(
        version=form.consent_version,
        date=form.consent_date,
        record=form.consent_record,
        upload=form.consent_upload,
        reuse_for_training=form.consent_training,
        feedback=form.consent_feedback,
    )


def _card(form: StartForm) -> ConfirmCard:
    details = say(
        "confirm-details",
        height=form.height_cm or "–",
        weight=form.weight_kg or "–",
        wristband=form.wristband_side,
        finger=form.finger_cuff_side,
        arm=form.arm_cuff_side,
        consent=f"{form.consent_version}, {form.consent_date}",
    )
    warnings = list(pseudonym_warnings(form.pseudonym))
    if not form.height_cm.strip() or not form.weight_kg.strip():
        warnings.append(say("no-height-weight"))
    if not form.cvp_mmhg.strip():
        warnings.append(say("no-cvp"))
    return ConfirmCard(form.pseudonym, form.sex, form.age_y, details, tuple(warnings))


def _finding(check: Mapping[str, Any], form: StartForm) -> Finding:
    device = str(check["id"]).partition(":")[2] or str(check["id"])
    message = say("preflight", who=check["who"], what=check["what"], todo=check["todo"])
    return Finding(str(check["id"]), device, str(check["level"]), message, form.overrides.get(device, ""))


def request(form: StartForm, findings: Sequence[Finding] = ()) -> dict[str, Any]:
    """Arguments of the recorder's ``preflight`` and ``start``.

    Raises:
        ValueError: a field is out of range.
    """
    return {
        "subject": subject(form).to_json(),
        "consent": asdict(consent(form)),
        "sites": asdict(
            Sites(
                form.wristband_side,  # type: ignore[arg-type]
                form.finger_cuff_side,  # type: ignore[arg-type]
                form.arm_cuff_side,  # type: ignore[arg-type]
                form.posture,
                _number(form.hand_height_cm),
            )
        ),
        "operator": form.operator.strip(),
        "template": {"name": form.template.strip()} if form.template.strip() else {},
        "overrides": {f.device: f.reason.strip() for f in findings if f.level == "override"},
        "notes": form.notes.strip(),
    }
