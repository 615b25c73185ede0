"""Record on an edge board's panel, from 480 × 854 up: waves, ten values three in a row, one bar to start and stop."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QScroller,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.live.health_bar import HealthLine
from hemoview.ui.live.wave_view import WaveView
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import LEAST_PX, Fitted, Hatched, Words
from hemoview.ui.words.catalogue import label_said, text, words
from hemoview.viewmodel.live.record_view import Cell, HeaderView, NumericRow, NumericsView, RecordView

COLUMNS = 3
LYING_COLUMNS = 5
LYING_PX = 760
"""A panel this wide is lower than it is wide."""
LOW_PX = 480
"""A page this low, of a laptop scaled to 150 % and more, shows less of the waves; what has no room is scrolled."""
LOWEST_PX = 340
"""A page this low keeps one row of numbers in sight, under a strip of waves."""
WAVES_PX, WAVES_LOW_PX, WAVES_LOWEST_PX = 100, 84, 40
CELL_FIXED_PX, LINES = 46, 1.85
"""Of a cell: heights of name and reference; lines of digits and interval in units of the digits."""
BESIDE_PX = 22
"""Edges of a cell, and what lies between the reference and its reason."""


class CompactCell(QFrame):
    """One of the ten: name and unit, the estimate on hatched ground with its interval, the reference below."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.name, self.unit = Words(14, bold=True), Fitted(11, align=Qt.AlignmentFlag.AlignRight)
        self.value, self.interval = Fitted(34, bold=True), Fitted(15)
        self.note, self.reference, self.reference_note = Fitted(11), Words(13, bold=True), Fitted(11)
        self._row: NumericRow | None = None
        self.estimate = Hatched()
        inner = QVBoxLayout(self.estimate)
        inner.setContentsMargins(5, 0, 3, 1)
        inner.setSpacing(0)
        inner.addWidget(self.value, 3)
        inner.addWidget(self.interval, 1)
        inner.addWidget(self.note, 1)
        head = QHBoxLayout()
        head.addWidget(self.name)
        head.addWidget(self.unit, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 2)
        column.setSpacing(1)
        column.addLayout(head)
        column.addWidget(self.estimate, 1)
        lower = QHBoxLayout()
        lower.setSpacing(6)
        lower.addWidget(self.reference)
        lower.addWidget(self.reference_note, 1)
        column.addLayout(lower)
        self.setAccessibleName(parameter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Digits as large as the cell allows."""
        room = (self.height() - CELL_FIXED_PX) / LINES
        pixels = max(18, min(round(room), round(self.width() * 0.22)))
        self.value.set_pixels(pixels)
        self.interval.set_pixels(max(11, round(pixels * 0.46)))
        self._show_reference()
        super().resizeEvent(event)

    def show_row(self, row: NumericRow) -> None:
        """Set the words; decide nothing."""
        role = "estimate" if row.colour == "pressure" else row.colour
        cell, own = row.estimate, row.reference
        self.name.show_text(row.parameter, "text")
        self.unit.show_text(row.unit, "quiet")
        self.estimate.set_role(role)
        self.value.show_text(cell.text, role if cell.interval else "muted")
        tag, reason = text(cell.tag) if cell.tag else "", words(cell.reason)
        self.interval.show_text(f"[{cell.interval}] {tag}" if cell.interval else "", role)
        self.interval.setVisible(bool(cell.interval))
        notes = reason if cell.interval else " · ".join(part for part in (tag, reason) if part)
        self.note.show_text(notes, role if tag else "muted")
        self.note.setVisible(bool(notes))
        for label in (self.reference, self.reference_note):
            label.setVisible(own is not None)
        self._row = row
        self._show_reference()
        self.setAccessibleDescription(f"{cell.text} {cell.interval} {row.unit} {tag} {reason}")

    def _show_reference(self) -> None:
        if self._row is not None and (own := self._row.reference) is not None:
            colour = "muted" if own.muted else "hr" if self._row.colour == "hr" else "reference"
            self.reference.show_text(self._reference(own), colour)
            self.reference_note.show_text(words(own.reason), "muted")

    def _reference(self, own: Cell) -> str:
        """Without its name where the reason beside it would be cut: "uncalibrated" must not lose its end. The legend
        above the cells, place and colour name it still.
        """
        named, reason = f"{text('column-reference')} {own.text}", words(own.reason)
        smallest = QFontMetrics(theme.font(LEAST_PX)).horizontalAdvance(reason)
        taken = self.reference.fontMetrics().horizontalAdvance(named)
        return own.text if reason and taken + smallest + BESIDE_PX > self.width() else named


class CompactHeader(QFrame):
    """Who is recorded, since when, how much room; who holds control."""

    control_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.subject, self.recording, self.disk = Fitted(20, bold=True), Words(18, bold=True), Words(13)
        self.battery, self.amended, self.sync = Words(13), Words(12), Fitted(13)
        self.control, self.take = Fitted(13), QPushButton(text("button-take-control"))
        self.take.clicked.connect(self.control_asked)
        self.back = QPushButton(f"◀ {text('tab-record')}")
        self.back.setAccessibleName(text("tab-record"))
        self.back.hide()
        upper, lower = QHBoxLayout(), QHBoxLayout()
        lower.setSpacing(12)
        upper.addWidget(self.back)
        upper.addWidget(self.subject, 1)
        upper.addWidget(self.recording)
        lower.addWidget(self.amended)
        lower.addWidget(self.battery)
        lower.addWidget(self.disk)
        lower.addWidget(self.sync, 1)
        lower.addWidget(self.control, 1)
        lower.addWidget(self.take)
        self._rows = rows = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        rows.setContentsMargins(8, 4, 8, 4)
        rows.setSpacing(2)
        rows.addLayout(lower)
        rows.insertLayout(0, upper, 1)

    def set_low(self, *, low: bool) -> None:
        """In one row, where the window has little height."""
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._rows.setDirection(across if low else down)
        self._rows.setSpacing(14 if low else 2)

    def show_view(self, view: HeaderView) -> None:
        """Set the words."""
        self.subject.show_text(words(view.subject), "text" if view.recording else "muted")
        elapsed = f"● {text('header-recording', elapsed=view.elapsed)}" if view.recording else ""
        self.recording.show_text(elapsed, "danger")
        self.disk.show_text(words(view.disk), "quiet" if view.disk_level == "ok" else "warn")
        self.battery.show_text(words(view.battery), "quiet" if view.battery_level == "ok" else "warn")
        self.battery.setVisible(view.battery is not None)
        self.amended.show_text(text("header-amended-short") if view.amended else "", "warn")
        self.amended.setVisible(view.amended is not None)
        self.amended.setToolTip(words(view.amended))
        line = view.sync  # who watches only, needs the room to take control
        self.sync.show_text(words(line.message) if line else "", line.level if line else "quiet")
        self.sync.setVisible(line is not None and view.control is None)
        self.control.show_text(words(view.control), "warn")
        self.control.setVisible(view.control is not None)
        self.take.setVisible(view.control is not None)


class CompactBar(QFrame):
    """The one bar: menu, markers, cuff, and Start or Stop over half of its width."""

    marked = Signal(int, str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.menu = self._tool("menu")
        self.more = QMenu(self.menu)
        self.menu.setMenu(self.more)
        self.markers = self._tool("button-mark")
        self._marks = QMenu(self.markers)
        self._labels: tuple[str, ...] = ()
        self.markers.setMenu(self._marks)
        self.cuff = QPushButton(text("button-cuff"))
        self.start, self.stop = QPushButton(text("button-start")), QPushButton(text("button-stop"))
        for button, name in ((self.start, "start"), (self.stop, "stop")):
            button.setObjectName(name)
            button.setFont(theme.font(20, bold=True))
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 6, 6, 6)
        row.setSpacing(6)
        for widget in (self.menu, self.markers, self.cuff):
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(widget, 5 if widget is self.cuff else 4)
        row.addWidget(self.start, 9)
        row.addWidget(self.stop, 9)

    def show_view(self, view: RecordView) -> None:
        """What works now."""
        header = view.header
        self.start.setVisible(not header.recording)
        self.stop.setVisible(header.recording)
        self.start.setText(text("button-next-subject" if header.next_subject else "button-start"))
        self.start.setEnabled(header.can_start)
        self.stop.setEnabled(header.can_stop)
        self.markers.setEnabled(view.can_mark)
        self.cuff.setEnabled(view.can_mark)
        if view.markers != self._labels:
            self._labels = view.markers
            self._marks.clear()
            for i, label in enumerate(view.markers):
                action = self._marks.addAction(text("marker-button", key=i + 1, label=label_said(label)))
                action.triggered.connect(
                    lambda _=False, key=i + 1, label=label: self.marked.emit(key, label, "button")
                )

    def _tool(self, message_id: str) -> QToolButton:
        button = QToolButton()
        button.setText(text(message_id))
        button.setAccessibleName(text(message_id))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button


class Sideways(QScrollArea):
    """Holds what is made for a wide screen: as tall as it is, pushed sideways with a finger where it is wider."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        QScroller.grabGesture(self.viewport(), QScroller.ScrollerGestureType.TouchGesture)

    def hold(self, widget: QWidget) -> None:
        """Take it in; it is followed when it grows, and when it hides."""
        self.setWidget(widget)
        widget.installEventFilter(self)
        self._follow()

    def release(self) -> QWidget | None:
        """Give it back."""
        widget = self.takeWidget()
        if widget is not None:
            widget.removeEventFilter(self)
        self.hide()
        return widget

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What is held changed its size or came and went."""
        kinds = (QEvent.Type.LayoutRequest, QEvent.Type.ShowToParent, QEvent.Type.HideToParent)
        if watched is self.widget() and event.type() in kinds:
            self._follow()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrower: a scroll bar may be needed."""
        super().resizeEvent(event)
        self._follow()

    def _follow(self) -> None:
        held = self.widget()
        if held is None:
            return
        wanted = held.minimumSizeHint()
        bar = self.horizontalScrollBar().sizeHint().height() if wanted.width() > self.width() else 0
        wrapped = held.heightForWidth(max(self.width(), wanted.width())) if held.hasHeightForWidth() else 0
        self.setFixedHeight(max(wanted.height(), wrapped) + bar)
        self.setVisible(not held.isHidden())


class Whole(QScrollArea):
    """Holds another page than Record: what was made for a wide screen is scrolled both ways."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        QScroller.grabGesture(self.viewport(), QScroller.ScrollerGestureType.TouchGesture)


class CompactPage(QWidget):
    """Sets and emits; decides nothing."""

    calibration_confirmed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.waves, self.bar = WaveView(), CompactBar()
        self.waves.setMinimumSize(300, WAVES_PX)
        self._cells: dict[str, CompactCell] = {}
        self._columns = COLUMNS
        self._shown: tuple[str, ...] = ()
        self._view: NumericsView | None = None
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        self.legend, self.cuff, self.ages, self.footer = Fitted(12), Fitted(14), QLabel(), QLabel()
        for label in (self.ages, self.footer):
            label.setFont(theme.font(11))
            label.setStyleSheet(f"color: {theme.QUIET};")
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.confirm = QPushButton(text("button-confirm-calibration"))
        self.confirm.clicked.connect(self.calibration_confirmed)
        self._notes = QWidget()
        notes = QVBoxLayout(self._notes)
        notes.setContentsMargins(4, 0, 0, 0)
        notes.setSpacing(2)
        self.cuff.setMinimumHeight(self.cuff.fontMetrics().height())
        for widget in (self.cuff, self.ages, self.confirm):
            notes.addWidget(widget)
        self.guide = Sideways()
        self.guide.hide()
        self.health = HealthLine()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 0)
        column.setSpacing(4)
        column.addWidget(self._scrolled(), 1)
        for below in (self.health, self.footer, self.bar):
            column.addWidget(below)

    def _scrolled(self) -> QScrollArea:
        """What needs more height than a low page has: waves and numbers. Start, Stop and markers never move."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.waves, 5)
        column.addWidget(self.legend)
        column.addLayout(self._grid, 7)
        column.addWidget(self.guide)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName(text("compact-scrolled"))
        QScroller.grabGesture(area.viewport(), QScroller.ScrollerGestureType.TouchGesture)
        return area

    def show_view(self, view: RecordView) -> None:
        """Everything but the waves, which come at their own pace."""
        self.bar.show_view(view)
        self.health.show_items(view.health)
        numbers = view.numerics
        if numbers == self._view:
            return
        self._view = numbers
        self._build(tuple(row.parameter for row in numbers.rows))
        for row in numbers.rows:
            self._cells[row.parameter].show_row(row)
        heading = f"{text('column-estimate')}, {text('interval-of-90')}"
        self.legend.show_text(f"{heading}  ·  {text('column-reference')}", "quiet")
        self.cuff.show_text(words(numbers.cuff) or text("cuff-none"), "cuff" if numbers.cuff else "muted")
        notes = (
            numbers.hidden_note,
            numbers.reference_note,
            numbers.scale_note,
            numbers.estimate_note,
            numbers.choice_note,
        )
        self.ages.setText(" · ".join(words(note) for note in notes if note is not None))
        self.footer.setText(words(numbers.footer))
        said = "button-calibrated-again" if numbers.calibrated_again else "button-confirm-calibration"
        self.confirm.setText(text(said))
        self.confirm.setVisible(numbers.asks_calibration or numbers.calibrated_again)

    def _build(self, parameters: tuple[str, ...]) -> None:
        """A cell for each check box that is on, three in a row."""
        if parameters == self._shown:
            return
        self._shown = parameters
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget is not self._notes:
                widget.setParent(None)
                widget.deleteLater()
        self._cells = {parameter: CompactCell(parameter) for parameter in parameters}
        self._place()

    def _place(self) -> None:
        """Three in a row; on a lying panel, which has little height, five: no number is cut."""
        self._columns = columns = self._fitting_columns()
        for place in range(max(self._grid.columnCount(), self._grid.rowCount())):
            self._grid.setColumnStretch(place, 1 if place < columns else 0)
            self._grid.setRowStretch(place, 0)
        for i, cell in enumerate(self._cells.values()):
            self._grid.addWidget(cell, i // columns, i % columns)
            self._grid.setRowStretch(i // columns, 1)
        for column in range(columns):
            self._grid.setColumnStretch(column, 1)
        last, used = divmod(len(self._cells), columns)
        if used == 1:  # the other places are free: what there is to know about the numbers
            self._grid.addWidget(self._notes, last, used, 1, columns - used)
        else:
            self._grid.addWidget(self._notes, last + bool(used), 0, 1, columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turned on its side, or upright again."""
        super().resizeEvent(event)
        low_px = WAVES_LOWEST_PX if self.height() < LOWEST_PX else WAVES_LOW_PX
        self.waves.setMinimumHeight(low_px if self.height() < LOW_PX else WAVES_PX)
        if self._columns != self._fitting_columns():
            self._place()

    def _fitting_columns(self) -> int:
        return LYING_COLUMNS if self.width() >= LYING_PX or self.height() < LOW_PX else COLUMNS
