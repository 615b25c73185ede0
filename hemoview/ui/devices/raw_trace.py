"""Paints a small scrolling trace of one stream as it comes."""

from __future__ import annotations

from typing import Final

from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.parts import theme
from hemoview.viewmodel.devices.raw_preview import EMPTY, Preview

COLOURS: Final = {
    "abp_wave": ("abp",),
    "acc": ("acc-x", "acc-y", "acc-z"),
    "pleth": ("ppg",),
    "optical": ("ppg", "eda"),
}
"""Roles whose colours are not called as they are."""

_SCALE_PX: Final = 46


class RawTrace(QWidget):
    """Low and high of what is shown left, the curve right."""

    def __init__(self, role: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(QSize(160, 40))
        self.setAccessibleName(name)
        self.colours = COLOURS.get(role, (role,))
        self.shown = EMPTY

    def sizeHint(self) -> QSize:
        """Low: five of them stand on a card."""
        return QSize(320, 40)

    def show_preview(self, preview: Preview) -> None:
        """Another picture."""
        if preview is not self.shown:
            self.shown = preview
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, scale, curves."""
        painter = QPainter(self)
        box = QRectF(_SCALE_PX, 3, self.width() - _SCALE_PX - 2, self.height() - 6)
        painter.fillRect(box, theme.colour("text", 0.03))
        painter.setPen(theme.colour("muted"))
        painter.setFont(theme.font(10))
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(0, 1, _SCALE_PX - 5, 14), right, self.shown.high)
        painter.drawText(QRectF(0, self.height() - 15, _SCALE_PX - 5, 14), right, self.shown.low)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for column in range(self.shown.y.shape[1] if self.shown.x.size > 1 else 0):
            pen = QPen(theme.colour(self.colours[column % len(self.colours)]))
            pen.setCosmetic(True)
            painter.setPen(pen)
            x = box.left() + self.shown.x * box.width()
            y = box.bottom() - self.shown.y[:, column] * box.height()
            painter.drawPath(arrayToQPath(x, y, connect="finite"))
        painter.end()
