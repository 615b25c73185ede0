"""Adding and editing a device: judged without a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hemoview.viewmodel.devices.form import (
    DeviceForm,
    DeviceFormView,
    edit_form,
    examine,
    new_form,
    with_device,
    with_new_device,
    with_option,
    without_device,
)
from recorder.clock import Clock
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig
from recorder.devices.option_form import kinds
from recorder.errors import ConfigError


def judge(form: DeviceForm, *taken: str) -> DeviceFormView:
    return examine(form, taken, lambda c: registry.make_driver(c, Clock()) if registry.has_link(c) else None)


def problems(view: DeviceFormView) -> dict[str, str]:
    return {p.field: p.message.id for p in view.problems}


def test_every_kind_has_a_form_whose_id_is_free() -> None:
    for kind in kinds():
        first = new_form(kind, [])
        again = new_form(kind, [first.device_id])
        assert again.device_id == f"{first.device_id}2"
    assert (new_form("e4-tcp", []).device_id, new_form("serial-adc", []).device_id) == ("e4", "adc")


def test_an_untouched_e4_form_is_the_vendors_own_address_and_says_nothing_more() -> None:
    view = judge(new_form("e4-tcp", []))
    assert view.config == DeviceConfig("e4-tcp", "e4", {})


def test_what_is_set_is_stored_and_comes_back() -> None:
    form = new_form("serial-adc", ["adc"])
    for name, value in {"port": "/dev/ttyUSB0", "baud": 9600, "parity": "E", "stopbits": 2.0}.items():
        form = with_option(form, name, value)
    view = judge(replace(form, required=False), "adc")
    assert view.config is not None
    assert view.config.options == {"port": "/dev/ttyUSB0", "baud": 9600, "parity": "E", "stopbits": 2.0}
    assert (view.config.device_id, view.config.required) == ("adc2", False)
    assert judge(edit_form(view.config), "adc").config == view.config


def test_editing_keeps_options_nobody_is_asked_for() -> None:
    config = DeviceConfig("e4-tcp", "e4", {"host": "127.0.0.1", "silence_s": 3.0}, simulated=True)
    assert judge(edit_form(config)).config == config


@pytest.mark.parametrize(
    ("kind", "name", "value", "field", "message"),
    [
        ("e4-tcp", "port", "two", "port", "device-not-a-number"),
        ("e4-tcp", "port", "70000", "", "refused"),
        ("e4-tcp", "host", "", "", "refused"),
        ("serial-adc", "port", " ", "port", "device-choose-port"),
    ],
)
def test_a_wrong_entry_is_told_at_its_field(
    kind: str, name: str, value: str, field: str, message: str
) -> None:
    view = judge(with_option(new_form(kind, []), name, value))
    assert view.config is None and problems(view) == {field: message}


@pytest.mark.parametrize(("name", "message"), [("E4 left", "device-id-form"), ("e4", "device-id-taken")])
def test_an_id_is_short_plain_and_its_own(name: str, message: str) -> None:
    view = judge(replace(new_form("e4-tcp", []), device_id=name), "e4")
    assert problems(view) == {"device_id": message}


def test_a_link_that_leaves_the_computer_needs_a_yes_of_its_own() -> None:
    form = with_option(new_form("e4-tcp", []), "host", "192.0.2.7")
    assert form.asks_unencrypted
    assert problems(judge(form)) == {"unencrypted_ok": "device-confirm-unencrypted"}
    form = with_option(form, "unencrypted_ok", True)
    assert judge(form).config is not None
    assert problems(judge(with_option(form, "host", "192.0.2.8"))) == {
        "unencrypted_ok": "device-confirm-unencrypted"
    }
    assert not with_option(form, "host", "localhost").asks_unencrypted


def test_a_device_is_added_replaced_in_its_place_and_taken_out() -> None:
    e4, adc = DeviceConfig("e4-tcp", "e4"), DeviceConfig("serial-adc", "adc", {"port": "x"})
    changed = replace(e4, required=False)
    assert with_device([e4], adc) == [e4, adc]
    assert with_device([e4, adc], changed) == [changed, adc]
    assert without_device([e4, adc], "e4") == [adc]
    assert with_new_device([e4], adc) == [e4, adc]
    with pytest.raises(ConfigError, match="choose another short name"):
        with_new_device([e4], changed)
