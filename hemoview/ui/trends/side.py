"""Beside the trend: numbers at the cursor, ten-minute medians, time in target, and what the estimates may claim."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.picture.palette import colour, font
from hemoview.ui.review.card import CursorCard
from hemoview.ui.review.page import claim_of
from hemoview.ui.trends.target import TargetView
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel import formats
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.trends.model import TrendPage
from hemoview.viewmodel.trends.tables import TableRow
from recorder.schema import PARAMETER_UNITS

COLUMNS: Final = ("time", "estimate", "reference", "n", "abstained")
_ROW_PX = 30

AnyIndex = QModelIndex | QPersistentModelIndex


class TrendsSide(QWidget):
    """Signals: ``parameter_chosen(name)`` of the table, ``jumped(t_s)`` to a row of it."""

    parameter_chosen = Signal(str)
    jumped = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card, self._target = CursorCard(), TargetView()
        self.table = MedianTable()
        self._parameter = QComboBox()
        self._parameter.setAccessibleName(text("trends.table-of"))
        self._parameter.activated.connect(lambda _: self.parameter_chosen.emit(self._parameter.currentText()))
        self._rows = self._make_rows()
        self._footer = QLabel()
        self._footer.setFont(font(11))
        self._footer.setStyleSheet(f"color: {colour('dim').name()};")
        self._footer.setWordWrap(True)
        self.tabs = QTabWidget()
        self.tabs.setUsesScrollButtons(False)
        for page, name in ((self._cursor_page(), "cursor"), (self._table_page(), "table")):
            self.tabs.addTab(page, text(f"trends.tab-{name}"))
        self.tabs.addTab(self._target, text("trends.tab-target"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.tabs, 1)
        column.addWidget(self._footer)

    def show_page(self, page: TrendPage) -> None:
        """Show what belongs to this view."""
        view = page.review
        self._card.show_view(view)
        self._target.show_page(page)
        parameter = page.choice.parameter
        self.table.show_rows(parameter, page.table, _unit(parameter, view.pressure_unit))
        if [self._parameter.itemText(i) for i in range(self._parameter.count())] != list(page.parameters):
            self._parameter.clear()
            self._parameter.addItems(list(page.parameters))
        if parameter in page.parameters:
            self._parameter.setCurrentText(parameter)
        self._footer.setText(claim_of(view.facts) if view.facts else "")

    def _cursor_page(self) -> QWidget:
        page = QFrame()
        page.setObjectName("panel")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._card)
        column.addStretch(1)
        return page

    def _table_page(self) -> QWidget:
        page = QFrame()
        page.setObjectName("panel")
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 6, 4, 4)
        note = QLabel(text("trends.table-note"))
        note.setFont(font(11))
        note.setWordWrap(True)
        note.setStyleSheet(f"color: {colour('dim').name()};")
        column.addWidget(self._parameter)
        column.addWidget(self._rows, 1)
        column.addWidget(note)
        return page

    def _make_rows(self) -> QTableView:
        rows = QTableView()
        rows.setModel(self.table)
        rows.setAccessibleName(text("trends.tab-table"))
        rows.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        rows.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        rows.setShowGrid(False)
        rows.setTabKeyNavigation(False)
        rows.setFont(font(12))
        rows.verticalHeader().hide()
        rows.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = rows.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(30)
        header.setFont(font(11))
        rows.clicked.connect(lambda index: self.jumped.emit(self.table.rows[index.row()].t0_s))
        return rows


class MedianTable(QAbstractTableModel):
    """Ten-minute medians of one parameter, held in its own unit; said as those times ``factor``, in ``unit``."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[TableRow, ...] = ()
        self.parameter, self.unit, self.factor = "", "", 1.0

    def show_rows(self, parameter: str, rows: tuple[TableRow, ...], unit: str = "") -> None:
        """Other rows; the same ones change nothing."""
        if (parameter, rows, unit) == (self.parameter, self.rows, self.unit):
            return
        self.beginResetModel()
        self.parameter, self.rows, self.unit = parameter, rows, unit
        self.factor = formats.pressure_factor(unit)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """How many slots."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Time, estimate, reference, n, abstained."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return text(f"trends.column-{COLUMNS[section]}", unit=self.unit)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words and colour of a cell."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return _ink(row, column, self.parameter)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and column == "reference" and _grey(row, self.parameter):
            return text("uncalibrated")
        return None

    def _words(self, row: TableRow, column: str) -> str:
        if column == "reference":
            words = self._number(row.reference)
            return f"({words})" if row.reference is not None and _grey(row, self.parameter) else words
        if column == "estimate":
            return self._estimate(row)
        abstained = formats.DASH if row.abstained is None else f"{row.abstained:.0%}"
        return {"time": elapsed_text(row.t0_s), "n": str(row.n), "abstained": abstained}[column]

    def _estimate(self, row: TableRow) -> str:
        """No interval, no number; what was learned from simulation alone says so."""
        if row.estimate is None or (row.low is None and not row.simulated):
            return formats.DASH
        if row.simulated:
            return f"{self._number(row.estimate)} {text('review.sim')}"
        return f"{self._number(row.estimate)} [{self._number(row.low)}–{self._number(row.high)}]"

    def _number(self, value: float | None) -> str:
        places = formats.decimals(self.parameter, self.unit)
        return formats.DASH if value is None else formats.number(value * self.factor, places)


def _unit(parameter: str, pressure_unit: str) -> str:
    return pressure_unit if PARAMETER_UNITS.get(parameter) == "mmHg" else PARAMETER_UNITS.get(parameter, "")


def _grey(row: TableRow, parameter: str) -> bool:
    return not row.calibrated and parameter != "HR"


def _ink(row: TableRow, column: str, parameter: str) -> object:
    if column == "estimate":
        return colour("sim" if row.simulated else "estimate")
    if column == "reference":
        key = "hr" if parameter == "HR" else "grey" if _grey(row, parameter) else "reference"
        return colour(key)
    return colour("dim") if column != "time" else None
