"""The contract of every export: read back by the readers of its own world, it says what the session says."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pyedflib
import pytest
from foreign_readers import BACK, BY_SLOT, Back, record_onsets

from recorder import session as store
from recorder.exchange.exports.export import FORMATS, Report, Selection
from tests.contracts.export_session import GAP_S

ALL = tuple(FORMATS)
WAVES = {"e4.bvp": 1, "e4.acc": 3, "adc.wave": 2}


def same_samples(
    to: str, folder: Path, report: Report, found: Back, span: tuple[float, float] | None = None
) -> None:
    """Every sample of the session is in the export, in order, within half a step, at its time; and nothing else is."""
    with store.open(folder) as session:
        for stream in WAVES:
            if to == "e4zip" and stream == "adc.wave":
                assert stream not in found.waves
                continue
            t0, t1 = span or (None, None)
            data = session.read(stream, t0, None if t1 is None else float(np.nextafter(t1, -1)))
            wanted = data.values
            if stream == "adc.wave":
                wanted = np.hstack(
                    [wanted, session.read(stream, t0, t1, calibrated=True).values[: len(wanted)]]
                )
            times, values = found.waves[stream]
            there = ~np.isnan(values[:, 0])
            assert there.sum() == len(wanted), stream
            assert values.shape[1] == wanted.shape[1]
            steps = [s for name, s in report.written.steps.items() if name.startswith(stream)] or [1e-12] * 3
            for i in range(wanted.shape[1]):
                difference = values[there, i] - wanted[:, i]
                assert (np.isnan(difference) == np.isnan(wanted[:, i])).all()
                assert np.nanmax(np.abs(difference)) <= steps[i] * 0.5000001, (stream, i)
            begin = session_begin(session, report) if to in ("edf", "wfdb") else 0.0
            if to == "edf":
                begin -= times[0]  # the file begins with a whole second
            if to == "e4zip":
                begin = data.time_s[0]
            slack = 0.51 / (data.info.nominal_rate_hz or 1.0) if to in BY_SLOT else 2e-6
            assert np.abs(times[there] + begin - data.time_s).max() <= slack, stream


def session_begin(session: store.Session, report: Report) -> float:
    span = (None, None)
    return min(
        float(session.read(s["stream"], *span).time_s[0]) for s in report.streams if s["stream"] in WAVES
    )


@pytest.mark.parametrize("to", ALL)
def test_samples_marks_gaps_and_quality_come_back(to: str, two: Path, run: Callable[..., Report]) -> None:
    report = run(two, to)
    found = BACK[to](report)
    same_samples(to, two, report, found)
    assert found.said("marker", "arm move") and found.said("marker", "baseline") and found.said("120/80 mmHg")
    assert not found.said("marker", ": end"), "a marker that was undone is none"
    assert found.said("gap", "e4.bvp", "counter-jump") and found.said("gap", "e4.acc", "counter-jump")
    assert found.said("quality", "poor") and found.said("annotation", "peak")
    assert found.said("unconfirmed", "absent")
    about = json.loads(found.whole[: found.whole.rindex("}") + 1]) if to != "e4zip" else None
    if about is not None:
        assert about["subject"] == "S-08", "the corrected pseudonym is the one that is told"
    assert "S-08" in found.whole
    gap = found.at("gap", "e4.bvp", "counter-jump") - found.at("marker", "arm move")
    assert abs(gap - (GAP_S[0] - 3.0)) < 0.1
    quality = found.at("end", "quality", "poor") - found.at("marker", "arm move")
    assert quality < 60


@pytest.mark.parametrize("to", [to for to in ALL if to != "e4zip"])
def test_estimates_come_back_as_rows_with_their_tag(to: str, two: Path, run: Callable[..., Report]) -> None:
    found = BACK[to](run(two, to))
    rows = found.numerics["edge.estimates"]
    with store.open(two) as session:
        wanted = session.read("edge.estimates")
    assert rows["time_s"].to_numpy() == pytest.approx(wanted.time_s, abs=1e-6)
    column = next(c for c in rows.columns if c.startswith("SBP"))
    assert rows[column].to_numpy() == pytest.approx(wanted.values[:, 0])
    assert "est." in column or "est." in found.whole


@pytest.mark.parametrize("to", ALL)
def test_a_span_and_a_choice_of_streams(to: str, two: Path, run: Callable[..., Report]) -> None:
    span = (17.0, 28.0)
    report = run(two, to, Selection(span, ("e4.*",)))
    found = BACK[to](report)
    with store.open(two) as session:
        wanted = session.read("e4.bvp", 17.0, float(np.nextafter(28.0, 0))).values
    values = found.waves["e4.bvp"][1][:, 0]
    assert (~np.isnan(values)).sum() == len(wanted)
    assert "adc.wave" not in found.waves and not found.numerics
    assert not found.said("marker", "arm move") and found.said("gap", "e4.bvp")


def test_an_e4_zip_says_when_its_pulse_begins_to_the_microsecond(
    two: Path, run: Callable[..., Report]
) -> None:
    report = run(two, "e4zip", Selection((17.01, 28.0), ("e4.*",)))
    with zipfile.ZipFile(report.path) as archive, store.open(two) as session:
        start = archive.read("BVP.csv").split(b"\n", 1)[0].decode()
        first_s = session.read("e4.bvp", 17.01, 28.0).time_s[0]
        assert Decimal(start) == pytest.approx(
            Decimal(session.start_wall_ns) / 10**9 + Decimal(first_s), abs=Decimal("2e-6")
        )


def test_a_span_that_cuts_a_gap_counts_what_is_missing_in_it(two: Path, run: Callable[..., Report]) -> None:
    report = run(two, "csv", Selection((22.0, 28.0), ("e4.*",)))
    told = pd.read_csv(report.path / "gaps.csv").set_index("stream")
    (gap,) = told.loc[["e4.bvp"]].to_dict("records")
    assert (gap["t0_s"], gap["t1_s"]) == (22.0, pytest.approx(25.0, abs=0.02))
    assert json.loads(gap["detail"])["n_missing"] == pytest.approx(3 * 64, abs=2)


@pytest.mark.parametrize("to", ALL)
def test_streams_without_a_sample_are_told(to: str, two: Path, run: Callable[..., Report]) -> None:
    report = run(two, to)
    assert {"stream": "e4.eda", "rows": 0, "gaps": 0} in report.streams
    assert "e4.eda" in BACK[to](report).whole


@pytest.mark.parametrize("to", [to for to in ALL if to != "e4zip"])
def test_a_damaged_part_is_a_gap_that_says_so(to: str, damaged: Path, run: Callable[..., Report]) -> None:
    folder = damaged
    found = BACK[to](run(folder, to))
    assert found.said("gap", "adc.wave", "damaged")
    values = found.waves["adc.wave"][1][:, 0]
    with store.open(folder) as session:
        whole = session.read("adc.wave")
    assert 0 < (~np.isnan(values)).sum() == len(whole) < 25 * 60 * 20
    (gap,) = (g for g in whole.gaps if g.cause == "damaged")
    times, period_s = whole.time_s, 1 / 20
    before, after = times[times < gap.t0_s].max(), times[times >= gap.t1_s - 1e-6].min()
    assert (gap.t0_s, gap.t1_s) == pytest.approx((before + period_s, after)), "all that is missing, no more"
    assert gap.n_missing == round((gap.t1_s - gap.t0_s) / period_s)


@pytest.mark.parametrize("to", ALL)
def test_simulated_sessions_say_so_in_every_format(
    to: str, simulated: Path, run: Callable[..., Report]
) -> None:
    report = run(simulated, to)
    found = BACK[to](report)
    assert "SIMULATED" in found.whole and report.warning
    if to in ("edf", "wfdb", "xdf"):
        assert found.said("SIMULATED")
    if to in ("csv", "parquet"):
        assert "SBP [mmHg] est. SIM" in found.whole and "bvp SIM" in found.whole


@pytest.mark.parametrize("to", ALL)
def test_a_session_not_closed_is_exported_as_a_snapshot(
    to: str, unclosed: Path, run: Callable[..., Report]
) -> None:
    folder = unclosed
    report = run(folder, to)
    found = BACK[to](report)
    same_samples(to, folder, report, found)
    assert "not closed" in report.snapshot and "not closed" in found.whole


def test_what_an_era_began_with_is_told_since_the_last_sample_before(
    two: Path, run: Callable[..., Report]
) -> None:
    """A computer that slept or was started again tells of it when it is back: the gap is all of the time between."""
    with store.open(two) as session:
        for stream in ("e4.bvp", "adc.wave"):
            (gap,) = (g for g in session.gaps(stream) if g.cause == "reboot")
            assert (gap.t0_s, gap.t1_s) == pytest.approx((30.0, 40.0), abs=0.02)
    report = run(two, "csv")
    told = pd.read_csv(report.path / "gaps.csv").query("label == 'reboot'")
    assert (told.t1_s - told.t0_s).to_numpy() == pytest.approx(10.0, abs=0.02)


def test_pyedflib_and_mne_read_what_is_continuous(two: Path, run: Callable[..., Report]) -> None:
    report = run(two, "edf", Selection((2.0, 29.0)))
    with store.open(two) as session:
        wanted = session.read("adc.wave", 2.0, float(np.nextafter(29.0, 0))).values[:, 0]
    with pyedflib.EdfReader(str(report.path)) as reader:
        labels = reader.getSignalLabels()
        values = reader.readSignal(labels.index("adc.wave abp"))
        assert np.abs(values[: len(wanted)] - wanted).max() <= report.written.steps["adc.wave abp"] / 2
        assert any("gap e4.bvp" in text for text in reader.readAnnotations()[2])
        assert reader.getPatientCode() == "S-08" and reader.getSampleFrequency(0) == 64.0
    raw = mne.io.read_raw_edf(report.path, verbose="error")
    assert raw.info["subject_info"]["his_id"] == "S-08"
    assert any("arm move" in text for text in raw.annotations.description)


def test_a_stretch_of_nothing_makes_edf_discontinuous(two: Path, run: Callable[..., Report]) -> None:
    report = run(two, "edf")
    assert report.path.read_bytes()[192:197] == b"EDF+D"
    steps = np.diff(record_onsets(report.path))
    assert np.isclose(steps, 1.0).sum() == len(steps) - 1 and steps.max() == pytest.approx(10.0, abs=1.0)
    with pytest.raises(OSError, match="discontinuous"):
        pyedflib.EdfReader(str(report.path))
