"""An E4 session file by file: every quirk, every damaged part named, the rest taken."""

import zipfile

import numpy as np
import pytest

from recorder import session
from recorder.errors import RecordingUnreadable
from recorder.exchange.into_session import write_session
from recorder.exchange.sources import e4_source
from recorder.protocols.e4_description import stream_infos
from recorder.schema import Subject
from recorder.schema.decimals import decode_decimal
from tests.exchange import e4_made


def imported(path, folder):
    source = e4_source.read(path)
    header = session.SessionHeader("b" * 32, "import", 0, subject=Subject("P-1"))
    write_session(folder, header, source.devices, source.waveforms, source.numerics, source.moments)
    assert session.verify(folder).ok
    return source, session.open(folder)


def test_every_sample_prints_back_and_stands_at_its_time(tmp_path):
    texts = e4_made.files()
    source, stored = imported(e4_made.write_zip(tmp_path / "S.zip", texts), tmp_path / "x")
    assert (source.rejected, source.skipped, source.notes) == ({}, (), ())
    for name, stream, begin_s in (
        ("BVP.csv", "e4.bvp", 0),
        ("EDA.csv", "e4.eda", 0),
        ("TEMP.csv", "e4.temp", 0.25),
    ):
        found = stored.read(stream)
        printed = [decode_decimal(int(m), int(p)) for m, p in found.raw]
        assert printed == texts[name].split()[2:]
        np.testing.assert_array_equal(
            found.time_s, begin_s + np.arange(len(printed)) / found.info.nominal_rate_hz
        )
    acc = stored.read("e4.acc")
    assert [",".join(map(str, row)) for row in acc.raw.tolist()] == texts["ACC.csv"].split("\r\n")[2:-1]
    assert acc.units == ("g", "g", "g")
    assert stored.read("e4.hr").time_s.tolist() == [10.0, 11.0, 12.0]
    assert stored.read("e4.ibi").time_s.tolist() == [2.515625, 3.328125]
    marks = stored.events("marker")
    assert [(stored.t_s(e.t_host_ns, 0), e.payload["source"]) for e in marks] == [
        (3.0, "e4-tag"),
        (5.5, "e4-tag"),
    ]


def test_streams_are_described_as_the_live_ones(tmp_path):
    _, stored = imported(e4_made.write_zip(tmp_path / "S.zip", e4_made.files()), tmp_path / "x")
    live = {info.stream_id: info for info in stream_infos("e4", "recorded").values()}
    assert all(
        info == live[name] and info.metadata == live[name].metadata for name, info in stored.streams.items()
    )


def test_a_folder_and_its_zip_are_the_same_recording(tmp_path):
    texts = e4_made.files()
    zipped = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    folder = e4_source.read(e4_made.write_folder(tmp_path / "S", texts))
    assert zipped.content_sha256 == folder.content_sha256


def test_bad_rows_are_gaps_and_time_goes_on(tmp_path):
    texts = e4_made.files(4)
    rows = texts["EDA.csv"].split("\n")
    rows[5], rows[6], rows[10] = "x", "0.1;0.2", "1.5,2.5,3.5"
    source, stored = imported(
        e4_made.write_zip(tmp_path / "S.zip", texts | {"EDA.csv": "\n".join(rows)}), tmp_path / "x"
    )
    assert source.rejected == {"EDA.csv": {"no-number": 2, "other-columns": 1}}
    found = stored.read("e4.eda")
    assert [(g.cause, g.n_missing) for g in found.gaps] == [("unreadable", 2), ("unreadable", 1)]
    wanted = [n / 4 for n in range(16) if n not in (3, 4, 8)]
    np.testing.assert_allclose(found.time_s, wanted, atol=1e-9)
    assert source.rows["e4.eda"] == 13


