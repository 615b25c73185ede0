"""Screens are tested offscreen; a test that leaves a top-level widget alive fails."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "viewmodel"))

import pytest
from PySide6.QtCore import QEvent, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot


@pytest.fixture(autouse=True)
def _no_widget_left(qtbot: QtBot, request: pytest.FixtureRequest) -> Iterator[None]:
    """Top-level widgets of before and after are the same."""
    before = set(QApplication.topLevelWidgets())
    yield
    for widget, _ in getattr(request.node, "qt_widgets", []):
        widget.close()
        widget.deleteLater()
    request.node.qt_widgets = []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    left = [w for w in QApplication.topLevelWidgets() if w not in before and w.isVisible()]
    assert not left, f"left alive: {left}"


@pytest.fixture(scope="module", autouse=True)
def _left_standing() -> None:
    """What the modules before left and imported is not walked again after every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _collected_here() -> Iterator[None]:
    """As in the product, cycles with widgets in them are collected by the GUI thread only."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _quiet_offscreen() -> Iterator[None]:
    """The offscreen platform says that it knows no size hints, for every window."""

    def say(_kind: QtMsgType, _context: object, message: str) -> None:
        if "propagateSizeHints" not in message:
            sys.stderr.write(message + "\n")

    qInstallMessageHandler(say)
    yield
    qInstallMessageHandler(None)
