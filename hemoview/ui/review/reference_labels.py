"""Review's panel of reference labels: the ten of the window at the cursor with reasons, and putting one right."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.parts.label import Words
from hemoview.ui.picture.axis_px import TimeAxis
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.review.reference_labels_edit import EditLabel
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.reference_labels import (
    BY_HAND,
    LABELLED,
    LabelRow,
    ReferenceLabels,
    ReferenceView,
    Ticks,
)
from hemoview.viewmodel.window_settings import last_operator

TICKS_PX: Final = 12
_BAR_PX, _LINE_PX = 8, 2
_SEAMS_PX: Final = 6
"""Windows at least this wide are told apart."""


class ReferencePanel(QWidget):
    """Signals: ``asked()``, ``correct(parameter)``, ``exclude()``, ``undo()``."""

    asked = Signal()
    correct = Signal(str)
    exclude = Signal()
    undo = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(text("refl.title"))
        self.said, self.about, self.notes, self.problem = (Words(12) for _ in range(4))
        self.window_at = Words(13, bold=True)
        for line in (self.said, self.about, self.notes, self.problem):
            line.setWordWrap(True)
        self.ask = self._button("refl.ask", self.asked.emit)
        self.table = self._table()
        self.table.cellDoubleClicked.connect(lambda _row, _column: self._correct())
        self.fix = self._button("refl.correct", self._correct)
        self.leave_out = self._button("refl.exclude", self.exclude.emit)
        self.take_back = self._button("refl.undo", self.undo.emit)
        buttons = QHBoxLayout()
        for button in (self.fix, self.leave_out, self.take_back):
            button.setMinimumWidth(40)
            button.setStyleSheet("padding: 0 6px;")
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 6, 4, 4)
        self.legend = Words(11)
        self.legend.setWordWrap(True)
        self.legend.show_text(text("refl.ticks"), "quiet")
        for part in (self.said, self.window_at, self.table, self.about, self.notes, self.problem):
            column.addWidget(part)
        column.addLayout(buttons)
        column.addWidget(self.legend)
        column.addWidget(self.ask)
        column.addStretch(1)

    @property
    def chosen(self) -> int:
        """The row that is chosen, 0 where none is."""
        return max(self.table.currentRow(), 0)

    def show_view(self, view: ReferenceView) -> None:
        """Everything as it stands."""
        self.said.show_text(words(view.said), "quiet")
        self.said.setVisible(view.said is not None)
        self.ask.setVisible(view.state in ("asleep", "ready", "refused"))
        self.ask.setText(text("refl.ask" if view.state == "asleep" else "refl.ask-again"))
        if view.window_s is not None:
            t0, t1 = (elapsed_text(t, 0.1) for t in view.window_s)
            self.window_at.show_text(text("refl.window", t0=t0, t1=t1), "text")
        there = bool(view.rows)
        self.legend.setVisible(view.ticks is not None)
        for part in (self.window_at, self.table, self.about, self.fix, self.leave_out, self.take_back):
            part.setVisible(there)
        for row, label in enumerate(view.rows):
            _fill(self.table, row, label)
        self.about.show_text("\n".join(words(line) for line in view.about), "quiet")
        self.notes.show_text("\n".join(words(line) for line in view.notes), "info")
        self.notes.setVisible(bool(view.notes))
        self.problem.show_text(words(view.problem), "danger")
        self.problem.setVisible(view.problem is not None)
        self.fix.setEnabled(view.may_edit)
        self.leave_out.setEnabled(view.may_edit)
        self.take_back.setEnabled(view.may_undo)

    def _correct(self) -> None:
        if self.fix.isEnabled() and (item := self.table.item(self.chosen, 0)) is not None:
            self.correct.emit(str(item.data(Qt.ItemDataRole.UserRole)))

    def _button(self, message_id: str, slot: object) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setFont(font(12))
        button.clicked.connect(slot)
        return button

    def _table(self) -> QTableWidget:
        table = QTableWidget(10, 2)
        table.setAccessibleName(text("refl.title"))
        table.setHorizontalHeaderLabels([text("refl.parameter"), text("refl.reason")])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setFont(font(12))
        table.setMinimumHeight(10 * 26 + 30)
        for row in range(10):
            for column in range(2):
                table.setItem(row, column, QTableWidgetItem())
        return table


def _fill(table: QTableWidget, row: int, label: LabelRow) -> None:
    """Value and reason; a sign beside the colour says what it is."""
    value = "—" if label.value is None else _number(label.value)
    sign = "◆" if label.by_hand else "✓" if label.valid else "✕" if label.value is None else "!"
    ink = colour("info" if label.by_hand else "text" if label.valid else "dim")
    for column, said in enumerate(
        (f"{label.parameter} {value} {label.unit}", f"{sign} {words(label.reason)}")
    ):
        if (item := table.item(row, column)) is not None:
            item.setText(said)
            item.setToolTip(said)
            item.setForeground(ink)
            item.setData(Qt.ItemDataRole.UserRole, label.parameter)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


class ReferenceTicks:
    """Paints every window along the foot of the strips."""

    def __init__(self) -> None:
        self.ticks: Ticks | None = None

    def paint(self, painter: QPainter, axis: TimeAxis, bottom_px: int) -> None:
        """A full bar where there is a label, a thin line where not, a diamond where somebody put it right."""
        ticks = self.ticks
        if ticks is None or not len(ticks.t0_s):
            return
        step_s = float(np.diff(ticks.t0_s).min()) if len(ticks.t0_s) > 1 else ticks.window_s
        middle_s = ticks.t0_s + ticks.window_s / 2
        first, stop = np.searchsorted(middle_s, [axis.t0_s - step_s, axis.t1_s + step_s]).tolist()
        painter.save()
        painter.setClipRect(QRectF(axis.left, bottom_px - TICKS_PX, axis.width, TICKS_PX))
        painter.setPen(Qt.PenStyle.NoPen)
        seams = step_s * axis.width / (axis.t1_s - axis.t0_s) >= _SEAMS_PX
        for begin, end in _runs(ticks, middle_s, (first, stop), step_s, apart=seams):
            code = int(ticks.codes[begin])
            left, right = (axis.x(t) for t in (middle_s[begin] - step_s / 2, middle_s[end] + step_s / 2))
            _paint_run(painter, code, (left, right - (1 if seams else 0)), bottom_px)
        painter.restore()


def _runs(
    ticks: Ticks, middle_s: np.ndarray, span: tuple[int, int], step_s: float, *, apart: bool
) -> list[tuple[int, int]]:
    """(first, last) of neighbours that are alike; each alone where ``apart``."""
    first, stop = span
    if stop <= first:
        return []
    if apart:
        return [(i, i) for i in range(first, stop)]
    codes, times = ticks.codes[first:stop], middle_s[first:stop]
    ends = np.flatnonzero((np.diff(codes) != 0) | (np.diff(times) > 1.5 * step_s))
    begins = np.concatenate([[0], ends + 1])
    lasts = np.concatenate([ends, [len(codes) - 1]])
    return [(first + int(a), first + int(b)) for a, b in zip(begins, lasts, strict=True)]


def _paint_run(painter: QPainter, code: int, ends: tuple[float, float], bottom_px: int) -> None:
    left, right = ends
    wide = max(right - left, 1.0)
    if code == LABELLED:
        painter.fillRect(QRectF(left, bottom_px - _BAR_PX - 1, wide, _BAR_PX), colour("ok"))
        return
    painter.fillRect(QRectF(left, bottom_px - _LINE_PX - 1, wide, _LINE_PX), colour("dim"))
    if code == BY_HAND:
        x, y, r = left + wide / 2, bottom_px - TICKS_PX / 2, TICKS_PX / 2 - 1
        painter.setBrush(colour("info"))
        painter.drawPolygon(
            QPolygonF([QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r), QPointF(x - r, y)])
        )


class ReferenceDesk(QObject):
    """Joins view-model, panel and strip. Signal ``changed()``: show the page again."""

    changed = Signal()

    def __init__(self, page: QWidget, model: ReferenceLabels | None = None) -> None:
        super().__init__(page)
        self._page = page
        self.model = made = model or ReferenceLabels(Bell(self._on_answer).ring)
        end_with(self, made.close)
        self.panel = ReferencePanel()
        self.ticks = ReferenceTicks()
        self.tab = QScrollArea()
        self.tab.setWidgetResizable(True)
        self.tab.setFrameShape(QFrame.Shape.NoFrame)
        self.tab.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tab.setWidget(self.panel)
        self.dialog: EditLabel | None = None
        self._cursor_s, self._path, self.rater = 0.0, "", ""
        self._look: tuple[object, ...] = ()
        self.panel.asked.connect(self._ask)
        self.panel.correct.connect(self._correct)
        self.panel.exclude.connect(self._exclude)
        self.panel.undo.connect(lambda: self._done(self.model.undo(self.rater)))

    def show_view(self, view: ReviewView) -> None:
        """Follow the page: another session, another cursor."""
        path = view.facts.path if view.facts is not None else ""
        if path != self._path:
            self._path = path
            self.rater = last_operator(Path(path)) if path else ""
        self.model.open(path)
        self._cursor_s = view.wish.cursor_s
        shown = self.model.view(self._cursor_s, self.rater, aligned=view.aligned is not None)
        self.ticks.ticks = shown.ticks
        look = (
            shown.state,
            shown.window_s,
            id(shown.ticks),
            shown.problem,
            shown.may_undo,
            shown.said,
            shown.about,
        )
        if look != self._look:  # a cursor that moves inside a window changes nothing here
            self._look = look
            self.panel.show_view(shown)

    def paint_over(self, painter: QPainter, axis: TimeAxis, strips: QRect) -> None:
        """The windows, over the foot of the strips."""
        self.ticks.paint(painter, axis, strips.bottom())

    def _ask(self) -> None:
        self.model.ask()
        self.changed.emit()

    def _correct(self, parameter: str) -> None:
        view = self.model.view(self._cursor_s, self.rater)
        row = next((r for r in view.rows if r.parameter == parameter), None)
        if row is not None and view.window_s is not None:
            self._open(EditLabel(row, view.window_s, self.rater, self._page))

    def _exclude(self) -> None:
        view = self.model.view(self._cursor_s, self.rater)
        if view.window_s is not None:
            self._open(EditLabel(None, view.window_s, self.rater, self._page))

    def _open(self, dialog: EditLabel) -> None:
        self.dialog, at_s = dialog, sum(dialog.window_s) / 2
        dialog.given.connect(lambda told: self._store(told, at_s))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _store(self, told: dict[str, object], at_s: float) -> None:
        self.rater, why = str(told["rater"]), str(told["why"])
        parameter, value = told["parameter"], told["value"]
        if parameter is None:
            self._done(self.model.exclude(at_s, why=why, rater=self.rater))
        else:
            number = None if value is None else float(str(value))
            self._done(self.model.correct(str(parameter), number, at_s, why=why, rater=self.rater))

    def _done(self, _stored: bool) -> None:
        self.changed.emit()
        self._page.setFocus()

    def _on_answer(self) -> None:
        if self.model.drain():
            self.changed.emit()
