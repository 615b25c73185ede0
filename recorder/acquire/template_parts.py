"""The parts of a template that guide a recording: phases, cuff schedule, reminders, ranges, rules, checklists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from recorder.acquire.template_faults import Table, number, short
from recorder.schema import CHECK_SCHEMES

DURATION_MIN: Final = (0.1, 1440.0)
EVERY_MIN: Final = (1.0, 1440.0)
RANGE_LIMITS: Final = {"SBP": (40, 300), "MAP": (30, 250), "DBP": (20, 200), "HR": (20, 250)}
"""Parameters that may have a range, and what it may lie in."""

RULES: Final[dict[str, tuple[str, ...] | None]] = {
    "anchor_from": ("cuff", "reference", "both"),
    "estimates_hidden": None,
    "pseudonym_check": CHECK_SCHEMES,
    "show_simulated": None,
}
"""Switches of a study: the allowed words, or None for true and false. A misspelt one would silently do nothing."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of the protocol.

    Args:
        name: as shown.
        duration_min: None lasts until somebody ends it.
        marker_at_start, marker_at_end: labels of the markers the recorder makes; empty makes none.
        instruction: to the operator, one line.
        begins_by_itself: when the phase before has ended.
    """

    name: str
    duration_min: float | None = None
    marker_at_start: str = ""
    marker_at_end: str = ""
    instruction: str = ""
    begins_by_itself: bool = False

    @property
    def duration_s(self) -> float | None:
        """Seconds, None without an end."""
        return None if self.duration_min is None else self.duration_min * 60


@dataclass(frozen=True, slots=True)
class CuffSchedule:
    """When the arm cuff is due, minutes of the protocol clock.

    Args:
        first_after_min: the first reading; None waits for ``every_min`` or the end of a phase.
        every_min: after each reading the next.
        at_phase_ends: once more whenever a phase has ended.
    """

    first_after_min: float | None = None
    every_min: float | None = None
    at_phase_ends: bool = False

    @property
    def any(self) -> bool:
        """Whether a reading is ever due."""
        return self.first_after_min is not None or self.every_min is not None or self.at_phase_ends


@dataclass(frozen=True, slots=True)
class Reminders:
    """How often the operator is asked to look, minutes; None never.

    Args:
        finger_switch_min: the monitor itself changes the finger this often (its own setting, 30 or 60 min).
        skin_check_min: skin under finger cuff and wristband.
    """

    finger_switch_min: float | None = None
    skin_check_min: float | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """Lines to tick; ``after`` empty stands for: clean, charge, next subject."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def phases_of(top: Table) -> tuple[Phase, ...]:
    """``[[phases]]``, in order."""
    found = []
    for table in top.tables("phases"):
        table.only(Phase.__dataclass_fields__)
        found.append(
            Phase(
                table.text("name", needed=True, most=40),
                table.number("duration_min", *DURATION_MIN),
                table.text("marker_at_start", most=40),
                table.text("marker_at_end", most=40),
                table.text("instruction"),
                table.flag("begins_by_itself"),
            )
        )
    return tuple(found)


def cuff_of(top: Table) -> CuffSchedule:
    """``[cuff]``."""
    table = top.table("cuff")
    table.only(CuffSchedule.__dataclass_fields__)
    return CuffSchedule(
        table.number("first_after_min", 0, EVERY_MIN[1]),
        table.number("every_min", *EVERY_MIN),
        table.flag("at_phase_ends"),
    )


def reminders_of(top: Table) -> Reminders:
    """``[reminders]``."""
    table = top.table("reminders")
    table.only(Reminders.__dataclass_fields__)
    return Reminders(
        table.number("finger_switch_min", *EVERY_MIN), table.number("skin_check_min", *EVERY_MIN)
    )


def checklist_of(top: Table) -> Checklist:
    """``[checklist]``."""
    table = top.table("checklist")
    table.only(Checklist.__dataclass_fields__)
    return Checklist(table.texts("before", most=12), table.texts("after", most=12))


def ranges_of(top: Table) -> dict[str, tuple[float, float]]:
    """``[ranges]``: parameter = [low, high]. For reports and time in target, never an alarm."""
    table = top.table("ranges")
    table.only(RANGE_LIMITS)
    found = {}
    for name, limits in RANGE_LIMITS.items():
        value = table.values.get(name)
        if value is None:
            continue
        ends = [number(v) for v in value] if isinstance(value, list | tuple) else []
        if len(ends) != 2 or ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
            table.fault(name, "range")
        elif not limits[0] <= ends[0] < ends[1] <= limits[1]:
            shown = f"{ends[0]:g} to {ends[1]:g}"
            table.fault(name, "outside", value=shown, low=limits[0], high=limits[1])
        else:
            found[name] = (ends[0], ends[1])
    return found


def rules_of(top: Table) -> dict[str, Any]:
    """``[rules]``."""
    table = top.table("rules")
    table.only(RULES)
    found: dict[str, Any] = {}
    for name, words in RULES.items():
        value = table.values.get(name)
        if value is None:
            continue
        if words is None:
            found[name] = table.flag(name)
        elif value in words:
            found[name] = value
        else:
            table.fault(name, "choice", value=short(value), known=", ".join(words))
    return found


def overrides_of(top: Table, device_ids: list[str]) -> dict[str, str]:
    """``[overrides]``: device id = why a session may begin without it."""
    table = top.table("overrides")
    for name in table.values:
        if name not in device_ids:
            table.fault(str(name), "no-device", value=short(name))
    return {str(name): table.text(str(name)) for name in table.values}
