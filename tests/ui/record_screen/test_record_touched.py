"""The Record screen offscreen: what is touched, typed and closed, and what that says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot
from record_screen_rig import Pictures, near, pixels
from synthetic_bedside import SyntheticBedside

from hemoview.app import Shell
from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.latency import LatencyRecorder
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.messages import say


def test_check_boxes_change_rows_and_lanes(window: MainWindow, pictures: Pictures) -> None:
    pictures.show(parameters=frozenset({"SBP", "HR"}), waves=frozenset({"ppg"}))
    assert set(window.record.numerics._rows) == {"SBP", "HR"}
    assert len(window.record.waves._frames) == 1
    pictures.show()
    assert len(window.record.numerics._rows) == 10


def test_clear_view_clears_the_picture_only(pictures: Pictures, bed: SyntheticBedside) -> None:
    pictures.show()
    kept = len(bed.model.streams["e4.bvp"].ring)
    pictures.show(cleared_at_ns=bed.clock.now_ns)
    assert near(pixels(pictures.waves_image()), "ppg")[:, 120:].sum() < 50
    assert len(bed.model.streams["e4.bvp"].ring) == kept


def test_marker_keys_mark_but_not_while_typing(qtbot: QtBot, window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    marked: list[tuple[int, str]] = []
    window.record.marked.connect(lambda key, label, _: marked.append((key, label)))
    window.activateWindow()
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_2)
    assert marked == [(2, "arm move")]
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is field, timeout=30_000)
    qtbot.keyClick(window, Qt.Key.Key_3)
    assert len(marked) == 1


def test_marker_keys_are_dead_without_a_recording(
    qtbot: QtBot, window: MainWindow, pictures: Pictures
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    marked: list[int] = []
    window.record.marked.connect(lambda key, _, __: marked.append(key))
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert marked == []


def test_touch_targets_are_large_enough(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    least = theme.touch_px() - 1
    small = [
        (b.text(), b.height(), b.width())
        for b in window.findChildren(QAbstractButton)
        if b.isVisible() and (b.height() < least or b.width() < least)
    ]
    assert small == []


def test_closing_while_recording_says_what_goes_on(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.show()
    window.ask_before_closing = True
    asked: list[str] = []

    def answer(box: QMessageBox, role: QMessageBox.ButtonRole) -> int:
        asked.append(box.text())
        next(b for b in box.buttons() if box.buttonRole(b) == role).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", lambda box: answer(box, QMessageBox.ButtonRole.RejectRole))
    assert not window.close()
    assert window.isVisible()
    assert "recorder goes on" in asked[0]
    monkeypatch.setattr(QMessageBox, "exec", lambda box: answer(box, QMessageBox.ButtonRole.AcceptRole))
    assert window.close()


def test_closing_without_a_recording_asks_nothing(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    window.ask_before_closing = True
    monkeypatch.setattr(QMessageBox, "exec", lambda _: pytest.fail("asked"))
    closed: list[bool] = []
    window.closing.connect(lambda: closed.append(True))
    assert window.close()
    assert closed == [True]


def test_closing_says_what_ends_with_the_window_where_others_use_it(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    window.ask_before_closing = True
    window.ends_with_it = lambda: say("closing-bedside")
    asked: list[str] = []

    def stay(box: QMessageBox) -> int:
        asked.append(box.text())
        next(b for b in box.buttons() if box.buttonRole(b) == QMessageBox.ButtonRole.RejectRole).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", stay)
    assert not window.close()
    assert window.isVisible()
    assert asked == [text("closing-bedside")]
    window.ask_before_closing = False


def test_the_virtual_bedside_is_told_of_only_while_it_runs_and_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, folder = [1], [None]
    monkeypatch.setattr("hemoview.app.presence.count", lambda *_: windows[0])
    shell = SimpleNamespace(
        bedside=SimpleNamespace(running=True),
        running_folder=lambda: folder[0],
        options=SimpleNamespace(station="bed-1"),
        home=tmp_path,
    )
    assert Shell._ends_with_window(shell) is None, "only this window looks on"  # type: ignore[arg-type]
    windows[0] = 2
    assert Shell._ends_with_window(shell) == say("closing-bedside")  # type: ignore[arg-type]
    shell.bedside.running = False
    assert Shell._ends_with_window(shell) is None  # type: ignore[arg-type]


def test_a_minimised_window_draws_no_waves(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    bed = pictures.bed
    shell = SimpleNamespace(
        view=resolve(Wish(), bed.model.facts()),
        window=window,
        sweeper=pictures.sweeper,
        model=bed.model,
        clock=bed.clock,
        cleared_at_ns=0,
        latency=LatencyRecorder(),
    )

    def head_ns() -> int:
        bed.run(0.5)
        Shell._paint(shell, [])  # type: ignore[arg-type]
        return window.waves._frames[0].curves[0].head_ns

    drawn = head_ns()
    assert head_ns() > drawn
    window.showMinimized()
    assert head_ns() == head_ns()
    window.showNormal()
    assert head_ns() > drawn + 1_500_000_000


def test_tab_walks_the_header_from_left_to_right(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    window.header.tabs["record"].setFocus()
    places = []
    for _ in range(3):  # the tab in front (the others by arrow keys), the menu, Stop
        focused = QApplication.focusWidget()
        assert focused is not None
        places.append(focused.mapTo(window, focused.rect().topLeft()).x())
        window.focusNextChild()
    header = window.header
    wanted = [header.tabs["record"], header.menu_button, header.stop]
    assert places == [w.mapTo(window, w.rect().topLeft()).x() for w in wanted]


def test_everything_touched_has_a_name(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    unnamed = [
        b for b in window.findChildren(QPushButton) if b.isVisible() and not (b.text() or b.accessibleName())
    ]
    assert unnamed == []
    assert window.record.waves.accessibleName()
