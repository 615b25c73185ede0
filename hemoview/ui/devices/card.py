"""One device on the Devices screen: what it is, how it is, its streams with their traces, and its buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.devices.raw_trace import RawTrace
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import sentence, text, words
from hemoview.viewmodel.devices.page import CardView, StreamRow
from hemoview.viewmodel.devices.raw_preview import Preview
from hemoview.viewmodel.devices.trial import TrialView
from hemoview.viewmodel.messages import Message

SIGNS: Final = {
    "streaming": "●",
    "silent": "▲",
    "lost": "✕",
    "connecting": "◌",
    "scanning": "◌",
    "idle": "○",
    "typed": "✎",
    "never-seen": "◌",
}
"""States by shape, not by colour alone."""

_LEFT_PX: Final = 390
_BESIDE_PX: Final = 860
QWIDGETSIZE_MAX: Final = 16_777_215
"""Qt's own "as wide as it likes"; PySide6 does not name it."""
_PLAIN: Final = (QColor(theme.PANEL), QColor(theme.LINE))


class DeviceCard(QFrame):
    """Shows a :class:`CardView`; says which button was pressed, by ``asked(what)``."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lit = False
        self.title, self.identity = Words(17, bold=True), Words(13)
        self.state, self.cause = Words(15, bold=True), Words(13)
        self.answered, self.locked = Words(17, bold=True), Words(13)
        self.lines = LineStack(13)
        self.trial = LineStack(13)
        for label in (self.title, self.identity, self.state, self.cause, self.answered, self.locked):
            label.setWordWrap(True)
        self.buttons: dict[str, QPushButton] = {}
        self.rows: dict[str, _Row] = {}
        self._grid = QGridLayout()
        self._arrange()

    def _arrange(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(4)
        for widget in (
            self.title,
            self.identity,
            self.state,
            self.cause,
            self.answered,
            self.lines,
            self.trial,
            self.locked,
        ):
            left.addWidget(widget)
        left.addStretch()
        column = self._column = QWidget()
        column.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(2, 1)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        right = QVBoxLayout()
        right.addLayout(self._grid)
        right.addStretch()
        upper = self._upper = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        upper.setSpacing(14)
        upper.addWidget(column)
        upper.addLayout(right, 1)
        below = QHBoxLayout()
        for name in ("test", "pair", "calibrate", "edit", "remove"):
            button = QPushButton(text(f"device-{name}"))
            button.clicked.connect(lambda _=False, what=name: self.asked.emit(what))
            self.buttons[name] = button
            below.addWidget(button)
            if name == "calibrate":
                below.addStretch()
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.addLayout(upper)
        box.addLayout(below)

    def show_card(self, card: CardView, trial: TrialView | None) -> None:
        """Everything but the traces."""
        name = words(card.product)
        self.setAccessibleName(name)
        self.title.show_text(name, "text")
        serial = text("device-serial", serial=card.serial) if card.serial else ""
        _show_or_hide(self.identity, "   ".join(part for part in (serial, card.address) if part), "quiet")
        self.state.show_text(f"{SIGNS.get(card.state, '○')} {words(card.state_words)}", str(card.level))
        _show_or_hide(self.cause, sentence(card.cause), "text")
        _show_or_hide(self.answered, f"✔ {words(card.answered)}" if card.answered else "", "ok")
        _show_or_hide(self.locked, words(card.locked), "quiet")
        self.lines.show_lines((*card.details, *((m, "warn") for m in card.warnings), *card.notes))
        self.trial.show_lines(trial.lines if trial is not None else ())
        self._show_rows(card)
        self._show_buttons(card, trial, name)
        self._light(lit=card.answered is not None)

    def show_traces(self, preview_of: Callable[[str], Preview]) -> None:
        """The newest seconds of every stream, by its id."""
        for stream_id, row in self.rows.items():
            preview = preview_of(stream_id)
            row.value.show_text(preview.value if row.readable else "", "text")
            if row.trace is not None:
                row.trace.show_preview(preview)

    def _show_rows(self, card: CardView) -> None:
        if list(self.rows) != [row.stream_id for row in card.streams]:
            for old in self.rows.values():
                old.discard()
            self.rows = {row.stream_id: _Row(row, self._grid, i) for i, row in enumerate(card.streams)}
        for row in card.streams:
            self.rows[row.stream_id].show_row(row)

    def _show_buttons(self, card: CardView, trial: TrialView | None, name: str) -> None:
        free = card.locked is None
        shown = {
            "test": card.can_test,
            "pair": card.has_button,
            "calibrate": card.can_calibrate,
            "edit": True,
            "remove": True,
        }
        enabled = {"test": trial is None or trial.left_s is None, "edit": free, "remove": free}
        for what, button in self.buttons.items():
            button.setVisible(shown[what])
            button.setEnabled(enabled.get(what, True))
            button.setAccessibleName(text("device-button-of", button=text(f"device-{what}"), device=name))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is no room beside, the streams stand below."""
        wide = event.size().width() >= _BESIDE_PX
        ways = QBoxLayout.Direction
        self._upper.setDirection(ways.LeftToRight if wide else ways.TopToBottom)
        self._column.setMinimumWidth(_LEFT_PX if wide else 0)
        self._column.setMaximumWidth(_LEFT_PX if wide else QWIDGETSIZE_MAX)
        super().resizeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A lit card has a ground and a border that cannot be overlooked from the bedside."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground, line = (theme.colour("ok", 0.18), theme.colour("ok")) if self.lit else _PLAIN
        painter.setBrush(ground)
        painter.setPen(QPen(line, 3 if self.lit else 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 8, 8)
        painter.end()

    def _light(self, *, lit: bool) -> None:
        if lit != self.lit:
            self.lit = lit
            self.update()


class LineStack(QWidget):
    """Sentences one below the other, each in the colour of its role."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self._pixels = pixels
        self._labels: list[Words] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)

    @property
    def texts(self) -> list[str]:
        """What stands there."""
        return [label.text() for label in self._labels if label.text()]

    def show_lines(self, lines: tuple[tuple[Message, str], ...]) -> None:
        """Labels are kept and set anew: nothing jumps while only a number changes."""
        while len(self._labels) < len(lines):
            label = Words(self._pixels)
            label.setWordWrap(True)
            self._labels.append(label)
            self._column.addWidget(label)
        for i, label in enumerate(self._labels):
            message, role = lines[i] if i < len(lines) else (None, "quiet")
            _show_or_hide(label, words(message), role)
        self.setVisible(bool(lines))


class _Row:
    """One stream: sign and name, rate, trace, newest value."""

    def __init__(self, row: StreamRow, grid: QGridLayout, number: int) -> None:
        name = words(row.title)
        self.readable = row.role != "raw"  # packets as they came are no quantity
        self.name, self.rate, self.value = Words(14, bold=True), Words(12), Words(13)
        self.name.setFixedWidth(112)
        self.rate.setFixedWidth(104)
        self.value.setFixedWidth(150)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.trace = RawTrace(row.role, text("device-trace-of", stream=name)) if row.wave else None
        for column, widget in enumerate((self.name, self.rate, self.trace, self.value)):
            if widget is not None:
                grid.addWidget(widget, number, column)

    def show_row(self, row: StreamRow) -> None:
        role = {"info": "text", "ok": "text"}.get(row.level, row.level)
        self.name.show_text(f"{SIGNS.get(row.state, '○')} {words(row.title)}", role)
        self.rate.show_text(words(row.rate), "quiet" if role == "text" else role)

    def discard(self) -> None:
        for widget in (self.name, self.rate, self.trace, self.value):
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()


def _show_or_hide(label: Words, shown: str, role: str) -> None:
    label.show_text(shown, role)
    label.setVisible(bool(shown))
