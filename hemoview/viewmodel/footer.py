"""What the estimates may claim, built from the model card (safety rule 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hemoview.viewmodel.facts import Facts
from hemoview.viewmodel.messages import Message, say

OWN_DEVICES = ("edge", "cuff", "manual")
"""Ids of devices that are no sensor of their own."""


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
    real = [v for v in card.get("per_parameter", {}).values() if int(v.get("n_real_subjects", 0)) > 0]
    unchecked = _unchecked(card, products)
    if not real:
        return say("footer-simulated", unchecked=unchecked or say("footer-any-device"))
    numbers = sorted({int(value["n_real_subjects"]) for value in real})
    return say(
        "footer" if unchecked else "footer-all-seen",
        kinds=_words(value.get("reference_kind", "") for value in real),
        site=_words(value.get("sensor_site", "") for value in real),
        n=f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}",
        unchecked=unchecked,
    )


def _unchecked(card: Mapping[str, Any], products: Iterable[str]) -> str:
    """Devices in use that the card does not name as seen in training; all of them where it names none."""
    trained = " ".join(str(d) for d in card.get("devices_in_training", ())).casefold()
    unseen = [product for product in products if product and product.casefold() not in trained]
    return _words(unseen) or _words(str(d) for d in card.get("devices_not_in_training", ()))


def _words(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))
