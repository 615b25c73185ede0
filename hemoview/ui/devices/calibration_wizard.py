"""The CNAP calibration on screen: two levels of the monitor's own output, or a fit against its own waveform file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.devices.card import LineStack
from hemoview.ui.devices.raw_trace import RawTrace
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.devices.calibration_wizard import Choice, FitForm, FitView, Outcome, Overlay
from hemoview.viewmodel.devices.raw_preview import Preview
from hemoview.viewmodel.messages import Message

LIVE_MS = 150
GUIDE, FIT = 0, 1  # places in the stack


class CalibrationWizard(QDialog):
    """Emits ``levels_asked()``, ``compare_asked(order)``, ``keep_asked()``.

    Args:
        judge: examines the form.
        preview_now: the trace of the channel that carries the pressure.
        volt_now: its volt, None while nothing comes.
        record: the dated record in use, in words.
        operator: operator code to begin with.
    """

    levels_asked = Signal()
    compare_asked = Signal(object)
    keep_asked = Signal()

    def __init__(
        self,
        judge: Callable[[FitForm], FitView],
        preview_now: Callable[[], Preview],
        volt_now: Callable[[], float | None],
        record: Message,
        operator: str,
        *,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("calibration-title"))
        self.form = FitForm(operator=operator)
        self._judge, self._preview_now, self._volt_now = judge, preview_now, volt_now
        self.live, self.record = Words(20, bold=True), Words(14)
        self.trace = RawTrace("abp_wave", text("calibration-trace"))
        self.record.show_text(words(record), "quiet")
        self.record.setWordWrap(True)
        self.steps = QStackedWidget()
        self.guide, self.fit = GuideStep(), FitStep(operator)
        self.steps.addWidget(self.guide)
        self.steps.addWidget(self.fit)
        self.back, self.cancel = QPushButton(text("button-back")), QPushButton(text("button-cancel"))
        self.compare, self.keep = QPushButton(text("fit-compare")), QPushButton(text("fit-keep"))
        self._arrange()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self.finished.connect(lambda _: self._timer.stop())
        self._timer.start(LIVE_MS)
        self.show_step(GUIDE)
        self.tick()

    def _arrange(self) -> None:
        self.keep.setObjectName("start")
        for button in (self.back, self.cancel, self.compare, self.keep):
            button.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.back.clicked.connect(lambda: self.show_step(GUIDE))
        self.compare.clicked.connect(self._compare)
        self.keep.clicked.connect(self._keep)
        self.guide.levels.clicked.connect(self.levels_asked)
        self.guide.file.clicked.connect(lambda: self.show_step(FIT))
        self.fit.changed.connect(self._change)
        buttons = QHBoxLayout()
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.back)
        buttons.addStretch()
        buttons.addWidget(self.compare)
        buttons.addWidget(self.keep)
        above = QHBoxLayout()
        above.addWidget(self.live)
        above.addWidget(self.trace, 1)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(above)
        column.addWidget(self.record)
        column.addWidget(self.steps, 1)
        column.addLayout(buttons)
        self.resize(860, 620)

    def tick(self) -> None:
        """Live volt and trace."""
        volt = self._volt_now()
        shown = text("scale-no-volt") if volt is None else text("scale-live", volt=f"{volt:.3f}")
        self.live.show_text(shown, "muted" if volt is None else "text")
        self.trace.show_preview(self._preview_now())

    def show_step(self, step: int) -> None:
        """Guide or fit."""
        self.steps.setCurrentIndex(step)
        self.back.setVisible(step == FIT)
        self.compare.setVisible(step == FIT)
        self.keep.setVisible(step == FIT)
        self.keep.setEnabled(False)

    def show_sessions(self, found: Sequence[Choice]) -> None:
        """Which recordings may be compared."""
        self.fit.show_sessions(found)

    def show_outcome(self, found: Outcome, overlay: Overlay) -> None:
        """What a comparison found."""
        self.fit.show_outcome(found, overlay)
        self.compare.setEnabled(True)
        self.keep.setEnabled(found.keep)
        if found.keep:
            self.keep.setFocus()

    def show_failure(self, why: str) -> None:
        """The files could not be compared, or the record not kept. Nothing was changed."""
        self.fit.show_failure(why)
        self.compare.setEnabled(True)

    def _change(self, form: FitForm) -> None:
        self.form = form
        self.keep.setEnabled(False)  # what was found belongs to other entries
        self.fit.show_view(self._judge(form), all_fields=False)

    def _compare(self) -> None:
        view = self._judge(self.form)
        self.fit.show_view(view, all_fields=True)
        if view.order is not None:
            self.compare.setEnabled(False)
            self.fit.begin()
            self.compare_asked.emit(view.order)

    def _keep(self) -> None:
        self.keep.setEnabled(False)
        self.keep_asked.emit()


class GuideStep(QWidget):
    """What to do at the monitor, and the two ways."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for name in ("calibration-why", "calibration-step-1", "calibration-step-2"):
            label = Words(15)
            label.setWordWrap(True)
            label.show_text(text(name), "text")
            column.addWidget(label)
        self.levels, self.file = (
            QPushButton(text("calibration-levels")),
            QPushButton(text("calibration-file")),
        )
        for button, said in ((self.levels, "calibration-levels-what"), (self.file, "calibration-file-what")):
            button.setAutoDefault(False)
            button.setMinimumHeight(theme.touch_px() + 8)
            column.addSpacing(8)
            column.addWidget(button)
            label = Words(13)
            label.setWordWrap(True)
            label.show_text(text(said), "quiet")
            column.addWidget(label)
        column.addStretch()


