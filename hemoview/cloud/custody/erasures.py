"""The list of erasures that outlives the database: one line each, in the folder of keys.

A backup of the database is older than what was erased after it, and would bring it back. The keys are backed up apart
and last; with them lies this list, and a service applies what it finds there whenever it starts (safety rule 21).
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError, WireError
from recorder.session.files import sync_folder
from recorder.sync.canonical import canonical, read_json

FILE: Final = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Erased:
    """``session_id`` was erased at ``at_us`` by ``by``; ``why``."""

    session_id: str
    at_us: int
    by: str
    why: str


def remember(folder: Path, erased: Erased) -> None:
    """Add a line; on the disk when this returns. What a crash left of an unfinished one is cut off first.

    Raises:
        OSError: the disk refused; what it took is no finished line.
    """
    path = folder / FILE
    is_new = not path.exists()
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        whole = _whole_bytes(fd)
        os.ftruncate(fd, whole)
        os.lseek(fd, whole, os.SEEK_SET)
        left = memoryview(canonical(asdict(erased)) + b"\n")
        while left:
            left = left[os.write(fd, left) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    if is_new:
        sync_folder(folder)


def _whole_bytes(fd: int) -> int:
    """Up to the end of the last finished line."""
    content = b""
    os.lseek(fd, 0, os.SEEK_SET)
    while piece := os.read(fd, 1 << 20):
        content += piece
    return content.rfind(b"\n") + 1


def remembered(folder: Path) -> list[Erased]:
    """Every line; a last one that was cut off by a crash is passed over, for its erasure did not happen.

    Raises:
        ConfigError: another line is none.
    """
    path = folder / FILE
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found.append(Erased(**read_json(line)))
        except (WireError, TypeError) as error:
            raise ConfigError(f"{path}: line {number} is damaged; put the backup of the keys back") from error
    return found
