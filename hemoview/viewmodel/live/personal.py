"""What personalises the estimates, in words of the bedside: which reading, how long ago, whether CNAP is followed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.visibility import rules_of
from hemoview.viewmodel.messages import Message, say
from recorder.schema import PRESSURES

BY: Final = {1: "cuff", 2: "reference"}
"""Codes of the column ``personalised_by``."""
TRACKED, FROZEN = 1, 2
"""Codes of the columns ``SBP_tracked`` …: the reference widens and narrows the interval; it did until it ended."""
_TAGS: Final = {TRACKED: "tag-tracked", FROZEN: "tag-frozen"}


def tracking_tag(code: float) -> str:
    """Id of the tag of a value with its interval; a row that has no such column tells 0."""
    return _TAGS.get(code_of(code), "tag-estimate")


def code_of(value: float) -> int:
    """A stored code; what is no number is 0."""
    return int(value) if math.isfinite(value) else 0


def personal_note(values: Mapping[str, float]) -> Message:
    """``personalised by cuff 3 min ago``; without the kind where a row of an older edge does not tell it."""
    age_s = values.get("personalisation_age_s", math.nan)
    if not math.isfinite(age_s):
        return say("not-personalised")
    kind = BY.get(code_of(values.get("personalised_by", 0.0)))
    return say(f"personalised-{kind}" if kind else "personalised", age=formats.age(age_s))


def tracking_of(values: Mapping[str, float]) -> int:
    """Whether any pressure is tracked, or was until the reference ended; 0: the card's own intervals."""
    codes = [code_of(values.get(f"{p}_tracked", 0.0)) for p in PRESSURES]
    return TRACKED if TRACKED in codes else max(codes)


def choice_note(facts: Facts, values: Mapping[str, float], reference_state: str) -> Message | None:
    """Whether CNAP is followed, and what it waits for where the operator chose it and it is not."""
    tracking = tracking_of(values)
    if tracking:
        return say("follows-reference" if tracking == TRACKED else "followed-reference")
    if not facts.recording or facts.estimates_hidden:
        return None
    chosen = rules_of((facts.header or {}).get("template"), facts.events).anchor_from
    if chosen not in ("reference", "both"):
        return None
    waits = "waits-for-values" if reference_state == "calibrated" else "waits-for-calibration"
    return say(waits)
