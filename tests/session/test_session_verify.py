"""``verify`` names every damaged file and why."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from small_session import ERA, WAVE, NewWriter, files_of, flip, header, record, write_second

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import SessionError, SessionFormatUnknown
from recorder.schema import Amendment, Gap, SampleBlock
from recorder.session import gap_event
from recorder.session.manifest import Manifest, read_manifest, write_manifest


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


def test_no_session_is_said_so(tmp_path: Path) -> None:
    for call in (sessions.open, sessions.verify, sessions.recover):
        with pytest.raises(SessionError, match=r"no session\.json here"):
            call(tmp_path)


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
