"""A CNAP recording into a session: streams, the events of the live chain, and nobody's name."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder import session
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order, Wanted
from recorder.exchange.into_session import write_session
from recorder.exchange.sources import cnap_source
from recorder.exchange.sources.local_time import wall_ns_of
from recorder.exchange.sources.source import Source
from recorder.protocols.cnap_beats import parse_beats
from recorder.schema import CO_CALIBRATED, FINGER_CHANGED, REFERENCE_CALIBRATED, Subject
from tests.exchange import stick_made

NOW_NS = 1_760_000_000_000_000_000


def read(beats: Path, wave: Path | None = None) -> Source:
    zone = stick_made.ZONE
    return cnap_source.read(beats, wave, wall_ns=lambda t: wall_ns_of(t, zone, whose=str(beats)), zone=zone)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = stick_made.write(tmp_path_factory.mktemp("stick"))
    order = Order((Wanted("cnap", files.beats),), Subject("P-1", height_cm=170.0), stick_made.ZONE)
    out = tmp_path_factory.mktemp("sessions") / "a"
    plan = importing.look(order, None, NOW_NS)
    return importing.carry_out(plan, out, software={}, now_wall_ns=NOW_NS)


@pytest.fixture
def opened(imported: Path) -> Iterator[session.Session]:
    with session.open(imported) as stored:
        yield stored


def test_every_row_of_the_files_is_in_the_session(opened: session.Session, tmp_path: Path) -> None:
    assert session.verify(opened.path).ok
    assert opened.start_wall_ns == stick_made.BEGINS_NS
    files = stick_made.write(tmp_path)
    beats = parse_beats(files.beats.read_bytes())
    rows = opened.read("cnap.beats")
    assert np.allclose(rows.time_s, beats.t_s, atol=1e-6)
    info = opened.streams["cnap.beats"]
    names = [channel.name for channel in info.channels]
    assert names[:4] == ["sbp", "map", "dbp", "hr"]
    assert set(names) >= {"ppv", "svv", "co_cal", "height_offset", "cvp", "nbp_sys", "nbp_dia", "quality"}
    assert np.array_equal(rows.values[:, :-1], beats.values, equal_nan=True)
    assert np.array_equal(rows.values[:, -1] == 0, beats.artefact)
    wave = opened.read("cnap.wave", 40.0, 40.009)
    written = files.waveform.read_text().splitlines()[1 + 4000].split(";")
    assert (wave.time_s[0], f"{wave.values[0, 0]:.2f}") == (40.0, written[1])


def test_streams_are_described_as_others_expect(opened: session.Session) -> None:
    beats, wave = opened.streams["cnap.beats"], opened.streams["cnap.wave"]
    assert (beats.role, beats.kind, wave.role, wave.nominal_rate_hz) == (
        "reference",
        "numeric",
        "abp_wave",
        100.0,
    )
    assert wave.channels[0].unit == "mmHg"
    assert json.loads(beats.metadata["columns"])["height_offset"] == "Height Offset [cm]"
    assert "uncalibrated CO" in beats.metadata["co"]
    assert (beats.origin, opened.header.simulated) == ("simulated", True)


def test_the_monitors_words_are_events_of_the_live_chain(opened: session.Session) -> None:
    told = [(e.payload["label"], e.payload["note"]) for e in opened.events("marker")]
    assert told == [
        (REFERENCE_CALIBRATED, "NBPcal"),
        (CO_CALIBRATED, "HDcal"),
        (FINGER_CHANGED, "Changed Finger"),
        (REFERENCE_CALIBRATED, "NBPcal"),
    ]
    cuffs = opened.events("cuff")
    assert [round(opened.t_s(e.t_host_ns, e.era)) for e in cuffs] == [35, 225]
    assert all(e.payload["measured_at_ns"] == e.wall_ns for e in cuffs)
    kinds = [e.payload.get("kind") for e in opened.events("notice")]
    assert kinds.count("signal-search") == 3
    assert kinds.count("cuff-failed") == 1
    assert kinds.count("flat-line") == 2  # before the signal is found, and at the change of fingers


def test_the_subject_is_the_callers_and_only_gaps_are_filled(opened: session.Session) -> None:
    subject = opened.header.subject
    assert subject == Subject("P-1", sex="female", age_y=52, height_cm=170.0, weight_kg=60.0)


def test_nobodys_name_is_in_the_session(imported: Path, tmp_path: Path) -> None:
    octets = b"".join(path.read_bytes() for path in sorted(imported.rglob("*")) if path.is_file())
    with session.open(imported) as stored:
        told = repr([stored.header, stored.streams, stored.events()])
    for secret in ("Anna", "Miller", *stick_made.PERSON[1:]):  # four digits alone stand in any hash
        assert secret.encode() not in octets
        assert secret not in told


def test_identity_in_an_event_is_taken_out(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    text = files.beats.read_text().replace('"HDcal"', '"Mrs MILLER coughs"')
    files.beats.write_text(text)
    source = read(files.beats)
    labels = [m.payload.get("label") for m in source.moments if m.kind == "marker"]
    assert "Mrs … coughs" in labels
    assert any("check it for names" in note for note in source.notes)


def test_one_part_damaged_the_other_is_imported(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    files.waveform.write_bytes(b"PK\x03\x04 something else")
    source = read(files.beats)
    assert set(source.rows) == {"cnap.beats"}
    (skipped,) = source.skipped
    assert skipped.file == "waveform.csv"
    assert "no column 'Time" in skipped.why
    assert "Miller" not in skipped.why
    files.beats.write_text("")
    with pytest.raises(RecordingUnreadable, match="it is empty"):
        read(files.beats)


def test_beats_damaged_the_wave_is_imported(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    files.beats.write_text("nothing")
    source = read(files.beats)
    assert set(source.rows) == {"cnap.wave"}
    assert [s.file for s in source.skipped] == ["beats.csv"]


def test_files_alone_and_names_that_do_not_tell(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    files.waveform.unlink()
    files.summary.unlink()
    source = read(files.beats)
    assert any("no ..._waveform.csv" in note for note in source.notes)
    assert source.subject.age_y is None
    renamed = files.beats.rename(tmp_path / "monday_beats.csv")
    with pytest.raises(RecordingUnreadable, match="name does not tell when"):
        read(renamed)


def test_a_wave_of_another_recording_is_imported_and_named(tmp_path: Path) -> None:
    ours = stick_made.write(tmp_path / "a")
    theirs = stick_made.write(tmp_path / "b", stick_made.BEGINS + timedelta(seconds=40), seed=6)
    source = read(ours.beats, theirs.waveform)
    assert set(source.rows) == {"cnap.wave", "cnap.beats"}
    assert any("the waveform begins 40 s after the beats" in note for note in source.notes)
    assert any("is not that of the wave" in note for note in source.notes)
    kinds = [m.payload.get("kind") for m in source.moments if m.kind == "notice"]
    assert kinds.count("cnap-disagrees") == len([n for n in source.notes if "wave" in n])


def test_a_recording_without_calibration_says_so(tmp_path: Path) -> None:
    plan = stick_made.StickPlan(calibrated_s=(), hd_calibrated_s=None)
    source = read(stick_made.write(tmp_path, plan=plan).beats)
    assert any("never calibrated" in note for note in source.notes)
    assert not [m for m in source.moments if m.kind == "marker"]


def test_the_hash_is_of_what_is_in_the_files_not_of_their_names(tmp_path: Path) -> None:
    a, b = stick_made.write(tmp_path / "a"), stick_made.write(tmp_path / "b", plan=stick_made.StickPlan())
    again = stick_made.write(tmp_path / "c", stick_made.BEGINS)
    assert read(a.beats).sha256 == read(again.beats).sha256 != read(b.beats).sha256


def test_a_column_that_is_called_as_the_store_calls_its_own_gets_another_name(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    header, *rows = files.beats.read_text().splitlines()
    files.beats.write_text(
        "\n".join([f'{header}"Quality";"Sample No";"sample_no";', *(f"{row}7;8;9;" for row in rows), ""])
    )
    source = read(files.beats)
    names = [channel.name for channel in source.numerics[0].info.channels]
    assert names[-4:] == ["quality_2", "sample_no_2", "sample_no_3", "quality"]
    order = Order((Wanted("cnap", files.beats),), Subject("P-1"), stick_made.ZONE)
    out = importing.carry_out(
        importing.look(order, None, NOW_NS), tmp_path / "s", software={}, now_wall_ns=NOW_NS
    )
    with session.open(out) as stored:
        assert set(stored.read("cnap.beats").values[:, -2].tolist()) == {9.0}


def test_as_a_monitor_writes_it_it_is_a_recording_and_no_simulation(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    for path in (files.beats, files.waveform, files.summary):
        lines = path.read_text().splitlines()
        plain = [line.replace('"HemoView simulated";', "") for line in lines[:1]] + [
            line[:-2] for line in lines[1:]
        ]
        path.write_text("\n".join([*plain, ""]))
    source = read(files.beats)
    assert not source.simulated
    assert {s.info.origin for s in (*source.waveforms, *source.numerics)} == {"recorded"}
    assert not source.devices[0].simulated
    assert source.rejected_rows() == {}


@given(st.sampled_from(["beats", "waveform", "summary"]), st.binary(max_size=200), st.integers(0, 4000))
@settings(max_examples=25, deadline=None)
def test_any_octets_on_the_stick_end_in_a_source_or_a_refusal(part: str, noise: bytes, at: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        names = {
            p: Path(folder) / f"CNAP_2025-01-31_09-05-07_001_{p}.csv"
            for p in ("beats", "waveform", "summary")
        }
        for name, path in names.items():
            octets = b"\n".join(_small()[name].split(b"\n")[:120]) + b"\n"
            path.write_bytes(octets[:at] + noise + octets[at + len(noise) :] if name == part else octets)
        try:
            source = read(names["beats"])
        except RecordingUnreadable:
            return
        assert source.rows
        header = session.SessionHeader("s", "import", NOW_NS, subject=Subject("P-1"))
        write_session(
            Path(folder) / "s", header, source.devices, source.waveforms, source.numerics, source.moments
        )
        assert session.verify(Path(folder) / "s").ok


@cache
def _small() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        files = stick_made.write(Path(folder))
        return {
            "beats": files.beats.read_bytes(),
            "waveform": files.waveform.read_bytes(),
            "summary": files.summary.read_bytes(),
        }


# ---- the zone


@pytest.mark.parametrize(
    ("local", "zone", "why"),
    [
        (datetime(2025, 1, 31, 9, 5), "", "name no time zone"),
        (datetime(2025, 1, 31, 9, 5), "Mars/Base", "IANA"),
        (datetime(2025, 3, 30, 2, 30), "Europe/Berlin", "never was"),
        (datetime(2025, 10, 26, 2, 30), "Europe/Berlin", "came twice"),
    ],
)
def test_a_time_nobody_can_place_is_asked_about(local: datetime, zone: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        wall_ns_of(local, zone, whose="x.csv")


def test_an_hour_that_came_twice_is_the_one_that_was_said() -> None:
    first, second = (
        wall_ns_of(datetime(2025, 10, 26, 2, 30), "Europe/Berlin", fold, whose="x")
        for fold in ("first", "second")
    )
    assert second - first == 3_600_000_000_000


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)), st.sampled_from(["Asia/Kolkata", "UTC"]))
def test_elsewhere_the_zone_only_shifts(local: datetime, zone: str) -> None:
    shift = 19_800_000_000_000 if zone == "Asia/Kolkata" else 0
    utc = (local - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000
    assert wall_ns_of(local, zone, whose="x") == utc - shift


def test_names_in_capitals_are_found(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    for path in (files.beats, files.waveform, files.summary):
        path.rename(path.with_name(path.name.upper()))
    source = read(files.beats.with_name(files.beats.name.upper()))
    assert set(source.rows) == {"cnap.wave", "cnap.beats"}
    assert source.subject.age_y == 52


def test_columns_with_each_others_names_are_said(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    head, _, rest = files.beats.read_text().partition("\n")
    swapped = head.replace("Beat Sys", "?").replace("Beat Dia", "Beat Sys").replace("?", "Beat Dia")
    files.beats.write_text(f"{swapped}\n{rest}")
    assert any("does the file name its columns rightly?" in note for note in read(files.beats).notes)


def test_any_file_of_the_three_stands_for_the_recording(tmp_path: Path) -> None:
    files = stick_made.write(tmp_path)
    wanted = read(files.beats)
    for path in (files.waveform, files.summary):
        assert read(path).rows == wanted.rows
        assert read(path).sha256 == wanted.sha256
    with pytest.raises(RecordingUnreadable, match="is a folder; choose the"):
        read(tmp_path)
