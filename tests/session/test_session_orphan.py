"""A sealer at work, also one whose recorder was killed: readers, a new recorder and ``recover`` beside it.

At every step of a seal a reader sees every committed sample exactly once, and a recorder that goes on begins there.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sealing_steps import ALL, Paced, before_each_step, seal_and_finish
from small_session import ERA, STREAMS, NewWriter, record, write_second

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import SessionError
from recorder.schema import Event
from recorder.session import lock as locks
from recorder.session import stored as looks
from recorder.session.journal import BUSY_TIMEOUT_S, connect
from recorder.session.lock import WRITER_LOCK, FolderLock, sealer_lock
from recorder.session.sealer import seal

RATES = {info.stream_id: int(info.nominal_rate_hz or 1) for info in STREAMS}
LOOKS = ("read_manifest", "read_mark", "read_snapshot", "card_from_anywhere", "read_card")
"""What a reader reads, one after the other; between any two of them a sealer may have gone on."""

HOLDER = """
import sys
from pathlib import Path
from recorder.session.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
print(journal.snapshot().commit_no, flush=True)
sys.stdin.read()
"""

ASKER = """
import sys
from pathlib import Path
from recorder.session.lock import FolderLock
FolderLock(Path(sys.argv[1]))
"""


def killed(new_writer: NewWriter, seconds: int = 3, name: str = "s") -> Path:
    """A session whose recorder is gone; a marker and a commit each second."""
    writer = new_writer(name)
    for second in range(seconds):
        at = ERA.monotonic_ns + second * 10**9
        writer.write_event(Event(f"m{second}", "marker", at, ERA.wall_ns, 0, {"label": "x"}))
        record(writer, range(second, second + 1))
    writer.abandon()
    return writer.folder


def faults_of(folder: Path, seconds: int, *, markers: int | None = None) -> list[str]:
    """What a reader finds missing, doubled or damaged of a session of whole seconds."""
    found = []
    with sessions.open(folder) as session:
        found += [f"{file}: {why}" for file, why in session.damaged]
        for stream_id, rate in RATES.items():
            stream = session.read(stream_id)
            if not np.array_equal(stream.sample_no, np.arange(seconds * rate)):
                found.append(f"{stream_id}: {len(stream)} rows")
            if session.rows(stream_id) != seconds * rate or not np.isfinite(stream.time_s).all():
                found.append(f"{stream_id}: {session.rows(stream_id)} rows counted")
        ids = [event.event_id for event in session.events("marker")]
        wanted = [f"m{n}" for n in range(seconds if markers is None else markers)]
        if ids != wanted:
            found.append(f"markers {ids}")
    return found


@pytest.mark.parametrize("work", [lambda folder: seal(folder, ALL), seal_and_finish], ids=["seal", "finish"])
def test_at_every_step_a_reader_sees_every_committed_sample_once(
    new_writer: NewWriter, work: Callable[[Path], object]
) -> None:
    folder = killed(new_writer)
    seal(folder, 1, ["e4.bvp", "_clock"])  # one seal has been before, of other commits
    wrong: list[str] = []

    def look(_in_transaction: bool) -> None:
        wrong.extend(f"before {steps[-1]}: {fault}" for fault in faults_of(folder, 3))
        report = sessions.verify(folder)
        wrong.extend(f"before {steps[-1]}: verify says {damage}" for damage in report.damaged)

    with before_each_step(look) as steps:
        work(folder)
    assert wrong == []
    assert len(steps) > 60
    assert faults_of(folder, 3) == []
    assert sessions.verify(folder).ok


PACES = [
    (1, 1, 1, 1, 1),
    *(tuple(12 if n == k else 0 for n in range(len(LOOKS))) for k in range(len(LOOKS))),
    *(tuple(1000 if n == k else 1 for n in range(len(LOOKS))) for k in range(len(LOOKS))),
]


@pytest.mark.slow  # two of these paces wait a minute for each other
@pytest.mark.parametrize("pace", PACES, ids=lambda pace: "-".join(map(str, pace)))
@pytest.mark.parametrize("work", [lambda folder: seal(folder, ALL), seal_and_finish], ids=["seal", "finish"])
def test_a_sealer_that_goes_on_between_two_looks_of_a_reader_doubles_and_hides_nothing(
    new_writer: NewWriter,
    work: Callable[[Path], object],
    pace: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``pace``: how many steps the sealer takes before each look. Were the manifest read last, it would double."""
    folder = killed(new_writer)
    sealer = Paced(lambda: work(folder))
    steps_of = dict(zip(LOOKS, pace, strict=True))
    for name in LOOKS:
        real = getattr(looks, name)

        def looked(*args: object, name: str = name, real: Callable[..., object] = real) -> object:
            sealer.advance(steps_of[name])
            return real(*args)

        monkeypatch.setattr(looks, name, looked)
    wrong, readings = [], 0
    while sealer.running:
        at = sealer.steps[-1]
        wrong += [f"from {at} on: {fault}" for fault in faults_of(folder, 3)]
        readings += 1
    sealer.end()
    assert wrong == []
    assert readings >= 1
    assert faults_of(folder, 3) == []


