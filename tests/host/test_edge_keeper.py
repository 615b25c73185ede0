"""Without a window the recorder restarts the edge process, as it was started; a closed station starts none."""

import os
import signal
from pathlib import Path

import pytest
from bedside_rig import Rig, wait_for

from recorder.host import platform, processes
from recorder.host.processes import EdgeNote


def test_a_note_of_the_edge_survives_and_a_broken_one_wants_nothing(tmp_path: Path) -> None:
    assert EdgeNote.read("bed1", tmp_path) == EdgeNote(0, wanted=False)
    note = EdgeNote(7, wanted=True, extra=("--show-simulated",), environment={"A": "b"})
    note.write("bed1", tmp_path)
    assert EdgeNote.read("bed1", tmp_path) == note
    path = tmp_path / "stations" / "bed1" / "edge.json"
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("[]")
    assert not EdgeNote.read("bed1", tmp_path).wanted


@pytest.mark.slow
def test_a_killed_edge_is_started_again_by_the_recorder(tmp_path: Path) -> None:
    with Rig(tmp_path, adc=None) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        pid = processes.ensure_edge("bed1", tmp_path, clock=rig.clock, extra=("--show-simulated",))
        assert processes.ensure_edge("bed1", tmp_path, clock=rig.clock) == pid  # one is enough
        streams = lambda: {s["stream_id"] for s in rig.client.call("describe")["streams"]}  # noqa: E731
        wait_for(lambda: "edge.est" in streams(), "the edge has declared its streams", 30)
        os.kill(pid, signal.SIGKILL)
        again = wait_for(
            lambda: (new := EdgeNote.read("bed1", tmp_path).pid) != pid and platform.alive(new) and new,
            "another edge process",
        )
        assert EdgeNote.read("bed1", tmp_path).extra == ("--show-simulated",)
        assert processes.stop_station("bed1", tmp_path)
        wait_for(lambda: not platform.alive(again), "the edge is gone with the station")
