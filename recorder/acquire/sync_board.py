"""What the sync and uplink processes of this station wrote down last: looked at twice a second, parsed when changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from recorder.schema.sync_status import LIVE_TROUBLES, SyncStatus

SYNC_FILE: Final = "sync.json"
LIVE_FILE: Final = "live.json"


class SyncBoard:
    """Of one station.

    Args:
        folder: of the station; its two files are written whole, or not there.
    """

    def __init__(self, folder: Path) -> None:
        self._sync, self._live = _File(folder / SYNC_FILE), _File(folder / LIVE_FILE)
        self._told: tuple[SyncStatus, ...] = ()

    def look(self) -> tuple[SyncStatus, ...]:
        """One entry a service; nothing where the station is enrolled with none."""
        is_new = [file.look() for file in (self._sync, self._live)]
        if any(is_new):
            try:
                found = [SyncStatus.from_json(value) for value in self._sync.told.get("services", ())]
                self._told = tuple(_with_live(one, self._live.told) for one in found)
            except (KeyError, TypeError, AttributeError):  # of another version: as it was told last
                pass
        return self._told


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.told: dict[str, Any] = {}

    def look(self) -> bool:
        """Whether it has changed since the last look; what is being replaced is as it was told last."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp == self._stamp:
                return False
            told = json.loads(self._path.read_bytes())
            self.told, self._stamp = dict(told), stamp
        except FileNotFoundError:
            was, self._stamp, self.told = self._stamp, None, {}
            return was is not None
        except (OSError, ValueError, TypeError):
            return False
        return True


def _with_live(status: SyncStatus, live: dict[str, Any]) -> SyncStatus:
    told = live.get(status.server_id)
    if not isinstance(told, dict) or told.get("trouble") not in LIVE_TROUBLES:
        return status
    return replace(
        status, live_way=told.get("way", ""), live_trouble=told["trouble"], live_why=str(told.get("why", ""))
    )
