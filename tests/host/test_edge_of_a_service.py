"""A board whose service manager runs the edge process, and a window on it: one edge process, nobody's restarts."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bedside_rig import Rig, wait_for

from recorder import session
from recorder.host import lock, places, processes
from recorder.host.processes import EdgeNote

UNIT = places.resources_dir() / "systemd" / "hemoview-edge@.service"


@contextmanager
def edge_of_the_unit(station: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that the unit's own ``ExecStart`` makes, and only when it holds the station."""
    line = next(text for text in UNIT.read_text().splitlines() if text.startswith("ExecStart="))
    program, *words = shlex.split(line.removeprefix("ExecStart=").replace("%i", station))
    assert Path(program).name == "hemoview"
    environment = {**os.environ, places.HOME_ENV: str(home)}
    edge = subprocess.Popen(
        [sys.executable, "-m", "hemoview", *words], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: lock.edge_holder(station, home) == edge.pid, "the unit's edge holds the station", 30)
        yield edge
    finally:
        edge.terminate()
        edge.wait(60)


def refusals(home: Path, station: str) -> int:
    """How often an edge process was started in vain."""
    path = home / "logs" / f"edge-{station}.out"
    return path.read_text().count("another edge process") if path.exists() else 0


@pytest.mark.slow
def test_a_window_uses_the_edge_of_the_service_and_starts_none(tmp_path: Path) -> None:
    with Rig(tmp_path, adc=None) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        with edge_of_the_unit("bed1", tmp_path) as edge:
            assert processes.ensure_edge("bed1", tmp_path, clock=rig.clock) == edge.pid
            assert processes.ensure_edge("bed1", tmp_path, extra=("--show-simulated",)) == edge.pid
            assert EdgeNote.read("bed1", tmp_path) == EdgeNote(0, wanted=False)
            rig.start()
            wait_for(lambda: _estimates(rig) > 4, "estimates of the session", 40)
            processes.stop_edge("bed1", tmp_path)  # what the last window does when it closes
            assert edge.poll() is None
            before = _estimates(rig)
            wait_for(lambda: _estimates(rig) > before + 1, "the service's estimates go on")
            folder = rig.stop()
        assert refusals(tmp_path, "bed1") == 0
    with session.open(folder) as stored:
        rows = stored.read("edge.est")
    assert (np.diff(rows.sample_no) == 1).all()
    assert (np.diff(rows.time_s) > 0.5).all(), "two edge processes would write every second twice"


def _estimates(rig: Rig) -> int:
    return next((s.received for s in rig.status().streams if s.stream_id == "edge.est"), 0)


@pytest.mark.slow
def test_where_both_started_at_once_the_one_refused_is_not_started_again(tmp_path: Path) -> None:
    """The window was quicker with its note, the service with the lock: the recorder's keeper leaves it at that."""
    with Rig(tmp_path, adc=None) as rig:
        rig.up()
        with edge_of_the_unit("bed1", tmp_path) as edge:
            gone = subprocess.Popen([sys.executable, "-c", ""])
            gone.wait(30)
            note = EdgeNote(gone.pid, wanted=True)
            note.write("bed1", tmp_path)
            time.sleep(2.5)  # a dead edge process is started again after 1 s
            assert EdgeNote.read("bed1", tmp_path) == note
            assert lock.edge_holder("bed1", tmp_path) == edge.pid
            assert refusals(tmp_path, "bed1") == 0
        again = wait_for(
            lambda: (pid := EdgeNote.read("bed1", tmp_path).pid) != note.pid and pid,
            "the service is gone: the recorder starts the edge that is still wanted",
            15,
        )
        wait_for(lambda: lock.edge_holder("bed1", tmp_path) == again, "it holds the station", 30)
