"""WFDB records become sessions: the file's own whole numbers, gaps as gaps, notes as markers. wfdb writes them."""

import warnings
from datetime import UTC, datetime

import numpy as np
import pytest

from recorder import session
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange.into_session import write_session
from recorder.exchange.sources import wfdb_source
from recorder.exchange.sources.local_time import wall_ns_of
from recorder.schema import Subject

wfdb = pytest.importorskip("wfdb")
FS = 125.0
BEGIN = datetime(2025, 1, 31, 9, 5, 7)


def utc(moment):
    return wall_ns_of(moment, "Europe/Berlin", whose="x")


def write(folder, name, digital, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = {"fs": FS, "units": ["mmHg", "NU"], "sig_name": ["ABP", "PLETH"], "fmt": ["16", "16"]}
        known |= {"adc_gain": [16.0, 4096.0], "baseline": [-800, 0]}
        wfdb.wrsamp(name, d_signal=digital, write_dir=str(folder), **(known | more))
    return folder / f"{name}.hea"


def ramp(n, start=0):
    return np.stack([np.arange(start, start + n) % 3000, np.arange(n) % 500], axis=1).astype(np.int64)


def read(header):
    return wfdb_source.read(header, utc, 0, "Europe/Berlin")


def test_whole_numbers_scales_and_times(tmp_path):
    digital = ramp(2000)
    digital[500:520, 0] = -32768  # no sample
    header = write(tmp_path, "r1", digital, base_datetime=BEGIN)
    source = read(header)
    head = session.SessionHeader("c" * 32, "import", 0, subject=Subject("P-1"))
    write_session(tmp_path / "x", head, source.devices, source.waveforms, source.numerics, source.moments)
    assert session.verify(tmp_path / "x").ok
    with session.open(tmp_path / "x") as stored:
        assert stored.start_wall_ns == datetime(2025, 1, 31, 8, 5, 7, tzinfo=UTC).timestamp() * 1e9
        abp, pleth = stored.read("wfdb.abp"), stored.read("wfdb.pleth")
        assert (abp.info.role, abp.units, pleth.info.role) == ("abp_wave", ("mmHg",), "ppg")
        kept = np.r_[0:500, 520:2000]
        np.testing.assert_array_equal(abp.raw[:, 0], digital[kept, 0])
        np.testing.assert_allclose(abp.values[:, 0], (digital[kept, 0] + 800) / 16)
        np.testing.assert_allclose(abp.time_s, kept / FS, atol=1e-9)
        assert [(g.cause, g.n_missing) for g in abp.gaps] == [("not-in-file", 20)]
        np.testing.assert_array_equal(pleth.raw[:, 0], digital[:, 1])


def test_beats_are_rows_and_words_are_markers(tmp_path):
    header = write(tmp_path, "r1", ramp(2000))
    at, symbols = np.array([10, 100, 225, 350]), ["+", "N", "V", '"']
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrann(
            "r1", "atr", at, symbols, fs=FS, aux_note=["(AFIB", "", "", "cough"], write_dir=str(tmp_path)
        )
    source = read(header)
    (beats,) = source.numerics
    assert (beats.wall_ns.tolist(), [chr(c) for c in beats.values[:, 0]]) == (
        [800_000_000, 1_800_000_000],
        ["N", "V"],
    )
    said = [(m.wall_ns, m.payload["label"], m.payload["source"]) for m in source.moments]
    assert said == [(80_000_000, "(AFIB", "wfdb:atr"), (2_800_000_000, "cough", "wfdb:atr")]


def multi(tmp_path, *segments):
    lines = [f"m/{len(segments)} 2 125 {sum(n for _, n in segments)} 09:05:07 31/01/2025"]
    (tmp_path / "m.hea").write_text("\n".join([*lines, *(f"{name} {n}" for name, n in segments), ""]))
    return tmp_path / "m.hea"


def test_segments_that_are_absent_are_gaps(tmp_path):
    for k, start in ((1, 0), (2, 1000), (4, 2000)):
        write(tmp_path, f"m_{k}", ramp(1000, start))
    (tmp_path / "m_2.dat").unlink()
    source = read(multi(tmp_path, ("m_1", 1000), ("m_2", 1000), ("~", 500), ("m_3", 250), ("m_4", 1000)))
    abp = source.waveforms[0]
    assert [(b.index, b.wall_ns - abp.first_wall_ns) for b in abp.breaks] == [(1000, 22_000_000_000)]
    assert len(abp.values) == 2000
    assert [s.file for s in source.skipped] == ["m_2.dat", "m_3.hea"]


def test_segments_of_different_gain_become_physical_values(tmp_path):
    write(tmp_path, "m_1", ramp(1000))
    write(tmp_path, "m_2", ramp(1000), adc_gain=[8.0, 4096.0])
    source = read(multi(tmp_path, ("m_1", 1000), ("m_2", 1000)))
    abp, pleth = source.waveforms
    assert (abp.info.dtype, pleth.info.dtype) == ("float32", "int16")
    wanted = np.concatenate([(ramp(1000)[:, 0] + 800) / 16, (ramp(1000)[:, 0] + 800) / 8])
    np.testing.assert_allclose(abp.values[:, 0], wanted, rtol=1e-6)


def test_dates(tmp_path):
    plain = read(write(tmp_path, "r1", ramp(100)))
    assert (plain.zone, plain.span_wall_ns[0]) == ("", 0)
    header = write(tmp_path, "r2", ramp(100), base_datetime=datetime(2704, 1, 1))
    assert any("2704" in note for note in read(header).notes)
    dated = write(tmp_path, "r3", ramp(100), base_datetime=BEGIN)
    with pytest.raises(ConfigError, match="--zone"):
        wfdb_source.read(dated, lambda local: wall_ns_of(local, "", whose="r3"), 0, "")


def test_simulated_is_said_on(tmp_path):
    source = read(write(tmp_path, "r1", ramp(100), comments=["SIMULATED: the physiology model"]))
    assert source.simulated
    assert all(w.info.origin == "simulated" for w in source.waveforms)


@pytest.mark.parametrize(
    "text", ["", "x", "r 1 125", "r/2 1 125 100\n", "r 1 0 100\nr.dat 16\n", "\x00" * 50]
)
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "r.hea").write_text(text)
    with pytest.raises(RecordingUnreadable, match=r"r\.hea"):
        read(tmp_path / "r.hea")


