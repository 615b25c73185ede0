"""Review over a real session folder: whose it is, what happened, and the panels it gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stored_review_rig import GAP_S, MINUTES, panel_named, picture

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.cursor import Reading, at_cursor
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import panels_of
from hemoview.viewmodel.review.tiles import TileCache
from recorder import session as store
from recorder.schema import FINGER_CHANGED, REFERENCE_CALIBRATED


def test_facts_say_whose_session_it_is_and_what_happened(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    _, facts = opened
    assert (facts.pseudonym, facts.state, facts.simulated) == ("P-014", "sealed", True)
    assert facts.duration_s == pytest.approx(MINUTES * 60, abs=0.1)
    assert [m.label for m in facts.markers] == ["reference calibrated", "rest", "cold pressor"]
    e4_gaps = [g for g in facts.gaps if g.stream_id == "e4.bvp"]
    assert [(g.cause, g.n_missing) for g in e4_gaps] == [("link-lost", 40 * 64)]
    assert (e4_gaps[0].t0_s, e4_gaps[0].t1_s) == pytest.approx(GAP_S)
    assert facts.models == ("student-0.1",)


def test_a_cuff_reading_is_drawn_when_measured_and_known_when_entered(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    _, facts = opened
    assert facts.cuffs[0].t_s == pytest.approx(280.0)
    assert facts.cuffs[0].known_s == pytest.approx(300.0)


def test_panels_come_from_roles_with_the_waves_and_the_pressures_shown_first(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    _, facts = opened
    panels = panels_of(facts)
    shown = [p.panel_id for p in panels if p.shown]
    assert shown == ["e4.bvp", "adc.wave.cnap", "e4.acc", "pressure", "parameter.HR"]
    pressure = panel_named(facts, "pressure")
    assert {t.style for t in pressure.traces} == {"band", "dots"}
    assert {t.colour.split(".")[0] for t in pressure.traces if t.style == "band"} == {"estimate"}
    assert "parameter.SVRI" in {p.panel_id for p in panels}


def test_a_reference_nobody_saw_calibrated_is_grey(opened: tuple[store.Session, SessionFacts]) -> None:
    session, facts = opened
    marks = tuple(
        Mark(t, label, "marker") for t, label in ((20.0, REFERENCE_CALIBRATED), (40.0, FINGER_CHANGED))
    )
    changed = replace(facts, marks=marks)
    assert changed.reference_spans == ((20.0, 40.0),)
    assert [changed.reference_since_s(t) for t in (10.0, 30.0, 50.0)] == [None, 20.0, None]
    view = picture((session, changed), "pressure", Wish(0.0, 60.0, 800))
    dots = next(t for t in view.traces if t.trace.style == "dots")
    assert dots.grey is not None
    assert dots.grey.tolist() == [not 20.0 <= t < 40.0 for t in dots.t_s.tolist()]
    assert all(t.grey is None for t in view.traces if t.trace.style == "band")
    assert at_cursor(changed, (), TileCache(), 30.0).reference_age_s == pytest.approx(10.0)
    assert at_cursor(changed, (), TileCache(), 50.0).reference_age_s is None


def test_hidden_estimates_are_on_no_panel_and_in_no_number(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    hidden = replace(opened[1], estimates_hidden=True)
    assert not [t for p in panels_of(hidden) for t in p.traces if t.style == "band"]
    view = at_cursor(hidden, panels_of(hidden), TileCache(), 100.0)
    assert {n.estimate for n in view.numerics} == {Reading(why="hidden")}
    assert view.personal is None


def test_estimates_that_are_shown_while_one_looks_come_into_view(
    model: ReviewModel, opened: tuple[store.Session, SessionFacts]
) -> None:
    """A session without a reference: while they are hidden there is no panel of pressure at all."""
    streams = tuple(s for s in opened[1].streams if s.role not in ("beats", "abp_wave"))
    alone = replace(opened[1], streams=streams, cuffs=(), estimates_hidden=True)
    model._facts = None
    model._take_facts(alone)
    model.move(lambda wish, end: moves.look_at(wish, 10.0, 20.0, end))
    assert "pressure" not in model.wish.panels
    model._take_facts(replace(alone, estimates_hidden=False))
    assert "pressure" in model.wish.panels
    assert (model.wish.t0_s, model.wish.t1_s) == (10.0, 20.0)
