"""Changing what personalises, and showing what the template hides: what was chosen, judged, as commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hemoview.viewmodel.live.record_view import EstimateChoice
from hemoview.viewmodel.messages import Message, say

Command = tuple[str, dict[str, Any]]
"""A verb of the recorder and its arguments."""


@dataclass(frozen=True, slots=True)
class EstimatesForm:
    """The fields as they stand. ``show``: what the template hides shall be shown in this session."""

    anchor_from: str = ""
    show: bool = False
    why: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class EstimatesView:
    """``commands`` carry out what was chosen; empty while something is missing, or where nothing was changed."""

    problem: Message | None
    commands: tuple[Command, ...] = ()


def examine(form: EstimatesForm, now: EstimateChoice) -> EstimatesView:
    """Judge the fields against what holds now."""
    operator, why = form.operator.strip(), form.why.strip()
    commands: list[Command] = []
    if form.anchor_from and form.anchor_from != now.anchor_from:
        commands.append(("choose_anchor", {"anchor_from": form.anchor_from, "operator": operator}))
    if form.show and now.hidden:
        commands.append(("unhide_estimates", {"why": why, "operator": operator}))
        if not why:
            return EstimatesView(say("estimates-why-needed"))
    if commands and not operator:
        return EstimatesView(say("estimates-operator-needed"))
    return EstimatesView(None, tuple(commands))
