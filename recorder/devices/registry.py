"""Which drivers there are. Another device is one new file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from recorder.clock import Clock
from recorder.devices.ble_hr import BleHeartRateDriver
from recorder.devices.contract import DeviceConfig, Driver
from recorder.devices.e4 import E4Driver
from recorder.devices.e4_ble import E4BleDriver
from recorder.devices.nonin import NoninDriver
from recorder.devices.ports import PortInfo, ports
from recorder.devices.serial_adc import SerialAdcDriver
from recorder.errors import ConfigError

__all__ = ["DRIVERS", "LINKLESS", "PortInfo", "has_link", "make_driver", "ports"]

DRIVERS: Final[dict[str, Callable[[DeviceConfig, Clock], Driver]]] = {
    "e4-tcp": E4Driver,
    "e4-ble": E4BleDriver,
    "ble-hr": BleHeartRateDriver,
    "nonin-serial": NoninDriver,
    "serial-adc": SerialAdcDriver,
}
"""kind -> what makes its driver."""

LINKLESS: Final = frozenset({"manual-cuff"})
"""Kinds that a template may hold but that have no link: an operator types their values."""


def make_driver(config: DeviceConfig, clock: Clock) -> Driver:
    """The driver of a configured device.

    Raises:
        ConfigError: unknown kind, a kind without a link, or wrong options.
    """
    if config.kind in LINKLESS:
        raise ConfigError(f"Device {config.device_id}: {config.kind} has no link; its values are typed in")
    if config.kind not in DRIVERS:
        known = ", ".join(sorted({*DRIVERS, *LINKLESS}))
        raise ConfigError(f"Device {config.device_id}: kind {config.kind!r} is unknown; allowed are {known}")
    return DRIVERS[config.kind](config, clock)


def has_link(config: DeviceConfig) -> bool:
    """Whether :func:`make_driver` is to be called for it."""
    return config.kind not in LINKLESS
