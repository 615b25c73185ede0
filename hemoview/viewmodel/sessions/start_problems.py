"""What is wrong with the fields of the start form, each beside its field. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date

from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.start_fields import StartForm
from recorder.schema import Subject
from recorder.schema.check_character import carries_check, scheme_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d")

OLDEST_Y = 120
"""Above this an age is a typing error."""

GROUPED_FROM_Y = 90
"""90 and older are one group (safety rule 16)."""

HAND_HEIGHT_CM = (-100.0, 100.0)
"""No hand is further from the heart."""

NEEDED = ("field-required", "consent-needed")
"""Problems of a field that is still empty; any other is an entry to correct."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field."""

    field: str
    message: Message


def needs_again(form: StartForm) -> bool:
    """Neither a scanner nor a check character vouches for the pseudonym: it is typed twice."""
    if form.pseudonym_check not in ("", "none"):
        return False
    return not form.pseudonym or form.scanned != form.pseudonym


def subject_problems(form: StartForm) -> tuple[Problem, ...]:
    """Pseudonym, sex, age, height, weight, CVP."""
    found = [*needed(form, "pseudonym"), *needed(form, "sex"), *needed(form, "age_y")]
    if form.pseudonym:
        found += _pseudonym_problems(form)
    found += _between(form, "age_y", 0, OLDEST_Y)
    for name in ("height_cm", "weight_kg", "cvp_mmhg"):
        found += _number_problem(form, name) or _refusal(name, form)
    return tuple(found)


def _pseudonym_problems(form: StartForm) -> list[Problem]:
    try:
        Subject(form.pseudonym)
    except ValueError:
        return [Problem("pseudonym", say("pseudonym-form"))]
    scheme = scheme_of(form.pseudonym_check)
    if scheme != "none":
        wrong = not carries_check(form.pseudonym, scheme)
        return [Problem("pseudonym", say("pseudonym-check-wrong"))] if wrong else []
    if not needs_again(form):
        return []
    if not form.pseudonym_again:
        return needed(form, "pseudonym_again")
    differs = form.pseudonym_again != form.pseudonym
    return [Problem("pseudonym_again", say("pseudonym-differs"))] if differs else []


def consent_problems(form: StartForm, today: date) -> tuple[Problem, ...]:
    """Version, date of signature, and that it allows recording."""
    found = [*needed(form, "consent_version"), *needed(form, "consent_date")]
    if form.consent_date:
        found += _date_problem(form.consent_date, today)
    if not form.consent_record:
        found.append(Problem("consent_record", say("consent-needed")))
    return tuple(found)


def _date_problem(typed: str, today: date) -> list[Problem]:
    try:
        signed = date.fromisoformat(typed) if _DAY.fullmatch(typed) else None
    except ValueError:
        signed = None
    if signed is None:
        return [Problem("consent_date", say("date-form"))]
    return [Problem("consent_date", say("date-future"))] if signed > today else []


def site_problems(form: StartForm) -> tuple[Problem, ...]:
    """Where the hand is."""
    return tuple(_between(form, "hand_height_cm", *HAND_HEIGHT_CM))


def kept_otherwise(form: StartForm) -> tuple[Problem, ...]:
    """What is kept otherwise than typed."""
    grouped = not _between(form, "age_y", GROUPED_FROM_Y, OLDEST_Y) and form.age_y.strip()
    return (Problem("age_y", say("age-grouped", age=GROUPED_FROM_Y)),) if grouped else ()


def needed(form: StartForm, name: str) -> list[Problem]:
    """A field that must not be empty."""
    return [] if getattr(form, name).strip() else [Problem(name, say("field-required"))]


def _number_problem(form: StartForm, name: str) -> list[Problem]:
    try:
        value = number(getattr(form, name))
    except ValueError:
        return [Problem(name, say("field-not-a-number"))]
    finite = value is None or math.isfinite(value)
    return [] if finite else [Problem(name, say("field-not-a-number"))]


def _between(form: StartForm, name: str, low: float, high: float) -> list[Problem]:
    found = _number_problem(form, name)
    if found:
        return found
    value = number(getattr(form, name))
    inside = value is None or low <= value <= high
    return [] if inside else [Problem(name, say("field-outside", low=f"{low:g}", high=f"{high:g}"))]


def _refusal(name: str, form: StartForm) -> list[Problem]:
    """What the schema itself says to one value."""
    try:
        Subject("P", **{name: number(getattr(form, name))})  # type: ignore[arg-type]
    except ValueError as error:
        return [Problem(name, say("field-refused", why=str(error)))]
    return []


def number(text: str) -> float | None:
    """A typed number; a decimal comma is read as a point."""
    text = text.strip().replace(",", ".")
    return float(text) if text else None
