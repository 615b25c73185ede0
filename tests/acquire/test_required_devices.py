"""A template says what a session cannot do without; what is missing is named and may be overridden (safety rule 18)."""

from __future__ import annotations

from typing import Any

from recorder.acquire import preflight, required
from recorder.devices.contract import DeviceConfig
from recorder.schema import DiskStatus, LinkStatus, Subject

E4 = DeviceConfig("e4-tcp", "band")
ADC = DeviceConfig("serial-adc", "adc")
LINKS = (LinkStatus("band", "streaming", "E4"), LinkStatus("adc", "lost", "ADC", error="cable out"))


def asked(*devices: tuple[str, str, bool]) -> list[dict[str, Any]]:
    return [{"kind": k, "device_id": i, "required": r} for k, i, r in devices]


def required_of(found: tuple[LinkStatus, ...]) -> dict[str, bool]:
    return {link.device_id: link.required for link in found}


def test_without_a_template_the_station_decides() -> None:
    assert required.wanted(None, (E4, ADC), LINKS) == LINKS
    assert required.wanted([], (E4, ADC), LINKS) == LINKS
    assert required.wanted("nonsense", (E4, ADC), LINKS) == LINKS


def test_the_template_decides_by_id_then_by_kind() -> None:
    found = required.wanted(asked(("e4-ble", "e4", True), ("serial-adc", "adc", False)), (E4, ADC), LINKS)
    assert required_of(found) == {"band": True, "adc": False}
    assert required_of(required.wanted(asked(("e4-tcp", "e4", True)), (E4, ADC), LINKS)) == {
        "band": True,
        "adc": False,
    }


def test_a_device_that_is_not_set_up_bars_start_until_a_reason_is_given() -> None:
    found = required.wanted(
        asked(("e4-tcp", "e4", True), ("e4-tcp", "other", True), ("manual-cuff", "cuff", True)),
        (E4,),
        LINKS[:1],
    )
    assert required_of(found) == {"band": True, "other": True}
    facts = preflight.Facts(
        Subject("S-1"), None, DiskStatus("/s", 10**12, 40.0), links=found, stream_devices={}
    )
    barring = preflight.refusals(preflight.checks(facts), {})
    other = next(c for c in barring if c.id == "device:other")
    assert "asks for it, but it is not set up" in other.line() and "reason to begin without" in other.line()
    assert other not in preflight.refusals(preflight.checks(facts), {"other": "second band is charging"})
