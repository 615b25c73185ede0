"""Waves with gaps and the monitor's numerics beside them."""

import gzip
import json

import numpy as np
import pytest

from recorder.errors import RecordingUnreadable
from recorder.exchange import read_recording
from recorder.exchange.sources.surgery import with_gaps


@pytest.fixture
def record(tmp_path):
    arrays = {}
    for name, rate_hz in (("ABP", 125.0), ("PLETH", 125.0), ("CVP", 125.0), ("ECG_II", 500.0)):
        n = round(20 * rate_hz)
        arrays |= {
            name: np.arange(n, dtype=np.float32),
            f"{name}_fs": rate_hz,
            f"{name}_t0": 0.0,
            f"{name}_gap_idx": np.array([n // 2 - 1]),
            f"{name}_gap_len_s": np.array([1.6 + 1 / rate_hz]),
        }
    np.savez(tmp_path / "wt09_waves.npz", **arrays)
    rows = "t_s,device,name,value\n20.5,EV1000,CO,5.1\n0.5,EV1000,CO,5.0\n"
    rows += "0.5,EV1000,SVI,40\n1.0,Intellivue,ABP_SYS,120\n"
    (tmp_path / "wt09_numerics.csv.gz").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "wt09_meta.json").write_text(json.dumps({"Age": 53.0, "Patient_height": 188.0}))
    return tmp_path / "wt09_waves.npz"


def test_everything_is_read(record):
    recording = read_recording(record)
    assert set(recording.signals) == {"abp", "bvp", "cvp", "ecg"}
    assert recording.signals["abp"].unit == "mmHg"
    assert (recording.subject.age_y, recording.subject.height_cm) == (53.0, 188.0)
    co = recording.numerics["EV1000/CO"]
    assert (co.parameter, co.t_s.tolist(), co.values.tolist()) == ("CO", [0.5, 20.5], [5.0, 5.1])
    assert recording.numerics["EV1000/SVI"].parameter == "SI"
    assert recording.numerics["Intellivue/ABP_SYS"].parameter == "SBP"
    assert recording.duration_s == pytest.approx(21.6)


@pytest.mark.parametrize("role", ["abp", "ecg"])
def test_a_gap_is_a_gap_of_its_length_at_its_place(record, role):
    signal = read_recording(record).signals[role]
    missing = np.isnan(signal.values)
    assert missing.sum() == round(1.6 * signal.rate_hz)
    first = int(np.argmax(missing))
    assert first / signal.rate_hz == 10.0
    assert signal.values[first - 1] == first - 1
    assert signal.values[first + missing.sum()] == first


def test_a_gap_off_the_grid_is_told():
    values = np.arange(10, dtype=np.float32)
    joined, moved_s = with_gaps(values, 100.0, np.array([4, 7]), np.array([0.0337, 0.01]))
    assert np.isnan(joined).sum() == 2
    assert moved_s == pytest.approx([0.0037, 0.0])
    np.testing.assert_array_equal(joined[np.isfinite(joined)], values)


def test_the_files_beside_it_may_be_absent(record):
    record.with_name("wt09_numerics.csv.gz").unlink()
    record.with_name("wt09_meta.json").unlink()
    recording = read_recording(record)
    assert recording.numerics == {}
    assert recording.subject.age_y is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("wt09_waves.npz", b"no zip"),
        ("wt09_numerics.csv.gz", b"no gzip"),
        ("wt09_numerics.csv.gz", gzip.compress(b"t_s,device,name,value\nnow,EV1000,CO,x\n", mtime=0)),
        ("wt09_numerics.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)),
        ("wt09_meta.json", b"{"),
        ("wt09_meta.json", b"[]"),
    ],
)
def test_a_damaged_file_is_named(record, name, content):
    record.with_name(name).write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=name.replace(".", r"\.")):
        read_recording(record)


@pytest.mark.parametrize("length_s", [np.inf, np.nan, 1e15])
def test_a_gap_without_end_is_refused(tmp_path, length_s):
    arrays = {
        "ABP": np.zeros(9),
        "ABP_fs": 125.0,
        "ABP_t0": 0.0,
        "ABP_gap_idx": [3],
        "ABP_gap_len_s": [length_s],
    }
    np.savez(tmp_path / "x_waves.npz", **arrays)
    with pytest.raises(RecordingUnreadable, match="ABP"):
        read_recording(tmp_path / "x_waves.npz")


def test_another_kind_of_npz_is_refused(tmp_path):
    np.savez(tmp_path / "pictures.npz", picture=np.zeros(3))
    with pytest.raises(RecordingUnreadable, match="holds none of ABP"):
        read_recording(tmp_path / "pictures.npz")
    np.savez(tmp_path / "rateless.npz", ABP=np.zeros(3))
    with pytest.raises(RecordingUnreadable, match="ABP_fs"):
        read_recording(tmp_path / "rateless.npz")
