"""Files that survive a power cut: owner-only, written whole or not at all, checked when read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder.errors import RecorderError, SessionDamaged, SessionGone, StorageError
from recorder.private_folder import FOLDER_MODE, make_private

FILE_MODE = 0o600
ADVICE = "; run recorder recover"
"""How a complaint about a damaged file ends at the command line."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_SQLITE_FULL = sqlite3.SQLITE_FULL
_SQLITE_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


def make_folder(folder: Path, *, parents: bool = True) -> None:
    """Create an owner-only folder (0700) whose name survives a power cut.

    Args:
        folder: which; one that is there is taken.
        parents: False inside a session: one that was moved at this moment must not come back as an empty folder.
    """
    if parents:
        make_private(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders; NTFS journals its names by itself
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, content: bytes) -> None:
    """Write ``path`` so that after any crash it holds either the old or the new content.

    .tmp → fsync → rename → fsync of the folder; owner-only (0600). The .tmp is one for all, so that a crash leaves no
    heap of them: two who write the same path at once need a lock, or :func:`write_new`.
    """
    tmp = path.with_name(path.name + ".tmp")
    write_synced(tmp, content)
    tmp.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all; False where another was first.

    Any number of threads and processes may try at once: each has a temporary file of its own, and linking it to the
    name fails for all but one. A file system without links (exFAT) keeps it whole but has no such referee.
    """
    mine = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        write_synced(mine, content)
        named = give_name(mine, path)
    finally:
        mine.unlink(missing_ok=True)
    sync_folder(path.parent)
    return named


def give_name(made: Path, path: Path) -> bool:
    """Move a file to a name that nothing has; False, and it stays, where something has it.

    Of any number who want a name at once one gets it, where the file system has links; ``rename`` would write over.
    """
    try:
        os.link(made, path)
    except FileExistsError:
        return False
    except OSError:
        if path.exists():
            return False
        made.replace(path)
        return True
    made.unlink()
    return True


def write_synced(path: Path, content: bytes) -> None:
    """Write and fsync an owner-only file."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def why_of(error: Exception, path: Path | None = None) -> str:
    """What is wrong, without the path it begins with and the advice it ends with: who asks knows both better."""
    words = str(error).removesuffix(ADVICE)
    return words if path is None else words.removeprefix(f"{path}: ")


def sha256(content: bytes) -> str:
    """Hex SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()


def sign_json(value: dict[str, Any]) -> bytes:
    """JSON text of ``value`` with a ``sha256`` of itself, so that no changed byte goes unseen."""
    body = {k: v for k, v in value.items() if k != "sha256"}
    signed = {**body, "sha256": sha256(_canonical(body))}
    return (json.dumps(signed, indent=1, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """Inverse of :func:`sign_json` without the check of the hash; see :func:`is_signed`.

    Raises:
        SessionDamaged: not JSON.
        SessionGone: the file was there a moment ago.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise gone(path.parent) from None
    except (ValueError, RecursionError) as error:
        raise SessionDamaged(f"{path}: not readable, cut or overwritten{ADVICE}") from error
    if not isinstance(value, dict):
        raise SessionDamaged(f"{path}: not readable, something else is in it{ADVICE}")
    return value


def gone(folder: Path) -> SessionGone:
    """For what was in a session folder a moment ago."""
    return SessionGone(f"{folder}: was moved or erased at this very moment; look where it is now")


def is_signed(value: dict[str, Any]) -> bool:
    """Whether ``value`` still has the hash it was written with."""
    body = {k: v for k, v in value.items() if k != "sha256"}
    return value.get("sha256") == sha256(_canonical(body))


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@contextlib.contextmanager
def storage_errors(folder: Path, doing: str, *, whole: bool = False) -> Iterator[None]:
    """Turn what the disk or SQLite refuses into one line: who, what, what to do.

    Args:
        folder: whose disk.
        doing: as in "sealing".
        whole: what is made will be there whole or not at all, so nothing was committed before.

    Raises:
        StorageError: full, read-only or failing disk.
        SessionDamaged: the journal is no longer a database.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _from_sqlite(error, folder, doing, whole=whole) from error
    except OSError as error:
        if isinstance(error, RecorderError):
            raise
        raise _from_os(error, folder, doing, whole=whole) from error


def _from_os(error: OSError, folder: Path, doing: str, *, whole: bool) -> StorageError:
    if error.errno in _FULL:
        return _full(folder, doing, whole=whole)
    if error.errno in _REFUSED:
        return _refused(folder, doing)
    if error.errno == errno.ENOENT:
        gone = error.filename or folder
        return StorageError(f"{folder}: {doing} failed, {gone} is missing; was it moved or erased meanwhile?")
    return StorageError(
        f"{folder}: {doing} failed ({error.strerror or error}); check the disk. {_kept(whole=whole)}"
    )


def _from_sqlite(error: sqlite3.DatabaseError, folder: Path, doing: str, *, whole: bool) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _SQLITE_FULL or isinstance(error.__context__, OSError):
        return _full(folder, doing, whole=whole)
    if code in _SQLITE_REFUSED:
        return _refused(folder, doing)
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"{folder}: {doing} failed ({error}); the disk may be full or failing: free space or change it. "
            + _kept(whole=whole)
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return SessionDamaged(f"{folder}: live.sqlite is damaged ({error}){ADVICE}")
    return StorageError(f"{folder}: {doing} failed ({error}); check that nothing else uses the session")


def _kept(*, whole: bool) -> str:
    return "Nothing is left of it" if whole else "What was committed before is kept"


def _full(folder: Path, doing: str, *, whole: bool) -> StorageError:
    then = "do it again" if whole else "go on"
    return StorageError(
        f"{folder}: disk full while {doing}; free space, then {then}. {_kept(whole=whole)}",
        advice="disk-full",
    )


def _refused(folder: Path, doing: str) -> StorageError:
    return StorageError(
        f"{folder}: not writable while {doing}; choose a folder you may write to, on a local disk",
        advice="disk-read-only",
    )
