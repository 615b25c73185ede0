"""The settings a screen asks for come from the drivers themselves."""

from __future__ import annotations

import pytest

from recorder.clock import Clock
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig
from recorder.devices.option_form import defaults, kinds, option_fields
from recorder.devices.serial_adc import SerialAdcDriver
from recorder.errors import ConfigError


def test_every_kind_of_the_registry_tells_its_settings() -> None:
    assert set(kinds()) == {*registry.DRIVERS, *registry.LINKLESS}
    for kind in kinds():
        assert option_fields(kind), kind
        assert {field.name for field in option_fields(kind)} <= set(defaults(kind))


def test_types_come_from_the_defaults_and_meanings_from_the_names() -> None:
    adc = {field.name: field.type for field in option_fields("serial-adc")}
    assert (adc["port"], adc["profile"], adc["parity"], adc["baud"]) == (
        "serial-port",
        "profile",
        "choice",
        "choice",
    )
    e4 = {field.name: field.type for field in option_fields("e4-tcp")}
    assert (e4["host"], e4["port"], e4["unencrypted_ok"]) == ("text", "whole", "yes-no")
    assert "silence_s" not in e4


def test_an_unknown_kind_has_none() -> None:
    assert option_fields("telepathy") == ()


def test_the_ports_own_settings_go_over_the_profiles() -> None:
    options = {"port": "/dev/x", "profile": "lab-adc-ascii", "baud": 9600, "parity": "E"}
    driver = SerialAdcDriver(DeviceConfig("serial-adc", "adc", options), Clock())
    assert (driver._serial.baud, driver._serial.parity, driver._serial.bytesize) == (9600, "E", 8)
    assert "baud rate (9600)" in driver.quiet_advice
    with pytest.raises(ConfigError, match="Device adc: parity: 'X' is none of"):
        SerialAdcDriver(DeviceConfig("serial-adc", "adc", {**options, "parity": "X"}), Clock())
