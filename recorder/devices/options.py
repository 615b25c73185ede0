"""A driver's own settings, read once and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recorder.devices.contract import DeviceConfig
from recorder.errors import ConfigError
from recorder.schema.streams import Origin

COMMON = ("silence_s", "origin")


def read_options(config: DeviceConfig, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options of ``config`` over ``defaults``; a default's type is the type asked for.

    Raises:
        ConfigError: an unknown option (the allowed ones are listed) or one of another type.
    """
    allowed = tuple(dict.fromkeys((*defaults, *COMMON)))
    for name, value in config.options.items():
        if name not in allowed:
            known = ", ".join(allowed)
            raise ConfigError(f"Device {config.device_id}: option {name!r} is unknown; allowed are {known}")
        default = defaults.get(name)
        if default is not None and not _is_like(value, default):
            kind = type(default).__name__
            raise ConfigError(f"Device {config.device_id}: option {name} = {value!r} must be of type {kind}")
    return {**defaults, **config.options}


def _is_like(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float)) if isinstance(default, float) else isinstance(value, type(default))


def silence_s(config: DeviceConfig, default_s: float) -> float:
    """How long without a sample is silence.

    Raises:
        ConfigError: not a number of seconds above 0.
    """
    value = config.options.get("silence_s", default_s)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        raise ConfigError(f"Device {config.device_id}: option silence_s = {value!r} must be 0 to 3600 s")
    return float(value)


def origin(config: DeviceConfig) -> Origin:
    """Where the samples come from; a simulated device's never count as recorded.

    Raises:
        ConfigError: not ``recorded``, ``replayed`` or ``simulated``.
    """
    value = config.options.get("origin", "simulated" if config.simulated else "recorded")
    if value not in {"recorded", "replayed", "simulated"} or (config.simulated and value == "recorded"):
        raise ConfigError(
            f"Device {config.device_id}: option origin = {value!r} must be recorded, replayed or simulated"
            + (", and a simulated device is not recorded" if config.simulated else "")
        )
    return value  # type: ignore[no-any-return]
