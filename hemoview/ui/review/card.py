"""The numbers at the cursor: estimate beside reference, interval always with the estimate, reasons for "—"."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.picture.text import cuff_text, panel_text, reason_text
from hemoview.ui.words.catalogue import listed, text
from hemoview.ui.words.catalogue import words as catalogue_words
from hemoview.viewmodel import formats
from hemoview.viewmodel.live.personal import TRACKED
from hemoview.viewmodel.review.axis import elapsed_text, length_text, wall_time, zone_of
from hemoview.viewmodel.review.cursor import CursorView, NumericView, Reading
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.view import SIMULATED
from recorder.session.timeline import is_dated

_HEAD_PX = 76
_BIG_PX = 42
_SMALL_PX = 23
_WAVE_PX = 17
_AGE_PX = 18
_CUFF_PX = 44
_BIG = ("SBP", "MAP", "DBP", "HR")


class CursorCard(QWidget):
    """Paints a :class:`CursorView`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: ReviewView | None = None
        self._tallest = _HEAD_PX
        self.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum
        )  # on a low screen its foot is cut
        self.setAccessibleName(text("review.at-cursor"))

    def show_view(self, view: ReviewView) -> None:
        """Show the numbers of a view."""
        old, self._view = self._view, view
        if old is None or old.facts is not view.facts or old.wish.panels != view.wish.panels:
            self._tallest = _HEAD_PX
        if old is None or old.cursor != view.cursor or old.facts is not view.facts:
            self.updateGeometry()
            self.setAccessibleDescription(self._spoken())
            self.update()

    def sizeHint(self) -> QSize:
        """Tall enough for every number."""
        return QSize(300, self._wanted_height())

    def _wanted_height(self) -> int:
        cursor = self._view.cursor if self._view else None
        if cursor is None:
            return _HEAD_PX
        rows = sum(_row_px(n) for n in _lines(cursor.numerics))
        wanted = _HEAD_PX + rows + _cuff_px(cursor) + _WAVE_PX * -(-len(cursor.waves) // 2) + 8
        self._tallest = max(
            self._tallest, wanted
        )  # lines come and go with the cursor; nothing is to move for that
        return self._tallest

    def _spoken(self) -> str:
        cursor = self._view.cursor if self._view else None
        if cursor is None:
            return ""
        return listed(f"{n.name} {_value_text(n, n.estimate)}" for n in cursor.numerics)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Time, numbers, cuff, waves."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("panel"))
        view = self._view
        if view is not None and view.facts is not None and view.cursor is not None:
            self._head(painter, view.facts, view.cursor)
            y = _HEAD_PX
            for numeric in _lines(view.cursor.numerics):
                self._row(painter, numeric, y)
                y += _row_px(numeric)
            self._cuff(painter, view.cursor, y, view.pressure_unit)
            self._waves(painter, view.cursor, y + _cuff_px(view.cursor))
        painter.end()

    def _columns(self) -> tuple[int, int]:
        """Where the estimate and the reference begin."""
        return 58, self.width() - 96

    def _head(self, painter: QPainter, facts: SessionFacts, cursor: CursorView) -> None:
        zone = zone_of(facts.zone, facts.utc_offset_s)
        wall = wall_time(facts.start_wall_ns + round(cursor.t_s * 1e9), zone)
        painter.setPen(colour("dim"))
        painter.setFont(font(11))
        painter.drawText(
            QRect(12, 6, self.width() - 24, 16), Qt.AlignmentFlag.AlignLeft, text("review.at-cursor")
        )
        painter.setPen(colour("cursor"))
        painter.setFont(font(19, bold=True))
        painter.drawText(QRect(12, 22, 160, 26), Qt.AlignmentFlag.AlignVCenter, elapsed_text(cursor.t_s, 0.1))
        painter.setPen(colour("dim"))
        painter.setFont(font(12))
        right = QRect(self.width() - 150, 22, 138, 26)
        of_day = f"{wall:%H:%M:%S} {wall:%Z}" if is_dated(facts.start_wall_ns) else text("review.undated")
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, of_day)
        estimate_x, reference_x = self._columns()
        painter.setFont(font(10, bold=True))
        painter.setPen(colour("estimate"))
        painter.drawText(estimate_x, _HEAD_PX - 7, text("review.estimate"))
        known = cursor.reference_valid
        painter.setPen(colour("reference" if known else "grey"))
        painter.drawText(
            reference_x, _HEAD_PX - 7, text("review.reference" if known else "review.reference-uncalibrated")
        )

    def _row(self, painter: QPainter, numeric: NumericView, y: int) -> None:
        big, height = numeric.name in _BIG, _row_px(numeric)
        estimate_x, reference_x = self._columns()
        painter.setPen(QPen(colour("grid"), 1))
        painter.drawLine(12, y, self.width() - 12, y)
        painter.setPen(colour("text"))
        painter.setFont(font(13 if big else 11, bold=True))
        middle = Qt.AlignmentFlag.AlignVCenter
        name_box = QRect(12, y, 50, height - (14 if big else 0))
        shared = " " in numeric.name
        painter.drawText(name_box.adjusted(0, 0, 160 if shared else 0, 0), middle, numeric.name)
        if shared:
            estimate_x = 16 + painter.fontMetrics().horizontalAdvance(numeric.name) + 8
            reference_x = self.width() - 6
        if big:
            painter.setPen(colour("faint"))
            painter.setFont(font(9))
            painter.drawText(QRect(12, y + height - 18, 46, 14), middle, numeric.unit)
        room = reference_x - estimate_x - 6
        key = f"estimate.{numeric.name}"
        self._reading(painter, numeric, numeric.estimate, key, QRect(estimate_x, y, room, height))
        key = (
            "heart.reference"
            if numeric.name == "HR"
            else f"reference.{numeric.name}"
            if numeric.reference_valid
            else "grey"
        )
        box = QRect(reference_x, y, 88, height)
        self._reading(painter, numeric, numeric.reference, key, box)
        if (
            not big
            and not numeric.reference_valid
            and numeric.reference
            and numeric.reference.value is not None
        ):
            painter.setFont(font(9))
            offset = painter.fontMetrics().horizontalAdvance(_value_text(numeric, numeric.reference))
            painter.drawText(
                box.adjusted(2 * offset + 6, 0, 0, 0), middle, text("review.uncalibrated-number")
            )

    def _reading(
        self, painter: QPainter, numeric: NumericView, reading: Reading | None, key: str, box: QRect
    ) -> None:
        """A number with its interval, or the reason there is none."""
        if reading is None:
            return
        middle, big = Qt.AlignmentFlag.AlignVCenter, numeric.name in _BIG
        if reading.value is None:
            painter.setPen(colour("dim"))
            painter.setFont(font(10))
            painter.drawText(box, middle, f"—  {reason_text(reading.why)}" if reading.why else "—")
            return
        painter.setPen(colour(key))
        painter.setFont(font(24 if big else 14, bold=True))
        words = _value_text(numeric, reading)
        painter.drawText(box, middle, words)
        offset = painter.fontMetrics().horizontalAdvance(words) + 6
        if reading.low is not None and reading.high is not None:
            painter.setFont(font(12 if big else 10))
            painter.setPen(faded(key, 190))
            span = f"[{_number(numeric, reading.low)}–{_number(numeric, reading.high)}]"
            lift = -6 if reading.tracked else 0
            painter.drawText(box.adjusted(offset, lift, 0, lift), middle, span)
            if reading.tracked:
                painter.setFont(font(9))
                tag = text("review.tracked" if reading.tracked == TRACKED else "review.tracked-frozen")
                painter.drawText(box.adjusted(offset, 9, 0, 9), middle, tag)
            offset += painter.fontMetrics().horizontalAdvance(span) + 6
        if reading.why == SIMULATED:
            painter.setPen(colour("sim"))
            painter.setFont(font(10, bold=True))
            painter.drawText(box.adjusted(offset, 0, 0, 0), middle, text("review.sim"))

    def _cuff(self, painter: QPainter, cursor: CursorView, y: int, unit: str) -> None:
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(12, y, self.width() - 12, y)
        painter.setFont(font(11))
        box = QRect(12, y, self.width() - 24, 24)
        middle = Qt.AlignmentFlag.AlignVCenter
        if cursor.reference_age_s is not None:
            age = text("review.reference-age", age=length_text(cursor.reference_age_s))
            painter.setPen(colour("dim"))
            painter.drawText(box.translated(0, _AGE_PX), middle, age)
        if cursor.personal is not None:
            painter.setPen(colour("dim"))
            below = _AGE_PX * (2 if cursor.reference_age_s is not None else 1)
            painter.drawText(box.translated(0, below), middle, catalogue_words(cursor.personal))
        if cursor.cuff is None:
            painter.setPen(colour("faint"))
            painter.drawText(box, middle, text("review.no-cuff"))
            return
        cuff = cursor.cuff.cuff
        later = cuff.withdrawn_s is not None
        painter.setPen(colour("faint" if later else "cuff"))
        message = "review.cuff-later-withdrawn" if later else "review.cuff"
        painter.drawText(box, middle, text(message, cuff=cuff_text(cuff, unit)))
        painter.setPen(colour("dim"))
        age = text("review.cuff-age", age=length_text(cursor.cuff.age_s))
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, age)

    def _waves(self, painter: QPainter, cursor: CursorView, y: int) -> None:
        """The last samples, two a line."""
        painter.setFont(font(10))
        half = (self.width() - 24) // 2
        for place, wave in enumerate(cursor.waves):
            box = QRect(12 + (place % 2) * half, y + _WAVE_PX * (place // 2), half - 8, _WAVE_PX)
            painter.setPen(colour("dim"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, _wave_name(wave.name))
            painter.setPen(colour("text"))
            words = "—" if wave.value is None else f"{wave.value:.4g} {wave.unit}".rstrip()
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)


def _lines(numerics: tuple[NumericView, ...]) -> list[NumericView]:
    """One line a parameter; small ones absent for the same reason share one."""
    found: list[NumericView] = []
    for numeric in numerics:
        last = found[-1] if found else None
        if last is not None and _absent(last) and _absent(numeric) and last.estimate == numeric.estimate:
            found[-1] = replace(last, name=f"{last.name} {numeric.name}")
        else:
            found.append(numeric)
    return found


def _absent(numeric: NumericView) -> bool:
    return (
        numeric.name not in _BIG
        and numeric.reference is None
        and numeric.estimate is not None
        and numeric.estimate.value is None
    )


def _cuff_px(cursor: CursorView) -> int:
    return _CUFF_PX + (_AGE_PX if cursor.personal is not None else 0)


def _row_px(numeric: NumericView) -> int:
    return _BIG_PX if numeric.name in _BIG else _SMALL_PX


def _value_text(numeric: NumericView, reading: Reading | None) -> str:
    return "—" if reading is None or reading.value is None else _number(numeric, reading.value)


def _number(numeric: NumericView, value: float) -> str:
    return formats.number(value, formats.decimals(numeric.name, numeric.unit))


def _wave_name(name: str) -> str:
    """``Motion x``: the panel in words, its channel as it is."""
    panel, *channel = name.split(" ")
    return " ".join((panel_text(panel), *channel))
