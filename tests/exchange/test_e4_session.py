"""E4 zips and folders: whole, lacking files, and hostile."""

import zipfile

import numpy as np
import pytest

from recorder.errors import RecordingUnreadable
from recorder.exchange import read_recording
from recorder.exchange.sources import e4_files

FILES = {
    "BVP.csv": "1551453301.00\n64.000000\n" + "".join(f"{n / 4:.2f}\n" for n in range(640)),
    "ACC.csv": "1551453302.0, 1551453302.0, 1551453302.0\n32.0, 32.0, 32.0\n" + "-1,65,5\n" * 320,
    "EDA.csv": "1551453301.000000\n4.000000\n" + "0.250000\n" * 40,
    "TEMP.csv": "1551453301.000000\n4.000000\n" + "33.41\n" * 40,
    "HR.csv": "1551453311.000000\n1.000000\n71.0\n72.5\n",
    "IBI.csv": "1551453301.000000, IBI\n2.5,0.8\n",
    "info.txt": "words",
}


def write_zip(path, files, folder=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(folder + name, text)
    return path


def check(recording):
    assert recording.source == "e4"
    assert set(recording.signals) == {"bvp", "acc", "eda", "temp"}
    bvp, acc = recording.signals["bvp"], recording.signals["acc"]
    assert (bvp.rate_hz, bvp.t0_s, len(bvp.values)) == (64.0, 0.0, 640)
    np.testing.assert_array_equal(bvp.values[:3], [0.0, 0.25, 0.5])
    assert (acc.t0_s, acc.unit) == (1.0, "g")
    np.testing.assert_array_equal(acc.values[0], [-0.015625, 1.015625, 0.078125])
    assert recording.start_wall_ns == 1551453301_000_000_000
    np.testing.assert_array_equal(recording.intervals_s, [[2.5, 0.8]])
    hr = recording.numerics["E4/HR"]
    assert (hr.parameter, hr.t_s.tolist(), hr.values.tolist()) == ("HR", [10.0, 11.0], [71.0, 72.5])
    assert recording.facts()["ppg_unit"] == "e4"


@pytest.mark.parametrize("folder", ["", "S01/", "deep/S01/"])
def test_a_zip(tmp_path, folder):
    files = FILES | {"tags_S01.csv": "1551453305\r\n1551453303.5\r\n"}
    recording = read_recording(write_zip(tmp_path / "S01.zip", files, folder))
    check(recording)
    assert [(m.t_s, m.kind) for m in recording.moments] == [(2.5, "tag"), (4.0, "tag")]
    assert recording.notes == ()


def test_a_folder(tmp_path):
    for name, text in (FILES | {"tags.csv": ""}).items():
        (tmp_path / name).write_text(text)
    recording = read_recording(tmp_path)
    check(recording)
    assert recording.moments == ()


def test_files_may_be_absent_or_empty(tmp_path):
    files = {"BVP.csv": FILES["BVP.csv"], "EDA.csv": "", "IBI.csv": ""}
    recording = read_recording(write_zip(tmp_path / "x.zip", files))
    assert set(recording.signals) == {"bvp"}
    assert recording.intervals_s.shape == (0, 2)
    assert any("TEMP.csv" in note for note in recording.notes)


def test_bad_rows_are_told(tmp_path):
    files = FILES | {"EDA.csv": "10\n4\n0.1\nx\n0.2\n", "IBI.csv": "10, IBI\n1,x\n"}
    notes = read_recording(write_zip(tmp_path / "x.zip", files)).notes
    assert any("EDA.csv: 1 row" in note for note in notes)
    assert any("IBI.csv: 1 row" in note for note in notes)


@pytest.mark.parametrize("name", ["../BVP.csv", "/BVP.csv", "a/../../BVP.csv", "..\\BVP.csv", "C:/BVP.csv"])
def test_a_member_that_points_outside_is_refused(tmp_path, name):
    with pytest.raises(RecordingUnreadable, match="points outside"):
        read_recording(write_zip(tmp_path / "evil.zip", {name: FILES["BVP.csv"]}))


def test_a_bomb_is_refused_without_unpacking_it(tmp_path, monkeypatch):
    monkeypatch.setattr(e4_files, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(RecordingUnreadable, match="unpacks to more"):
        read_recording(write_zip(tmp_path / "bomb.zip", {"BVP.csv": "1\n64\n" + "0\n" * 10_000}))
    monkeypatch.setattr(e4_files, "MAX_TOTAL_BYTES", 100)
    with pytest.raises(RecordingUnreadable, match="unpacks to more"):
        read_recording(write_zip(tmp_path / "many.zip", {n: t[:600] for n, t in FILES.items()}))


def test_a_file_too_large_for_a_session_is_refused(tmp_path, monkeypatch):
    (tmp_path / "BVP.csv").write_text(FILES["BVP.csv"])
    monkeypatch.setattr(e4_files, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(RecordingUnreadable, match="larger than"):
        read_recording(tmp_path)


def test_two_sessions_in_one_zip_are_not_guessed(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for folder in ("S01/", "S02/"):
            archive.writestr(folder + "BVP.csv", FILES["BVP.csv"])
    with pytest.raises(RecordingUnreadable, match="2 sessions"):
        read_recording(tmp_path / "two.zip")


def test_what_a_mac_adds_is_passed_over(tmp_path):
    path = write_zip(tmp_path / "x.zip", FILES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._BVP.csv", b"\x00\x05\x16\x07")
    recording = read_recording(path)
    check(recording)
    assert recording.notes == ()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"hello" * 100])
def test_what_is_no_zip_is_named(tmp_path, content):
    path = tmp_path / "broken.zip"
    path.write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=r"broken\.zip"):
        read_recording(path)


def test_a_damaged_member_is_named(tmp_path):
    path = write_zip(tmp_path / "torn.zip", FILES)
    octets = bytearray(path.read_bytes())
    octets[60:90] = b"\x00" * 30
    path.write_bytes(bytes(octets))
    with pytest.raises(RecordingUnreadable, match=r"torn\.zip"):
        read_recording(path)


def test_a_session_without_a_sample_is_refused(tmp_path):
    with pytest.raises(RecordingUnreadable, match="no sample"):
        read_recording(write_zip(tmp_path / "x.zip", {"BVP.csv": "1\n64\n", "info.txt": "x"}))


def test_the_file_and_its_fault_are_named(tmp_path):
    with pytest.raises(RecordingUnreadable, match=r"x\.zip, EDA\.csv: the rate"):
        read_recording(write_zip(tmp_path / "x.zip", FILES | {"EDA.csv": "1\nfast\n2\n"}))
