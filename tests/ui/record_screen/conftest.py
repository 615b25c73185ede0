"""A synthetic bedside, calibrated, in a window of the smallest screen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from record_screen_rig import Pictures
from synthetic_bedside import SyntheticBedside, event

from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow


@pytest.fixture
def bed() -> SyntheticBedside:
    made = SyntheticBedside()
    made.events = [event("marker", made.start_ns, label="reference calibrated")]
    made.run(12.0)
    return made


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> MainWindow:
    theme.apply(qapp)
    made = MainWindow()
    made.ask_before_closing = False
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    return made


@pytest.fixture
def pictures(window: MainWindow, bed: SyntheticBedside) -> Pictures:
    return Pictures(window, bed)
