"""A monitor's waves and numerics with relative times become a session with a reference."""

import gzip
import json

import numpy as np
import pytest

from hemoview import cli
from recorder import session
from recorder.exchange.sources import surgery_source


@pytest.fixture
def waves(tmp_path):
    arrays = {}
    for name, rate in (("ABP", 125.0), ("PLETH", 125.0), ("ECG_II", 500.0)):
        n = int(20 * rate)
        arrays |= {name: np.arange(n, dtype=np.float32), f"{name}_fs": rate, f"{name}_t0": 0.5}
        arrays |= {f"{name}_gap_idx": np.array([n // 2 - 1]), f"{name}_gap_len_s": np.array([1.627])}
    path = tmp_path / "wt09_waves.npz"
    np.savez(path, **arrays)
    pressures = ["1.632,Intellivue,ABP_SYS,88.0", "1.632,Intellivue,ABP_DIA,43.0"]
    rows = [*pressures, "2,EV1000,CO,5.5", "4,EV1000,CO,5.6", "1,X,Y,7"]
    with gzip.open(tmp_path / "wt09_numerics.csv.gz", "wt") as file:
        file.write("\n".join(["t_s,device,name,value", *rows, ""]))
    (tmp_path / "wt09_meta.json").write_text(json.dumps({"Age": 53.0, "Patient_height": 188.0}))
    return path


def test_waves_gaps_and_reference(tmp_path, waves):
    out = tmp_path / "x"
    start = ["--start", "2025-01-31T09:00:00+01:00"]
    words = ["import", "--npz", str(waves), "--subject", "wt09", *start, "--out", str(out)]
    assert cli.main(words) == 0
    assert session.verify(out).ok
    with session.open(out) as stored:
        roles = {name: info.role for name, info in stored.streams.items()}
        assert roles == {
            "monitor.pleth": "ppg",
            "monitor.abp": "abp_wave",
            "monitor.ecg_ii": "ecg",
            "monitor.reference": "reference",
            "monitor.numerics": "",
        }
        assert stored.start_wall_ns == 1738310400_500_000_000
        for name, rate in (("monitor.abp", 125.0), ("monitor.ecg_ii", 500.0)):
            found = stored.read(name)
            half = int(10 * rate)
            assert found.time_s[half] - found.time_s[half - 1] == pytest.approx(1.627, abs=2e-6)
            assert [g.cause for g in found.gaps] == ["not-in-file"]
        reference = stored.read("monitor.reference")
        assert [c.name for c in reference.info.channels] == ["sbp", "dbp", "co"]
        np.testing.assert_allclose(reference.time_s, [1.132, 1.5, 3.5])
        np.testing.assert_array_equal(
            reference.values, [[88, 43, np.nan], [np.nan, np.nan, 5.5], [np.nan, np.nan, 5.6]]
        )
        assert (stored.header.subject.age_y, stored.header.subject.height_cm) == (53, 188.0)
        assert isinstance(stored.header.subject.age_y, int)  # whole years: a report is made of no 53.0


def test_without_a_date_it_begins_where_nobody_takes_it_for_one(waves):
    source = surgery_source.read(waves, 0)
    assert source.span_wall_ns[0] == 500_000_000
    assert any("no date" in note for note in source.notes)
