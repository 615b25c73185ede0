"""Stops a seal, or the end of a session, before every system call and every SQL statement of it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from recorder.session import journal as journals
from recorder.session.journal import Journal
from recorder.session.sealer import seal
from recorder.session.writer import finish

ALL = 1 << 40
_CALLS = ("open", "replace", "fsync", "unlink")
PATIENCE_S = 30.0


def seal_and_finish(folder: Path) -> None:
    """What closing a session does, in this process."""
    seal(folder, ALL)
    journal = Journal.open(folder)
    try:
        finish(folder, journal, "s", "done")
    finally:
        journal.close()


@contextmanager
def before_each_step(stop: Callable[[bool], None]) -> Iterator[list[str]]:
    """Calls ``stop(in_transaction)`` before each step this thread takes; yields their names as they come.

    What ``stop`` does itself is not stopped. It must not raise: SQLite swallows that.
    """
    taken: list[str] = []
    mine, busy = threading.get_ident(), [False]
    connections: list[sqlite3.Connection] = []

    def step(name: str) -> None:
        if threading.get_ident() == mine and not busy[0]:
            taken.append(name)
            busy[0] = True
            try:
                stop(any(map(_in_transaction, connections)))
            finally:
                busy[0] = False

    def stepped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            step(f"{name} {args[0] if name != 'fsync' else ''}")
            return call(*args, **kwargs)

        return wrapped

    def connect(path: Path, mode: str) -> sqlite3.Connection:
        db = real_connect(path, mode)
        if threading.get_ident() == mine and not busy[0]:
            db.set_trace_callback(step)
            connections.append(db)
        return db

    real_connect = journals.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "connect", connect)
        for name in _CALLS:
            patch.setattr(os, name, stepped(name, getattr(os, name)))
        try:
            yield taken
        finally:
            for db in connections:
                with suppress(sqlite3.ProgrammingError):  # closed meanwhile
                    db.set_trace_callback(None)


def _in_transaction(db: sqlite3.Connection) -> bool:
    try:
        return db.in_transaction
    except sqlite3.ProgrammingError:  # closed meanwhile
        return False


class Paced:
    """Work in another thread that takes one step each time it is told to."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.steps: list[str] = []
        self.failure: BaseException | None = None
        self._work = work
        self._may_go, self._waits = threading.Semaphore(0), threading.Semaphore(0)
        self._free = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._await()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def advance(self, steps: int) -> None:
        """Let it take so many steps, and return when it stands before the next or has ended."""
        for _ in range(steps):
            if self.running:
                self._may_go.release()
                self._await()

    def end(self) -> None:
        """Let it run to its end; raises what it raised."""
        self._free = True
        self._may_go.release()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def _await(self) -> None:
        while not self._waits.acquire(timeout=0.05):
            if not self.running:
                return

    def _stop(self, _in_transaction: bool) -> None:
        if not self._free:
            self._waits.release()
            self._may_go.acquire(timeout=PATIENCE_S)

    def _run(self) -> None:
        try:
            with before_each_step(self._stop) as self.steps:
                self._work()
        except BaseException as error:  # noqa: BLE001 - told to who waits for the end
            self.failure = error
