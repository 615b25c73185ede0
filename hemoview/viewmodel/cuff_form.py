"""Typing in an upper-arm cuff reading: implausible or far from the reference means typing it twice (safety rule 9)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hemoview.viewmodel.formats import KPA_PER_MMHG
from hemoview.viewmodel.messages import Message, say
from recorder.schema import CuffReading

FAR_MMHG = 20.0
"""Further than this from the reference of the moment: second entry."""


@dataclass(frozen=True, slots=True)
class CuffForm:
    """The fields as typed; ``first_entry`` holds what was typed the first time where a second was asked for."""

    sbp: str = ""
    dbp: str = ""
    map: str = ""
    minutes_ago: str = "0"
    arm: str = ""
    posture: str = ""
    device: str = ""
    operator: str = ""
    first_entry: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CuffView:
    """``request`` are the arguments of the recorder's ``cuff``; None while something is missing or must be repeated."""

    problem: Message | None
    again: bool
    request: dict[str, Any] | None


def examine(form: CuffForm, *, wall_ns: int, reference_mmhg: tuple[float, float] | None) -> CuffView:
    """Judge a reading. ``reference_mmhg`` is (SBP, DBP) of the reference now, None where it is not valid."""
    try:
        reading = _reading(form, wall_ns)
    except ValueError as error:
        return CuffView(say("cuff-refused", why=str(error)), again=False, request=None)
    if form.first_entry is not None:
        if form.first_entry != (form.sbp.strip(), form.dbp.strip()):
            return CuffView(say("cuff-entries-differ"), again=True, request=None)
    elif reference_mmhg is not None and _far(reading, reference_mmhg):
        return CuffView(say("cuff-far", limit=f"{FAR_MMHG:.0f}"), again=True, request=None)
    return CuffView(None, again=False, request=asdict(reading))


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
        measured_at_ns=wall_ns - int(minutes * 60e9),
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
