"""Enter in a field never throws away what was typed: a scanner ends every code with it, a hand does from habit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from hemoview.ui.live.cuff_dialog import CuffDialog
from hemoview.ui.live.pin_dialog import PinDialog
from hemoview.ui.sessions.monitor_clock import ClockDialog
from hemoview.ui.sessions.reason_dialog import ReasonDialog
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.cuff_form import examine
from hemoview.viewmodel.sessions.start_fields import StartForm

DIALOGS: dict[str, Callable[[Path], QDialog]] = {
    "start": lambda _: StartDialog(StartForm()),
    "cuff": lambda _: CuffDialog(lambda form: examine(form, wall_ns=10**18, reference_mmhg=None), "OP1"),
    "clock": lambda _: ClockDialog(lambda: 10**18),
    "pin": lambda folder: PinDialog(folder / "pin.json"),
    "discard": lambda _: ReasonDialog("discard-title", "a recording", "button-discard-now", "OP1"),
}


@pytest.mark.parametrize("name", sorted(DIALOGS.keys() - {"pin"}))
def test_enter_in_an_empty_form_leaves_it_open(name: str, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = DIALOGS[name](tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    fields = [line for line in dialog.findChildren(QLineEdit) if line.isVisible() and line.isEnabled()]
    assert fields
    for field in fields:
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert dialog.isVisible(), field.accessibleName() or field.objectName()


@pytest.mark.parametrize("name", DIALOGS)
def test_cancel_is_not_what_enter_presses(name: str, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = DIALOGS[name](tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    pressed = [button.text() for button in dialog.findChildren(QPushButton) if button.isDefault()]
    assert pressed
    assert text("button-cancel") not in pressed
