"""Optional facts about the subject, each with consent and none required (safety rule 16). Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hemoview.viewmodel.messages import Message, say
from recorder.schema import PERFUSIONS, RHYTHMS, Details

DETAIL_CHOICES = {
    "skin_tone": ("", *(str(tone) for tone in range(1, 11))),
    "rhythm": ("", *RHYTHMS),
    "perfusion": ("", *PERFUSIONS),
    "tattoo": ("", "no", "yes"),
}
DETAILS = ("skin_tone", "rhythm", "perfusion", "vasoactive_drugs", "wrist_cm", "tattoo")


@dataclass(frozen=True, slots=True)
class DetailsForm:
    """What stands in the optional fields, as typed; empty = not told."""

    consented: bool = False
    skin_tone: str = ""
    rhythm: str = ""
    perfusion: str = ""
    vasoactive_drugs: str = ""
    wrist_cm: str = ""
    tattoo: str = ""

    @property
    def told(self) -> tuple[str, ...]:
        """Fields with something in them."""
        return tuple(name for name in DETAILS if getattr(self, name).strip())


def detail_problems(form: DetailsForm) -> tuple[Message, ...]:
    """What is wrong, each with the field's name."""
    if form.told and not form.consented:
        return (say("details-need-consent"),)
    found = []
    for name in form.told:
        try:
            Details(consented=True, **{name: _value(form, name)})
        except ValueError as error:
            number = name != "wrist_cm" or _is_number(form.wrist_cm)
            wrong = say("field-refused", why=str(error)) if number else say("field-not-a-number")
            found.append(say("detail-wrong", field=say(f"short-{name}"), why=wrong))
    return tuple(found)


def details(form: DetailsForm) -> Details | None:
    """The facts that were told; None where none was.

    Raises:
        ValueError: one is out of range, or told without consent.
    """
    if not form.told:
        return None
    return Details(consented=form.consented, **{name: _value(form, name) for name in form.told})


def _value(form: DetailsForm, name: str) -> Any:
    told = getattr(form, name).strip()
    if name == "skin_tone":
        return int(told)
    if name == "wrist_cm":
        return float(told.replace(",", "."))
    return told == "yes" if name == "tattoo" else told


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.strip().replace(",", ".")))
    except ValueError:
        return False
