"""``amendments.jsonl``: corrections, append-only, each line with its CRC32. Samples are never rewritten."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from recorder.schema import Amendment
from recorder.session.files import FILE_MODE

AMENDMENTS_FILE = "amendments.jsonl"


def append(folder: Path, amendment: Amendment) -> None:
    """Add one line; it is on disk when this returns. An unfinished line left by a power cut is ended first.

    Raises:
        OSError: the disk refused.
    """
    body = amendment.to_json()
    line = json.dumps({"amendment": body, "crc32": _crc(body)}, ensure_ascii=False) + "\n"
    path = folder / AMENDMENTS_FILE
    present = path.read_bytes() if path.is_file() else b""
    unfinished = bool(present) and not present.endswith(b"\n")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
    try:
        os.write(fd, (b"\n" if unfinished else b"") + line.encode())
        os.fsync(fd)
    finally:
        os.close(fd)


def read(folder: Path) -> tuple[list[Amendment], list[str]]:
    """All whole amendments in order, and what is wrong with each other line."""
    path = folder / AMENDMENTS_FILE
    content = path.read_bytes() if path.is_file() else b""
    whole: list[Amendment] = []
    wrong: list[str] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line:
            found = _parse(line)
            if found is None:
                wrong.append(f"line {number}: damaged or unfinished")
            else:
                whole.append(found)
    return whole, wrong


def _parse(line: bytes) -> Amendment | None:
    try:
        value = json.loads(line)
        if value["crc32"] != _crc(value["amendment"]):
            return None
        return Amendment(**value["amendment"])
    except (ValueError, KeyError, TypeError):
        return None


def _crc(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
