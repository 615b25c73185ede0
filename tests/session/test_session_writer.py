"""The writer's contract: durable commits, refused nonsense, one writer, owner-only files."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from small_session import ACC, BVP, ERA, EST, WAVE, NewWriter, header, record, write_second

from recorder import session as sessions
from recorder.clock import Clock, ClockEra
from recorder.errors import SessionError
from recorder.schema import Amendment, Channel, DeviceInfo, Event, SampleBlock, StreamInfo


def test_nothing_is_on_disk_before_the_commit_returned(new_writer: NewWriter) -> None:
    writer = new_writer()
    write_second(writer, 0)
    assert writer.rows_on_disk["e4.bvp"] == 0
    with sessions.open(writer.folder) as session:
        assert session.rows("e4.bvp") == 0
    assert writer.commit() == {"e4.bvp": 64, "e4.acc": 32, "adc.wave": 100, "edge.est": 1}
    assert writer.rows_on_disk["e4.bvp"] == 64
    with sessions.open(writer.folder) as session:
        assert session.rows("e4.bvp") == 64
        assert session.state == "open"
    writer.abandon()


def test_commit_of_nothing_changes_nothing(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(2))
    before = writer.bytes_on_disk()
    assert writer.commit()["adc.wave"] == 200
    assert writer.bytes_on_disk() == before
    writer.abandon()


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (SampleBlock("no.such", 0, np.zeros((1, 1), np.int32), 1), "unknown stream"),
        (SampleBlock("adc.wave", 0, np.zeros((1, 2), np.int32), 1), "columns"),
        (SampleBlock("adc.wave", 0, np.zeros((1, 1), np.int16), 1), "int16"),
        (SampleBlock("adc.wave", 99, np.zeros((1, 1), np.int32), 1), "comes next"),
        (SampleBlock("adc.wave", 100, np.zeros((1, 1), np.int32), 1, era=1), "clock era"),
    ],
)
def test_a_wrong_block_is_refused_and_the_rest_goes_on(
    new_writer: NewWriter, block: SampleBlock, says: str
) -> None:
    writer = new_writer()
    write_second(writer, 0)
    with pytest.raises(ValueError, match=says):
        writer.write_block(block)
    assert writer.commit()["adc.wave"] == 100
    writer.abandon()


def test_an_event_is_stored_once_however_often_it_is_sent(new_writer: NewWriter) -> None:
    writer = new_writer()
    event = Event("id-1", "marker", ERA.monotonic_ns, ERA.wall_ns, 0, {"label": "arm move"})
    writer.write_event(event)
    writer.write_event(event)
    writer.commit()
    writer.write_event(event)
    writer.close("done")
    with sessions.open(writer.folder) as session:
        assert session.events() == [event]


def test_streams_and_devices_may_join_late(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(2))
    late = StreamInfo("edge.beats", "edge", "numeric", (Channel("ibi", "s"),), "float64")
    writer.add_stream(late)
    writer.add_stream(late)
    writer.add_device(DeviceInfo("e4", "Empatica E4", "9ff167"))
    writer.add_device(DeviceInfo("e4", "Empatica E4", "9ff168"))
    writer.write_block(SampleBlock("edge.beats", 0, np.array([[0.8]]), ERA.monotonic_ns + 10**9))
    writer.close("done")
    with sessions.open(writer.folder) as session:
        assert session.rows("edge.beats") == 1
        assert [d.serial for d in session.header.devices] == ["9ff168"]
    with pytest.raises(SessionError, match="is closed"):
        writer.commit()


def test_a_known_stream_may_not_change_its_columns(new_writer: NewWriter) -> None:
    writer = new_writer()
    with pytest.raises(ValueError, match="other columns"):
        writer.add_stream(StreamInfo("adc.wave", "adc", "waveform", (Channel("a", "V"),), "int16", 100.0))
    writer.abandon()


def test_files_belong_to_their_owner_only(new_writer: NewWriter) -> None:
    writer = new_writer(segment_s=1.0)
    record(writer, range(4))
    writer.amend(Amendment("note", "", "left hand", "op", "asked", ERA.wall_ns))
    folders = [writer.folder, writer.folder / "segments"]
    open_files = [p for p in writer.folder.rglob("*") if p.is_file()]
    assert {"live.sqlite", "live.sqlite-wal", "session.json"} <= {p.name for p in open_files}
    assert {stat.S_IMODE(p.stat().st_mode) for p in open_files} == {0o600}
    writer.close("done")
    sealed = [p for p in writer.folder.rglob("*") if p.is_file()]
    assert any(p.suffix == ".parquet" for p in sealed)
    assert {stat.S_IMODE(p.stat().st_mode) for p in sealed} == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in folders} == {0o700}


def test_a_session_has_one_writer(new_writer: NewWriter, tmp_path: Path) -> None:
    writer = new_writer()
    record(writer, range(1))
    with pytest.raises(SessionError, match="holds a session already"):
        sessions.create(writer.folder, header(), ERA)
    for attempt in (
        lambda: sessions.resume(writer.folder, Clock()),
        lambda: sessions.recover(writer.folder),
        lambda: sessions.erase(writer.folder, why="mistake"),
    ):
        with pytest.raises(SessionError, match="another process"):
            attempt()
    assert writer.commit()["adc.wave"] == 100
    writer.abandon()


def test_closing_seals_everything_and_takes_the_journal_away(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(3))
    write_second(writer, 3)
    writer.close("operator stopped")
    writer.close("again")
    names = {p.name for p in writer.folder.iterdir()}
    assert not any(name.startswith("live.") for name in names)
    with sessions.open(writer.folder) as session:
        assert session.state == "sealed"
        assert {s: session.rows(s) for s in session.streams} == {
            BVP.stream_id: 256,
            ACC.stream_id: 128,
            WAVE.stream_id: 400,
            EST.stream_id: 4,
        }
    assert sessions.verify(writer.folder).ok
    with pytest.raises(SessionError, match="was closed"):
        sessions.resume(writer.folder, Clock())


def test_sealing_goes_on_beside_the_recording(new_writer: NewWriter) -> None:
    writer = new_writer(segment_s=3.0)
    for second in range(16):
        write_second(writer, second)
        writer.commit()
        writer.maintain()
        if writer._sealer.running and second % 4 == 3:
            writer._sealer._child.wait()  # type: ignore[union-attr]
    sealed = list((writer.folder / "segments").glob("*.parquet"))
    assert {p.name.rsplit("-", 1)[0] for p in sealed} >= {
        "e4.bvp",
        "e4.acc",
        "adc.wave",
        "edge.est",
        "_clock",
    }
    with sessions.open(writer.folder) as session:
        assert session.rows("adc.wave") == 1600
        np.testing.assert_array_equal(session.read("adc.wave").sample_no, np.arange(1600))
    writer.close("done")
    assert sessions.verify(writer.folder).rows["adc.wave"] == 1600


def test_a_killed_recording_goes_on_in_a_new_clock_era(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(3))
    writer.abandon()
    again = sessions.resume(writer.folder, Clock())
    assert again.era.number == 1
    assert again.era.reason == "reboot"  # the era of this test was made up on another boot
    assert again.next_sample_no["e4.bvp"] == 192
    assert again.rows_on_disk["e4.bvp"] == 192
    record(again, range(3, 5))
    again.write_event(Event("e", "marker", again.era.monotonic_ns, 0, 1, {"label": "x"}))
    again.close("done")
    with sessions.open(writer.folder) as session:
        stream = session.read("e4.bvp")
        assert stream.era.tolist() == [0] * 192 + [1] * 128
        assert len(session.eras) == 2
        offset_s = (session.eras[1].wall_ns - session.eras[0].wall_ns) / 1e9
        assert stream.time_s[192] == pytest.approx(offset_s + 3.0, abs=0.1)
    assert sessions.verify(writer.folder).ok


def test_a_new_era_must_be_the_next_one(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(1))
    with pytest.raises(ValueError, match="clock era 3"):
        writer.begin_era(ClockEra(3, "x", "", 0, 0))
    writer.begin_era(ClockEra(1, "x", "boot-0", ERA.monotonic_ns + 10**12, ERA.wall_ns + 10**12, "resume"))
    record(writer, range(1, 2))
    writer.close("done")
    with sessions.open(writer.folder) as session:
        assert session.read("adc.wave").time_s[100] == pytest.approx(1001.0, abs=0.1)