class FitStep(QWidget):
    """File, recording, operator; then the outcome. Emits ``changed(form)``."""

    changed = Signal(object)

    def __init__(self, operator: str) -> None:
        super().__init__()
        self.form = FitForm(operator=operator)
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, Words] = {}
        self._touched: set[str] = set()
        self._labels: dict[str, Words] = {}
        rows = QFormLayout()
        rows.setVerticalSpacing(4)
        self.sessions = QComboBox()
        self.sessions.currentIndexChanged.connect(
            lambda i: self._set("session", str(self.sessions.itemData(i) or ""))
        )
        self.choose = QPushButton(text("fit-choose"))
        self.choose.setAutoDefault(False)
        self.choose.clicked.connect(self._choose_file)
        for name, widget in (
            ("file", self._line("file")),
            ("session", self.sessions),
            ("began", self._line("began")),
            ("operator", self._line("operator")),
        ):
            self._add(rows, name, widget)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(text("fit-comparing"))
        self.bar.hide()
        self.verdict, self.lines, self.plot = Words(18, bold=True), LineStack(14), FitPlot()
        self.verdict.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addLayout(rows)
        for shown in (self.bar, self.verdict, self.lines):
            column.addWidget(shown)
        column.addWidget(self.plot, 1)
        column.addStretch()

    def show_sessions(self, found: Sequence[Choice]) -> None:
        """Newest first; the first one is taken."""
        self.sessions.clear()
        for one in found:
            self.sessions.addItem(words(one.shown), one.folder)
        if not found:
            self._note("session", text("fit-no-session"))

    def show_view(self, view: FitView, *, all_fields: bool) -> None:
        """What is wrong with fields somebody has been at."""
        said = {p.field: words(p.message) for p in view.problems}
        for name in self.notes:
            self._note(name, said.get(name, "") if all_fields or name in self._touched else "")
        for widget in (self.inputs["began"], self._labels["began"]):
            widget.setVisible(view.asks_began or bool(self.form.began))

    def begin(self) -> None:
        """The comparison runs."""
        self.bar.show()
        self.verdict.show_text(text("fit-comparing"), "info")
        self.lines.show_lines(())
        self.plot.show_overlay(None)

    def show_outcome(self, found: Outcome, overlay: Overlay) -> None:
        """Verdict, figures, picture."""
        self.bar.hide()
        self.verdict.show_text(words(found.verdict), found.level)
        self.lines.show_lines(tuple((message, "text") for message in found.lines))
        self.plot.show_overlay(overlay)

    def show_failure(self, why: str) -> None:
        """In the words of what refused."""
        self.bar.hide()
        self.verdict.show_text(why, "danger")

    def _add(self, rows: QFormLayout, name: str, widget: QWidget) -> None:
        widget.setAccessibleName(text(f"fit-{name}"))
        self.inputs[name] = widget
        self.notes[name] = Words(13)
        self.notes[name].setWordWrap(True)
        self.notes[name].hide()
        cell = QVBoxLayout()
        cell.setSpacing(1)
        line = QHBoxLayout()
        line.addWidget(widget, 1)
        if name == "file":
            line.addWidget(self.choose)
        cell.addLayout(line)
        cell.addWidget(self.notes[name])
        label = self._labels[name] = Words(14)
        label.show_text(text(f"fit-{name}"), "text")
        rows.addRow(label, cell)

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit(getattr(self.form, name))
        line.textChanged.connect(lambda typed: self._set(name, typed))
        if name == "began":
            line.setPlaceholderText("2026-11-20T16:05:07")
        return line

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, text("fit-file"), "", text("fit-file-filter"))
        line = self.inputs["file"]
        if path and isinstance(line, QLineEdit):
            line.setText(path)

    def _set(self, name: str, value: str) -> None:
        self.form = replace(self.form, **{name: value})
        self._touched.add(name)
        self.changed.emit(self.form)

    def _note(self, name: str, shown: str) -> None:
        self.notes[name].show_text(shown, "warn")
        self.notes[name].setVisible(bool(shown))


