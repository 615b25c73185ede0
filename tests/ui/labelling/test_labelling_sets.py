"""Label mode in the real page: who labels, which labels there are to choose from, and which set they go to."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from labelling_rig import CTRL, KEY, first, on_disk, open_it
from live_recorder import Recorder
from pytestqt.qtbot import QtBot

from hemoview.labels.annotation import labels_of
from hemoview.ui.review.label_scheme import SchemeDialog
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.window_settings import WindowSettings, save
from recorder.session import annotations as store


def test_labels_to_choose_from_are_edited_on_the_screen(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    dialog.names[1].setText("fidgeting")
    dialog.add.click()
    assert not dialog.ok.isEnabled()
    dialog.names[-1].setText("artefact")
    assert "twice" in dialog.problem.text()
    dialog.names[-1].setText("cough")
    dialog.keys[-1].setCurrentIndex(1)
    dialog.keys[-1].activated.emit(1)
    dialog.ok.click()
    qtbot.keyClick(page, KEY.Key_1)
    qtbot.keyClick(page, KEY.Key_2)
    assert sorted(label for label, *_ in on_disk(folder)) == ["cough", "motion"]
    assert "2 ▬ fidgeting" in [button.text() for button in page.labelling.panel.choices]
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    dialog.start_from.setCurrentIndex(2)
    dialog.start_from.activated.emit(2)
    assert [line.text() for line in dialog.names][:2] == ["regular rhythm", "irregular rhythm"]
    dialog.reject()


def test_another_label_set_is_opened_and_the_first_one_kept(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    for name, fits in (("Zweite Runde", False), ("labels", False), ("second-round", True)):
        dialog.set_name.setCurrentText(name)
        assert dialog.open_set.isEnabled() == fits
    dialog.open_set.click()
    qtbot.waitUntil(lambda: page.labelling.model.view(0.0).ready, timeout=20_000)
    assert page.labelling.panel.labels.model().rowCount() == 0
    qtbot.keyClick(page, KEY.Key_9)
    assert store.sets_of(folder) == ("labels", "second-round")
    assert [a.label for a in labels_of(folder, "second-round").annotations()] == ["bad"]
    assert [label for label, *_ in on_disk(folder)] == ["motion"]


def test_who_used_the_window_last_labels(
    page: ReviewPage, folder: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    save(
        home / "settings" / "window.json",
        replace(WindowSettings(), form=replace(WindowSettings().form, operator="OP3")),
    )
    inside = Path(shutil.copytree(folder, home / "sessions" / "s9"))
    page.labelling.model.use_rater("")
    open_it(page, inside, qtbot)
    qtbot.keyClick(page, KEY.Key_2)
    assert first(inside).rater == "OP3"


def test_who_labels_is_asked_once(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    page.labelling.model.use_rater("")
    page._show()
    qtbot.keyClick(page, KEY.Key_2)
    assert on_disk(folder) == []
    assert page.labelling.panel.note.text() == text("labels.no-rater")
    qtbot.keyClicks(page.labelling.panel.rater, "OP7")
    qtbot.keyClick(page.labelling.panel.rater, KEY.Key_Return)
    qtbot.keyClick(page, KEY.Key_2)
    assert first(folder).rater == "OP7"


def test_label_mode_asks_first_who_labels_where_nobody_is_known(page: ReviewPage, qtbot: QtBot) -> None:
    page.labelling.model.use_rater("")
    qtbot.keyClick(page, KEY.Key_L, CTRL)
    qtbot.keyClick(page, KEY.Key_L, CTRL)
    assert page.focusWidget() is page.labelling.panel.rater


def test_a_session_being_recorded_is_looked_at_and_not_labelled(
    page: ReviewPage, tmp_path: Path, qtbot: QtBot
) -> None:
    recorder = Recorder(tmp_path / "live")
    recorder.record(30)
    try:
        open_it(page, tmp_path / "live", qtbot)
        qtbot.keyClick(page, KEY.Key_2)
        assert page.labelling.panel.note.text() == text("labels.live")
        assert store.sets_of(tmp_path / "live") == ()
        assert not any(button.isEnabled() for button in page.labelling.panel.choices)
    finally:
        recorder.writer.abandon()
