"""PySide6 6.12.0 on CPython 3.11 loses a reference to ``None`` on every void call and soon aborts the interpreter.

The pin in ``pyproject.toml`` keeps that version out; this test counts what the installed one does.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

CALLS = 5_000
TOLERANCE = 200
"""Other threads and caches move the count a little; a lost reference a call moves it by thousands."""


class _Emitter(QObject):
    told = Signal(int)

    def hear(self, _: int) -> None:
        pass


def _drift(work: object) -> int:
    assert callable(work)
    work()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        work()
    return sys.getrefcount(None) - before


def test_void_calls_of_widgets_keep_none(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)

    def touch() -> None:
        widget.update()
        widget.setEnabled(True)
        widget.resize(10, 10)

    assert abs(_drift(touch)) < TOLERANCE


def test_void_calls_of_painting_keep_none(qtbot: QtBot) -> None:
    image = QImage(16, 16, QImage.Format.Format_RGB32)
    painter = QPainter(image)

    def paint() -> None:
        painter.setPen(QColor("red"))
        painter.drawLine(QPointF(0, 0), QPointF(9, 9))
        painter.save()
        painter.restore()

    drift = _drift(paint)
    painter.end()
    assert abs(drift) < TOLERANCE


def test_signals_and_slots_keep_none(qtbot: QtBot) -> None:
    emitter = _Emitter()
    emitter.told.connect(emitter.hear)
    assert abs(_drift(lambda: emitter.told.emit(1))) < TOLERANCE
