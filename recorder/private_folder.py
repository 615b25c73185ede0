"""Folders that no other account of the computer looks into: their names alone tell whom was recorded, and when."""

from __future__ import annotations

import os
import shlex
import stat
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


def open_to_others(folder: Path, top: Path = Path("/")) -> bool:
    """Whether any account of the computer may list a folder, as older versions made it; a group's share is not meant.

    Args:
        folder: as it is there.
        top: where those accounts begin to look; above it nothing bars them.
    """
    if os.name == "nt":  # what lies in a profile has its rights from there
        return False
    place = folder.resolve()
    way = [parent for parent in place.parents if parent.is_relative_to(top)]
    try:
        return bool(place.stat().st_mode & stat.S_IROTH) and all(p.stat().st_mode & stat.S_IXOTH for p in way)
    except OSError:
        return False


def warning(folder: Path, top: Path = Path("/")) -> list[tuple[str, str]]:
    """For pre-flight, (what, todo), where others list the sessions of ``folder``. It is not closed unasked: somebody
    may share it.
    """
    if not open_to_others(folder, top):
        return []
    what = f"every account of this computer can list the sessions in {folder}, whose names hold pseudonyms"
    return [(what, f"close it with: chmod o-rwx {shlex.quote(str(folder))}")]
