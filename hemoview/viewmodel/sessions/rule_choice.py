"""The rules about estimates as the start form has them, and what a template says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recorder.schema.rules import ANCHOR_FROM, ESTIMATES_HIDDEN, SHOW_SIMULATED, AnchorFrom, EstimateRules


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """What was chosen for the next session.

    Args:
        anchor_from: what personalises.
        estimates_hidden: shown to nobody at the bedside.
        show_simulated: values without a real reference are shown, tagged SIM.
        template_hides: the template hides the estimates, so that nobody can choose otherwise here; it takes the
            session's own unhiding (safety rule 13).
    """

    anchor_from: AnchorFrom = "cuff"
    estimates_hidden: bool = False
    show_simulated: bool = False
    template_hides: bool = False

    def __post_init__(self) -> None:
        if self.template_hides and not self.estimates_hidden:
            object.__setattr__(self, "estimates_hidden", True)

    def to_rules(self) -> dict[str, Any]:
        """As they are kept with the session, in ``template.rules``."""
        return {
            ANCHOR_FROM: self.anchor_from,
            SHOW_SIMULATED: self.show_simulated,
            ESTIMATES_HIDDEN: self.estimates_hidden,
        }


def with_rules(choice: RuleChoice, rules: Mapping[str, Any]) -> RuleChoice:
    """The choice once a template was chosen: what it does not rule stays as it was chosen last."""
    ruled = EstimateRules.of_template({"rules": rules})
    hidden = ruled.estimates_hidden if ESTIMATES_HIDDEN in rules else choice.estimates_hidden
    return RuleChoice(
        ruled.anchor_from or choice.anchor_from,
        hidden,
        choice.show_simulated if ruled.show_simulated is None else ruled.show_simulated,
        template_hides=ruled.estimates_hidden,
    )


def without_template(choice: RuleChoice) -> RuleChoice:
    """No template is chosen any longer: everything may be chosen here."""
    return replace(choice, template_hides=False)


def stored_choice(value: Any) -> RuleChoice:
    """From settings; what this version does not know is as on the first start."""
    return without_template(with_rules(RuleChoice(), value)) if isinstance(value, Mapping) else RuleChoice()
