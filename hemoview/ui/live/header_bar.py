"""The line on top of every page: who is recorded, since when, how much room, Start and Stop."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QKeySequence, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import LEAST_PX, Fitted, Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.record_view import HeaderView
from hemoview.viewmodel.live.service import SyncLine
from hemoview.viewmodel.messages import Message

_BATTERY_ROLES = {"ok": "quiet", "warn": "warn", "danger": "danger"}
_DISK_ROLES = {"ok": "quiet", "24h": "info", "2h": "warn", "15min": "danger", "stopped": "danger"}


class Yielding(Fitted):
    """Wants the room of its words in full size; where there is less, they become smaller instead of being cut."""

    def __init__(self, pixels: int, *, bold: bool = False) -> None:
        super().__init__(pixels, bold=bold)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(1)

    def sizeHint(self) -> QSize:
        """Of the full size, whatever is shown now."""
        metrics = QFontMetrics(theme.font(self._pixels, bold=self._bold))
        return QSize(metrics.horizontalAdvance(self.text()) + 4 if self.text() else 0, metrics.height())


class Whole(Yielding):
    """Keeps the room of its words in the smallest size: "96 %" that is cut reads 9."""

    def show_text(self, shown: str, role: str) -> None:
        """Words in the colour of ``role``."""
        widest = "".join("0" if c.isdigit() else c for c in shown)
        least_px = QFontMetrics(theme.font(LEAST_PX)).horizontalAdvance(widest)
        self.setMinimumWidth(least_px + 2 if shown else 1)
        super().show_text(shown, role)


class Vanishing(Yielding):
    """Words that may be missing: where they have no room in the smallest size they are not painted, rather than cut."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The tool tip says them still."""
        if self.fontMetrics().horizontalAdvance(self.text()) <= self.width():
            super().paintEvent(event)


