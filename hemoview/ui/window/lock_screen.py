"""What stands in front of everything while the screen is hidden: that the recording goes on, and nothing of anybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.live.banners import SIGNS
from hemoview.ui.live.pin_dialog import PinDialog
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live import idle_lock
from hemoview.viewmodel.live.idle_lock import IdleLock

TOUCHES: Final = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.TouchBegin,
        QEvent.Type.Wheel,
    }
)
LOOK_MS: Final = 1000


class Curtain(QWidget):
    """Covers the whole window; ``unlock_asked`` when somebody wants to see it again."""

    unlock_asked = Signal()

    def __init__(self, window: MainWindow, asks_pin: bool) -> None:
        super().__init__(window)
        self.setObjectName("curtain")
        self.setAutoFillBackground(True)
        self.setAccessibleName(text("lock-title"))
        centre = Qt.AlignmentFlag.AlignHCenter
        self.title, self.recording = Words(30, bold=True, align=centre), Words(40, bold=True, align=centre)
        self.trouble, self.note = Words(18, align=centre), Words(15, align=centre)
        for label in (self.trouble, self.note):
            label.setWordWrap(True)
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.pin.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.pin.setAccessibleName(text("lock-pin"))
        self.pin.setPlaceholderText(text("lock-pin"))
        self.pin.setFixedWidth(theme.touch_px() * 5)
        self.pin.setVisible(asks_pin)
        self.pin.returnPressed.connect(self.unlock_asked)
        self.button = QPushButton(text("button-unlock"))
        self.button.setMinimumWidth(theme.touch_px() * 5)
        self.button.clicked.connect(self.unlock_asked)
        column = QVBoxLayout(self)
        column.setSpacing(18)
        column.addStretch()
        for label in (self.title, self.recording, self.trouble):
            column.addWidget(label)
        for widget in (self.pin, self.button):
            column.addWidget(widget, 0, centre)
        column.addWidget(self.note)
        column.addStretch()
        self.show()
        self.raise_()
        (self.pin if asks_pin else self.button).setFocus()

    def show_state(self, window: MainWindow, state: IdleLock, now_s: float) -> None:
        """Whether a recording goes on and is in trouble; nothing about whom."""
        self.setGeometry(window.rect())
        view = window.view
        recording = view is not None and view.header.recording
        self.title.show_text(text("lock-title"), "quiet")
        elapsed = (
            text("lock-recording", elapsed=view.header.elapsed) if view is not None and recording else ""
        )
        self.recording.show_text(elapsed or text("lock-idle"), "danger" if recording else "quiet")
        grave = [b for b in view.banners if b.level == "danger"] if view is not None else []
        self.trouble.show_text("\n".join(f"{SIGNS[b.level]}  {words(b.message)}" for b in grave), "danger")
        wait_s = state.wait_until_s - now_s
        said = (
            text("lock-wait", seconds=f"{wait_s:.0f}")
            if wait_s > 0
            else text("lock-wrong")
            if state.wrong
            else ""
        )
        self.note.show_text(said, "warn")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """No key reaches what is behind."""
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nor does a finger."""
        event.accept()


class LockScreen(QObject):
    """Hides ``window`` when nobody touched it for as long as ``after_min`` says.

    Args:
        window: what is hidden.
        pin_file: where a PIN is proved; none is asked for where it is not there.
        after_min: minutes, asked at each look; 0 = never.
    """

    def __init__(self, window: MainWindow, pin_file: Path, after_min: Callable[[], int]) -> None:
        super().__init__(window)
        self._window, self.pin_file, self._after_min = window, pin_file, after_min
        self.state = IdleLock(time.monotonic())
        self.curtain: Curtain | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(lambda: self.look(time.monotonic()))
        self._timer.start()

    def look(self, now_s: float) -> None:
        """Hide the screen if it is time; renew what the curtain says."""
        for window in QGuiApplication.topLevelWindows():  # touched before any widget; twice is once
            window.installEventFilter(self)
        self.state = self.state.look(now_s, self._after_min())
        if self.state.locked:
            self.hide_screen(now_s)

    def hide_screen(self, now_s: float) -> None:
        """Now."""
        if self.curtain is None:
            for dialog in QApplication.topLevelWidgets():
                if dialog is not self._window and dialog.isVisible() and dialog.isModal():
                    return  # somebody was in the midst of entering something: nothing of it is lost
            self.state = IdleLock(self.state.touched_s, locked=True)
            self.curtain = Curtain(self._window, idle_lock.has_pin(self.pin_file))
            self.curtain.unlock_asked.connect(self._try)
            self._shortcuts(on=False)
        self.curtain.show_state(self._window, self.state, now_s)

    def _shortcuts(self, *, on: bool) -> None:
        """Nothing is saved or opened by a key while the screen is hidden: shortcuts reach a window past its curtain."""
        for action in self._window.actions():
            action.setEnabled(on)

    def change_pin(self) -> None:
        """Ask for another PIN."""
        PinDialog(self.pin_file, self._window).open()

    def _try(self) -> None:
        assert self.curtain is not None
        now_s = time.monotonic()
        right = now_s >= self.state.wait_until_s and idle_lock.is_pin(self.pin_file, self.curtain.pin.text())
        self.state = self.state.tried(now_s, right=right)
        self.curtain.pin.clear()
        if self.state.locked:
            self.curtain.show_state(self._window, self.state, now_s)
        else:
            self.curtain.hide()
            self.curtain.deleteLater()
            self.curtain = None
            self._shortcuts(on=True)
            self._window.setFocus()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Whatever is touched in one of our windows counts."""
        if event.type() in TOUCHES:
            self.state = self.state.touched(time.monotonic())
        return False
