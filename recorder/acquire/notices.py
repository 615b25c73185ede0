"""Keeps a device that speaks nonsense from flooding the record: such notices come at most every 5 s, counted."""

from __future__ import annotations

from typing import Final

from recorder.devices.contract import Notice

OFTEN: Final = frozenset({"malformed", "checksum", "nonsense", "saturation"})
EVERY_NS: Final = 5_000_000_000


class NoticeGate:
    """Remembers when each kind was last told, and how many were held back since."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str | None], int] = {}
        self._held: dict[tuple[str, str | None], int] = {}

    def passes(self, notice: Notice) -> int | None:
        """How many of its kind were held back before this one, or None to hold it back as well."""
        if notice.kind not in OFTEN or notice.fatal:
            return 0
        key = (notice.kind, notice.stream_id)
        last = self._told.get(key)
        if last is not None and notice.t_host_ns - last < EVERY_NS:
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._told[key] = notice.t_host_ns
        return self._held.pop(key, 0)
