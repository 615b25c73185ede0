"""What clients may ask of a station about radio devices."""

from __future__ import annotations

from typing import Any

from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.devices import discovery
from recorder.errors import DeviceError


def table(_: Station) -> dict[str, Verb]:
    """``scan``: what advertises now. Recording goes on meanwhile."""
    return {"scan": Verb(_scan, slow=True, once=False, apart=True)}


def _scan(request: Request) -> dict[str, Any]:
    """``{"found": [FoundDevice…], "error": ""}``; without Bluetooth ``error`` is one line for the operator."""
    seconds = float(request.args.get("seconds", discovery.SCAN_S))
    radio = discovery.radio_of(str(request.args.get("radio", "")))
    try:
        found = discovery.found_devices(seconds, radio)
    except DeviceError as error:
        return {"found": [], "error": str(error)}
    return {"found": [device.to_json() for device in found], "error": ""}
