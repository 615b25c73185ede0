"""``recorder devices``: what is plugged in, what could be configured, and – on request – whether it delivers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recorder.acquire import template as templates
from recorder.clock import Clock
from recorder.devices import discovery, profiles, registry
from recorder.devices.contract import DeviceConfig, Driver, Notice
from recorder.errors import ConfigError, DeviceError
from recorder.host.conversation import conversation
from recorder.schema import SampleBlock
from recorder.transports import Transport


def list_devices(
    probe_s: float | None = None, template: Path | None = None, scan_s: float | None = None, radio: str = ""
) -> dict[str, Any]:
    """Ports, kinds and shipped profiles; with ``probe_s`` also what each device of ``template`` sends in that time,
    with ``scan_s`` the Bluetooth devices that advertise within it.

    Raises:
        ConfigError: a probe without a template, or a wrong template.
        DeviceError: a search without Bluetooth.
    """
    outcome: dict[str, Any] = {
        "ports": [port.to_json() for port in registry.ports()],
        "kinds": sorted({*registry.DRIVERS, *registry.LINKLESS}),
        "profiles": profiles.shipped(),
    }
    if scan_s is not None:
        found = discovery.found_devices(scan_s, discovery.radio_of(radio))
        outcome["found"] = [device.to_json() for device in found]
    if probe_s is None:
        return outcome
    if template is None:
        raise ConfigError("devices: --probe needs --template, whose devices are listened to; name one")
    linked = [config for config in templates.load(template).devices if registry.has_link(config)]
    outcome["probed"] = {config.device_id: probe(config, probe_s) for config in linked}
    outcome["ok"] = all(not found["error"] for found in outcome["probed"].values())
    return outcome


def probe(config: DeviceConfig, seconds: float, goes_on: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Listen to one device for ``seconds``, or while ``goes_on``; never raises for what the device does."""
    clock = Clock()
    rows: dict[str, int] = {}
    said: list[str] = []
    error = ""
    try:
        driver = registry.make_driver(config, clock)
        transport = driver.open()
        try:
            end = time.monotonic() + seconds
            _listen(driver, transport, clock, lambda: time.monotonic() < end and goes_on(), (rows, said))
        finally:
            transport.close()
    except DeviceError as failed:
        error = str(failed)
    except ConfigError as wrong:
        error = str(wrong)
    return {
        "rows": rows,
        "notices": said,
        "error": error or ("" if rows else f"{config.device_id}: sent no sample"),
    }


def _listen(
    driver: Driver,
    transport: Transport,
    clock: Clock,
    goes_on: Callable[[], bool],
    into: tuple[dict[str, int], list[str]],
) -> None:
    rows, said = into
    for event in conversation(driver, transport, clock, goes_on):
        if isinstance(event, SampleBlock):
            rows[event.stream_id] = rows.get(event.stream_id, 0) + event.n_samples
        elif isinstance(event, Notice) and event.message not in said:
            said.append(event.message)
