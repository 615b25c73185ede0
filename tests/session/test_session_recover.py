"""``recover`` saves what is there and names what is not; ``erase`` leaves a tombstone."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from small_session import ERA, files_of, flip

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import ConfigError, SessionDamaged, SessionError
from recorder.session.files import sign_json
from recorder.session.manifest import read_manifest


def test_recover_closes_a_killed_session(killed: Path) -> None:
    (killed / "segments" / "e4.bvp-000000000700.parquet.tmp").write_bytes(b"half a seg")
    report = sessions.recover(killed)
    assert report.ok
    assert report.lost == []
    assert report.set_aside == []
    assert report.removed == ["segments/e4.bvp-000000000700.parquet.tmp"]
    with sessions.open(killed) as session:
        assert session.state == "sealed"
        np.testing.assert_array_equal(session.read("adc.wave").sample_no, np.arange(1200))
        assert [e.event_id for e in session.events("marker")] == [f"m{s}" for s in range(12)]
    again = sessions.recover(killed)
    assert again.ok
    assert again.sealed == []
    json.dumps(again.to_json())


def test_an_orphan_of_an_unfinished_seal_is_sealed_again(killed: Path) -> None:
    twin = killed.with_name("twin")
    shutil.copytree(killed, twin)
    sessions.recover(twin)
    name = "e4.bvp-000000000512.parquet"
    shutil.copy(twin / "segments" / name, killed / "segments" / name)
    noted = sessions.verify(killed)
    assert noted.ok
    assert any(name in note for note in noted.notes)
    report = sessions.recover(killed)
    assert report.ok
    assert name in report.sealed
    assert report.after is not None
    assert report.after.rows["e4.bvp"] == 768


def test_a_destroyed_journal_costs_only_what_was_not_sealed(killed: Path) -> None:
    (killed / "live.sqlite").write_bytes(b"\0" * 20000)
    (killed / "live.sqlite-wal").unlink()
    with sessions.open(killed) as session:
        assert session.state == "damaged"
        assert len(session.read("adc.wave")) == 800
    report = sessions.verify(killed)
    assert files_of(report) == {"live.sqlite"}
    assert report.seconds_lost == pytest.approx(4.0, abs=1.0)
    with pytest.raises(SessionDamaged):
        sessions.resume(killed, Clock())
    after = sessions.recover(killed)
    assert after.ok
    assert "damaged/live.sqlite.1" in after.set_aside
    assert after.after is not None
    assert "live.sqlite" in " ".join(after.after.notes)
    with sessions.open(killed) as session:
        assert len(session.read("adc.wave")) == 800
        assert [e.event_id for e in session.events("marker")] == [f"m{s}" for s in range(8)]


def test_what_is_readable_of_a_damaged_journal_is_saved_with_a_gap_for_the_rest(killed: Path) -> None:
    with sqlite3.connect(killed / "live.sqlite") as db:
        numbers = [n for (n,) in db.execute("SELECT batch_no FROM batch WHERE stream_id='adc.wave'")]
        db.execute("UPDATE batch SET payload = zeroblob(7) WHERE batch_no=?", (sorted(numbers)[1],))
    db.close()
    after = sessions.recover(killed)
    assert after.ok
    with sessions.open(killed) as session:
        assert len(session.read("adc.wave")) == 1100
        assert len(session.read("e4.bvp")) == 768
        (span,) = session.gaps("adc.wave")
        assert (span.cause, span.n_missing, span.first_missing_no) == ("journal-damaged", 100, 900)
        assert (span.t0_s, span.t1_s) == pytest.approx((9.0, 10.3), abs=0.3)
        (told,) = session.events("recovered")
        assert told.payload["gaps"] == 1


def test_a_lost_journal_of_an_open_session_is_told_for_ever(killed: Path) -> None:
    for path in killed.glob("live.*"):
        path.unlink()
    assert files_of(sessions.verify(killed)) == {"live.sqlite"}
    after = sessions.recover(killed)
    assert after.ok
    with sessions.open(killed) as session:
        assert session.events("recovered")[0].payload["lost"][0][0] == "live.sqlite"


@pytest.mark.parametrize("how", ["missing", "flipped"])
def test_the_manifest_can_be_rebuilt(sealed: Path, how: str) -> None:
    path = sealed / "manifest.json"
    before = read_manifest(sealed)
    path.unlink() if how == "missing" else flip(path, 40)
    assert "manifest.json" in files_of(sessions.verify(sealed))
    after = sessions.recover(sealed)
    assert after.ok
    assert set(read_manifest(sealed).segments) == set(before.segments)
    assert after.lost[0][1].endswith("written anew from the segments")
    assert "run recorder recover" not in json.dumps(after.to_json())


@pytest.mark.parametrize("how", ["missing", "flipped"])
def test_without_a_manifest_the_segments_speak_for_themselves(sealed: Path, how: str) -> None:
    path = sealed / "manifest.json"
    path.unlink() if how == "missing" else flip(path, 40)
    torn = sealed / "segments" / "e4.acc-000000000000.parquet"
    torn.write_bytes(torn.read_bytes()[:-30])
    with sessions.open(sealed) as session:
        assert {file for file, _ in session.damaged} == {
            "manifest.json",
            "segments/e4.acc-000000000000.parquet",
        }
        assert session.state == "damaged"
        np.testing.assert_array_equal(session.read("adc.wave").sample_no, np.arange(800))
        assert len(session.read("e4.acc")) == 0
        assert session.duration_s == pytest.approx(8, abs=0.1)
    assert not path.is_file() or how == "flipped", "reading writes nothing"
    report = sessions.verify(sealed)
    named = [d.file for d in report.damaged]
    assert [named.count(f) for f in ("manifest.json", "segments/e4.acc-000000000000.parquet")] == [1, 1]
    assert report.seconds_lost == 8.0
    assert report.mendable


@pytest.mark.parametrize("lost", [(), ("manifest.json",), ("session.json",)])
@pytest.mark.parametrize("fixture", ["killed", "sealed"])
def test_without_the_folder_of_segments_recover_names_what_is_gone(
    fixture: str, lost: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(fixture)
    n_sealed = len(read_manifest(folder).segments)
    shutil.rmtree(folder / "segments")
    for name in lost:
        (folder / name).unlink()
    if fixture == "sealed" and lost:
        before = sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")
        with pytest.raises(SessionError, match=r"nothing is left to recover|no session\.json here"):
            sessions.recover(folder)
        assert sorted(p.name for p in folder.iterdir() if p.suffix != ".lock") == before
        return
    if fixture == "killed" and "session.json" in lost:
        with pytest.raises(SessionError, match=r"no session\.json here"):
            sessions.recover(folder)
        return
    report = sessions.recover(folder)
    assert not report.ok
    assert ("segments", f"the folder is missing and with it {n_sealed} sealed files") in report.lost
    assert report.after is not None
    assert len([d for d in report.after.damaged if d.why == "missing"]) == n_sealed
    assert report.after.seconds_lost == pytest.approx(8.0, abs=0.1)
    if fixture == "killed":
        assert report.after.rows["adc.wave"] == 400, "what was in the journal is sealed"


def test_a_damaged_journal_and_a_missing_segment_of_events_are_recovered_from(killed: Path) -> None:
    next((killed / "segments").glob("_events-*")).unlink()
    (killed / "live.sqlite").write_bytes(b"\0" * 20000)
    (killed / "live.sqlite-wal").unlink()
    report = sessions.recover(killed)
    assert not report.ok
    assert report.after is not None
    assert any(d.file.startswith("segments/_events-") and d.why == "missing" for d in report.after.damaged)


def test_the_manifest_lost_while_recording_comes_from_the_journal(killed: Path) -> None:
    (killed / "manifest.json").unlink()
    assert "manifest.json" in files_of(sessions.verify(killed))
    assert sessions.recover(killed).ok


@pytest.mark.parametrize("fixture", ["killed", "sealed"])
def test_session_json_can_be_written_anew(fixture: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(fixture)
    flip(folder / "session.json", 60)
    assert "session.json" in files_of(sessions.verify(folder))
    after = sessions.recover(folder)
    assert after.ok
    assert "damaged/session.json.1" in after.set_aside
    with sessions.open(folder) as session:
        assert set(session.streams) == {"e4.bvp", "e4.acc", "adc.wave", "edge.est"}
        assert session.eras[0].wall_ns == ERA.wall_ns
        assert session.header.zone == ("Asia/Shanghai" if fixture == "killed" else "UTC")


def test_erase_leaves_a_tombstone_and_no_sample(sealed: Path, killed: Path) -> None:
    with pytest.raises(ConfigError, match="say why"):
        sessions.erase(sealed, why=" ")
    stone = sessions.erase(sealed, why="subject withdrew")
    assert stone.streams["adc.wave"] == 800
    assert [p.name for p in sealed.iterdir()] == ["tombstone.json"]
    text = (sealed / "tombstone.json").read_text()
    assert "subject withdrew" in text
    assert "pseudonym" not in text
    for call in (sessions.open, sessions.verify, sessions.recover):
        with pytest.raises(SessionError, match=r"erased.*subject withdrew"):
            call(sealed)
    assert sessions.erase(sealed, why="again") == stone
    sessions.erase(killed, why="test recording")
    assert [p.name for p in killed.iterdir()] == ["tombstone.json"]


def test_an_interrupted_erasure_goes_on(sealed: Path) -> None:
    stone = {"format": 1, "session_id": "sealed", "erased_wall_ns": 5, "why": "withdrew", "streams": {}}
    (sealed / "tombstone.json").write_bytes(sign_json({**stone, "files": 1, "bytes": 2}))
    with pytest.raises(SessionError, match="erased"):
        sessions.open(sealed)
    assert sessions.erase(sealed, why="go on").erased_wall_ns == 5
    assert [p.name for p in sealed.iterdir()] == ["tombstone.json"]
