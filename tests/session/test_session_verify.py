"""``verify`` names every damaged file and why; ``recover`` saves what is there; ``erase`` leaves a tombstone."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from small_session import ERA, STREAMS, WAVE, NewWriter, header, record, write_second

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import ConfigError, SessionDamaged, SessionError, SessionFormatUnknown
from recorder.schema import Amendment, Event, Gap, SampleBlock
from recorder.session import VerifyReport, gap_event
from recorder.session.files import sign_json
from recorder.session.manifest import Manifest, read_manifest, write_manifest
from recorder.session.sealer import seal

ALL = 1 << 40


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
            seal(writer.folder, upto_commit=ALL)
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


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def files_of(report: VerifyReport) -> set[str]:
    return {d.file for d in report.damaged}


def test_a_whole_session_is_whole(killed: Path, sealed: Path) -> None:
    for folder, seconds, state in ((killed, 12, "open"), (sealed, 8, "sealed")):
        before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "shm" not in p.name}
        report = sessions.verify(folder)
        assert (report.ok, report.damaged, report.seconds_lost, report.state) == (True, (), 0.0, state)
        assert report.seconds == pytest.approx(seconds, abs=0.1)
        assert report.rows == {
            "e4.bvp": 64 * seconds,
            "e4.acc": 32 * seconds,
            "adc.wave": 100 * seconds,
            "edge.est": seconds,
        }
        assert {p: p.read_bytes() for p in before} == before
    assert list(sessions.verify(sealed).to_json())[:6] == [
        "ok",
        "seconds",
        "streams",
        "segments",
        "damaged",
        "seconds_lost",
    ]
    json.dumps(sessions.verify(sealed).to_json())


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_a_flipped_byte_in_a_segment_is_named(sealed: Path, part: float) -> None:
    victim = sealed / "segments" / "adc.wave-000000000000.parquet"
    flip(victim, int(victim.stat().st_size * part))
    report = sessions.verify(sealed)
    assert files_of(report) == {"segments/adc.wave-000000000000.parquet"}
    assert "SHA-256" in report.damaged[0].why
    assert report.seconds_lost == 8.0
    assert report.rows["e4.bvp"] == 512
    assert report.rows["adc.wave"] == 0


def test_a_report_is_plain_lists_and_names(sealed: Path) -> None:
    (sealed / "segments" / "e4.bvp-000000000000.parquet").unlink()
    for plain in (sessions.verify(sealed).to_json(), sessions.recover(sealed).to_json()):
        assert json.loads(json.dumps(plain)) == plain, "no tuple left"


def test_only_what_has_a_second_copy_is_called_mendable(sealed: Path, killed: Path) -> None:
    for folder in (sealed, killed):
        (folder / "segments" / "e4.bvp-000000000000.parquet").unlink()
    assert not sessions.verify(sealed).mendable
    assert sessions.verify(killed).mendable, "its journal is still to be sealed"
    (sealed / "manifest.json").unlink()
    assert sessions.verify(sealed).mendable


def test_torn_and_missing_segments_are_named(sealed: Path) -> None:
    torn = sealed / "segments" / "e4.acc-000000000000.parquet"
    torn.write_bytes(torn.read_bytes()[:-30])
    (sealed / "segments" / "e4.bvp-000000000000.parquet").unlink()
    why = {d.file: d.why for d in sessions.verify(sealed).damaged}
    assert "sealed with" in why["segments/e4.acc-000000000000.parquet"]
    assert why["segments/e4.bvp-000000000000.parquet"] == "missing"


def test_a_segment_swapped_with_its_manifest_is_still_caught(sealed: Path) -> None:
    manifest = read_manifest(sealed)
    rows = tuple(
        row if row.stream_id != "adc.wave" else type(row).from_json({**row.to_json(), "rows": 799})
        for row in manifest.segments
    )
    write_manifest(sealed, Manifest(manifest.session_id, "sealed", rows))
    assert files_of(sessions.verify(sealed)) == {"segments/adc.wave-000000000000.parquet"}


@pytest.mark.parametrize("name", ["session.json", "manifest.json", "amendments.jsonl"])
def test_a_flipped_byte_in_a_text_file_is_named(sealed: Path, name: str) -> None:
    rng = random.Random(3)
    whole = (sealed / name).read_bytes()
    for at in rng.sample(range(len(whole)), 25):
        (sealed / name).write_bytes(whole)
        flip(sealed / name, at)
        try:
            report = sessions.verify(sealed)
        except SessionFormatUnknown:
            continue  # the flip made the format number a later one
        changed = not report.ok
        with_whitespace = chr(whole[at]).isspace()
        assert changed or with_whitespace, f"byte {at}"
        if changed:
            assert name in files_of(report)


def test_a_lost_write_ahead_log_is_named_with_its_seconds(killed: Path) -> None:
    (killed / "live.sqlite-wal").unlink()
    report = sessions.verify(killed)
    assert files_of(report) == {"live.sqlite"}
    assert "4 commits are gone" in report.damaged[0].why
    assert report.seconds_lost == pytest.approx(4.0, abs=1.0)
    assert report.rows["adc.wave"] == 800


def test_a_flip_anywhere_in_the_write_ahead_log_is_named(killed: Path) -> None:
    wal = killed / "live.sqlite-wal"
    whole = wal.read_bytes()
    for at in range(60, len(whole), len(whole) // 12):
        wal.write_bytes(whole)
        flip(wal, at)
        assert "live.sqlite" in files_of(sessions.verify(killed)), f"byte {at}"


def test_a_journal_row_changed_behind_sqlite_s_back_fails_its_crc(killed: Path) -> None:
    with sqlite3.connect(killed / "live.sqlite") as db:
        db.execute("UPDATE batch SET payload = zeroblob(length(payload)) WHERE stream_id='e4.bvp'")
        db.execute("UPDATE event SET body = replace(body, 'x', 'y') WHERE event_id='m9'")
    db.close()
    report = sessions.verify(killed)
    assert files_of(report) == {"live.sqlite"}
    assert sum("CRC differs" in d.why for d in report.damaged) == 5
    assert report.rows["e4.bvp"] == 512


def test_a_removed_journal_row_is_missed(killed: Path) -> None:
    with sqlite3.connect(killed / "live.sqlite") as db:
        (number,) = db.execute("SELECT max(batch_no) FROM batch WHERE stream_id='adc.wave'").fetchone()
        (before,) = db.execute(
            "SELECT max(batch_no) FROM batch WHERE stream_id='adc.wave' AND batch_no<?", (number,)
        ).fetchone()
        db.execute("DELETE FROM batch WHERE batch_no=?", (before,))
    db.close()
    report = sessions.verify(killed)
    assert "samples 1000 to 1099 are missing and no stored gap says why" in report.damaged[0].why
    assert report.seconds_lost == 1.0


def test_holes_need_a_gap_that_covers_them(tmp_path: Path) -> None:
    for name, missing, ok in (("a", 100, True), ("b", 60, False), ("c", None, False)):
        writer = sessions.create(tmp_path / name, header(name), ERA)
        writer.add_stream(WAVE)
        write_second(writer, 0, streams=(WAVE,))
        t0, t1 = ERA.monotonic_ns + 10**9, ERA.monotonic_ns + 2 * 10**9
        writer.write_event(gap_event(Gap("adc.wave", 100, missing, t0, t1, "overrun"), "g", 0))
        write_second(writer, 2, streams=(WAVE,))
        writer.close("done")
        report = sessions.verify(tmp_path / name)
        assert report.ok is ok
        assert report.seconds_lost == pytest.approx(0 if ok else (100 - (missing or 0)) / 100)


def test_an_unlisted_file_in_a_sealed_session_is_named(sealed: Path) -> None:
    (sealed / "segments" / "e4.bvp-000000009999.parquet").write_bytes(b"x")
    assert files_of(sessions.verify(sealed)) == {"segments/e4.bvp-000000009999.parquet"}


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


def test_no_session_is_said_so(tmp_path: Path) -> None:
    for call in (sessions.open, sessions.verify, sessions.recover):
        with pytest.raises(SessionError, match=r"no session\.json here"):
            call(tmp_path)


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


def test_amendments_survive_a_torn_last_line(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(1))
    first = Amendment("note", None, "a", "op", "why", 1)
    writer.amend(first)
    path = writer.folder / "amendments.jsonl"
    path.write_bytes(path.read_bytes() + b'{"amendment": {"fie')
    second = Amendment("note", "a", "b", "op", "why", 2)
    writer.amend(second)
    writer.close("done")
    with sessions.open(writer.folder) as session:
        assert session.amendments() == [first, second]
    (damage,) = sessions.verify(writer.folder).damaged
    assert (damage.file, damage.why) == ("amendments.jsonl", "line 2: damaged or unfinished")


def test_a_block_in_two_places_is_found(killed: Path) -> None:
    with sqlite3.connect(killed / "live.sqlite") as db:
        db.execute("DELETE FROM segment WHERE name LIKE 'adc.wave%'")
    db.close()
    report = sessions.verify(killed)
    assert any(d.file == "manifest.json" and "adc.wave" in d.why for d in report.damaged)


def test_write_after_numbers_were_used_is_refused_on_resume(killed: Path) -> None:
    writer = sessions.resume(killed, Clock())
    with pytest.raises(ValueError, match="1200 comes next"):
        writer.write_block(SampleBlock("adc.wave", 1100, np.zeros((1, 1), np.int32), 1, 1))
    writer.abandon()
