"""What estimates may claim, by the card of their model (safety rules 6 and 7): one rule for every screen near and far.

A card is the plain JSON object that a bundle, and the metadata ``claims`` of a stream of estimates, carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recorder.schema.units import PARAMETERS

MIN_CALIBRATION_SUBJECTS: Final = 9
"""Fewer real calibration subjects than this: no 90 % interval is claimed (safety rule 7)."""
LEARNED: Final = ("SBP", "MAP", "DBP", "HR")
"""Every other parameter rests on stroke volume, or on the cardiac output it comes from."""
OWN_DEVICES: Final = ("edge", "cuff", "manual")
"""Ids of devices that are no sensor of their own."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a footer says of the model behind the estimates (safety rule 6): from the card, never from the session.

    Args:
        kinds, site, n: references, sensor sites and number of real people it was learned from; empty where there are
            none, because everything was learned from simulation.
        unchecked: devices it was never checked against; empty where every device in use stood in its training.
    """

    kinds: tuple[str, ...]
    site: tuple[str, ...]
    n: str
    unchecked: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        """No real person stands behind it."""
        return not self.n


def facts_of(card: Mapping[str, Any], parameter: str) -> Mapping[str, Any] | None:
    """What the card states of the reference behind a parameter; None where it states nothing."""
    known = card.get("per_parameter", {})
    rests_on = () if parameter in LEARNED or parameter not in PARAMETERS else ("SV", "CO")
    return next((known[p] for p in (parameter, *rests_on) if p in known), None)


def interval_claimed(card: Mapping[str, Any], parameter: str) -> bool:
    """Enough real people stand behind a parameter for an interval of its own. Of what a card states nothing, as of a
    heart rate that is counted, the edge process has judged already.
    """
    facts = facts_of(card, parameter)
    return facts is None or (
        int(facts.get("n_calibration_subjects", 0)) >= MIN_CALIBRATION_SUBJECTS
        and int(facts.get("n_real_subjects", 1)) > 0
    )


def claim_of(card: Mapping[str, Any], products: Iterable[str]) -> Claim:
    """What a card claims beside the ``products`` in use."""
    real = [v for v in card.get("per_parameter", {}).values() if int(v.get("n_real_subjects", 0)) > 0]
    numbers = sorted({int(value["n_real_subjects"]) for value in real})
    return Claim(
        kinds=_words(value.get("reference_kind", "") for value in real),
        site=_words(value.get("sensor_site", "") for value in real),
        n="–".join(dict.fromkeys(str(n) for n in (*numbers[:1], *numbers[-1:]))),
        unchecked=_unchecked(card, products),
    )


def _unchecked(card: Mapping[str, Any], products: Iterable[str]) -> tuple[str, ...]:
    """Devices in use that the card does not name as seen in training; all of them where it names none."""
    trained = " ".join(str(d) for d in card.get("devices_in_training", ())).casefold()
    unseen = [product for product in products if product and product.casefold() not in trained]
    return _words(unseen) or _words(str(d) for d in card.get("devices_not_in_training", ()))


def _words(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
