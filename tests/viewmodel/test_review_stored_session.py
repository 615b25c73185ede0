"""Review over real session folders, without a window: facts, panels, pictures, numbers at the cursor."""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel import review_moves as moves
from hemoview.viewmodel import review_reader
from hemoview.viewmodel.review_cursor import Reading, at_cursor, cursor_keys
from hemoview.viewmodel.review_facts import CuffMark, Mark, SessionFacts, facts_of
from hemoview.viewmodel.review_model import ReviewModel
from hemoview.viewmodel.review_moves import Wish
from hemoview.viewmodel.review_panels import Panel, panels_of
from hemoview.viewmodel.review_reader import ReviewReader, load_tile
from hemoview.viewmodel.review_tiles import Tile, TileCache, floor_level, keys_over, level_for
from hemoview.viewmodel.review_view import PanelView, _scale, resolve_panel, runs
from recorder import session as store
from recorder.schema import FINGER_CHANGED, REFERENCE_CALIBRATED

MINUTES = 34
GAP_S = (1500.0, 1540.0)
"""Where the bench session loses its wristband."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("review") / "s1", Plan(hours=MINUTES / 60))


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[tuple[store.Session, SessionFacts]]:
    with store.open(folder) as session:
        yield session, facts_of(session)


@pytest.fixture
def model(folder: Path) -> Iterator[ReviewModel]:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    made.open(str(folder))
    settle(made)
    yield made
    made.close()


def settle(model: ReviewModel, until: Callable[[], bool] | None = None) -> None:
    """Take answers until the picture is complete (or the condition holds)."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        model.drain()
        view = model.view()
        done = view.phase == "failed" or (view.phase == "open" and view.settled and not cursor_loading(model))
        if until() if until is not None else done:
            return
        time.sleep(0.002)
    raise AssertionError("the picture was never complete")


def cursor_loading(model: ReviewModel) -> bool:
    cursor = model.view().cursor
    return cursor is not None and any(n.estimate and n.estimate.why == "loading" for n in cursor.numerics)


def panel_named(facts: SessionFacts, panel_id: str) -> Panel:
    return next(p for p in panels_of(facts) if p.panel_id == panel_id)


def picture(opened: tuple[store.Session, SessionFacts], panel_id: str, wish: Wish) -> PanelView:
    """A panel resolved with every tile it needs."""
    session, facts = opened
    panel, cache = panel_named(facts, panel_id), TileCache()
    for stream_id in panel.stream_ids:
        level = level_for(wish.span_s / wish.width_px, floor_level(facts.stream(stream_id)))
        for key in keys_over(stream_id, level, wish.t0_s, wish.t1_s):
            cache.put(load_tile(session, facts, key))
    return resolve_panel(panel, facts, wish, cache)


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


def numbers_at(opened: tuple[store.Session, SessionFacts], t_s: float) -> dict[str, tuple[object, object]]:
    session, facts = opened
    panels, cache = [p for p in panels_of(facts) if p.shown], TileCache()
    for key in cursor_keys(facts, panels, t_s):
        cache.put(load_tile(session, facts, key))
    view = at_cursor(facts, panels, cache, t_s)
    return {n.name: (n.estimate, n.reference) for n in view.numerics}


def test_the_number_at_the_cursor_is_the_last_row_before_it_never_between_two(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    session, _ = opened
    stored = session.read("edge.est", 100.0, 100.9)
    estimate, reference = numbers_at(opened, 100.7)["SBP"]
    assert estimate.value == pytest.approx(float(stored.values[-1, 0]), rel=1e-6)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(stored.values[-1, 1:3]), rel=1e-6)
    beats = session.read("edge.beats_abp", 90.0, 100.7)
    last_beats = beats.values[beats.time_s > beats.time_s[-1] - 5.0, 0]
    assert reference.value == pytest.approx(float(np.median(last_beats)), rel=1e-6)


