"""EDF, EDF+ and BDF become sessions: whole numbers and scales kept, gaps as gaps, no name. edfio is the oracle."""

from datetime import UTC, date, datetime, time

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview import cli
from recorder import session
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange import edf_file
from recorder.exchange.edf_file import NotEdf
from recorder.exchange.sources import edf_source
from recorder.exchange.sources.local_time import wall_ns_of

SECRET = "Zhang_San"


def signals(seconds=20):
    rng = np.random.default_rng(3)
    pulse = edfio.EdfSignal(rng.normal(size=seconds * 64), 64, label="PLETH", physical_dimension="NU")
    wave = edfio.EdfSignal(rng.uniform(40, 180, seconds * 100), 100, label="ABP", physical_dimension="mmHg")
    return [pulse, wave]


def write(path, some=None, **more):
    notes = [edfio.EdfAnnotation(3.25, None, "arm move"), edfio.EdfAnnotation(7, 2.5, "artefact")]
    recording = {"starttime": time(9, 5, 7, 500000), "annotations": notes}
    named = edfio.Recording(startdate=date(2025, 1, 31))
    patient = edfio.Patient(name=SECRET, birthdate=date(1970, 1, 2))
    edf = edfio.Edf(some or signals(), patient=patient, recording=named, **(recording | more))
    edf.write(path)
    return path, edf


def utc(moment):
    return wall_ns_of(moment, "Europe/Berlin", whose="x")


def read(path):
    return edf_source.read(path, utc, 0, "Europe/Berlin")


def test_end_to_end(tmp_path, capsys):
    path, edf = write(tmp_path / "a.edf")
    out = tmp_path / "x"
    words = ["import", "--edf", str(path), "--subject", "P-1", "--zone", "Europe/Berlin", "--out", str(out)]
    assert cli.main(words) == 0
    assert session.verify(out).ok
    start = datetime(2025, 1, 31, 8, 5, 7, 500000, tzinfo=UTC)
    with session.open(out) as stored:
        assert stored.start_wall_ns == start.timestamp() * 1e9
        assert {name: info.role for name, info in stored.streams.items()} == {
            "edf.pleth": "ppg",
            "edf.abp": "abp_wave",
        }
        for stream, wanted in zip(("edf.pleth", "edf.abp"), edf.signals, strict=True):
            found = stored.read(stream)
            np.testing.assert_array_equal(found.raw[:, 0], wanted.digital)
            np.testing.assert_allclose(found.values[:, 0], wanted.data, atol=1e-9)
            np.testing.assert_allclose(
                found.time_s, np.arange(len(wanted.digital)) / wanted.sampling_frequency, atol=1e-9
            )
        marks = [(stored.t_s(e.t_host_ns, 0), e.payload) for e in stored.events("marker")]
        assert marks == [
            (3.25, {"label": "arm move", "source": "edf"}),
            (7.0, {"label": "artefact", "source": "edf", "duration_s": 2.5}),
        ]
        assert stored.events("import")[0].payload["zone"] == "Europe/Berlin"
    written = b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file())
    assert SECRET.encode() not in written
    assert b"1970" not in (out / "session.json").read_bytes()


def test_no_zone_is_asked_for(tmp_path):
    path, _ = write(tmp_path / "a.edf")
    with pytest.raises(ConfigError, match="--zone"):
        edf_source.read(path, lambda local: wall_ns_of(local, "", whose=str(path)), 0, "")


def discontinuous(path, onsets):
    """A file of EDF+D whose data records begin at ``onsets``; written by hand, as the standard says."""
    n, label = len(onsets), "EDF Annotations"
    fields = [
        ("ABP", label), ("", ""), ("mmHg", ""), ("0", "-1"), ("200", "1"), ("-32768", "-32768"), ("32767", "32767"),
        ("", ""), ("50", "20"), ("", ""),
    ]  # fmt: skip
    head = f"{'0':8}{'X X X X':80}{'Startdate 31-JAN-2025 X X X':80}31.01.2509.05.07"
    head += f"{768:<8}{'EDF+D':44}{n:<8}{1:<8}{2:<4}"
    sizes = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    table = "".join(f"{text:{size}}" for pair, size in zip(fields, sizes, strict=True) for text in pair)
    content = (head + table).encode()
    for k, onset in enumerate(onsets):
        content += np.arange(50 * k, 50 * k + 50, dtype="<i2").tobytes()
        content += f"+{onset}\x14\x14\0".encode().ljust(40, b"\0")
    path.write_bytes(content)
    return path


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.0, 0.5, 3.25, 100.0]), min_size=1, max_size=12))
def test_gaps_of_edf_plus_d_are_gaps(tmp_path_factory, pauses):
    onsets = np.cumsum([0.0, *(1 + pause for pause in pauses)]).tolist()
    path = discontinuous(tmp_path_factory.mktemp("d") / "d.edf", onsets)
    (wave,) = read(path).waveforms
    assert len(wave.breaks) == sum(pause > 0 for pause in pauses)
    times = [(t - wave.first_wall_ns) / 1e9 + (k - a) / 50 for a, b, t in wave.runs for k in range(a, b)]
    np.testing.assert_allclose(times, [o + k / 50 for o in onsets for k in range(50)], atol=1e-9)
    assert wave.values[:, 0].tolist() == list(range(50 * len(onsets)))


