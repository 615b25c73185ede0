"""Choosing what personalises the open session, and showing estimates that its template hides."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.enter_key import ok_and_cancel
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.estimates_form import EstimatesForm, examine
from hemoview.viewmodel.live.record_view import EstimateChoice
from recorder.schema.rules import ANCHORS


class EstimatesDialog(QDialog):
    """Emits ``entered(commands)``, a tuple of verbs with their arguments; the form is judged by its view-model."""

    entered = Signal(tuple)

    def __init__(self, now: EstimateChoice, operator: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("estimates-title"))
        self.setMinimumWidth(560)
        self.form = EstimatesForm(anchor_from=now.anchor_from, operator=operator)
        self._now = now
        self._rows = QFormLayout()
        self._rows.setVerticalSpacing(8)
        self.anchor = self._anchors()
        self._say("estimates-anchor-explained")
        self.show_box, self.why = QCheckBox(text("estimates-show")), QLineEdit()
        if now.hidden:
            self._unhiding()
        self.operator = QLineEdit(operator)
        self.operator.textChanged.connect(lambda typed: self._change(operator=typed))
        self._add("field-operator", self.operator)
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.ok, buttons = ok_and_cancel(self, self._enter)
        column = QVBoxLayout(self)
        column.addLayout(self._rows)
        column.addWidget(self.problem)
        column.addLayout(buttons)

    def _anchors(self) -> QComboBox:
        box = QComboBox()
        choices = ANCHORS if self._now.anchor_from else ("", *ANCHORS)
        for choice in choices:
            box.addItem(text(f"anchor-{choice}"), choice)
        box.setCurrentIndex(box.findData(self._now.anchor_from))
        box.currentIndexChanged.connect(lambda i: self._change(anchor_from=choices[i]))
        self._add("field-anchor_from", box)
        return box

    def _unhiding(self) -> None:
        self._say("estimates-hidden-explained")
        self.show_box.toggled.connect(self._wish_to_show)
        self._rows.addRow("", self.show_box)
        self.why.setEnabled(False)
        self.why.textChanged.connect(lambda typed: self._change(why=typed))
        self._add("estimates-why", self.why)

    def _wish_to_show(self, checked: bool) -> None:
        self._change(show=checked)
        self.why.setEnabled(checked)
        if checked:
            self.why.setFocus()

    def _add(self, message_id: str, widget: QWidget) -> None:
        widget.setAccessibleName(text(message_id))
        widget.setObjectName(message_id)
        self._rows.addRow(text(message_id), widget)

    def _say(self, message_id: str) -> None:
        label = Words(13)
        label.setWordWrap(True)
        label.show_text(text(message_id), "quiet")
        self._rows.addRow("", label)

    def _change(self, **values: str | bool) -> None:
        self.form = replace(self.form, **values)  # type: ignore[arg-type]
        self.problem.show_text("", "warn")

    def _enter(self) -> None:
        view = examine(self.form, self._now)
        if view.problem is not None:
            self.problem.show_text(words(view.problem), "warn")
            return
        if view.commands:
            self.entered.emit(view.commands)
        self.accept()
