"""The form before Start: who, consent, sites. Examined by a pure function; the screen only shows what it says.

Settings return, the subject never does (safety rule 2): :func:`next_subject` keeps operator, template and sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from hemoview.viewmodel import formats
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.details_form import detail_problems, details
from hemoview.viewmodel.sessions.pseudonym import (
    Known,
    Question,
    how_entered,
    known_questions,
    looks_questions,
)
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_problems import (
    GROUPED_FROM_Y,
    Problem,
    consent_problems,
    kept_otherwise,
    needed,
    needs_again,
    number,
    site_problems,
    subject_problems,
)
from recorder.schema import Consent, Sites, Subject
from recorder.schema.check_character import scheme_of

NOT_ASKED = Known("")
"""Nothing is asked about earlier sessions."""


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
    """The examined form. ``request`` are the arguments of the recorder's ``start``, None while it may not be sent.

    ``remarks`` stand beside a field, as problems do, but bar nothing. ``questions`` bar Start until every one was
    answered. ``needs_again``: the pseudonym is to be typed once more.
    """

    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    card: ConfirmCard | None
    findings: tuple[Finding, ...]
    refused: tuple[Message, ...]
    can_confirm: bool
    can_start: bool
    request: dict[str, Any] | None
    questions: tuple[Question, ...] = ()
    needs_again: bool = True


def next_subject(form: StartForm) -> StartForm:
    """The empty form for the next person: operator, template with its rules, sides and consent version stay."""
    return StartForm(
        pseudonym_check=form.pseudonym_check,
        operator=form.operator,
        template=form.template,
        rules=form.rules,
        wristband_side=form.wristband_side,
        finger_cuff_side=form.finger_cuff_side,
        arm_cuff_side=form.arm_cuff_side,
        consent_version=form.consent_version,
    )


def examine(
    form: StartForm,
    checks: Sequence[Mapping[str, Any]] | None = None,
    *,
    today: date,
    known: Known | None = NOT_ASKED,
) -> StartView:
    """Judge the fields and the recorder's pre-flight answers.

    Args:
        form: as typed.
        checks: the answers; None before they were asked for.
        today: at the bedside; nobody has signed later.
        known: what earlier sessions say about the pseudonym; None while that is being asked for.
    """
    problems = (
        *subject_problems(form),
        *consent_problems(form, today),
        *site_problems(form),
        *(Problem("details", found) for found in detail_problems(form.details)[:1]),
        *needed(form, "operator"),
    )
    findings = tuple(_finding(check, form) for check in checks or () if not check["ok"])
    refused = tuple(f.message for f in findings if f.level == "refuse")
    unexplained = [f for f in findings if f.level == "override" and not f.reason.strip()]
    can_confirm = not problems
    questions = _questions(form, known, today) if can_confirm else ()
    unanswered = [q for q in questions if q.key not in form.answered]
    told = checks is not None and known is not None
    can_start = can_confirm and told and not refused and not unexplained and not unanswered
    return StartView(
        problems=problems,
        remarks=(*kept_otherwise(form), *_known_remark(form, known)),
        card=_card(form) if can_confirm else None,
        findings=findings,
        refused=refused,
        can_confirm=can_confirm,
        can_start=can_start,
        request=request(_still_asked(form, questions), findings) if can_start else None,
        questions=questions,
        needs_again=needs_again(form),
    )


def answer(form: StartForm, key: str, *, given: bool) -> StartForm:
    """The form with a question answered, or the answer taken back."""
    return replace(form, answered=form.answered | {key} if given else form.answered - {key})


def _still_asked(form: StartForm, questions: Sequence[Question]) -> StartForm:
    """Answers to what was asked about another entry are not kept."""
    return replace(form, answered=form.answered & {q.key for q in questions})


def _questions(form: StartForm, known: Known | None, today: date) -> tuple[Question, ...]:
    age = number(form.age_y)
    wall_ns = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp() * 1e9)
    about = known_questions(
        known,
        form.pseudonym,
        sex=form.sex,
        age_y=None if age is None else min(GROUPED_FROM_Y, int(age)),
        height_cm=number(form.height_cm),
        wall_ns=wall_ns,
    )
    return (*looks_questions(form.pseudonym), *about)


def _known_remark(form: StartForm, known: Known | None) -> tuple[Problem, ...]:
    """Beside the pseudonym: has it been recorded here before?"""
    if known is None or known.pseudonym != form.pseudonym or not known.sessions:
        return ()
    last = formats.day(known.created_wall_ns, formats.offset_here_s(known.created_wall_ns))
    return (Problem("pseudonym", say("pseudonym-known", sessions=known.sessions, last=last)),)


def subject(form: StartForm) -> Subject:
    """The subject of the form.

    Raises:
        ValueError: a field is out of range.
    """
    age = number(form.age_y)
    return Subject(
        pseudonym=form.pseudonym,
        sex=form.sex,  # type: ignore[arg-type]
        age_y=None if age is None else min(GROUPED_FROM_Y, int(age)),
        height_cm=number(form.height_cm),
        weight_kg=number(form.weight_kg),
        cvp_mmhg=number(form.cvp_mmhg),
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
        wristband=say(f"choice-{form.wristband_side}"),
        finger=say(f"choice-{form.finger_cuff_side}"),
        arm=say(f"choice-{form.arm_cuff_side}"),
        consent=_consent_words(form),
    )
    grouped = kept_otherwise(form)
    warnings = [remark.message for remark in grouped]
    if not form.height_cm.strip() or not form.weight_kg.strip():
        warnings.append(say("no-height-weight"))
    if not form.cvp_mmhg.strip():
        warnings.append(say("no-cvp"))
    if form.rules.estimates_hidden:
        warnings.append(say("confirm-hidden"))
    age = f"{GROUPED_FROM_Y}+" if grouped else form.age_y
    return ConfirmCard(form.pseudonym, form.sex, age, details, tuple(warnings))


def _consent_words(form: StartForm) -> Message:
    """Version, date and what is allowed beside recording."""
    words = say("consent-words", version=form.consent_version, date=form.consent_date)
    for name in ("consent_upload", "consent_training", "consent_feedback"):
        if getattr(form, name):
            words = say("amend-two", first=words, more=say(f"field-{name}"))
    return words


def _finding(check: Mapping[str, Any], form: StartForm) -> Finding:
    device = str(check["id"]).partition(":")[2] or str(check["id"])
    message = say("preflight-short", who=check["who"], what=check["what"])
    if check["todo"]:
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
                number(form.hand_height_cm),
            )
        ),
        "operator": form.operator.strip(),
        "template": {"name": form.template.strip(), "rules": form.rules.to_rules()},
        "overrides": {f.device: f.reason.strip() for f in findings if f.level == "override"},
        "notes": form.notes.strip(),
        "entry": _entry(form),
        **_with_details(form),
    }


def _entry(form: StartForm) -> dict[str, Any]:
    """How the pseudonym came, and what was asked and answered about it."""
    scheme = scheme_of(form.pseudonym_check)
    how = how_entered(form.pseudonym, form.pseudonym_again, form.scanned, scheme)
    return {"how": how, "answered": sorted(form.answered)}


def _with_details(form: StartForm) -> dict[str, Any]:
    found = details(form.details)
    return {} if found is None else {"details": asdict(found)}