def test_a_record_that_begins_before_the_last_ended_is_left_out_and_counted(tmp_path):
    source = read(discontinuous(tmp_path / "d.edf", [0.0, 1.0, 0.5, 2.0]))
    assert source.rejected == {"ABP": {"overlaps": 50}}
    assert len(source.waveforms[0].values) == 150


def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path):
    path, edf = write(tmp_path / "a.edf")
    path.write_bytes(path.read_bytes()[:-1000])
    source = read(path)
    assert source.rejected == {"a.edf": {"cut-off": 3}}
    assert any("cut" in note for note in source.notes)
    kept = source.waveforms[0].values[:, 0]
    np.testing.assert_array_equal(kept, edf.signals[0].digital[: len(kept)])


def test_an_anonymised_date_is_none(tmp_path):
    path, edf = write(tmp_path / "a.edf")
    edf.anonymize()
    edf.write(path)
    source = read(path)
    assert (source.zone, source.waveforms[0].first_wall_ns) == ("", 0)
    assert any("no date" in note for note in source.notes)


def test_bdf_has_24_bits(tmp_path):
    values = np.array([0, 1, -1, 8388607, -8388608, 70000, -70000, 5] * 8, np.int32)
    some = [
        edfio.BdfSignal.from_digital(values, 64, label="ECG", physical_dimension="uV", physical_range=(-8, 8))
    ]
    edfio.Bdf(some, starttime=time(1, 2, 3)).write(tmp_path / "a.bdf")
    (wave,) = edf_source.read(tmp_path / "a.bdf", utc, 0, "").waveforms
    assert wave.values[:, 0].tolist() == values.tolist()


def test_simulated_is_said_on(tmp_path):
    recording = edfio.Recording(startdate=date(2025, 1, 31), additional=["SIMULATED"])
    edfio.Edf(signals(2), recording=recording).write(tmp_path / "a.edf")
    source = read(tmp_path / "a.edf")
    assert source.simulated
    assert {w.info.origin for w in source.waveforms} == {"simulated"}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused_in_words(tmp_path_factory, data):
    path, _ = write(tmp_path_factory.mktemp("e") / "a.edf", signals(2))
    content = bytearray(path.read_bytes())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 255)), max_size=8)):
        content[at % len(content)] = value
    cut = data.draw(st.integers(0, len(content)))
    octets = np.frombuffer(bytes(content[: cut or None]), np.uint8)
    try:
        file = edf_file.parse_header(octets)
    except NotEdf as error:
        assert str(error)
        return
    onsets, _ = edf_file.record_onsets_ns(octets, file)
    assert len(onsets) == file.n_records
    edf_file.notes(octets, file)
    for signal in file.signals:
        assert (
            len(edf_file.digital(octets, file, signal, 0, file.n_records))
            == signal.per_record * file.n_records
        )


@pytest.mark.parametrize("content", [b"", b"0", b"0" * 300, b"PK\x03\x04" * 100, b"a,b\n1,2\n" * 100])
def test_what_is_no_edf_is_refused(tmp_path, content):
    path = tmp_path / "a.edf"
    path.write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=r"a\.edf: cannot be read as EDF.*choose"):
        read(path)


def test_data_records_behind_the_last_one_are_said(tmp_path):
    path, _ = write(tmp_path / "a.edf")
    octets = bytearray(path.read_bytes())
    octets[236:244] = b"15      "
    path.write_bytes(octets)
    source = read(path)
    assert source.rejected == {"a.edf": {"beyond-header": 5}}
    assert any("5 data records stand behind the 15" in note for note in source.notes)


def test_a_rate_no_signal_has_is_named(tmp_path):
    path, _ = write(tmp_path / "a.edf")
    octets = bytearray(path.read_bytes())
    octets[244:252] = b"1e-300  "
    path.write_bytes(octets)
    with pytest.raises(RecordingUnreadable, match="samples a second are no signal's"):
        read(path)


def test_gaps_that_are_not_timed_are_said(tmp_path):
    path = discontinuous(tmp_path / "a.edf", [0, 1, 2, 40, 41])
    octets = path.read_bytes()
    path.write_bytes(octets.replace(b"\x14\x14", b"xx"))
    assert any("does not say when 5 of its 5" in note for note in read(path).notes)
