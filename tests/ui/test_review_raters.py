"""Suggestions and raters in the real page: keys are typed, and what each of two raters may see is looked at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.labels.annotation import Annotation, labels_of
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.review.raters_dialogs import FinishDialog, OwnDialog
from hemoview.viewmodel.review import moves
from recorder.session import annotations as store

KEY = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("raters") / "s1", Plan(hours=6 / 60))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    return Path(shutil.copytree(made, tmp_path / "sessions" / "s1"))


@pytest.fixture
def page(qtbot: QtBot, folder: Path) -> Iterator[ReviewPage]:
    made = ReviewPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    with qtbot.waitSignal(made.opened, timeout=20_000):
        made.open_session(str(folder))
    qtbot.waitUntil(lambda: made.labelling.model.view(0.0).ready, timeout=20_000)
    be(made, "OP1")
    look(made, 0.0, 60.0)
    qtbot.keyClick(made, KEY.Key_L, CTRL)
    yield made
    made.close_session()


def be(page: ReviewPage, rater: str) -> None:
    page.labelling.model.use_rater(rater)
    page._show()


def look(page: ReviewPage, t0_s: float, t1_s: float) -> None:
    page.model.move(lambda w, end: moves.look_at(moves.jump(w, t0_s, end), t0_s, t1_s, end))
    page._show()


def suggest(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_G, CTRL)
    told = page.raters.model.view
    qtbot.waitUntil(lambda: told().share is None and told().left[0] > 0, timeout=30_000)


def finish(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_Return, CTRL)
    assert isinstance(page.raters.dialog, FinishDialog)
    page.raters.dialog.accept()


def labels(folder: Path, rater: str, name: str = store.DEFAULT_SET) -> tuple[Annotation, ...]:
    return labels_of(folder, name).annotations(rater)


def test_suggestions_come_when_asked_and_are_accepted_all_at_once(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    assert page.labelling.model.proposals == ()
    suggest(page, qtbot)
    look(page, 0.0, 360.0)
    n = page.raters.model.view().left[1]
    assert n > 0
    qtbot.keyClick(page, KEY.Key_Return, SHIFT)
    mine = labels(folder, "OP1")
    assert len(mine) == n
    assert all(a.suggestion is not None and a.suggestion.accepted for a in mine)
    assert page.raters.model.view().left == (0, 0)
    qtbot.keyClick(page, KEY.Key_Z, CTRL)
    assert labels(folder, "OP1") == ()
    assert page.raters.model.view().left[0] == n


def test_a_refused_suggestion_stays_away(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    suggest(page, qtbot)
    qtbot.keyClick(page, KEY.Key_U, SHIFT)
    look(page, page.labelling.model.proposals[0].t0_s, 60.0)
    before = {p.proposal_id for p in page.labelling.model.proposals}
    qtbot.keyClick(page, KEY.Key_X)
    gone = before - {p.proposal_id for p in page.labelling.model.proposals}
    assert len(gone) == 1
    be(page, "OP2")
    be(page, "OP1")
    assert not gone & {p.proposal_id for p in page.labelling.model.proposals}
    assert labels(folder, "OP1") == ()


def test_the_switch_is_of_each_rater_and_returns(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    suggest(page, qtbot)
    be(page, "OP2")
    assert page.labelling.model.proposals == ()
    be(page, "OP1")
    assert page.labelling.model.proposals
    kept = json.loads((folder.parent.parent / "settings" / "raters.json").read_text())
    assert kept == {"OP1": True}


def test_what_was_on_the_screen_is_kept_with_a_label(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    facts = page.model.facts
    assert facts is not None
    qtbot.keyClick(page, KEY.Key_2)  # estimates are drawn: their model was seen
    (first,) = labels(folder, "OP1")
    assert first.suggestion is not None
    assert first.suggestion.source == f"{facts.models[0]} estimate"
    assert first.suggestion.visible
    assert not first.suggestion.accepted
    waves = frozenset(p.panel_id for p in page.model.view().offered if p.title in ("PPG", "CNAP"))
    page.model.choose(waves)
    page._show()
    qtbot.keyClick(page, KEY.Key_W)
    qtbot.keyClick(page, KEY.Key_2)
    second = labels(folder, "OP1")[1]
    assert second.suggestion is None  # neither suggestion nor estimate in view


def test_a_set_that_hides_suggestions_shows_none(page: ReviewPage, qtbot: QtBot) -> None:
    suggest(page, qtbot)
    page.raters.panel.hide_box.click()
    assert page.labelling.model.proposals == ()
    assert page.raters.model.view().hidden
    qtbot.keyClick(page, KEY.Key_G, CTRL)
    assert page.labelling.model.proposals == ()


def test_two_raters_are_blind_until_both_have_finished(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    finish(page, qtbot)
    qtbot.keyClick(page, KEY.Key_W)
    qtbot.keyClick(page, KEY.Key_2)
    assert len(labels(folder, "OP1")) == 1  # locked
    be(page, "OP2")
    look(page, 0.0, 60.0)
    assert page.labelling.model.view(0.0).annotations == ()
    qtbot.keyClick(page, KEY.Key_J, CTRL)
    assert not page.raters.model.pairs.on
    qtbot.keyClick(page, KEY.Key_1)
    assert {a.rater for a in page.labelling.model.view(0.0).annotations} == {"OP2"}
    finish(page, qtbot)
    assert {a.rater for a in page.labelling.model.view(0.0).annotations} == {"OP1", "OP2"}
    qtbot.keyClick(page, KEY.Key_Return, CTRL)  # opened again
    assert {a.rater for a in page.labelling.model.view(0.0).annotations} == {"OP2"}
    assert labels_of(folder).looked("OP1")[0][0] == 0.0


def test_disagreements_are_decided_from_the_keyboard(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    for rater, keys in (("OP1", "227"), ("OP2", "217")):
        be(page, rater)
        look(page, 0.0, 60.0)
        for key in keys:
            qtbot.keyClick(page, key)
            qtbot.keyClick(page, KEY.Key_W)
        finish(page, qtbot)
    look(page, 0.0, 360.0)
    page.model.move(lambda w, end: moves.jump(w, 300.0, end))
    qtbot.keyClick(page, KEY.Key_J, CTRL)
    pairs = page.raters.model.pairs
    qtbot.waitUntil(lambda: pairs.view().pair is not None, timeout=30_000)
    assert len(labels(folder, "OP2", "adjudicated")) == 2  # what both gave alike
    assert (pairs.view().left, pairs.view().n_agreed) == (1, 2)
    assert page.model.wish.cursor_s == 10.0
    qtbot.keyClick(page, KEY.Key_1)
    assert pairs.view().pair is None
    decided = [a for a in labels(folder, "OP2", "adjudicated") if a.t0_s == 10.0]
    assert [a.label for a in decided] == ["motion"]
    qtbot.keyClick(page, KEY.Key_Z, CTRL)
    assert pairs.view().pair is not None
    qtbot.keyClick(page, KEY.Key_3)
    assert isinstance(page.raters.dialog, OwnDialog)
    page.raters.dialog.label.setCurrentIndex(2)
    page.raters.dialog.accept()
    decided = [a for a in labels(folder, "OP2", "adjudicated") if a.t0_s == 10.0]
    assert [a.label for a in decided] == ["poor-contact"]
    qtbot.keyClick(page, KEY.Key_Escape)
    assert not pairs.on
    assert len(labels(folder, "OP1")) == len(labels(folder, "OP2")) == 3  # both stay what they were


def test_who_compares_the_labels_of_two_others_is_done_and_that_is_kept(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    for rater, key in (("OP1", KEY.Key_1), ("OP2", KEY.Key_2)):
        be(page, rater)
        look(page, 0.0, 60.0)
        qtbot.keyClick(page, key)
        finish(page, qtbot)
    be(page, "OP3")
    assert page.labelling.model.view(0.0).annotations == ()
    qtbot.keyClick(page, KEY.Key_J, CTRL)
    assert page.raters.model.pairs.on and "OP3" in labels_of(folder).finished
    qtbot.keyClick(page, KEY.Key_Escape)
    qtbot.keyClick(page, KEY.Key_1)
    assert labels(folder, "OP3") == ()  # locked
    qtbot.keyClick(page, KEY.Key_Return, CTRL)
    qtbot.keyClick(page, KEY.Key_1)
    assert len(labels(folder, "OP3")) == 1 and labels_of(folder).informed("OP3", "OP1") == 1
    be(page, "OP2")
    qtbot.keyClick(page, KEY.Key_Return, CTRL)
    qtbot.keyClick(page, KEY.Key_W)
    qtbot.keyClick(page, KEY.Key_2)
    finish(page, qtbot)
    qtbot.keyClick(page, KEY.Key_J, CTRL)
    told = "Not blind: OP2 saw the labels of OP1; changes after that: 1."
    assert told in page.raters.panel.figures.text()


def test_without_suggestions_the_keys_say_how_to_have_some(page: ReviewPage, qtbot: QtBot) -> None:
    for key in (KEY.Key_U, KEY.Key_Return):
        qtbot.keyClick(page, key)
        assert page.labelling.panel.note.text() == "Suggestions are off. Ctrl+G switches them on."
    suggest(page, qtbot)
    look(page, 0.0, 60.0)
    qtbot.keyClick(page, KEY.Key_U, SHIFT)
    assert "Ctrl+G" not in page.labelling.panel.note.text()


def test_what_one_rater_saved_is_not_said_of_the_next(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    assert page.labelling.panel.saved.text().startswith("Saved ")
    be(page, "OP2")
    assert page.labelling.panel.saved.text().startswith("0 labels on disk")
