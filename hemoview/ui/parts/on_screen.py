"""Keeps windows on a small or strongly scaled screen: no dialog reaches beyond it, and its buttons stay in sight."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QFrame,
    QLayout,
    QMessageBox,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme

SMALL_PX: Final = QSize(1000, 720)
"""On a screen with less room, dialogs scroll what does not fit: 1280 × 800 at 125 % and more."""
TITLE_PX: Final = 32
"""Of a title bar the window manager has not told about yet."""


def watch(app: QApplication) -> None:
    """Every dialog of ``app`` is fitted when it comes to the front. Nothing is done where there is no real screen."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return
    app.focusWindowChanged.connect(lambda _window: _fit_dialogs())


def first_size(wanted: QSize, screen: QScreen | None) -> QSize:
    """Of the main window: as wanted, or as much as the screen has."""
    if screen is None or QGuiApplication.platformName() in ("offscreen", "minimal"):
        return wanted
    room = screen.availableGeometry()
    return wanted.boundedTo(QSize(room.width(), room.height() - TITLE_PX))


def _fit_dialogs() -> None:
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog) and dialog.isVisible():
            fit(dialog, dialog.screen().availableGeometry())


def fit(dialog: QDialog, room: QRect) -> None:
    """Within ``room``, and scrolled where that is not enough; a dialog that fits is left as it is.

    Args:
        dialog: shown. The system's own kinds, files and messages, look after themselves.
        room: of the screen that may be used, px.
    """
    if isinstance(dialog, QFileDialog | QMessageBox):
        return
    frame = dialog.frameGeometry()
    edge = QSize(frame.width() - dialog.width(), max(TITLE_PX, frame.height() - dialog.height()))
    most = room.size() - edge
    small = room.width() < SMALL_PX.width() or room.height() < SMALL_PX.height()
    least = dialog.minimumSizeHint().expandedTo(dialog.minimumSize())
    cramped = least.width() > most.width() or least.height() > most.height()
    if small and (cramped or not dialog.findChildren(QScrollArea)):
        scrolled(dialog)
    if not room.contains(frame):
        dialog.resize(dialog.size().boundedTo(most))
        frame = QRect(frame.topLeft(), dialog.size() + edge)
        left = min(max(frame.left(), room.left()), room.right() + 1 - frame.width())
        top = min(max(frame.top(), room.top()), room.bottom() + 1 - frame.height())
        dialog.move(left, top)


def scrolled(dialog: QDialog) -> None:
    """What the dialog holds goes into an area that scrolls; its last row, the buttons, stays below. Once is enough."""
    layout = dialog.layout()
    if layout is None or dialog.findChild(QScrollArea, "on-screen") is not None:
        return
    size, focused = dialog.size(), dialog.focusWidget()
    inside = QWidget()
    inside.setLayout(layout)  # with everything in it
    if inside.findChildren(QStackedWidget):  # whose wrapped lines tell nobody how high they are
        inside.setMinimumHeight(size.height() - 2 * theme.touch_px())
    area = QScrollArea()
    area.setObjectName("on-screen")
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    whole = QVBoxLayout(dialog)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.addWidget(area, 1)
    last = layout.itemAt(layout.count() - 1) if isinstance(layout, QVBoxLayout) else None
    buttons = last.layout() if last is not None else None
    if buttons is not None:
        _take_last(layout)
        below = QVBoxLayout()
        margins = layout.contentsMargins()
        below.setContentsMargins(margins.left(), 0, margins.right(), margins.bottom())
        below.addLayout(buttons)
        whole.addLayout(below)
    dialog.setMinimumSize(0, 0)
    dialog.resize(size)
    if focused is not None:  # what moves to another parent loses it
        focused.setFocus()


def _take_last(layout: QLayout) -> None:
    """The row stays alive: its new place owns it."""
    row = layout.takeAt(layout.count() - 1)
    nested = row.layout() if row is not None else None
    if nested is not None:
        nested.setParent(None)
