"""Whether estimates may be shown (safety rule 13): the one place that decides, for every screen and picture.

How to use it:

- A live screen made of :class:`~hemoview.viewmodel.live.facts.Facts` need not do anything to be safe:
  ``LiveModel.facts()`` has passed through :func:`bedside`, so that hidden numbers are NaN in ``facts.estimates`` before
  any screen sees them. It says *why* by asking ``facts.estimates_hidden`` and then showing ``visibility.note(facts)``
  in their place.
- Whatever reads rows of a session from disk asks :func:`estimates_hidden` with the template of its header and its
  events (Review: ``SessionFacts.estimates_hidden``), and passes rows of role ``estimate`` through :func:`masked`.

Hidden are all ten parameters with interval, reason and tracking, heart rate of the estimate included. Signal quality,
age of the personalisation, beats and the reference stay: they are no estimates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import EstimateChoice
from hemoview.viewmodel.live.rings import RingSlice
from hemoview.viewmodel.messages import Message, say
from recorder.schema import PARAMETERS, Event, StreamInfo
from recorder.schema.rules import ESTIMATES_HIDDEN, RULE, EstimateRules


def rules_of(template: Mapping[str, Any] | None, events: Iterable[Event]) -> EstimateRules:
    """The rules of a session as its header and what happened since have them."""
    return EstimateRules.of_template(template).after(events)


def estimates_hidden(template: Mapping[str, Any] | None, events: Iterable[Event]) -> bool:
    """Whether a session's estimates are shown to nobody.

    Args:
        template: of the session's header.
        events: of the session; one of them may have unhidden them.
    """
    return rules_of(template, events).estimates_hidden


def bedside(facts: Facts) -> Facts:
    """The facts as screens may have them; ``estimates_hidden`` tells them whether something was taken out.

    A session whose header is not known yet hides: a window that joins must not show a number for a moment. What a
    session hid stays hidden after its end, until another begins: the subject may still lie there. Before the first
    one, what the start form is set to holds.
    """
    if not _hides(facts):
        return replace(facts, estimates_hidden=False)
    info, rows = facts.by_role("estimate"), facts.estimates
    taken_out = None if info is None or rows is None else masked(info, rows)
    return replace(facts, estimates=taken_out, estimates_hidden=True)


def _hides(facts: Facts) -> bool:
    session = facts.status.session if facts.status else None
    if session is None or not session.session_id:
        return facts.estimates_hidden
    return facts.header is None or estimates_hidden(facts.header.get("template"), facts.events)


def masked(info: StreamInfo, rows: RingSlice) -> RingSlice:
    """Rows of an estimate stream without any estimate: NaN in every column of a parameter."""
    shown = [i for i, c in enumerate(info.channels) if c.name.partition("_")[0] not in PARAMETERS]
    values = np.full_like(rows.values, np.nan)
    values[:, shown] = rows.values[:, shown]
    return replace(rows, values=values)


def choice(facts: Facts) -> EstimateChoice | None:
    """What may be changed about the estimates of the open session by this window."""
    if not facts.recording or not facts.in_control or facts.header is None:
        return None
    rules = rules_of(facts.header.get("template"), facts.events)
    return EstimateChoice(rules.anchor_from or "", rules.estimates_hidden)


def note(facts: Facts) -> Message | None:
    """What stands in the place of hidden estimates, or who shows them in spite of the template; None: no rule."""
    if facts.estimates_hidden:
        return say("estimates-hidden")
    shown = [e for e in facts.events if e.kind == RULE and e.payload.get("rule") == ESTIMATES_HIDDEN]
    if not shown:
        return None
    last = shown[-1]
    time = formats.time_of_day(last.wall_ns, facts.utc_offset_s)
    return say("estimates-unhidden", operator=last.payload.get("operator", ""), time=time)
