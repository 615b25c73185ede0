"""Session templates: a TOML or JSON file that says which devices, consent, sites, phases and rules a study uses.

::

    name = "rest"
    operator = ""
    markers = ["baseline", "arm move"]      # what the number keys 1 to 9 say

    [consent]
    version = "1.0"
    date = "2026-01-15"

    [sites]
    wristband_side = "left"

    [[devices]]
    kind = "e4-tcp"
    device_id = "e4"
    options = { host = "127.0.0.1", port = 28000 }

    [[phases]]
    name = "Rest"
    duration_min = 10
    marker_at_start = "rest begins"

    [cuff]
    first_after_min = 2
    every_min = 15

``[reminders]``, ``[ranges]``, ``[rules]``, ``[checklist]``, ``[overrides]``: see
:mod:`recorder.acquire.template_parts`. ``[[calibrations]]``: see :mod:`recorder.acquire.calibrations`.
Every part but the name may be left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, get_args

from recorder.acquire.calibrations import calibrations_from
from recorder.acquire.settings import device_from
from recorder.acquire.template_faults import Fault, Table, TemplateFaults, short
from recorder.acquire.template_parts import (
    Checklist,
    CuffSchedule,
    Phase,
    Reminders,
    checklist_of,
    cuff_of,
    overrides_of,
    phases_of,
    ranges_of,
    reminders_of,
    rules_of,
)
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig
from recorder.errors import ConfigError
from recorder.schema import USES, Calibration, Consent, Sites
from recorder.schema.subject import Side

_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
_SIDES: Final = get_args(Side)
_PLAN: Final = ("phases", "cuff", "reminders", "checklist", "ranges")
HAND_HEIGHT_CM: Final = (-100.0, 100.0)
"""No hand is further from the heart."""
HASH_LENGTH: Final = 10
"""Digits of the content's SHA-256 in a version: a collision among a million templates is one in a million."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template.

    Args:
        name: of the study or protocol.
        devices: which ones take part.
        consent: the form all subjects of the study sign.
        sites: where the sensors sit.
        operator: code of the operator.
        notes: kept with the session.
        overrides: device id → why a session may begin without it.
        markers: labels of the number keys 1–9.
        rules: switches of the study, kept with the session (:mod:`recorder.schema.rules`, …).
        calibrations: volt → mmHg of the study's ADC, used unless the station has a newer one.
        phases: of the protocol, in order.
        cuff: when the arm cuff is due.
        reminders: what the operator looks at now and then.
        checklist: before Start and after Stop.
        ranges: parameter → (low, high) for reports and time in target; never an alarm.
    """

    name: str
    devices: tuple[DeviceConfig, ...] = ()
    consent: Consent | None = None
    sites: Sites | None = None
    operator: str = ""
    notes: str = ""
    overrides: dict[str, str] = field(default_factory=dict, hash=False)
    markers: tuple[str, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict, hash=False)
    calibrations: tuple[Calibration, ...] = ()
    phases: tuple[Phase, ...] = ()
    cuff: CuffSchedule = field(default_factory=CuffSchedule)
    reminders: Reminders = field(default_factory=Reminders)
    checklist: Checklist = field(default_factory=Checklist)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict, hash=False)

    @property
    def version(self) -> str:
        """Name and hash of the content: the same words are the same version, on whatever machine."""
        canonical = json.dumps([self.to_file()], sort_keys=True, ensure_ascii=True)
        return f"{self.name} {hashlib.sha256(canonical.encode()).hexdigest()[:HASH_LENGTH]}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values with the version, as kept whole in the session's header."""
        return asdict(self) | {"version": self.version}

    def to_file(self) -> dict[str, Any]:
        """What :func:`parse` makes this template of; parts that say nothing are left out."""
        value = {k: v for k, v in asdict(self).items() if v}
        value["name"] = self.name
        for name in ("cuff", "reminders", "checklist"):
            if part := {
                k: v for k, v in value.pop(name).items() if v is not None and v is not False and v != ()
            }:
                value[name] = part
        value["devices"] = [_without(asdict(d), options={}, simulated=False) for d in self.devices]
        blank = asdict(Phase("")) | {"name": None}
        value["phases"] = [_without(asdict(phase), **blank) for phase in self.phases]
        value["calibrations"] = [_calibration_table(c) for c in self.calibrations]
        if self.sites:
            value["sites"] = _without(asdict(self.sites), hand_height_cm=None)
        plain: dict[str, Any] = json.loads(json.dumps(value))
        return {k: v for k, v in plain.items() if v or k == "name"}


def load(path: Path) -> Template:
    """The template in a ``.toml`` or ``.json`` file.

    Raises:
        ConfigError: names file, table and field.
    """
    try:
        return read(path.read_bytes(), is_json=path.suffix == ".json")
    except OSError as error:
        raise ConfigError(f"template {path}: cannot be read ({error.strerror}); check the path") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"template {path}: {error}; correct the file") from None


def read(content: bytes, *, is_json: bool = False) -> Template:
    """The template in the bytes of a file.

    Raises:
        ValueError: no TOML or JSON, or :class:`TemplateFaults`.
    """
    try:
        text = content.decode("utf-8")
        return parse(json.loads(text) if is_json else tomllib.loads(text))
    except RecursionError:
        raise ValueError("is nested too deeply to be a template") from None