class HeaderBar(QFrame):
    """Tabs left, the recording in the middle, room and buttons right; what is rarely touched is in the menu."""

    page_chosen = Signal(str)
    start_asked = Signal()
    stop_asked = Signal()
    correct_asked = Signal()
    show_asked = Signal()
    about_asked = Signal()
    control_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self._group, self.tabs = QButtonGroup(self), dict[str, QPushButton]()
        self.recording, self.subject, self.template = (
            Words(22, bold=True),
            Words(22, bold=True),
            Vanishing(14),
        )
        self.disk, self.battery, self.control = Whole(15), Whole(15), Yielding(13)
        self.sync = Yielding(15)
        self.amended = Words(14, bold=True)
        self.start = self._button("button-start", self.start_asked, "start")
        self.stop = self._button("button-stop", self.stop_asked, "stop")
        self.take = self._button("button-take-control", self.control_asked)
        self.menu, self.actions_by_id = QMenu(self), dict[str, QAction]()
        self.menu_button = self._menu_button()
        for message_id, asked in (
            ("button-show", self.show_asked),
            ("button-correct", self.correct_asked),
            ("button-about", self.about_asked),
        ):
            self.add_action(message_id, asked.emit)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(8, 3, 8, 3)
        self.row.setSpacing(8)
        for label in (self.recording, self.subject, self.amended):
            self.row.addWidget(label)
        self.template.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.row.addWidget(self.template, 1)
        right: tuple[QWidget, ...] = (
            self.control,
            self.take,
            self.battery,
            self.disk,
            self.sync,
            self.menu_button,
        )
        for widget in right:
            self.row.addWidget(widget)
        self.row.addWidget(self.start)
        self.row.addWidget(self.stop)

    def add_action(
        self, message_id: str, act: Callable[[], object], keys: str = "", before: str = ""
    ) -> QAction:
        """An entry of the menu, at its end or before another's; ``keys`` work wherever the window has the focus."""
        action = QAction(text(message_id), self)
        if keys:
            action.setShortcut(QKeySequence(keys))
            self.window().addAction(action)
        action.triggered.connect(lambda _=False: act())
        self.menu.insertAction(self.actions_by_id[before] if before else None, action)  # type: ignore[arg-type]
        self.actions_by_id[message_id] = action
        return action

    def add_tab(self, name: str, before: str = "") -> None:
        """A page's button, behind those that are there or before another's."""
        button = QPushButton(text(f"tab-{name}"))
        button.setObjectName("tab")
        button.setCheckable(True)
        self._group.addButton(button)
        button.clicked.connect(lambda: self.page_chosen.emit(name))
        place = self.row.indexOf(self.tabs[before]) if before else len(self.tabs)
        self.row.insertWidget(place, button)
        self.tabs[name] = button
        if self.isVisible():
            self._order()

    def showEvent(self, event: QShowEvent) -> None:
        """In the window's own order now, which did not exist when the buttons were made."""
        super().showEvent(event)
        self._order()

    def _order(self) -> None:
        """Tab walks from left to right."""
        placed = [item.widget() for i in range(self.row.count()) if (item := self.row.itemAt(i)) is not None]
        reached = [w for w in placed if isinstance(w, QPushButton | QToolButton)]
        for first, then in pairwise(reached):
            self.setTabOrder(first, then)

    def show_view(self, view: HeaderView) -> None:
        """Set words and which buttons work."""
        self.recording.show_text(
            f"● {text('header-recording', elapsed=view.elapsed)}" if view.recording else "", "danger"
        )
        self.subject.show_text(words(view.subject), "text" if view.recording else "muted")
        self.amended.show_text(text("header-amended-short") if view.amended else "", "warn")
        self.amended.setToolTip(words(view.amended))
        self.amended.setAccessibleDescription(words(view.amended))
        self.actions_by_id["button-correct"].setEnabled(view.recording)
        self.start.setText(text("button-next-subject" if view.next_subject else "button-start"))
        named = text("header-template", template=view.template) if view.template and view.recording else ""
        self.template.show_text(named, "quiet")
        self.template.setToolTip(named)
        self.disk.show_text(words(view.disk), _DISK_ROLES[view.disk_level])
        self._show_sync(view.sync)
        self.battery.show_text(words(view.battery), _BATTERY_ROLES[view.battery_level])
        self.control.show_text(words(view.control), "warn")
        self.take.setVisible(view.control is not None)
        self.start.setVisible(not view.recording)
        self.stop.setVisible(view.recording)
        self.start.setEnabled(view.can_start)
        self.stop.setEnabled(view.can_stop)

    def _show_sync(self, line: SyncLine | None) -> None:
        self.sync.show_text(words(line.message) if line else "", line.level if line else "quiet")
        whole = words(line.whole) if line and line.whole else ""
        self.sync.setToolTip(whole)
        self.sync.setAccessibleDescription(whole)

    def _menu_button(self) -> QToolButton:
        button = QToolButton()
        button.setText(text("menu"))
        button.setAccessibleName(text("menu"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMinimumWidth(max(84, theme.touch_px()))
        button.setMenu(self.menu)
        return button

    def _button(self, message_id: str, signal: object, name: str = "") -> QPushButton:
        button = QPushButton(text(message_id))
        button.setObjectName(name)
        button.clicked.connect(signal)
        if name:
            button.setMinimumWidth(theme.touch_px() * 2)
            button.setFont(theme.font(17, bold=True))
        return button


class Watermark(QLabel):
    """A striped line across the window while anything simulated or replayed is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(theme.font(13, bold=True))
        ground, stripe = theme.colour("simulated", 1).name(), theme.colour("simulated", 1).darker(118).name()
        stops = ", ".join(
            f"stop:{(i + part) / 40:.4f} {tone}"
            for i in range(40)
            for part, tone in ((0, ground if i % 2 else stripe), (0.98, ground if i % 2 else stripe))
        )
        self.setStyleSheet(
            f"color: #1b1204; background: qlineargradient(x1:0, y1:0, x2:1, y2:0.02, {stops});"
        )
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.short = False
        """Only the word, where a panel has no room for the sentence."""
        self.hide()

    def show_watermark(self, watermark: Message | None) -> None:
        """Show or hide it."""
        whole = "" if watermark is None else text("watermark-line", watermark=watermark)
        self.setText(words(watermark) if self.short else whole)
        self.setVisible(watermark is not None)