def test_at_every_step_of_an_orphaned_sealer_a_new_recorder_goes_on_where_a_reader_ends(
    new_writer: NewWriter,
) -> None:
    folder = killed(new_writer)
    wrong: list[str] = []
    seconds = 3

    def go_on(in_transaction: bool) -> None:
        nonlocal seconds
        if in_transaction or not (folder / "live.sqlite").is_file():
            return  # a new recorder's commit waits for the transaction
        writer = sessions.resume(folder, Clock())
        wanted = {name: seconds * rate for name, rate in RATES.items()}
        if dict(writer.next_sample_no) != wanted or dict(writer.rows_on_disk) != wanted:
            wrong.append(f"before {steps[-1]}: goes on at {writer.next_sample_no}")
        record(writer, range(seconds, seconds + 1))
        writer.abandon()
        seconds += 1
        wrong.extend(f"before {steps[-1]}: {fault}" for fault in faults_of(folder, seconds, markers=3))

    with before_each_step(go_on) as steps:
        seal(folder, 3)
    assert wrong == []
    assert seconds > 30
    seal(folder, ALL)
    assert faults_of(folder, seconds, markers=3) == []
    assert sessions.verify(folder).damaged == ()


def test_a_reader_that_stands_still_holds_up_neither_the_sealer_nor_the_recorder(
    new_writer: NewWriter,
) -> None:
    writer = new_writer()
    record(writer, range(3))
    wal = writer.folder / "live.sqlite-wal"
    with contextlib.closing(connect(writer.folder / "live.sqlite", "ro")) as reader:
        reader.execute("BEGIN")
        assert len(reader.execute("SELECT * FROM batch").fetchall()) == 3 * len(STREAMS)
        record(writer, range(3, 4))
        began = time.monotonic()
        seal(writer.folder, ALL)
        record(writer, range(4, 5))
        assert time.monotonic() - began < BUSY_TIMEOUT_S / 2
        assert len(reader.execute("SELECT * FROM batch").fetchall()) == 3 * len(STREAMS)
        assert wal.stat().st_size > 0
    assert faults_of(writer.folder, 5, markers=0) == []
    seal(writer.folder, ALL)
    assert wal.stat().st_size == 0
    writer.abandon()
    assert faults_of(writer.folder, 5, markers=0) == []


