"""Review over a real session folder: every sample and every extreme is in the picture, and no point in a gap."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stored_review_rig import GAP_S, MINUTES, picture

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review.cursor import at_cursor, cursor_keys
from hemoview.viewmodel.review.facts import SessionFacts, facts_of
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import panels_of
from hemoview.viewmodel.review.reader import load_tile
from hemoview.viewmodel.review.tiles import TileCache
from hemoview.viewmodel.review.view import _scale, runs
from recorder import session as store


def test_close_up_the_wave_is_its_samples_in_mmhg(opened: tuple[store.Session, SessionFacts]) -> None:
    session, _ = opened
    view = picture(opened, "adc.wave.cnap", Wish(100.0, 104.0, 1200))
    line = view.traces[0]
    stored = session.read("adc.wave", 100.0, 104.0, calibrated=True)
    inside = (line.t_s >= 100.0) & (line.t_s <= 104.0)
    assert line.exact
    assert line.low[inside] == pytest.approx(stored.values[:, 0], rel=1e-5)
    assert line.t_s[inside] == pytest.approx(stored.time_s)
    assert view.panel.unit == "mmHg"
    assert view.y_low <= line.low.min() < line.high.max() <= view.y_high


def test_motion_is_called_so_and_never_touches_the_edge_of_its_scale(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    view = picture(opened, "e4.acc", Wish(100.0, 130.0, 1200))
    assert view.panel.title == "Motion"
    low, high = (min(t.low.min() for t in view.traces), max(t.high.max() for t in view.traces))
    margin = 0.05 * (high - low)
    assert view.y_low < low - margin and high + margin < view.y_high
    still = replace(view.panel, traces=view.panel.traces[:1])
    level = [
        replace(view.traces[0], low=np.full_like(t, 1.0), high=np.full_like(t, 1.0))
        for t in [view.traces[0].low]
    ]
    y_low, y_high, _ = _scale(still, level, (), 1.0)
    assert y_high - y_low >= 0.2 and y_low < 0.95 and y_high > 1.05


def test_from_afar_every_extreme_is_in_the_picture(opened: tuple[store.Session, SessionFacts]) -> None:
    session, facts = opened
    view = picture(opened, "e4.bvp", Wish(0.0, facts.duration_s, 700))
    stored = session.read("e4.bvp").values[:, 0]
    assert len(view.traces[0].t_s) <= 702
    assert view.traces[0].low.min() == pytest.approx(stored.min(), abs=1e-4)
    assert view.traces[0].high.max() == pytest.approx(stored.max(), abs=1e-4)


@pytest.mark.parametrize("span", [(0.0, MINUTES * 60.0), (1400.0, 1600.0), (1490.0, 1510.0)])
def test_a_gap_is_shown_with_its_cause_and_no_point_lies_in_it(
    opened: tuple[store.Session, SessionFacts], span: tuple[float, float]
) -> None:
    view = picture(opened, "e4.bvp", Wish(*span, 1000))
    assert [g.cause for g in view.gaps] == ["link-lost"]
    line = view.traces[0]
    column_s = (span[1] - span[0]) / 1000
    inside = (line.t_s > GAP_S[0] + 1 + column_s) & (line.t_s < GAP_S[1] - 1 - column_s)
    assert not inside.any()
    assert line.join_s < GAP_S[1] - GAP_S[0]


def test_where_the_estimate_abstains_the_reason_is_shown(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    view = picture(opened, "parameter.CO", Wish(60.0, 120.0, 900))
    assert [r.reason for r in view.reasons] == ["no-real-reference"]
    assert np.isnan(view.traces[0].low).all()
    shown = picture(opened, "pressure", Wish(60.0, 120.0, 900))
    assert shown.reasons == ()
    band = next(t for t in shown.traces if t.trace.style == "band")
    assert band.band_low is not None and band.band_high is not None
    assert (band.band_low < band.low).all() and (band.band_high > band.high).all()


def test_runs_of_a_code_end_where_rows_stop_following_each_other() -> None:
    t_s = np.array([0.0, 1, 2, 3, 50, 51, 52])
    code = np.array([0, 2, 2, 0, 2, 2, 3])
    assert runs(t_s, code, join_s=2.5) == [(1.0, 3.0, 2), (50.0, 52.0, 2), (52.0, 52.0, 3)]


def test_a_wave_without_calibration_is_grey_volts_and_says_so(tmp_path: Path) -> None:
    made = make_session(tmp_path / "s", Plan(hours=0.05, calibrated=False))
    with store.open(made) as session:
        opened = session, facts_of(session)
        view = picture(opened, "adc.wave.cnap", Wish(0.0, 60.0, 800))
    assert (view.panel.unit, view.panel.volts, view.traces[0].trace.colour) == ("V", True, "grey")
    assert [r.reason for r in view.reasons] == ["uncalibrated"]


def test_before_the_first_calibration_the_wave_is_marked(opened: tuple[store.Session, SessionFacts]) -> None:
    session, facts = opened
    later = replace(facts, calibrations=(replace(facts.calibrations[0], from_s=60.0),))
    view = picture((session, later), "adc.wave.cnap", Wish(0.0, 120.0, 800))
    assert [(r.t0_s, r.t1_s, r.reason) for r in view.reasons] == [(0.0, 60.0, "uncalibrated")]
    cache = TileCache()
    for key in cursor_keys(later, panels_of(later), 30.0):
        cache.put(load_tile(session, later, key))
    waves = {w.name: w for w in at_cursor(later, panels_of(later), cache, 30.0).waves}
    assert waves["CNAP"].value is None
    assert facts.calibrations[0].from_s == -math.inf or facts.calibrations[0].from_s <= 0
