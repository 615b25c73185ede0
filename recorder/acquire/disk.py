"""The disk guard: how long the room lasts, when to warn, when to stop so that the stop is clean."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recorder.private_folder import make_private
from recorder.schema import DiskStatus
from recorder.schema.status import DiskLevel

RESERVE_BYTES: Final = 16 << 20
"""Given back when the disk is full: room to commit and seal what is queued."""
STOP_BYTES: Final = 32 << 20
"""With less than this free the session is stopped while that can still be done in order."""
START_BYTES: Final = 256 << 20
"""Start is refused below: four hours of the largest bed (6 MB an hour compressed, up to 60 MB an hour unsealed)."""
RATE_SPAN_S: Final = 1800.0
RATE_KNOWN_S: Final = 60.0

LEVELS: Final[tuple[tuple[float, DiskLevel], ...]] = ((0.25, "15min"), (2.0, "2h"), (24.0, "24h"))
"""Hours left below which each warning shows, the gravest first."""

CLOUD_FOLDERS: Final = (
    *("dropbox", "onedrive", "google drive", "googledrive", "icloud drive", "mobile documents"),
    *("nextcloud", "owncloud", "box sync", "syncthing", "pcloud drive", "cloudstorage"),
)
CLOUD_MARKS: Final = (".dropbox", ".stfolder", ".sync_exclude.lst", ".owncloudsync.log")


def hours_left(free_bytes: int, bytes_per_hour: float | None) -> float | None:
    """How long the room lasts at the measured rate; None until the rate is known."""
    if not bytes_per_hour or bytes_per_hour <= 0:
        return None
    return max(0, free_bytes - STOP_BYTES) / bytes_per_hour


def level_of(free_bytes: int, hours: float | None) -> DiskLevel:
    """How grave it is."""
    if free_bytes < STOP_BYTES:
        return "stopped"
    if hours is None:
        return "ok"
    return next((level for limit, level in LEVELS if hours < limit), "ok")


def folder_problem(folder: Path, file_system: str, network_file_systems: frozenset[str]) -> str | None:
    """Why sessions cannot lie in ``folder``: who, what, what to do; None if they can. Makes the folder."""
    if file_system in network_file_systems:
        return (
            f"disk {folder}: is a network folder ({file_system}); choose a folder on this machine's own disk"
        )
    cloud = _cloud_part(folder)
    if cloud:
        return f"disk {folder}: is synchronised by a cloud service ({cloud}); choose a folder outside it"
    try:
        make_private(folder)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        return (
            f"disk {folder}: cannot be written ({error.strerror}); free the disk, or set HEMOVIEW_HOME to a folder on "
            "another one and start again"
        )
    return None


def _cloud_part(folder: Path) -> str:
    for place in (folder, *folder.parents):
        if any(place.name.lower().startswith(name) for name in CLOUD_FOLDERS):
            return place.name
        if any((place / mark).exists() for mark in CLOUD_MARKS):
            return place.name
    return ""


@dataclass(slots=True)
class DiskGuard:
    """Watches one folder.

    Args:
        folder: where sessions go.
        reserve: the reserve file.
        free_bytes: room left for us, of the disk a folder is on.
    """

    folder: Path
    reserve: Path
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    _written: deque[tuple[float, int]] = field(default_factory=deque)

    def hold_reserve(self) -> None:
        """Lay the reserve file down, once; without room for it there is none."""
        if self.reserve.exists() or self.free_bytes(self.folder) < STOP_BYTES + RESERVE_BYTES:
            return
        with self.reserve.open("wb") as file:
            for _ in range(RESERVE_BYTES >> 20):
                file.write(b"\0" * (1 << 20))
            file.flush()
            os.fsync(file.fileno())

    def release_reserve(self) -> None:
        """Give its room back; safe to call twice."""
        self.reserve.unlink(missing_ok=True)

    def wrote(self, now_s: float, total_bytes: int) -> None:
        """The session is so large by now. A smaller size is another session, or one just sealed."""
        if self._written and total_bytes < self._written[-1][1]:
            self._written.clear()
        self._written.append((now_s, total_bytes))
        while now_s - self._written[0][0] > RATE_SPAN_S:
            self._written.popleft()

    def bytes_per_hour(self) -> float | None:
        """Measured write rate; None until a minute is known."""
        if len(self._written) < 2:
            return None
        (t0, n0), (t1, n1) = self._written[0], self._written[-1]
        return (n1 - n0) * 3600 / (t1 - t0) if t1 - t0 >= RATE_KNOWN_S else None

    def status(self) -> DiskStatus:
        """For every screen."""
        free, rate = self.free_bytes(self.folder), self.bytes_per_hour()
        hours = hours_left(free, rate)
        return DiskStatus(str(self.folder), free, hours, level_of(free, hours), rate)
