"""An imported CNAP recording in Review and Trends: its own numbers, grey until calibrated, the step where it was."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemoview.viewmodel.review.cursor import CursorView, NumericView, at_cursor, cursor_keys
from hemoview.viewmodel.review.facts import SessionFacts, facts_of
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, panels_of
from hemoview.viewmodel.review.reader import ReviewReader, load_tile
from hemoview.viewmodel.review.reference_streams import parameters_of, valid_spans
from hemoview.viewmodel.review.tiles import TileCache, floor_level, keys_over, level_for
from hemoview.viewmodel.review.view import PanelView, plan_of, resolve_panel
from hemoview.viewmodel.trends.model import TrendModel, TrendPage
from recorder import session as store
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order, Wanted
from recorder.exchange.into_session import Rows, Waveform, write_session
from recorder.exchange.trends.trend_csv import Saving, save_trend
from recorder.schema import PARAMETERS, Channel, DeviceInfo, StreamInfo, Subject
from tests.exchange import stick_made

Opened = tuple[store.Session, SessionFacts]
# of stick_made.PLAN: calibrated at 60 and 250 s, the finger changed at 200 s, CO calibrated at 90 s


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = stick_made.write(tmp_path_factory.mktemp("stick"))
    order = Order((Wanted("cnap", files.beats),), Subject("P-1"), stick_made.ZONE)
    out = tmp_path_factory.mktemp("sessions") / "a"
    return importing.carry_out(
        importing.look(order, None, 0), out, accepted={"future-dated"}, software={}, now_wall_ns=0
    )


@pytest.fixture
def opened(folder: Path) -> Iterator[Opened]:
    with store.open(folder) as session:
        yield session, facts_of(session)


def cursor(opened: Opened, t_s: float) -> CursorView:
    session, facts = opened
    panels, cache = panels_of(facts), TileCache()
    for key in cursor_keys(facts, panels, t_s):
        cache.put(load_tile(session, facts, key))
    return at_cursor(facts, panels, cache, t_s)


def number(view: CursorView, name: str) -> NumericView:
    return next(n for n in view.numerics if n.name == name)


def panel_view(opened: Opened, panel: Panel) -> PanelView:
    session, facts = opened
    wish, cache = Wish(0.0, facts.duration_s, width_px=600), TileCache()
    for stream_id in panel.stream_ids:
        level = level_for(wish.span_s / wish.width_px, floor_level(facts.stream(stream_id)))
        for key in keys_over(stream_id, level, wish.t0_s, wish.t1_s):
            cache.put(load_tile(session, facts, key))
    return resolve_panel(plan_of(panel, facts), wish, cache)


@pytest.mark.parametrize(
    ("device", "title"), [("monitor", "ABP"), ("wfdb", "ABP"), ("adc", "CNAP"), ("cnap", "CNAP")]
)
def test_an_arterial_line_of_a_foreign_file_is_not_called_cnap(
    opened: Opened, device: str, title: str
) -> None:
    _, facts = opened
    streams = tuple(replace(s, device_id=device) if s.role == "abp_wave" else s for s in facts.streams)
    titles = {panel.title for panel in panels_of(replace(facts, streams=streams))}
    assert titles & {"ABP", "CNAP"} == {title}


def test_every_parameter_has_its_panel_and_every_other_column_one_of_its_own(opened: Opened) -> None:
    _, facts = opened
    panels = {panel.panel_id: panel for panel in panels_of(facts)}
    assert [t.name for t in panels["pressure"].traces] == ["SBP", "MAP", "DBP"]
    assert panels["pressure"].cuffs
    assert {f"parameter.{p}" for p in PARAMETERS if p not in ("SBP", "MAP", "DBP")} <= set(panels)
    assert panels["cnap.wave.pressure"].unit == "mmHg"
    titles = {p.title for p in panels.values() if p.panel_id.startswith("cnap.beats.")}
    assert titles >= {"PPV", "SVV", "CVP", "height", "CO cal", "NBP sys", "quality"}
    assert not titles & {"sbp", "co", "svri"}, "a parameter is shown once"
    assert parameters_of(facts.stream("cnap.beats")) == PARAMETERS


def test_the_number_at_the_cursor_is_the_monitors_own(opened: Opened) -> None:
    session, _ = opened
    rows = session.read("cnap.beats", 145.0, 150.0)
    names = [c.name for c in rows.info.channels]
    for parameter in ("SBP", "HR", "CO", "SVRI"):
        told = number(cursor(opened, 150.0), parameter)
        assert told.reference is not None
        expected = np.nanmedian(rows.values[:, names.index(parameter.lower())])
        assert told.reference.value == pytest.approx(expected, abs=1.0 if parameter != "SVRI" else 60.0)


@pytest.mark.parametrize(
    ("t_s", "age_s", "pressure", "flow"),
    [
        (45.0, None, False, False),
        (75.0, 15.0, True, False),
        (150.0, 90.0, True, True),
        (215.0, None, False, False),
        (280.0, 30.0, True, True),
    ],
)
def test_what_may_be_taken_for_a_reference_and_when(
    opened: Opened, t_s: float, age_s: float | None, pressure: bool, flow: bool
) -> None:
    view = cursor(opened, t_s)
    assert view.reference_age_s == (None if age_s is None else pytest.approx(age_s, abs=0.01))
    assert number(view, "SBP").reference_valid is pressure
    assert number(view, "CO").reference_valid is flow
    assert number(view, "HR").reference_valid


def test_before_it_is_calibrated_a_trace_is_grey_in_its_time(opened: Opened) -> None:
    _, facts = opened
    panels = {panel.panel_id: panel for panel in panels_of(facts)}
    for panel_id, since_s in (("pressure", 60.0), ("cnap.wave.pressure", 60.0), ("parameter.CO", 90.0)):
        trace = panel_view(opened, panels[panel_id]).traces[0]
        assert trace.grey is not None
        expected = (trace.t_s < since_s) | ((trace.t_s >= 200.0) & (trace.t_s < 250.0))
        assert np.array_equal(trace.grey, expected)
    assert panel_view(opened, panels["parameter.HR"]).traces[0].grey is None


def test_without_hdcal_no_flow_is_ever_a_reference(opened: Opened) -> None:
    _, facts = opened
    assert valid_spans(facts, "CO") == ((90.0, 200.0), (250.0, np.inf))
    assert valid_spans(facts, "SBP") == ((60.0, 200.0), (250.0, np.inf))
    assert valid_spans(facts, "HR") is None


def test_a_failed_cuff_and_the_rest_are_told_in_the_list(opened: Opened) -> None:
    _, facts = opened
    said = [mark.said for mark in facts.marks]
    assert said.count("signal-search") == 3
    assert {"cuff-failed", "import", "flat-line", "flat-line-ended"} <= set(said)
    assert [(c.sbp_mmhg > c.dbp_mmhg, round(c.t_s)) for c in facts.cuffs] == [(True, 35), (True, 225)]


def whole(model: TrendModel) -> TrendPage:
    ends = time.monotonic() + 20
    while not (model.facts is not None and model.page().complete and model.view().settled):
        assert time.monotonic() < ends
        model.drain()
        time.sleep(0.002)
    return model.page()


def test_trends_have_medians_of_the_monitors_numbers(folder: Path) -> None:
    model = TrendModel(ReviewReader(store.open, lambda: None))
    try:
        model.open(str(folder))
        page = whole(model)
        assert page.parameters == PARAMETERS
        (row,) = page.table
        with store.open(folder) as session:
            values = session.read("cnap.beats").values[:, 0]
        assert row.reference == pytest.approx(np.nanmedian(values), abs=0.01)
        assert (row.estimate, row.calibrated) == (None, True)
    finally:
        model.close()


def test_saved_as_a_table_its_columns_are_named_as_the_monitors(folder: Path, tmp_path: Path) -> None:
    with store.open(folder) as session:
        save_trend(session, tmp_path / "t.csv", Saving(0.0, 300.0))
    lines = [
        line for line in (tmp_path / "t.csv").read_text("utf-8-sig").splitlines() if not line.startswith("#")
    ]
    header = next(csv.reader(lines[:1]))
    assert "ref. monitor SBP [mmHg]" in header
    assert "ref. monitor ppv [%]" in header


def test_an_imported_arterial_line_is_a_reference_all_the_time(tmp_path: Path) -> None:
    n = 60 * 100
    info = StreamInfo(
        "wfdb.abp",
        "wfdb",
        "waveform",
        (Channel("ABP", "mmHg"),),
        "float64",
        nominal_rate_hz=100.0,
        role="abp_wave",
    )
    wave = Waveform(info, stick_made.BEGINS_NS, np.full((n, 1), 90.0))
    rows_info = StreamInfo(
        "wfdb.numerics", "wfdb", "numeric", (Channel("sbp", "mmHg"), Channel("co", "L/min")), "float64"
    )
    rows_info = replace(rows_info, role="reference")
    wall_ns = stick_made.BEGINS_NS + np.arange(60, dtype=np.int64) * 10**9
    rows = Rows(rows_info, wall_ns, np.tile([[120.0, 5.0]], (60, 1)))
    header = store.SessionHeader("s", "import", stick_made.BEGINS_NS, subject=Subject("P-1"))
    device = DeviceInfo("wfdb", "WFDB record", transport="file")
    folder = write_session(tmp_path / "s", header, [device], [wave], [rows], [])
    with store.open(folder) as session:
        found = (session, facts_of(session))
        view = cursor(found, 30.0)
        assert (view.reference_age_s, view.reference_valid) == (None, True)
        assert number(view, "SBP").reference_valid
        assert number(view, "CO").reference_valid
        trace = panel_view(found, next(p for p in panels_of(found[1]) if p.panel_id == "pressure")).traces[0]
        assert trace.grey is not None
        assert not trace.grey.any()
