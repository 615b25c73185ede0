"""``live.sqlite``: what is not sealed yet, one durable transaction a commit, every row with its CRC32.

WAL, ``synchronous=FULL``. ``live.mark`` repeats the number of the last commit outside SQLite: a damaged or missing
write-ahead log looks to SQLite like an earlier end, and only the mark shows that commits are missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.errors import SessionDamaged
from recorder.schema import Event
from recorder.session.files import FILE_MODE
from recorder.session.header import SessionCard
from recorder.session.manifest import SegmentRow
from recorder.session.points import ClockPoints, pack_points, unpack_points

JOURNAL_FILE = "live.sqlite"
MARK_FILE = "live.mark"
JOURNAL_SIZE_LIMIT_BYTES = 8 << 20
BUSY_TIMEOUT_S = 20.0
BATCHES_PER_COMMIT = 1 << 16
"""Batch numbers are commit · this + index, so they never come back after a seal."""

_MARK = struct.Struct("<QI")
TABLES = ("state", "segment", "batch", "clock", "event")

_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE batch (batch_no INTEGER PRIMARY KEY, stream_id TEXT NOT NULL, era INTEGER NOT NULL,
    t0_host_ns INTEGER NOT NULL, t1_host_ns INTEGER NOT NULL, payload BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE clock (commit_no INTEGER PRIMARY KEY, payload BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE event (event_no INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, body TEXT, crc INTEGER NOT NULL);
CREATE TABLE segment (name TEXT PRIMARY KEY, body TEXT NOT NULL, crc INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Batch:
    """The rows one stream got in one commit, as stored. ``payload`` is :func:`rows.pack_rows`."""

    batch_no: int
    stream_id: str
    era: int
    t0_host_ns: int
    t1_host_ns: int
    payload: bytes

    @property
    def crc(self) -> int:
        """CRC32 over every field."""
        head = f"{self.batch_no}|{self.stream_id}|{self.era}|{self.t0_host_ns}|{self.t1_host_ns}|"
        return zlib.crc32(self.payload, zlib.crc32(head.encode()))


@dataclass(frozen=True)
class JournalSnapshot:
    """What one short read transaction saw. ``damaged`` names rows whose CRC differs.

    ``event_count`` counts every event ever stored, sealed ones too.
    """

    commit_no: int
    card: SessionCard | None
    segments: tuple[SegmentRow, ...]
    batches: tuple[Batch, ...]
    clock: tuple[tuple[int, dict[str, ClockPoints]], ...]
    events: tuple[tuple[int, Event], ...]
    event_ids: dict[str, int]
    damaged: tuple[str, ...]


class Journal:
    """A connection to ``live.sqlite``. Not for two threads at once.

    Raises from every method:
        sqlite3.DatabaseError: the caller turns it into StorageError or SessionDamaged with its own context.
    """

    def __init__(self, db: sqlite3.Connection, mark_fd: int | None) -> None:
        self._db = db
        self._mark_fd = mark_fd

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """A new, empty journal, owner-only."""
        path = folder / JOURNAL_FILE
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        journal = cls.open(folder)
        journal._db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
        return journal

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """The journal of ``folder`` for writing; SQLite recovers it by itself after a crash."""
        db = connect(folder / JOURNAL_FILE, "rw")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone does not reach the disk
        db.execute(f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT_BYTES}")
        fd = os.open(folder / MARK_FILE, os.O_RDWR | os.O_CREAT, FILE_MODE)
        return cls(db, fd)

    def close(self) -> None:
        """Give the connection back; safe to call twice."""
        self._db.close()
        if self._mark_fd is not None:
            os.close(self._mark_fd)
            self._mark_fd = None

    def commit(
        self,
        commit_no: int,
        batches: Sequence[Batch],
        points: dict[str, ClockPoints],
        events: Sequence[tuple[int, Event]],
    ) -> None:
        """One durable transaction; returns once it is on disk."""
        with self._transaction():
            self._db.executemany("INSERT INTO batch VALUES (?,?,?,?,?,?,?)", map(_batch_row, batches))
            if points:
                payload = pack_points(points)
                self._db.execute(
                    "INSERT INTO clock VALUES (?,?,?)", (commit_no, payload, _clock_crc(commit_no, payload))
                )
            self._db.executemany("INSERT INTO event VALUES (?,?,?,?)", (_event_row(n, e) for n, e in events))
            self._put_state("commit_no", str(commit_no))
        self._mark(commit_no)

    def put_card(self, card: SessionCard) -> None:
        """Keep a copy of ``session.json``."""
        with self._transaction():
            self._put_state("card", json.dumps(card.to_json()))

    def add_segments(self, rows: Sequence[SegmentRow]) -> None:
        """Take sealed segments into the table without touching what is not sealed (a rebuilt journal)."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO segment VALUES (?,?,?)", map(_segment_row, rows))

    def add_event_ids(self, ids: dict[str, int]) -> None:
        """Remember events that are sealed already, so that none is stored twice (a rebuilt journal)."""
        with self._transaction():
            rows = [(no, event_id, None, _event_crc(no, event_id, None)) for event_id, no in ids.items()]
            self._db.executemany("INSERT OR IGNORE INTO event VALUES (?,?,?,?)", rows)

    def adopt(self, saved: JournalSnapshot) -> None:
        """Take what was saved from a damaged journal, numbers and all."""
        with self._transaction():
            self._db.executemany("INSERT INTO batch VALUES (?,?,?,?,?,?,?)", map(_batch_row, saved.batches))
            for commit_no, points in saved.clock:
                payload = pack_points(points)
                crc = _clock_crc(commit_no, payload)
                self._db.execute("INSERT INTO clock VALUES (?,?,?)", (commit_no, payload, crc))
            self._db.executemany(
                "INSERT INTO event VALUES (?,?,?,?)", (_event_row(n, e) for n, e in saved.events)
            )
            self._put_state("commit_no", str(saved.commit_no))
        self._mark(saved.commit_no)

    def seal_batches(self, rows: Sequence[SegmentRow], batch_numbers: Sequence[int]) -> None:
        """In one transaction: the segments are known, their batches are gone."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO segment VALUES (?,?,?)", map(_segment_row, rows))
            self._db.executemany("DELETE FROM batch WHERE batch_no=?", ((n,) for n in batch_numbers))

    def seal_clock(self, row: SegmentRow, commit_numbers: Sequence[int]) -> None:
        """In one transaction: the segment is known, its clock points are gone."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO segment VALUES (?,?,?)", _segment_row(row))
            self._db.executemany("DELETE FROM clock WHERE commit_no=?", ((n,) for n in commit_numbers))

    def seal_events(self, row: SegmentRow, events: Sequence[tuple[int, Event]]) -> None:
        """In one transaction: the segment is known; of its events only the ids stay, against doubles."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO segment VALUES (?,?,?)", _segment_row(row))
            self._db.executemany(
                "UPDATE event SET body=NULL, crc=? WHERE event_no=?",
                ((_event_crc(no, event.event_id, None), no) for no, event in events),
            )

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and shorten it; leaves it to the next time when readers hold it.

        It waits for nobody: SQLite would wait for the readers with the writer's lock held, and commits with it.
        """
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._db.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_S * 1000)}")

    def snapshot(self) -> JournalSnapshot:
        """Everything in one short read transaction; payloads stay packed."""
        return _snapshot(self._db)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first error is the one to tell
                    self._db.execute("ROLLBACK")
            raise

    def _put_state(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?,?,?)", (key, value, _state_crc(key, value)))

    def _mark(self, commit_no: int) -> None:
        if self._mark_fd is not None:
            os.lseek(self._mark_fd, 0, os.SEEK_SET)
            os.write(self._mark_fd, pack_mark(commit_no))