def test_an_old_number_is_never_held_and_the_gap_says_why(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    estimate, reference = numbers_at(opened, GAP_S[0] + 20)["SBP"]
    assert (estimate.value, estimate.why) == (None, "link-lost")
    assert reference.value is not None


def test_an_abstained_number_gives_its_reason(opened: tuple[store.Session, SessionFacts]) -> None:
    estimate, reference = numbers_at(opened, 100.0)["SVR"]
    assert (estimate.value, estimate.why) == (None, "no-real-reference")
    assert reference is None


def test_a_value_learned_from_simulation_alone_carries_its_tag(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    """The code that stands beside a value is ``simulated``; any other code takes the value away."""
    _, facts = opened
    for name, kept in (("simulated", True), ("motion", False)):
        info = facts.stream("edge.est")
        renamed = replace(info, metadata={**info.metadata, "reasons": json.dumps(["x", "y", name])})
        names = [channel.name for channel in info.channels]
        row = np.full((1, len(names)), np.nan, np.float32)
        for end, value in (("", 5.0), ("_lo", 4.0), ("_hi", 6.0), ("_why", 3.0)):
            row[0, names.index(f"CO{end}")] = value
        cache = TileCache()
        key = keys_over("edge.est", floor_level(info), 100.0, 101.0)[0]
        cache.put(Tile(key, np.array([100.0]), row, row, exact=True, edition=0, until_s=1e9))
        changed = replace(facts, streams=tuple(renamed if s is info else s for s in facts.streams))
        found = next(n for n in at_cursor(changed, (), cache, 100.5).numerics if n.name == "CO").estimate
        assert found is not None and found.why == name
        assert (found.value is not None) is kept


def test_before_its_rows_are_read_a_number_says_so(opened: tuple[store.Session, SessionFacts]) -> None:
    view = at_cursor(opened[1], (), TileCache(), 100.0)
    assert {n.estimate.why for n in view.numerics if n.estimate} == {"loading"}


def test_the_cuff_at_the_cursor_is_the_last_one_known_by_then(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    early = CuffMark(280.0, 300.0, 120, 80, None)
    late = CuffMark(500.0, 520.0, 130, 85, None, withdrawn_s=600.0)
    facts = replace(opened[1], cuffs=(early, late))

    def known(t_s: float) -> float | None:
        cuff = at_cursor(facts, (), TileCache(), t_s).cuff
        return None if cuff is None else cuff.cuff.sbp_mmhg

    assert [known(t) for t in (290.0, 310.0, 510.0, 530.0, 610.0)] == [None, 120, 120, 130, 120]


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


# the model


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


# the reader


def test_only_the_last_wish_is_read(opened: tuple[store.Session, SessionFacts]) -> None:
    """While one tile is being read the wish changes twice: the tiles of the first wish are never read."""
    session, facts = opened
    slow = _SlowSession(session)
    reader = ReviewReader(lambda _path: slow, lambda: None)
    try:
        reader.open("s")
        _wait(lambda: bool(reader.drain()))
        first, left, wanted = (keys_over("e4.bvp", 4, t, t + 10)[0] for t in (0.0, 200.0, 400.0))
        reader.want([first])
        assert slow.reading.wait(10)
        reader.want([left])
        reader.want([first, wanted])
        slow.go_on.set()
        found: list[object] = []
        _wait(lambda: found.extend(reader.drain()) is None and len(found) == 2)
        assert [answer.tile.key for answer in found] == [first, wanted]
        assert slow.reads == 2
    finally:
        reader.close()
    assert slow.closed
    assert facts.live is False


def test_answers_of_the_session_before_are_dropped(folder: Path, tmp_path: Path) -> None:
    other = make_session(tmp_path / "other", Plan(hours=0.02, pseudonym="P-015"))
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    try:
        made.open(str(folder))
        made.open(str(other))
        settle(made)
        view = made.view()
        assert view.facts is not None and view.facts.pseudonym == "P-015"
        assert view.panels[0].traces[0].t_s[-1] < 80.0
    finally:
        made.close()


class _SlowSession:
    """A stored session whose reads wait until they may go on."""

    def __init__(self, session: store.Session) -> None:
        self._session = session
        self.reading, self.go_on = threading.Event(), threading.Event()
        self.reads = 0
        self.closed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def read(self, *args: object) -> object:
        self.reads += 1
        self.reading.set()
        self.go_on.wait(10)
        return self._session.read(*args)

    def close(self) -> None:
        self.closed = True


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_a_session_without_summary_gets_one_when_nothing_is_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_reader, "IDLE_S", 0.1)
    copy = Path(shutil.copytree(folder, tmp_path / "s1"))
    summary = copy / "summary.bin"
    summary.unlink()
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    made.open(str(copy))
    settle(made)
    settle(made, summary.exists)
    assert summary.is_file() and not summary.with_suffix(".bin.tmp").exists()
    made.close()
    with store.open(copy) as again:
        assert not again.summarise()
