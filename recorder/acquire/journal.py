"""The lossless side: one thread owns the session's writer, drains its queue and commits every 0.8 s.

Nothing is dropped. If the disk stalls, the queue grows up to a stated limit, with a warning on the way; beyond it
the session ends cleanly and by name, with everything that was queued.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recorder.clock import ClockEra
from recorder.errors import RecorderError, SessionError, StorageError
from recorder.schema import Amendment, DeviceInfo, Event, SampleBlock, StreamInfo

if TYPE_CHECKING:
    from recorder.session import SessionWriter

COMMIT_EVERY_S: Final = 0.8
"""Real seconds. With the commit itself (p99 8 ms measured, 200 ms on a busy disk) a kill costs at most 1 s."""
QUEUE_WARN_BYTES: Final = 32 << 20
QUEUE_LIMIT_BYTES: Final = 256 << 20
"""About 10 h of an E4 with a 1 kHz wave; the process must stay far from being killed for memory."""
ITEM_BYTES: Final = 300
"""What an item costs beside its arrays."""
SIZE_EVERY_S: Final = 5.0
UNFINISHED: Final = "unfinished"
"""End reason of a session that another recorder will go on with: committed, not sealed."""

log = logging.getLogger(__name__)

Item = SampleBlock | Event | StreamInfo | DeviceInfo | Amendment | ClockEra


class Journal:
    """One session's queue and thread.

    Args:
        make_writer: creates or resumes the session; called in the journal's thread, which owns the writer.
        before_closing: called when the disk refuses: gives the reserve file's room back, and nothing more comes.
        on_failure: told once, from the journal's thread, why the session had to end. Devices go on.
        limit_bytes: most that may wait for the disk.
    """

    def __init__(
        self,
        make_writer: Callable[[], SessionWriter],
        before_closing: Callable[[], None],
        on_failure: Callable[[StorageError], None],
        limit_bytes: int = QUEUE_LIMIT_BYTES,
    ) -> None:
        self.on_disk: Mapping[str, int] = {}
        self.bytes_on_disk = 0
        self.failure: StorageError | None = None
        self.seal_trouble = ""
        """Why the newest seal that failed did, for the screens."""
        self.sealed = False
        """The session was closed and needs no recorder any more."""
        self._make_writer, self._before_closing, self._on_failure = make_writer, before_closing, on_failure
        self._limit = limit_bytes
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._put_bytes = self._taken_bytes = 0
        self._commits_ms: deque[float] = deque(maxlen=600)
        self._size_due = 0.0
        self._wake, self._began, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._end_reason: str | None = None
        self._start_error: BaseException | None = None
        self._writer: SessionWriter | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    # ---- asked from other threads

    def start(self) -> SessionWriter:
        """Create the session and begin.

        Raises:
            RecorderError: it could not be created.
        """
        self._thread.start()
        self._began.wait()
        if self._start_error is not None:
            raise self._start_error
        assert self._writer is not None
        return self._writer

    def put(self, item: Item) -> None:
        """Queue for the disk; never waits. Called under the hub's lock.

        Raises:
            StorageError: the disk has not kept up for so long that the limit is reached; the item is refused.
        """
        if self._put_bytes - self._taken_bytes > self._limit:
            error = StorageError(
                f"disk of {self._folder_name()}: it has not kept up and {self._limit >> 20} MiB wait; "
                "the session ends here, use a faster disk",
                advice="disk-stalled",
            )
            self.end("disk stalled", error)
            raise error
        self._put_bytes += _weight(item)
        self._queue.put(item)

    @property
    def waiting(self) -> int:
        """Items not yet handed to the writer."""
        return self._queue.qsize()

    @property
    def waiting_bytes(self) -> int:
        """Their size in memory."""
        return max(0, self._put_bytes - self._taken_bytes)

    @property
    def commit_p99_ms(self) -> float | None:
        """Of the newest 600 commits."""
        newest = sorted(self._commits_ms.copy())
        return newest[int(0.99 * (len(newest) - 1))] if newest else None

    def end(self, reason: str, failure: StorageError | None = None) -> None:
        """Ask for the end: what is queued is written, then the session is sealed."""
        self.failure = self.failure or failure
        self._end_reason = self._end_reason or reason
        self._wake.set()

    def wait_ended(self, timeout_s: float) -> bool:
        """Whether the session is closed within ``timeout_s``."""
        return self._ended.wait(timeout_s)

    def abandon(self) -> None:
        """The process ends but the session goes on later: commit what is queued, seal nothing."""
        self._end_reason = self._end_reason or UNFINISHED
        self._wake.set()
        self._ended.wait(5)

    # ---- the thread

    def _run(self) -> None:
        try:
            self._writer = self._make_writer()
            self.on_disk = dict(self._writer.rows_on_disk)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in start()
            self._start_error = error
            self._ended.set()
            self._began.set()
            return
        self._began.set()
        try:
            self._record(self._writer)
        finally:
            self._ended.set()

    def _record(self, writer: SessionWriter) -> None:
        try:
            while self._end_reason is None:
                self._wake.wait(COMMIT_EVERY_S)
                self._store(writer)
                self._maintain(writer)
            self._store(writer)
            if self._end_reason == UNFINISHED:
                writer.abandon()
            else:
                writer.close(self._end_reason)
            self.sealed = self._end_reason != UNFINISHED
        except Exception as error:
            log.exception("the journal of a session failed")
            self.failure = self.failure or _as_storage_error(error, writer.folder)
            self._save_what_can_be(writer)
        if self.failure is not None:
            self._on_failure(self.failure)

    def _store(self, writer: SessionWriter) -> None:
        """Everything queued, then one commit."""
        self._drain(writer)
        began = time.perf_counter()
        self.on_disk = dict(writer.commit())
        now = time.perf_counter()
        self._commits_ms.append((now - began) * 1e3)
        if now >= self._size_due:
            self.bytes_on_disk, self._size_due = writer.bytes_on_disk(), now + SIZE_EVERY_S

    def _maintain(self, writer: SessionWriter) -> None:
        """A seal that fails loses nothing, its rows stay in the journal; it is shown and tried again."""
        try:
            writer.maintain()
        except StorageError as error:
            log.warning("sealing was put off: %s", type(error).__name__)
            self.seal_trouble = str(error)

    def _drain(self, writer: SessionWriter) -> None:
        write: dict[type, Callable[[Any], None]] = {
            SampleBlock: writer.write_block,
            Event: writer.write_event,
            StreamInfo: writer.add_stream,
            DeviceInfo: writer.add_device,
            Amendment: writer.amend,
            ClockEra: writer.begin_era,
        }
        for _ in range(self._queue.qsize()):
            item = self._queue.get_nowait()
            write[type(item)](item)
            self._taken_bytes += _weight(item)

    def _save_what_can_be(self, writer: SessionWriter) -> None:
        """The disk refused: with the reserve's room back, write what is queued and close in order."""
        self._before_closing()
        try:
            self._store(writer)
        except (RecorderError, OSError, ValueError):
            log.exception("what was queued could not be stored")
        try:
            writer.close(str(self.failure))
            self.sealed = True
        except (RecorderError, OSError, ValueError):
            log.exception("the session stays unsealed; recorder recover mends it")

    def _folder_name(self) -> str:
        return str(self._writer.folder) if self._writer else "the session"


def _weight(item: Item) -> int:
    if not isinstance(item, SampleBlock):
        return ITEM_BYTES
    times = [a.nbytes for a in (item.device_time_us, item.row_t_host_ns) if a is not None]
    return ITEM_BYTES + int(item.values.nbytes) + sum(times)


def _as_storage_error(error: Exception, folder: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, (OSError, SessionError)):
        return StorageError(f"session {folder.name}: {error}; the session ends here, check the disk")
    return StorageError(
        f"session {folder.name}: the store failed inside ({type(error).__name__}); the session ends here, see the log",
        advice="recorder-fault",
    )
