"""Trends of a session that grows, that is simulated, blinded, without calibration, or has ranges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.reader import ReviewReader
from hemoview.viewmodel.trends import moves as trend_moves
from hemoview.viewmodel.trends.model import LIVE_SPAN_S, TrendModel, TrendPage
from recorder import session as store
from recorder.clock import ClockEra
from recorder.schema import Channel, SampleBlock, StreamInfo, Subject

SECOND_NS = 1_000_000_000
ERA = ClockEra(0, "era", "boot", 5 * SECOND_NS, 1_790_000_000 * SECOND_NS)
TEMPLATE = {"name": "Rest", "ranges": {"SBP": [110, 130], "HR": [55, 75], "no": [1, 2], "DBP": ["a", 3]}}


def wait(model: TrendModel, condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, model.page()
        model.drain()
        time.sleep(0.002)


def whole(model: TrendModel) -> TrendPage:
    wait(model, lambda: model.facts is not None and model.page().complete and model.view().settled)
    return model.page()


@pytest.fixture
def model() -> Iterator[TrendModel]:
    made = TrendModel(ReviewReader(store.open, lambda: None))
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("trend-model") / "s", Plan(hours=1.5, template=TEMPLATE))


def test_time_in_target_adds_up_and_agrees_with_the_rows(model: TrendModel, folder: Path) -> None:
    model.open(str(folder))
    rows = {row.parameter: row for row in whole(model).target}
    assert set(rows) == {"SBP", "HR"}, "what is no range is passed over"
    shares = rows["SBP"].estimate
    assert shares is not None
    assert shares.below + shares.inside + shares.above + shares.nothing == pytest.approx(1.0)
    with store.open(folder) as session:
        sbp = session.read("edge.est").values[:, 0]
    assert shares.inside == pytest.approx(np.nanmean((sbp >= 110) & (sbp <= 130)), abs=0.03)
    assert rows["SBP"].reference is not None


def test_an_uncalibrated_reference_is_no_reference(model: TrendModel, tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", Plan(hours=0.3, calibrated=False, template=TEMPLATE))
    model.open(str(folder))
    page = whole(model)
    assert not any(row.calibrated for row in page.table)
    row = next(row for row in page.target if row.parameter == "SBP")
    assert row.reference is not None
    assert row.reference.nothing == pytest.approx(1.0), "it does not count (safety rule 8)"
    dots = next(t for t in page.review.panels[0].traces if t.trace.style == "dots")
    assert dots.grey is not None
    assert dots.grey.all()
    heart = next(row for row in page.target if row.parameter == "HR").reference
    assert heart is not None
    assert heart.nothing < 0.1, "a rate needs no calibration"


def test_hidden_estimates_are_nowhere(model: TrendModel, tmp_path: Path) -> None:
    folder = make_session(
        tmp_path / "s", Plan(hours=0.3, template={**TEMPLATE, "rules": {"estimates_hidden": True}})
    )
    model.open(str(folder))
    model.adopt(replace(model.choice, horizon=True))
    page = whole(model)
    assert {t.trace.style for panel in page.review.panels for t in panel.traces} == {"dots"}
    assert all(row.estimate is None and row.n == 0 for row in page.table)
    assert all(row.estimate is None for row in page.target)
    assert page.horizon == ()
    assert model._table.slots("edge.est", 600) is None, "they are not even read"
    assert page.review.cursor is not None
    readings = [n.estimate for n in page.review.cursor.numerics if n.estimate is not None]
    assert all(reading.value is None and reading.low is None for reading in readings)


def test_short_spans_show_rows_of_the_estimate_and_dots_of_the_reference(
    model: TrendModel, folder: Path
) -> None:
    model.open(str(folder))
    whole(model)
    model.move(lambda w, end: trend_moves.show_span(w, 300, end, live=False))
    traces = whole(model).review.panels[0].traces
    band = next(t for t in traces if t.trace.style == "band")
    dots = next(t for t in traces if t.trace.style == "dots")
    assert len(band.t_s) > 200
    assert 28 <= len(dots.t_s) <= 34


class Recorder:
    """Writes beats, one a second."""

    def __init__(self, folder: Path) -> None:
        header = store.SessionHeader(folder.name, "test", ERA.wall_ns, subject=Subject("P-001"))
        self.writer = store.create(folder, header, ERA)
        channels = tuple(Channel(n, "mmHg") for n in ("sbp_mmhg", "map_mmhg", "dbp_mmhg"))
        self.writer.add_stream(
            StreamInfo(
                "edge.beats_abp", "edge", "numeric", channels, "float32", role="beats", origin="derived"
            )
        )
        self.seconds = 0

    def record(self, seconds: int, sbp: float) -> None:
        for _ in range(seconds):
            self.seconds += 1
            at_ns = ERA.monotonic_ns + self.seconds * SECOND_NS
            values = np.array([[sbp, sbp - 30, sbp - 45]], np.float32)
            block = SampleBlock(
                "edge.beats_abp", self.seconds - 1, values, at_ns, row_t_host_ns=np.array([at_ns])
            )
            self.writer.write_block(block)
        self.writer.commit()


def test_a_running_session_is_followed_and_its_medians_grow(model: TrendModel, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "live")
    recorder.record(60, 120.0)
    try:
        model.open(str(recorder.writer.folder))
        page = whole(model)
        assert page.review.wish.follow
        assert page.review.wish.span_s == LIVE_SPAN_S
        assert page.table[0].reference == pytest.approx(120.0)
        recorder.record(700, 140.0)
        model.refresh()
        wait(model, lambda: model.facts is not None and model.facts.duration_s > 700)
        page = whole(model)
        assert [row.reference for row in page.table] == [pytest.approx(140.0)] * 2
        recorder.record(400, 140.0)
        model.refresh()
        wait(model, lambda: model.facts is not None and model.facts.duration_s > 1100)
        assert whole(model).review.wish.t1_s == pytest.approx(1160, abs=2), "the end stays in view"
    finally:
        recorder.writer.abandon()


@pytest.mark.parametrize("span_s", trend_moves.SPANS_S)
def test_a_span_ends_where_the_view_ended_and_lies_inside(span_s: int) -> None:
    wish = Wish(1000.0, 4600.0)
    end_s = 20 * 3600.0
    seen = trend_moves.show_span(wish, span_s, end_s, live=False)
    assert seen.span_s == pytest.approx(min(span_s, end_s))
    assert seen.t0_s >= 0
    assert seen.t1_s <= end_s
    assert seen.t1_s == pytest.approx(max(4600.0, seen.span_s))
    assert trend_moves.chosen_span_s(seen) == (span_s if span_s <= end_s else None)


def test_zoom_stops_at_a_minute() -> None:
    wish = Wish(0.0, 3600.0)
    for _ in range(40):
        wish = trend_moves.zoom(wish, moves.ZOOM_STEP, 3600.0)
    assert wish.span_s == pytest.approx(trend_moves.LEAST_SPAN_S)
