"""Append-only lists: one JSON object a line with its CRC32. A torn line is lost alone, and named."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from recorder.session.files import FILE_MODE, write_whole

T = TypeVar("T")


def append(path: Path, key: str, body: dict[str, Any]) -> None:
    """Add a line ``{key: body, crc32}``; it is on disk when this returns. An unfinished line left by a power cut is
    ended first.

    Raises:
        OSError: the disk refused.
    """
    line = json.dumps({key: body, "crc32": _crc(body)}, ensure_ascii=False) + "\n"
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


def read(path: Path, key: str, make: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    """All whole entries in order, and what is wrong with each other line.

    Args:
        make: an entry of its body; what it cannot make is damaged.
    """
    content = path.read_bytes() if path.is_file() else b""
    whole: list[T] = []
    wrong: list[str] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line:
            try:
                value = json.loads(line)
                if value["crc32"] != _crc(value[key]):
                    raise ValueError(key)
                whole.append(make(value[key]))
            except (ValueError, KeyError, TypeError, RecursionError):
                wrong.append(f"line {number}: damaged or unfinished")
    return whole, wrong


def without(path: Path, key: str, unwanted: Callable[[dict[str, Any]], bool]) -> None:
    """Write the list anew without the entries that are ``unwanted``: what was erased is not kept in a list either.

    Raises:
        OSError: the disk refused; the list is as it was.
    """
    kept, _ = read(path, key, dict)
    wanted = [body for body in kept if not unwanted(body)]
    if len(wanted) == len(kept):
        return
    lines = (json.dumps({key: body, "crc32": _crc(body)}, ensure_ascii=False) + "\n" for body in wanted)
    write_whole(path, "".join(lines).encode())


def _crc(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
