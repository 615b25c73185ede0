"""Append-only lists of the home folder: one JSON object a line with its CRC32. A torn line is lost alone, and named."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from recorder.session.files import FILE_MODE, storage_errors


def append(path: Path, body: dict[str, Any]) -> None:
    """Add a line; it is on disk when this returns. An unfinished line left by a power cut is ended first.

    Raises:
        StorageError: the disk refused.
    """
    line = json.dumps({"entry": body, "crc32": _crc(body)}, ensure_ascii=False) + "\n"
    with storage_errors(path.parent, f"writing {path.name}"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            unfinished = False
            if os.lseek(fd, 0, os.SEEK_END):
                os.lseek(fd, -1, os.SEEK_END)
                unfinished = os.read(fd, 1) != b"\n"
            os.write(fd, (b"\n" if unfinished else b"") + line.encode())
            os.fsync(fd)
        finally:
            os.close(fd)


def read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """All whole entries in order, and what is wrong with each other line."""
    content = path.read_bytes() if path.is_file() else b""
    whole: list[dict[str, Any]] = []
    wrong: list[str] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line:
            found = _parse(line)
            if found is None:
                wrong.append(f"{path.name} line {number}: damaged or unfinished")
            else:
                whole.append(found)
    return whole, wrong


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
        body = value["entry"]
        return body if isinstance(body, dict) and value["crc32"] == _crc(body) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _crc(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
