"""The cuff readings of the running session; one that was wrong is withdrawn with a reason, never deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.live.readings import ReadingRow

COLUMNS = ("time", "pressures", "mean", "arm", "posture", "device", "operator", "state")
REFRESH_MS = 500


class ReadingsDialog(QDialog):
    """Emits ``withdrawn(event_id, why)``. ``rows`` tells the readings as they are now."""

    withdrawn = Signal(str, str)

    def __init__(self, rows: Callable[[], Sequence[ReadingRow]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("readings-title"))
        self._rows = rows
        self._shown: tuple[ReadingRow, ...] | None = None
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName(text("readings-title"))
        self.table.setHorizontalHeaderLabels([text(f"readings-{name}") for name in COLUMNS])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(theme.touch_px())
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.table.itemSelectionChanged.connect(self._judge)
        self.none, self.effect = Words(14), Words(13)
        self.none.show_text(text("readings-none"), "muted")
        self.effect.setWordWrap(True)
        self.effect.show_text(text("readings-effect"), "quiet")
        self.why = QLineEdit()
        self.why.setPlaceholderText(text("readings-why"))
        self.why.setAccessibleName(text("readings-why"))
        self.why.textChanged.connect(self._judge)
        self.withdraw, close = QPushButton(text("button-withdraw")), QPushButton(text("button-close"))
        self.withdraw.setAutoDefault(False)
        close.setAutoDefault(False)
        self.withdraw.clicked.connect(self._withdraw)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(close)
        buttons.addWidget(self.why, 1)
        buttons.addWidget(self.withdraw)
        column = QVBoxLayout(self)
        for widget in (self.table, self.none, self.effect):
            column.addWidget(widget)
        column.addLayout(buttons)
        self.resize(860, 420)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.finished.connect(self._timer.stop)
        self.refresh()

    def refresh(self) -> None:
        """The readings as they are now; what is chosen stays chosen."""
        rows = tuple(self._rows())
        if rows == self._shown:
            return
        chosen = self.chosen
        self._shown = rows
        self.table.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for j, cell in enumerate(_cells(row)):
                item = QTableWidgetItem(cell)
                if row.withdrawn:
                    item.setForeground(theme.colour("muted"))
                    strike = item.font()
                    strike.setStrikeOut(j < len(COLUMNS) - 1)
                    item.setFont(strike)
                self.table.setItem(i, j, item)
            if chosen is not None and row.event_id == chosen.event_id:
                self.table.selectRow(i)
        self.table.setVisible(bool(rows))
        self.none.setVisible(not rows)
        self._judge()

    @property
    def chosen(self) -> ReadingRow | None:
        """The reading that is selected."""
        selected = self.table.selectionModel().selectedRows()
        return self._shown[selected[0].row()] if self._shown and selected else None

    def _judge(self) -> None:
        chosen = self.chosen
        counts = chosen is not None and not chosen.withdrawn
        self.why.setEnabled(counts)
        self.withdraw.setEnabled(counts and bool(self.why.text().strip()))

    def _withdraw(self) -> None:
        chosen = self.chosen
        if chosen is not None:
            self.withdrawn.emit(chosen.event_id, self.why.text().strip())
            self.why.clear()


def _cells(row: ReadingRow) -> tuple[str, ...]:
    posture = text(f"guide-posture-{row.posture}") if row.posture in POSTURES else row.posture
    state = text("readings-withdrawn", why=row.withdrawn) if row.withdrawn else text("readings-counts")
    arm = text(f"readings-arm-{row.arm}") if row.arm in ("left", "right") else "–"
    return row.time, row.pressures, row.mean, arm, posture, row.device, row.operator, state
