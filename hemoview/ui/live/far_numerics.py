"""Numbers to be read at four metres: one row a parameter, estimate with its interval, reference beside it.

A digit that subtends 17 arc minutes is read easily by a normal eye (ISO 9241-303: 16 at least, 20 to 22 preferred):
20 mm at 4 m. On a screen of 1280 × 800 at 96 dpi the digits of four rows are 24 mm tall, their intervals 10 mm.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.live.numerics_view import BIG
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import LEAST_PX, Fitted, Words
from hemoview.ui.words.catalogue import clauses, text, words
from hemoview.viewmodel.live.record_view import Cell, NumericRow, RecordView

DIGIT_SHARE, INTERVAL_SHARE, NOTE_SHARE = 0.84, 0.44, 0.15
"""Heights in a row: digits, interval, notes. A digit is about 0.73 of its font's pixels tall."""
PER_LINE = 3
SMALL_WEIGHT = 0.5


class FarNumerics(QWidget):
    """The page behind F11. Header and tabs are away; watermark and banners stay above it. Emits ``left``."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.subject, self.recording, self.footer = Words(26, bold=True), Words(26, bold=True), Words(13)
        self.ages = Fitted(14)
        self.footer.setWordWrap(True)
        self.rows = FarRows()
        leave = QPushButton(text("button-leave-far"))
        leave.setToolTip(text("trends.key", key="Esc"))
        leave.clicked.connect(self.left)
        head = QHBoxLayout()
        head.setSpacing(20)
        head.addWidget(self.subject)
        head.addWidget(self.recording)
        head.addWidget(self.ages, 1)
        head.addWidget(leave)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.rows, 1)
        column.addWidget(self.footer)
        self.setAccessibleName(text("menu-full-screen"))

    def show_view(self, view: RecordView) -> None:
        """Set what changed."""
        header, numbers = view.header, view.numerics
        self.subject.show_text(words(header.subject), "text" if header.recording else "muted")
        elapsed = f"● {text('header-recording', elapsed=header.elapsed)}" if header.recording else ""
        self.recording.show_text(elapsed, "danger")
        notes = (numbers.hidden_note, numbers.cuff, numbers.reference_note, numbers.estimate_note)
        self.ages.show_text(" · ".join(words(note) for note in notes if note is not None), "quiet")
        self.footer.show_text(words(numbers.footer), "quiet")
        self.rows.show_rows(numbers.rows)


class FarRows(QWidget):
    """Paints the rows, the four big ones below each other, others three in a line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[NumericRow, ...] = ()
        self.setMinimumSize(320, 200)

    def show_rows(self, rows: tuple[NumericRow, ...]) -> None:
        """Draw these at the next paint, if they differ."""
        if rows == self._rows:
            return
        self._rows = rows
        said = (f"{r.parameter} {r.estimate.text} {r.estimate.interval} {r.unit}" for r in rows)
        self.setAccessibleDescription(clauses(said))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Everything."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.BACKGROUND)
        _draw_head(painter, self.rect())
        for row, box in boxes_of(self._rows, self.rect().adjusted(0, HEAD_PX, 0, 0)):
            (_draw_big if row.parameter in BIG else _draw_small)(painter, row, box)
        painter.end()


HEAD_PX = 26
GAP_PX = 5


