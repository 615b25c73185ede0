"""The bench of dialogs: what it touches, and that a dialog that does not open is named."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from types import SimpleNamespace
from typing import Any

from PySide6.QtWidgets import QCheckBox, QDialog, QLineEdit, QPushButton, QVBoxLayout
from pytestqt.qtbot import QtBot

from hemoview.bench.dialog_desk import Desk, Timed, controls
from hemoview.bench.dialogs import _told


def small_dialog(qtbot: QtBot) -> QDialog:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    column = QVBoxLayout(dialog)
    line, fixed = QLineEdit(), QLineEdit("fixed")
    line.setAccessibleName("Reason")
    fixed.setReadOnly(True)
    for part in (line, fixed, QCheckBox("Sure"), QPushButton("Erase everything")):
        column.addWidget(part)
    return dialog


def test_fields_and_boxes_are_touched_but_no_deed_is_done(qtbot: QtBot) -> None:
    dialog = small_dialog(qtbot)
    dialog.show()
    touched: list[tuple[str, Callable[[], object]]] = [(name, act) for _, name, act in controls(dialog)]
    assert [name for name, _ in touched] == ["type: Reason", "tick: Sure"]
    for _, act in touched:
        act()
    assert dialog.findChildren(QLineEdit)[0].text() == "7"
    assert dialog.findChild(QCheckBox).isChecked()  # type: ignore[union-attr]


def test_a_dialog_is_opened_used_and_closed_and_a_missing_one_is_named(
    qtbot: QtBot, monkeypatch: Any
) -> None:
    monkeypatch.setattr("hemoview.bench.dialog_desk.OPEN_TIMEOUT_S", 0.05)
    dialog, shell = small_dialog(qtbot), SimpleNamespace()
    desk = Desk(shell)  # type: ignore[arg-type]
    desk.visit("small", dialog.open)
    desk.visit("nothing", lambda: None)
    assert not dialog.isVisible()
    assert desk.missing == ["nothing"]
    assert [t.touch for t in desk.timed] == ["open", "type: Reason", "tick: Sure"]
    assert all(t.cpu_ms >= 0 and t.wall_ms > 0 for t in desk.timed)


def test_whatever_is_over_the_limit_is_named() -> None:
    told = _told([Timed("quick", "open", 20.0, 5.0), Timed("slow", "open", 300.0, 120.0)], [])
    assert not told["ok"]
    assert told["slowest"] == "slow, open"
    assert told["over"] == ["slow, open: 120 ms"]
    assert _told([Timed("quick", "open", 20.0, 5.0)], [])["ok"]
