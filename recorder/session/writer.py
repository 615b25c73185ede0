"""Writing a session: blocks and events in, one durable commit at a time; sealing goes on in another process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from recorder.clock import Clock, ClockEra, begin_era
from recorder.errors import SessionDamaged, SessionError, StorageError
from recorder.schema import Amendment, DeviceInfo, Event, SampleBlock, StreamInfo
from recorder.session import amendments
from recorder.session.files import make_folder, storage_errors, sync_folder
from recorder.session.header import SESSION_FILE, SessionCard, SessionHeader, read_card, write_card
from recorder.session.journal import (
    BATCHES_PER_COMMIT,
    JOURNAL_FILE,
    MARK_FILE,
    Batch,
    Journal,
    JournalSnapshot,
)
from recorder.session.lock import FolderLock, sealer_lock
from recorder.session.manifest import (
    CLOCK,
    EVENTS,
    SEGMENT_FOLDER,
    Manifest,
    read_manifest,
    write_manifest,
)
from recorder.session.points import points_of_blocks
from recorder.session.rows import COLUMN_DTYPES, pack_rows, rows_of_blocks, unpack_rows
from recorder.session.schedule import SEGMENT_S, SealSchedule
from recorder.session.sealed import SealedFiles
from recorder.session.sealing import SealerProcess


class SessionWriter:
    """The one writer of an open session. Made by :func:`create` or :func:`resume`; calls may come from any thread,
    one at a time.

    Nothing is on disk before :meth:`commit` returns. After a StorageError what was not committed is still held in
    memory and goes with the next commit.
    """

    def __init__(
        self, folder: Path, card: SessionCard, lock: FolderLock, journal: Journal, segment_s: float
    ) -> None:
        self.folder = folder
        self._card = card
        self._lock = lock
        self._journal = journal
        self._guard = threading.RLock()
        self._streams = {info.stream_id: info for info in card.streams}
        self._rows_on_disk = dict.fromkeys(self._streams, 0)
        self._next_no = dict.fromkeys(self._streams, 0)
        self._event_ids: dict[str, int] = {}
        self._blocks: list[SampleBlock] = []
        self._events: list[tuple[int, Event]] = []
        self._commit_no = 0
        self._schedule = SealSchedule(segment_s)
        self._sealer = SealerProcess(folder)
        self._closed = False

    @property
    def header(self) -> SessionHeader:
        """What was known at Start, with devices added since."""
        return self._card.header

    @property
    def era(self) -> ClockEra:
        """The clock era that runs now."""
        return self._card.eras[-1]

    @property
    def streams(self) -> Mapping[str, StreamInfo]:
        """Streams by id."""
        return MappingProxyType(self._streams)

    @property
    def rows_on_disk(self) -> Mapping[str, int]:
        """Cumulative rows per stream whose commit has returned."""
        return dict(self._rows_on_disk)

    @property
    def next_sample_no(self) -> Mapping[str, int]:
        """Per stream the lowest number its next block may have; a resumed recorder goes on from here."""
        return dict(self._next_no)

    def add_stream(self, info: StreamInfo) -> None:
        """Declare a stream before its first block; known again with the same content it changes nothing.

        Raises:
            ValueError: known with other columns.
            StorageError: session.json cannot be written.
        """
        with self._guard:
            known = self._streams.get(info.stream_id)
            if known == info:
                return
            if known is not None and (known.dtype, known.n_columns) != (info.dtype, info.n_columns):
                raise ValueError(f"stream {info.stream_id} is already recorded with other columns")
            self._save(self._card.with_stream(info))
            self._streams[info.stream_id] = info
            self._rows_on_disk.setdefault(info.stream_id, 0)
            self._next_no.setdefault(info.stream_id, 0)

    def add_device(self, device: DeviceInfo) -> None:
        """Name a device in session.json, or replace what was said of it."""
        with self._guard:
            self._save(self._card.with_device(device))

    def begin_era(self, era: ClockEra) -> None:
        """Further blocks may belong to ``era``; what is pending is committed first.

        Raises:
            ValueError: its number is not the next one.
        """
        with self._guard:
            if era.number != len(self._card.eras):
                raise ValueError(f"clock era {era.number} begun, expected {len(self._card.eras)}")
            self.commit()
            self._save(self._card.with_era(era))
            self._schedule.restart()

    def write_block(self, block: SampleBlock) -> None:
        """Take a block into the next commit.

        Raises:
            ValueError: unknown stream or era, other columns or dtype, or numbers that were used before.
        """
        with self._guard:
            self._refuse_closed()
            self._check(block)
            self._blocks.append(block)
            self._next_no[block.stream_id] = block.next_sample_no

    def write_event(self, event: Event) -> None:
        """Take an event into the next commit; one whose id was stored before is not stored again."""
        with self._guard:
            self._refuse_closed()
            if event.event_id not in self._event_ids:
                number = len(self._event_ids) + 1
                self._event_ids[event.event_id] = number
                self._events.append((number, event))

    def amend(self, amendment: Amendment) -> None:
        """Append a correction; it is on disk when this returns."""
        with self._guard, storage_errors(self.folder, "writing an amendment"):
            amendments.append(self.folder, amendment)

    def commit(self) -> Mapping[str, int]:
        """Put everything pending on disk in one transaction.

        Returns:
            Cumulative rows on disk per stream.

        Raises:
            StorageError: the disk refused; nothing committed before is lost, what is pending is kept for the next try.
        """
        with self._guard:
            self._refuse_closed()
            if self._blocks or self._events:
                self._commit_pending()
            return dict(self._rows_on_disk)

    def maintain(self) -> None:
        """Start or collect the sealer; returns at once. Call it about once a second.

        Raises:
            StorageError: the last seal failed; its rows are still in the journal and it is tried again later.
        """
        with self._guard:
            self._refuse_closed()
            finished = self._sealer.poll()
            if finished is not None:
                self._schedule.sealed(finished.stream_ids, ok=not finished.error)
                if finished.error:
                    raise StorageError(finished.error)
            due = () if self._sealer.running else self._schedule.due()
            if due:
                self._sealer.start(due, upto_commit=self._commit_no)
                self._schedule.started(due)

    def close(self, reason: str) -> None:
        """Commit, seal everything and end the session; the folder then needs no recorder any more.

        Safe to call twice, and after errors: what cannot be sealed now stays in the journal for ``recorder recover``.

        Raises:
            StorageError: the disk refused the last commit or the seal.
        """
        with self._guard:
            if self._closed:
                return
            try:
                self.commit()
                self._sealer.wait()
                self._sealer.start((), upto_commit=self._commit_no)
                finished = self._sealer.wait()
                if finished is None or finished.error:
                    raise StorageError(finished.error if finished else f"{self.folder}: sealer did not start")
                with storage_errors(self.folder, "closing the session"), sealer_lock(self.folder):
                    finish(self.folder, self._journal, self.header.session_id, reason)
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Give back lock and files without sealing, as a crash would; safe to call twice."""
        with self._guard:
            self._closed = True
            self._sealer.wait()
            self._journal.close()
            self._lock.release()

    def bytes_on_disk(self) -> int:
        """Size of the session folder."""
        return sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())

    def restore(self, snapshot: JournalSnapshot) -> None:
        """Count what is on disk already (used by :func:`resume`)."""
        for row in snapshot.segments:
            self._count(row.stream_id, row.rows, row.next_no)
        for batch in snapshot.batches:
            rows = unpack_rows(self._streams[batch.stream_id], batch.payload)
            self._count(batch.stream_id, len(rows), int(rows.sample_no[-1]) + 1)
        self._event_ids = dict(snapshot.event_ids)
        self._commit_no = snapshot.commit_no
        left = {b.stream_id for b in snapshot.batches} | ({CLOCK} if snapshot.clock else set())
        self._schedule.overdue(left | ({EVENTS} if snapshot.events else set()))

    def _count(self, stream_id: str, rows: int, next_no: int) -> None:
        if stream_id in self._streams:
            self._rows_on_disk[stream_id] += rows
            self._next_no[stream_id] = max(self._next_no[stream_id], next_no)

    def _check(self, block: SampleBlock) -> None:
        info = self._streams.get(block.stream_id)
        if info is None:
            raise ValueError(f"block of unknown stream {block.stream_id}; declare it first")
        wanted = COLUMN_DTYPES[info.dtype]
        if block.values.shape[1] != info.n_columns or block.values.dtype != wanted:
            raise ValueError(
                f"block of {info.stream_id}: {block.values.shape[1]} columns of {block.values.dtype}, "
                f"needs {info.n_columns} of {wanted}"
            )
        if block.first_sample_no < self._next_no[info.stream_id]:
            raise ValueError(
                f"block of {info.stream_id} begins at {block.first_sample_no}, "
                f"but {self._next_no[info.stream_id]} comes next"
            )
        if not 0 <= block.era < len(self._card.eras):
            raise ValueError(f"block of {info.stream_id} belongs to unknown clock era {block.era}")

    def _commit_pending(self) -> None:
        commit_no = self._commit_no + 1
        by_stream: dict[str, list[SampleBlock]] = defaultdict(list)
        for block in self._blocks:
            by_stream[block.stream_id].append(block)
        batches: list[Batch] = []
        counts = dict(self._rows_on_disk)
        for stream_id, blocks in by_stream.items():
            for era, group in groupby(blocks, key=lambda b: b.era):
                same = list(group)
                rows = rows_of_blocks(self._streams[stream_id], same)
                number = commit_no * BATCHES_PER_COMMIT + len(batches)
                t0, t1 = same[0].t_host_ns, same[-1].t_host_ns
                batches.append(Batch(number, stream_id, era, t0, t1, pack_rows(rows)))
                counts[stream_id] += len(rows)
        points = {stream_id: points_of_blocks(blocks) for stream_id, blocks in by_stream.items()}
        with storage_errors(self.folder, "committing samples"):
            self._journal.commit(commit_no, batches, points, self._events)
        self._commit_no = commit_no
        self._rows_on_disk = counts
        self._schedule.committed(batches, [e for _, e in self._events])
        self._blocks, self._events = [], []

    def _save(self, card: SessionCard) -> None:
        self._refuse_closed()
        with storage_errors(self.folder, f"writing {SESSION_FILE}"):
            write_card(self.folder, card)
            self._journal.put_card(card)
        self._card = card

    def _refuse_closed(self) -> None:
        if self._closed:
            raise SessionError(f"{self.folder.name}: is closed; start a new session")


