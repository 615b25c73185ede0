"""The alignment panel without a window: what it says and offers in every state, and that pictures follow the pieces."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.bench.review_session import Plan, make_session
from hemoview.dsp.time_map import Piece
from hemoview.labels import alignment as labels
from hemoview.labels.alignment import REFUSED, Alignment
from hemoview.ui.catalogue import known_ids
from hemoview.viewmodel.review_align import AlignModel, AlignView
from hemoview.viewmodel.review_align_beats import CLOSE_S, beats_around, pairs, residuals
from hemoview.viewmodel.review_align_deeds import UNLOCKED, Beats, Known, StoredDeeds, Tell
from hemoview.viewmodel.review_align_words import evidence_lines
from hemoview.viewmodel.review_align_work import GivenUp
from hemoview.viewmodel.review_facts import GapMark, SessionFacts, facts_of
from hemoview.viewmodel.review_moves import Wish
from hemoview.viewmodel.review_shift import TimeShift, placed_span, reference_streams
from recorder import session as store
from recorder.errors import ConfigError, RecorderError

PIECES = (Piece(0.0, 290.0, 2.0, 20.0, 9.0, 0.94, 300), Piece(310.0, 600.0, 2.5, 20.0, 11.0, 0.9, 280))
PULSE_S = np.arange(1.0, 600.0, 0.8)


class Beaten(StoredDeeds):
    """Real versions on disk; beats that are known, and a search with a known answer."""

    def __init__(self, answer: Alignment) -> None:
        super().__init__()
        self.answer = answer
        self.reads = 0
        self.hold = False

    def beats(self, path: Path, tell: Tell) -> Beats:
        self.reads += 1
        while self.hold:
            tell(0.5)
            time.sleep(0.005)
        pressure = np.concatenate([p.to_reference(PULSE_S) for p in PIECES])
        inside = [(pressure >= p.t0_s) & (pressure <= p.t1_s) for p in PIECES]
        return Beats(PULSE_S, np.sort(pressure[np.logical_or(*inside)]), ((100.0, 110.0),), ((295.0, 305.0),))

    def align(self, path: Path, who: str, tell: Tell) -> Known:
        tell(0.3)
        labels.store(path, self.answer, made_by=who, software="test", wall_ns=1)
        return self.known(path)


FOUND = Alignment(0, True, PIECES, "beats")
REFUSAL = Alignment(0, False, (), "beats", {}, "not-the-same-heart")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("align") / "s1", Plan(hours=10 / 60))


@pytest.fixture
def facts(made: Path, tmp_path: Path) -> SessionFacts:
    """Facts of a session whose versions go to a folder of this test alone."""
    import shutil  # noqa: PLC0415

    copy = Path(shutil.copytree(made, tmp_path / "s1"))
    with store.open(copy) as session:
        return facts_of(session)


@pytest.fixture
def deeds() -> Beaten:
    return Beaten(FOUND)


@pytest.fixture
def model(facts: SessionFacts, deeds: Beaten) -> Iterator[AlignModel]:
    model = AlignModel(deeds, lambda: None)
    model.use(facts)
    model.toggle()
    settle(model, lambda view: view.beats is not None)
    yield model
    model.close()


def settle(
    model: AlignModel, until: Callable[[AlignView], bool] = lambda view: view.job is None
) -> AlignView:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        model.drain()
        view = model.view(50.0)
        if until(view) and (view.job is None or view.job.kind == "beats"):
            return view
        time.sleep(0.002)
    raise AssertionError(f"never settled: {model.view(50.0)}")


def aligned(model: AlignModel) -> AlignView:
    model.align("OP1")
    return settle(model, lambda view: bool(view.history))


def test_a_session_nobody_aligned_says_so_and_offers_only_to_align(model: AlignModel) -> None:
    view = model.view(50.0)
    assert view.state.id == "align-state-none"
    assert view.can == {"align"}
    assert view.figures is None
    assert view.history == ()
    assert view.beats is not None
    assert not view.beats.pulse.matched.any() or not view.beats.pulse.matched.all()


def test_align_asks_who_and_then_shows_what_was_found(model: AlignModel) -> None:
    model.align("  ")
    assert model.view(50.0).note is not None
    assert model.view(50.0).note.id == "align-who"  # type: ignore[union-attr]
    view = aligned(model)
    assert view.state.id == "align-state-locked"
    assert view.note is None
    assert view.figures is not None
    said = view.figures.as_dict()
    assert (said["offset"], said["drift"], said["matched"]) == ("+2.000", "+20.0", "94")
    assert (said["piece"], said["pieces"]) == (1, 2)
    assert view.history[-1].who == "OP1"
    assert view.can == {"align", "nudge", "unlock", "undo", "aligned"}
    assert view.residuals is not None
    assert np.quantile(np.abs(view.residuals.ms), 0.99) < 1e-6
    assert view.residuals.breaks_s == (pytest.approx(302.25, abs=0.02),)
    assert len(view.residuals.gaps) == 2
    assert view.beats is not None
    assert view.beats.pulse.matched.all()
    assert len(view.beats.joins) == len(view.beats.pulse.t_s)
    assert model.view(400.0).figures.as_dict()["piece"] == 2  # type: ignore[union-attr]


def test_a_nudge_is_seen_at_once_and_several_become_one_version(
    model: AlignModel, facts: SessionFacts
) -> None:
    aligned(model)
    model.nudge(5, "")
    assert model.view(50.0).note.id == "align-who"  # type: ignore[union-attr]
    for by_ms in (100, 10, -1):
        model.nudge(by_ms, "OP2")
    view = model.view(50.0)
    assert view.nudge_ms == 109
    assert view.residuals is not None
    assert np.median(view.residuals.ms) == pytest.approx(-109)
    assert view.beats is not None
    assert not view.beats.pulse.matched.any()
    assert len(labels.history(Path(facts.path))) == 1
    model.keep_nudge()
    view = settle(model, lambda v: len(v.history) == 2)
    kept = labels.current(Path(facts.path))
    assert kept is not None
    assert kept.pieces[0].offset_s == pytest.approx(2.109)
    assert kept.made_by == "OP2"
    assert view.nudge_ms == 0
    assert np.median(view.residuals.ms) == pytest.approx(-109)  # type: ignore[union-attr]


def test_a_nudge_is_kept_when_the_page_turns_to_another_session(
    model: AlignModel, facts: SessionFacts
) -> None:
    aligned(model)
    model.nudge(20, "OP3")
    model.use(None)
    model.close()
    ends = time.monotonic() + 10
    while len(labels.history(Path(facts.path))) < 2 and time.monotonic() < ends:
        time.sleep(0.01)
    kept = labels.current(Path(facts.path))
    assert kept is not None
    assert (kept.pieces[0].offset_s, kept.made_by) == (pytest.approx(2.02), "OP3")


def test_undo_forgets_a_nudge_first_and_then_goes_back_a_version(
    model: AlignModel, facts: SessionFacts
) -> None:
    aligned(model)
    model.nudge(50, "OP1")
    model.undo("OP1")
    assert model.view(50.0).nudge_ms == 0
    assert len(labels.history(Path(facts.path))) == 1
    model.nudge(50, "OP1")
    model.keep_nudge()
    settle(model, lambda v: len(v.history) == 2)
    model.undo("OP1")
    view = settle(model, lambda v: len(v.history) == 3)
    assert view.history[-1].what.id == "align-what-undone"
    assert view.figures.as_dict()["offset"] == "+2.000"  # type: ignore[union-attr]
    model.undo("OP1")
    view = settle(model, lambda v: len(v.history) == 4)
    assert view.state.id == "align-state-none"
    assert view.history[-1].what.id == "align-what-none"
    assert "undo" not in view.can


def test_unlocking_needs_a_reason_bars_and_can_be_locked_again(
    model: AlignModel, facts: SessionFacts
) -> None:
    aligned(model)
    model.unlock("OP1", " ")
    assert model.view(50.0).note.id == "align-why-unlock"  # type: ignore[union-attr]
    model.unlock("OP1", "tap disagrees")
    view = settle(model, lambda v: len(v.history) == 2)
    assert view.state.id == "align-state-open"
    assert view.figures.id == "align-refused-unlocked"  # type: ignore[union-attr]
    assert [m.id for m in view.refusal] == ["align-barred"]
    assert view.can == {"align", "lock", "undo"}
    held = labels.current(Path(facts.path))
    assert held is not None
    assert not held.locked
    assert held.refused_because == UNLOCKED
    model.lock("OP1", "looked again")
    view = settle(model, lambda v: len(v.history) == 3)
    assert view.state.id == "align-state-locked"
    assert view.history[-1].what.as_dict()["why"] == "looked again"


def test_a_refusal_is_an_answer_with_its_reason_and_is_never_locked_by_hand(
    model: AlignModel, deeds: Beaten, facts: SessionFacts
) -> None:
    deeds.answer = REFUSAL
    view = aligned(model)
    assert view.state.id == "align-state-refused"
    assert view.figures.id == "align-refused-not-the-same-heart"  # type: ignore[union-attr]
    assert view.refusal[-1].id == "align-barred"
    assert view.note is None
    assert view.can == {"align", "undo"}
    with pytest.raises(ConfigError):
        deeds.lock("OP1", "because")(Path(facts.path))


def test_the_picture_moves_only_while_it_is_asked_for_and_locked(model: AlignModel) -> None:
    model.show_aligned()
    assert model.shift is None
    aligned(model)
    model.show_aligned()
    shift = model.shift
    assert shift is not None
    assert shift is model.shift
    assert shift.version == 1
    model.nudge(10, "OP1")
    assert model.shift is not shift
    model.unlock("OP1", "why")
    settle(model, lambda v: v.state.id == "align-state-open")
    assert model.shift is None
    assert not model.view(50.0).aligned


def test_reading_can_be_cancelled_and_asked_for_again(facts: SessionFacts, deeds: Beaten) -> None:
    deeds.hold = True
    model = AlignModel(deeds, lambda: None)
    model.use(facts)
    model.toggle()
    settle(model, lambda v: v.job is not None and v.job.share == 0.5)
    assert model.view(0.0).can == {"cancel"}
    assert model.view(0.0).waiting.id == "align-reading"  # type: ignore[union-attr]
    model.cancel()
    view = settle(model)
    assert view.note.id == "align-cancelled"  # type: ignore[union-attr]
    assert view.beats is None
    deeds.hold = False
    model.toggle()
    model.toggle()
    settle(model, lambda v: v.beats is not None)
    assert deeds.reads == 2
    model.close()


def test_another_session_ends_what_was_under_way_and_forgets_the_first(
    facts: SessionFacts, deeds: Beaten
) -> None:
    deeds.hold = True
    model = AlignModel(deeds, lambda: None)
    model.use(facts)
    model.toggle()
    settle(model, lambda v: v.job is not None and v.job.share == 0.5)
    deeds.hold = False
    model.use(replace(facts, path=f"{facts.path}/nowhere"))
    view = settle(model)
    assert view.history == ()
    model.use(None)
    assert model.view(0.0).can == frozenset()
    model.close()


def test_a_live_session_and_one_without_pressure_are_not_aligned(facts: SessionFacts, deeds: Beaten) -> None:
    for changed, state, waiting in (
        (replace(facts, state="open"), "align-state-live", "align-state-live"),
        (
            replace(facts, streams=tuple(s for s in facts.streams if s.role != "abp_wave")),
            "align-state-lacking",
            "align-no-pressure",
        ),
    ):
        model = AlignModel(deeds, lambda: None)
        model.use(changed)
        model.toggle()
        view = settle(model)
        assert view.state.id == state
        assert view.can == frozenset()
        assert view.waiting.id == waiting  # type: ignore[union-attr]
        model.close()
    assert deeds.reads == 0


def test_what_somebody_else_changed_is_not_overwritten(model: AlignModel, facts: SessionFacts) -> None:
    aligned(model)
    model.nudge(10, "OP1")
    labels.store(Path(facts.path), REFUSAL, made_by="other", software="test", wall_ns=2)
    model.keep_nudge()
    view = settle(model, lambda v: v.note is not None and v.note.id == "align-failed")
    assert view.nudge_ms == 0
    assert labels.current(Path(facts.path)).refused_because == "not-the-same-heart"  # type: ignore[union-attr]


def test_a_clock_set_wrong_and_taps_are_told_beside_the_figures(model: AlignModel, deeds: Beaten) -> None:
    deeds.answer = replace(FOUND, evidence={"clock_set_wrongly_h": -1.0, "lag_ms": 231.4})
    view = aligned(model)
    assert [(m.id, *m.as_dict().values()) for m in view.refusal] == [
        ("align-clock-wrong", "-1"),
        ("align-taps", "+231"),
    ]


def test_a_refusal_tells_what_it_rests_on() -> None:
    device = {"beats": 900, "usable": 700, "rate_per_min": 71.2, "varies_ms": 3.0}
    evidence = {
        "pulse": device,
        "reference": {**device, "rate_per_min": None},
        "pairs": 43,
        "matched_fraction": 0.41,
        "residual_ms": 55.0,
        "offset_s": -1.25,
        "runner_up": {"offset_s": 12.5},
    }
    beats, best, rival = evidence_lines(evidence)
    assert beats.as_dict()["pulse_rate_per_min"] == "71"
    assert beats.as_dict()["pressure_rate_per_min"] == "–"
    assert best.as_dict() | {"least": 70, "least_pairs": 100, "most": 30} == best.as_dict()
    told = best.as_dict()
    assert (told["pairs"], told["matched"], rival.as_dict()["other"]) == ("43", "41", "+12.500")
    alone = evidence_lines({**evidence, "runner_up": None})
    assert [m.id for m in alone] == ["align-evidence-beats", "align-evidence-best"]
    assert evidence_lines({}) == []


def test_every_refusal_has_words() -> None:
    for code in REFUSED:
        assert {f"align-refused-{code}", f"align-refused-short-{code}"} <= known_ids()


def test_a_damaged_version_is_named_and_an_older_one_never_taken_for_it(
    model: AlignModel, facts: SessionFacts
) -> None:
    aligned(model)
    newest = Path(facts.path) / "alignments" / "0001.json"
    newest.write_bytes(newest.read_bytes()[:-40])
    model.toggle()
    model.toggle()
    view = settle(model, lambda v: v.state.id == "align-state-damaged")
    assert view.state.as_dict()["file"] == "alignments/0001.json"
    assert view.can == {"align"}


def test_what_a_command_line_did_is_seen_when_the_panel_opens(model: AlignModel, facts: SessionFacts) -> None:
    model.toggle()
    labels.store(Path(facts.path), FOUND, made_by="cli", software="test", wall_ns=5)
    model.toggle()
    view = settle(model, lambda v: v.state.id == "align-state-locked")
    assert view.history[0].who == "cli"


def test_what_goes_wrong_in_the_other_process_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(RecorderError, match="no session"):
        StoredDeeds().beats(tmp_path / "nothing", lambda _share: None)


def test_cancel_ends_the_other_process_at_once(made: Path) -> None:
    def give_up(share: float) -> None:
        if share > 0:
            raise GivenUp

    with pytest.raises(GivenUp):
        StoredDeeds().beats(made, give_up)
    assert not [p for p in multiprocessing.active_children() if p.name == "hemoview-align"]


def test_beats_of_a_stored_session_are_read_in_a_process_of_their_own(made: Path) -> None:
    heard: list[float] = []
    found = StoredDeeds().beats(made, heard.append)
    assert len(found.pulse_s) > 400
    here, _ = pairs(found.pulse_s, found.pressure_s)
    assert len(here) > 0.95 * len(found.pulse_s)
    assert heard == sorted(heard)
    assert heard[-1] > 0.9


# pictures


@given(st.lists(st.floats(0, 50), max_size=40), st.lists(st.floats(0, 50), max_size=40))
def test_a_pair_is_each_others_nearest_and_nobody_has_two(one: list[float], other: list[float]) -> None:
    a, b = np.unique(one), np.unique(other)
    here, there = pairs(a, b)
    assert len(set(here.tolist())) == len(here) == len(set(there.tolist()))
    for i, j in zip(here.tolist(), there.tolist(), strict=True):
        assert abs(a[i] - b[j]) == np.abs(a[i] - b).min() == np.abs(a - b[j]).min()


def test_lone_beats_are_told_from_pairs() -> None:
    pulse, pressure = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.02, 3.2, 4.0])
    picture = beats_around(pulse, pressure, 2.5)
    assert picture.pulse.matched.tolist() == [True, False, False, True]
    assert picture.pressure.matched.tolist() == [True, False, True]
    assert picture.joins.tolist() == [[1.0, 1.02], [4.0, 4.0]]


def test_residuals_of_a_day_are_as_few_as_can_be_drawn() -> None:
    pulse = np.arange(0, 86_400, 0.8)
    found = residuals(pulse, pulse + 0.02, duration_s=86_400)
    assert 10_000 < len(found.t_s) <= 20_000
    assert np.allclose(found.ms, -20)
    assert found.within_ms == 1000 * CLOSE_S
    empty = residuals(np.empty(0), pulse, duration_s=0)
    assert (len(empty.t_s), empty.duration_s) == (0, 1.0)


# the picture of the page on the pulse's time axis


def test_a_view_is_filled_from_where_the_reference_is_stored() -> None:
    shift = TimeShift(3, frozenset({"adc.wave"}), PIECES)
    wish = Wish(100.0, 120.0, cursor_s=110.0)
    assert shift.wish_for("e4.bvp", wish) is wish
    there = shift.wish_for("adc.wave", wish)
    assert there is not None
    assert (there.t0_s, there.t1_s) == (pytest.approx(98.0, abs=0.01), pytest.approx(118.0, abs=0.01))
    assert shift.moment_s("adc.wave", 110.0) == pytest.approx(108.0, abs=0.01)
    assert shift.moment_s("e4.bvp", 110.0) == 110.0
    assert shift.moment_s("adc.wave", 302.0) is None
    assert shift.wish_for("adc.wave", Wish(700.0, 720.0)) is None
    whole = shift.wish_for("adc.wave", Wish(0.0, 700.0))
    assert whole is not None
    assert whole.t0_s < 1.0
    assert whole.t1_s > 599.9


def test_a_gap_between_two_pieces_is_drawn_between_them() -> None:
    t0_s, t1_s = placed_span(PIECES, 291.0, 309.0)
    assert (t0_s, t1_s) == (pytest.approx(293.0, abs=0.01), pytest.approx(311.5, abs=0.01))
    shift = TimeShift(1, frozenset({"adc.wave"}), PIECES)
    assert shift.gap(GapMark("e4.bvp", 5.0, 6.0, "silent")).t0_s == 5.0
    assert shift.gap(GapMark("adc.wave", 5.0, 6.0, "silent")).t0_s == pytest.approx(7.0, abs=0.001)


def test_streams_of_the_reference_are_those_of_its_device_and_its_beats(facts: SessionFacts) -> None:
    assert reference_streams(facts.streams) == {"adc.wave", "edge.beats_abp"}
    one_clock = tuple(replace(s, device_id="wfdb") for s in facts.streams)
    assert reference_streams(one_clock) == {"adc.wave", "edge.beats_abp"}
