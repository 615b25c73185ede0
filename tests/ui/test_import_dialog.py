"""Import recording… in the window: from files to a session that is selected, and Cancel that leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from hemoview.ui.exchange.import_dialog import ImportDialog
from hemoview.ui.review.browser import SessionBrowser
from recorder import session
from recorder.exchange.imports import importing
from tests.exchange import e4_made

WAIT_MS = 20_000


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    return e4_made.write_zip(tmp_path / "S01.zip", e4_made.files())


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    place = tmp_path / "sessions"
    place.mkdir()
    return place


@pytest.fixture
def dialog(sessions: Path, qtbot: QtBot) -> Iterator[ImportDialog]:
    made = ImportDialog(sessions, "OP1")
    qtbot.addWidget(made)
    made.show()
    yield made
    made.reject()


def fill(dialog: ImportDialog, qtbot: QtBot, *paths: Path) -> None:
    dialog.add(paths)
    for name in ("pseudonym", "pseudonym_again"):
        dialog.inputs[name].setText("P-014")  # type: ignore[attr-defined]
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=WAIT_MS)


def test_from_the_browser_to_a_selected_session(zipped: Path, sessions: Path, qtbot: QtBot) -> None:
    browser = SessionBrowser(sessions)
    qtbot.addWidget(browser)
    browser.show()
    dialog = browser.import_recording()
    dialog.inputs["operator"].setText("OP1")  # type: ignore[attr-defined]
    fill(dialog, qtbot, zipped)
    with qtbot.waitSignal(dialog.imported, timeout=WAIT_MS):
        dialog.ok.click()
    qtbot.waitUntil(lambda: browser.selected() is not None, timeout=WAIT_MS)
    row = browser.selected()
    assert row is not None
    assert row.name.startswith("20190301-151501_P-014_")
    assert session.verify(row.path).ok
    assert [p.name for p in sessions.iterdir() if p.is_dir()] == [row.name]
    browser.close_jobs()


def test_cancel_leaves_no_half_session(
    dialog: ImportDialog, zipped: Path, sessions: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(dialog, qtbot, zipped)
    begun, go_on = threading.Event(), threading.Event()

    def held(*args: object, told: importing.Told, **more: object) -> Path:
        def slowly(done: int, total: int) -> None:
            begun.set()
            assert go_on.wait(60)
            told(done, total)

        return carry_out(*args, told=slowly, **more)  # type: ignore[arg-type]

    carry_out = importing.carry_out
    monkeypatch.setattr(importing, "carry_out", held)
    dialog.ok.click()
    assert begun.wait(60)
    assert not dialog.side.isEnabled()
    dialog.cancel.click()
    go_on.set()
    qtbot.waitUntil(dialog.side.isEnabled, timeout=WAIT_MS)
    assert dialog.isVisible()
    assert list(sessions.iterdir()) == []


def test_a_wrong_file_is_named_and_the_rest_stays(dialog: ImportDialog, zipped: Path, qtbot: QtBot) -> None:
    other = zipped.with_name("notes.txt")
    other.write_text("words")
    fill(dialog, qtbot, zipped, other)
    assert "notes.txt" in dialog.said.text()
    assert dialog.list.topLevelItemCount() == 1


def test_the_zone_is_asked_for(dialog: ImportDialog, tmp_path: Path, qtbot: QtBot) -> None:
    from tests.exchange.test_edf_source import write  # noqa: PLC0415

    path, _ = write(tmp_path / "a.edf")
    dialog.add([path])
    qtbot.waitUntil(lambda: "zone" in dialog.said.text(), timeout=WAIT_MS)
    assert not dialog.ok.isEnabled()
    dialog.zone.setCurrentText("Europe/Berlin")
    qtbot.waitUntil(lambda: "streams" in dialog.said.text(), timeout=WAIT_MS)


def test_every_control_has_a_name(dialog: ImportDialog) -> None:
    named = (*dialog.inputs.values(), dialog.zone, dialog.start, dialog.fold, dialog.list)
    assert all(isinstance(widget, QWidget) and widget.accessibleName() for widget in named)


def test_files_are_dropped_and_taken_away_by_key(dialog: ImportDialog, zipped: Path, qtbot: QtBot) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(zipped))])
    where, copy = QPointF(20, 20), Qt.DropAction.CopyAction
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dialog.dropEvent(QDropEvent(where, copy, mime, left, none))
    assert dialog.list.topLevelItemCount() == 1
    dialog.list.setFocus()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Delete)
    assert dialog.list.topLevelItemCount() == 0


def test_questions_are_ticked_before_import(dialog: ImportDialog, tmp_path: Path, qtbot: QtBot) -> None:
    dialog.add([e4_made.write_zip(tmp_path / "S.zip", e4_made.files(2, 4_000_000_000))])
    for name in ("pseudonym", "pseudonym_again"):
        dialog.inputs[name].setText("P-014")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(dialog.questions.ticks) == 1, timeout=WAIT_MS)
    assert not dialog.ok.isEnabled()
    (tick,) = dialog.questions.ticks.values()
    tick.click()
    assert dialog.ok.isEnabled()
