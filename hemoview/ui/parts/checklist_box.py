"""Lines to tick before Start. They never bar a recording; what was ticked and what was not is stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QCheckBox, QGridLayout, QGroupBox, QWidget

from hemoview.ui.words.catalogue import sentence, text

COLUMNS = 2


class ChecklistBox(QGroupBox):
    """Hidden while there is no line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(text("checklist-before"), parent)
        self.boxes: list[QCheckBox] = []
        self._lines: tuple[str, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 2, 10, 2)
        self.hide()

    def show_lines(self, lines: Sequence[str]) -> None:
        """Other lines begin unticked; the same ones keep their ticks."""
        self.setVisible(bool(lines))
        if tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        for box in self.boxes:
            self._grid.removeWidget(box)
            box.deleteLater()
        self.boxes = [QCheckBox(sentence(line)) for line in self._lines]
        for i, box in enumerate(self.boxes):
            self._grid.addWidget(box, i // COLUMNS, i % COLUMNS)

    @property
    def answer(self) -> dict[str, Any]:
        """``ticked`` and ``left``, the arguments of the recorder's ``checklist``; empty without lines."""
        if not self.boxes:
            return {}
        lines = list(zip(self._lines, self.boxes, strict=True))
        ticked = [line for line, box in lines if box.isChecked()]
        return {"ticked": ticked, "left": [line for line, box in lines if not box.isChecked()]}
