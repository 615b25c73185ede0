"""The alignment panel without a window: what it says and offers in every state."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from align_rig import FOUND, REFUSAL, Beaten, aligned, settle

from hemoview.labels.alignment import REFUSED
from hemoview.ui.words.catalogue import known_ids
from hemoview.viewmodel.review.align import AlignModel
from hemoview.viewmodel.review.align_beats import pairs
from hemoview.viewmodel.review.align_deeds import StoredDeeds
from hemoview.viewmodel.review.align_words import evidence_lines
from hemoview.viewmodel.review.align_work import GivenUp
from hemoview.viewmodel.review.facts import SessionFacts
from recorder.errors import ConfigError, RecorderError


def test_a_session_nobody_aligned_says_so_and_offers_only_to_align(model: AlignModel) -> None:
    view = model.view(50.0)
    assert view.state.id == "align-state-none"
    assert view.can == {"align"}
    assert view.figures is None
    assert view.history == ()
    assert view.beats is not None
    assert not view.beats.pulse.matched.any() or not view.beats.pulse.matched.all()


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


def test_what_is_lacking_is_told_where_pairs_and_residual_are_enough() -> None:
    evidence = {
        "pairs": 120,
        "matched_fraction": 1.0,
        "residual_ms": 28.0,
        "offset_s": 3260.18,
        "fits_s": 78.2,
        "runner_up": {"offset_s": 3259.546, "worse_by_nats_per_beat": -0.21},
    }
    _, length, rival = evidence_lines(evidence)
    assert length.as_dict() == {"fits": "78", "least": 120}
    assert (rival.as_dict()["gap"], rival.as_dict()["least"]) == ("-0.21", 0.35)


def test_every_refusal_has_words() -> None:
    for code in REFUSED:
        assert {f"align-refused-{code}", f"align-refused-short-{code}"} <= known_ids()


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
