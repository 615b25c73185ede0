"""``hemoview align``: from stored samples to a stored version, by the command's own fields."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from two_devices import person, write

from hemoview.cli import main
from hemoview.labels import alignment as alignments
from hemoview.labels.align.command import RUNNING, sentence
from hemoview.labels.align.session import hours_off
from recorder import session as sessions
from recorder.devices.sim.physiology import SimRecording

SECONDS = 200.0


@pytest.fixture(scope="module")
def wearer() -> SimRecording:
    return person(SECONDS, seed=3, rsa_per_min=5.0)


def align(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    status = main(["align", *words, "--json"])
    return status, json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_a_session_is_aligned_nudged_and_undone(
    tmp_path: Path, wearer: SimRecording, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "s", wearer, wearer, wrist_late_s=2.0)
    status, found = align(capsys, str(folder))
    assert status == 0 and found["locked"] and found["version"] == 1 and found["method"] == "beats"
    assert found["offset_s"] == pytest.approx(2.03, abs=0.05)
    assert found["residual_ms"] < 10 and found["matched_fraction"] > 0.9
    assert {"rivals", "runner_up", "chance_nats_max"} <= found["evidence"].keys()

    status, moved = align(
        capsys, str(folder), "--nudge-ms", "-20", "--why", "seen on video", "--operator", "OP1"
    )
    assert status == 0 and moved["offset_s"] == pytest.approx(found["offset_s"] - 0.02)
    assert moved["method"] == "beats+nudge"
    newest = alignments.current(folder)
    assert newest is not None and (newest.made_by, newest.why, newest.version) == ("OP1", "seen on video", 2)

    status, back = align(capsys, str(folder), "--undo")
    assert status == 0 and back["offset_s"] == found["offset_s"] and back["version"] == 3
    assert align(capsys, str(folder), "--show")[1]["version"] == 3
    assert align(capsys, str(folder), "--undo")[1]["locked"] is False
    assert alignments.current(folder) is None
    assert len(alignments.history(folder)) == 3
    assert sessions.verify(folder).ok


def test_another_heart_is_refused_by_name_and_stored(
    tmp_path: Path, wearer: SimRecording, capsys: pytest.CaptureFixture[str]
) -> None:
    other = person(300.0, seed=9, hr_per_min=70.0)
    folder = write(tmp_path / "s", person(300.0, seed=3), other)
    status = main(["align", str(folder)])
    said = capsys.readouterr()
    assert status == 1 and "not the same heart" in said.err and "Traceback" not in said.err
    assert "look for the right files" in said.err
    stored = alignments.current(folder)
    assert stored is not None and not stored.locked and stored.refused_because == "not-the-same-heart"


def test_too_short_is_unsynchronised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = person(30.0)
    status, found = align(capsys, str(write(tmp_path / "s", short, short)))
    assert status == 1 and found["refused_because"] == "too-few-beats" and found["offset_s"] is None
    assert "unsynchronised" in found["message"] and "two minutes of good beats in both" in found["message"]


@pytest.mark.parametrize(
    ("because", "said"), [("no-pulse", "the wristband's files"), ("no-reference", "the monitor's files")]
)
def test_a_device_that_is_not_there_is_asked_for(because: str, said: str) -> None:
    refused = alignments.refused(because)
    assert said in sentence("s", refused) and "--join" in sentence("s", refused)
    assert sentence("s", refused, RUNNING).endswith(RUNNING), "what still comes goes first"


def test_a_session_that_has_not_ended_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "s", person(30.0), person(30.0))
    assert RUNNING not in align(capsys, str(folder))[1]["message"]
    monkeypatch.setattr(sessions.Session, "state", "open")
    assert align(capsys, str(folder))[1]["message"].endswith(RUNNING)


def test_taps_on_both_sensors_are_kept_as_evidence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tapped = person(SECONDS, seed=3, rsa_per_min=5.0)
    for tap_s in (50.0, 50.6, 51.3):
        tapped.acc_g[round(tap_s * 32), 2] += 1.5
        at = round(tap_s * 100)
        tapped.abp_mmhg[at : at + 3] += 30.0
    status, found = align(capsys, str(write(tmp_path / "s", tapped, tapped, wrist_late_s=2.0)))
    assert status == 0
    assert [e["kind"] for e in found["evidence"]["events"]] == ["taps"]
    assert found["evidence"]["absolute_offset_s"] == pytest.approx(2.0, abs=0.05)
    assert abs(found["evidence"]["lag_ms"]) < 100


def test_what_cannot_be_done_is_said(
    tmp_path: Path, wearer: SimRecording, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "s", wearer, wearer)
    for words, says in (
        (["--undo"], "no alignment that could be undone"),
        (["--nudge-ms", "5"], "needs --why"),
        (["--nudge-ms", "5", "--why", "x"], "not aligned"),
    ):
        status, found = align(capsys, str(folder), *words)
        assert status == 1 and says in found["error"]
    assert align(capsys, str(folder), "--show") == (
        1,
        {"ok": False, "locked": False, "version": None, "message": "s: is not aligned"},
    )
    assert align(capsys, str(tmp_path))[0] == 1
    assert not (folder / "alignments").exists()


def test_whole_and_half_hours_are_named() -> None:
    assert [hours_off(s) for s in (3.0, 3601.2, -1805.0, 7000.0, 900.0)] == [None, 1.0, -0.5, 2.0, None]
    assert not np.isnan(hours_off(3600.0) or np.nan)
