"""Typing in two points of volt and mmHg, with the volt of the moment at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.scale_form import ScaleForm, ScaleView

LIVE_MS = 250


class ScaleDialog(QDialog):
    """Emits ``entered(request)``. ``judge`` examines the form; ``volt_now`` is the live volt or None;

    ``levels_now`` the two levels of the monitor's rectangular signal while it gives one.
    """

    entered = Signal(dict)

    def __init__(
        self,
        judge: Callable[[ScaleForm], ScaleView],
        volt_now: Callable[[], float | None],
        operator: str,
        parent: QWidget | None = None,
        *,
        levels_now: Callable[[], tuple[float, float] | None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("scale-title"))
        self._levels_now = levels_now
        self.take_levels = QPushButton(text("scale-take-levels"))
        self.take_levels.setAutoDefault(False)
        self.take_levels.clicked.connect(self._take_levels)
        self.form = ScaleForm(operator=operator)
        self._judge, self._volt_now = judge, volt_now
        self.inputs: dict[str, QLineEdit] = {}
        self.takes: list[QPushButton] = []
        self.live, self.line, self.problem = Words(16, bold=True), Words(16, bold=True), Words(14)
        self.problem.setWordWrap(True)
        self.ok, self.cancel = QPushButton(text("button-ok")), QPushButton(text("button-cancel"))
        self.ok.setDefault(True)
        self.ok.clicked.connect(self._enter)
        self.cancel.clicked.connect(self.reject)
        self._arrange()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_live)
        self.finished.connect(self._timer.stop)
        self._timer.start(LIVE_MS)
        self._show_live()

    def _arrange(self) -> None:
        explained = QLabel(text("scale-explained"))
        explained.setWordWrap(True)
        grid = QGridLayout()
        for column, name in ((1, "scale-volt"), (3, "scale-mmhg")):
            grid.addWidget(QLabel(text(name)), 0, column)
        for number in (1, 2):
            grid.addWidget(QLabel(text("scale-point", number=number)), number, 0)
            grid.addWidget(self._input(f"volt_{number}"), number, 1)
            grid.addWidget(self._take(number), number, 2)
            grid.addWidget(self._input(f"mmhg_{number}"), number, 3)
        grid.addWidget(QLabel(text("scale-operator")), 3, 0)
        grid.addWidget(self._input("operator"), 3, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.cancel)
        buttons.addStretch()
        buttons.addWidget(self.ok)
        column_box = QVBoxLayout(self)
        for widget in (explained, self.live):
            column_box.addWidget(widget)
        column_box.addWidget(self.take_levels)
        column_box.addLayout(grid)
        for widget in (self.line, self.problem):
            column_box.addWidget(widget)
        column_box.addLayout(buttons)

    def _input(self, name: str) -> QLineEdit:
        line = QLineEdit(getattr(self.form, name))
        line.setAccessibleName(text(f"scale-{name.replace('_', '-')}"))
        line.textChanged.connect(lambda typed: self._change(name, typed))
        self.inputs[name] = line
        return line

    def _take(self, number: int) -> QPushButton:
        button = QPushButton(text("button-take-volt"))
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self._take_volt(number))
        self.takes.append(button)
        return button

    def _take_volt(self, number: int) -> None:
        volt = self._volt_now()
        if volt is not None:
            self.inputs[f"volt_{number}"].setText(f"{volt:.4f}")
            self.inputs[f"mmhg_{number}"].setFocus()

    def _take_levels(self) -> None:
        levels = self._levels_now()
        for number, volt in enumerate(levels or (), start=1):
            self.inputs[f"volt_{number}"].setText(f"{volt:.4f}")
        if levels is not None:
            self.inputs["mmhg_1"].setFocus()

    def _show_live(self) -> None:
        levels = self._levels_now()
        self.take_levels.setEnabled(levels is not None)
        if levels is None:
            self.take_levels.setText(text("scale-take-levels"))
        else:
            low, high = (f"{volt:.3f}" for volt in levels)
            self.take_levels.setText(text("scale-take-levels-of", low=low, high=high))
        volt = self._volt_now()
        shown = text("scale-no-volt") if volt is None else text("scale-live", volt=f"{volt:.3f}")
        self.live.show_text(shown, "muted" if volt is None else "text")
        for button in self.takes:
            button.setEnabled(volt is not None)

    def _change(self, name: str, value: str) -> None:
        self.form = replace(self.form, **{name: value})
        self.problem.show_text("", "warn")
        self.line.show_text(words(self._judge(self.form).line), "text")

    def _enter(self) -> None:
        view = self._judge(self.form)
        if view.request is None:
            self.problem.show_text(words(view.problem), "warn")
            return
        self.entered.emit(view.request)
        self.accept()