def create(
    folder: Path, header: SessionHeader, era: ClockEra, *, segment_s: float = SEGMENT_S
) -> SessionWriter:
    """Begin a session in ``folder``, which must not hold one yet.

    Raises:
        SessionError: there is a session already.
        StorageError: the folder cannot be made or written.
    """
    card = SessionCard(header, (), (era,))
    with storage_errors(folder, "creating the session"):
        if (folder / SESSION_FILE).exists() or (folder / JOURNAL_FILE).exists():
            raise SessionError(f"{folder}: holds a session already; choose another folder")
        make_folder(folder)
        make_folder(folder / SEGMENT_FOLDER)
    lock = FolderLock(folder)
    try:
        with storage_errors(folder, "creating the session"):
            write_card(folder, card)
            write_manifest(folder, Manifest(header.session_id, "open", ()))
            journal = Journal.create(folder)
            journal.put_card(card)
            sync_folder(folder)
    except BaseException:
        lock.release()
        raise
    return SessionWriter(folder, card, lock, journal, segment_s)


def resume(folder: Path, clock: Clock, *, segment_s: float = SEGMENT_S) -> SessionWriter:
    """Go on with a session whose recorder died, in a new clock era (see ``writer.era``).

    A sealer that outlived that recorder works on beside the new one; the new one's own sealers wait for it.

    Where to go on only the writer knows (``next_sample_no``), not a reader that was opened before: a commit that was
    killed after its rows were on disk and before SQLite told other processes of them is seen or not seen, as a whole,
    until somebody has to rebuild SQLite's index – and an orphaned sealer puts that off. No such commit was promised.

    Raises:
        SessionError: it is sealed, or another process writes it.
        SessionDamaged: the journal or session.json is damaged; run ``recorder recover``.
        StorageError: the folder is not writable.
    """
    read_card(folder)
    if not (folder / JOURNAL_FILE).is_file():
        state = read_manifest(folder).state
        why = "was closed" if state == "sealed" else "has lost its journal; run recorder recover"
        raise SessionError(f"{folder.name}: {why}; it cannot be resumed")
    lock = FolderLock(folder)
    journal: Journal | None = None
    try:
        with storage_errors(folder, "resuming the session"):
            # once more: another may have gone on with it, and died, before we had the lock
            card = read_card(folder)
            journal = Journal.open(folder)
            snapshot = journal.snapshot()
        if snapshot.damaged:
            raise SessionDamaged(
                f"{folder}: live.sqlite is damaged ({snapshot.damaged[0]}); run recorder recover"
            )
        writer = SessionWriter(folder, card, lock, journal, segment_s)
        writer.restore(snapshot)
        writer.begin_era(begin_era(clock, len(card.eras), _why_again(card.eras[-1], clock)))
    except BaseException:
        if journal is not None:
            journal.close()
        lock.release()
        raise
    return writer


def finish(folder: Path, journal: Journal, session_id: str, reason: str) -> None:
    """Mark a session whose journal is sealed empty as sealed, and take the journal away. For who holds the sealer's
    lock: a late sealer of a killed recorder must not find half a journal.

    Raises:
        StorageError: something is not sealed yet.
    """
    snapshot = journal.snapshot()
    if snapshot.batches or snapshot.clock or snapshot.events or snapshot.damaged:
        raise StorageError(f"{folder}: not everything is sealed; run recorder recover")
    write_manifest(folder, Manifest(session_id, "sealed", snapshot.segments, reason))
    journal.close()
    for name in (JOURNAL_FILE, JOURNAL_FILE + "-wal", JOURNAL_FILE + "-shm", MARK_FILE):
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
    if snapshot.card is not None:
        SealedFiles(folder).summarise(snapshot.card.streams, snapshot.segments)


def _why_again(last: ClockEra, clock: Clock) -> str:
    now = begin_era(clock)
    return "reboot" if now.boot_id != last.boot_id else "recorder-restart"
