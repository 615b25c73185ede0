"""The key map of label mode, from the one table that the keyboard reads."""

from __future__ import annotations

from typing import Final, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.label_keys import MODE_KEY, Action, keys_of
from hemoview.viewmodel.review.raters_keys import RaterAction, key_of

_HALVES: Final = 2


class KeyMap(QDialog):
    """Every key of label mode, in two columns; any key closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("labels.keys-title"))
        rows = [("1 – 9", text("labels.do-label")), (MODE_KEY, text("labels.do-mode"))]
        rows += [(" / ".join(keys_of(a)), text(f"labels.do-{a}")) for a in get_args(Action)]
        rows += [(key_of(a), text(f"raters.do-{a}")) for a in get_args(RaterAction)]
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        half = -(-len(rows) // _HALVES)
        for place, (keys, said) in enumerate(rows):
            column = place // half * 2
            key, what = QLabel(keys), QLabel(said)
            key.setFont(font(13, bold=True))
            key.setStyleSheet(f"color: {colour('cursor').name()};")
            what.setFont(font(13))
            grid.addWidget(key, place % half, column)
            grid.addWidget(what, place % half, column + 1)
        mouse = QLabel(text("labels.mouse"))
        mouse.setFont(font(13))
        mouse.setWordWrap(True)
        mouse.setStyleSheet(f"color: {colour('dim').name()};")
        close = QPushButton(text("button-ok"))
        close.setMinimumHeight(theme.touch_px())
        close.clicked.connect(self.accept)
        column_box = QVBoxLayout(self)
        column_box.setSpacing(12)
        column_box.addLayout(grid)
        column_box.addWidget(mouse)
        column_box.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key closes it; Shift alone is no key."""
        if event.text():
            self.accept()
        else:
            super().keyPressEvent(event)
