"""Real wristbands: import and export give back the same files, digit for digit; all readers agree on the samples."""

from __future__ import annotations

import zipfile
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb

from hemoview.cli import main as hemoview
from recorder import session as store
from recorder.exchange.exports.export import Custody, Selection, export

MEMBERS = ("BVP.csv", "ACC.csv", "EDA.csv", "TEMP.csv", "HR.csv", "IBI.csv")


def texts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = {Path(name).name: name for name in archive.namelist() if "__MACOSX" not in name}
        return {short: archive.read(name).replace(b"\r\n", b"\n") for short, name in names.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["S02.zip", "S05.zip"])
def test_an_e4_zip_comes_back_digit_for_digit(name: str, real_recordings: Path, tmp_path: Path) -> None:
    source = real_recordings / "e4_stress_predict" / name
    folder = tmp_path / "session"
    assert hemoview(["import", "--e4", str(source), "--subject", "P-1", "--out", str(folder)]) == 0
    with store.open(folder) as session:
        custody = Custody(tmp_path / "home")
        report = export(session, "e4zip", tmp_path / "back.zip", Selection(), custody=custody)
        before, after = texts(source), texts(report.path)
        for member in MEMBERS:
            if before.get(member):
                assert after[member] == before[member], member
        tags = [float(t) for n, text in before.items() if n.startswith("tags") for t in text.split()]
        assert [float(t) for t in after["tags.csv"].split()] == pytest.approx(tags)
        bvp = session.read("e4.bvp").values[:, 0]
        edf = export(session, "edf", tmp_path / "x.edf", Selection(), custody=custody)
        (signal,) = (s for s in edfio.read_edf(edf.path).signals if s.label == "e4.bvp")
        assert np.abs(signal.data[: len(bvp)] - bvp).max() <= edf.written.steps["e4.bvp"] * 0.5000001
        export(session, "wfdb", tmp_path / "x.hea", Selection(), custody=custody)
        record = wfdb.rdrecord(str(tmp_path / "x"), smooth_frames=False)
        assert np.abs(record.e_p_signal[record.sig_name.index("e4.bvp")][: len(bvp)] - bvp).max() < 1e-9
