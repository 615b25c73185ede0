"""WFDB records of one segment and of many, written here by hand."""

import gzip

import numpy as np
import pytest

from recorder.errors import RecordingUnreadable
from recorder.exchange import read_recording
from recorder.exchange.sources.wfdb_record import read, role_of

pytest.importorskip("wfdb")

RATE_HZ, GAIN = 125.0, 100


def write(folder, name, seconds=8.0, channels=("ABP", "PLETH", "II"), level=80.0):
    n = round(seconds * RATE_HZ)
    t_s = np.arange(n) / RATE_HZ
    signals = np.stack([level + 20 * np.sin(2 * np.pi * 1.2 * t_s + k) for k in range(len(channels))], axis=1)
    counts = np.rint(signals * GAIN).astype("<i2")
    (folder / f"{name}.dat").write_bytes(counts.tobytes())
    lines = [f"{name} {len(channels)} {RATE_HZ:g} {n}"]
    for k, channel in enumerate(channels):
        total = int(np.sum(counts[:, k].astype(np.int64)) % 65536)
        lines.append(f"{name}.dat 16 {GAIN}(0)/mmHg 16 0 {counts[0, k]} {total} 0 {channel}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    return signals


def join(folder, segments):
    total = sum(n for _, n in segments)
    lines = [f"long/{len(segments)} 3 {RATE_HZ:g} {total}", *(f"{name} {n}" for name, n in segments)]
    (folder / "long.hea").write_text("\n".join(lines) + "\n")
    return folder / "long.hea"


def test_one_segment(tmp_path):
    signals = write(tmp_path, "one")
    for path in (tmp_path / "one", tmp_path / "one.hea"):
        recording = read_recording(path)
        assert set(recording.signals) == {"abp", "bvp"}
        abp = recording.signals["abp"]
        assert (abp.rate_hz, abp.t0_s, abp.unit) == (RATE_HZ, 0.0, "mmHg")
        np.testing.assert_allclose(abp.values, signals[:, 0], atol=0.01)
        np.testing.assert_allclose(recording.signals["bvp"].values, signals[:, 1], atol=0.01)


def test_the_ecg_is_read_when_asked_for(tmp_path):
    write(tmp_path, "one")
    assert set(read(tmp_path / "one.hea", roles=("ecg",)).signals) == {"ecg"}


def test_a_folder_named_like_its_record(tmp_path):
    folder = tmp_path / "rec7"
    folder.mkdir()
    write(folder, "rec7")
    assert set(read_recording(folder).signals) == {"abp", "bvp"}


def test_segments_gaps_and_absent_files(tmp_path):
    n = round(8 * RATE_HZ)
    first, third = write(tmp_path, "s1"), write(tmp_path, "s3", level=95.0)
    write(tmp_path, "s4")
    (tmp_path / "s4.dat").unlink()
    header = join(tmp_path, [("s1", n), ("~", 250), ("s2", n), ("s3", n), ("s4", n)])
    recording = read_recording(header)
    abp = recording.signals["abp"].values
    assert len(abp) == 3 * n + 250
    np.testing.assert_allclose(abp[:n], first[:, 0], atol=0.01)
    assert np.isnan(abp[n : 2 * n + 250]).all()
    np.testing.assert_allclose(abp[2 * n + 250 :], third[:, 0], atol=0.01)
    assert any("s4.dat" in note for note in recording.notes)


def test_a_part_is_read(tmp_path):
    n = round(8 * RATE_HZ)
    signals = write(tmp_path, "s1"), write(tmp_path, "s2", level=95.0)
    header = join(tmp_path, [("s1", n), ("s2", n)])
    abp = read_recording(header, span_s=(6.0, 10.0)).signals["abp"]
    assert (abp.t0_s, len(abp.values)) == (6.0, round(4 * RATE_HZ))
    both = np.concatenate([signals[0][:, 0], signals[1][:, 0]])
    np.testing.assert_allclose(abp.values, both[round(6 * RATE_HZ) : round(10 * RATE_HZ)], atol=0.01)


def test_a_signal_that_begins_later_says_when(tmp_path):
    n = round(8 * RATE_HZ)
    write(tmp_path, "s1", channels=("PLETH", "II"))
    write(tmp_path, "s2")
    signals = read_recording(join(tmp_path, [("s1", n), ("s2", n)])).signals
    assert (signals["bvp"].t0_s, signals["abp"].t0_s) == (0.0, 8.0)
    assert signals["bvp"].ends_s == signals["abp"].ends_s == 16.0


def test_numerics_in_counter_ticks(tmp_path):
    write(tmp_path, "one")
    header = (tmp_path / "one.hea").read_text().replace(" 125 ", " 125/1000 ", 1)
    (tmp_path / "one.hea").write_text(header)
    rows = '"time","HR [bpm]","SpO2 [%]"\n500,71,\n1500,,97\n2500,73,98\n'
    (tmp_path / "onen.csv.gz").write_bytes(gzip.compress(rows.encode()))
    numerics = read_recording(tmp_path / "one").numerics
    hr = numerics["HR [bpm]"]
    assert (hr.parameter, hr.t_s.tolist(), hr.values.tolist()) == ("HR", [0.5, 2.5], [71.0, 73.0])
    assert numerics["SpO2 [%]"].values.tolist() == [97.0, 98.0]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("ABP", "abp"),
        ("ART", "abp"),
        ("Pleth", "bvp"),
        ("PLETH", "bvp"),
        ("CVP", "cvp"),
        ("RESP", "resp"),
        ("II", "ecg"),
        ("MCL1", "ecg"),
        ("V", "ecg"),
        ("PAP", None),
        ("Perf", None),
    ],
)
def test_a_channel_is_known_by_its_name(name, role):
    assert role_of(name) == role


def test_damage_is_named(tmp_path):
    (tmp_path / "bad.hea").write_bytes(b"\xff\xfe nonsense\n")
    with pytest.raises(RecordingUnreadable, match=r"bad\.hea"):
        read_recording(tmp_path / "bad.hea")
    write(tmp_path, "one")
    (tmp_path / "one.dat").unlink()
    with pytest.raises(RecordingUnreadable, match=r"one\.hea: holds no sample"):
        read_recording(tmp_path / "one")
    write(tmp_path, "ecg", channels=("II",))
    with pytest.raises(RecordingUnreadable, match="holds no sample"):
        read_recording(tmp_path / "ecg")


def test_a_gap_longer_than_memory_is_refused(tmp_path):
    n = round(8 * RATE_HZ)
    write(tmp_path, "s1")
    header = join(tmp_path, [("s1", n), ("~", 10**15), ("s1", n)])
    with pytest.raises(RecordingUnreadable, match=r"long\.hea"):
        read_recording(header)


def test_a_torn_data_file_is_named(tmp_path):
    write(tmp_path, "one")
    (tmp_path / "one.dat").write_bytes((tmp_path / "one.dat").read_bytes()[:100])
    with pytest.raises(RecordingUnreadable, match=r"one\.hea"):
        read_recording(tmp_path / "one")
