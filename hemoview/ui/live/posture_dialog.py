"""Telling posture and height of the hand while the recording goes on."""

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
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.sessions.posture_form import PostureForm, PostureView

WHYS = ("posture", "arm-moved")


class PostureDialog(QDialog):
    """Emits ``entered(request)``. ``judge`` examines the form; the dialog shows what it says."""

    entered = Signal(dict)

    def __init__(
        self, judge: Callable[[PostureForm], PostureView], form: PostureForm, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("posture-title"))
        self.form, self._judge = form, judge
        self.posture, self.why, self.height_cm = QComboBox(), QComboBox(), QLineEdit(form.hand_height_cm)
        for posture in POSTURES:
            self.posture.addItem(text(f"guide-posture-{posture}"), posture)
        self.posture.setCurrentIndex(max(0, self.posture.findData(form.posture)))
        for why in WHYS:
            self.why.addItem(text(f"posture-why-{why}"), why)
        self.why.setCurrentIndex(WHYS.index(form.why))
        self.why.setEnabled(form.mark)
        self.posture.currentIndexChanged.connect(lambda i: self._change(posture=POSTURES[i]))
        self.why.currentIndexChanged.connect(lambda i: self._change(why=WHYS[i]))
        self.height_cm.textChanged.connect(lambda typed: self._change(hand_height_cm=typed))
        rows = QFormLayout()
        for name, widget in (("what", self.why), ("posture", self.posture), ("height", self.height_cm)):
            widget.setAccessibleName(text(f"posture-{name}"))
            rows.addRow(text(f"posture-{name}"), widget)
        self.effect, self.problem = Words(14), Words(14)
        for label in (self.effect, self.problem):
            label.setWordWrap(True)
        self.ok, buttons = ok_and_cancel(self, self._enter)
        column = QVBoxLayout(self)
        column.addLayout(rows)
        column.addWidget(self.effect)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self.setMinimumWidth(460)
        self._change()
        self.height_cm.setFocus()

    def _change(self, **changes: str) -> None:
        self.form = replace(self.form, **changes)  # type: ignore[arg-type]
        self.effect.show_text(words(self._judge(self.form).effect), "quiet")
        self.problem.show_text("", "warn")

    def _enter(self) -> None:
        view = self._judge(self.form)
        if view.request is None:
            self.problem.show_text(words(view.problem), "warn")
            return
        self.entered.emit(view.request)
        self.accept()
