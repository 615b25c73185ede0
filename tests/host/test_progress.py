"""Long work is seen on a terminal and nowhere else; the last line of stdout is the same JSON object in both cases."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from terminal import Said, run_on_terminal, run_without

from recorder import session
from recorder.clock import ClockEra
from recorder.host.console import progress
from recorder.schema import Channel, SampleBlock, StreamInfo
from recorder.session import SessionHeader

ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)
WAVE = StreamInfo("adc.wave", "adc", "waveform", (Channel("adc0", "V", 0.001),), "int32", 100.0, "abp_wave")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions") / "s"
    writer = session.create(folder, SessionHeader("s", "bed1", ERA.wall_ns), ERA)
    writer.add_stream(WAVE)
    counts = np.arange(100, dtype=np.int32)[:, None]
    writer.write_block(SampleBlock("adc.wave", 0, counts, ERA.monotonic_ns))
    writer.commit()
    writer.close("test")
    return folder


def last_line(said: Said) -> dict[str, object]:
    assert said.code == 0, said.seen
    value: dict[str, object] = json.loads(said.out.splitlines()[-1])
    return value


@pytest.mark.parametrize(("command", "shown"), [("verify", "checking"), ("recover", "recovering")])
def test_a_check_is_seen_on_a_terminal_alone(recorded: Path, command: str, shown: str) -> None:
    words = ["recorder.cli", command, str(recorded), "--json"]
    watched, unwatched = run_on_terminal(words), run_without(words)
    assert shown in watched.seen
    n_segments = len(list((recorded / "segments").glob("*.parquet")))
    assert re.search(rf"\b{n_segments} segments, \d+\.\d MB checked", watched.seen)
    assert unwatched.seen == ""
    assert watched.out == unwatched.out
    assert last_line(watched)["ok"] is True


def test_a_failure_is_told_after_the_progress_is_gone(tmp_path: Path) -> None:
    said = run_on_terminal(["recorder.cli", "verify", str(tmp_path / "none")])
    assert said.code == 1
    _, _, left = said.seen.rpartition("\x1b[2K")  # erases the line it stands in
    assert left.startswith("recorder: ") and "none: no session" in left and "checking" not in left


@pytest.mark.slow
def test_crashes_are_counted_as_they_happen() -> None:
    words = ["hemoview", "bench", "crash", "--kills", "1", "--power-cuts", "1", "--flips", "2", "--json"]
    watched = run_on_terminal(words)
    for figure in ("kills 1", "power cuts 1", "flips 2", "torn files 1"):
        assert figure in watched.seen
    assert last_line(watched)["kills"] == 1


@pytest.mark.slow
def test_beds_are_counted_and_their_seconds() -> None:
    watched = run_on_terminal(["hemoview", "bench", "ingest", "--beds", "2", "--seconds", "3", "--json"])
    for figure in ("starting bed 2 of 2", "1 of 3 s", "counting what is on disk"):
        assert figure in watched.seen
    assert last_line(watched)["beds"] == 2


def test_what_is_said_without_a_terminal_goes_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("waiting", 2.0) as tell:
        tell(1.0, "half of it")
    assert capsys.readouterr() == ("", "")
