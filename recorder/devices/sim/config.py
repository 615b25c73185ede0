"""What the emulators are told to be: one JSON file, checked whole before anything starts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from recorder.devices.sim.manoeuvres import Script, parse_script
from recorder.devices.sim.subject import SimSubject
from recorder.errors import ConfigError
from recorder.protocols.nonin import FORMATS, Format

Spans = tuple[tuple[float, float], ...]
DEMO_CALIBRATION_S = 4.0
"""The monitor of the demo begins with this much rectangular wave."""


@dataclass(frozen=True, slots=True)
class E4Config:
    """The emulated wristband and its server.

    Args:
        serial: id of the band.
        host, port: where the server listens; 0 = any free port.
        ppm: error of the band's clock.
        jitter_ms: bounds of the delay of a radio packet.
        dropout: share of radio packets lost.
        disconnects: ``[at_s, for_s]`` without radio.
        tags: when its button is pressed, s.
        comma: the server's computer writes decimal commas.
        strangers: bands in range that are not registered.
        companions: further bands the server has; of them only the button is emulated.
    """

    serial: str = "9ff167"
    host: str = "127.0.0.1"
    port: int = 0
    ppm: float = 0.0
    jitter_ms: tuple[float, float] = (5.0, 60.0)
    dropout: float = 0.0
    disconnects: Spans = ()
    tags: tuple[float, ...] = ()
    comma: bool = False
    strangers: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        low, high = self.jitter_ms
        if not 0 <= low <= high <= 2000:
            raise ConfigError(
                f"virtual bedside, e4.jitter_ms: [{low:g}, {high:g}] must rise, within 0 to 2000"
            )
        if not 0 <= self.dropout <= 1:
            raise ConfigError(f"virtual bedside, e4.dropout: {self.dropout:g} must be 0 to 1")


@dataclass(frozen=True, slots=True)
class AdcConfig:
    """The emulated serial ADC on the monitor's analogue output.

    Args:
        profile: shipped name or path of a profile.
        ppm: error of its clock.
        link: ``pty`` (a socket where there is none) or ``socket``.
        recalibrations: ``[at_s, for_s]`` of rectangular wave.
        dropouts: ``[at_s, for_s]`` without conversions.
        disconnects: ``[at_s, for_s]`` with the cable pulled.
        offset_mmhg: by how much the monitor's cuff calibration is wrong.
    """

    profile: str = "lab-adc-ascii"
    ppm: float = 0.0
    link: str = "pty"
    recalibrations: Spans = ()
    dropouts: Spans = ()
    disconnects: Spans = ()
    offset_mmhg: float = 0.0

    def __post_init__(self) -> None:
        if self.link not in ("pty", "socket"):
            raise ConfigError(f"virtual bedside, adc.link: {self.link!r} must be pty or socket")


@dataclass(frozen=True, slots=True)
class NoninConfig:
    """The emulated pulse oximeter.

    Args:
        format: ``df2`` or ``df7``.
        ppm: error of its clock.
        link: ``pty`` (a socket where there is none) or ``socket``.
        damage: share of frames of which a byte is changed on the wire.
        dropouts: ``[at_s, for_s]`` whose frames never leave the device.
        disconnects: ``[at_s, for_s]`` with the cable pulled.
    """

    format: Format = "df2"
    ppm: float = 0.0
    link: str = "pty"
    damage: float = 0.0
    dropouts: Spans = ()
    disconnects: Spans = ()

    def __post_init__(self) -> None:
        if self.link not in ("pty", "socket"):
            raise ConfigError(f"virtual bedside, nonin.link: {self.link!r} must be pty or socket")
        if self.format not in FORMATS:
            raise ConfigError(f"virtual bedside, nonin.format: {self.format!r} must be df2 or df7")
        if not 0 <= self.damage <= 1:
            raise ConfigError(f"virtual bedside, nonin.damage: {self.damage:g} must be 0 to 1")


@dataclass(frozen=True, slots=True)
class E4BleConfig:
    """The emulated wristband without its server, over a virtual radio.

    Args:
        name, address: as advertised.
        ppm: error of its clock.
        start_variant: the start command it obeys, A or B.
        battery_percent: charge.
    """

    name: str = "Empatica E4"
    address: str = "C0:00:00:00:00:E4"
    ppm: float = 0.0
    start_variant: str = "A"
    battery_percent: int = 90

    def __post_init__(self) -> None:
        if self.start_variant not in ("A", "B"):
            raise ConfigError(f"virtual bedside, e4_ble.start_variant: {self.start_variant!r} must be A or B")
        _check_radio("e4_ble", self.address, self.battery_percent)


@dataclass(frozen=True, slots=True)
class BleHrConfig:
    """The emulated heart-rate strap over a virtual radio; arguments as of :class:`E4BleConfig`."""

    name: str = "HR strap"
    address: str = "C0:00:00:00:01:80"
    battery_percent: int = 80

    def __post_init__(self) -> None:
        _check_radio("ble_hr", self.address, self.battery_percent)


def _check_radio(where: str, address: str, battery_percent: int) -> None:
    if not re.fullmatch(r"[C-F][0-9A-F](:[0-9A-F]{2}){5}", address):
        raise ConfigError(f"virtual bedside, {where}.address: {address!r} must be like C0:00:00:00:00:01")
    if not 0 <= battery_percent <= 100:
        raise ConfigError(f"virtual bedside, {where}.battery_percent: {battery_percent} must be 0 to 100")


@dataclass(frozen=True, slots=True)
class BedsideConfig:
    """Everything.

    Args:
        replay: a file of :mod:`recorder.devices.sim.replay` instead of the virtual patient.
        tied: end when standard input is closed, that is with the process that started it.
    """

    seed: int = 1
    subject: SimSubject = field(default_factory=SimSubject)
    script: Script = field(default_factory=Script)
    replay: Path | None = None
    e4: E4Config | None = None
    adc: AdcConfig | None = None
    nonin: NoninConfig | None = None
    e4_ble: E4BleConfig | None = None
    ble_hr: BleHrConfig | None = None
    ready_file: Path | None = None
    log_file: Path | None = None
    truth_file: Path | None = None
    tied: bool = False


def parse(value: dict[str, Any]) -> BedsideConfig:
    """A configuration from its JSON object; keys left out keep their defaults.

    Raises:
        ConfigError: naming the key and what is wrong with it.
    """
    value = dict(value)
    script = value.pop("script", "rest") or "rest"
    adc = _part(AdcConfig, value.pop("adc", None), "adc")
    if script == "demo" and adc is not None and not value.get("replay"):
        adc = _part(
            AdcConfig,
            {**_plain(adc), "recalibrations": ((0.0, DEMO_CALIBRATION_S), *adc.recalibrations)},
            "adc",
        )
    paths = {key: _path(value.pop(key, None)) for key in ("replay", "ready_file", "log_file", "truth_file")}
    known = {"seed", "subject", "e4", "nonin", "e4_ble", "ble_hr", "tied"}
    if unknown := sorted(set(value) - known):
        raise ConfigError(f"virtual bedside: unknown key {', '.join(unknown)}")
    if value.get("e4") and value.get("e4_ble"):
        raise ConfigError("virtual bedside: e4 and e4_ble are both the wristband: keep one")
    return BedsideConfig(
        seed=int(value.get("seed", 1)),
        subject=SimSubject.from_json(value.get("subject") or {}),
        script=parse_script(script),
        e4=_part(E4Config, value.get("e4"), "e4"),
        adc=adc,
        nonin=_part(NoninConfig, value.get("nonin"), "nonin"),
        e4_ble=_part(E4BleConfig, value.get("e4_ble"), "e4_ble"),
        ble_hr=_part(BleHrConfig, value.get("ble_hr"), "ble_hr"),
        tied=bool(value.get("tied", False)),
        **paths,
    )


def load(path: Path) -> BedsideConfig:
    """A configuration file.

    Raises:
        ConfigError: it cannot be read, is not JSON or is wrong.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"virtual bedside: {path} cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ConfigError(f"virtual bedside: {path} must hold a JSON object")
    return parse(value)


def _part(kind: Any, value: dict[str, Any] | None, name: str) -> Any:
    if value is None:
        return None
    known = {f.name: f for f in fields(kind)}
    if unknown := sorted(set(value) - set(known)):
        raise ConfigError(f"virtual bedside, {name}: unknown key {', '.join(unknown)}")
    try:
        return kind(**{key: _frozen(item) for key, item in value.items()})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"virtual bedside, {name}: {error}") from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _plain(part: Any) -> dict[str, Any]:
    return {f.name: getattr(part, f.name) for f in fields(part)}


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
