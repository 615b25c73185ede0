"""Labels that every page uses: repainted only when something changed, and never cut."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QFontMetrics, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from hemoview.ui.parts import theme

LEAST_PX: Final = 8
"""No text is made smaller than this."""


class Hatched(QFrame):
    """A frame with faint diagonal hatching: whatever stands on it is an estimate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = "estimate"

    def set_role(self, role: str) -> None:
        """Colour of the hatching."""
        if role != self._role:
            self._role = role
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Hatching below, the labels above."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(theme.colour(self._role, 0.06)))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setBrush(QBrush(theme.colour(self._role, 0.22), Qt.BrushStyle.BDiagPattern))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        painter.end()
        super().paintEvent(event)


class Words(QLabel):
    """A label that is set only when something changed."""

    def __init__(
        self, pixels: int, *, bold: bool = False, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    ) -> None:
        super().__init__()
        self.setFont(theme.font(pixels, bold=bold))
        self.setAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        self._shown: tuple[str, str] = ("", "")
        self._role = ""
        self.setTextFormat(Qt.TextFormat.PlainText)

    def show_text(self, shown: str, role: str) -> None:
        """Words in the colour of ``role``."""
        if (shown, role) == self._shown:
            return
        self._shown = (shown, role)
        if role != self._role:
            self._role = role
            palette = self.palette()
            palette.setColor(QPalette.ColorRole.WindowText, theme.colour(role))
            self.setPalette(palette)
        self.setText(shown)


class Fitted(Words):
    """A label whose text is never cut: at most ``pixels`` high, smaller where the room asks for it."""

    def __init__(
        self, pixels: int, *, bold: bool = False, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    ) -> None:
        super().__init__(pixels, bold=bold, align=align)
        self._pixels, self._bold = pixels, bold
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_pixels(self, pixels: int) -> None:
        """The size wanted."""
        self._pixels = pixels
        self._fit()

    def show_text(self, shown: str, role: str) -> None:
        """Words in the colour of ``role``, whole."""
        said = self.text()
        super().show_text(shown, role)
        if self.text() != said:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another room, another size."""
        super().resizeEvent(event)
        self._fit()

    def _measured(self) -> str:
        """What must fit into the width."""
        return self.text()

    def _fit(self) -> None:
        """By figures of one width, so that a number keeps its size while its digits change."""
        widest = "".join("0" if c.isdigit() else c for c in self._measured())
        pixels, room = self._pixels, self.width()
        while (
            pixels > LEAST_PX
            and QFontMetrics(theme.font(pixels, bold=self._bold)).horizontalAdvance(widest) > room
        ):
            pixels -= 1
        if self.font().pixelSize() != pixels:
            self.setFont(theme.font(pixels, bold=self._bold))


class Wrapped(Fitted):
    """A label of several lines no word of which is cut: "uncalibrated" never reads "calibrated"."""

    def __init__(
        self, pixels: int, *, bold: bool = False, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    ) -> None:
        super().__init__(pixels, bold=bold, align=align)
        self.setWordWrap(True)

    def set_one_line(self, one_line: bool) -> None:
        """No room for a second line: the whole text is made as small as the one line asks for."""
        if self.wordWrap() == one_line:
            self.setWordWrap(not one_line)
            self._fit()

    def _measured(self) -> str:
        return max(self.text().split(), key=len, default="") if self.wordWrap() else self.text()