def boxes_of(rows: tuple[NumericRow, ...], area: QRect) -> list[tuple[NumericRow, QRect]]:
    """Where each row stands: big ones share the height, small ones half of theirs."""
    big = [row for row in rows if row.parameter in BIG]
    small = [row for row in rows if row.parameter not in BIG]
    lines = -(-len(small) // PER_LINE)
    unit = area.height() / max(len(big) + SMALL_WEIGHT * lines, 0.5)
    found, y = [], float(area.top())
    for row in big:
        found.append((row, QRect(area.left(), round(y), area.width(), round(unit) - GAP_PX)))
        y += unit
    width = area.width() // PER_LINE
    for i, row in enumerate(small):
        top = round(y + SMALL_WEIGHT * unit * (i // PER_LINE))
        left = area.left() + width * (i % PER_LINE)
        found.append((row, QRect(left, top, width - GAP_PX, round(SMALL_WEIGHT * unit) - GAP_PX)))
    return found


def _parts(width: int) -> tuple[float, float, float]:
    """Left edges of estimate and reference, and the right edge."""
    return width * 0.12, width * 0.7, float(width)


def _draw_head(painter: QPainter, area: QRect) -> None:
    estimate_x, reference_x, right = _parts(area.width())
    painter.setFont(theme.font(18, bold=True))
    painter.setPen(theme.colour("estimate"))
    heading = f"{text('column-estimate')}  ·  {text('interval-of-90')}"
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(QRectF(estimate_x, 0, reference_x - estimate_x, HEAD_PX), middle, heading)
    painter.setPen(theme.colour("reference"))
    place = QRectF(reference_x, 0, right - reference_x - 14, HEAD_PX)
    painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, text("column-reference"))


def _draw_big(painter: QPainter, row: NumericRow, box: QRect) -> None:
    role = "estimate" if row.colour == "pressure" else row.colour
    estimate_x, reference_x, right = (box.left() + part for part in _parts(box.width()))
    _fill(painter, QRectF(box), theme.PANEL)
    height = box.height()
    name = QRectF(box.left() + 14, box.top() + height * 0.16, estimate_x - box.left() - 16, height * 0.4)
    _text(painter, name, row.parameter, round(height * 0.34), "text", bold=True)
    unit = QRectF(name.left(), name.bottom(), name.width(), height * 0.24)
    _text(painter, unit, row.unit, round(height * 0.18), "quiet")
    place = QRectF(estimate_x, box.top() + 3, reference_x - estimate_x - 12, height - 6)
    _draw_estimate(painter, row.estimate, place, role)
    reference = row.reference
    if reference is None:
        return
    muted = reference.muted
    ink = "muted" if muted else "hr" if row.colour == "hr" else "reference"
    place = QRectF(reference_x, box.top(), right - reference_x - 14, height)
    reason = words(reference.reason)
    if reason:
        lower = QRectF(place.left(), place.bottom() - height * 0.24, place.width(), height * 0.22)
        _text(painter, lower, reason, round(height * NOTE_SHARE), "muted", right=True)
        place = place.adjusted(0, 0, 0, -height * 0.2)
    _text(painter, place, reference.text, round(height * DIGIT_SHARE), ink, bold=True, right=True)


def _draw_estimate(painter: QPainter, cell: Cell, place: QRectF, role: str) -> None:
    """Hatched ground, digits, interval always beside them; or a dash with the reason."""
    _fill(painter, place, theme.colour(role, 0.06))
    painter.setBrush(QBrush(theme.colour(role, 0.22), Qt.BrushStyle.BDiagPattern))
    painter.drawRoundedRect(place, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    height, noted = place.height(), role if cell.interval or cell.tag else "muted"
    notes = [text(cell.tag) if cell.tag else "", words(cell.reason)]
    note = " · ".join(part for part in notes if part)
    digits = QRectF(place.left() + 8, place.top(), place.width() * 0.46, height)
    _text(
        painter,
        digits,
        cell.text,
        round(height * DIGIT_SHARE),
        role if cell.interval else "muted",
        bold=True,
        right=True,
    )
    beside = QRectF(digits.right() + 14, place.top(), place.right() - digits.right() - 18, height)
    if not cell.interval:
        _text(painter, beside, note, round(height * 0.24), noted, wrap=True)
        return
    upper = QRectF(beside.left(), beside.top() + height * 0.1, beside.width(), height * 0.56)
    _text(painter, upper, f"[{cell.interval}]", round(height * INTERVAL_SHARE), role, bold=True)
    lower = QRectF(beside.left(), beside.top() + height * 0.68, beside.width(), height * 0.24)
    _text(painter, lower, note, round(height * NOTE_SHARE), role)


def _draw_small(painter: QPainter, row: NumericRow, box: QRect) -> None:
    _fill(painter, QRectF(box), theme.PANEL)
    height = box.height()
    left = QRectF(box.left() + 10, box.top(), box.width() * 0.26, height)
    upper = left.adjusted(0, height * 0.1, 0, -height * 0.45)
    lower = left.adjusted(0, height * 0.55, 0, -height * 0.1)
    _text(painter, upper, row.parameter, round(height * 0.3), "text", bold=True)
    _text(painter, lower, row.unit, round(height * 0.18), "quiet")
    place = QRectF(left.right() + 4, box.top() + 2, box.right() - left.right() - 8, height - 4)
    _draw_estimate(painter, row.estimate, place, row.colour)


def _fill(painter: QPainter, place: QRectF, ground: QColor | str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(place, 6, 6)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _text(
    painter: QPainter,
    place: QRectF,
    shown: str,
    pixels: int,
    role: str,
    *,
    bold: bool = False,
    right: bool = False,
    wrap: bool = False,
) -> None:
    """As large as wanted, smaller where the room asks for it; never cut."""
    if not shown:
        return
    pixels = max(LEAST_PX, pixels)
    flags = int(Qt.AlignmentFlag.AlignVCenter)
    flags |= int(Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
    flags |= int(Qt.TextFlag.TextWordWrap) if wrap else 0
    while pixels > LEAST_PX and not _fits(shown, pixels, place, flags, bold=bold, wrap=wrap):
        pixels -= 1
    painter.setFont(theme.font(pixels, bold=bold))
    painter.setPen(QPen(theme.colour(role)))
    painter.drawText(place, flags, shown)


def _fits(shown: str, pixels: int, place: QRectF, flags: int, *, bold: bool, wrap: bool) -> bool:
    """By figures of one width, so that a number keeps its size while its digits change."""
    metrics = QFontMetrics(theme.font(pixels, bold=bold))
    if wrap:
        return metrics.boundingRect(place.toRect(), flags, shown).height() <= place.height() and all(
            metrics.horizontalAdvance(word) <= place.width() for word in shown.split()
        )
    widest = "".join("0" if c.isdigit() else c for c in shown)
    return metrics.horizontalAdvance(widest) <= place.width()
