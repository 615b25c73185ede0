"""The Record page: waves over trend, numerics, health line, markers. Gets one frozen view and shows it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from hemoview.ui.live.guide_strip import GuideStrip
from hemoview.ui.live.health_bar import HealthBar
from hemoview.ui.live.marker_bar import MarkerBar
from hemoview.ui.live.numerics_panel import NumericsPanel
from hemoview.ui.live.trend_view import TrendPlot
from hemoview.ui.live.wave_view import WaveView
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.record_view import RecordView


class RecordPage(QWidget):
    """Sets and emits; decides nothing."""

    marked = Signal(int, str, str)
    undo_asked = Signal()
    cuff_asked = Signal()
    calibration_confirmed = Signal()
    scale_asked = Signal()
    estimates_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.waves, self.trend = WaveView(), TrendPlot()
        self.numerics, self.health, self.markers = NumericsPanel(), HealthBar(), MarkerBar()
        self.guide = GuideStrip()
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(self.waves)
        left.addWidget(self.trend)
        left.setStretchFactor(0, 7)
        left.setStretchFactor(1, 4)
        left.setChildrenCollapsible(False)
        upper = QHBoxLayout()
        upper.setSpacing(6)
        upper.addWidget(left, 62)
        upper.addWidget(self.numerics, 38)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(5)
        column.addLayout(upper, 1)
        column.addWidget(self.guide)
        column.addWidget(self.health)
        column.addWidget(self.markers)
        self.markers.marked.connect(self.marked)
        self.markers.undo_asked.connect(self.undo_asked)
        self.markers.cuff_asked.connect(self.cuff_asked)
        self.numerics.calibration_confirmed.connect(self.calibration_confirmed)
        self.numerics.scale_asked.connect(self.scale_asked)
        self.numerics.estimates_asked.connect(self.estimates_asked)

    def take_guide(self) -> None:
        """The strip that guides stands here again."""
        self._column.insertWidget(1, self.guide)

    def show_view(self, view: RecordView) -> None:
        """Everything but the waves, which come at their own pace."""
        self.numerics.show_view(view.numerics)
        self.trend.show_view(view.trend, words(view.watermark))
        self.health.show_items(view.health)
        self.guide.show_view(view.guide)
        self.markers.show_markers(view.markers, can_mark=view.can_mark, can_undo=view.can_undo)