def pack_mark(commit_no: int) -> bytes:
    """Content of ``live.mark``."""
    return _MARK.pack(commit_no, zlib.crc32(commit_no.to_bytes(8, "little")))


def read_mark(folder: Path) -> int:
    """Number of the last commit known to have returned, 0 where no mark was written yet.

    Raises:
        SessionDamaged: the mark itself was changed.
    """
    path = folder / MARK_FILE
    content = path.read_bytes() if path.is_file() else b""
    if not content.strip(b"\0"):  # a power cut may keep the name and lose the content
        return 0
    commit_no = _MARK.unpack(content)[0] if len(content) == _MARK.size else -1
    if commit_no < 0 or pack_mark(commit_no) != content:
        raise SessionDamaged(f"{path}: changed since it was written")
    return int(commit_no)


def read_snapshot(folder: Path) -> JournalSnapshot:
    """Snapshot of a journal that others may be writing, without changing it.

    Raises:
        sqlite3.DatabaseError: it cannot be read.
    """
    with open_to_read(folder / JOURNAL_FILE) as db:
        return _snapshot(db)


def structure_faults(folder: Path) -> list[str]:
    """What SQLite's own check of pages and indexes finds wrong; empty if nothing.

    Raises:
        sqlite3.DatabaseError: it cannot be read at all.
    """
    with open_to_read(folder / JOURNAL_FILE) as db:
        found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)")]
    return [] if found == ["ok"] else found


