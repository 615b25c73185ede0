"""What the estimates may claim, built from the model card (safety rule 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.messages import Message, say
from recorder.schema.claims import OWN_DEVICES, claim_of


def footer(facts: Facts) -> Message:
    """What the running model may claim, or why there is none."""
    if facts.card:
        return claim(facts.card, (d.product for d in facts.devices if d.device_id not in OWN_DEVICES))
    info = facts.by_role("estimate")
    told = info.metadata if info else {}
    if told.get("model_refused"):
        return say("footer-refused", why=told["model_refused"])
    return say("footer-no-card", model=told["model"]) if told.get("model") else say("footer-no-model")


def claim(card: Mapping[str, Any], products: Iterable[str]) -> Message:
    """One sentence per fact: learned from what, on whom, and what of the ``products`` it was never checked against."""
    told = claim_of(card, products)
    if told.simulated:
        return say("footer-simulated", unchecked=told.unchecked or say("footer-any-device"))
    return say(
        "footer" if told.unchecked else "footer-all-seen",
        kinds=told.kinds,
        site=told.site,
        n=told.n,
        unchecked=told.unchecked,
    )