class FitPlot(QWidget):
    """The monitor's file and the ADC one over the other: a good fit is one curve."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: Overlay | None = None
        self.setMinimumSize(QSize(320, 150))
        self.setAccessibleName(text("fit-plot"))
        self.hide()

    def show_overlay(self, overlay: Overlay | None) -> None:
        """Another picture, or none."""
        self.shown = overlay
        self.setVisible(overlay is not None)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """File solid, ADC dashed, so that they differ without colour."""
        painter = QPainter(self)
        box = QRectF(48, 20, self.width() - 54, self.height() - 26)
        painter.fillRect(box, theme.colour("text", 0.03))
        if self.shown is None or self.shown.t_s.size < 2:
            painter.end()
            return
        curves = (self.shown.file_mmhg, self.shown.adc_mmhg)
        both = np.concatenate(curves)
        low, high = float(np.nanmin(both)), float(np.nanmax(both))
        painter.setFont(theme.font(12))
        painter.setPen(theme.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(0, box.top() - 2, 42, 16), right, f"{high:.0f}")
        painter.drawText(QRectF(0, box.bottom() - 14, 42, 16), right, f"{low:.0f}")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t_s = self.shown.t_s - self.shown.t_s[0]
        x = box.left() + t_s / t_s[-1] * box.width()
        left = box.left()
        styles = (
            ("abp", Qt.PenStyle.SolidLine, "fit-legend-file"),
            ("pressure", Qt.PenStyle.DashLine, "fit-legend-adc"),
        )
        for values, (role, style, name) in zip(curves, styles, strict=True):
            painter.setPen(QPen(theme.colour(role), 1.6, style))
            y = box.bottom() - (values - low) / ((high - low) or 1.0) * box.height()
            painter.drawPath(arrayToQPath(x, y, connect="finite"))
            painter.drawText(QRectF(left, 0, 260, 18), Qt.AlignmentFlag.AlignLeft, text(name))
            left += 260
        painter.end()
