"""The journal's thread: nothing dropped, disk failures end a session in order and by name."""

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scripted import wave_stream

from recorder import session
from recorder.acquire.journal import Journal
from recorder.clock import Clock, begin_era
from recorder.errors import SessionError, StorageError
from recorder.schema import Event, SampleBlock
from recorder.session import SessionHeader, SessionWriter

CLOCK = Clock()


def block(first: int, n: int = 100) -> SampleBlock:
    values = np.arange(first, first + n, dtype=np.int32).reshape(-1, 1)
    return SampleBlock("adc.wave", first, values, CLOCK.monotonic_ns())


class Bench:
    """A journal on a real session; ``disk`` makes its writer fail or stall."""

    def __init__(self, folder: Path, limit_bytes: int = 1 << 28) -> None:
        self.folder = folder
        self.failures: list[StorageError] = []
        self.released = 0
        self.full = False
        self.stalled = threading.Event()
        self.stalled.set()
        self.journal = Journal(self.make, self.release, self.failures.append, limit_bytes)

    def make(self) -> SessionWriter:
        header = SessionHeader("id", "bed1", CLOCK.wall_ns())
        writer = session.create(self.folder, header, begin_era(CLOCK))
        commit = writer.commit

        def checked_commit() -> Mapping[str, int]:
            self.stalled.wait(20)
            if self.full:
                raise StorageError("disk: full; make room", advice="disk-full")
            return commit()

        writer.commit = checked_commit  # type: ignore[method-assign]
        return writer

    def release(self) -> None:
        self.released += 1
        self.full = False  # the reserve's room is back

    def rows(self) -> list[int]:
        with session.open(self.folder) as stored:
            return stored.read("adc.wave").raw[:, 0].tolist()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "s")


def ended(journal: Journal) -> None:
    assert journal.wait_ended(30)


def test_everything_put_is_on_disk_when_it_ends(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    for n in range(50):
        bench.journal.put(block(n * 100))
    bench.journal.put(Event("e", "marker", 0, 0, 0, {"label": "x"}))
    bench.journal.end("done")
    ended(bench.journal)
    assert bench.rows() == list(range(5000))
    assert bench.journal.on_disk == {"adc.wave": 5000} and bench.journal.sealed
    assert bench.journal.waiting == 0 and bench.journal.waiting_bytes == 0 and not bench.failures
    assert bench.journal.commit_p99_ms is not None


def test_on_disk_rises_without_being_asked(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    bench.journal.put(block(0))
    deadline = threading.Event()
    for _ in range(100):
        if bench.journal.on_disk.get("adc.wave") == 100:
            break
        deadline.wait(0.05)
    assert bench.journal.on_disk["adc.wave"] == 100
    bench.journal.end("done")
    ended(bench.journal)


def test_a_session_that_cannot_be_made_is_said_so_at_once(tmp_path: Path) -> None:
    first = Bench(tmp_path / "s")
    first.journal.start()
    second = Bench(tmp_path / "s")
    with pytest.raises(SessionError, match="holds a session already"):
        second.journal.start()
    first.journal.end("done")
    ended(first.journal)


def test_a_full_disk_ends_the_session_in_order_with_all_that_was_queued(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    bench.full = True
    for n in range(10):
        bench.journal.put(block(n * 100))
    ended(bench.journal)
    assert bench.released == 1
    assert [str(f) for f in bench.failures] == ["disk: full; make room"]
    assert bench.failures[0].advice == "disk-full" and bench.journal.sealed
    assert bench.rows() == list(range(1000))
    with session.open(bench.folder) as stored:
        assert stored.state == "sealed"


def test_a_stalled_disk_grows_the_queue_to_its_limit_and_is_then_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "s", limit_bytes=20_000)
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    bench.stalled.clear()
    taken = 0
    with pytest.raises(StorageError, match="has not kept up") as caught:
        for n in range(1000):
            bench.journal.put(block(n * 100))
            taken += 100
    assert caught.value.advice == "disk-stalled" and taken >= 2000
    bench.stalled.set()  # the disk is back: what was taken is kept
    ended(bench.journal)
    assert bench.rows() == list(range(taken))
    assert bench.failures == [caught.value]


def test_a_fault_inside_the_store_ends_the_session_by_name_and_keeps_the_rest(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    bench.journal.put(block(0))
    bench.journal.put(SampleBlock("never.declared", 0, np.zeros((1, 1), np.int32), 0))
    bench.journal.put(block(100))
    ended(bench.journal)
    assert len(bench.failures) == 1 and "failed inside (ValueError)" in str(bench.failures[0])
    assert bench.rows() == list(range(200))


def test_an_abandoned_session_is_committed_and_left_open(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.put(wave_stream("adc"))
    bench.journal.put(block(0))
    bench.journal.abandon()
    with session.open(bench.folder) as stored:
        assert stored.state == "open" and stored.rows("adc.wave") == 100
    writer = session.resume(bench.folder, CLOCK)
    assert writer.rows_on_disk == {"adc.wave": 100}
    writer.close("done")
