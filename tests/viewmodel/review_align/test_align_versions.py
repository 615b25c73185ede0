"""The alignment panel without a window: every deed is a version on disk, with who did it and why."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from align_rig import FOUND, REFUSAL, aligned, settle

from hemoview.labels import alignment as labels
from hemoview.viewmodel.review.align import AlignModel
from hemoview.viewmodel.review.align_deeds import UNLOCKED
from hemoview.viewmodel.review.facts import SessionFacts


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


def test_what_somebody_else_changed_is_not_overwritten(model: AlignModel, facts: SessionFacts) -> None:
    aligned(model)
    model.nudge(10, "OP1")
    labels.store(Path(facts.path), REFUSAL, made_by="other", software="test", wall_ns=2)
    model.keep_nudge()
    view = settle(model, lambda v: v.note is not None and v.note.id == "align-failed")
    assert view.nudge_ms == 0
    assert labels.current(Path(facts.path)).refused_because == "not-the-same-heart"  # type: ignore[union-attr]


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