@contextlib.contextmanager
def open_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; of a copy where the folder is read-only, because SQLite needs room for its index."""
    db = connect(path, "ro")
    try:
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        else:
            yield db
            return
    finally:
        db.close()
    with tempfile.TemporaryDirectory() as place:
        for name in (path.name, path.name + "-wal"):
            if path.with_name(name).is_file():
                shutil.copyfile(path.with_name(name), Path(place) / name)
        with contextlib.closing(connect(Path(place) / path.name, "rw")) as db:
            yield db


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; ``mode`` ``rw`` or ``ro``. Never creates a file."""
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    db.text_factory = _text
    return db


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")  # a flipped byte fails the row's CRC, not the whole read


def _snapshot(db: sqlite3.Connection) -> JournalSnapshot:
    db.execute("BEGIN")
    try:
        tables = {name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in TABLES}
    finally:
        db.execute("ROLLBACK")
    return snapshot_of_tables(tables)


def snapshot_of_tables(tables: dict[str, list[Any]]) -> JournalSnapshot:
    """The rows whose CRC is right; the others are named in ``damaged``.

    Raises:
        ValueError, KeyError, TypeError: a row with a right CRC makes no sense.
    """
    damaged: list[str] = []
    state = _checked(tables["state"], _state_crc, "state", damaged)
    segments = _checked(tables["segment"], _body_crc, "segment", damaged)
    clock = _checked(tables["clock"], _clock_crc, "clock", damaged)
    events = _checked(tables["event"], _event_crc, "event", damaged)
    values = {row[0]: row[1] for row in state}
    card = SessionCard.from_json(json.loads(values["card"])) if "card" in values else None
    return JournalSnapshot(
        int(values.get("commit_no", "0")),
        card,
        tuple(SegmentRow.from_json(json.loads(row[1])) for row in segments),
        tuple(_checked_batches(tables["batch"], damaged)),
        tuple((row[0], unpack_points(row[1])) for row in clock),
        tuple((row[0], Event.from_json(json.loads(row[2]))) for row in events if row[2] is not None),
        {row[1]: row[0] for row in events},
        tuple(damaged),
    )


def _checked(rows: list[Any], crc_of: Any, table: str, damaged: list[str]) -> list[Any]:
    whole = []
    for row in rows:
        try:
            good = row[-1] == crc_of(*row[:-1])
        except (TypeError, AttributeError, ValueError):  # a flipped type
            good = False
        if good:
            whole.append(row)
        else:
            damaged.append(f"{table} row {row[0]!r}: CRC differs")
    return whole


def _checked_batches(rows: list[Any], damaged: list[str]) -> Iterator[Batch]:
    for row in rows:
        batch = Batch(*row[:-1])
        try:
            good = batch.crc == row[-1]
        except TypeError:
            good = False
        if good:
            yield batch
        else:
            damaged.append(f"batch {row[0]} of {row[1]}: CRC differs")


def _batch_row(b: Batch) -> tuple[Any, ...]:
    return (b.batch_no, b.stream_id, b.era, b.t0_host_ns, b.t1_host_ns, b.payload, b.crc)


def _event_row(number: int, event: Event) -> tuple[Any, ...]:
    body = json.dumps(event.to_json())
    return (number, event.event_id, body, _event_crc(number, event.event_id, body))


def _segment_row(row: SegmentRow) -> tuple[Any, ...]:
    body = json.dumps(row.to_json())
    return (row.name, body, _body_crc(row.name, body))


def _event_crc(number: int, event_id: str, body: str | None) -> int:
    return zlib.crc32(f"{number}|{event_id}|{body}".encode())


def _body_crc(name: str, body: str) -> int:
    return zlib.crc32(f"{name}|{body}".encode())


def _state_crc(key: str, value: str) -> int:
    return zlib.crc32(f"state|{key}|{value}".encode())


def _clock_crc(commit_no: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(f"{commit_no}|".encode()))
