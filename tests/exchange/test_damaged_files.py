"""Any bytes in any of the files: a recording or a clear refusal, never anything else."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.errors import RecordingUnreadable
from recorder.exchange import Recording, read_recording

FUZZ = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


def e4_zip() -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BVP.csv", "1551453301.00\n64.0\n" + "".join(f"{n % 7}.25\n" for n in range(64)))
        archive.writestr("ACC.csv", "1551453301,1551453301,1551453301\n32,32,32\n" + "1,2,3\n" * 32)
        archive.writestr("IBI.csv", "1551453301.0, IBI\n1.0,0.8\n")
    return octets.getvalue()


def waves_npz() -> bytes:
    octets = io.BytesIO()
    np.savez(octets, ABP=np.arange(40, dtype=np.float32), ABP_fs=125.0, ABP_t0=0.0)
    return octets.getvalue()


HEADER = b"""rec 2 125 8
rec.dat 16 100(0)/mmHg 16 0 0 0 0 ABP
rec.dat 16 100(0)/NU 16 0 0 0 0 PLETH
"""


def damaged(whole: bytes):
    """``whole`` with a few bytes changed, cut short, or something else altogether."""
    changes = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)

    def apply(edits, length):
        octets = bytearray(whole)
        for place, octet in edits:
            octets[place] = octet
        return bytes(octets[:length])

    return st.one_of(st.builds(apply, changes, st.integers(0, len(whole))), st.binary(max_size=200))


def read_or_refused_by_name(path) -> bool:
    """A recording with signals, or a refusal that names the file; any other error is let through."""
    try:
        recording = read_recording(path)
    except RecordingUnreadable as refusal:
        return path.name in str(refusal)
    return isinstance(recording, Recording) and bool(recording.signals)


@FUZZ
@given(octets=damaged(e4_zip()))
def test_e4_zip(tmp_path, octets):
    (tmp_path / "s.zip").write_bytes(octets)
    assert read_or_refused_by_name(tmp_path / "s.zip")


@FUZZ
@given(octets=damaged(waves_npz()))
def test_surgery_npz(tmp_path, octets):
    (tmp_path / "s_waves.npz").write_bytes(octets)
    assert read_or_refused_by_name(tmp_path / "s_waves.npz")


@FUZZ
@given(octets=damaged(HEADER))
def test_wfdb_header(tmp_path, octets):
    pytest.importorskip("wfdb")
    (tmp_path / "rec.dat").write_bytes(np.arange(16, dtype="<i2").tobytes())
    (tmp_path / "rec.hea").write_bytes(octets)
    assert read_or_refused_by_name(tmp_path / "rec.hea")


def test_undamaged_ones_are_read(tmp_path):
    (tmp_path / "rec.dat").write_bytes(np.arange(16, dtype="<i2").tobytes())
    for name, octets in (("s.zip", e4_zip()), ("s_waves.npz", waves_npz()), ("rec.hea", HEADER)):
        (tmp_path / name).write_bytes(octets)
        assert read_recording(tmp_path / name).signals
