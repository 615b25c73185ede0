"""The right column: estimate with its interval, reference beside it, or a dash and the reason. Nothing is held."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemoview.viewmodel import formats
from hemoview.viewmodel.live import visibility
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.footer import footer
from hemoview.viewmodel.live.personal import choice_note, personal_note, tracking_tag
from hemoview.viewmodel.live.record_view import Cell, NumericRow, NumericsView, Wish
from hemoview.viewmodel.live.reference import Reference, reference, scale
from hemoview.viewmodel.messages import Message, say
from recorder.schema import PARAMETER_UNITS, PARAMETERS, Event, StreamInfo
from recorder.schema.claims import facts_of, interval_claimed
from recorder.schema.subject import ASSUMED_CVP_MMHG

STALE_S = 2.0
"""A value older than this is no value (ux.md: never hold the last value silently)."""

BEATS_S = 5.0
"""The reference number is the median of the beats of the last 5 s."""

REFERENCE_COLUMNS = {"SBP": "sbp_mmhg", "MAP": "map_mmhg", "DBP": "dbp_mmhg", "HR": "hr_per_min"}

SIMULATED = "simulated"
"""The one reason that is no abstention: the value stands, learned from simulation alone, tagged SIM."""

COLOURS = {
    **dict.fromkeys(("SBP", "MAP", "DBP"), "pressure"),
    "HR": "hr",
    **dict.fromkeys(("CO", "CI", "SV", "SI"), "flow"),
    **dict.fromkeys(("SVR", "SVRI"), "resistance"),
}


@dataclass(frozen=True, slots=True)
class EstimateNow:
    """The newest row of the estimate stream by channel name, or why there is none."""

    values: dict[str, float]
    reasons: tuple[str, ...]
    missing: Message | None


def numerics(wish: Wish, facts: Facts) -> NumericsView:
    """Everything in the right column."""
    now, state = newest_estimate(facts), reference(facts)
    rows = tuple(_row(p, wish, facts, now, state) for p in PARAMETERS if p in wish.parameters)
    return NumericsView(
        rows=rows,
        reference_note=_reference_note(facts, state),
        estimate_note=None if now.missing is not None else personal_note(now.values),
        hidden_note=visibility.note(facts),
        choice_note=choice_note(facts, now.values, state.state),
        estimate_choice=visibility.choice(facts),
        cuff=_cuff(facts, wish.pressure_unit),
        footer=footer(facts),
        asks_calibration=facts.recording and state.state == "uncalibrated" and not state.asks,
        calibrated_again=facts.recording and state.state == "calibrated" and not state.asks,
        scale_note=_scale_note(facts),
        asks_scale=state.state == "no-scale" and facts.in_control,
    )


def newest_estimate(facts: Facts) -> EstimateNow:
    """The newest estimate, unless it is older than :data:`STALE_S`."""
    info = facts.by_role("estimate")
    if facts.estimates_hidden:
        return EstimateNow({}, (), say("why-hidden"))
    if info is None or facts.estimates is None or len(facts.estimates) == 0:
        return EstimateNow({}, (), say("waiting-for-edge"))
    arrived = facts.arrivals.get(info.stream_id)
    if arrived is None or facts.age_s(arrived) > STALE_S:
        return EstimateNow({}, (), say("estimate-stale"))
    names = [channel.name for channel in info.channels]
    values = dict(zip(names, (float(v) for v in facts.estimates.values[-1]), strict=True))
    return EstimateNow(values, _reasons(info), None)


def _reasons(info: StreamInfo) -> tuple[str, ...]:
    return tuple(json.loads(info.metadata.get("reasons", "[]")))


def _row(parameter: str, wish: Wish, facts: Facts, now: EstimateNow, state: Reference) -> NumericRow:
    pressure = parameter in ("SBP", "MAP", "DBP")
    unit = wish.pressure_unit if pressure else PARAMETER_UNITS[parameter]
    return NumericRow(
        parameter=parameter,
        unit=unit,
        colour=COLOURS[parameter],
        estimate=_estimate(parameter, unit, facts, now),
        reference=_reference(parameter, unit, facts, state) if parameter in REFERENCE_COLUMNS else None,
        claim=_claim(parameter, facts.card),
    )


def _claim(parameter: str, card: Mapping[str, Any]) -> Message | None:
    """What the card states of this parameter: reference, site, people behind its interval (safety rule 7)."""
    stated = facts_of(card, parameter)
    if stated is None:
        return say("claim-counted") if parameter == "HR" else None
    if int(stated.get("n_real_subjects", 0)) == 0:
        return say("claim-simulated")
    return say(
        "claim-learned",
        kind=stated.get("reference_kind", ""),
        site=stated.get("sensor_site", ""),
        n=int(stated.get("n_calibration_subjects", 0)),
    )


def _estimate(parameter: str, unit: str, facts: Facts, now: EstimateNow) -> Cell:
    if now.missing is not None:
        return Cell(formats.DASH, reason=now.missing)
    why = _why(parameter, now)
    if why not in ("", SIMULATED):
        return Cell(formats.DASH, reason=say(f"why-{why}"))
    value, low, high = (now.values.get(f"{parameter}{end}", math.nan) for end in ("", "_lo", "_hi"))
    factor, places = formats.pressure_factor(unit), formats.decimals(parameter, unit)
    if why == SIMULATED and math.isfinite(value):
        number = formats.number(value * factor, places)
        return Cell(number, reason=_assumed_cvp(parameter, facts), tag="tag-simulated")
    if not all(map(math.isfinite, (value, low, high))):
        return Cell(formats.DASH, reason=say("why-no-interval"))
    if not interval_claimed(facts.card, parameter):
        return Cell(formats.DASH, reason=say("why-no-real-reference"))
    return Cell(
        formats.number(value * factor, places),
        formats.interval(low * factor, high * factor, places),
        reason=_assumed_cvp(parameter, facts),
        tag=tracking_tag(now.values.get(f"{parameter}_tracked", 0.0)),
    )


def _why(parameter: str, now: EstimateNow) -> str:
    """Id of the reason beside a value: empty = fine."""
    code = now.values.get(f"{parameter}_why", 0.0)
    if not math.isfinite(code) or code == 0:
        return ""
    known = 0 < code <= len(now.reasons)
    return now.reasons[int(code) - 1] if known else "unknown"


def _assumed_cvp(parameter: str, facts: Facts) -> Message | None:
    if parameter not in ("SVR", "SVRI"):
        return None
    subject = (facts.header or {}).get("subject") or {}
    return say("assumed-cvp", cvp=f"{ASSUMED_CVP_MMHG:.0f}") if subject.get("cvp_mmhg") is None else None


def _reference(parameter: str, unit: str, facts: Facts, state: Reference) -> Cell | None:
    if state.state == "absent":
        return None
    beats = facts.by_role("beats", prefix="edge.beats_abp")
    arrived = facts.arrivals.get(beats.stream_id) if beats else None
    if beats is None or facts.beats is None or arrived is None:
        return Cell(formats.DASH, reason=say("waiting-for-beats"), muted=True)
    if facts.age_s(arrived) > STALE_S:
        return Cell(formats.DASH, reason=say("reference-stale"), muted=True)
    value = _median_beat(parameter, facts, beats)
    if parameter != "HR" and state.state == "no-scale":
        return Cell(formats.DASH, reason=say("no-pressure-scale"), muted=True)
    if not math.isfinite(value):
        return Cell(formats.DASH, reason=say("no-beats"), muted=True)
    factor, places = formats.pressure_factor(unit), formats.decimals(parameter, unit)
    muted = parameter != "HR" and state.state != "calibrated"
    word = say("uncalibrated") if muted else None
    return Cell(formats.number(value * factor, places), reason=word, muted=muted)


def valid_reference(facts: Facts) -> tuple[float, float] | None:
    """(SBP, DBP) in mmHg of a calibrated reference that delivers now, else None."""
    state, beats = reference(facts), facts.by_role("beats", prefix="edge.beats_abp")
    arrived = facts.arrivals.get(beats.stream_id) if beats else None
    if state.state != "calibrated" or beats is None or facts.beats is None or arrived is None:
        return None
    sbp, dbp = (_median_beat(p, facts, beats) for p in ("SBP", "DBP"))
    usable = facts.age_s(arrived) <= STALE_S and math.isfinite(sbp) and math.isfinite(dbp)
    return (sbp, dbp) if usable else None


def _median_beat(parameter: str, facts: Facts, info: StreamInfo) -> float:
    assert facts.beats is not None
    names = [channel.name for channel in info.channels]
    column = names.index(REFERENCE_COLUMNS[parameter])
    recent = facts.beats.t_ns > facts.beats.t_ns[-1] - BEATS_S * 1e9
    values = facts.beats.values[recent, column]
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan


def _reference_note(facts: Facts, state: Reference) -> Message | None:
    if state.state == "absent":
        return say("reference-absent")
    if state.state == "no-scale":
        return say("reference-no-scale")
    if state.since_ns is None:
        return say("reference-uncalibrated")
    return say("reference-age", age=formats.age(facts.age_s(state.since_ns)))


def _scale_note(facts: Facts) -> Message | None:
    """Date and way of the ADC calibration in use: the third of the three ages (safety rule 8)."""
    info = facts.by_role("abp_wave")
    used = scale(facts, info) if info else None
    if used is None:
        return None
    _, found = used
    date = formats.day(found.wall_ns, facts.utc_offset_s)
    return say("adc-calibrated", date=date, method=say(f"adc-method-{found.method}"))


def cuffs(facts: Facts) -> tuple[Event, ...]:
    """Cuff readings that were not withdrawn, oldest first."""
    withdrawn = {e.payload.get("event_id") for e in facts.events if e.kind == "cuff-withdrawn"}
    return tuple(e for e in facts.events if e.kind == "cuff" and e.event_id not in withdrawn)


def cuff_words(payload: Mapping[str, Any], unit: str) -> tuple[str, str]:
    """Systolic and diastolic of a stored reading, in the unit of the screen."""
    factor, places = formats.pressure_factor(unit), formats.decimals("SBP", unit)
    sbp, dbp = (formats.number(float(payload[name]) * factor, places) for name in ("sbp_mmhg", "dbp_mmhg"))
    return sbp, dbp


def _cuff(facts: Facts, unit: str) -> Message | None:
    readings = cuffs(facts)
    if not readings:
        return None
    reading = readings[-1].payload
    measured_ns = int(reading["measured_at_ns"])
    sbp, dbp = cuff_words(reading, unit)
    return say(
        "cuff-last",
        sbp=sbp,
        dbp=dbp,
        unit=unit,
        time=formats.time_of_day(measured_ns, facts.utc_offset_s),
        age=formats.age((facts.wall_ns - measured_ns) / 1e9 / facts.speed),
    )
