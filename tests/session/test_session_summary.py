"""``summary.bin`` is a cache: with it, without it, with a damaged one, a session reads the same."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_session import ERA, STREAMS, NewWriter, header, write_second

from recorder import session
from recorder.clock.envelope import _lower_hull
from recorder.session.files import sha256
from recorder.session.footers import footer_of, read_footer, read_proven_footer, text_in
from recorder.session.points import ClockPoints, least_delayed, thin_points
from recorder.session.sealer import seal
from recorder.session.summary import SUMMARY_FILE
from recorder.session.verify import verify


def write_minutes(writer: session.SessionWriter, minutes: int) -> None:
    for second in range(60 * minutes):
        write_second(writer, second)
        if second % 60 == 59:
            writer.commit()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = session.create(tmp_path_factory.mktemp("summary") / "s", header("s"), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    write_minutes(writer, 3)
    writer.close("test")
    return writer.folder


@pytest.fixture
def sealed(made: Path, tmp_path: Path) -> Path:
    """A copy with its times: a summary is not believed of files younger than itself."""
    return Path(shutil.copytree(made, tmp_path / "s"))


def _picture(folder: Path) -> dict[str, object]:
    with session.open(folder) as found:
        streams = {
            f"{name} {n}": found.overview(name, 0.0, found.duration_s, n)
            for name in found.streams
            for n in (4, 7, 200)
        }
        events = [event.to_json() for event in found.events()]
        gaps = {name: found.gaps(name) for name in found.streams}
        ends = {name: found.read(name).time_s.sum() for name in found.streams}
        return {
            "events": events,
            "gaps": gaps,
            "ends": ends,
            **{n: [v.t_s.tolist(), v.low.tolist(), v.high.tolist()] for n, v in streams.items()},
            "damaged": found.damaged,
        }


def test_a_closed_session_has_one_and_reads_the_same_without_it(sealed: Path) -> None:
    assert (sealed / SUMMARY_FILE).stat().st_mode & 0o077 == 0
    with_it = _picture(sealed)
    (sealed / SUMMARY_FILE).unlink()
    without = _picture(sealed)
    assert repr(with_it) == repr(without)  # repr: NaN is NaN
    assert verify(sealed).ok


@pytest.mark.parametrize("where", [0, 30, 200, -1])
def test_a_damaged_one_is_not_believed(sealed: Path, where: int) -> None:
    sound = _picture(sealed)
    content = bytearray((sealed / SUMMARY_FILE).read_bytes())
    content[where] ^= 0x40
    (sealed / SUMMARY_FILE).write_bytes(bytes(content))
    assert repr(_picture(sealed)) == repr(sound)
    report = verify(sealed)
    assert report.ok
    assert any(note.startswith(SUMMARY_FILE) for note in report.notes)
    (sealed / SUMMARY_FILE).write_bytes(b"")
    assert repr(_picture(sealed)) == repr(sound)


def test_a_file_touched_later_speaks_for_itself(sealed: Path) -> None:
    """A footer that was damaged after the session was closed is named at opening, as without a summary."""
    victim = next(p for p in sorted((sealed / "segments").iterdir()) if "wave" in p.name or "bvp" in p.name)
    content = bytearray(victim.read_bytes())
    content[-20] ^= 0x01
    victim.write_bytes(bytes(content))
    after_ns = (sealed / SUMMARY_FILE).stat().st_mtime_ns + 1_000_000_000
    os.utime(victim, ns=(after_ns, after_ns))
    damaged = _picture(sealed)["damaged"]
    assert [name for name, _ in damaged] == [f"segments/{victim.name}"]  # type: ignore[attr-defined]


def test_each_file_touched_alone_speaks_for_itself_among_those_that_are_known(
    new_writer: NewWriter,
) -> None:
    """What is known of files that follow each other is taken at once, unless one of them is not known any more."""
    writer = new_writer("long")
    for minute in range(4):
        for second in range(60 * minute, 60 * minute + 60):
            write_second(writer, second)
        writer.commit()
        seal(writer.folder, upto_commit=1 << 40)
    writer.close("test")
    sound = repr(_picture(writer.folder))
    files = sorted((writer.folder / "segments").iterdir())
    assert len(files) > 3 * len(STREAMS)
    for file in files:
        before = file.stat()
        os.utime(file)
        assert repr(_picture(writer.folder)) == sound
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (writer.folder / SUMMARY_FILE).unlink()
    assert repr(_picture(writer.folder)) == sound


def test_it_tells_of_no_other_session(sealed: Path, new_writer: NewWriter) -> None:
    """Put beside the files of another session it is passed over: it knows files by their hash."""
    writer = new_writer("other")
    write_minutes(writer, 2)
    writer.close("test")
    sound = _picture(writer.folder)
    (writer.folder / SUMMARY_FILE).write_bytes((sealed / SUMMARY_FILE).read_bytes())
    assert repr(_picture(writer.folder)) == repr(sound)


def test_it_says_nothing_but_what_the_files_say(sealed: Path) -> None:
    """No manifest knows it, so what proves a session is the same with it and without."""
    manifest = sha256((sealed / "manifest.json").read_bytes())
    (sealed / SUMMARY_FILE).unlink()
    assert sha256((sealed / "manifest.json").read_bytes()) == manifest
    assert SUMMARY_FILE not in (sealed / "manifest.json").read_text()


numbers = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(-50, 50)), max_size=60)


@given(numbers)
def test_thinning_keeps_the_least_delayed_point_of_every_five_seconds(
    parts: list[tuple[int, int, int]],
) -> None:
    era = np.array(sorted(e for e, _, _ in parts), np.int64)
    seconds = np.array([t for _, t, _ in parts], np.int64)
    late_ms = np.array([d for _, _, d in parts], np.int64)
    number = np.arange(len(parts), dtype=np.int64) * 64
    points = ClockPoints(number, np.full(len(parts), 64), seconds * 10**9 + late_ms * 10**6, era)
    delay = points.t_host_ns - ((number + 63) * (1e9 / 64)).astype(np.int64)
    best: dict[tuple[int, int], int] = {}
    for place, (e, t) in enumerate(zip(era, points.t_host_ns // 5_000_000_000, strict=True)):
        if (e, t) not in best or delay[place] < delay[best[e, t]]:
            best[e, t] = place
    assert thin_points(points, 64.0).sample_no.tolist() == number[sorted(best.values())].tolist()


@given(numbers, st.sets(st.integers(1, 59)), st.booleans())
def test_stretches_are_thinned_at_once_as_one_by_one(
    parts: list[tuple[int, int, int]], cuts: set[int], ordered: bool
) -> None:
    """Slots come back where an era begins anew, or where blocks lie out of order."""
    if not parts:
        return
    eras, seconds, late_ms = (np.array(column, np.int64) for column in zip(*parts, strict=True))
    if ordered:
        seconds = np.sort(seconds)
    number = np.arange(len(parts), dtype=np.int64) * 64
    points = ClockPoints(number, np.full(len(parts), 64), seconds * 10**9 + late_ms * 10**6, eras)
    inner = sorted(cut for cut in cuts if cut < len(parts))
    alone = [thin_points(points.where(slice(*ends)), 64.0) for ends in pairwise([0, *inner, len(parts)])]
    found = points.where(least_delayed(points, 64.0, cuts=inner))
    assert found.sample_no.tolist() == [number for part in alone for number in part.sample_no.tolist()]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 20)), min_size=1, max_size=80))
def test_the_lower_hull_lies_under_every_point_and_is_convex(points: list[tuple[int, int]]) -> None:
    points = sorted(points)
    x, y = (np.array(part, float) for part in zip(*points, strict=True))
    hull_x, hull_y = _lower_hull(x, y)
    assert (np.diff(hull_x) > 0).all()
    assert (np.diff(np.diff(hull_y) / np.diff(hull_x)) > 0).all()
    assert (np.interp(x, hull_x, hull_y) <= y + 1e-9).all()
    assert {*zip(hull_x, hull_y, strict=True)} <= {*zip(x, y, strict=True)}


def test_a_proven_footer_says_what_a_parquet_reader_reads(sealed: Path) -> None:
    for path in sorted((sealed / "segments").iterdir()):
        footer = footer_of(path.read_bytes())
        assert text_in(footer, "about") is not None
        assert repr(read_proven_footer(footer)) == repr(read_footer(footer))


def test_a_session_without_one_that_holds_gets_it_and_reads_the_same(sealed: Path) -> None:
    whole, picture = (sealed / SUMMARY_FILE).read_bytes(), repr(_picture(sealed))  # NaN is NaN
    with session.open(sealed) as found:
        assert not found.summarise()
    (sealed / SUMMARY_FILE).unlink()
    with session.open(sealed) as found:
        assert found.summarise()
    assert (sealed / SUMMARY_FILE).read_bytes() == whole and repr(_picture(sealed)) == picture
    for path in (sealed / "segments").iterdir():
        os.utime(path)  # a copy made without its times
    with session.open(sealed) as found:
        assert found.summarise()
    with session.open(sealed) as found:
        assert not found.summarise()
    assert session.verify(sealed).ok and repr(_picture(sealed)) == picture


def test_none_is_written_of_a_damaged_an_open_or_an_erased_session(
    sealed: Path, new_writer: NewWriter
) -> None:
    (sealed / SUMMARY_FILE).unlink()
    found = session.open(sealed)
    session.erase(sealed, why="a test")
    assert not found.summarise()
    found.close()
    assert not (sealed / SUMMARY_FILE).exists()
    writer = new_writer("live")
    write_second(writer, 0)
    writer.commit()
    with session.open(writer.folder) as live:
        assert not live.summarise()
    assert not (writer.folder / SUMMARY_FILE).exists()
