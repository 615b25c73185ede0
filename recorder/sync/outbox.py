"""What is known about each session at each service: last receipt, what was sent and not answered, trouble.

One owner-only SQLite file in the home folder, WAL with synchronous=FULL: a revision stands here before it is sent, so
that a kill at any moment is followed by the same request again and never by another one under the same number.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

from recorder.errors import StorageError
from recorder.session.files import FILE_MODE, make_folder, storage_errors
from recorder.sync import wire
from recorder.sync.canonical import as_bytes, read_json
from recorder.sync.fields import Body

OUTBOX_FILE: Final = "outbox.sqlite"
_VERSION: Final = 1
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A session at a service.

    Args:
        server_id, session_id: which.
        folder: where it lies here.
        opened: the service has it.
        rev, manifest_sha256: of the last revision under a verified receipt; 0 and empty = none.
        manifest: that revision; None where it is not ours to know (the outbox was lost, and the service told us).
        receipt: the service's.
        pending: signed and perhaps sent; no receipt has come.
        waiting, total, bytes_waiting: files without a receipt, of all that travel.
        last_success_us: UTC µs of the last receipt, our clock.
        failures: in a row.
        error: the last one, in words.
        stays: why it stays at home (:data:`plan.STAYS`).
    """

    server_id: str
    session_id: str
    folder: str = ""
    opened: bool = False
    rev: int = 0
    manifest_sha256: str = ""
    manifest: wire.Manifest | None = None
    receipt: wire.SignedReceipt | None = None
    pending: wire.SignedManifest | None = None
    waiting: int = 0
    total: int = 0
    bytes_waiting: int = 0
    last_success_us: int | None = None
    failures: int = 0
    error: str = ""
    stays: str = ""


_BODIES: Final[dict[str, type[Body]]] = {
    "manifest": wire.Manifest,
    "receipt": wire.SignedReceipt,
    "pending": wire.SignedManifest,
}
_NAMES: Final = tuple(f.name for f in fields(Entry))
_LIGHT: Final = tuple(n for n in _NAMES if n not in _BODIES)


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch to WAL. While somebody else does the same, SQLite refuses at once, whatever time it was given to wait."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


class Outbox:
    """Any thread; several processes.

    Args:
        folder: made where it is missing, owner-only.

    Raises:
        StorageError: it cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / OUTBOX_FILE
        with storage_errors(folder, "opening the outbox"):
            make_folder(folder)
            self._db = sqlite3.connect(
                path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            path.chmod(FILE_MODE)
            _use_wal(self._db)
            self._db.execute("PRAGMA synchronous=FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise StorageError(f"{path}: written by a newer HemoView; update this one")
            columns = ", ".join(f'"{name}"' for name in _NAMES)
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS entry ({columns}, PRIMARY KEY (server_id, session_id))"
            )
            self._db.execute(f"PRAGMA user_version={_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def get(self, server_id: str, session_id: str) -> Entry:
        """What is known; a fresh entry where nothing is."""
        with self._errors():
            row = self._db.execute(
                f"SELECT {_list(_NAMES)} FROM entry WHERE server_id=? AND session_id=?",
                (server_id, session_id),
            ).fetchone()
        return _made(_NAMES, row) if row else Entry(server_id, session_id)

    def put(self, entry: Entry) -> Entry:
        """Keep it; on disk when this returns."""
        values = [_plain(getattr(entry, name)) for name in _NAMES]
        with self._errors():
            self._db.execute(
                f"INSERT OR REPLACE INTO entry ({_list(_NAMES)}) VALUES ({', '.join('?' * len(values))})",
                values,
            )
        return entry

    def forget(self, session_id: str) -> None:
        """At every service: the session was erased here."""
        with self._errors():
            self._db.execute("DELETE FROM entry WHERE session_id=?", (session_id,))

    def entries(self, server_id: str) -> list[Entry]:
        """All of one service, without the bodies."""
        with self._errors():
            rows = self._db.execute(
                f"SELECT {_list(_LIGHT)} FROM entry WHERE server_id=? ORDER BY folder", (server_id,)
            ).fetchall()
        return [_made(_LIGHT, row) for row in rows]

    def queue(self, server_id: str) -> wire.Queue:
        """What waits for one service, sessions that stay at home left out."""
        going = [e for e in self.entries(server_id) if not e.stays]
        succeeded = [e.last_success_us for e in going if e.last_success_us is not None]
        return wire.Queue(
            sum(e.waiting for e in going),
            sum(e.total for e in going),
            sum(e.bytes_waiting for e in going),
            max(succeeded, default=None),
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        with storage_errors(self.folder, "keeping the outbox"):
            yield


def held_at(folder: Path, session_id: str) -> list[str]:
    """Services under whose receipt a session lies; none where nothing was ever synchronised. Opens nothing anew."""
    path = folder / OUTBOX_FILE
    if not path.is_file():
        return []
    with storage_errors(folder, "reading the outbox"):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            rows = database.execute(
                "SELECT server_id FROM entry WHERE session_id=? AND rev>0 ORDER BY server_id", (session_id,)
            ).fetchall()
        finally:
            database.close()
    return [str(server_id) for (server_id,) in rows]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _plain(value: object) -> object:
    return as_bytes(value).decode() if isinstance(value, Body) else value


def _made(names: tuple[str, ...], row: tuple[object, ...]) -> Entry:
    values = dict(zip(names, row, strict=True))
    for name, body in _BODIES.items():
        text = values.get(name)
        if text is not None:
            values[name] = body.from_json(read_json(str(text).encode()))
    values["opened"] = bool(values["opened"])
    return Entry(**values)  # type: ignore[arg-type]
