"""A station of emulators and a recorder in processes of their own, and windows on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from chain_rig import BEDSIDE, STATION
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview import app
from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Path]:
    clock = Clock()
    bedside = virtual_bedside.start(tmp_path / "bedside", clock, BEDSIDE)
    try:
        processes.ensure_recorder(STATION, tmp_path, clock=clock)
        with StationClient(STATION, tmp_path, name="setup") as client:
            client.call("configure", 20.0, devices=[asdict(c) for c in bedside.device_configs()])
            calibration = bedside.calibration(clock)
            assert calibration is not None
            client.call("calibrate", **calibration.to_json())
            client.call("release_control")
        yield tmp_path
    finally:
        bedside.stop()
        processes.stop_station(STATION, tmp_path, force=True)


@pytest.fixture
def opened(qtbot: QtBot, qapp: QApplication, station: Path) -> Iterator[Callable[..., app.Shell]]:
    """Opens windows on the station; whatever is still open at the end is closed."""
    shells: list[app.Shell] = []

    def open_one(*, keep_session: bool = True) -> app.Shell:
        _, made = app.open_window(app.AppOptions(station=STATION, home=station, keep_session=keep_session))
        shells.append(made)
        return made

    yield open_one
    for made in shells:
        made.window.ask_before_closing = False
        made.window.close()
        made.window.deleteLater()
