"""Adding or editing a device: the fields as typed → its settings, or what is wrong with which field. No file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hemoview.viewmodel.messages import Message, say
from recorder.devices.contract import DeviceConfig
from recorder.devices.option_form import OptionField, option_fields
from recorder.errors import ConfigError
from recorder.transports.tcp import is_loopback

FIRST_IDS: Final[Mapping[str, str]] = {"serial-adc": "adc", "manual-cuff": "cuff"}
"""What a first device of a kind is called; others by the first word of their kind (``e4-tcp`` → ``e4``)."""

UNENCRYPTED: Final = "unencrypted_ok"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")


@dataclass(frozen=True, slots=True)
class DeviceForm:
    """What stands in the fields; ``options`` as typed (text), chosen (the choice's own value) or ticked (bool).

    ``before``: the settings that are edited, None for a new device. Options nobody is asked for stay as they were.
    """

    kind: str
    device_id: str
    required: bool = True
    simulated: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    before: DeviceConfig | None = None

    @property
    def fields(self) -> tuple[OptionField, ...]:
        """What is asked for beside id and required."""
        return option_fields(self.kind)

    @property
    def asks_unencrypted(self) -> bool:
        """The address leaves this computer, and the link knows no encryption (safety rule 22)."""
        host = str(self.options.get("host", "")).strip()
        return any(f.name == UNENCRYPTED for f in self.fields) and bool(host) and not is_loopback(host)


@dataclass(frozen=True, slots=True)
class DeviceProblem:
    """What is wrong with one field (its name; ``device_id``, or empty for the whole)."""

    field: str
    message: Message


@dataclass(frozen=True, slots=True)
class DeviceFormView:
    """``config`` is None while there is a problem."""

    problems: tuple[DeviceProblem, ...]
    config: DeviceConfig | None


def new_form(kind: str, taken: Sequence[str]) -> DeviceForm:
    """An empty form of a kind, with an id that is free."""
    stem = FIRST_IDS.get(kind, kind.partition("-")[0])
    free = next(name for n in range(1, 100) if (name := stem if n == 1 else f"{stem}{n}") not in taken)
    return DeviceForm(kind, free, options={f.name: _shown(f, f.default) for f in option_fields(kind)})


def edit_form(config: DeviceConfig) -> DeviceForm:
    """A form with the settings of a device."""
    shown = {f.name: _shown(f, config.options.get(f.name, f.default)) for f in option_fields(config.kind)}
    return DeviceForm(
        config.kind, config.device_id, config.required, config.simulated, options=shown, before=config
    )


def with_option(form: DeviceForm, name: str, value: Any) -> DeviceForm:
    """Another value of one option; another host asks for its confirmation anew."""
    changes = {name: value}
    if name == "host" and value != form.options.get("host") and UNENCRYPTED in form.options:
        changes[UNENCRYPTED] = False
    return replace(form, options={**form.options, **changes})


def examine(form: DeviceForm, taken: Sequence[str], make: Callable[[DeviceConfig], object]) -> DeviceFormView:
    """Judge the fields.

    Args:
        form: as typed.
        taken: ids of the other devices.
        make: builds the driver; what it refuses stands beside the form in the driver's own words.
    """
    found = [*_id_problems(form, taken)]
    options: dict[str, Any] = dict(form.before.options) if form.before is not None else {}
    for one in form.fields:
        try:
            options[one.name] = _value(one, form.options.get(one.name, one.default))
        except ValueError:
            found.append(DeviceProblem(one.name, say("device-not-a-number")))
    if form.asks_unencrypted and not form.options.get(UNENCRYPTED):
        found.append(DeviceProblem(UNENCRYPTED, say("device-confirm-unencrypted")))
    found += [
        DeviceProblem(one.name, say("device-choose-port"))
        for one in form.fields
        if one.type == "serial-port" and not options.get(one.name)
    ]
    if found:
        return DeviceFormView(tuple(found), None)
    before = form.before.options if form.before is not None else {}
    told = _told(form.fields, options, before)
    config = DeviceConfig(form.kind, form.device_id, told, form.required, form.simulated)
    try:
        make(config)
    except ConfigError as error:
        why = str(error).removeprefix(f"Device {form.device_id}: ")
        return DeviceFormView((DeviceProblem("", say("refused", error=why)),), None)
    return DeviceFormView((), config)


def with_device(configured: Sequence[DeviceConfig], config: DeviceConfig) -> list[DeviceConfig]:
    """The station's devices with one added, or in place of its former settings."""
    if config.device_id in [c.device_id for c in configured]:
        return [config if c.device_id == config.device_id else c for c in configured]
    return [*configured, config]


def with_new_device(configured: Sequence[DeviceConfig], config: DeviceConfig) -> list[DeviceConfig]:
    """The station's devices and one more.

    Raises:
        ConfigError: somebody else has added one of that name meanwhile.
    """
    if config.device_id in [c.device_id for c in configured]:
        raise ConfigError(
            f"Device {config.device_id}: another window has just added one of this name; choose another short name"
        )
    return with_device(configured, config)


def without_device(configured: Sequence[DeviceConfig], device_id: str) -> list[DeviceConfig]:
    """The station's devices but one."""
    return [c for c in configured if c.device_id != device_id]


def _id_problems(form: DeviceForm, taken: Sequence[str]) -> list[DeviceProblem]:
    if not _ID.fullmatch(form.device_id):
        return [DeviceProblem("device_id", say("device-id-form"))]
    if form.device_id in taken:
        return [DeviceProblem("device_id", say("device-id-taken"))]
    return []


def _shown(one: OptionField, value: Any) -> Any:
    """A value as it stands in its field."""
    if one.type in ("yes-no", "choice"):
        return value
    return f"{value:g}" if one.type == "number" else str(value)


def _value(one: OptionField, shown: Any) -> Any:
    if one.type in ("yes-no", "choice"):
        return shown
    typed = str(shown).strip()
    if one.type == "whole":
        return int(typed)
    return float(typed.replace(",", ".")) if one.type == "number" else typed


def _told(
    fields: Sequence[OptionField], options: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """Settings say what was set, and not what the driver does anyway."""
    usual = {one.name: one.default for one in fields}
    return {
        name: value
        for name, value in options.items()
        if name in before or name not in usual or value != usual[name]
    }
