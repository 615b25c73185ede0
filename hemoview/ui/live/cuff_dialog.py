"""Typing in a cuff reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
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
from hemoview.viewmodel.live.cuff_form import CuffForm, CuffView, in_kpa
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.sessions.start_fields import SIDES

_FIELDS = ("sbp", "dbp", "map", "minutes_ago")


class CuffDialog(QDialog):
    """Emits ``entered(request)``. ``judge`` examines the form; the dialog shows what it says."""

    entered = Signal(dict)

    def __init__(
        self,
        judge: Callable[[CuffForm], CuffView],
        operator: str,
        parent: QWidget | None = None,
        *,
        pressure_unit: str = "mmHg",
        form: CuffForm | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("cuff-title"))
        self.form = form or CuffForm(operator=operator)
        self._judge = judge
        self.inputs: dict[str, QLineEdit] = {}
        rows = QFormLayout()
        for name in _FIELDS:
            line = QLineEdit(getattr(self.form, name))
            line.textChanged.connect(lambda typed, name=name: self._change(name, typed))
            line.setAccessibleName(text(f"cuff-{name}"))
            self.inputs[name] = line
            rows.addRow(text(f"cuff-{name}"), line)
        self.arm = self._choice("arm", SIDES, "choice-")
        self.posture = self._choice("posture", POSTURES, "guide-posture-")
        self.device = QLineEdit(self.form.device)
        self.device.textChanged.connect(lambda typed: self._change("device", typed.strip()))
        for name, widget in (("arm", self.arm), ("posture", self.posture), ("device", self.device)):
            widget.setAccessibleName(text(f"cuff-{name}"))
            rows.addRow(text(f"cuff-{name}"), widget)
        self.converted, self._converts = Words(14), pressure_unit == "kPa"
        self.converted.setVisible(self._converts)
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.ok, buttons = ok_and_cancel(self, self._enter)
        column = QVBoxLayout(self)
        column.addLayout(rows)
        column.addWidget(self.converted)
        column.addWidget(self.problem)
        column.addLayout(buttons)

    def _choice(self, name: str, choices: tuple[str, ...], prefix: str) -> QComboBox:
        box = QComboBox()
        for choice in choices:
            box.addItem(text(f"{prefix}{choice}"), choice)
        box.setCurrentIndex(max(0, box.findData(getattr(self.form, name))))
        box.currentIndexChanged.connect(lambda i: self._change(name, choices[i]))
        return box

    def _change(self, name: str, value: str) -> None:
        self.form = replace(self.form, **{name: value})  # type: ignore[arg-type]
        if self._converts:  # typed as the cuff shows it, in mmHg; beside it what the screen will show
            self.converted.show_text(words(in_kpa(self.form)), "quiet")

    def _enter(self) -> None:
        view = self._judge(self.form)
        if view.request is not None:
            self.entered.emit(view.request)
            self.accept()
            return
        self.problem.show_text(words(view.problem), "warn")
        if view.again:
            typed = (self.form.sbp.strip(), self.form.dbp.strip())
            self.form = replace(self.form, first_entry=typed)
            for name in ("sbp", "dbp"):
                self.inputs[name].clear()
            self.inputs["sbp"].setFocus()
