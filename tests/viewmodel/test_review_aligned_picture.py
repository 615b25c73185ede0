"""The reference drawn on the pulse's time axis: the same samples at other times, nothing stored touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hemoview.bench.review_session import Plan, make_session
from hemoview.dsp.time_map import Piece
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.model import ReviewModel, ReviewView
from hemoview.viewmodel.review.reader import ReviewReader
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.review.view import PanelView
from recorder import session as store

BY_S = 3.0
STREAMS = frozenset({"adc.wave", "edge.beats_abp"})
ONE = TimeShift(4, STREAMS, (Piece(0.0, 1200.0, BY_S, 0.0, 9.0, 0.9),))
TWO = TimeShift(
    5, STREAMS, (Piece(0.0, 590.0, BY_S, 0.0, 9.0, 0.9), Piece(610.0, 1200.0, BY_S, 0.0, 9.0, 0.9))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("aligned") / "s1", Plan(hours=20 / 60))


@pytest.fixture
def model(folder: Path) -> Iterator[ReviewModel]:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    made.open(str(folder))
    settled(made)
    yield made
    made.close()


def settled(model: ReviewModel, *, waves: bool = False) -> ReviewView:
    """``waves``: their values at the cursor are read too, which the picture itself does not wait for."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        model.drain()
        view = model.view()
        loading = view.cursor is None or any(
            r is not None and r.why == "loading"
            for n in view.cursor.numerics
            for r in (n.estimate, n.reference)
        )
        loading = loading or (waves and any(w.value is None for w in view.cursor.waves))
        if view.phase == "open" and view.settled and not loading:
            return view
        time.sleep(0.002)
    raise AssertionError("the picture was never complete")


def look(model: ReviewModel, t0_s: float, t1_s: float, cursor_s: float, *, waves: bool = False) -> ReviewView:
    model.move(lambda wish, end: moves.jump(wish, cursor_s, end))
    model.move(lambda wish, end: moves.look_at(wish, t0_s, t1_s, end))
    return settled(model, waves=waves)


def panel(view: ReviewView, panel_id: str) -> PanelView:
    return next(p for p in view.panels if p.panel.panel_id == panel_id)


@pytest.mark.parametrize(("t0_s", "t1_s"), [(100.0, 110.0), (100.0, 500.0)], ids=["samples", "levels"])
def test_the_wave_moves_the_pulse_stays_and_nothing_is_another_sample(
    model: ReviewModel, t0_s: float, t1_s: float
) -> None:
    stored = look(model, t0_s - BY_S, t1_s - BY_S, t0_s)
    there = panel(stored, "adc.wave.cnap").traces[0]
    pulse_then = panel(look(model, t0_s, t1_s, t0_s), "e4.bvp").traces[0]
    model.draw_by(ONE)
    view = settled(model)
    assert view.aligned == 4
    here, pulse = panel(view, "adc.wave.cnap").traces[0], panel(view, "e4.bvp").traces[0]
    assert np.array_equal(pulse.t_s, pulse_then.t_s)
    assert np.array_equal(pulse.low, pulse_then.low)
    if here.exact:
        assert here.t_s == pytest.approx(there.t_s + BY_S)
        assert np.array_equal(here.low, there.low)
    else:
        common = np.intersect1d(np.round(here.t_s - BY_S, 3), np.round(there.t_s, 3))
        assert len(common) > 0.5 * len(there.t_s)
    model.draw_by(None)
    assert settled(model).aligned is None


def test_numbers_at_the_cursor_are_those_of_the_moment_the_alignment_names(model: ReviewModel) -> None:
    before = look(model, 90.0, 110.0, 100.0 - BY_S, waves=True).cursor
    plain = look(model, 90.0, 110.0, 100.0).cursor
    model.draw_by(ONE)
    moved = settled(model, waves=True).cursor
    assert before is not None
    assert plain is not None
    assert moved is not None
    by_name = {n.name: n for n in moved.numerics}
    for then, now in zip(before.numerics, plain.numerics, strict=True):
        assert by_name[then.name].reference == then.reference
        assert by_name[then.name].estimate == now.estimate
    waves = {w.panel_id: w.value for w in moved.waves}
    assert waves["adc.wave.cnap"] == next(w.value for w in before.waves if w.panel_id == "adc.wave.cnap")


def test_between_two_pieces_there_is_no_reference_and_the_reason_says_so(model: ReviewModel) -> None:
    look(model, 580.0, 640.0, 603.0)
    model.draw_by(TWO)
    view = settled(model)
    t_s = panel(view, "adc.wave.cnap").traces[0].t_s
    assert not ((t_s > 590.1 + BY_S) & (t_s < 609.9 + BY_S)).any()
    assert ((t_s > 580) & (t_s < 590)).any()
    assert ((t_s > 615) & (t_s < 640)).any()
    assert view.cursor is not None
    heart = next(n for n in view.cursor.numerics if n.name == "HR")
    assert heart.reference is not None
    assert heart.reference.why == "not-aligned"
    assert heart.estimate is not None
    assert heart.estimate.value is not None


def test_gaps_of_the_reference_are_drawn_where_it_is(model: ReviewModel) -> None:
    stored = panel(look(model, 890.0, 930.0, 900.0), "adc.wave.cnap").gaps
    model.draw_by(ONE)
    moved = panel(settled(model), "adc.wave.cnap").gaps
    assert [(g.t0_s, g.t1_s) for g in moved] == [(g.t0_s + BY_S, g.t1_s + BY_S) for g in stored]
    assert len(stored) == 1


def test_another_session_is_drawn_as_it_is_stored(model: ReviewModel, folder: Path) -> None:
    model.draw_by(ONE)
    model.open(str(folder))
    assert settled(model).aligned is None


def test_what_is_known_of_the_monitor_goes_by_its_own_clock(model: ReviewModel) -> None:
    assert TWO.reference_s(600.0 + BY_S) == pytest.approx(600.0), "in a hole by the nearest piece"
    assert ONE.reference_s(5000.0 + BY_S) == pytest.approx(5000.0)
    model.move(lambda wish, end: moves.jump(wish, 700.0, end))
    plain = settled(model).cursor
    assert plain is not None and plain.cuff is not None and plain.reference_age_s is not None
    model.draw_by(ONE)
    shifted = settled(model).cursor
    assert shifted is not None and shifted.cuff is not None and shifted.reference_age_s is not None
    assert shifted.cuff.age_s == pytest.approx(plain.cuff.age_s - BY_S)
    assert shifted.reference_age_s == pytest.approx(plain.reference_age_s - BY_S)
