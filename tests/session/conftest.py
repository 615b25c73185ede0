"""Fixtures of the session store's tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_session import ERA, STREAMS, NewWriter, header, record, write_second

from recorder import session as sessions
from recorder.schema import Amendment, Event
from recorder.session import SessionWriter, create
from recorder.session.sealer import seal


@pytest.fixture
def new_writer(tmp_path: Path) -> NewWriter:
    """Makes a session with the usual streams; ``segment_s`` short enough that ``maintain`` seals."""

    def make(name: str = "s", *, segment_s: float = 600.0) -> SessionWriter:
        writer = create(tmp_path / name, header(name), ERA, segment_s=segment_s)
        for info in STREAMS:
            writer.add_stream(info)
        return writer

    return make


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``killed``: 12 s, 8 of them sealed, the rest in the log of a dead recorder. ``sealed``: 8 s, closed."""
    place = tmp_path_factory.mktemp("recorded")
    writer = sessions.create(place / "live", header("killed"), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    for second in range(12):
        t_ns = ERA.monotonic_ns + second * 10**9
        write_second(writer, second)
        writer.write_event(Event(f"m{second}", "marker", t_ns, 0, 0, {"label": "x"}))
        writer.commit()
        if second == 7:
            seal(writer.folder, upto_commit=1 << 40)
    shutil.copytree(writer.folder, place / "killed")
    (place / "killed" / "live.sqlite-shm").unlink()
    writer.abandon()
    writer = sessions.create(place / "sealed", header("sealed"), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(8))
    writer.amend(Amendment("subject.pseudonym", "A", "B", "op", "typed wrong", ERA.wall_ns))
    writer.close("done")
    return place


@pytest.fixture
def killed(recorded: Path, tmp_path: Path) -> Path:
    shutil.copytree(recorded / "killed", tmp_path / "killed")
    return tmp_path / "killed"


@pytest.fixture
def sealed(recorded: Path, tmp_path: Path) -> Path:
    shutil.copytree(recorded / "sealed", tmp_path / "sealed")
    return tmp_path / "sealed"