@pytest.mark.parametrize("empty", ["", "\r\n", "1551453301.0\n4.0\n"])
def test_files_may_be_absent_or_empty(tmp_path, empty):
    texts = {"BVP.csv": e4_made.files()["BVP.csv"], "EDA.csv": empty, "IBI.csv": "", "tags.csv": ""}
    source, stored = imported(e4_made.write_zip(tmp_path / "S.zip", texts), tmp_path / "x")
    assert set(stored.streams) == {"e4.bvp"}
    told = [*source.notes, *(s.file for s in source.skipped)]
    assert any("EDA.csv" in note for note in told)
    assert any("TEMP.csv" in note for note in source.notes)


def test_a_file_that_is_not_what_its_name_says_is_skipped(tmp_path):
    texts = e4_made.files()
    texts["BVP.csv"] = texts["EDA.csv"]
    source = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    (skipped,) = source.skipped
    assert (skipped.file, "64 Hz" in skipped.why, "renamed" in skipped.why) == ("BVP.csv", True, True)
    assert "e4.bvp" not in source.rows
    assert "e4.eda" in source.rows


def test_a_damaged_member_is_named_and_the_rest_taken(tmp_path):
    path = e4_made.write_zip(tmp_path / "S.zip", e4_made.files())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("EDA.csv")
    content = bytearray(path.read_bytes())
    at = member.header_offset + 30 + len("EDA.csv") + member.compress_size // 2
    content[at : at + 20] = b"\0" * 20
    path.write_bytes(bytes(content))
    source = e4_source.read(path)
    assert [s.file for s in source.skipped] == ["EDA.csv"]
    assert source.rows["e4.bvp"] == 1920


@pytest.mark.parametrize("cut", [0, 10, 1000, -30])
def test_a_truncated_or_empty_zip_is_refused(tmp_path, cut):
    path = e4_made.write_zip(tmp_path / "S.zip", e4_made.files())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        RecordingUnreadable, match="cannot be read as a zip" if cut else "is empty; fetch it again"
    ):
        e4_source.read(path)


def test_several_sessions_in_one_folder_are_named(tmp_path):
    for name in ("S01", "S02"):
        e4_made.write_folder(tmp_path / "all" / name, e4_made.files(2))
    with pytest.raises(RecordingUnreadable, match=r"2 sessions \(S01, S02\).*another subject"):
        e4_source.read(tmp_path / "all")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("S01", "S02"):
            archive.writestr(f"{name}/EDA.csv", e4_made.files(2)["EDA.csv"])
    with pytest.raises(RecordingUnreadable, match=r"2 sessions \(S01, S02\)"):
        e4_source.read(tmp_path / "two.zip")


def test_a_second_file_of_one_name_is_named(tmp_path):
    texts = e4_made.files(2) | {"eda.CSV": "1551453301\n4\n9.9\n"}
    source = e4_source.read(e4_made.write_folder(tmp_path / "S", texts))
    assert len(source.skipped) == 1
    assert "second EDA.csv" in source.skipped[0].why


def test_tags_far_outside_are_counted(tmp_path):
    texts = e4_made.files() | {"tags.csv": "17\n1551453305\nx\n"}
    source = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    assert source.rejected == {"tags.csv": {"no-number": 1, "out-of-range": 1}}
    assert len(source.moments) == 1


def test_acceleration_that_is_no_count_is_left_out(tmp_path):
    texts = e4_made.files() | {
        "ACC.csv": "1551453301,1551453301,1551453301\n32,32,32\n1,2,3\n1.5,2,3\n9,9,99999\n4,5,6\n"
    }
    source = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    assert source.rejected == {"ACC.csv": {"out-of-range": 2}}
    acc = next(w for w in source.waveforms if w.info.role == "acc")
    assert (acc.values.tolist(), len(acc.breaks)) == ([[1, 2, 3], [4, 5, 6]], 1)


def test_button_presses_of_two_subjects_are_named(tmp_path):
    texts = e4_made.files(2) | {"tags_S01.csv": "1551453302\n", "tags_S02.csv": "1551453302\n"}
    for path in (e4_made.write_folder(tmp_path / "S", texts), e4_made.write_zip(tmp_path / "S.zip", texts)):
        with pytest.raises(RecordingUnreadable, match="S01 and of S02"):
            e4_source.read(path)


