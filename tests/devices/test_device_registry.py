"""Which drivers there are, and ports as an operator sees them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from recorder.clock import Clock
from recorder.devices import ports as port_list
from recorder.devices.contract import DeviceConfig
from recorder.devices.cuff import cuff_info
from recorder.devices.registry import DRIVERS, LINKLESS, has_link, make_driver
from recorder.errors import ConfigError


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=", ".join(sorted({*DRIVERS, *LINKLESS}))):
        make_driver(DeviceConfig("pulse-oximeter", "ox"), Clock())


def test_the_cuff_is_a_device_without_a_link() -> None:
    cuff = DeviceConfig("manual-cuff", "cuff", {"model": "Omron M7"})
    assert not has_link(cuff)
    assert has_link(DeviceConfig("e4-tcp", "e4"))
    assert "Omron M7" in cuff_info(cuff).product
    with pytest.raises(ConfigError, match="no link"):
        make_driver(cuff, Clock())


def test_an_adc_needs_a_port_and_a_profile_that_exists() -> None:
    with pytest.raises(ConfigError, match="port is empty"):
        make_driver(DeviceConfig("serial-adc", "adc"), Clock())
    with pytest.raises(ConfigError, match="not shipped"):
        make_driver(DeviceConfig("serial-adc", "adc", {"port": "COM3", "profile": "nonin"}), Clock())


def test_another_driver_is_one_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(info=None)
    monkeypatch.setitem(DRIVERS, "pulse-oximeter", lambda config, clock: made)
    assert make_driver(DeviceConfig("pulse-oximeter", "ox"), Clock()) is made


def test_usb_adapters_come_first_with_maker_and_id(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        SimpleNamespace(device="/dev/ttyS0", description="n/a", manufacturer=None, vid=None, pid=None),
        SimpleNamespace(
            device="/dev/ttyUSB0", description="FT232R", manufacturer="FTDI", vid=0x0403, pid=0x6001
        ),
    ]
    monkeypatch.setattr(port_list.list_ports, "comports", lambda: found)
    usb, built_in = port_list.ports()
    assert (usb.port, usb.maker, usb.usb_id) == ("/dev/ttyUSB0", "FTDI", "0403:6001")
    assert (built_in.port, built_in.usb_id) == ("/dev/ttyS0", "")
    assert usb.to_json()["description"] == "FT232R"
