"""A number learned from simulation alone is grey on every form of the screen: no interval stands behind it."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.ui.live.compact_page import CompactCell
from hemoview.ui.live.far_numerics import _draw_estimate
from hemoview.ui.live.numerics_view import BigRow
from hemoview.ui.parts import theme
from hemoview.viewmodel.live.record_view import Cell, NumericRow

SIM, CLAIMED = Cell("5.1", tag="tag-simulated"), Cell("5.1", "4.0–6.0")


def row_of(cell: Cell) -> NumericRow:
    return NumericRow("CO", "L/min", colour="pressure", estimate=cell, reference=None)


def ink_of(widget: BigRow | CompactCell) -> str:
    return widget.value.palette().color(QPalette.ColorRole.WindowText).name()


def test_the_numbers_beside_the_waves_and_on_the_small_panel(qtbot: QtBot) -> None:
    for widget in (BigRow("CO"), CompactCell("CO")):
        qtbot.addWidget(widget)
        widget.show_row(row_of(SIM))
        assert ink_of(widget) == theme.colour("muted").name()
        widget.show_row(row_of(CLAIMED))
        assert ink_of(widget) == theme.colour("estimate").name()


def drawn(cell: Cell) -> set[str]:
    """Colours of the digits' half."""
    image = QImage(600, 120, QImage.Format.Format_RGB32)
    image.fill(QColor(theme.PANEL))
    painter = QPainter(image)
    _draw_estimate(painter, cell, QRectF(0, 0, 600, 120), "estimate")
    painter.end()
    return {image.pixelColor(x, y).name() for x in range(280) for y in range(0, 120, 2)}


def test_the_large_numbers(qtbot: QtBot) -> None:
    assert QApplication.instance() is not None
    assert theme.colour("estimate").name() in drawn(CLAIMED)
    assert theme.colour("estimate").name() not in drawn(SIM)
    assert theme.colour("muted").name() in drawn(SIM)
