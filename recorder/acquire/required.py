"""Which devices a session cannot do without: the chosen template says so, else the station's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from recorder.acquire.station import Station
from recorder.devices.contract import DeviceConfig
from recorder.devices.registry import LINKLESS
from recorder.schema import LinkStatus

NOT_SET_UP: Final = "the template asks for it, but it is not set up on this station"


def links(station: Station, template: Mapping[str, Any]) -> tuple[LinkStatus, ...]:
    """The station's links as this template wants them."""
    return wanted(template.get("devices"), station.settings.devices, station.link_statuses())


def family(kind: str) -> str:
    """Kinds that stand for the same thing at the bed: a wristband is one, by whatever link it comes."""
    return "e4" if kind.startswith("e4-") else kind


def wanted(
    asked: Any, configured: Sequence[DeviceConfig], found: Sequence[LinkStatus]
) -> tuple[LinkStatus, ...]:
    """Links with ``required`` by the template, and one more for each of its devices that is not set up here.

    Args:
        asked: the template's devices, plain values; a device is met by its id, else by its kind.
        configured: on the station.
        found: the station's links.
    """
    tables = [d for d in asked if isinstance(d, Mapping)] if isinstance(asked, list | tuple) else []
    if not tables:
        return tuple(found)
    kinds = {device.device_id: device.kind for device in configured}
    free = {link.device_id for link in found}
    needed: dict[str, bool] = {}
    missing = []
    for table in sorted(tables, key=lambda t: t.get("device_id") not in free):
        device_id, kind = str(table.get("device_id")), str(table.get("kind"))
        same = sorted(i for i in free if family(kinds.get(i, "")) == family(kind))
        met = device_id if device_id in free else next(iter(same), None)
        if met is not None:
            free.discard(met)
            needed[met] = bool(table.get("required", True)) and kind not in LINKLESS
        elif table.get("required", True) and kind not in LINKLESS:
            missing.append(
                LinkStatus(device_id, "idle", f"{kind} {device_id}", required=True, error=NOT_SET_UP)
            )
    told = [replace(link, required=needed.get(link.device_id, False)) for link in found]
    return (*told, *missing)
