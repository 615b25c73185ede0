"""A saved span reads back as it was, is safe in a spreadsheet, and says whose it is and what it is not."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemoview.bench.review_session import Plan, make_session
from recorder import session as store
from recorder.errors import RecordingUnreadable, StorageError
from recorder.exchange.trends import trend_csv
from recorder.exchange.trends.saved_trend import SavedTrend, is_saved_trend
from recorder.exchange.trends.trend_csv import (
    FIRST_COLUMNS,
    FORMULA_SIGNS,
    Saving,
    SavingStopped,
    plain,
    safe,
    save_trend,
)

SPAN = Saving(1000.0, 3000.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("trend-csv") / "s1", Plan(hours=1.0))


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "trend.csv"
    with store.open(folder) as session:
        assert save_trend(session, path, SPAN) > 4000
    return path


def test_every_number_event_and_gap_of_the_span_comes_back(folder: Path, saved: Path) -> None:
    again = SavedTrend(saved)
    with store.open(folder) as session:
        for stream_id in ("edge.est", "edge.beats_abp", "edge.beats_ppg"):
            was, now = session.read(stream_id, SPAN.t0_s, SPAN.t1_s), again.read(stream_id)
            np.testing.assert_allclose(now.time_s, was.time_s, atol=6e-4)
            np.testing.assert_allclose(now.values, was.values, rtol=1e-6)
            assert again.streams[stream_id] == session.streams[stream_id]
        markers = [
            e for e in session.events("marker") if SPAN.t0_s <= session.t_s(e.t_host_ns, 0) <= SPAN.t1_s
        ]
        assert [asdict(e)["payload"] for e in again.events("marker")][1:] == [e.payload for e in markers]
        assert len(again.events("cuff")) == 1
        gap = next(g for g in session.gaps("e4.bvp") if g.t0_s > SPAN.t0_s)
        assert again.gaps("e4.bvp")[1].cause == gap.cause
        assert again.gaps("e4.bvp")[1].t1_s == pytest.approx(gap.t1_s, abs=1e-3)


def test_what_the_numbers_depend_on_is_taken_along_from_before_the_span(saved: Path) -> None:
    again = SavedTrend(saved)
    assert next(e.payload["label"] for e in again.events("marker")) == "reference calibrated"
    assert len(list(again.calibrations())) == 1


def test_the_heading_names_subject_span_unit_and_simulation(saved: Path) -> None:
    heading = [line for line in saved.read_text("utf-8-sig").splitlines() if line.startswith("#")]
    words = "\n".join(heading)
    for wanted in (
        "P-014",
        "# simulated: true",
        "SIMULATED / TRAINING",
        "[1000.0, 3000.0]",
        '"mmHg"',
        "not for treatment",
    ):
        assert wanted in words
    for never in ("9ff167", "op1", "171.0", "female"):
        assert never not in words, "serials and demographics stay in the session"


def test_columns_carry_units_and_no_estimate_is_named_like_a_reference(saved: Path) -> None:
    lines = [line for line in saved.read_text("utf-8-sig").splitlines() if not line.startswith("#")]
    names = lines[0].split(",")
    assert tuple(names[: len(FIRST_COLUMNS)]) == FIRST_COLUMNS
    assert "est. SBP [mmHg]" in names
    assert "est. SBP low [mmHg]" in names
    assert "ref. SBP [mmHg]" in names
    rows = list(csv.DictReader(lines))
    estimates = [row for row in rows if row["row"] == "edge.est"]
    assert {row["tag"] for row in estimates} == {"est. SIM"}
    assert {row["est. CO why"] for row in estimates} == {"no-real-reference"}
    assert all(len(line) for line in (row["utc"] for row in rows))


def test_hidden_estimates_are_not_saved(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "hidden.csv"
    with store.open(folder) as session:
        save_trend(session, path, Saving(0.0, 600.0, frozenset(("estimate",))))
    again = SavedTrend(path)
    assert "edge.est" not in again.streams
    assert "est. SBP" not in path.read_text("utf-8-sig")
    assert again.header.template["rules"] == {"estimates_hidden": True}


@given(st.text())
def test_no_cell_of_text_is_a_formula_and_all_come_back(cell: str) -> None:
    assert not safe(cell).startswith(FORMULA_SIGNS)
    assert plain(safe(cell)) == cell or cell.startswith("'")


def test_cancelling_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    with store.open(folder) as session, pytest.raises(SavingStopped):
        save_trend(session, tmp_path / "x.csv", SPAN, stopped=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    with store.open(folder) as session, pytest.raises(StorageError, match="another folder"):
        save_trend(session, tmp_path / "no" / "x.csv", SPAN)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("time,value\n1,2\n", "not a file that HemoView saved"),
        ("# HemoView trend, version 99\n", "newer HemoView"),
        ('# HemoView trend, version 1\n# subject: "P"\n', "save it again"),
        ("# HemoView trend, version 1\n# subject: {\n", "save it again"),
        ("", "not a file"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(RecordingUnreadable, match=said):
        SavedTrend(path)


def test_a_damaged_line_is_named(saved: Path, tmp_path: Path) -> None:
    lines = saved.read_text("utf-8-sig").splitlines()
    path = tmp_path / "x.csv"
    path.write_text("\n".join([*lines[:60], "1.0,,edge.est", *lines[60:]]) + "\n", "utf-8-sig")
    with pytest.raises(RecordingUnreadable, match="line 61"):
        SavedTrend(path)
    assert is_saved_trend(path)
    assert not is_saved_trend(tmp_path / "none.csv")


@pytest.fixture(scope="module")
def small(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("small") / "x.csv"
    with store.open(folder) as session:
        save_trend(session, path, Saving(295.0, 303.0))
    return path.read_text("utf-8-sig")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_opens_or_is_refused_in_words(data: st.DataObject, small: str, tmp_path: Path) -> None:
    lines = small.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(("drop", "cut", "swap", "noise", "copy")))
        line = lines[at]
        place = data.draw(st.integers(0, len(line)))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "cut":
            lines[at] = line[:place]
        elif kind == "noise":
            lines[at] = line[:place] + data.draw(st.text(max_size=6)) + line[place + 1 :]
        elif kind == "copy":
            lines.insert(at, line)
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines), "utf-8", errors="surrogatepass")
    try:
        read = SavedTrend(path)
    except RecordingUnreadable as error:
        assert str(path) in str(error)
        return
    for stream_id in read.streams:
        read.overview(stream_id, 0.0, 400.0, 10)
    assert read.header.subject is None or read.header.subject.pseudonym


def test_two_windows_that_save_one_file_at_once_do_not_mix(
    folder: Path, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, left = tmp_path / "trend.csv", trend_csv._write, [Saving(0.0, 600.0)]

    def written(*args: object) -> int:
        count = write(*args)  # type: ignore[arg-type]
        if left:
            with store.open(folder) as another:
                save_trend(another, path, left.pop())
        return count

    monkeypatch.setattr(trend_csv, "_write", written)
    with store.open(folder) as session:
        save_trend(session, path, SPAN)
    assert path.read_text("utf-8-sig") == saved.read_text("utf-8-sig")
    assert [p.name for p in tmp_path.iterdir()] == ["trend.csv"]
