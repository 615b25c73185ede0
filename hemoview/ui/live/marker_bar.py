"""Marker buttons 1 to 9 and the undo of the last one; the number keys do the same, unless somebody is typing."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from hemoview.ui.words.catalogue import label_said, text


class MarkerBar(QWidget):
    """Emits ``marked(key, label, source)``, ``undo_asked()`` and ``cuff_asked()``; source is ``key`` or ``button``."""

    marked = Signal(int, str, str)
    undo_asked = Signal()
    cuff_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self.cuff = QPushButton(text("button-cuff"))
        self.cuff.clicked.connect(self.cuff_asked)
        self.undo = QPushButton(text("button-undo"))
        self.undo.clicked.connect(self.undo_asked)
        self._row.addWidget(self.cuff)
        self._row.addWidget(self.undo)

    def show_markers(self, labels: tuple[str, ...], *, can_mark: bool, can_undo: bool) -> None:
        """Buttons for these labels, dead without a recording."""
        if labels != self._labels:
            self._rebuild(labels)
        for button in (*self._buttons, self.cuff):
            button.setEnabled(can_mark)
        self.undo.setEnabled(can_undo)

    def press(self, key: int) -> None:
        """The number key ``key``; does what its button does, if that works."""
        if 1 <= key <= len(self._buttons) and self._buttons[key - 1].isEnabled():
            self.marked.emit(key, self._labels[key - 1], "key")

    def _rebuild(self, labels: tuple[str, ...]) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._labels = labels
        self._buttons = [self._button(i + 1, label) for i, label in enumerate(labels)]
        for i, button in enumerate(self._buttons):
            self._row.insertWidget(i + 1, button, 1)

    def _button(self, key: int, label: str) -> QPushButton:
        button = QPushButton(text("marker-button", key=key, label=label_said(label)))
        button.setObjectName("marker")
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.setToolTip(label)
        button.clicked.connect(lambda: self.marked.emit(key, label, "button"))
        return button
