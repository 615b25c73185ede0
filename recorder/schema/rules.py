"""Rules of a session that bear on its estimates: from its template, and changed since by explicit commands.

Every process reads them by the same pure function: the edge process to compute, the screens to show or to hide. They
stand in ``template.rules`` of the session's header; a change is an event of kind :data:`RULE`, stored with who and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self, get_args

from recorder.schema.events import Event

AnchorFrom = Literal["cuff", "reference", "both"]
"""What personalises: cuff readings, the calibrated arterial wave, or both."""
ANCHORS: Final[tuple[AnchorFrom, ...]] = get_args(AnchorFrom)

RULE: Final = "rule"
"""Kind of the event: ``{rule, value, operator, why}``."""
ANCHOR_FROM, SHOW_SIMULATED, ESTIMATES_HIDDEN = "anchor_from", "show_simulated", "estimates_hidden"


@dataclass(frozen=True, slots=True)
class EstimateRules:
    """The rules that hold at a moment.

    Args:
        anchor_from: what personalises; None where nobody chose, then the edge process's own default holds.
        show_simulated: whether parameters learned from simulation alone get values, tagged SIM; None as above.
        estimates_hidden: computed and stored, shown to nobody (safety rule 13).
    """

    anchor_from: AnchorFrom | None = None
    show_simulated: bool | None = None
    estimates_hidden: bool = False

    @classmethod
    def of_template(cls, template: Mapping[str, Any] | None) -> Self:
        """Of a header's template. What cannot be understood is not chosen, but in doubt estimates stay hidden."""
        rules = (template or {}).get("rules")
        rules = rules if isinstance(rules, Mapping) else {}
        anchor_from, simulated = rules.get(ANCHOR_FROM), rules.get(SHOW_SIMULATED)
        return cls(
            anchor_from if anchor_from in ANCHORS else None,
            simulated if isinstance(simulated, bool) else None,
            bool(rules.get(ESTIMATES_HIDDEN, False)),
        )

    def after(self, events: Iterable[Event]) -> Self:
        """The rules once these events have happened, in their order; events of other kinds change nothing."""
        rules = self
        for event in events:
            if event.kind != RULE:
                continue
            rule, value = event.payload.get("rule"), event.payload.get("value")
            if rule == ANCHOR_FROM and value in ANCHORS:
                rules = replace(rules, anchor_from=value)
            elif rule == ESTIMATES_HIDDEN and value is False:
                rules = replace(rules, estimates_hidden=False)
        return rules


def check_rules(rules: Any) -> None:
    """Refuse rules of a template that a session could not be recorded by.

    Raises:
        ValueError: names the rule and what it may be. Rules of other rooms are none of this one's business.
    """
    if not isinstance(rules, Mapping):
        raise ValueError("rules: a table of switches is wanted")
    if ANCHOR_FROM in rules and rules[ANCHOR_FROM] not in ANCHORS:
        raise ValueError(f"rules.{ANCHOR_FROM} = {rules[ANCHOR_FROM]!r}: give {', '.join(ANCHORS)}")
    for name in (SHOW_SIMULATED, ESTIMATES_HIDDEN):
        if name in rules and not isinstance(rules[name], bool):
            raise ValueError(f"rules.{name} = {rules[name]!r}: give true or false")
