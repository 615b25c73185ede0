"""The right column of Record: every number, how old calibrations are, and what an estimate may claim."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hemoview.ui.live.numerics_view import BIG, BigRow, SmallCell
from hemoview.ui.parts.label import Fitted, Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.formats import DASH
from hemoview.viewmodel.live.record_view import NumericsView

LEAST_BIG_PX, LEAST_SMALL_PX, LEAST_DASH_PX = 44, 56, 34
"""With less room for each row, CO … SVRI give way to the pressures, and a line names them. A dash has no unit and no
interval, and its reason stands beside it."""


class NumericsPanel(QWidget):
    """Everything right of the waves."""

    calibration_confirmed = Signal()
    scale_asked = Signal()
    estimates_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(400)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._rows: dict[str, BigRow | SmallCell] = {}
        self._shown: tuple[str, ...] = ()
        self._view: NumericsView | None = None
        self.heading = _Heading()
        self._body = QGridLayout()
        self._body.setSpacing(4)
        self.cuff, self.ages, self.footer = Words(15, bold=True), Words(12), Words(12)
        self.folded = Fitted(12)
        self.folded.hide()
        self.hidden = Words(15, bold=True)
        self.hidden.setWordWrap(True)
        self.hidden.hide()
        self.footer.setWordWrap(True)
        self.ages.setWordWrap(True)
        self.confirm = QPushButton(text("button-confirm-calibration"))
        self.confirm.clicked.connect(self.calibration_confirmed)
        self.calibrate = QPushButton(text("button-calibrate"))
        self.calibrate.clicked.connect(self.scale_asked)
        self.calibrate.hide()
        self.choose = QPushButton(text("button-estimates"))
        self.choose.setAccessibleName(text("estimates-title"))
        self.choose.clicked.connect(self.estimates_asked)
        self.choose.hide()
        self._arrange()

    def _arrange(self) -> None:
        notes = QVBoxLayout()
        notes.setSpacing(1)
        notes.addWidget(self.folded)
        notes.addWidget(self.hidden)
        notes.addWidget(self.cuff)
        notes.addWidget(self.ages)
        buttons = QHBoxLayout()  # in a row of their own: beside them the notes would be cut off
        for button in (self.confirm, self.calibrate, self.choose):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.heading)
        column.addLayout(self._body, 1)
        column.addLayout(notes)
        column.addLayout(buttons)
        column.addWidget(self.footer)

    def show_view(self, view: NumericsView) -> None:
        """Set what changed."""
        if view == self._view:
            return
        self._view = view
        self._build(tuple(row.parameter for row in view.rows))
        for row in view.rows:
            self._rows[row.parameter].show_row(row)
        self.cuff.show_text(words(view.cuff) or text("cuff-none"), "cuff" if view.cuff else "muted")
        self.hidden.show_text(words(view.hidden_note), "warn")
        self.hidden.setVisible(view.hidden_note is not None)
        notes = (view.reference_note, view.scale_note, view.estimate_note, view.choice_note)
        self.ages.show_text(" · ".join(words(note) for note in notes if note is not None), "quiet")
        self.footer.show_text(words(view.footer), "quiet")
        said = "button-calibrated-again" if view.calibrated_again else "button-confirm-calibration"
        self.confirm.setText(text(said))
        self.confirm.setVisible(view.asks_calibration or view.calibrated_again)
        self.calibrate.setVisible(view.asks_scale)
        self.choose.setVisible(view.estimate_choice is not None)
        self._make_room()

    def sizeHint(self) -> QSize:
        """A little over a third of a 1280 px screen."""
        return QSize(470, 560)

    def _build(self, parameters: tuple[str, ...]) -> None:
        """Rows for the check boxes that are on: big ones below each other, small ones three in a row."""
        if parameters == self._shown:
            return
        self._shown = parameters
        while (item := self._body.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        big = [p for p in parameters if p in BIG]
        small = [p for p in parameters if p not in BIG]
        self._rows = {**{p: BigRow(p) for p in big}, **{p: SmallCell(p) for p in small}}
        for i, parameter in enumerate(big):
            self._body.addWidget(self._rows[parameter], i, 0, 1, 6)
        for i, parameter in enumerate(small):
            self._body.addWidget(self._rows[parameter], len(big) + i // 3, 2 * (i % 3), 1, 2)
        for column in range(6):
            self._body.setColumnStretch(column, 1)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Banners come and go."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        small = [p for p in self._shown if p not in BIG]
        n_big, n_small_rows = len(self._shown) - len(small), -(-len(small) // 3)
        between_px = (n_big + n_small_rows - 1) * self._body.spacing()
        room_px = self._body.geometry().height() - between_px - n_big * LEAST_BIG_PX
        is_tight = room_px < n_small_rows * LEAST_SMALL_PX
        numbers = self._view is not None and any(
            row.parameter in small and row.estimate.text != DASH for row in self._view.rows
        )
        least_px = LEAST_DASH_PX if is_tight and not numbers else LEAST_SMALL_PX
        folded = room_px < n_small_rows * least_px and n_big > 0 and n_small_rows > 0
        for parameter in small:
            self._rows[parameter].setVisible(not folded)
        for i in range(self._body.rowCount()):
            held = self._body.itemAtPosition(i, 0)
            whole = held is not None and isinstance(held.widget(), BigRow)
            self._body.setRowStretch(i, LEAST_BIG_PX if whole else 0 if folded or held is None else least_px)
        self.folded.show_text(text("numerics-folded", names=small) if folded else "", "muted")
        self.folded.setVisible(folded)


class _Heading(QWidget):
    """Says which column is which, in its colour."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 12, 0)
        row.setSpacing(8)
        estimate = Words(14, bold=True)
        estimate.show_text(text("column-estimate"), "estimate")
        interval = Words(12)
        interval.show_text(text("interval-of-90"), "muted")
        reference = Words(14, bold=True, align=Qt.AlignmentFlag.AlignRight)
        reference.show_text(text("column-reference"), "reference")
        row.addSpacing(60)
        row.addWidget(estimate)
        row.addWidget(interval)
        row.addStretch()
        row.addWidget(reference)