def parse(value: Any) -> Template:
    """A template from plain values.

    Raises:
        TemplateFaults: names every mistake by table and field.
    """
    if not isinstance(value, Mapping):
        raise TemplateFaults([Fault("", None, "template", "not-table", (("form", 'name = "…" at its top'),))])
    faults: list[Fault] = []
    top = Table(value, faults)
    top.only({*Template.__dataclass_fields__, "version"})
    devices = _devices(top)
    ids = [d.device_id for d in devices]
    made = Template(
        name=top.text("name", needed=True, most=60),
        devices=devices,
        consent=_consent(top),
        sites=_sites(top),
        operator=top.text("operator", most=40),
        notes=top.text("notes", most=2000),
        overrides=overrides_of(top, ids),
        markers=top.texts("markers", most=9, longest=40),
        rules=rules_of(top),
        calibrations=_calibrations(top, ids),
        phases=phases_of(top),
        cuff=cuff_of(top),
        reminders=reminders_of(top),
        checklist=checklist_of(top),
        ranges=ranges_of(top),
    )
    if faults:
        raise TemplateFaults(faults)
    return made


def plan_of(stored: Mapping[str, Any] | None) -> Template:
    """What a session's header says of its protocol; without a plan, or with one nobody can follow, no phases."""
    stored = stored or {}
    named = {"name": str(stored.get("name") or "session")[:60]}
    try:
        return parse(named | {k: stored[k] for k in _PLAN if stored.get(k)})
    except TemplateFaults:
        return Template(named["name"])


def _devices(top: Table) -> tuple[DeviceConfig, ...]:
    known = sorted({*registry.DRIVERS, *registry.LINKLESS})
    found: list[DeviceConfig] = []
    for table in top.tables("devices"):
        try:
            device = device_from(dict(table.values))
        except (ConfigError, TypeError) as error:
            table.fault("", "refused", error=str(error).removesuffix("; correct its settings"))
            continue
        if not isinstance(device.kind, str) or device.kind not in known:
            table.fault("kind", "device-kind", value=short(device.kind), known=", ".join(known))
        elif not isinstance(device.device_id, str) or not _DEVICE_ID.match(device.device_id):
            table.fault("device_id", "device-id", value=short(device.device_id))
        elif device.device_id in [d.device_id for d in found]:
            table.fault("device_id", "twice", value=device.device_id)
        elif not _is_plain(device.options):
            table.fault("options", "not-table", form="options = { … } of texts, numbers, true and false")
        else:
            table.flag("required", default=True)
            table.flag("simulated")
            found.append(device)
    return tuple(found)


def _is_plain(options: object) -> bool:
    """Whether options can be kept as JSON and written as TOML."""
    try:
        return isinstance(options, dict) and bool(
            json.dumps(options, allow_nan=False, ensure_ascii=False).encode()
        )
    except (TypeError, ValueError, RecursionError):
        return False


def _consent(top: Table) -> Consent | None:
    if top.values.get("consent") is None:
        return None
    table = top.table("consent")
    table.only(Consent.__dataclass_fields__)
    day = table.values.get("date")
    signed = day.isoformat() if isinstance(day, date) else table.text("date")
    scopes = {name: table.flag(name, default=name == "record") for name in USES}
    try:
        return Consent(table.text("version", most=40), signed, **scopes)
    except ValueError as error:
        table.fault("", "refused", error=str(error))
    return None


def _sites(top: Table) -> Sites | None:
    if top.values.get("sites") is None:
        return None
    table = top.table("sites")
    table.only(Sites.__dataclass_fields__)
    sides: dict[str, Any] = {}
    for name in ("wristband_side", "finger_cuff_side", "arm_cuff_side"):
        value = table.values.get(name, "unknown")
        if value not in _SIDES:
            table.fault(name, "choice", value=short(value), known=", ".join(_SIDES))
        sides[name] = value
    posture = table.text("posture", most=40) or "unknown"
    return Sites(**sides, posture=posture, hand_height_cm=table.number("hand_height_cm", *HAND_HEIGHT_CM))


def _calibrations(top: Table, device_ids: list[str]) -> tuple[Calibration, ...]:
    value = top.values.get("calibrations", [])
    try:
        return calibrations_from(list(value) if isinstance(value, tuple) else value, device_ids)
    except (ValueError, TypeError, ArithmeticError) as error:
        top.faults.append(Fault("", None, "", "refused", (("error", str(error)),)))
        return ()


def _calibration_table(c: Calibration) -> dict[str, Any]:
    table: dict[str, Any] = {"stream": c.stream_id, "channel": c.channel, "operator": c.operator}
    table["date"] = datetime.fromtimestamp(c.wall_ns / 1e9, UTC).isoformat()
    if c.points_v_mmhg:
        return table | {"points": [list(point) for point in c.points_v_mmhg]}
    return table | {"gain_mmhg_per_v": c.gain_mmhg_per_v, "offset_mmhg": c.offset_mmhg}


def _without(values: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """The fields that say more than their default."""
    return {k: v for k, v in values.items() if k not in defaults or v != defaults[k]}
