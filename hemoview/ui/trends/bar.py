"""The buttons under the trend: session, span, parameter groups, horizon. Each has a key, none takes the keyboard."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.picture.palette import colour
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import length_text
from hemoview.viewmodel.trends.lines import GROUPS
from hemoview.viewmodel.trends.model import TrendPage
from hemoview.viewmodel.trends.moves import SPANS_S

_NONE = Qt.KeyboardModifier.NoModifier
_MOVES: Final = (
    ("trends.closer", "+", Qt.Key.Key_Plus),
    ("trends.wider", "−", Qt.Key.Key_Minus),
    ("trends.whole", "", Qt.Key.Key_F),
)


class TrendsBar(QWidget):
    """Two rows of buttons.

    Signals: ``asked(key, modifiers)``, ``span_chosen(seconds)``, ``groups_chosen(frozenset)``,
    ``horizon_chosen(bool)``, ``baseline_asked("view" | "first")``, ``browse_asked()``, ``running_asked()``.
    """

    asked = Signal(Qt.Key, Qt.KeyboardModifier)
    span_chosen = Signal(int)
    groups_chosen = Signal(object)
    horizon_chosen = Signal(bool)
    baseline_asked = Signal(str)
    browse_asked = Signal()
    running_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: frozenset[str] = frozenset()
        self._span = QLabel()
        self._span.setMinimumWidth(1)
        self._span.setStyleSheet(f"color: {colour('dim').name()};")
        self._spans = {s: self._toggle(f"trends.span-{s}", "") for s in SPANS_S}
        for span_s, button in self._spans.items():
            button.clicked.connect(lambda _=False, s=span_s: self.span_chosen.emit(s))
        self._parameter_groups = {g: self._toggle(f"trends.group-{g}", "") for g in GROUPS}
        for group, button in self._parameter_groups.items():
            button.clicked.connect(lambda on, g=group: self._on_group(g, on=on))
        self._horizon = self._toggle("trends.horizon", "H")
        self._horizon.clicked.connect(self.horizon_chosen)
        self._other_baseline = False
        self._baseline = self._button("trends.baseline-view", "B")
        self._baseline.clicked.connect(
            lambda: self.baseline_asked.emit("first" if self._other_baseline else "view")
        )
        self._browse = self._button("trends.sessions", "Esc")
        self._browse.clicked.connect(self.browse_asked)
        self._running = self._button("trends.running", "")
        self._running.clicked.connect(self.running_asked)
        self._follow = self._toggle("trends.follow", "L")
        self._follow.clicked.connect(lambda: self.asked.emit(Qt.Key.Key_L, _NONE))
        self._moves = [self._move(*move) for move in _MOVES]
        self._lay_out()

    def _lay_out(self) -> None:
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for row in (upper, lower):
            row.setSpacing(6)
        for widget in (self._browse, self._running, self._follow):
            upper.addWidget(widget)
        upper.addStretch(1)
        upper.addWidget(self._span)
        upper.addStretch(1)
        for widget in self._spans.values():
            upper.addWidget(widget)
        for widget in self._parameter_groups.values():
            lower.addWidget(widget)
        lower.addStretch(1)
        for widget in (*self._moves, self._horizon, self._baseline):
            lower.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._upper = upper
        column.addLayout(upper)
        column.addLayout(lower)

    def add(self, button: QPushButton) -> None:
        """One more, beside those of the session."""
        self._upper.insertWidget(3, button)

    def show_page(self, page: TrendPage) -> None:
        """Which buttons are on, and which may be pressed."""
        facts, wish = page.review.facts, page.review.wish
        there = facts is not None
        for span_s, button in self._spans.items():
            button.setEnabled(there)
            button.setChecked(page.span_s == span_s)
        for move in (*self._moves, self._horizon, self._baseline):
            move.setEnabled(there)
        for group, button in self._parameter_groups.items():
            button.setEnabled(group in page.offered)
            button.setChecked(group in page.choice.groups and group in page.offered)
        self._groups = page.choice.groups
        self._horizon.setChecked(page.choice.horizon)
        self._other_baseline = page.choice.baseline is not None
        which = "trends.baseline-first" if self._other_baseline else "trends.baseline-view"
        self._baseline.setText(text(which))
        self._baseline.setAccessibleName(text(which))
        self._follow.setVisible(facts is not None and facts.live)
        self._follow.setChecked(wish.follow)
        shown = text("trends.in-view", length=length_text(wish.span_s)) if there else ""
        self._span.setText(shown if page.complete else text("trends.reading", shown=shown))

    def show_running(self, *, can: bool) -> None:
        """Whether there is a running session other than the one shown."""
        self._running.setVisible(can)

    def _on_group(self, group: str, *, on: bool) -> None:
        groups = self._groups | {group} if on else self._groups - {group}
        self.groups_chosen.emit(groups or self._groups)

    def _move(self, message_id: str, sign: str, key: Qt.Key) -> QPushButton:
        button = self._button(message_id, "")
        if sign:
            button.setText(sign)
            button.setMinimumWidth(48)
        button.clicked.connect(lambda: self.asked.emit(key, _NONE))
        return button

    def _toggle(self, message_id: str, key: str) -> QPushButton:
        button = self._button(message_id, key)
        button.setCheckable(True)
        return button

    def _button(self, message_id: str, key: str) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setAccessibleName(text(message_id))
        if key:
            button.setToolTip(text("trends.key", key=key))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