@pytest.mark.parametrize("name", ["../secret.dat", "/etc/passwd", "a/b.dat", "..\\x.dat"])
def test_a_header_that_points_outside_is_refused(tmp_path, name):
    (tmp_path / "r.hea").write_text(f"r 1 125 100\n{name} 16 200 16 0 0 0 0 ABP\n")
    with pytest.raises(RecordingUnreadable):
        read(tmp_path / "r.hea")


@pytest.mark.parametrize(
    ("fmt", "octets", "whole"), [("16", 4000, 1000), ("212", 4000, 1333), ("24", 601, 100)]
)
def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path, fmt, octets, whole):
    header = write(tmp_path, "r1", ramp(2000) % 500, fmt=[fmt, fmt])
    content = header.with_suffix(".dat").read_bytes()
    header.with_suffix(".dat").write_bytes(content[:octets])
    source = read(header)
    assert [len(wave.values) for wave in source.waveforms] == [whole, whole]
    assert source.waveforms[0].values[:, 0].tolist() == (np.arange(whole) % 500).tolist()
    assert source.rejected == {"r1.dat": {"cut-off": 2000 - whole}}
    header.with_suffix(".dat").write_bytes(b"")
    with pytest.raises(RecordingUnreadable, match=r"r1\.dat: is cut off before its first sample"):
        read(header)


def test_a_length_nobody_can_hold_is_not_made_room_for(tmp_path):
    header = write(tmp_path, "r1", ramp(100))
    header.write_text(header.read_text().replace(" 100\n", " 999999999999\n", 1))
    assert [len(wave.values) for wave in read(header).waveforms] == [100, 100]


def test_two_signals_of_one_name_are_two_streams(tmp_path):
    for k in (1, 2):
        header = write(tmp_path, f"m_{k}", ramp(1000, 1000 * (k - 1)), units=["mmHg", "mmHg"])
        header.write_text(header.read_text().replace("PLETH", "ABP"))
    source = read(multi(tmp_path, ("m_1", 1000), ("m_2", 1000)))
    assert [wave.info.stream_id for wave in source.waveforms] == ["wfdb.abp", "wfdb.abp_2"]
    assert [len(wave.values) for wave in source.waveforms] == [2000, 2000]
    assert source.rejected == {}


def test_damaged_annotations_are_named_and_the_samples_taken(tmp_path):
    header = write(tmp_path, "r1", ramp(2000))
    for seed in range(40):
        header.with_suffix(".atr").write_bytes(np.random.default_rng(seed).bytes(200))
        assert len(read(header).waveforms) == 2
    header.with_suffix(".atr").write_bytes(b"\x01")
    assert [s.file for s in read(header).skipped] == ["r1.atr"]


def test_cut_annotations_are_read_as_far_as_they_go(tmp_path):
    header = write(tmp_path, "r1", ramp(2000))
    wfdb.wrann("r1", "atr", np.arange(10, 1000, 90), ["N"] * 11, fs=FS, write_dir=str(tmp_path))
    whole = header.with_suffix(".atr").read_bytes()
    assert read(header).rows["wfdb.atr"] == 11 and not any("cut" in note for note in read(header).notes)
    header.with_suffix(".atr").write_bytes(whole[:-6])
    source = read(header)
    assert source.rows["wfdb.atr"] == 9
    assert any("r1.atr: was cut" in note for note in source.notes)


def test_segments_of_a_length_nobody_records_are_refused(tmp_path):
    write(tmp_path, "m_1", ramp(1000))
    with pytest.raises(RecordingUnreadable, match="longer than a year"):
        read(multi(tmp_path, ("~", 19_999_999_999_900), ("m_1", 1000)))
