"""What Review says of an event: words of the screen where it has some, else what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from recorder.schema import Event
from recorder.schema.rules import RULE

_LABEL_FIELDS: Final = (
    "label",
    "name",
    "what",
    "when",
    "device_id",
    "stream_id",
    "kind",
    "posture",
    "arm",
    "state",
    "level",
    "text",
)
_NOTE_FIELDS: Final = ("note", "cause", "detail", "reason", "why", "shown")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment.

    Args:
        t_s: elapsed time.
        label: as stored, in a word or two; of a marker what a person typed.
        kind: ``marker``, ``tag``, ``era`` or the event's own kind.
        source: device, stream, phase or person that it tells of.
        note: what it says beyond that.
        event_id: of the event.
        said: what the screen's own words hang on, as ``link-lost``; they are used in place of ``label`` where there
            are any.
    """

    t_s: float
    label: str
    kind: str
    source: str = ""
    note: str = ""
    event_id: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a kind of event is told: fields of its payload that decide the words, that name whose they are, and that are
    shown beside them."""

    fields: tuple[str, ...] = ()
    whose: str = ""
    note: str = ""


_FORMS: Final[Mapping[str, _Form]] = {
    "link": _Form(("state",), "device_id", "cause"),
    "session": _Form(("state",), note="reason"),
    "disk": _Form(("level",)),
    "control": _Form(),
    "checklist": _Form(),
    "amended": _Form(note="why"),
    "recovered": _Form(),
    "heartbeat": _Form(("verdict",)),
    "arm-moved": _Form(),
    "unconfirmed": _Form(("cause",)),
    "subject-confirmed": _Form(("same",)),
    "calibration": _Form(whose="stream_id"),
    "phase-started": _Form(whose="name"),
    "phase-ended": _Form(("reason",), "name"),
    "phase-extended": _Form(),
    "cuff-inflation": _Form(("arm", "state")),
    "posture": _Form(("posture",)),
    "reminder": _Form(("what", "state")),
    "monitor-clock": _Form(note="shown"),
    "joined": _Form(whose="folder"),
}
_SAY_ALL: Final = frozenset(("flat-line", "flat-line-ended", "signal-search", "cuff-failed"))
"""Notices that say nothing beyond their words."""
_BY_MESSAGE: Final = frozenset(("storage", "clock-step"))
"""Notices that say it in a finished sentence alone."""


def mark_of(event: Event, t_s: float) -> Mark:
    """What an event says in a word or two; whatever it says beyond that becomes its note."""
    payload = event.payload
    if event.kind == RULE:
        rule = f"{payload.get('rule', '')}:{payload.get('value', '')}"
        return Mark(t_s, rule, RULE, str(payload.get("operator", "")), str(payload.get("why", "")))
    kind = "tag" if payload.get("kind") == "tag" or payload.get("source") == "e4-tag" else event.kind
    words = [str(payload[key]) for key in _LABEL_FIELDS if payload.get(key)]
    label = words[0] if "label" in payload and words else " ".join([event.kind, *words])
    said, source, note = _told(event)
    return Mark(t_s, label, kind, source, note, event.event_id, said)


def _told(event: Event) -> tuple[str, str, str]:
    """What words hang on, whose they are, and what is shown beside them."""
    payload = event.payload
    if event.kind in ("notice", "import"):
        kind = payload.get("kind") or f"{payload.get('ended')}-ended"
        device = str(payload.get("source") or payload.get("device_id") or "").upper()
        if event.kind == "import":
            return "import", device, ""
        if kind == "battery" and isinstance(payload.get("fraction"), float):
            return kind, device, f"{payload['fraction']:.0%}"
        fields = () if kind in _SAY_ALL else ("message",) if kind in _BY_MESSAGE else _NOTE_FIELDS
        return str(kind), device, _first(payload, fields)
    form = _FORMS.get(event.kind)
    if form is None:
        source = str(payload.get("source") or payload.get("device_id") or "")
        return "", source, _first(payload, _NOTE_FIELDS)
    said = "-".join([event.kind, *(str(payload.get(field, "")).lower() for field in form.fields)])
    whose = str(payload.get(form.whose) or "")
    return said, whose.upper() if form.whose == "device_id" else whose, str(payload.get(form.note) or "")


def _first(payload: Mapping[str, Any], fields: Iterable[str]) -> str:
    return next((str(payload[field]) for field in fields if payload.get(field)), "")
