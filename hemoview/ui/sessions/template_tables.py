"""The two tables of the template editor: phases in their order, and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import known_ids, text
from hemoview.viewmodel.sessions.template_form import KINDS, DeviceForm, PhaseForm

PHASE_COLUMNS = (
    "name",
    "duration_min",
    "marker_at_start",
    "marker_at_end",
    "instruction",
    "begins_by_itself",
)
DEVICE_COLUMNS = ("kind", "device_id", "required")
WIDTHS_PX = {
    "name": 140,
    "duration_min": 90,
    "marker_at_start": 130,
    "marker_at_end": 130,
    "instruction": 190,
}


class RowTable(QWidget):
    """A table of rows that can be added, removed and moved; emits ``changed()`` after each touch."""

    changed = Signal()

    def __init__(self, table: str, columns: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self._columns = table, tuple(columns)
        self.table = QTableWidget(0, len(columns))
        self.table.setAccessibleName(text(f"tpl.{table}"))
        self.table.setHorizontalHeaderLabels([text(f"tpl.{table}.{column}") for column in columns])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.verticalHeader().setDefaultSectionSize(theme.touch_px())
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for i, column in enumerate(columns):
            self.table.setColumnWidth(i, WIDTHS_PX.get(column, 150))
        self.table.itemChanged.connect(self.changed)
        self.table.itemSelectionChanged.connect(self._judge)
        self.add, self.remove = self._button("button-row-add"), self._button("button-row-remove")
        self.up, self.down = self._button("button-row-up"), self._button("button-row-down")
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        buttons = QHBoxLayout()
        for button in (self.add, self.remove, self.up, self.down):
            buttons.addWidget(button)
        buttons.addStretch()
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(0, 0, 0, 0)
        column_box.addWidget(self.table, 1)
        column_box.addLayout(buttons)
        self._judge()

    # ---- what a kind of row is

    def blank(self) -> Any:
        """A new row."""
        raise NotImplementedError

    def rows(self) -> tuple[Any, ...]:
        """As typed."""
        raise NotImplementedError

    def put(self, place: int, row: Any) -> None:
        """Show a row in a place of the table."""
        raise NotImplementedError

    # ---- rows

    def fill(self, rows: Sequence[Any], chosen: int = -1) -> None:
        """Show these rows; says nothing of it."""
        quiet = QSignalBlocker(self.table)
        self.table.setRowCount(0)
        self.table.setRowCount(len(rows))
        for place, row in enumerate(rows):
            self.put(place, row)
        if 0 <= chosen < len(rows):
            self.table.selectRow(chosen)
        quiet.unblock()
        self._judge()

    def show_faults(self, places: Sequence[tuple[int, str]]) -> None:
        """Cells of these rows (from 1) and fields stand out."""
        quiet = QSignalBlocker(self.table)
        wrong = {(row - 1, self._columns.index(f)) for row, f in places if f in self._columns}
        for i in range(self.table.rowCount()):
            for j in range(self.table.columnCount()):
                if (item := self.table.item(i, j)) is not None:
                    item.setBackground(
                        theme.colour("warn", 0.35) if (i, j) in wrong else theme.colour("text", 0.0)
                    )
        quiet.unblock()

    def cell(self, place: int, column: str) -> str:
        """The text of a cell."""
        item = self.table.item(place, self._columns.index(column))
        return item.text().strip() if item is not None else ""

    def ticked(self, place: int, column: str) -> bool:
        """Whether a cell is ticked."""
        item = self.table.item(place, self._columns.index(column))
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def set_text(self, place: int, column: str, value: str) -> None:
        """Fill a cell of text."""
        self.table.setItem(place, self._columns.index(column), QTableWidgetItem(value))

    def set_tick(self, place: int, column: str, *, on: bool) -> None:
        """Fill a cell to tick."""
        item = QTableWidgetItem()
        item.setFlags(
            Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        )
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.table.setItem(place, self._columns.index(column), item)

    def _add(self) -> None:
        rows = self.rows()
        self.fill((*rows, self.blank()), len(rows))
        self.table.setFocus()
        self.table.setCurrentCell(len(rows), 0)
        self.changed.emit()

    def _remove(self) -> None:
        place, rows = self.table.currentRow(), list(self.rows())
        if 0 <= place < len(rows):
            del rows[place]
            self.fill(rows, min(place, len(rows) - 1))
            self.changed.emit()

    def _move(self, by: int) -> None:
        place, rows = self.table.currentRow(), list(self.rows())
        if 0 <= place < len(rows) and 0 <= place + by < len(rows):
            rows[place], rows[place + by] = rows[place + by], rows[place]
            self.fill(rows, place + by)
            self.changed.emit()

    def _judge(self) -> None:
        place, n = self.table.currentRow(), self.table.rowCount()
        self.remove.setEnabled(0 <= place < n)
        self.up.setEnabled(0 < place < n)
        self.down.setEnabled(0 <= place < n - 1)

    def _button(self, message_id: str) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setAutoDefault(False)
        return button


class PhaseTable(RowTable):
    """Phases in the order in which they are begun."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("phases", PHASE_COLUMNS, parent)

    def blank(self) -> PhaseForm:
        """Five minutes without markers."""
        return PhaseForm(text("tpl.new-phase", number=self.table.rowCount() + 1), "5")

    def rows(self) -> tuple[PhaseForm, ...]:
        """As typed."""
        return tuple(self._row(place) for place in range(self.table.rowCount()))

    def _row(self, place: int) -> PhaseForm:
        return PhaseForm(
            name=self.cell(place, "name"),
            duration_min=self.cell(place, "duration_min"),
            marker_at_start=self.cell(place, "marker_at_start"),
            marker_at_end=self.cell(place, "marker_at_end"),
            instruction=self.cell(place, "instruction"),
            begins_by_itself=self.ticked(place, "begins_by_itself"),
        )

    def put(self, place: int, row: PhaseForm) -> None:
        """Show a phase."""
        for column in PHASE_COLUMNS[:-1]:
            self.set_text(place, column, getattr(row, column))
        self.set_tick(place, PHASE_COLUMNS[-1], on=row.begins_by_itself)


