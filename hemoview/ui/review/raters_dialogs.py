"""What is asked of a rater: what was looked at when he is done, and what is there where neither of two is right."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.labels.raters.adjudicate import Pair
from hemoview.labels.raters.scheme import Scheme
from hemoview.ui.parts import theme
from hemoview.ui.picture.palette import font
from hemoview.ui.review.label_paint import said_name
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text

_WIDE_PX = 460


class FinishDialog(QDialog):
    """Signal ``finished_with(t0_s, t1_s)``: what was looked at."""

    finished_with = Signal(float, float)

    def __init__(self, whole: tuple[float, float], view: tuple[float, float], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("raters.finish-title"))
        self._spans = (whole, view)
        self.choices = [
            QRadioButton(text(f"raters.finish-{name}", start=elapsed_text(t0), end=elapsed_text(t1)))
            for name, (t0, t1) in (("all", whole), ("view", view))
        ]
        self.choices[0].setChecked(True)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setFont(font(13))
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for choice in self.choices:
            choice.setFont(font(13))
            choice.setMinimumHeight(theme.touch_px())
            choice.toggled.connect(self._say)
            column.addWidget(choice)
        column.addWidget(self._said)
        column.addWidget(_buttons(self, text("raters.finish-do")))
        self.accepted.connect(lambda: self.finished_with.emit(*self._chosen()))
        self.setMinimumWidth(_WIDE_PX)
        self._say()

    def _chosen(self) -> tuple[float, float]:
        return self._spans[1 if self.choices[1].isChecked() else 0]

    def _say(self) -> None:
        start, end = (elapsed_text(t) for t in self._chosen())
        self._said.setText(text("raters.finish-ask", start=start, end=end))


class OwnDialog(QDialog):
    """Signal ``said(label, t0_s, t1_s, comment)``."""

    said = Signal(str, float, float, str)

    def __init__(self, pair: Pair, scheme: Scheme, duration_s: float, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("raters.own-title"))
        self.label = QComboBox()
        for choice in scheme.labels:
            if choice.kind == pair.kind:
                self.label.addItem(said_name(choice.label, scheme), choice.label)
        self.start, self.end = (_seconds(t, duration_s) for t in (pair.t0_s, pair.t1_s))
        self.comment = QLineEdit()
        form = QFormLayout()
        rows = [("label", self.label), ("from", self.start)]
        rows += [("to", self.end)] if pair.kind != "instant" else []
        for name, field in [*rows, ("comment", self.comment)]:
            field.setAccessibleName(text(f"raters.own-{name}"))
            field.setMinimumHeight(theme.touch_px())
            form.addRow(text(f"raters.own-{name}"), field)
        self._buttons = _buttons(self, text("raters.own-keep"))
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self._buttons)
        self.setMinimumWidth(_WIDE_PX)
        self._instant = pair.kind == "instant"
        for box in (self.start, self.end):
            box.valueChanged.connect(self._check)
        self.accepted.connect(self._say)
        self._check()

    def _check(self) -> None:
        whole = self._instant or self.end.value() > self.start.value()
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(whole and self.label.count() > 0)

    def _say(self) -> None:
        label = str(self.label.currentData())
        self.said.emit(label, self.start.value(), self.end.value(), self.comment.text().strip())


def _seconds(value: float, duration_s: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.0, max(duration_s, value))
    box.setDecimals(2)
    box.setSingleStep(0.1)
    box.setSuffix(" s")
    box.setValue(value)
    return box


def _buttons(dialog: QDialog, said: str) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    buttons.button(QDialogButtonBox.StandardButton.Ok).setText(said)
    buttons.button(QDialogButtonBox.StandardButton.Cancel).setText(text("button-cancel"))
    for button in buttons.buttons():
        button.setMinimumHeight(theme.touch_px())
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
