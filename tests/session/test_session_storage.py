"""A full, read-only or shrinking disk: a StorageError that says who, what, what to do, and nothing earlier is lost."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_session import ERA, STREAMS, WAVE, NewWriter, header, record, write_second

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import StorageError
from recorder.schema import SampleBlock
from recorder.session import SessionWriter


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow above ``size`` bytes: how a full disk looks to SQLite and to us."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("may not mount a small file system here (needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def write_until_refused(writer: SessionWriter) -> tuple[int, StorageError]:
    for second in range(10_000):
        first = second * 2000
        block = SampleBlock(
            "adc.wave", first, np.arange(2000, dtype=np.int32)[:, None], ERA.monotonic_ns + second
        )
        writer.write_block(block)
        try:
            writer.commit()
        except StorageError as error:
            return second, error
    raise AssertionError("the disk never filled")


def test_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(new_writer: NewWriter) -> None:
    writer = new_writer()
    with largest_file(200_000):
        second, error = write_until_refused(writer)
        assert second > 3
        assert str(writer.folder) in str(error)
        assert "What was committed before is kept" in str(error)
        assert writer.rows_on_disk["adc.wave"] == second * 2000
        with sessions.open(writer.folder) as session:
            assert len(session.read("adc.wave")) == second * 2000
        with pytest.raises(StorageError):
            writer.commit()
    assert writer.commit()["adc.wave"] == (second + 1) * 2000
    writer.close("done")
    with sessions.open(writer.folder) as session:
        np.testing.assert_array_equal(session.read("adc.wave").sample_no, np.arange((second + 1) * 2000))
    assert sessions.verify(writer.folder).ok


def test_a_full_file_system_keeps_every_commit(small_disk: Path) -> None:
    reserve = small_disk / "reserve"
    reserve.write_bytes(bytes(1_200_000))
    writer = sessions.create(small_disk / "s", header(), ERA)
    writer.add_stream(WAVE)
    second, error = write_until_refused(writer)
    assert "disk full" in str(error)
    assert error.advice == "disk-full"
    reserve.unlink()
    writer.close("disk full")
    with sessions.open(small_disk / "s") as session:
        assert session.state == "sealed"
        assert len(session.read("adc.wave")) == (second + 1) * 2000
    assert sessions.verify(small_disk / "s").ok


def test_a_disk_too_full_to_close_keeps_the_journal_for_recover(small_disk: Path) -> None:
    writer = sessions.create(small_disk / "s", header(), ERA)
    writer.add_stream(WAVE)
    for second in range(5):
        write_second(writer, second, streams=(WAVE,))
    writer.commit()
    blocker = small_disk / "others"
    with contextlib.suppress(OSError), blocker.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(StorageError, match="disk full"):
        writer.close("operator stopped")
    with sessions.open(small_disk / "s") as session:
        assert session.rows("adc.wave") == 500
    blocker.unlink()
    after = sessions.recover(small_disk / "s")
    assert after.ok
    assert after.after is not None
    assert after.after.rows["adc.wave"] == 500


def test_a_disk_that_turned_read_only_is_named(small_disk: Path) -> None:
    writer = sessions.create(small_disk / "s", header(), ERA)
    writer.add_stream(WAVE)
    write_second(writer, 0, streams=(WAVE,))
    writer.commit()
    writer.abandon()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="not writable"):
        sessions.create(small_disk / "t", header("t"), ERA)
    with pytest.raises(StorageError):
        sessions.resume(small_disk / "s", Clock())
    with pytest.raises(StorageError):
        sessions.recover(small_disk / "s")
    with sessions.open(small_disk / "s") as session:
        assert len(session.read("adc.wave")) == 100
    assert sessions.verify(small_disk / "s").ok


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="creating the session"):
        sessions.create(tmp_path / "file" / "s", header(), ERA)


@pytest.mark.skipif(os.name == "nt", reason="POSIX resource limits")
def test_a_seal_that_fails_is_told_and_its_rows_stay(new_writer: NewWriter) -> None:
    writer = new_writer(segment_s=2.0)
    place = writer.folder / "segments"
    record(writer, range(2))
    place.rename(place.with_name("gone"))
    record(writer, range(2, 6))
    writer.maintain()
    writer._sealer._child.wait()  # type: ignore[union-attr]
    with pytest.raises(StorageError, match="sealing failed"):
        writer.maintain()
    place.with_name("gone").rename(place)
    writer.close("done")
    report = sessions.verify(writer.folder)
    assert report.ok
    assert report.rows["adc.wave"] == 600
    assert len(report.rows) == len(STREAMS)
