"""What can be typed and chosen before Start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hemoview.viewmodel.sessions.details_form import DetailsForm
from hemoview.viewmodel.sessions.rule_choice import RuleChoice

SEXES = ("", "female", "male", "other", "unknown")
SIDES = ("unknown", "left", "right")


@dataclass(frozen=True, slots=True)
class StartForm:
    """What stands in the fields, as typed.

    ``overrides``: device id → reason for starting without it. ``scanned``: the pseudonym as a scanner read it, which
    needs no second entry. ``pseudonym_check``: the check character that pseudonyms of the template carry.
    ``answered``: keys of questions that were answered. ``rules``: about estimates.
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
    rules: RuleChoice = field(default_factory=RuleChoice)
    notes: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict, hash=False)
    scanned: str = ""
    pseudonym_check: str = ""
    answered: frozenset[str] = frozenset()
    details: DetailsForm = field(default_factory=DetailsForm)
