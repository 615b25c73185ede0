"""Lines before Start: ticked or not, they bar nothing and are stored."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.parts.checklist_box import ChecklistBox


def test_ticks_stay_while_the_lines_do(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    box = ChecklistBox()
    qtbot.addWidget(box)
    assert box.answer == {} and not box.isVisible()
    box.show_lines(("charged", "skin"))
    box.boxes[0].setChecked(True)
    box.show_lines(("charged", "skin"))
    assert box.isVisible() and box.answer == {"ticked": ["charged"], "left": ["skin"]}
    box.show_lines(("fits",))
    assert box.answer == {"ticked": [], "left": ["fits"]}
    box.show_lines(())
    assert box.answer == {} and not box.isVisible()
