"""``derived/``: numbers somebody computed from a sealed session, kept so that minutes of computing are spent once.

Caches, and nothing else: no manifest and no hash of the session knows them, they are never verified, synchronised or
exported, may be deleted at any time, and go with the folder when a session is erased. Each carries the key it was
computed for, over the recording and over whatever computed it; under another key, cut or changed, it is not there.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecorderError
from recorder.session.files import make_folder, sha256, write_whole
from recorder.session.header import TOMBSTONE_FILE
from recorder.session.identity import recording_hash

DERIVED_FOLDER: Final = "derived"
_MAGIC: Final = b"HemoView derived 1 "
_DEFLATE: Final = 1
_NAME: Final = re.compile(r"[a-z][a-z0-9.-]{0,80}")
_KINDS: Final = frozenset("bfiu")

Arrays = dict[str, NDArray[Any]]


def key_of(folder: Path, facts: Mapping[str, Any]) -> str | None:
    """Key of what is computed from a recording by what ``facts`` (plain JSON) name; None where it still grows or
    cannot be trusted: then nothing is kept.
    """
    try:
        told = {"recording": recording_hash(folder), **facts}
    except (RecorderError, OSError):
        return None
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read(folder: Path, name: str, key: str) -> Arrays | None:
    """What was kept under a name for this key; None where there is nothing that can be believed."""
    try:
        content = _path(folder, name).read_bytes()
        digest, body = content[len(_MAGIC) : len(_MAGIC) + 64], content[len(_MAGIC) + 65 :]
        if content[: len(_MAGIC)] != _MAGIC or sha256(body).encode() != digest:
            return None
        end = 8 + int.from_bytes(body[:8], "little")
        head = json.loads(body[8:end])
        return _arrays(head["arrays"], zlib.decompress(body[end:])) if head["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None


def write(folder: Path, name: str, key: str, arrays: Arrays) -> bool:
    """Keep arrays of numbers under a name, whole or not at all; a disk that refuses keeps none, and no harm.

    Returns:
        Whether they are kept: not in a session that was erased meanwhile.
    """
    path = _path(folder, name)
    kept = {k: np.ascontiguousarray(v) for k, v in arrays.items()}
    told = [{"name": k, "dtype": v.dtype.str, "shape": v.shape} for k, v in kept.items()]
    if any(v.dtype.kind not in _KINDS for v in kept.values()):
        raise ValueError(f"{name}: only numbers are kept")
    head = json.dumps({"key": key, "arrays": told}).encode()
    numbers = zlib.compress(b"".join(v.tobytes() for v in kept.values()), _DEFLATE)
    body = len(head).to_bytes(8, "little") + head + numbers
    stone = folder / TOMBSTONE_FILE
    try:
        if stone.exists():
            return False
        make_folder(path.parent, parents=False)
        write_whole(path, _MAGIC + sha256(body).encode() + b"\n" + body)
        if stone.exists():  # erased at this moment
            forget(folder)
            return False
    except OSError:
        return False
    return True


def forget(folder: Path) -> None:
    """Delete what is kept of a session."""
    place = folder / DERIVED_FOLDER
    if place.is_dir():
        for path in place.iterdir():
            path.unlink(missing_ok=True)
        place.rmdir()


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: a derived file is named by small letters, digits, dots and dashes")
    return folder / DERIVED_FOLDER / f"{name}.bin"


def _arrays(told: list[dict[str, Any]], content: bytes) -> Arrays:
    """Inverse of the concatenation.

    Raises:
        ValueError: the sizes do not add up.
    """
    found: Arrays = {}
    at = 0
    for each in told:
        dtype, shape = np.dtype(each["dtype"]), tuple(int(n) for n in each["shape"])
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in _KINDS or at + size > len(content):
            raise ValueError("derived: not what was written")
        found[each["name"]] = np.frombuffer(content[at : at + size], dtype).reshape(shape).copy()
        at += size
    return found
