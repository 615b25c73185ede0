"""The contract of every export: read back by the readers of its own world, it says what the session says."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import pandas as pd
import pyedflib
import pytest
import pyxdf
import wfdb
from export_session import GAP_S, damaged_inside, two_eras

from recorder import session as store
from recorder.errors import ConfigError, SessionError
from recorder.exchange import export_record
from recorder.exchange.export import FORMATS, Custody, ExportStopped, Report, Selection, export
from recorder.schema.labelling import Deed
from recorder.session import annotations

ALL = tuple(FORMATS)
EVERYTHING = Selection()
WAVES = {"e4.bvp": 1, "e4.acc": 3, "adc.wave": 2}
REBOOT_S = 40.0


@dataclass
class Back:
    """An export as a foreign reader sees it.

    Args:
        waves: stream → times (or None where the format has only slots), values ``(n, columns)`` with NaN for no sample.
        notes: everything it says in words, with its time.
    """

    waves: dict[str, tuple[Any, np.ndarray]] = field(default_factory=dict)
    numerics: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[tuple[float, str]] = field(default_factory=list)
    whole: str = ""

    def said(self, *words: str) -> bool:
        return any(all(word in text for word in words) for _, text in self.notes)

    def at(self, *words: str) -> float:
        return min(t for t, text in self.notes if all(word in text for word in words))


def back_edf(report: Report) -> Back:
    found = Back(whole=report.path.with_suffix(".edf.about.json").read_text())
    edf = edfio.read_edf(report.path)
    onsets = record_onsets(report.path)
    for signal in edf.signals:
        values = np.where(signal.digital == -32000, np.nan, signal.data)
        per_record = round(len(values) / len(onsets))
        times = (onsets[:, None] + np.arange(per_record) / signal.sampling_frequency).reshape(-1)
        stream, _, _ = signal.label.partition(" ")
        known = found.waves.get(stream)
        column = values[:, None]
        found.waves[stream] = (times, column if known is None else np.hstack([known[1], column]))
    found.notes = [(a.onset, a.text) for a in edf.annotations]
    found.notes += [(a.onset + (a.duration or 0), f"end {a.text}") for a in edf.annotations]
    found.whole += f"{edf.patient} {edf.recording}"
    add_side_csv(found, report)
    return found


def record_onsets(path: Path) -> np.ndarray:
    """Onset of each record out of its first annotation: none of the readers gives those of EDF+D."""
    content = path.read_bytes()
    size, n, n_signals = int(content[184:192]), int(content[236:244]), int(content[252:256])
    samples = [int(content[256 + n_signals * 216 + 8 * i :][:8]) for i in range(n_signals)]
    length = 2 * sum(samples)
    tal_at = 2 * sum(samples[:-1])
    starts = [content[size + i * length + tal_at :].split(b"\x14", 1)[0] for i in range(n)]
    return np.array([float(s) for s in starts])


def back_wfdb(report: Report) -> Back:
    stem = str(report.path.with_suffix(""))
    found = Back(whole=Path(f"{stem}.wfdb.about.json").read_text())
    record = wfdb.rdrecord(stem, smooth_frames=False)
    for name, values, per_frame in zip(
        record.sig_name, record.e_p_signal, record.samps_per_frame, strict=True
    ):
        stream = name.split(" ")[0]
        times = np.arange(len(values)) / (record.fs * per_frame)
        known = found.waves.get(stream)
        column = values[:, None]
        found.waves[stream] = (times, column if known is None else np.hstack([known[1], column]))
    notes = wfdb.rdann(stem, "atr")
    texts = [f"end {text[1:]}" if text.startswith(")") else text for text in notes.aux_note]
    found.notes = list(zip((notes.sample / notes.fs).tolist(), texts, strict=True))
    found.whole += " ".join(record.comments)
    add_side_csv(found, report)
    return found


def add_side_csv(found: Back, report: Report) -> None:
    for path in report.files:
        if path.suffix == ".csv":
            found.numerics[path.stem.removeprefix(f"{report.path.stem}_{report.to}_")] = pd.read_csv(path)


def back_xdf(report: Report) -> Back:
    streams, head = pyxdf.load_xdf(str(report.path))
    found = Back(whole=head["info"]["hemoview"][0])
    for stream in streams:
        name, kind = stream["info"]["name"][0], stream["info"]["type"][0]
        if stream["info"]["channel_format"][0] == "string":
            texts = [row[0] for row in stream["time_series"]]
            if kind == "Markers":
                found.notes += list(zip(stream["time_stamps"].tolist(), texts, strict=True))
        elif kind == "ClockPoints":
            continue
        elif name.startswith("edge"):
            columns = [c["label"][0] for c in stream["info"]["desc"][0]["channels"][0]["channel"]]
            found.numerics[name] = pd.DataFrame(stream["time_series"], columns=columns)
            found.numerics[name].insert(0, "time_s", stream["time_stamps"])
        else:
            width = int(stream["info"]["channel_count"][0])
            found.waves[name] = (stream["time_stamps"], np.asarray(stream["time_series"]).reshape(-1, width))
    return found


def back_csv(report: Report) -> Back:
    return back_tables(report, "csv", pd.read_csv)


def back_parquet(report: Report) -> Back:
    return back_tables(report, "parquet", pd.read_parquet)


def back_tables(report: Report, suffix: str, read: Callable[[Path], pd.DataFrame]) -> Back:
    found = Back(whole=(report.path / "about.json").read_text())
    for path in sorted(report.path.glob(f"*.{suffix}")):
        take_table(found, path.stem, read(path))
    return found


def take_table(found: Back, name: str, table: pd.DataFrame) -> None:
    if name == "markers":
        found.notes += [
            (t, f"{k}: {w}") for t, k, w in zip(table.time_s, table.kind, table.label, strict=True)
        ]
    elif name in ("gaps", "quality", "spans"):
        texts = [f"{k} {s}: {w}" for k, s, w in zip(table.kind, table.stream, table.label, strict=True)]
        found.notes += list(zip(table.t0_s, texts, strict=True))
        found.notes += [(t, f"end {text}") for t, text in zip(table.t1_s, texts, strict=True)]
    elif "utc" in table and not name.startswith(("e4", "adc")):
        found.numerics[name] = table
    else:
        values = table.drop(columns=["time_s", "sample_no", *(["utc"] if "utc" in table else [])])
        found.waves[name] = (table["time_s"].to_numpy(), values.to_numpy(float))
    found.whole += " ".join(map(str, table.columns))


def back_e4(report: Report) -> Back:
    found = Back()
    with zipfile.ZipFile(report.path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    found.whole = texts["about.json"] + texts["info.txt"]
    names = {"BVP.csv": ("e4.bvp", 1.0), "ACC.csv": ("e4.acc", 1 / 64), "EDA.csv": ("e4.eda", 1.0)}
    for name, (stream, scale) in names.items():
        if texts.get(name):
            rows = pd.read_csv(io.StringIO(texts[name]), header=None)
            values = rows.iloc[2:].to_numpy(float) * scale
            found.waves[stream] = (np.arange(len(values)) / rows.iloc[1, 0], values)
    for name in ("markers", "gaps", "quality", "spans"):
        take_table(found, name, pd.read_csv(io.StringIO(texts[f"{name}.csv"])))
    return found


BACK: dict[str, Callable[[Report], Back]] = {
    "edf": back_edf,
    "wfdb": back_wfdb,
    "xdf": back_xdf,
    "csv": back_csv,
    "parquet": back_parquet,
    "e4zip": back_e4,
}
BY_SLOT = ("edf", "wfdb", "e4zip")
"""Formats that know a start and a rate only: a hole is slots without a sample."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "20260921_S-07_abc")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "sim", simulated=True)


