"""Which windows are open on a station: each holds a file lock of its own, which the system frees when it dies."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Self

from recorder.host import places, platform
from recorder.private_folder import make_private


class Presence:
    """One window of a station, until closed; a context manager.

    Args:
        station: its name.
        home: where stations are; the user's place where None.

    Raises:
        OSError: the station's folder cannot be written.
    """

    def __init__(self, station: str, home: Path | None = None) -> None:
        folder = _folder(station, home)
        make_private(folder)
        while True:
            self.path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
            self._fd: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            # who counts the windows this very moment takes a file not yet locked for a dead window's
            if platform.try_lock(self._fd) and self.path.exists():
                return
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The window is gone; safe to call twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            _remove(self.path)


def count(station: str, home: Path | None = None) -> int:
    """Windows open on ``station`` this moment, of all processes; what dead ones left is cleared away."""
    return sum(_is_open(path) for path in sorted(_folder(station, home).glob("[0-9]*-*.lock")))


def _is_open(path: Path) -> bool:
    """Held by a process that lives: somebody else who counts holds a dead one's for a moment."""
    if not platform.alive(int(path.name.partition("-")[0])):
        _remove(path)
        return False
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if not platform.try_lock(fd):
            return True
        # under the lock, so that a window that is just opening sees its file gone, and makes another
        _remove(path)
        return False
    finally:
        os.close(fd)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody was quicker, or (Windows) has it open: the next one's job
        path.unlink()


def _folder(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "windows"
