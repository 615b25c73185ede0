"""Words laid out once: a frame writes the same fifty as the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QStaticText, QTransform

from hemoview.ui.picture.palette import font

_KEPT: Final = 1024


@dataclass(frozen=True, slots=True)
class Lettering:
    """Words in a size of the theme's font.

    Args:
        size_px: of the font, ``font(size_px)``.
        width_px: room they take, whole pixels.
        exact_px: the same to a fraction, for centring.
        ascent_px: from their top to their baseline.
    """

    size_px: int
    width_px: int
    exact_px: float
    ascent_px: int
    laid: QStaticText

    def write(self, painter: QPainter, left: float, baseline: int) -> None:
        """In the painter's pen."""
        painter.setFont(font(self.size_px))
        painter.drawStaticText(QPointF(left, baseline - self.ascent_px), self.laid)

    def write_centred(self, painter: QPainter, middle: float, baseline: int) -> None:
        """In the painter's pen, on both sides of ``middle``."""
        self.write(painter, middle - self.exact_px / 2, baseline)


@lru_cache(_KEPT)
def lettering(words: str, size_px: int) -> Lettering:
    """Words in the theme's font of that size."""
    looks = font(size_px)
    whole = QFontMetrics(looks)
    laid = QStaticText(words)
    laid.setTextFormat(Qt.TextFormat.PlainText)
    laid.prepare(QTransform(), looks)
    exact_px = QFontMetricsF(looks).horizontalAdvance(words)
    return Lettering(size_px, whole.horizontalAdvance(words), exact_px, whole.ascent(), laid)