@pytest.fixture(scope="module")
def unclosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "live", close=False)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damaged_inside(tmp_path_factory.mktemp("sessions") / "d")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Report]:
    def go(folder: Path, to: str, selection: Selection = EVERYTHING, **more: Any) -> Report:
        custody = more.pop("custody", Custody(tmp_path / "home", wall_ns=1))
        with store.open(folder) as session:
            return export(
                session, to, more.pop("out", tmp_path / "out" / to), selection, custody=custody, **more
            )

    return go


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


@pytest.mark.parametrize("to", ALL)
def test_cancelled_nothing_stays(to: str, two: Path, tmp_path: Path, run: Callable[..., Report]) -> None:
    calls = iter(range(100))
    with pytest.raises(ExportStopped):
        run(two, to, stopped=lambda: next(calls) >= 5)
    assert list((tmp_path / "out").iterdir()) == []
    assert export_record.read(tmp_path / "home") == ([], [])


@pytest.mark.parametrize("to", ALL)
def test_what_is_there_is_not_overwritten(
    to: str, two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    first = run(two, to)
    before = {path: path.read_bytes() for path in first.files}
    with pytest.raises(ConfigError, match="there already and is not overwritten"):
        run(two, to)
    assert {path: path.read_bytes() for path in first.files} == before
    assert len(export_record.exports_of(tmp_path / "home", "S-08")) == 1
    (tmp_path / "shelf").mkdir()
    shelved = run(two, to, out=tmp_path / "shelf")
    assert shelved.path == tmp_path / "shelf" / f"{two.name}{FORMATS[to].suffix}"


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


def test_without_a_wristband_there_is_no_e4_zip(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    with pytest.raises(ConfigError, match=r"needs the streams of a wristband; there is adc\.wave"):
        run(two, "e4zip", Selection(streams=("adc.*",)))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection((5.0, 5.0)), "the end must come after the start"),
        (Selection((500.0, 600.0)), "choose a part of it"),
        (Selection(streams=("e5.*",)), "no stream 'e5"),
    ],
)
def test_a_selection_of_nothing_is_refused(
    selection: Selection, words: str, two: Path, run: Callable[..., Report]
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(two, "csv", selection)


def test_estimates_that_are_hidden_stay_hidden(tmp_path: Path, run: Callable[..., Report]) -> None:
    folder = two_eras(tmp_path / "h", template={"rules": {"estimates_hidden": True}})
    report = run(folder, "csv")
    assert not (report.path / "edge.estimates.csv").exists()
    assert report.left_out == ("edge.estimates: estimates are hidden in this session",)
    assert BACK["csv"](report).said("quality", "poor"), "quality is no estimate"


def test_labels_of_raters_still_blind_to_each_other_are_left_out(
    tmp_path: Path, run: Callable[..., Report]
) -> None:
    folder = two_eras(tmp_path / "blind")
    add = Deed("add", "e1", "R2", 1, "test", "z", kind="instant", t0_s=9.0, t1_s=9.0, label="peak")
    annotations.append(folder, "labels", [add])
    report = run(folder, "csv")
    assert report.left_out == ("label set labels: its raters are still blind to each other",)
    assert not BACK["csv"](report).said("annotation")


def test_of_who_has_withdrawn_nothing_is_exported(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    home = tmp_path / "home"
    for name in ("s-08", "S-07"):  # as it is spelled now, and as it was typed at Start
        custody = Custody(home, withdrawn=frozenset({name.casefold()}))
        with pytest.raises(SessionError, match="has withdrawn; nothing of the session is exported"):
            run(two, "csv", custody=custody)
    assert not (tmp_path / "out").exists()


def test_for_others_only_by_consent_or_with_a_reason_on_record(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    home = tmp_path / "home"
    with pytest.raises(SessionError, match=r"no scope 'upload'.*reason"):
        run(two, "csv", custody=Custody(home, for_others=True))
    assert not (tmp_path / "out" / "csv").exists()
    report = run(two, "csv", custody=Custody(home, "OP1", for_others=True, reason="ethics vote 12"))
    assert "given to others although" in report.consent
    (record,) = export_record.exports_of(home, "S-08")
    assert (record.for_others, record.reason, record.operator) == (True, "ethics vote 12", "OP1")
    own = run(two, "xdf", custody=Custody(home))
    assert own.consent.startswith("own copy, not to be given to others")
