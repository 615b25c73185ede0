"""The Devices screen with real widgets, and a recorder that answers as it is told."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot
from synthetic_bedside import INFOS, SyntheticBedside

from hemoview.ui.devices.page import DevicesPage
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.device_operations import Bed, DeviceOperations
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.devices.contract import DeviceConfig

E4 = DeviceConfig("e4-tcp", "e4", {"band": "9ff167"}, simulated=True)
ADC = DeviceConfig("serial-adc", "adc", {"port": "/dev/ttyUSB0"}, simulated=True)
PORTS = [{"port": "/dev/ttyUSB0", "description": "CP2102", "maker": "", "usb_id": "10c4:ea60"}]


class Recorder:
    """Answers as told and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"ports": {"ports": PORTS}}

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        self.asked.append((verb, args))
        answer = self.answers.get(verb, {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def configured(self) -> list[dict[str, Any]]:
        """The devices it was last told to use."""
        return next((args["devices"] for verb, args in reversed(self.asked) if verb == "configure"), [])


class Screen:
    """The window on a bedside of formulas, its Devices page in front."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.bed, self.recorder, self.bridge = (
            qtbot,
            SyntheticBedside(recording=False),
            Recorder(),
            Bridge(),
        )
        self.bed.run(2.0)
        self.describe(E4, ADC)
        self.window = MainWindow(folder)
        self.window.ask_before_closing = False
        qtbot.addWidget(self.window)
        operations = Operations(
            self.window,
            self.bridge,
            self.recorder,
            WindowSettings(),
            client="window",
            wall_ns=lambda: 10**18,
            reference_now=lambda: None,
        )
        self.devices = DeviceOperations(
            operations, self.bridge, Bed(self.bed.model, self.bed.clock, "bed-1", folder)
        )  # type: ignore[arg-type]
        self.window.add_page("devices", self.devices.page)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.header.tabs["devices"].click()

    def describe(self, *configs: DeviceConfig) -> None:
        self.recorder.answers["describe"] = {
            "streams": [info.to_json() for info in INFOS],
            "calibrations": [c.to_json() for c in self.bed.calibrations],
            "configured": [asdict(c) for c in configs],
        }
        self.bed.model.described(self.recorder.answers["describe"])

    @property
    def page(self) -> DevicesPage:
        page = self.window.pages.currentWidget()
        assert isinstance(page, DevicesPage)
        return page

    def look(self) -> None:
        self.page.show_view(*self.devices.view_now())

    def until(self, holds: Any) -> None:
        self.qtbot.waitUntil(holds, timeout=30_000)

    def type(self, name: str, value: str) -> None:
        assert self.devices.dialog is not None
        field = self.devices.dialog.inputs[name]
        if isinstance(field, QComboBox):
            field.setEditText(value)
        else:
            assert isinstance(field, QLineEdit)
            field.setText(value)

    def tick(self, name: str) -> None:
        assert self.devices.dialog is not None
        box = self.devices.dialog.inputs[name]
        assert isinstance(box, QCheckBox)
        box.click()