def unannounced(new_writer: NewWriter, tmp_path: Path) -> tuple[Path, subprocess.Popen[str]]:
    """A session whose recorder was killed between writing its 4th commit to disk and telling SQLite's other users,
    with an orphan that holds the journal.
    """
    writer = new_writer()
    record(writer, range(3))
    folder = tmp_path / "killed"
    shutil.copytree(writer.folder, folder, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    record(writer, range(3, 4))
    whole = (writer.folder / "live.sqlite-wal").read_bytes()
    writer.abandon()
    orphan = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert orphan.stdout is not None
    assert orphan.stdout.readline() == "3\n"
    known = (folder / "live.sqlite-wal").stat().st_size
    assert whole[:known] == (folder / "live.sqlite-wal").read_bytes()
    assert len(whole) > known
    with (folder / "live.sqlite-wal").open("ab") as wal:
        wal.write(whole[known:])
    return folder, orphan


def end(orphan: subprocess.Popen[str]) -> None:
    orphan.kill()
    orphan.communicate()


def test_a_commit_nobody_was_told_of_may_come_to_light_and_the_new_recorder_goes_on_after_it(
    new_writer: NewWriter, tmp_path: Path
) -> None:
    folder, orphan = unannounced(new_writer, tmp_path)
    try:
        assert faults_of(folder, 3, markers=0) == []  # beside the orphan it is not seen
    finally:
        end(orphan)
    writer = sessions.resume(folder, Clock())
    assert (
        writer.next_sample_no["e4.bvp"] == 4 * 64
    )  # the index was rebuilt: only the writer knows where to go on
    assert faults_of(folder, 4, markers=0) == []
    write_second(writer, 4)
    writer.close("done")
    assert faults_of(folder, 5, markers=0) == []
    assert sessions.verify(folder).ok


def test_a_commit_nobody_was_told_of_is_written_over_by_a_new_recorder_beside_the_orphan(
    new_writer: NewWriter, tmp_path: Path
) -> None:
    folder, orphan = unannounced(new_writer, tmp_path)
    try:
        writer = sessions.resume(folder, Clock())
        assert writer.next_sample_no["e4.bvp"] == 3 * 64
        record(writer, range(3, 4))
    finally:
        end(orphan)
    writer.abandon()
    assert faults_of(folder, 4, markers=0) == []
    with sessions.open(folder) as session:
        assert set(session.read("e4.bvp").era[3 * 64 :].tolist()) == {1}
    assert sessions.recover(folder).ok


def test_a_sealer_that_comes_late_finds_nothing_to_do_and_leaves_nothing(new_writer: NewWriter) -> None:
    for name, over in (("a", sessions.recover), ("b", lambda f: sessions.erase(f, why="mistake"))):
        folder = killed(new_writer, name=name)
        over(folder)
        before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        assert seal(folder, ALL) == ()
        assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_lost_journal_is_no_reason_for_a_sealer_to_be_content(new_writer: NewWriter) -> None:
    folder = killed(new_writer)
    (folder / "live.sqlite").unlink()
    with pytest.raises(OSError, match="sealing"):
        seal(folder, ALL)


def test_who_recovers_or_erases_waits_for_the_sealer(
    new_writer: NewWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = killed(new_writer)
    monkeypatch.setattr(locks, "SEALER_WAIT_S", 0.1)
    with sealer_lock(folder):
        for attempt in (
            lambda: sessions.recover(folder),
            lambda: sessions.erase(folder, why="mistake"),
            lambda: seal(folder, ALL),
        ):
            with pytest.raises(SessionError, match=r"its sealer is still at work after 0\.1 s"):
                attempt()
        assert faults_of(folder, 3) == []
    assert sessions.recover(folder).ok
    assert faults_of(folder, 3) == []


def test_asking_for_a_lock_of_ones_own_does_not_give_it_away(tmp_path: Path) -> None:
    ask = [sys.executable, "-c", ASKER, str(tmp_path)]
    with FolderLock(tmp_path, WRITER_LOCK):
        with pytest.raises(SessionError, match="another process"):
            FolderLock(tmp_path)
        refused = subprocess.run(ask, capture_output=True, text=True, check=False)
        assert "being written by another process" in refused.stderr
    assert subprocess.run(ask, capture_output=True, check=False).returncode == 0
