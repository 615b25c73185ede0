"""Session templates: a TOML or JSON file that says which devices, consent, sites and rules a study uses.

::

    name = "rest"
    operator = ""

    [consent]
    version = "1.0"
    date = "2026-01-15"

    [sites]
    wristband_side = "left"

    [[devices]]
    kind = "e4-tcp"
    device_id = "e4"
    options = { host = "127.0.0.1", port = 28000 }

``[[calibrations]]``: see :mod:`recorder.acquire.calibrations`.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recorder.acquire.calibrations import calibrations_from
from recorder.acquire.settings import device_from
from recorder.devices.contract import DeviceConfig
from recorder.errors import ConfigError
from recorder.schema import Calibration, Consent, Sites

_KNOWN = frozenset(
    {
        "name",
        "operator",
        "notes",
        "consent",
        "sites",
        "devices",
        "overrides",
        "markers",
        "rules",
        "calibrations",
    }
)


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
        rules: switches of the study, kept with the session (``estimates_hidden``, …).
        calibrations: volt → mmHg of the study's ADC, used unless the station has a newer one.
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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as kept in the session's header."""
        return asdict(self)


def load(path: Path) -> Template:
    """The template in a ``.toml`` or ``.json`` file.

    Raises:
        ConfigError: names file and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return parse(value)
    except OSError as error:
        raise ConfigError(f"template {path}: cannot be read ({error.strerror}); check the path") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"template {path}: {error}; correct the file") from None


def parse(value: Any) -> Template:
    """A template from plain values.

    Raises:
        ValueError, TypeError: names the field.
    """
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("name is missing")
    unknown = set(value) - _KNOWN
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown")
    devices = tuple(device_from(d) for d in value.get("devices", ()))
    ids = [d.device_id for d in devices]
    if len(set(ids)) != len(ids):
        raise ValueError(f"devices: {', '.join(sorted(i for i in ids if ids.count(i) > 1))} is there twice")
    return Template(
        value["name"],
        devices,
        Consent(**value["consent"]) if "consent" in value else None,
        Sites(**value["sites"]) if "sites" in value else None,
        str(value.get("operator", "")),
        str(value.get("notes", "")),
        {str(k): str(v) for k, v in value.get("overrides", {}).items()},
        tuple(str(m) for m in value.get("markers", ())),
        dict(value.get("rules", {})),
        calibrations_from(value.get("calibrations", []), ids),
    )
