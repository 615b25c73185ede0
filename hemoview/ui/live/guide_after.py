"""After Stop: lines to tick, and the next subject."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QGridLayout, QHBoxLayout, QPushButton, QWidget

from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import sentence, text
from hemoview.viewmodel.live.guide import GuideView

BOXES_A_ROW = 3
DEFAULT_CHECKLIST = ("guide-check-clean", "guide-check-charge", "guide-check-ready")


class AfterRow(QWidget):
    """After Stop: lines to tick, and the next subject."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dismissed = False
        self._lines: tuple[str, ...] = ()
        self.boxes: list[QCheckBox] = []
        self.title = Words(16, bold=True)
        self.title.show_text(text("guide-after"), "text")
        self.next = QPushButton(text("button-guide-next-subject"))
        self.next.setObjectName("start")
        self.done = QPushButton(text("button-guide-hide"))
        self.next.clicked.connect(partial(self._leave, "next-subject"))
        self.done.clicked.connect(partial(self._leave, "hide"))
        self._boxes = QGridLayout()
        self._boxes.setHorizontalSpacing(18)
        self._a_row = BOXES_A_ROW
        buttons = QHBoxLayout()
        buttons.setSpacing(14)
        buttons.addWidget(self.done)
        buttons.addWidget(self.next)
        self._whole = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(14)
        self._whole.addWidget(self.title)
        self._whole.addLayout(self._boxes)
        self._whole.addStretch()
        self._whole.addLayout(buttons)

    def set_narrow(self, *, on: bool) -> None:
        """One line below the other; the bar below has "Next subject" then."""
        for button in (self.next, self.done):
            button.setVisible(not on)
        self._a_row = 1 if on else BOXES_A_ROW
        direction = QBoxLayout.Direction.TopToBottom if on else QBoxLayout.Direction.LeftToRight
        self._whole.setDirection(direction)
        self._whole.setSpacing(0 if on else 14)
        for i, box in enumerate(self.boxes):
            self._boxes.addWidget(box, i // self._a_row, i % self._a_row)

    def show_lines(self, view: GuideView) -> None:
        """Boxes for these lines; ticks stay while the lines do."""
        lines = tuple(text(line) for line in DEFAULT_CHECKLIST) if view.default_checklist else view.checklist
        if lines == self._lines:
            return
        self._clear()
        self._lines = lines
        for i, line in enumerate(lines):
            box = QCheckBox(sentence(line))
            self.boxes.append(box)
            self._boxes.addWidget(box, i // self._a_row, i % self._a_row)

    def forget(self) -> None:
        """Another recording runs: next time nothing is ticked."""
        self.dismissed = False
        if self._lines:
            self._clear()

    def _clear(self) -> None:
        self._lines = ()
        for box in self.boxes:
            self._boxes.removeWidget(box)
            box.deleteLater()
        self.boxes = []

    def _leave(self, action: str) -> None:
        self.dismissed = True
        self.asked.emit(action)
