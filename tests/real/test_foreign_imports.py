"""Real WFDB records and a surgical recording become sessions: values as the ecosystem reads them, gaps as gaps."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from recorder import session
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order
from recorder.exchange.imports.kinds import source_of
from recorder.schema import Subject

wfdb = pytest.importorskip("wfdb", reason="wfdb (extra exchange) reads the recordings")

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NOW_NS = 1_790_000_000_000_000_000


def imported(path: Path, out: Path) -> session.Session:
    """With every question answered by yes: these records were moved to other years."""
    plan = importing.look(Order((source_of(path),), Subject("P-1"), zone="UTC"), None, NOW_NS)
    ids = {q.id for q in plan.questions}
    importing.carry_out(plan, out, accepted=ids, software={}, now_wall_ns=NOW_NS)
    assert session.verify(out).ok
    return session.open(out)


def assert_as_wfdb_reads(stored: session.Session, record: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = wfdb.rdrecord(str(record.with_suffix("")), smooth_frames=False)
    for k, name in enumerate(read.sig_name):
        wanted, rate_hz = read.e_p_signal[k], read.fs * read.samps_per_frame[k]
        there = np.flatnonzero(np.isfinite(wanted))
        found = stored.read(next(s for s, i in stored.streams.items() if i.metadata.get("of_file") == name))
        np.testing.assert_allclose(found.values[:, 0], wanted[there], rtol=1e-9, atol=1e-9)
        first_s = found.time_s[0] - there[0] / rate_hz
        np.testing.assert_allclose(found.time_s - first_s, there / rate_hz, atol=2e-6)
        assert len(found.gaps) == np.count_nonzero(np.diff(there) > 1)


@pytest.mark.skipif(not (DATA / "wfdb_samples").is_dir(), reason="needs ../shared/data/wfdb_samples")
@pytest.mark.parametrize("name", ["a103l", "mixedsignals", "v102s", "s0010_re", "03700181"])
def test_single_records(name: str, tmp_path: Path) -> None:
    record = DATA / "wfdb_samples" / f"{name}.hea"
    with imported(record, tmp_path / "x") as stored:
        assert_as_wfdb_reads(stored, record)


@pytest.mark.skipif(not (DATA / "wfdb_samples").is_dir(), reason="needs ../shared/data/wfdb_samples")
def test_records_of_many_segments(tmp_path: Path) -> None:
    with imported(DATA / "wfdb_samples" / "s25047", tmp_path / "a") as stored:
        assert stored.header.created_wall_ns < 86_400_000_000_000  # the year 2704 was not believed
        assert stored.gaps("wfdb.ii")
    with imported(DATA / "wfdb_samples" / "041s", tmp_path / "b") as stored:
        assert (stored.streams["wfdb.abp"].role, stored.streams["wfdb.pleth"].role) == ("abp_wave", "ppg")
        assert stored.duration_s == pytest.approx(16, abs=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "mimic4wdb").is_dir(), reason="needs ../shared/data/mimic4wdb")
def test_an_intensive_care_record(tmp_path: Path) -> None:
    with imported(DATA / "mimic4wdb" / "p10082591" / "84050536", tmp_path / "x") as stored:
        assert stored.rows("wfdb.ii") == 1_417_600
        assert stored.streams["wfdb.numerics"].channels[0].name == "hr"


@pytest.mark.skipif(not (DATA / "surgery_ev1000").is_dir(), reason="needs ../shared/data/surgery_ev1000")
def test_a_surgical_recording_has_its_reference(tmp_path: Path) -> None:
    with imported(DATA / "surgery_ev1000" / "wt01_waves.npz", tmp_path / "x") as stored:
        roles = {info.role for info in stored.streams.values()}
        assert {"ppg", "abp_wave", "ecg", "cvp", "reference"} <= roles
        channels = [c.name for c in stored.streams["monitor.reference"].channels]
        assert channels[:10] == ["sbp", "map", "dbp", "hr", "co", "ci", "sv", "si", "svr", "svri"]
        (gap,) = stored.gaps("monitor.abp")
        assert gap.t1_s - gap.t0_s == pytest.approx(1.62698, abs=1e-5)
        assert stored.header.subject is not None
        assert (stored.header.subject.age_y, stored.header.subject.height_cm) == (53, 188.0)
