"""Which settings a kind of device has, derived from its driver's own ``DEFAULTS``: a screen asks for them, no file.

A new driver is on the screen with its line in the registry; what a name of ours means beyond its type (a serial port,
a profile, a choice) is said once, in :data:`MEANINGS`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from recorder.devices import registry
from recorder.devices.options import COMMON

FieldType = Literal["text", "whole", "number", "yes-no", "serial-port", "radio-address", "profile", "choice"]

LINKLESS_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"manual-cuff": {"model": ""}})
"""See :mod:`recorder.devices.cuff`."""

CHOICES: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "baud": (0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1_000_000),
        "bytesize": (0, 8, 7, 6, 5),
        "parity": ("", "N", "E", "O", "M", "S"),
        "stopbits": (0.0, 1.0, 1.5, 2.0),
        "start_variant": ("A", "B"),
        "temp_variant": ("A", "B"),
        "format": ("df2", "df7"),
    }
)
"""Values of an option that is chosen from a list; an empty one is "as the profile says"."""

MEANINGS: Final[Mapping[tuple[str, FieldType], FieldType]] = MappingProxyType(
    {
        ("port", "text"): "serial-port",
        ("address", "text"): "radio-address",
        ("profile", "text"): "profile",
        **{(name, kind): "choice" for name in CHOICES for kind in ("whole", "number", "text")},
    }
)
"""(name, type by its default) → what it is; the port of a TCP server is a whole number and stays one."""


@dataclass(frozen=True, slots=True)
class OptionField:
    """One setting.

    Args:
        name: of the option.
        type: what is asked for.
        default: the driver's own.
        choices: of a ``choice``, else empty.
    """

    name: str
    type: FieldType
    default: Any
    choices: tuple[Any, ...] = ()


def kinds() -> tuple[str, ...]:
    """Every kind a station can be set up with: those with a link first, as the registry lists them."""
    return (*registry.DRIVERS, *sorted(registry.LINKLESS))


def defaults(kind: str) -> Mapping[str, Any]:
    """The ``DEFAULTS`` of the module that makes the kind's driver; none for an unknown kind."""
    if kind in LINKLESS_DEFAULTS:
        return LINKLESS_DEFAULTS[kind]
    maker = registry.DRIVERS.get(kind)
    found: Mapping[str, Any] = getattr(sys.modules.get(getattr(maker, "__module__", "")), "DEFAULTS", {})
    return found


def option_fields(kind: str) -> tuple[OptionField, ...]:
    """The settings a person is asked for. What every driver has beside them is left to a template."""
    return tuple(_field(name, value) for name, value in defaults(kind).items() if name not in COMMON)


def _field(name: str, default: Any) -> OptionField:
    by_type: FieldType
    if isinstance(default, bool):
        by_type = "yes-no"
    elif isinstance(default, int):
        by_type = "whole"
    elif isinstance(default, float):
        by_type = "number"
    else:
        by_type = "text"
    meant = MEANINGS.get((name, by_type), by_type)
    return OptionField(name, meant, default, CHOICES[name] if meant == "choice" else ())
