"""Names as formats allow them, and slots of formats that know only a start and a rate."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import edfio
import mne
import numpy as np
import pyedflib
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange import edf_file
from recorder.exchange.exports import export_edf, export_wfdb
from recorder.exchange.exports.about import Written, ascii_text, shortened
from recorder.exchange.exports.exported import Column, Exported, Mark, Piece, Run, Track
from recorder.exchange.exports.placed import Slots, clock_ratio, place
from recorder.schema import Channel, StreamInfo

RATE_HZ = 10.0


@given(st.lists(st.text(min_size=1, max_size=40), max_size=12, unique=True), st.integers(4, 20))
def test_short_names_are_ascii_different_and_listed(names: list[str], longest: int) -> None:
    written = Written()
    found = shortened(names, longest, written)
    assert len(set(found)) == len(names)
    assert all(0 < len(name) <= longest and name.isascii() and name.isprintable() for name in found)
    changed = {n: f for n, f in zip(names, found, strict=True) if n != f}
    assert written.names == changed


def test_signs_are_spelt_out() -> None:
    assert ascii_text("µS/m² 血压") == "uS/m2 ??"


def made(runs: list[tuple[int, float]], sizes: list[int]) -> tuple[Exported, Track]:
    """Runs of (n, start) whose values count on from 0, handed out in pieces."""
    info = StreamInfo("a.b", "a", "waveform", (Channel("c", "V"),), "float64", RATE_HZ)
    times = np.concatenate([[], *(t + np.arange(n) / RATE_HZ for n, t in runs)])
    values = np.arange(len(times), dtype=float)[:, None]
    track = Track(
        info,
        "a.b",
        (Column("c", "V", low=0.0, high=float(len(times))),),
        rows=len(times),
        runs=tuple(Run(n, t, t + (n - 1) / RATE_HZ) for n, t in runs),
    )
    cuts = np.unique(np.minimum(np.cumsum([0, *sizes]), len(times))).tolist()

    def read(_: str) -> Iterator[Piece]:
        for a, b in zip(cuts, [*cuts[1:], len(times)], strict=True):
            yield Piece(times[a:b], np.arange(a, b), values[a:b], values[a:b])

    exported = Exported("s", "S", 0, 0, (track,), (), (), {}, "", read, lambda _: np.zeros((0, 3)))
    return exported, track


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0.0, 5.0)), min_size=1, max_size=6),
    st.lists(st.integers(1, 25), max_size=8),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
)
def test_every_sample_has_one_slot_in_order_near_its_time(
    holes: list[tuple[int, float]], sizes: list[int], steps: list[int]
) -> None:
    runs, t = [], 0.0
    for n, hole_s in holes:
        runs.append((n, t + hole_s))
        t = runs[-1][1] + n / RATE_HZ
    exported, track = made(runs, sizes)
    placed = place(track, 0.0, RATE_HZ)
    assert placed.time_error_s <= 0.5 / RATE_HZ + 0.5 / RATE_HZ * len(runs)
    slots, found, at = Slots(exported, placed), [], 0
    for step in [*steps, placed.end]:
        found.append(slots.take(at, at + step)[:, 0])
        at += step
    row = np.concatenate(found)
    there = ~np.isnan(row)
    assert row[there].tolist() == list(range(track.rows)), "each once, in order"
    assert np.flatnonzero(there).tolist() == [k for a, b in placed.stretches for k in range(a, b)]


@pytest.mark.parametrize("to", [export_edf, export_wfdb])
def test_streams_of_one_device_get_their_measured_rate(to: ModuleType, tmp_path: Path) -> None:
    exported, track = made([(20_000, 0.0)], [])
    fast = replace(track, runs=(Run(20_000, 0.0, 19_999 / (RATE_HZ * 1.0001)),))
    written = to.write(replace(exported, tracks=(fast,), facts={"session": "x"}), tmp_path, "x")
    assert written.time_error_s["a.b"] < 0.005, "0.2 s at the nominal rate"
    if to is export_edf:
        assert edfio.read_edf(tmp_path / "x.edf").signals[0].sampling_frequency == pytest.approx(
            10.001, abs=1e-4
        )
    else:
        assert wfdb.rdheader(str(tmp_path / "x")).fs == pytest.approx(10.001, abs=1e-6)


def test_devices_share_no_rate() -> None:
    _, track = made([(20_000, 0.0)], [])
    fast = replace(track, runs=(Run(20_000, 0.0, 19_999 / (RATE_HZ * 1.0001)),))
    other = replace(fast, info=replace(fast.info, stream_id="c.d", device_id="c"))
    assert clock_ratio([fast, other], 0.0) == 1.0
    assert clock_ratio([fast], 0.0) == pytest.approx(1.0001) and clock_ratio([track], 0.0) == 1.0


def test_a_clock_that_runs_fast_is_told_not_corrected() -> None:
    exported, track = made([(1000, 0.0)], [])
    slow = place(track, 0.0, RATE_HZ * 1.001)
    assert slow.end == 1000 and abs(slow.time_error_s - 999 / RATE_HZ * (1 - 1 / 1.001)) < 1e-9
    assert Slots(exported, slow).take(0, 1000)[:, 0].tolist() == list(range(1000))


@pytest.mark.parametrize(
    ("start_s", "offset_s"), [(0, 0), (0, -18_000), (-6 * 366 * 86_400, 0), (-9.99 * 366 * 86_400, 3600)]
)
def test_an_unknown_day_is_said_to_be_unknown_and_every_reader_takes_it(
    start_s: float, offset_s: int, tmp_path: Path
) -> None:
    """Counted from 1970, in a zone west of it, and de-identified: no day that EDF can name, and none that was."""
    exported, _ = made([(300, 2.25)], [])
    marks = (Mark(4.25, "marker", "here"),)
    undated = replace(
        exported, start_wall_ns=round(start_s * 1e9), utc_offset_s=offset_s, marks=marks, is_dated=False
    )
    written = export_edf.write(replace(undated, facts={"session": "s"}), tmp_path, "x")
    path, day = tmp_path / "x.edf", datetime(1985, 1, 1)
    with pyedflib.EdfReader(str(path)) as reader:
        assert reader.getStartdatetime().replace(microsecond=0) == day + timedelta(seconds=2)
        assert reader.readSignal(0).round().tolist() == list(range(300))
    raw = mne.io.read_raw_edf(path, verbose="error")
    assert raw.annotations.onset.round(6).tolist()[-1] >= 2.0
    assert raw.get_data()[0].size == 300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edf = edfio.read_edf(path)
    with pytest.raises(edfio.AnonymizedDateError):
        _ = edf.startdate
    assert (edf.starttime.second, edf.signals[0].data.round().tolist()) == (2, list(range(300)))
    assert written.day == "unknown" and any("nobody knows the day" in line for line in written.notes)
    ours = edf_file.parse_header(np.fromfile(path, np.uint8))
    assert ours.start is None, "brought in again it has no date either"


def test_a_day_that_is_known_is_told(tmp_path: Path) -> None:
    exported, _ = made([(300, 0.0)], [])
    start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    known = replace(exported, start_wall_ns=int(start.timestamp()) * 10**9, utc_offset_s=7200)
    written = export_edf.write(replace(known, facts={"session": "s"}), tmp_path, "x")
    assert edfio.read_edf(tmp_path / "x.edf").startdatetime == datetime(2026, 3, 2, 0, 30)
    assert written.day == "named" and not any("Startdate" in line for line in written.notes)


@pytest.mark.parametrize("year", [1979, 1984, 2085, 2100])
def test_a_year_that_edf_cannot_name_is_said_to_be_one(year: int, tmp_path: Path) -> None:
    """Not that nobody knew: the day is left out, the time of day stays, and all three readers take the file."""
    exported, _ = made([(300, 0.0)], [])
    start = datetime(year, 3, 1, 22, 30, tzinfo=UTC)
    known = replace(exported, start_wall_ns=int(start.timestamp()) * 10**9, utc_offset_s=3600)
    written = export_edf.write(replace(known, facts={"session": "s"}), tmp_path, "x")
    assert written.day == "unnameable" and any(f"cannot name the year {year}" in n for n in written.notes)
    assert not any("nobody knows" in note for note in written.notes)
    with pyedflib.EdfReader(str(tmp_path / "x.edf")) as reader:
        assert reader.getStartdatetime() == datetime(1985, 1, 1, 23, 30)
    assert mne.io.read_raw_edf(tmp_path / "x.edf", verbose="error").get_data()[0].size == 300
    assert edfio.read_edf(tmp_path / "x.edf").starttime.isoformat() == "23:30:00"


def test_wfdb_of_an_unknown_day_names_neither_day_nor_time_and_keeps_its_times(tmp_path: Path) -> None:
    exported, _ = made([(300, 2.25)], [])
    marks = (Mark(4.25, "marker", "here"),)
    undated = replace(exported, marks=marks, is_dated=False, facts={"session": "s"})
    written = export_wfdb.write(undated, tmp_path, "x")
    record, notes = wfdb.rdrecord(str(tmp_path / "x")), wfdb.rdann(str(tmp_path / "x"), "atr")
    assert (record.base_date, record.base_time, record.base_datetime) == (None, None, None)
    assert record.p_signal[:, 0].round().tolist() == list(range(300))
    assert (notes.sample / notes.fs).tolist() == [2.0] and "here" in notes.aux_note[0]
    assert written.day == "unknown" and any("neither time nor day" in note for note in written.notes)
    # a day that is known is named, of any year
    old = replace(exported, start_wall_ns=int(datetime(1979, 3, 1, tzinfo=UTC).timestamp()) * 10**9)
    assert export_wfdb.write(replace(old, facts={"session": "s"}), tmp_path, "y").day == "named"
    assert wfdb.rdheader(str(tmp_path / "y")).base_datetime == datetime(1979, 3, 1, 0, 0, 2, 250_000)


@pytest.mark.parametrize("label", ["平躺休息", "血压" * 70, "a" + "血压" * 70, "ab" + "血压" * 70])
def test_notes_in_chinese_come_back_from_wfdb(label: str, tmp_path: Path) -> None:
    exported, _ = made([(50, 0.0)], [])
    written = export_wfdb.write(replace(exported, marks=(Mark(1.0, "marker", label),)), tmp_path, "x")
    (note,) = wfdb.rdann(str(tmp_path / "x"), "atr").aux_note
    told = note.encode("latin-1").decode()  # it takes text byte by byte, which a note says
    assert f"marker: {label}".startswith(told) and len(told) > min(len(label), 75)
    assert any("UTF-8" in line for line in written.notes)


@pytest.mark.parametrize("to", [export_edf, export_wfdb])
def test_a_stream_without_a_sample_is_left_out_by_name(to: ModuleType, tmp_path: Path) -> None:
    exported, track = made([(50, 0.0)], [])
    empty = replace(track, info=replace(track.info, stream_id="a.none"), source_id="a.none", rows=0, runs=())
    facts = {"session": "s"}
    written = to.write(replace(exported, tracks=(track, empty), facts=facts), tmp_path, "x")
    assert any("a.none: holds no sample" in line for line in written.notes)
