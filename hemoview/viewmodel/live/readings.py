"""The cuff readings of the running session: the list to withdraw from, and what the next one is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.cuff_form import CuffForm
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.live.guide import course_now, sites_of
from hemoview.viewmodel.live.guide_due import posture_now
from recorder.schema import Event

COMPARED_S: Final = 3600.0
"""A reading is compared with the one before only within an hour: pressure changes."""


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading as listed. ``withdrawn`` is the reason, empty where it counts."""

    event_id: str
    time: str
    pressures: str
    mean: str
    arm: str
    posture: str
    device: str
    operator: str
    withdrawn: str


def readings(facts: Facts) -> tuple[ReadingRow, ...]:
    """Every reading of the session, the newest first; withdrawn ones stay in the list."""
    why = {
        str(e.payload.get("event_id")): str(e.payload.get("why") or "–")
        for e in facts.events
        if e.kind == "cuff-withdrawn"
    }
    told = sorted((e for e in facts.events if e.kind == "cuff"), key=_measured_ns, reverse=True)
    return tuple(_row(event, facts.utc_offset_s, why.get(event.event_id, "")) for event in told)


def last_reading_mmhg(facts: Facts) -> tuple[float, float] | None:
    """(SBP, DBP) of the newest reading of the last hour that counts."""
    gone = {e.payload.get("event_id") for e in facts.events if e.kind == "cuff-withdrawn"}
    fitting = [
        e
        for e in facts.events
        if e.kind == "cuff" and e.event_id not in gone and facts.wall_ns - _measured_ns(e) <= COMPARED_S * NS
    ]
    newest = max(fitting, key=_measured_ns, default=None)
    return None if newest is None else (float(newest.payload["sbp_mmhg"]), float(newest.payload["dbp_mmhg"]))


def form_now(facts: Facts, operator: str) -> CuffForm:
    """The empty form with what is known: the arm the cuff inflates or sits on, posture, device, since when."""
    at, sites = course_now(facts), sites_of(facts)
    arm, minutes = str(sites.get("arm_cuff_side") or "unknown"), "0"
    posture = "unknown"
    if at is not None:
        posture = posture_now(at, sites)[0]
        if at.inflation is not None:
            arm = at.inflation.arm if at.inflation.arm != "unknown" else arm
            minutes = f"{at.inflation.elapsed_s / 60:.1f}"
    return CuffForm(
        minutes_ago=minutes,
        arm=arm,
        posture=posture,
        device=_device(facts),
        operator=operator,
        as_of_ns=facts.wall_ns,
    )


def _device(facts: Facts) -> str:
    """As typed last, else the cuff among the session's devices."""
    typed = [str(e.payload.get("device") or "") for e in facts.events if e.kind == "cuff"]
    if typed and typed[-1]:
        return typed[-1]
    return next((d.product for d in facts.devices if d.transport == "manual"), "")


def _row(event: Event, utc_offset_s: int, withdrawn: str) -> ReadingRow:
    payload = event.payload
    mean = payload.get("map_mmhg")
    return ReadingRow(
        event_id=event.event_id,
        time=formats.time_of_day(_measured_ns(event), utc_offset_s),
        pressures=f"{float(payload['sbp_mmhg']):.0f}/{float(payload['dbp_mmhg']):.0f}",
        mean="" if mean is None else f"{float(mean):.0f}",
        arm=str(payload.get("arm") or "unknown"),
        posture=str(payload.get("posture") or "unknown"),
        device=str(payload.get("device") or ""),
        operator=str(payload.get("entered_by") or ""),
        withdrawn=withdrawn,
    )


def _measured_ns(event: Event) -> int:
    return int(event.payload.get("measured_at_ns") or event.wall_ns)