def test_rows_of_nan_are_gaps_and_no_fault(tmp_path):
    texts = e4_made.files(4)
    rows = texts["EDA.csv"].split("\n")
    rows[5] = rows[6] = "nan"
    rows[10] = "x"
    texts["EDA.csv"] = "\n".join(rows)
    source, stored = imported(e4_made.write_zip(tmp_path / "S.zip", texts), tmp_path / "x")
    assert source.rejected == {"EDA.csv": {"no-number": 1}}
    assert [(g.cause, g.n_missing) for g in stored.gaps("e4.eda")] == [("not-in-file", 2), ("unreadable", 1)]


ABOUT = '{"warning": "%s", "devices": [{"device_id": "e4", "simulated": %s}]}'


@pytest.mark.parametrize(
    ("said", "simulated"),
    [
        ({"about.json": ABOUT % ("SIMULATED / TRAINING", "false")}, True),
        ({"about.json": ABOUT % ("", "true")}, True),
        ({"info.txt": "SIMULATED: nobody was measured"}, True),
        ({"about.json": ABOUT % ("", "false")}, False),
        ({"about.json": "{"}, False),
        ({"about.json": "[1]"}, False),
        ({}, False),
    ],
)
def test_simulated_is_said_on(tmp_path, said, simulated):
    texts = e4_made.files(2) | said
    for path in (e4_made.write_zip(tmp_path / "S.zip", texts), e4_made.write_folder(tmp_path / "S", texts)):
        source = e4_source.read(path)
        assert source.simulated == simulated
        assert all((w.info.origin == "simulated") == simulated for w in source.waveforms)


def test_files_of_another_recording_are_skipped_by_name(tmp_path):
    other = e4_made.files(2, e4_made.START_S + 86400)
    texts = e4_made.files() | {name: other[name] for name in ("EDA.csv", "HR.csv", "IBI.csv")}
    source = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    assert [s.file for s in source.skipped] == ["EDA.csv", "HR.csv", "IBI.csv"]
    assert all("2019-03-02" in s.why and "another recording" in s.why for s in source.skipped)
    assert set(source.rows) == {"e4.bvp", "e4.acc", "e4.temp"}
    assert source.span_wall_ns[1] - source.span_wall_ns[0] < 31 * 10**9


def test_beats_far_outside_are_counted(tmp_path):
    texts = e4_made.files() | {"IBI.csv": "1551453301.000000, IBI\n2.5,0.8\n9000000,0.8\n"}
    source = e4_source.read(e4_made.write_zip(tmp_path / "S.zip", texts))
    assert source.rejected == {"IBI.csv": {"out-of-range": 1}}


def test_zips_in_a_zip_are_named(tmp_path):
    inner = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(1))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as outer:
        outer.write(inner, "S01.zip")
    with pytest.raises(RecordingUnreadable, match=r"other zips \(S01\.zip\).*unzip it and choose one"):
        e4_source.read(tmp_path / "all.zip")


def test_a_locked_zip_says_so(tmp_path):
    path = e4_made.write_zip(tmp_path / "S.zip", e4_made.files(1))
    octets = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = octets.find(mark)
        while at >= 0:
            octets[at + flags] |= 1
            at = octets.find(mark, at + 4)
    path.write_bytes(octets)
    with pytest.raises(RecordingUnreadable, match="is locked with a password; unpack it"):
        e4_source.read(path)


def test_a_zip_of_damaged_members_names_them(tmp_path):
    path = e4_made.write_zip(tmp_path / "S.zip", {"BVP.csv": e4_made.files(30)["BVP.csv"]})
    octets = bytearray(path.read_bytes())
    octets[200] ^= 0xFF
    path.write_bytes(octets)
    with pytest.raises(RecordingUnreadable, match=r"BVP\.csv: damaged in the zip"):
        e4_source.read(path)
