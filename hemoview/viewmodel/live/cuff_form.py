"""Typing in an upper-arm cuff reading: far from what is known means typing it twice (safety rule 9)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hemoview.viewmodel.formats import KPA_PER_MMHG
from hemoview.viewmodel.messages import Message, say
from recorder.schema import CuffReading
from recorder.schema.events import DBP_RANGE_MMHG, SBP_RANGE_MMHG

FAR_MMHG = 20.0
"""Further than this from the reference of the moment: second entry."""
USUAL_SBP_MMHG = (80.0, 180.0)
USUAL_DBP_MMHG = (40.0, 110.0)
USUAL_PULSE_MMHG = (15.0, 100.0)
"""Without anything to compare with, a reading outside these is typed twice: 210/140 may be 120/80 in haste."""


@dataclass(frozen=True, slots=True)
class CuffForm:
    """The fields as typed.

    ``as_of_ns``: UTC wall time from which ``minutes_ago`` counts back, when the form was opened; 0: that of the entry.
    ``first_entry`` holds what was typed the first time where a second was asked for.
    """

    sbp: str = ""
    dbp: str = ""
    map: str = ""
    minutes_ago: str = "0"
    arm: str = ""
    posture: str = ""
    device: str = ""
    operator: str = ""
    as_of_ns: int = 0
    first_entry: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CuffView:
    """``request`` are the arguments of the recorder's ``cuff``; None while something is missing or must be repeated."""

    problem: Message | None
    again: bool
    request: dict[str, Any] | None


def examine(
    form: CuffForm,
    *,
    wall_ns: int,
    reference_mmhg: tuple[float, float] | None,
    last_mmhg: tuple[float, float] | None = None,
) -> CuffView:
    """Judge a reading.

    Args:
        form: as typed.
        wall_ns: now.
        reference_mmhg: (SBP, DBP) of the reference now, None where it is not valid.
        last_mmhg: (SBP, DBP) of the reading before, None without one; it stands in where there is no reference.
    """
    try:
        reading = _reading(form, wall_ns)
    except ValueError as error:
        return CuffView(_implausible(form, error), again=False, request=None)
    if form.first_entry is not None:
        if form.first_entry != (form.sbp.strip(), form.dbp.strip()):
            return CuffView(say("cuff-entries-differ"), again=True, request=None)
    elif (doubt := _doubt(reading, reference_mmhg, last_mmhg)) is not None:
        return CuffView(doubt, again=True, request=None)
    return CuffView(None, again=False, request=asdict(reading))


def _doubt(
    reading: CuffReading, reference_mmhg: tuple[float, float] | None, last_mmhg: tuple[float, float] | None
) -> Message | None:
    """Why a reading has to be typed twice; None: once is enough."""
    if reference_mmhg is not None:
        return say("cuff-far", limit=f"{FAR_MMHG:.0f}") if _far(reading, reference_mmhg) else None
    if last_mmhg is not None and _far(reading, last_mmhg):
        sbp, dbp = (f"{value:.0f}" for value in last_mmhg)
        return say("cuff-far-last", limit=f"{FAR_MMHG:.0f}", sbp=sbp, dbp=dbp)
    pulse_mmhg = reading.sbp_mmhg - reading.dbp_mmhg
    if any(
        not low <= value <= high
        for value, (low, high) in (
            (reading.sbp_mmhg, USUAL_SBP_MMHG),
            (reading.dbp_mmhg, USUAL_DBP_MMHG),
            (pulse_mmhg, USUAL_PULSE_MMHG),
        )
    ):
        return say("cuff-unusual", sbp=f"{reading.sbp_mmhg:.0f}", dbp=f"{reading.dbp_mmhg:.0f}")
    return None


def _implausible(form: CuffForm, error: ValueError) -> Message:
    """What cannot be a reading, in words; it is never stored."""
    try:
        sbp, dbp = _number(form.sbp, ""), _number(form.dbp, "")
    except ValueError:
        return say("cuff-refused", why=str(error))
    if sbp <= dbp:
        return say("cuff-order", sbp=form.sbp.strip(), dbp=form.dbp.strip())
    for message_id, value, (low, high) in (
        ("cuff-outside-sbp", sbp, SBP_RANGE_MMHG),
        ("cuff-outside-dbp", dbp, DBP_RANGE_MMHG),
    ):
        if not low <= value <= high:
            return say(message_id, value=f"{value:g}", low=low, high=high)
    return say("cuff-refused", why=str(error))


def in_kpa(form: CuffForm) -> Message | None:
    """What was typed in mmHg, said in kPa; None while it is no pair of numbers."""
    try:
        sbp, dbp = (_number(typed, "") * KPA_PER_MMHG for typed in (form.sbp, form.dbp))
    except ValueError:
        return None
    return say("cuff-kpa", sbp=f"{sbp:.1f}", dbp=f"{dbp:.1f}")


def _far(reading: CuffReading, reference_mmhg: tuple[float, float]) -> bool:
    sbp, dbp = reference_mmhg
    return abs(reading.sbp_mmhg - sbp) > FAR_MMHG or abs(reading.dbp_mmhg - dbp) > FAR_MMHG


def _reading(form: CuffForm, wall_ns: int) -> CuffReading:
    minutes = _number(form.minutes_ago, "minutes ago") if form.minutes_ago.strip() else 0.0
    if not 0 <= minutes <= 240:
        raise ValueError(f"{minutes:g} minutes ago is outside 0 to 240")
    return CuffReading(
        sbp_mmhg=_number(form.sbp, "systolic"),
        dbp_mmhg=_number(form.dbp, "diastolic"),
        map_mmhg=_number(form.map, "mean") if form.map.strip() else None,
        measured_at_ns=(form.as_of_ns or wall_ns) - int(minutes * 60e9),
        entered_at_ns=wall_ns,
        entered_by=form.operator,
        arm=form.arm,
        posture=form.posture,
        device=form.device,
    )


def _number(text: str, what: str) -> float:
    if not text.strip():
        raise ValueError(f"type the {what} value")
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"{what} {text.strip()!r} is not a number") from None
