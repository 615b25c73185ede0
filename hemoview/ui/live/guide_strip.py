"""The strip that guides: phase and countdown, what is due with its buttons, posture; after Stop the checklist."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.live.guide_after import AfterRow
from hemoview.ui.live.guide_prompts import PromptRows
from hemoview.ui.live.header_bar import Yielding
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import sentence, text, words
from hemoview.viewmodel.live.guide import GuidePhase, GuideView

EXTEND_MIN = (1, 2, 5, 10)


class GuideStrip(QFrame):
    """Emits ``asked(action)`` for every button but these two: ``phase_asked(index)`` and ``extend_asked(minutes)``."""

    asked = Signal(str)
    phase_asked = Signal(int)
    extend_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.phase, self.prompts, self.after = PhaseRow(), PromptRows(), AfterRow()
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 4, 8, 4)
        column.setSpacing(4)
        for row in (self.prompts, self.phase, self.after):
            column.addWidget(row)
        self.prompts.asked.connect(self.asked)
        self.after.asked.connect(self.asked)
        self.phase.asked.connect(self.asked)
        self.phase.phase_asked.connect(self.phase_asked)
        self.phase.extend_asked.connect(self.extend_asked)
        self._view = GuideView()
        self.hide()

    def set_narrow(self, *, on: bool) -> None:
        """For a panel as wide as a hand: one prompt, its buttons below it; what is rarely needed in a menu."""
        for row in (self.phase, self.prompts, self.after):
            row.set_narrow(on=on)
        self.show_view(self._view)

    def show_view(self, view: GuideView) -> None:
        """Set what changed."""
        self._view = view
        self.phase.setVisible(view.recording)
        self.after.setVisible(view.after and not self.after.dismissed)
        if view.recording:
            self.phase.show_view(view)
            self.after.forget()
        if view.after:
            self.after.show_lines(view)
        self.prompts.show_prompts(view.prompts)
        self.setVisible(view.recording or self.after.isVisibleTo(self))


class PhaseRow(QWidget):
    """Phase, countdown, what is next; begin, end, extend; posture and readings."""

    asked = Signal(str)
    phase_asked = Signal(int)
    extend_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.countdown = Yielding(16, bold=True), Words(26, bold=True)
        self.bar = FractionBar()
        self.note, self.posture = Words(13), Words(13)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note.setWordWrap(True)
        self.countdown.setAccessibleName(text("guide-countdown"))
        self.begin = self._button("button-guide-begin", self._begin)
        self.end = self._button("button-guide-end", lambda: self.asked.emit("end"))
        self.extend = self._button("button-guide-extend")
        self.list = self._button("button-guide-phases")
        self.change = self._button("button-guide-posture", lambda: self.asked.emit("posture"))
        self.readings = self._button("button-guide-readings", lambda: self.asked.emit("readings"))
        extends = QMenu(self.extend)
        for minutes in EXTEND_MIN:
            extends.addAction(
                text("guide-minutes", minutes=minutes), partial(self.extend_asked.emit, minutes)
            )
        self.extend.setMenu(extends)
        self.menu = QMenu(self.list)
        self.list.setMenu(self.menu)
        self.more = self._button("button-guide-more")
        self._fill_more(extends)
        self._narrow = False
        self._begins: int | None = None
        self._phases: tuple[GuidePhase, ...] = ()
        said = QVBoxLayout()
        said.setSpacing(0)
        said.addWidget(self.note)
        said.addWidget(self.bar)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.title)
        row.addWidget(self.countdown)
        row.addLayout(said, 1)
        for widget in (
            self.begin,
            self.end,
            self.extend,
            self.list,
            self.posture,
            self.change,
            self.readings,
            self.more,
        ):
            row.addWidget(widget)
        self.set_narrow(on=False)

    def set_narrow(self, *, on: bool) -> None:
        """Extend, phases, posture and readings are in one menu, or beside each other."""
        self._narrow = on
        wide = QSizePolicy.Policy.Ignored if on else QSizePolicy.Policy.Preferred
        self.title.setSizePolicy(wide, QSizePolicy.Policy.Preferred)
        self._row.setStretchFactor(self.title, 1 if on else 0)
        for widget in (self.note, self.bar, self.posture, self.change, self.readings):
            widget.setVisible(not on)
        self.more.setVisible(on)

    def _fill_more(self, extends: QMenu) -> None:
        more = QMenu(self.more)
        self._extends = more.addMenu(extends)
        extends.setTitle(text("button-guide-extend"))
        more.addMenu(self.menu)
        self.menu.setTitle(text("button-guide-phases"))
        more.addAction(text("button-guide-posture"), lambda: self.asked.emit("posture"))
        more.addAction(text("button-guide-readings"), lambda: self.asked.emit("readings"))
        self.more.setMenu(more)

    def show_view(self, view: GuideView) -> None:
        """Everything of a running session."""
        self._show_what_applies(view)
        self.title.show_text(words(view.title), "text")
        self.countdown.show_text(view.countdown, "info")
        self.bar.show_fraction(view.fraction)
        self.note.show_text(
            " · ".join(part for part in (sentence(view.instruction), words(view.following)) if part), "quiet"
        )
        self.note.setToolTip(self.note.text())
        self.posture.show_text(words(view.posture), "quiet")
        self._begins = view.begins
        self.extend.setEnabled(view.can_extend)
        self._extends.setEnabled(view.can_extend)
        if view.phases != self._phases:
            self._fill(view.phases)

    def _show_what_applies(self, view: GuideView) -> None:
        """Each is told once: what is shown for a moment pushes the others aside, and may be painted so."""
        has = view.title is not None
        self.title.setVisible(has)
        self.countdown.setVisible(bool(view.countdown))
        self.begin.setVisible(has and not view.can_end and view.begins is not None)
        self.end.setVisible(view.can_end)
        self.extend.setVisible(view.can_end and not self._narrow)
        self.list.setVisible(has and not self._narrow)

    def _fill(self, phases: tuple[GuidePhase, ...]) -> None:
        self._phases = phases
        self.menu.clear()
        for index, phase in enumerate(phases):
            lasts = (
                text("guide-open")
                if phase.minutes is None
                else text("guide-minutes", minutes=f"{phase.minutes:g}")
            )
            state = text(f"guide-state-{phase.state}")
            name = text("guide-list-line", number=index + 1, name=phase.name, lasts=lasts, state=state)
            self.menu.addAction(name, partial(self.phase_asked.emit, index))

    def _begin(self) -> None:
        if self._begins is not None:
            self.phase_asked.emit(self._begins)

    def _button(self, message_id: str, pressed: object = None) -> QPushButton:
        button = QPushButton(text(message_id))
        if pressed is not None:
            button.clicked.connect(pressed)
        return button


class FractionBar(QWidget):
    """How much of the phase is over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(6)
        self._fraction: float | None = None

    def show_fraction(self, fraction: float | None) -> None:
        """0–1, or None for nothing."""
        if fraction != self._fraction:
            self._fraction = fraction
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line that fills."""
        super().paintEvent(event)
        if self._fraction is None:
            return
        painter = QPainter(self)
        box = QRectF(self.rect()).adjusted(0, 1, 0, -1)
        painter.fillRect(box, theme.colour("muted", 0.35))
        box.setWidth(box.width() * self._fraction)
        painter.fillRect(box, theme.colour("info"))
