"""Trends: the parameters of one session over minutes to a day, running or stored. Shows views, sends moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QMargins, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from hemoview.ui.exchange.report_desk import ReportDesk
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.picture.minimap import Minimap
from hemoview.ui.picture.moves import CTRL, NONE, SHIFT, Move, move_keys, moved_by_hand
from hemoview.ui.picture.session_figure import figure_of, wanted_of
from hemoview.ui.picture.text import said
from hemoview.ui.review.bar import ReviewHeader
from hemoview.ui.review.page import claim_of
from hemoview.ui.trends.bar import TrendsBar
from hemoview.ui.trends.horizon import HorizonView, draw_horizon
from hemoview.ui.trends.side import TrendsSide
from hemoview.ui.words.catalogue import label_said, text
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.model import Phase, ReviewView
from hemoview.viewmodel.review.reader import ReviewReader, Source
from hemoview.viewmodel.trends import moves as trend_moves
from hemoview.viewmodel.trends.lines import STEP
from hemoview.viewmodel.trends.model import TrendModel, TrendPage
from recorder.exchange.trends.saved_trend import open_trend
from recorder.schema import CO_CALIBRATED, FINGER_CHANGED, REFERENCE_CALIBRATED

LIVE_REFRESH_MS = 2000
FILL_MS = 33
SIDE_PX = 400

_KEYS: Final = move_keys(trend_moves.zoom, trend_moves.cursor_step_s)
_SPAN_KEYS: Final = {Qt.Key(Qt.Key.Key_1 + i): span_s for i, span_s in enumerate(trend_moves.SPANS_S)}
_WORDS: Final = {
    REFERENCE_CALIBRATED: "trends.reference-calibrated",
    FINGER_CHANGED: "trends.finger-changed",
    CO_CALIBRATED: "trends.co-calibrated",
}


class TrendsPage(QWidget):
    """The Trends workspace of one session.

    Signals: ``opened(path)`` and ``failed(text)`` tell the outcome of :meth:`open_session`; ``shown()`` follows every
    view; ``browse_requested()`` and ``running_requested()`` ask for another session.
    """

    opened = Signal(str)
    failed = Signal(str)
    shown = Signal()
    browse_requested = Signal()
    running_requested = Signal()

    def __init__(
        self, parent: QWidget | None = None, open_store: Callable[[str], Source] = open_trend
    ) -> None:
        super().__init__(parent)
        self._model = model = TrendModel(ReviewReader(open_store, Bell(self._on_answer).ring))
        end_with(self, model.close)
        self._phase: Phase = "empty"
        self._header, self._canvas, self._minimap = ReviewHeader(), ReviewCanvas(), Minimap()
        self._horizon, self._side, self._bar = HorizonView(), TrendsSide(), TrendsBar()
        self.reporting = ReportDesk(self, lambda: model.facts)
        self._bar.add(self.reporting.button)
        self._lay_out()
        self._filling = QTimer(self, interval=FILL_MS, singleShot=True)
        self._live = QTimer(self, interval=LIVE_REFRESH_MS)
        self._connect()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for part in (self._canvas, self._minimap):
            part.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            part.setFocusProxy(self)
        self.setAccessibleName(text("tab-trends"))
        self._canvas.setAccessibleName(text("tab-trends"))
        self._show()

    @property
    def model(self) -> TrendModel:
        """The state behind the page."""
        return self._model

    @property
    def picture(self) -> ReviewCanvas:
        """The painted strips."""
        return self._canvas

    def open_session(self, path: str) -> None:
        """Open a session folder; ``opened`` or ``failed`` follows."""
        self._model.open(str(path))
        self._phase = "opening"
        self._show()
        self.setFocus()

    def figure(self) -> Figure | None:
        """The strips as they stand, with the horizon where it is shown."""
        page = self._model.page()
        view, area = worded(page.review), self._horizon.sizeHint()
        size = self._canvas.size()
        if not page.choice.horizon:
            return figure_of(view, self._claim(), size)
        size = size.grownBy(QMargins(0, 0, 0, area.height()))
        place = QRect(0, 0, size.width(), area.height())
        return figure_of(
            view, self._claim(), size, (area.height(), lambda painter: draw_horizon(painter, place, page))
        )

    def wanted(self) -> Wanted | None:
        """The numbers of the span in view."""
        return wanted_of(self._model.view(), self._claim())

    def _claim(self) -> str:
        facts = self._model.facts
        return claim_of(facts) if facts else ""

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` from now on; what is stored stays as it is."""
        if self._model.use_pressure_unit(unit):
            self._show()

    def close_session(self) -> None:
        """End the reading thread; the page is not used afterwards."""
        for timer in (self._filling, self._live):
            timer.stop()
        self._model.close()

    def _lay_out(self) -> None:
        picture = QVBoxLayout()
        picture.setSpacing(4)
        picture.addWidget(self._canvas, 1)
        picture.addWidget(self._horizon)
        picture.addWidget(self._minimap)
        self._side.setFixedWidth(SIDE_PX)
        middle = QHBoxLayout()
        middle.setSpacing(6)
        middle.addLayout(picture, 1)
        middle.addWidget(self._side)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addWidget(self._header)
        column.addLayout(middle, 1)
        column.addWidget(self._bar)

    def _connect(self) -> None:
        self._filling.timeout.connect(self._show)
        self._live.timeout.connect(self._model.refresh)
        self._canvas.painted.connect(self._model.painted)
        self._canvas.resized.connect(self._on_resized)
        moved_by_hand(self._canvas, self._minimap, self._move, trend_moves.zoom)
        self._bar.asked.connect(self.press)
        self._bar.span_chosen.connect(self.show_span)
        self._bar.groups_chosen.connect(self._choose_groups)
        self._bar.horizon_chosen.connect(lambda on: self._choose(horizon=on))
        self._bar.baseline_asked.connect(self._choose_baseline)
        self._bar.browse_asked.connect(self.browse_requested)
        self._bar.running_asked.connect(self.running_requested)
        self._side.parameter_chosen.connect(lambda name: self._choose(parameter=name))
        self._side.jumped.connect(lambda t: self._move(lambda w, end: moves.jump(w, t, end)))

    def show_running(self, *, can: bool) -> None:
        """Whether a running session other than this one may be asked for."""
        self._bar.show_running(can=can)

    # moves

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> bool:
        """Do what a key stands for; True if it stands for anything. Buttons press keys too."""
        if key in _SPAN_KEYS:
            self.show_span(_SPAN_KEYS[key])
            return True
        if key == Qt.Key.Key_H:
            self._choose(horizon=not self._model.choice.horizon)
            return True
        if key == Qt.Key.Key_B:
            self._choose_baseline("view" if self._model.choice.baseline is None else "first")
            return True
        if key == Qt.Key.Key_Escape:
            self.browse_requested.emit()
            return True
        step = _KEYS.get((key, modifiers)) or _KEYS.get((key, NONE))
        if step is None:
            return False
        self._model.move(step)
        self._show()
        return True

    def show_span(self, span_s: int) -> None:
        """So many seconds of the session, up to all of it."""
        facts = self._model.facts
        live = facts is not None and facts.live
        self._model.move(lambda w, end: trend_moves.show_span(w, span_s, end, live=live))
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Every move has a key."""
        if not self.press(Qt.Key(event.key()), event.modifiers() & (SHIFT | CTRL)):
            super().keyPressEvent(event)

    def _move(self, step: Move) -> None:
        if self._model.move(step):
            self._show()

    def _choose_groups(self, groups: frozenset[str]) -> None:
        self._model.choose_groups(groups)
        self._show()

    def _choose(self, **changes: object) -> None:
        self._model.adopt(replace(self._model.choice, **changes))  # type: ignore[arg-type]
        self._show()

    def _choose_baseline(self, which: str) -> None:
        """The view as it stands, or the first ten minutes again."""
        wish = self._model.wish
        self._choose(baseline=(wish.t0_s, wish.t1_s) if which == "view" else None, horizon=True)
        self._model.ask()
        self._show()

    def _on_resized(self, width_px: int) -> None:
        self._model.resize(width_px)
        self._show()

    # time

    def _on_answer(self) -> None:
        """Show a complete picture at once; one still filling up at most once a frame."""
        if not self._model.drain():
            return
        if self._model.view().settled and self._phase == "opening":
            self._show()
        elif not self._filling.isActive():
            self._filling.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Visible again: a session being recorded is followed again."""
        super().showEvent(event)
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        """Hidden: nothing runs."""
        super().hideEvent(event)
        self._live.stop()

    # showing

    def _show(self) -> None:
        self._filling.stop()
        page = self._model.page()
        view = worded(page.review)
        self._canvas.show_view(view)
        self._minimap.show_view(view)
        self._header.show_view(view)
        self._side.show_page(page)
        self._bar.show_page(page)
        self.reporting.show_facts(view.facts)
        self._horizon.show_page(page)
        wanted = view.facts is not None and view.facts.live and self.isVisible()
        if wanted and not self._live.isActive():
            self._live.start()
        elif not wanted:
            self._live.stop()
        self._announce(page)
        self.shown.emit()

    def _announce(self, page: TrendPage) -> None:
        """Say once how opening ended."""
        view = page.review
        if view.phase == self._phase:
            return
        self._phase = view.phase
        if view.phase == "open" and view.facts is not None:
            self.opened.emit(view.facts.path)
        elif view.phase == "failed":
            self.failed.emit("\n".join(said(message) for message in view.banners))


def worded(view: ReviewView) -> ReviewView:
    """The marks nobody typed, in words."""
    return replace(view, marks=tuple(_worded(mark) for mark in view.marks))


def _worded(mark: Mark) -> Mark:
    if mark.kind == STEP:
        return replace(mark, label=text("trends.personalised"))
    if mark.label in _WORDS and mark.kind == "marker":
        return replace(mark, label=text(_WORDS[mark.label]), kind=STEP)
    return replace(mark, label=label_said(mark.label)) if mark.kind == "marker" else mark
