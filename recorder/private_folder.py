"""Folders that no other account of the computer looks into: their names alone tell whom was recorded, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, owner-only.

    One that is there keeps its rights: somebody may share it with a group.

    Raises:
        OSError: it cannot be made.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(FOLDER_MODE, exist_ok=True)
    folder.mkdir(FOLDER_MODE, exist_ok=True)  # says so where it is a file
