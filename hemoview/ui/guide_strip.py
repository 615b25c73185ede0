"""The strip that guides: phase and countdown, what is due with its buttons, posture; after Stop the checklist."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui import theme
from hemoview.ui.catalogue import text, words
from hemoview.ui.numerics_view import Words
from hemoview.viewmodel.guide import GuidePhase, GuidePrompt, GuideView

EXTEND_MIN = (1, 2, 5, 10)
BOXES_A_ROW = 3
SHOWN = 2
"""Prompts at once: more would take the room of the waves."""
DEFAULT_CHECKLIST = ("guide-check-clean", "guide-check-charge", "guide-check-ready")


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
        self.hide()

    def show_view(self, view: GuideView) -> None:
        """Set what changed."""
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
        self.title, self.countdown = Words(16, bold=True), Words(26, bold=True)
        self.bar = FractionBar()
        self.note, self.posture = Words(13), Words(13)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
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
        self._begins: int | None = None
        self._phases: tuple[GuidePhase, ...] = ()
        self.protocol = (self.title, self.countdown, self.begin, self.end, self.extend, self.list)
        said = QVBoxLayout()
        said.setSpacing(0)
        said.addWidget(self.note)
        said.addWidget(self.bar)
        row = QHBoxLayout(self)
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
        ):
            row.addWidget(widget)

    def show_view(self, view: GuideView) -> None:
        """Everything of a running session."""
        for widget in self.protocol:
            widget.setVisible(view.title is not None)
        self.title.show_text(words(view.title), "text")
        self.countdown.show_text(view.countdown, "info")
        self.countdown.setVisible(bool(view.countdown))
        self.bar.show_fraction(view.fraction)
        self.note.show_text(
            " · ".join(part for part in (view.instruction, words(view.following)) if part), "quiet"
        )
        self.note.setToolTip(self.note.text())
        self.posture.show_text(words(view.posture), "quiet")
        self._begins = view.begins
        self.begin.setVisible(view.title is not None and not view.can_end and view.begins is not None)
        self.end.setVisible(view.can_end)
        self.extend.setVisible(view.can_end)
        self.extend.setEnabled(view.can_extend)
        if view.phases != self._phases:
            self._fill(view.phases)

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


class PromptRows(QWidget):
    """What is due, with its buttons. Rows are kept while the same things are due: somebody may be about to press."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
        self.rows: list[PromptRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self.hide()

    def show_prompts(self, prompts: tuple[GuidePrompt, ...]) -> None:
        """The first of them."""
        kept = prompts[:SHOWN]
        shown = tuple((p.key, p.actions, p.overdue) for p in kept)
        if shown != self._shown:
            self._shown = shown
            for row in self.rows:
                self._column.removeWidget(row)
                row.deleteLater()
            self.rows = [PromptRow(prompt) for prompt in kept]
            for row in self.rows:
                row.asked.connect(self.asked)
                self._column.addWidget(row)
        for row, prompt in zip(self.rows, kept, strict=True):
            row.show_message(prompt)
        self.setVisible(bool(kept))


class PromptRow(QFrame):
    """One prompt."""

    asked = Signal(str)

    def __init__(self, prompt: GuidePrompt) -> None:
        super().__init__()
        self.setObjectName("banner-warn" if prompt.overdue else "banner-info")
        self.label = Words(16, bold=True)
        self.label.setWordWrap(True)
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 4, 2)
        row.setSpacing(6)
        row.addWidget(self.label, 1)
        for action in prompt.actions:
            button = QPushButton(text(f"button-guide-{action}"))
            button.clicked.connect(partial(self.asked.emit, action))
            self.buttons[action] = button
            row.addWidget(button)

    def show_message(self, prompt: GuidePrompt) -> None:
        """Its words."""
        self.label.show_text(f"{'▲' if prompt.overdue else '●'}  {words(prompt.message)}", "text")


class AfterRow(QWidget):
    """After Stop: lines to tick, and the next subject."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dismissed = False
        self._lines: tuple[str, ...] = ()
        self.boxes: list[QCheckBox] = []
        self.title = Words(16, bold=True)
        self.title.show_text(text("guide-after"), "text")
        self.next = QPushButton(text("button-guide-next-subject"))
        self.next.setObjectName("start")
        self.done = QPushButton(text("button-guide-hide"))
        self.next.clicked.connect(partial(self._leave, "next-subject"))
        self.done.clicked.connect(partial(self._leave, "hide"))
        self._boxes = QGridLayout()
        self._boxes.setHorizontalSpacing(18)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addWidget(self.title)
        row.addLayout(self._boxes)
        row.addStretch()
        row.addWidget(self.done)
        row.addWidget(self.next)

    def show_lines(self, view: GuideView) -> None:
        """Boxes for these lines; ticks stay while the lines do."""
        lines = tuple(text(line) for line in DEFAULT_CHECKLIST) if view.default_checklist else view.checklist
        if lines == self._lines:
            return
        self._clear()
        self._lines = lines
        for i, line in enumerate(lines):
            box = QCheckBox(line)
            self.boxes.append(box)
            self._boxes.addWidget(box, i // BOXES_A_ROW, i % BOXES_A_ROW)

    def forget(self) -> None:
        """Another recording runs: next time nothing is ticked."""
        self.dismissed = False
        if self._lines:
            self._clear()

    def _clear(self) -> None:
        self._lines = ()
        for box in self.boxes:
            self._boxes.removeWidget(box)
            box.deleteLater()
        self.boxes = []

    def _leave(self, action: str) -> None:
        self.dismissed = True
        self.asked.emit(action)
