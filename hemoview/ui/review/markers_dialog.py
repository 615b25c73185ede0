"""The dialog that sets a marker at the cursor's time, or takes one back, after the session."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.picture.text import label_text
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.marker_form import MarkerForm, listed
from hemoview.viewmodel.review.marks import Mark
from recorder.schema import BEARING
from recorder.session.afterwards import AFTERWARDS


class MarkersDialog(QDialog):
    """Emits ``placed(label, why, operator)`` and ``taken_back(event_id, why, operator)``."""

    placed = Signal(str, str, str)
    taken_back = Signal(str, str, str)

    def __init__(self, facts: SessionFacts, t_s: float, operator: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("markers-title"))
        self.form = MarkerForm(operator=operator)
        explained, at, self.missing = Words(14), Words(16, bold=True), Words(13)
        explained.setWordWrap(True)
        explained.show_text(text("markers-explained"), "quiet")
        at.show_text(text("markers-at", elapsed=elapsed_text(t_s, 0.1)), "text")
        self.label = QComboBox()
        self.label.setEditable(True)
        for label in BEARING:
            self.label.addItem(label_text(Mark(0.0, label, "marker")), label)
        self.operator, self.why = QLineEdit(operator), QLineEdit()
        self.list = QListWidget()
        self.list.setAccessibleName(text("markers-list"))
        for mark in listed(facts):
            self._add(mark)
        self.place, self.take_back = (
            QPushButton(text("markers-place")),
            QPushButton(text("markers-take-back")),
        )
        self.place.setObjectName("start")
        close = QPushButton(text("button-close"))
        for button in (self.place, self.take_back, close):
            button.setMinimumHeight(theme.touch_px())
            button.setAutoDefault(False)
        self._lay_out(explained, at, close)
        self._connect(close)
        self._judge()

    def _add(self, mark: Mark) -> None:
        row = "markers-row-after" if mark.source == AFTERWARDS else "markers-row"
        item = QListWidgetItem(text(row, elapsed=elapsed_text(mark.t_s, 0.1), label=label_text(mark)))
        item.setData(Qt.ItemDataRole.UserRole, mark.event_id)
        self.list.addItem(item)

    def _lay_out(self, explained: Words, at: Words, close: QPushButton) -> None:
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for message_id, field in (
            ("markers-label", self.label),
            ("field-operator", self.operator),
            ("markers-why", self.why),
        ):
            field.setAccessibleName(text(message_id))
            rows.addRow(text(message_id), field)
        none = Words(14)
        none.show_text(text("markers-none") if self.list.count() == 0 else "", "muted")
        none.setVisible(self.list.count() == 0)
        self.list.setVisible(self.list.count() > 0)
        head = Words(14, bold=True)
        head.show_text(text("markers-list"), "text")
        buttons = QHBoxLayout()
        buttons.addWidget(close)
        buttons.addWidget(self.missing, 1)
        buttons.addWidget(self.take_back)
        buttons.addWidget(self.place)
        column = QVBoxLayout(self)
        for part in (explained, at):
            column.addWidget(part)
        column.addLayout(rows)
        column.addWidget(head)
        column.addWidget(self.list)
        column.addWidget(none)
        column.addLayout(buttons)
        self.resize(640, 520)

    def _connect(self, close: QPushButton) -> None:
        self.label.currentTextChanged.connect(self._label_typed)
        self.operator.textChanged.connect(lambda typed: self._change(operator=typed))
        self.why.textChanged.connect(lambda typed: self._change(why=typed))
        self.list.itemSelectionChanged.connect(self._selected)
        self.place.clicked.connect(self._place)
        self.take_back.clicked.connect(self._take_back)
        close.clicked.connect(self.reject)

    def _label_typed(self, typed: str) -> None:
        """One of the offered ones is stored in the words every screen knows it by."""
        found = self.label.findText(typed, Qt.MatchFlag.MatchFixedString)
        self._change(label=self.label.itemData(found) if found >= 0 else typed)

    def _selected(self) -> None:
        chosen = self.list.selectedItems()
        self._change(chosen=chosen[0].data(Qt.ItemDataRole.UserRole) if chosen else "")

    def _change(self, **typed: str) -> None:
        self.form = replace(self.form, **typed)
        self._judge()

    def _judge(self) -> None:
        self.place.setEnabled(self.form.may_place)
        self.take_back.setEnabled(self.form.may_take_back)
        missing = self.form.missing
        self.missing.show_text(words(missing) if missing else "", "quiet")

    def _place(self) -> None:
        self.accept()
        self.placed.emit(self.form.label.strip(), self.form.why, self.form.operator)

    def _take_back(self) -> None:
        self.accept()
        self.taken_back.emit(self.form.chosen, self.form.why, self.form.operator)
