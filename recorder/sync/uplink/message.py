"""One second of a bedside as a live message: the numbers of the bedside's own screen, by the same rules. Pure.

What the screen would not show as a number is none here: stale, abstained, without an interval the card claims (safety
rules 6 and 7), a reference without scale or calibration (rule 8). Without the consent's scope ``upload`` nothing of the
person leaves the bedside, only how the collection stands (rule 14).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from recorder.schema import PARAMETERS, LinkStatus, SessionStatus, StationStatus
from recorder.schema.claims import OWN_DEVICES, Claim, claim_of, interval_claimed
from recorder.schema.referenced import last_calibrated, newest_scale
from recorder.schema.rules import EstimateRules
from recorder.sync.uplink.heard import BEATS_NS, Rows, Second, Wave
from recorder.sync.uplink.wire import MISSING, VERSION

STALE_S: Final = 2.0
"""A value older than this is no value."""
SILENT_S: Final = 3.0
"""Without a word of the recorder for so long nothing is known."""
NOT_YET_S: Final = 5.0
"""A link gets this long to deliver before somebody is asked to look."""
BATTERY_LOW, BATTERY_SHORT_H = 0.2, 1.0
REFERENCE_COLUMNS: Final = {"SBP": "sbp_mmhg", "MAP": "map_mmhg", "DBP": "dbp_mmhg", "HR": "hr_per_min"}
ASK_SUBJECT: Final = ("same-subject", "confirm-subject")
SIMULATED: Final = "simulated"
_I16_RANGE: Final = 32_000
_WAVES: Final = {"ppg": "ppg", "abp_wave": "cnap"}
_OVER: Final = "Not for treatment or alarms."

Json = dict[str, Any]


def is_known(second: Second) -> bool:
    """Whether the recorder speaks and says what it records; else nothing is told, and the service sees a gap."""
    if second.status is None or second.status_age_s > SILENT_S:
        return False
    return second.status.session.state != "open" or second.header is not None


def message_of(second: Second, seq: int, server_id: str = "") -> Json:
    """The message of :mod:`uplink_wire`, with head and footer.

    Args:
        server_id: whom it is for: what waits to be synced with that service is told.
    """
    session = _open_session(second)
    sharing = session is not None and _may_leave(second)
    told: Json = {
        "v": VERSION,
        "session_id": session.session_id if session else "",
        "seq": seq,
        "t_us": second.wall_ns // 1000,
        "state": _state(second, session, server_id),
        "numerics": _numerics(second) if sharing else {},
        "waves": _waves(second) if sharing else {},
        "head": _head(second, session, sharing=sharing) if session else None,
        "footer": footer(second) if sharing else None,
    }
    return told


def _open_session(second: Second) -> SessionStatus | None:
    if second.status is None or second.header is None:
        return None
    session = second.status.session
    return session if session.state == "open" else None


def _may_leave(second: Second) -> bool:
    consent = (second.header or {}).get("consent") or {}
    return consent.get("upload") is True


# ---- who


def _head(second: Second, session: SessionStatus, *, sharing: bool) -> Json:
    header = second.header or {}
    template = header.get("template") or {}
    devices = [
        {
            "id": d.device_id,
            "name": _line(d.product, 120),
            "serial": _line(d.serial, 64) if d.serial else None,
        }
        for d in second.devices
        if d.device_id not in OWN_DEVICES
    ]
    started_ns = session.started_wall_ns
    return {
        "pseudonym": _line(session.subject.get("pseudonym"), 64) if sharing else "",
        "template": _line(template.get("name"), 120),
        "started_us": None if started_ns is None else started_ns // 1000,
        "operator": _line(header.get("operator"), 64),
        "simulated": bool(session.simulated or header.get("simulated")),
        "training": bool((template.get("rules") or {}).get("training")),
        "hidden": EstimateRules.of_template(template).after(second.events).estimates_hidden,
        "confirmed": _start_confirmed(second),
        "devices": devices[:32],
    }


def _start_confirmed(second: Second) -> bool:
    """Whoever pressed Start had entered the pseudonym in one of the ways that are checked, and read it again."""
    started = [e for e in second.events if e.kind == "session" and e.payload.get("state") == "started"]
    return any(isinstance(e.payload.get("entry"), Mapping) and e.payload["entry"].get("how") for e in started)


# ---- how it stands


def _state(second: Second, session: SessionStatus | None, server_id: str) -> Json:
    status = second.status
    calibrated, _ = last_calibrated(second.events)
    latest = _newest_estimate(second)
    return {
        "recording": session is not None,
        "phase": _phase(second) if session else "",
        "needs": _needs(second, status) if session else [],
        "disk_hours": None if status is None else _number(status.disk.hours_left),
        "battery": {}
        if status is None
        else {k.device_id: k.battery for k in _links(status) if k.battery is not None},
        "calibration_age_s": round(second.age_s(calibrated.t_host_ns), 1) if calibrated and session else None,
        "personalised_age_s": _number(latest.get("personalisation_age_s", math.nan)) if session else None,
        "sync": _sync(status, server_id),
        "streams": [] if status is None else _streams(status),
    }


def _streams(status: StationStatus) -> list[Json]:
    return [
        {
            "id": s.stream_id,
            "state": "never" if s.state == "never-seen" else s.state,
            "age_s": _number(s.last_age_s),
            "rate_hz": _number(s.effective_rate_hz),
            "received": s.received,
            "on_disk": s.on_disk,
        }
        for s in status.streams[:64]
    ]


def _sync(status: StationStatus | None, server_id: str) -> Json | None:
    told = next((s for s in status.sync if s.server_id == server_id), None) if status else None
    if told is None:
        return None
    return {"waiting": told.waiting, "total": told.total, "last_success_us": told.last_success_us}


def _phase(second: Second) -> str:
    """Name of the phase that goes on."""
    name = ""
    for event in second.events:
        if event.kind == "phase-started":
            name = _line(event.payload.get("name"), 120)
        elif event.kind == "phase-ended":
            name = ""
    return name


def _needs(second: Second, status: StationStatus | None) -> list[Json]:
    found: list[tuple[str, Json]] = []
    if not _may_leave(second):
        found.append(("no-consent", {}))
    if status is not None:
        found += _needs_of_station(second, status)
    told = [e for e in second.events if e.kind == "heartbeat"]
    if told and told[-1].payload.get("verdict") == "different":
        found.append(("hearts-differ", {}))
    whys = set(_whys(second).values())
    found += [(need, {}) for why, need in _OF_WHY.items() if why in whys]
    calibrated, _ = last_calibrated(second.events)
    if second.by_role("abp_wave") is not None and calibrated is None:
        found.append(("uncalibrated", {}))
    return [{"id": need, "values": values} for need, values in found][:32]


_OF_WHY: Final = {"poor-contact": "poor-contact", "calibration-old": "old-calibration"}


def _needs_of_station(second: Second, status: StationStatus) -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    if any(w.partition("|")[0] in ASK_SUBJECT for w in status.warnings):
        found.append(("confirm-subject", {}))
    for link in _links(status):
        device = {"device": _line(link.product or link.device_id, 120)}
        quiet = link.state != "streaming" and second.age_s(link.since_ns) > NOT_YET_S
        tried_in_vain = link.state == "connecting" and bool(link.error)  # lost, and between two attempts
        if link.state in ("lost", "silent") or tried_in_vain or (link.required and quiet):
            found.append(("device-lost", device))
        hours = link.battery_hours_left
        low = link.battery is not None and link.battery <= BATTERY_LOW
        if low or (hours is not None and hours < BATTERY_SHORT_H):
            found.append(("battery-low", device))
    if status.disk.level != "ok":
        hours = _number(status.disk.hours_left)
        found.append(("disk-low", {} if hours is None else {"hours": hours}))
    return found


def _links(status: StationStatus) -> list[LinkStatus]:
    return [link for link in status.links if link.device_id not in OWN_DEVICES][:32]


# ---- numbers


def _numerics(second: Second) -> Json:
    values, whys = _newest_estimate(second), _whys(second)
    card = card_of(second)
    return {p: _estimate(p, values, whys[p], card) | _reference(p, second) for p in PARAMETERS}


def card_of(second: Second) -> Mapping[str, Any]:
    """What the stream of estimates says its model may claim; empty where it says nothing."""
    info = second.by_role("estimate")
    try:
        card = json.loads(info.metadata.get("claims") or "{}") if info else {}
    except ValueError:
        return {}
    return card if isinstance(card, dict) else {}


def _newest_estimate(second: Second) -> dict[str, float]:
    rows = second.estimate
    if rows is None or second.age_s(rows.arrived_ns) > STALE_S:
        return {}
    names = [channel.name for channel in rows.info.channels]
    return dict(zip(names, (float(v) for v in rows.values[-1]), strict=True))


def _whys(second: Second) -> dict[str, str | None]:
    """Per parameter why there is no number; None where there may be one."""
    rows = second.estimate
    if rows is None:
        return dict.fromkeys(PARAMETERS, "waiting-for-edge")
    values = _newest_estimate(second)
    if not values:
        return dict.fromkeys(PARAMETERS, "estimate-stale")
    reasons = json.loads(rows.info.metadata.get("reasons", "[]"))
    return {p: _why(values.get(f"{p}_why", 0.0), reasons) for p in PARAMETERS}


def _why(code: float, reasons: list[str]) -> str | None:
    if not math.isfinite(code) or code == 0:
        return None
    return reasons[int(code) - 1] if 0 < code <= len(reasons) else "unknown"


def _estimate(parameter: str, values: Mapping[str, float], why: str | None, card: Mapping[str, Any]) -> Json:
    est, low, high = (_number(values.get(f"{parameter}{end}", math.nan)) for end in ("", "_lo", "_hi"))
    if why == SIMULATED and est is not None:
        return {"est": est, "lo": None, "hi": None, "why": None, "sim": True}
    if why is None and None in (est, low, high):
        why = "no-interval"
    if why is None and not interval_claimed(card, parameter):
        why = "no-real-reference"
    if why is not None:
        return {"est": None, "lo": None, "hi": None, "why": why, "sim": False}
    return {"est": est, "lo": low, "hi": high, "why": None, "sim": False}


def _reference(parameter: str, second: Second) -> Json:
    nothing = {"ref": None, "ref_valid": False}
    wave, beats = second.by_role("abp_wave"), second.beats
    if parameter not in REFERENCE_COLUMNS or wave is None or beats is None:
        return nothing
    if second.age_s(beats.arrived_ns) > STALE_S:
        return nothing
    has_scale = newest_scale(second.calibrations, wave) is not None
    if parameter != "HR" and not has_scale:
        return nothing
    calibrated, _ = last_calibrated(second.events)
    value = _number(_median_beat(parameter, beats))
    valid = value is not None and (parameter == "HR" or calibrated is not None)
    return {"ref": value, "ref_valid": valid}


def _median_beat(parameter: str, beats: Rows) -> float:
    column = [channel.name for channel in beats.info.channels].index(REFERENCE_COLUMNS[parameter])
    recent = beats.values[beats.t_ns > beats.t_ns[-1] - BEATS_NS, column]
    recent = recent[np.isfinite(recent)]
    return float(np.median(recent)) if recent.size else math.nan


# ---- waves


def _waves(second: Second) -> Json:
    found = {}
    for role, name in _WAVES.items():
        wave = second.waves.get(role)
        told = _wave(second, wave) if wave is not None else None
        if told is not None:
            found[name] = told
    return found


def _wave(second: Second, wave: Wave) -> Json | None:
    """One channel as int16; samples that are missing between others are :data:`MISSING`."""
    column, unit, gain, offset = 0, wave.info.channels[0].unit, 1.0, 0.0
    scale = newest_scale(second.calibrations, wave.info) if wave.info.role == "abp_wave" else None
    if scale is not None:
        column, calibration = scale
        unit, gain, offset = "mmHg", calibration.gain_mmhg_per_v, calibration.offset_mmhg
    values = wave.values[:, column] * gain + offset
    at = wave.sample_no - wave.sample_no[0]
    known = np.isfinite(values)
    if not known.any() or at[-1] > 4 * len(values) + 1000:
        return None
    low, high = float(values[known].min()), float(values[known].max())
    step, middle = max((high - low) / (2 * _I16_RANGE), 1e-9), (high + low) / 2
    counts = np.full(int(at[-1]) + 1, MISSING, "<i2")
    counts[at[known]] = np.rint((values[known] - middle) / step).astype("<i2")
    return {
        "rate_hz": round(wave.rate_hz, 4),
        "t0_us": (second.wall_ns - (second.now_ns - wave.t0_ns)) // 1000,
        "scale": step,
        "offset": middle,
        "unit": unit if unit != "1" else "",
        "i16": base64.b64encode(counts.tobytes()).decode(),
    }


# ---- words


def footer(second: Second) -> str:
    """What the estimates may claim, in the words of the bedside's own footer (safety rule 6)."""
    card, info = card_of(second), second.by_role("estimate")
    if card:
        products = (d.product for d in second.devices if d.device_id not in OWN_DEVICES)
        return _claimed(claim_of(card, products))[:1000]
    told = info.metadata if info else {}
    if told.get("model_refused"):
        return _line(f"No estimates: {told['model_refused']}. {_OVER}", 1000)
    if told.get("model"):
        return _line(
            f"Research estimate of {told['model']}, whose model card is not known here. {_OVER}", 1000
        )
    return f"No model is running. Research recorder. {_OVER}"


def _claimed(claim: Claim) -> str:
    kinds, site, devices = (", ".join(each) for each in (claim.kinds, claim.site, claim.unchecked))
    unchecked = f"Not checked against {devices or 'any device'}. "
    if claim.simulated:
        return _line(f"Simulated estimate. Learned from a physiology model only. {unchecked}{_OVER}", 1000)
    learned = f"Research estimate. Learned from {kinds}, {site}, {claim.n} subjects. "
    return _line(f"{learned}{unchecked if claim.unchecked else ''}{_OVER}", 1000)


def _line(value: Any, longest: int) -> str:
    """One line of text without control characters, cut to what a message may hold."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text)[:longest]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 3)
