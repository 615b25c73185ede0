"""Is there still a body on the sensors? Judged by what devices say of themselves and by what they deliver. Pure.

A device shows a body while it delivers a pulse, a pressure or a heart rate and nothing it said since – not worn, a
flat line, no pulse – speaks against it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

BODY_ROLES: Final = frozenset({"ppg", "optical", "pleth", "abp_wave", "hr"})
OFF_KINDS: Final = frozenset({"not-worn", "sensor-off", "no-pulse", "flat-line"})
"""Notices of a device that there is nothing of a body; each is taken back by a notice that names it as ``ended``."""
ABSENT_S: Final = 120.0
"""Band off and pressure flat for so long: "stop, or same subject?" (safety rule 3)."""
UNHEARD_S: Final = 300.0
"""No device says that it is off, and none delivers either – links are lost – for so long: a gap over 5 min."""


@dataclass(slots=True)
class BodyWatch:
    """Told of every block and notice; keeps when each device last showed a body."""

    _signs: dict[str, int] = field(default_factory=dict)
    _off: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def block(self, device_id: str, role: str, t_host_ns: int) -> None:
        """Samples arrived."""
        if role in BODY_ROLES and not self._off.get(device_id):
            self._signs[device_id] = t_host_ns

    def notice(self, payload: dict[str, Any]) -> None:
        """A device said something about itself."""
        device_id, stream_id = str(payload.get("device_id") or ""), str(payload.get("stream_id") or "")
        off = self._off.setdefault(device_id, set())
        if payload.get("kind") in OFF_KINDS:
            off.add((stream_id, str(payload["kind"])))
        elif payload.get("ended") in OFF_KINDS:
            off.discard((stream_id, str(payload["ended"])))

    def link_began(self, device_id: str) -> None:
        """A device was connected anew: what it said before is no longer known to hold."""
        self._off.pop(device_id, None)

    def says_off(self, devices: Collection[str]) -> bool:
        """Any of these devices says that there is nothing of a body on it."""
        return any(self._off.get(device) for device in devices)

    def last_sign_ns(self, devices: Collection[str]) -> int | None:
        """Host time of the newest sign of a body from any of these devices; None where none has ever shown one."""
        return max((t for device, t in self._signs.items() if device in devices), default=None)
