"""The model of review over real session folders: opened, moved about in, damaged, killed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from stored_review_rig import GAP_S, MINUTES, settle

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.reader import ReviewReader
from recorder import session as store


def test_opening_shows_the_whole_session_settled(model: ReviewModel) -> None:
    view = model.view()
    assert (view.phase, view.settled, view.banners) == ("open", True, ())
    assert (view.wish.t0_s, view.wish.t1_s) == (0.0, pytest.approx(MINUTES * 60, abs=0.1))
    assert view.minimap is not None and view.minimap.panel.panel_id == "pressure"
    assert [m.label for m in view.marks if m.kind == "marker"][1:] == ["rest", "cold pressor"]


def test_zooming_in_settles_on_samples(model: ReviewModel) -> None:
    model.move(lambda w, end: moves.look_at(w, 200.0, 206.0, end))
    settle(model)
    assert all(t.exact for p in model.view().panels for t in p.traces)


def test_complete_is_known_without_making_the_view(model: ReviewModel) -> None:
    for step in (
        moves.fit,
        lambda w, end: moves.look_at(w, 300.0, 330.0, end),
        lambda w, end: moves.pan(w, 0.9, end),
    ):
        model.move(step)
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            known = model.complete
            assert known == model.view().settled
            if known:
                break
            model.drain()
            time.sleep(0.001)
        assert model.complete


def test_the_overview_is_made_anew_only_when_its_own_tiles_come(model: ReviewModel) -> None:
    before = model.view().minimap
    model.move(lambda wish, end: moves.look_at(wish, 100.0, 130.0, end))
    settle(model)
    assert model.view().minimap is before


def test_an_unchanged_panel_is_not_resolved_again(model: ReviewModel) -> None:
    before = model.view()
    model.move(lambda w, end: moves.jump(w, 50.0, end))
    after = model.view()
    assert after is not before
    assert all(a is b for a, b in zip(after.panels, before.panels, strict=True))


def test_markers_and_gaps_are_visited_in_turn(model: ReviewModel) -> None:
    assert model.next_mark() and model.wish.cursor_s == pytest.approx(120.0)
    assert model.next_mark() and model.wish.cursor_s == pytest.approx(1380.0)
    assert not model.next_mark()
    assert model.next_mark(back=True) and model.wish.cursor_s == pytest.approx(120.0)
    assert model.next_gap() and model.wish.cursor_s == pytest.approx(900.0)
    assert model.next_gap() and model.wish.cursor_s == pytest.approx(GAP_S[0])


def test_a_gap_of_a_panel_not_shown_is_passed_over(model: ReviewModel) -> None:
    model.choose(frozenset({"e4.bvp"}))
    assert model.next_gap() and model.wish.cursor_s == pytest.approx(GAP_S[0])


def test_a_folder_without_a_session_says_what_and_where(tmp_path: Path) -> None:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    try:
        made.open(str(tmp_path))
        settle(made)
        view = made.view()
        assert view.phase == "failed"
        assert str(tmp_path) in str(view.banners[0].as_dict()["why"])
    finally:
        made.close()


def test_a_killed_session_opens_with_what_was_committed(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", Plan(hours=0.1, sealed=False))
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    try:
        made.open(str(folder))
        settle(made)
        view = made.view()
        assert view.facts is not None and view.facts.state == "killed"
        assert [m.id for m in view.banners] == ["review.killed"]
        assert len(view.panels[0].traces[0].t_s) > 100
    finally:
        made.close()


def test_a_damaged_segment_is_named_and_hatched_once_it_is_met(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", Plan(hours=0.4))
    segment = sorted((folder / "segments").glob("e4.bvp-*"))[1]
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.write_bytes(bytes(content))
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    try:
        made.open(str(folder))
        settle(made)
        made.move(lambda w, end: moves.look_at(w, 590.0, 620.0, end))
        settle(made, until=lambda: bool(made.view().banners) and made.view().settled)
        view = made.view()
        assert view.facts is not None and view.facts.state == "damaged"
        assert view.banners[0].as_dict()["file"] == f"segments/{segment.name}"
        assert "damaged" in [g.cause for g in view.panels[0].gaps]
        assert len(next(p for p in view.panels if p.panel.panel_id == "adc.wave.cnap").traces[0].t_s) > 100
    finally:
        made.close()
