"""Press the wristband's button: the band that answered lights up with its serial."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.devices.pairing import BandRow, PairView

LOOK_MS = 150


class PairDialog(QDialog):
    """Emits ``chosen(serial)`` and ``again_asked()``; ``view_now`` gives the state, None while bands are looked for."""

    chosen = Signal(str)
    again_asked = Signal()

    def __init__(
        self, device: str, view_now: Callable[[], PairView | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("pair-title"))
        self._view_now = view_now
        self.rows: dict[str, BandFrame] = {}
        self.heading, self.advice = Words(15), Words(20, bold=True)
        for label in (self.heading, self.advice):
            label.setWordWrap(True)
        self.heading.show_text(text("pair-heading", device=device), "quiet")
        self.again, self.cancel = QPushButton(text("pair-again")), QPushButton(text("button-cancel"))
        self.again.clicked.connect(self.again_asked)
        self.cancel.clicked.connect(self.reject)
        self._stack = QVBoxLayout()
        self._stack.setSpacing(8)
        buttons = QHBoxLayout()
        buttons.addWidget(self.cancel)
        buttons.addStretch()
        buttons.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        for widget in (self.heading, self.advice):
            column.addWidget(widget)
        column.addLayout(self._stack)
        column.addStretch()
        column.addLayout(buttons)
        self.resize(720, 460)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self.finished.connect(lambda _: self._timer.stop())
        self._timer.start(LOOK_MS)
        self.tick()

    def tick(self) -> None:
        """The state of now."""
        view = self._view_now()
        if view is None:
            self.advice.show_text(text("pair-searching"), "info")
            return
        self.advice.show_text(words(view.advice), view.level)
        wanted = [row.serial for row in view.rows]
        for gone in [serial for serial in self.rows if serial not in wanted]:
            frame = self.rows.pop(gone)
            frame.setParent(None)
            frame.deleteLater()
        for row in view.rows:
            if row.serial not in self.rows:
                self.rows[row.serial] = BandFrame(row.serial)
                self.rows[row.serial].use.clicked.connect(
                    lambda _=False, serial=row.serial: self.chosen.emit(serial)
                )
                self._stack.addWidget(self.rows[row.serial])
            self.rows[row.serial].show_row(row)

    def show_failure(self, why: str) -> None:
        """The bands could not be looked for, or the choice was refused."""
        self._timer.stop()
        self.advice.show_text(why, "danger")

    def look_again(self) -> None:
        """From the beginning."""
        self._timer.start(LOOK_MS)
        self.tick()


class BandFrame(QFrame):
    """One band: serial large, its state, and the button that takes it."""

    def __init__(self, serial: str) -> None:
        super().__init__()
        self.lit = False
        self.title, self.state = Words(22, bold=True), Words(14)
        self.state.setWordWrap(True)
        self.use = QPushButton(text("pair-use"))
        self.use.setObjectName("start")
        self.use.setAutoDefault(False)
        self.use.setAccessibleName(text("pair-use-of", serial=serial))
        said = QVBoxLayout()
        said.addWidget(self.title)
        said.addWidget(self.state)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 10)
        row.addLayout(said, 1)
        row.addWidget(self.use)

    def show_row(self, row: BandRow) -> None:
        """Words, light, and whether it may be taken."""
        self.title.show_text(f"{'✔ ' if row.lit else ''}{words(row.title)}", "text")
        self.state.show_text(words(row.state), row.level)
        self.use.setEnabled(row.can_use)
        if self.lit != row.lit:
            self.lit = row.lit
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A lit one cannot be overlooked."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.colour("ok", 0.2) if self.lit else theme.colour("text", 0.04))
        painter.setPen(
            QPen(theme.colour("ok" if self.lit else "muted", 1.0 if self.lit else 0.4), 3 if self.lit else 1)
        )
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 8, 8)
        painter.end()
