"""A picture to keep: what was on the screen, framed by whose it is, when, in which units, and what it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.figure_head import FigureHead
from recorder import __version__
from recorder.errors import StorageError

HEAD_PX, FOOT_PX, EDGE_PX = 84, 46, 14
PNG_SCALE = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture and the lines around it. ``paint`` draws it with its left top corner at 0, 0, as large as ``size``."""

    head: FigureHead
    size: QSize
    paint: Callable[[QPainter], None]


def whole_size(figure: Figure) -> QSize:
    """With head and foot."""
    return QSize(figure.size.width() + 2 * EDGE_PX, figure.size.height() + HEAD_PX + FOOT_PX)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, or an SVG where the name ends so.

    Raises:
        StorageError: it cannot be written there.
    """
    refused = f"picture {path}: cannot be written; choose another folder or free room"
    size = whole_size(figure)
    if path.suffix.lower() == ".svg":
        made = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
        made.setFileName(str(path))
        made.setSize(size)
        made.setViewBox(QRect(0, 0, size.width(), size.height()))
        made.setTitle(figure.head.file_name)
        painter = QPainter()
        if not painter.begin(made):
            raise StorageError(refused)
        draw_figure(painter, figure)
        if not painter.end() or not path.is_file():
            raise StorageError(refused)
        return
    image = QImage(size * PNG_SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(PNG_SCALE)
    image.setText("Title", figure.head.file_name)
    painter = QPainter(image)
    draw_figure(painter, figure)
    painter.end()
    if not image.save(str(path), "PNG"):  # type: ignore[call-overload, unused-ignore]
        raise StorageError(refused)


def draw_figure(painter: QPainter, figure: Figure) -> None:
    """Head, picture, foot; the watermark across everything."""
    size, head = whole_size(figure), figure.head
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRect(0, 0, size.width(), size.height()), theme.BACKGROUND)
    _draw_head(painter, head, size.width())
    painter.save()
    painter.translate(EDGE_PX, HEAD_PX)
    figure.paint(painter)
    painter.restore()
    _draw_foot(painter, head, size)
    if head.simulated is not None:
        _draw_watermark(painter, words(head.simulated), size)


def _draw_head(painter: QPainter, head: FigureHead, width: int) -> None:
    painter.setFont(theme.font(22, bold=True))
    painter.setPen(theme.colour("text"))
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    name = head.pseudonym or text("review.no-subject")
    painter.drawText(QRectF(EDGE_PX, 6, 400, 30), left, name)
    painter.setFont(theme.font(13))
    painter.setPen(theme.colour("quiet"))
    for y, line in ((36, head.when), (56, head.units)):
        painter.drawText(QRectF(EDGE_PX, y, width - 2 * EDGE_PX, 20), left, words(line))
    tags = [] if head.hidden else [(text("tag-estimate"), "estimate")]
    tags += [(text("review.sim"), "simulated")] if head.simulated is not None else []
    x = width - EDGE_PX
    painter.setFont(theme.font(15, bold=True))
    for label, role in reversed(tags):
        wide = painter.fontMetrics().horizontalAdvance(label) + 16
        box = QRectF(x - wide, 10, wide, 24)
        painter.setPen(theme.colour(role))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)
        x -= wide + 8


def _draw_foot(painter: QPainter, head: FigureHead, size: QSize) -> None:
    claim = head.claim if isinstance(head.claim, str) else words(head.claim)
    place = QRectF(EDGE_PX, size.height() - FOOT_PX + 6, size.width() - 2 * EDGE_PX, FOOT_PX - 10)
    painter.setFont(theme.font(11))
    painter.setPen(theme.colour("quiet"))
    flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
    made = text("figure-made", version=__version__)
    painter.drawText(place, flags, " ".join(part for part in (claim, made) if part))


def _draw_watermark(painter: QPainter, label: str, size: QSize) -> None:
    painter.save()
    painter.translate(size.width() / 2, size.height() / 2)
    painter.rotate(-14)
    painter.setFont(theme.font(max(24, size.width() // 16), bold=True))
    painter.setPen(theme.colour("simulated", 0.2))
    painter.drawText(QRectF(-2000, -200, 4000, 400), Qt.AlignmentFlag.AlignCenter, label)
    painter.restore()
