"""What the sync process of this station wrote down last: read twice a second, parsed only when it has changed."""

from __future__ import annotations

import json
from pathlib import Path

from recorder.schema.sync_status import SyncStatus


class SyncBoard:
    """The file of one station.

    Args:
        path: written whole by the sync process, or not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._told: tuple[SyncStatus, ...] = ()

    def look(self) -> tuple[SyncStatus, ...]:
        """One entry a service; nothing where the station is enrolled with none."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                told = json.loads(self._path.read_bytes())["services"]
                self._told = tuple(SyncStatus.from_json(value) for value in told)
                self._stamp = stamp
        except FileNotFoundError:
            self._stamp, self._told = None, ()
        except (OSError, ValueError, KeyError, TypeError):  # being replaced: as it was told last
            pass
        return self._told
