"""A template as typed on the screen: everything is text until it is examined, by the same parser that reads files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.sessions.start_fields import SIDES
from recorder.acquire import template as templates
from recorder.acquire.template import Template
from recorder.acquire.template_faults import Fault, TemplateFaults
from recorder.acquire.template_parts import RANGE_LIMITS, RULES
from recorder.devices.registry import DRIVERS, LINKLESS

FieldKind = Literal["text", "number", "flag", "choice", "range", "lines"]
MARKERS: Final = 9
KINDS: Final = tuple(sorted({*DRIVERS, *LINKLESS}))
"""Kinds of devices a template may ask for."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. ``key`` is ``table.field``; at the top of the file ``.field``."""

    key: str
    kind: FieldKind = "text"
    choices: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Table and field of the file."""
        table, _, name = self.key.partition(".")
        return table, name


PAGES: Final[dict[str, tuple[Field, ...]]] = {
    "general": (
        Field(".name"),
        Field(".operator"),
        Field("consent.version"),
        Field("consent.date"),
        Field(".notes", "lines"),
    ),
    "phases": (),
    "cuff": (
        Field("cuff.first_after_min", "number"),
        Field("cuff.every_min", "number"),
        Field("cuff.at_phase_ends", "flag"),
        Field("reminders.finger_switch_min", "number"),
        Field("reminders.skin_check_min", "number"),
    ),
    "devices": (
        *(
            Field(f"sites.{n}", "choice", SIDES)
            for n in ("wristband_side", "finger_cuff_side", "arm_cuff_side")
        ),
        Field("sites.posture", "choice", POSTURES),
        Field("sites.hand_height_cm", "number"),
    ),
    "markers": tuple(Field(f"markers.{n}") for n in range(1, MARKERS + 1)),
    "checklist": (Field("checklist.before", "lines"), Field("checklist.after", "lines")),
    "rules": (
        *(Field(f"ranges.{name}", "range") for name in RANGE_LIMITS),
        *(
            Field(
                f"rules.{name}", "flag" if words is None else "choice", () if words is None else ("", *words)
            )
            for name, words in RULES.items()
        ),
    ),
}
"""Pages of the editor and their fields; ``phases`` and ``devices`` have a table besides."""

FIELDS: Final = {f.key: f for page in PAGES.values() for f in page}
_EDITED: Final = (
    "phases",
    "devices",
    "markers",
    "cuff",
    "reminders",
    "checklist",
    "ranges",
    "rules",
    "sites",
)
_RANGE: Final = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*[-–—]\s*(\d+(?:[.,]\d+)?)\s*\Z")


@dataclass(frozen=True, slots=True)
class PhaseForm:
    """One row of the phases, as typed."""

    name: str = ""
    duration_min: str = ""
    marker_at_start: str = ""
    marker_at_end: str = ""
    instruction: str = ""
    begins_by_itself: bool = False


@dataclass(frozen=True, slots=True)
class DeviceForm:
    """One row of the devices; ``options`` of a file are carried along."""

    kind: str = KINDS[0]
    device_id: str = ""
    required: bool = True
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """The whole form.

    Args:
        values: field key → text, or True and False.
        phases, devices: the tables.
        kept: parts that have no field here (calibrations, overrides, scopes of the consent) and stay as they are.
    """

    values: Mapping[str, str | bool] = field(default_factory=dict, hash=False)
    phases: tuple[PhaseForm, ...] = ()
    devices: tuple[DeviceForm, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def changed(self, key: str, value: str | bool) -> TemplateForm:
        """With another value in one field."""
        return replace(self, values={**self.values, key: value})


@dataclass(frozen=True, slots=True)
class TemplateView:
    """The examined form: every mistake, or the template."""

    faults: tuple[Fault, ...]
    template: Template | None


def new_form() -> TemplateForm:
    """For a new template: the usual devices, reminders on."""
    devices = (
        DeviceForm("e4-tcp", "e4"),
        DeviceForm("serial-adc", "adc"),
        DeviceForm("manual-cuff", "cuff", required=False),
    )
    form = form_of(Template(""))
    values = {"reminders.finger_switch_min": "30", "reminders.skin_check_min": "60"}
    return replace(form, values={**form.values, **values}, devices=devices)


def form_of(template: Template) -> TemplateForm:
    """The form that shows a template."""
    value = template.to_file()
    return TemplateForm(
        values={key: _shown(one, value) for key, one in FIELDS.items()},
        phases=tuple(
            PhaseForm(
                p.name,
                "" if p.duration_min is None else f"{p.duration_min:g}",
                p.marker_at_start,
                p.marker_at_end,
                p.instruction,
                p.begins_by_itself,
            )
            for p in template.phases
        ),
        devices=tuple(DeviceForm(d.kind, d.device_id, d.required, d.options) for d in template.devices),
        kept={k: v for k, v in value.items() if k not in _EDITED},
    )


def copy_name(name: str, taken: Collection[str]) -> str:
    """A name for a copy that nobody has."""
    known = {other.casefold() for other in taken}
    names = (f"{name} {n}" for n in range(2, len(known) + 3))
    return next(n for n in names if n.casefold() not in known)


def examine(form: TemplateForm, taken: Collection[str] = ()) -> TemplateView:
    """Judge the form; ``taken`` are names of the other templates."""
    faults: list[Fault] = []
    name = str(form.values.get(".name", "")).strip()
    if name.casefold() in {other.casefold() for other in taken}:
        faults.append(Fault("", None, "name", "twice", (("value", name),)))
    try:
        made = templates.parse(to_value(form))
    except TemplateFaults as error:
        return TemplateView((*faults, *error.faults), None)
    return TemplateView(tuple(faults), None if faults else made)


def to_value(form: TemplateForm) -> dict[str, Any]:
    """What a file would hold."""
    value: dict[str, Any] = {k: v for k, v in form.kept.items() if k != "consent"}
    for key, one in FIELDS.items():
        table, name = one.place
        typed = _typed(one, form.values.get(key, ""))
        if table == "markers":
            continue
        target = value.setdefault(table, {}) if table else value
        if typed is None:
            target.pop(name, None)
        else:
            target[name] = typed
    consent = value.pop("consent", {})
    if consent:
        value["consent"] = {**form.kept.get("consent", {}), **consent}
    labels = [str(form.values.get(f"markers.{n}", "")).strip() for n in range(1, MARKERS + 1)]
    while labels and not labels[-1]:
        labels.pop()
    value["markers"] = labels
    value["phases"] = [_phase(row) for row in form.phases]
    value["devices"] = [
        {"kind": d.kind, "device_id": d.device_id, "required": d.required, "options": dict(d.options)}
        for d in form.devices
    ]
    return {k: v for k, v in value.items() if v != {}}


def _phase(row: PhaseForm) -> dict[str, Any]:
    minutes = _number(row.duration_min)
    found: dict[str, Any] = {
        "name": row.name,
        "marker_at_start": row.marker_at_start,
        "marker_at_end": row.marker_at_end,
        "instruction": row.instruction,
        "begins_by_itself": row.begins_by_itself,
    }
    return found if minutes is None else found | {"duration_min": minutes}


def _typed(one: Field, typed: str | bool) -> Any:
    """The value of a field; None for one that says nothing. What cannot be read stays text, and is refused by name."""
    if isinstance(typed, bool):
        return typed or None
    if one.kind == "choice" and typed == "unknown":
        return None
    if one.kind == "number":
        return _number(typed)
    if one.kind == "range":
        found = _RANGE.match(typed)
        return [_number(end) for end in found.groups()] if found else typed.strip() or None
    if one.kind == "lines" and one.key != ".notes":
        return [line.strip() for line in typed.splitlines() if line.strip()] or None
    return typed.strip() or None


def _number(typed: str) -> float | str | None:
    """A decimal comma is read as a point."""
    typed = typed.strip()
    if not typed:
        return None
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        return typed


def _shown(one: Field, value: Mapping[str, Any]) -> str | bool:
    table, name = one.place
    if table == "markers":
        labels = value.get("markers", ())
        place = int(name) - 1
        return str(labels[place]) if place < len(labels) else ""
    found = (value.get(table, {}) if table else value).get(name)
    if one.kind == "flag":
        return bool(found)
    if found is None:
        return "unknown" if "unknown" in one.choices else ""
    if one.kind == "range":
        return "–".join(f"{end:g}" for end in found)
    if isinstance(found, list | tuple):
        return "\n".join(map(str, found))
    return f"{found:g}" if isinstance(found, float | int) else str(found)
