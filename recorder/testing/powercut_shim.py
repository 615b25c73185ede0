"""Record a recording's writes where nothing can be traced: a shim at Python's file layer, SQLite by what it guarantees.

In one process, sealing included. Before every fsync, rename and removal made through Python, and after every call of
the journal, the folder is compared with what was seen last: changed 4-KiB pages are writes. Of a transaction it is
taken from SQLite's documentation (WAL, ``synchronous=FULL``) that the log is synced before COMMIT returns, and that a
checkpoint syncs the database before the log begins anew. ``strace`` (:mod:`recorder.testing.powercut`) sees more.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recorder import session as sessions
from recorder.session.journal import JOURNAL_FILE, Journal
from recorder.session.sealer import seal
from recorder.session.writer import finish
from recorder.testing import killer_workload as workload
from recorder.testing.powercut import PAGE_BYTES, Op

_JOURNAL_CALLS = ("commit", "put_card", "seal_batches", "seal_clock", "seal_events", "checkpoint")
_SEALED_TOGETHER = (("band.bvp", "_clock"), ("band.acc", "_events"), ("adc.wave",), ("edge.est",))
_WAL_HEADER_BYTES = 32


class Watcher:
    """Turns what changes in a folder into ops."""

    def __init__(self, folder: Path) -> None:
        self.ops: list[Op] = []
        self._folder = folder
        self._seen: dict[Path, bytes] = {}

    def look(self) -> None:
        """Emit what was written since the last look; the journal's files are synced by SQLite."""
        now = {p: p.read_bytes() for p in self._files()}
        db, wal = self._folder / JOURNAL_FILE, self._folder / f"{JOURNAL_FILE}-wal"
        begun_anew = self._seen.get(wal, b"")[:_WAL_HEADER_BYTES] != now.get(wal, b"")[:_WAL_HEADER_BYTES]
        first, second = (db, wal) if begun_anew else (wal, db)
        others = [p for p in now if p not in (db, wal)]
        for path in (first, second, *others):  # the mark is written after SQLite has returned
            if path in now and self._emit(path, now[path]) and path in (db, wal):
                self.ops.append(Op("sync", str(path)))

    def renamed(self, old: Any, new: Any) -> None:
        """``old`` is now called ``new``."""
        if self._folder in Path(new).parents:
            self.ops.append(Op("rename", str(old), target=str(new)))
            self._seen[Path(new)] = self._seen.pop(Path(old))

    def removed(self, path: Any) -> None:
        """``path`` is gone."""
        if self._folder in Path(path).parents:
            self.ops.append(Op("unlink", str(path)))
            self._seen.pop(Path(path), None)

    def synced(self, fd: int) -> None:
        """The file or folder behind ``fd`` was synced."""
        about = os.fstat(fd)
        for path in (self._folder, self._folder / "segments", *self._files()):
            if path.exists() and os.path.samestat(path.stat(), about):
                self.ops.append(Op("sync", str(path)))

    def _files(self) -> list[Path]:
        kept = (p for p in self._folder.rglob("*") if not p.name.endswith(("-shm", ".lock", "-journal")))
        return sorted(p for p in kept if p.is_file())

    def _emit(self, path: Path, content: bytes) -> bool:
        before = self._seen.get(path)
        if before is None:
            self.ops.append(Op("create", str(path)))
            before = b""
        if content == before:
            self._seen[path] = content
            return False
        if len(content) < len(before):
            self.ops.append(Op("truncate", str(path), len(content)))
        for at in range(0, len(content), PAGE_BYTES):
            page = content[at : at + PAGE_BYTES]
            if page != before[at : at + PAGE_BYTES]:
                self.ops.append(Op("write", str(path), at, page))
        self._seen[path] = content
        return True


@contextlib.contextmanager
def interposed(watcher: Watcher) -> Iterator[None]:
    """Let ``watcher`` see every fsync, rename and removal of this process, and every call of a journal."""
    places: list[tuple[Any, str, Callable[..., None]]] = [
        (os, "fsync", watcher.synced),
        (os, "replace", watcher.renamed),
        (os, "unlink", watcher.removed),
    ]
    places += [(Journal, name, lambda *_: watcher.look()) for name in _JOURNAL_CALLS]
    honest = [getattr(owner, name) for owner, name, _ in places]
    for (owner, name, after), call in zip(places, honest, strict=True):
        setattr(owner, name, _around(call, watcher.look, after))
    try:
        yield
    finally:
        for (owner, name, _), call in zip(places, honest, strict=True):
            setattr(owner, name, call)


def _around(call: Any, before: Callable[[], None], after: Callable[..., None]) -> Callable[..., Any]:
    def shim(*given: Any, **more: Any) -> Any:
        before()
        found = call(*given, **more)
        after(*given)
        return found

    return shim


def record(place: Path, *, seconds: float, segment_s: float) -> list[Op]:
    """Record ``seconds`` of host time in ``place/session``, sealed in turns every ``segment_s``, and close it."""
    folder = place / "session"
    watcher = Watcher(folder)
    with interposed(watcher):
        writer = sessions.create(folder, workload.new_header(), workload.ERA)
        for info in workload.STREAMS:
            writer.add_stream(info)
        step_ms = workload.TICK_MS * workload.COMMIT_TICKS
        turns = max(1, round(segment_s * 1000 / step_ms / len(_SEALED_TOGETHER)))
        for number in range(round(seconds * 1000 / step_ms)):
            t0_ms = number * step_ms
            for tick in range(workload.COMMIT_TICKS):
                workload.write_tick(writer, t0_ms + tick * workload.TICK_MS)
            watcher.ops.append(Op("progress", "", data=workload.pack_progress(t0_ms + step_ms, t0_ms)))
            writer.commit()
            watcher.ops.append(
                Op("progress", "", data=workload.pack_progress(t0_ms + step_ms, t0_ms + step_ms))
            )
            if number % turns == turns - 1:
                seal(folder, 1 << 40, _SEALED_TOGETHER[number // turns % len(_SEALED_TOGETHER)])
        seal(folder, 1 << 40)
        writer.abandon()
        journal = Journal.open(folder)
        finish(folder, journal, writer.header.session_id, "done")
    return watcher.ops