class DeviceTable(RowTable):
    """Devices the study asks for; where they are connected is set on the Devices page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._rows: list[DeviceForm] = []
        super().__init__("devices", DEVICE_COLUMNS, parent)
        self.table.setColumnWidth(0, 380)

    def blank(self) -> DeviceForm:
        """Another of the first kind."""
        return DeviceForm(device_id=f"dev{self.table.rowCount() + 1}")

    def rows(self) -> tuple[DeviceForm, ...]:
        """As chosen and typed."""
        return tuple(
            replace(
                row,
                kind=self._kind(i),
                device_id=self.cell(i, "device_id"),
                required=self.ticked(i, "required"),
            )
            for i, row in enumerate(self._rows)
        )

    def fill(self, rows: Sequence[Any], chosen: int = -1) -> None:
        """Show these rows, whose options are kept beside them."""
        self._rows = list(rows)
        super().fill(rows, chosen)

    def put(self, place: int, row: DeviceForm) -> None:
        """Show a device."""
        box = QComboBox()
        box.setAccessibleName(text("tpl.devices.kind"))
        for kind in (*KINDS, *(() if row.kind in KINDS else (row.kind,))):
            box.addItem(text(f"kind-{kind}") if f"kind-{kind}" in known_ids() else kind, kind)
        box.setCurrentIndex(box.findData(row.kind))
        box.currentIndexChanged.connect(self.changed)
        self.table.setCellWidget(place, 0, box)
        self.set_text(place, "device_id", row.device_id)
        self.set_tick(place, "required", on=row.required)

    def _kind(self, place: int) -> str:
        box = self.table.cellWidget(place, 0)
        return str(box.currentData()) if isinstance(box, QComboBox) else ""
