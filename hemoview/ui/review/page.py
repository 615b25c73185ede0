"""Review: a stored session on one time axis, played back as it was. The page sends moves and shows views."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QSplitter, QVBoxLayout, QWidget

from hemoview.ui.exchange.report_desk import ReportDesk
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.idle_sweep import IdleSweep
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.picture.minimap import Minimap
from hemoview.ui.picture.moves import CTRL, NONE, SHIFT, Keys, Move, move_keys, moved_by_hand
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.picture.session_figure import figure_of, wanted_of
from hemoview.ui.picture.text import said
from hemoview.ui.review.align import AlignPanel
from hemoview.ui.review.bar import ReviewBar, ReviewHeader
from hemoview.ui.review.card import CursorCard
from hemoview.ui.review.export import ExportDesk
from hemoview.ui.review.label_desk import LabelDesk
from hemoview.ui.review.markers import MarkersDesk
from hemoview.ui.review.raters_desk import RaterDesk
from hemoview.ui.review.reference_labels import ReferenceDesk
from hemoview.ui.review.side import ReviewSide
from hemoview.ui.review.unhide import UnhideDesk
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.footer import claim
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import Phase, ReviewModel, ReviewView
from hemoview.viewmodel.review.reader import ReviewReader, Source
from recorder import session as store

FRAME_MS = 33
ANSWER_S = 0.009
"""Strips are painted until then after a move; with what lies over them the frame is done within 16 ms."""
PATIENCE_MS = 250
"""A session that opens is shown whole: threads share one interpreter, and painting a part of it delays the rest. One
that takes longer to read is shown as far as it is."""
LIVE_REFRESH_MS = 2000
IDLE_MS = 120
_SIDE_PX = 330

_KEYS: Final[Keys] = {
    **move_keys(moves.zoom, lambda _: 1.0),
    (Qt.Key.Key_Space, NONE): moves.play_pause,
    (Qt.Key.Key_S, NONE): lambda w, _end: moves.next_speed(w),
}


class ReviewPage(QWidget):
    """The Review workspace.

    Signals: ``opened(path)`` and ``failed(text)`` tell the outcome of :meth:`open_session`; ``shown()`` follows every
    view that was put on the screen; ``browse_requested()`` asks for the list of sessions.
    """

    opened = Signal(str)
    failed = Signal(str)
    shown = Signal()
    browse_requested = Signal()

    def __init__(
        self, parent: QWidget | None = None, open_store: Callable[[str], Source] = store.open
    ) -> None:
        super().__init__(parent)
        self._model = model = ReviewModel(ReviewReader(open_store, Bell(self._on_answer).ring))
        end_with(self, model.close)
        self.align = AlignPanel()
        self._sweep = IdleSweep()
        self._unpainted = self._late = False
        self._phase: Phase = "empty"
        self._told_of: object = object()
        """Whose facts stand on the page; at first nobody's."""
        self._last_tick_s = 0.0
        self._header = ReviewHeader()
        self._canvas = ReviewCanvas()
        self._minimap = Minimap()
        self._card = CursorCard()
        self._side = ReviewSide()
        self._bar = ReviewBar()
        self.labelling = LabelDesk(self._canvas, self, model.samples)
        model.around = self.labelling.around
        self._side.addTab(self.labelling.tab, text("labels.tab"))
        self._bar.add(self.labelling.button)
        self.raters = RaterDesk(self.labelling, self)
        self._side.addTab(self.raters.tab, text("raters.tab"))
        self.exporting = ExportDesk(self, model.view)
        self._bar.add(self.exporting.button)
        self.reporting = ReportDesk(self, lambda: model.facts)
        self._bar.add(self.reporting.button)
        self.marking = MarkersDesk(self, model.view)
        self._bar.add(self.marking.button)
        self.unhiding = UnhideDesk(self, model.view)
        self._bar.add(self.unhiding.button)
        self.reference = ReferenceDesk(self)
        self._side.addTab(self.reference.tab, text("refl.tab"))
        self._canvas.lay_over(self.reference.paint_over)
        self._bar.add(self.align.button)
        self._lay_out()
        self._frames = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._filling = QTimer(self, interval=FRAME_MS, singleShot=True)
        self._idle = QTimer(self, interval=IDLE_MS, singleShot=True)
        self._live = QTimer(self, interval=LIVE_REFRESH_MS)
        self._connect()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for part in (self._canvas, self._minimap):
            part.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            part.setFocusProxy(self)
        self.setAccessibleName(text("review.title"))
        self._show()

    @property
    def model(self) -> ReviewModel:
        """The state behind the page."""
        return self._model

    @property
    def picture(self) -> ReviewCanvas:
        """The painted strips."""
        return self._canvas

    def open_session(self, path: str) -> None:
        """Open a session folder; ``opened`` or ``failed`` follows. No cycles are collected until its picture rests."""
        self._idle.stop()
        if self.isVisible():
            self._sweep.hold()
        self._model.open(str(path))
        self._phase = "opening"
        self._show()
        self.setFocus()

    def figure(self) -> Figure | None:
        """The strips as they stand."""
        view = self._model.view()
        size, claimed = self._canvas.size(), claim_of(view.facts) if view.facts else ""
        return figure_of(view, claimed, size, self.labelling.below(view, size.width()))

    def wanted(self) -> Wanted | None:
        """The numbers of the span in view."""
        view = self._model.view()
        return wanted_of(view, claim_of(view.facts) if view.facts else "")

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` from now on; what is stored stays as it is."""
        if self._model.use_pressure_unit(unit):
            self._show()

    def close_session(self) -> None:
        """End the reading thread; the page is not used afterwards."""
        for timer in (self._frames, self._filling, self._idle, self._live):
            timer.stop()
        self._sweep.rest()
        self._model.close()
        self.align.close_session()

    def _lay_out(self) -> None:
        picture = QVBoxLayout()
        picture.setContentsMargins(0, 0, 0, 0)
        picture.setSpacing(4)
        picture.addWidget(self._canvas, 1)
        picture.addWidget(self.align)
        picture.addWidget(self._minimap)
        left, right = QWidget(), QFrame()
        left.setLayout(picture)
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(6)
        beside.addWidget(self._card)
        beside.addWidget(self._side, 1)
        self._footer = QLabel()
        self._footer.setFont(font(11))
        self._footer.setStyleSheet(f"color: {colour('dim').name()};")
        self._footer.setWordWrap(True)
        beside.addWidget(self._footer)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(0, 1)
        split.setChildrenCollapsible(False)
        split.setSizes([10_000, _SIDE_PX])
        right.setMinimumWidth(_SIDE_PX - 30)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addWidget(self._header)
        column.addWidget(split, 1)
        column.addWidget(self._bar)

    def _connect(self) -> None:
        self._frames.timeout.connect(self._on_frame)
        self._filling.timeout.connect(self._show)
        self._idle.timeout.connect(self._model.look_ahead)
        self._idle.timeout.connect(self._sweep.rest)
        self._canvas.painted.connect(self._on_painted)
        self._live.timeout.connect(self._model.refresh)
        self._canvas.resized.connect(self._on_resized)
        moved_by_hand(self._canvas, self._minimap, self._move, moves.zoom)
        self._side.jumped.connect(self._on_jumped)
        self._side.chosen.connect(self._on_chosen)
        self._bar.asked.connect(self.press)
        self._bar.browse_asked.connect(self.browse_requested)
        self.labelling.changed.connect(self._show)
        self.reference.changed.connect(self._show)
        self._side.currentChanged.connect(lambda _tab: self._show())
        self.labelling.began.connect(lambda: self._side.setCurrentWidget(self.labelling.tab))
        self.raters.changed.connect(self._show)
        self._side.currentChanged.connect(lambda _tab: self._show())
        self.raters.began.connect(lambda: self._side.setCurrentWidget(self.raters.tab))
        self.labelling.jump.connect(lambda t: self._move(lambda w, end: moves.jump(w, t, end)))
        for desk in (self.labelling, self.raters):
            desk.sought.connect(lambda t0, t1: self._move(lambda w, end: moves.seek(w, t0, t1, end)))
        self.align.changed.connect(self._show)
        for changing in (self.unhiding, self.marking):
            changing.done.connect(self._model.refresh)
        self.align.jumped.connect(self._on_jumped)

    # moves

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> bool:
        """Do what a key stands for; True if it stands for anything. Buttons press keys too."""
        self._sweep.hold()
        due_s = time.perf_counter() + ANSWER_S
        back = bool(modifiers & SHIFT)
        if self.raters.press(key, modifiers):
            return True
        if self.labelling.press(key, modifiers):
            return True
        if key == Qt.Key.Key_M:
            self._model.next_mark(back=back)
        elif key == Qt.Key.Key_G:
            self._model.next_gap(back=back)
        elif key == Qt.Key.Key_Escape:
            self.browse_requested.emit()
        else:
            step = _KEYS.get((key, modifiers)) or _KEYS.get((key, NONE))
            if step is None:
                return False
            self._model.move(step)
        self._show(due_s)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Every move has a key."""
        modifiers = event.modifiers() & (SHIFT | CTRL)
        if not self.press(Qt.Key(event.key()), modifiers):
            super().keyPressEvent(event)

    def _move(self, step: Move) -> None:
        self._go(step, time.perf_counter() + ANSWER_S)

    def _go(self, step: Move, due_s: float = math.inf) -> None:
        self._sweep.hold()
        self.raters.hold()
        if self._model.move(step):
            self._show(due_s)

    def _on_resized(self, width_px: int) -> None:
        self._model.resize(width_px)
        self._show()

    def _on_jumped(self, t_s: float) -> None:
        """From the list of events; the keys then move the picture again."""
        self._move(lambda w, end: moves.jump(w, t_s, end))
        self.setFocus()

    def _on_chosen(self, panel_ids: frozenset[str]) -> None:
        self._model.choose(panel_ids)
        self._show()

    # time

    def _on_painted(self) -> None:
        if not self._canvas.whole:
            return  # the rest of it comes first
        self._model.painted()
        self._unpainted = False
        if self._late:
            self._late = False
            self._filling.start(0 if self._model.complete else FRAME_MS)
        if self._model.complete and self._phase != "opening":
            self._idle.start()

    def _on_answer(self) -> None:
        """Show a complete picture at once; one still filling up at most once a frame, of a session that opens later."""
        if not self._model.drain():
            return
        if self._unpainted and self._phase == "open" and self.isVisible():
            self._late = True  # what was asked for is painted first
            return
        if self._model.complete:
            self._show()
        elif not self._filling.isActive():
            self._filling.start(FRAME_MS if self._phase == "open" else PATIENCE_MS)

    def _on_frame(self) -> None:
        now_s = time.monotonic()
        elapsed_s, self._last_tick_s = now_s - self._last_tick_s, now_s
        self._go(lambda w, end: moves.tick(w, elapsed_s, end))

    def showEvent(self, event: QShowEvent) -> None:
        """Visible again: a session being recorded is followed again."""
        super().showEvent(event)
        self.labelling.model.catch_up()
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        """Hidden: nothing runs."""
        super().hideEvent(event)
        self._frames.stop()
        self._live.stop()
        self._sweep.rest()

    # showing

    def _show(self, due_s: float = math.inf) -> None:
        self._filling.stop()
        self._unpainted = True
        self._model.draw_by(self.align.shift_for(self._model.facts))
        view = self._model.view()
        self.raters.show_view(view)
        self.labelling.show_view(view)
        self.reference.show_view(view)
        self.align.show_view(view)
        self._canvas.show_view(view, due_s)
        self._minimap.show_view(view)
        self._card.show_view(view)
        labels_shown = self._side.currentWidget() is self.reference.tab
        self._card.setVisible(not self.labelling.model.on and not labels_shown)
        self._side.show_view(view)
        self._header.show_view(view)
        self._bar.show_view(view)
        if view.facts is not self._told_of:
            self._show_facts(view)
        self._run(self._frames, wanted=view.wish.playing)
        self._run(self._live, wanted=view.facts is not None and view.facts.live)
        self._announce(view)
        self.shown.emit()

    def _show_facts(self, view: ReviewView) -> None:
        """What no move changes; one of them looks for a file."""
        self._told_of = view.facts
        self.exporting.show_view(view)
        self.reporting.show_facts(view.facts)
        self.marking.show_view(view)
        self.unhiding.show_view(view)
        self._footer.setText(claim_of(view.facts) if view.facts else "")

    def _announce(self, view: ReviewView) -> None:
        """Say once how opening ended."""
        if view.phase == self._phase:
            return
        self._phase = view.phase
        if view.phase == "open" and view.facts is not None:
            self.opened.emit(view.facts.path)
        elif view.phase == "failed":
            self.failed.emit("\n".join(said(message) for message in view.banners))

    def _run(self, timer: QTimer, *, wanted: bool) -> None:
        if wanted and self.isVisible() and not timer.isActive():
            self._last_tick_s = time.monotonic()
            timer.start()
        elif not wanted and timer.isActive():
            timer.stop()


def claim_of(facts: SessionFacts) -> str:
    """What the estimates are and are not; nothing where the session holds none."""
    if not facts.models:
        return ""
    if not facts.card:
        return text("review.footer-no-card", model=facts.models)
    return text("review.footer-models", models=facts.models, claim=said(claim(facts.card, facts.products)))
