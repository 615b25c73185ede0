"""Correcting one label, or excluding a window: a value, who and why."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import answer_row, enter_presses
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.reference_labels import LabelRow, typed_value


class EditLabel(QDialog):
    """Emits ``given(request)``: parameter (None = all ten), value (None = no label), why, rater.

    Args:
        row: the label to correct; None = the window is excluded.
        window_s: begin and end.
        rater: code to begin with.
    """

    given = Signal(dict)

    def __init__(
        self, row: LabelRow | None, window_s: tuple[float, float], rater: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.row, self.window_s = row, window_s
        self.setWindowTitle(text("refl.exclude-title" if row is None else "refl.correct-title"))
        self.setMinimumWidth(520)
        t0, t1 = (elapsed_text(t, 0.1) for t in window_s)
        explained = Words(15)
        explained.setWordWrap(True)
        if row is None:
            explained.show_text(text("refl.exclude-explained", t0=t0, t1=t1), "text")
        else:
            said = text("refl.correct-explained", parameter=row.parameter, t0=t0, t1=t1)
            explained.show_text(said, "text")
        self.value, self.why, self.who = QLineEdit(), QLineEdit(), QLineEdit(rater)
        if row is not None and row.value is not None:
            self.value.setText(f"{row.value:.1f}")
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        fields = [(text("refl.why"), self.why), (text("refl.who"), self.who)]
        if row is not None:
            fields.insert(0, (text("refl.value", unit=row.unit), self.value))
        for label, line in fields:
            line.setAccessibleName(label)
            line.textChanged.connect(self._show)
            rows.addRow(label, line)
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.ok, cancel = QPushButton(text("button-ok")), QPushButton(text("button-cancel"))
        for button in (self.ok, cancel):
            button.setMinimumHeight(theme.touch_px())
        enter_presses(self.ok, cancel)
        self.ok.clicked.connect(self._give)
        cancel.clicked.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addLayout(rows)
        column.addWidget(self.problem)
        column.addLayout(answer_row(cancel, self.ok))
        self._show()

    def _show(self) -> None:
        wrong = self.row is not None and typed_value(self.value.text()) is False
        told = bool(self.why.text().strip()) and bool(self.who.text().strip())
        self.problem.show_text(
            text("refl.no-number") if wrong else "" if told else text("refl.who-and-why"), "warn"
        )
        self.ok.setEnabled(told and not wrong)

    def _give(self) -> None:
        value = typed_value(self.value.text()) if self.row is not None else None
        self.accept()
        self.given.emit(
            {
                "parameter": self.row.parameter if self.row is not None else None,
                "value": value,
                "why": self.why.text().strip(),
                "rater": self.who.text().strip(),
            }
        )
