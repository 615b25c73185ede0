"""The labels one under the other: time, label, whose, and whether it was a suggestion. A row is words once."""

from __future__ import annotations

import bisect
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from hemoview.labels.annotation import Annotation, order_of
from hemoview.labels.raters.scheme import PULSE, Scheme
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.review.label_paint import said_name
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.label_state import LabelView

COLUMNS: Final = ("time", "label", "rater", "origin")
_WIDTHS_PX: Final = {"time": 76, "rater": 52, "origin": 74}
_Index = QModelIndex | QPersistentModelIndex


class LabelTable(QAbstractTableModel):
    """Annotations for a table view, however many there are."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[Annotation, ...] = ()
        self._scheme = PULSE

    def show_labels(self, labels: tuple[Annotation, ...], scheme: Scheme) -> None:
        """Show these; rows of them that stay do not scroll away."""
        if labels is self._labels and scheme is self._scheme:
            return
        old, new = self._labels, labels
        head = _same_at_start(old, new)
        tail = _same_at_end(old[head:], new[head:])
        gone, come = len(old) - head - tail, len(new) - head - tail
        if gone:
            self.beginRemoveRows(QModelIndex(), head, head + gone - 1)
            self._labels = (*old[:head], *old[head + gone :])
            self.endRemoveRows()
        if come:
            self.beginInsertRows(QModelIndex(), head, head + come - 1)
            self._labels = new
            self.endInsertRows()
        self._labels = new
        if scheme is not self._scheme:
            self._scheme = scheme
            self.dataChanged.emit(self.index(0, 0), self.index(len(new) - 1, len(COLUMNS) - 1))

    def at(self, row: int) -> Annotation:
        """The label of a row."""
        return self._labels[row]

    def row_of(self, annotation: Annotation) -> int:
        """Where a label stands, −1 where it does not."""
        at = bisect.bisect_left(self._labels, order_of(annotation), key=order_of)
        return at if at < len(self._labels) and self._labels[at] is annotation else -1

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """How many labels."""
        return 0 if parent.isValid() else len(self._labels)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Time, label, rater, origin."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """What the columns are."""
        across = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return text(f"labels.column-{COLUMNS[section]}") if across else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words and colour of a cell; the tool tip has the comment."""
        label, column = self._labels[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(label, column, self._scheme)
        if role == Qt.ItemDataRole.ForegroundRole and column == "label":
            choice = self._scheme.of(label.label)
            return QColor(choice.colour) if choice is not None else colour("grey")
        if role == Qt.ItemDataRole.ToolTipRole:
            return whole_text(label, self._scheme)
        return None


class LabelList(QTableView):
    """The table on the screen. Signal ``chosen(annotation)``."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = LabelTable()
        self.setModel(self._table)
        self.setFont(font(12))
        self.setShowGrid(False)
        self.setAccessibleName(text("labels.list"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setStyleSheet("QHeaderView::section { font-size: 11px; padding: 2px 3px; }")
        header.setMinimumSectionSize(30)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in _WIDTHS_PX.items():
            self.setColumnWidth(COLUMNS.index(column), width)
        header.setSectionResizeMode(COLUMNS.index("label"), QHeaderView.ResizeMode.Stretch)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(90)
        self.clicked.connect(lambda index: self.chosen.emit(self._table.at(index.row())))
        self.activated.connect(lambda index: self.chosen.emit(self._table.at(index.row())))

    def sizeHint(self) -> QSize:
        """Takes what is left over, asks for little."""
        return QSize(200, 100)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines above come and go; the chosen label stays in sight."""
        super().resizeEvent(event)
        if self.selectionModel().hasSelection():
            self.scrollTo(self.currentIndex())

    def show_view(self, view: LabelView) -> None:
        """Show the labels, the current one chosen and in sight."""
        self._table.show_labels(view.annotations, view.scheme)
        row = self._table.row_of(view.current) if view.current is not None else -1
        if row < 0:
            self.clearSelection()
        elif self.currentIndex().row() != row or not self.selectionModel().isRowSelected(row):
            self.selectRow(row)


def whole_text(label: Annotation, scheme: Scheme) -> str:
    """Everything about a label in one line, and its comment."""
    span = elapsed_text(label.t0_s, 0.1)
    if label.kind != "instant":
        span = f"{span} – {elapsed_text(label.t1_s, 0.1)}"
    origin = f"  {label.suggestion.source}" if label.suggestion is not None else ""
    return f"{said_name(label.label, scheme)}  {span}  {label.rater}{origin}\n{label.comment}".strip()


def _cell(label: Annotation, column: str, scheme: Scheme) -> str:
    if column == "time":
        return elapsed_text(label.t0_s, 0.1)
    if column == "label":
        return said_name(label.label, scheme) + (" ✎" if label.comment else "")
    if column == "rater":
        return label.rater
    if label.suggestion is None:
        return ""
    return text("labels.origin-accepted" if label.suggestion.accepted else "labels.origin-seen")


def _same_at_start(old: tuple[Annotation, ...], new: tuple[Annotation, ...]) -> int:
    """How many are the same at the start, by halving: slices are compared without a loop of Python."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same_at_end(old: tuple[Annotation, ...], new: tuple[Annotation, ...]) -> int:
    return _same_at_start(old[::-1], new[::-1])
