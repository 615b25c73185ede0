"""``annotations/<set>.jsonl``: labels, append-only, one line a deed with its CRC32. What was written stays as it was.

What the lines amount to is in :mod:`recorder.session.annotated`. A line that a power cut tore is lost alone: the next
one begins on a line of its own, and :func:`read` names the torn one.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError, SessionError
from recorder.schema.labelling import Deed
from recorder.session.files import FILE_MODE, make_folder, storage_errors, sync_folder
from recorder.session.header import refuse_erased
from recorder.session.lock import WRITER_LOCK, FolderLock

ANNOTATION_FOLDER: Final = "annotations"
DEFAULT_SET: Final = "labels"
_SUFFIX: Final = ".jsonl"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
_canonical: Final = json.JSONEncoder(sort_keys=True).encode
_WAIT_S: Final = 1.0
"""Longer than any other window's line; a recorder holds the lock as long as it records."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A piece of a label set.

    Args:
        deeds: whole lines in the order they were written.
        wrong: what is wrong with each other line, by its number in the piece.
        end_byte: where the piece ends: behind its last finished line.
    """

    deeds: tuple[Deed, ...]
    wrong: tuple[str, ...]
    end_byte: int


def path_of(folder: Path, name: str) -> Path:
    """Where a label set lies.

    Raises:
        ConfigError: no name for a file.
    """
    if not _NAME.match(name):
        raise ConfigError(
            f"label set {name!r}: use 1 to 40 small letters, digits, '-' or '_', beginning with a letter or digit"
        )
    return folder / ANNOTATION_FOLDER / f"{name}{_SUFFIX}"


def sets_of(folder: Path) -> tuple[str, ...]:
    """Names of the label sets of a session, in order."""
    place = folder / ANNOTATION_FOLDER
    found = place.iterdir() if place.is_dir() else ()
    return tuple(sorted(p.stem for p in found if p.suffix == _SUFFIX and _NAME.match(p.stem)))


def read(folder: Path, name: str = DEFAULT_SET, from_byte: int = 0) -> Lines:
    """A label set, or what was added to it since an earlier piece ended; nothing where there is none.

    Raises:
        ConfigError: no name for a file.
        SessionError: the set is shorter than it was.
        StorageError: it cannot be read.
    """
    path = path_of(folder, name)
    with storage_errors(folder, f"reading label set {name}"):
        if not path.is_file():
            content, size = b"", 0
        else:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(from_byte)
                content = file.read()
    if size < from_byte:
        raise SessionError(
            f"{folder.name}: label set {name} is shorter than it was; it was put back from elsewhere: open the "
            "session again"
        )
    return _lines(content, from_byte)


def append(folder: Path, name: str, deeds: Sequence[Deed], from_byte: int = 0) -> Lines:
    """Add lines; they are on disk when this returns, all of them or none.

    Whoever else writes the session waits or is refused: lines of two windows lie one after the other. The answer is
    read back from the file: what others added since ``from_byte``, and then these.

    Args:
        folder: session folder.
        name: of the label set; made with its first line.
        deeds: at least one.
        from_byte: end of what the caller has read already.

    Raises:
        ConfigError: no name for a file, or nothing to write.
        SessionError: no session here, erased, or being recorded; ``session-in-use`` says which.
        StorageError: the disk refused; then nothing was added.
    """
    path = path_of(folder, name)
    if not deeds:
        raise ConfigError(f"label set {name}: nothing to write")
    refuse_erased(folder)
    try:
        lock = FolderLock(folder, WRITER_LOCK, wait_s=_WAIT_S)
    except SessionError as error:
        if error.advice != "session-in-use":
            raise
        raise SessionError(
            f"{folder.name}: is being recorded, so it can be looked at but not labelled; label it after Stop",
            advice="session-in-use",
        ) from None
    with lock, storage_errors(folder, f"writing label set {name}"):
        refuse_erased(folder)
        if not path.is_file():
            _begin(path)
        _write(path, b"".join(_line(deed) for deed in deeds))
        return read(folder, name, from_byte)


def _begin(path: Path) -> None:
    """An empty file whose name survives a power cut."""
    if not path.parent.is_dir():
        make_folder(path.parent, parents=False)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE))
    sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    """Whole lines at the end of a file, or nothing; an unfinished one left by a power cut is ended first."""
    fd = os.open(path, os.O_RDWR)
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        if size:
            os.lseek(fd, size - 1, os.SEEK_SET)
            if os.read(fd, 1) != b"\n":
                content = b"\n" + content
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, size)
            raise
    finally:
        os.close(fd)


def _line(deed: Deed) -> bytes:
    body = deed.to_json()
    return (json.dumps({"annotation": body, "crc32": _crc(body)}, ensure_ascii=False) + "\n").encode()


def _lines(content: bytes, from_byte: int) -> Lines:
    whole: list[Deed] = []
    wrong: list[str] = []
    *finished, rest = content.split(b"\n")
    for number, line in enumerate(finished, 1):
        if line:
            found = _parse(line)
            if found is None:
                wrong.append(f"line {number}: damaged or unfinished")
            else:
                whole.append(found)
    if rest:
        wrong.append(f"line {len(finished) + 1}: unfinished")
    return Lines(tuple(whole), tuple(wrong), from_byte + len(content) - len(rest))


def _parse(line: bytes) -> Deed | None:
    try:
        value = json.loads(line)
        if value["crc32"] != _crc(value["annotation"]):
            return None
        return Deed.from_json(value["annotation"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _crc(body: dict[str, Any]) -> int:
    return zlib.crc32(_canonical(body).encode())
