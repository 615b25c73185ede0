"""An empty station, two devices, no file: added, tested, paired, calibrated and recorded by the screen alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_rig import start_session, until
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview import app
from hemoview.ui.devices.page import DevicesPage
from recorder import session
from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.virtual_bedside import VirtualBedside

STATION = "empty-bed"
BEDSIDE = {
    "seed": 5,
    "script": "rest",
    "e4": {"serial": "9ff167", "port": 0, "companions": ["7a3166"]},
    "adc": {"profile": "lab-adc-binary", "link": "socket"},
}


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[VirtualBedside]:
    made = virtual_bedside.start(tmp_path / "bedside", Clock(), BEDSIDE)
    yield made
    made.stop()


@pytest.fixture
def shell(qtbot: QtBot, qapp: QApplication, tmp_path: Path, bedside: VirtualBedside) -> Iterator[app.Shell]:
    _, made = app.open_window(app.AppOptions(station=STATION, home=tmp_path, keep_session=True))
    yield made
    made.window.ask_before_closing = False
    made.window.close()
    made.window.deleteLater()
    processes.stop_station(STATION, tmp_path, force=True)


def fill(shell: app.Shell, **typed: str) -> None:
    dialog = shell.devices.dialog
    assert dialog is not None
    for name, value in typed.items():
        field = dialog.inputs[name]
        if isinstance(field, QComboBox) and field.isEditable():
            field.setEditText(value)
        elif isinstance(field, QComboBox):
            field.setCurrentIndex(field.findData(value))
        else:
            assert isinstance(field, QLineEdit)
            field.setText(value)
    simulated = dialog.inputs["simulated"]
    assert isinstance(simulated, QCheckBox)
    simulated.setChecked(True)


def add(qtbot: QtBot, shell: app.Shell, page: DevicesPage, kind: str, **typed: str) -> None:
    """As an operator does: add, choose, type, test, save."""
    page.add.click()
    dialog = shell.devices.dialog
    assert dialog is not None
    dialog.kind.setCurrentIndex(dialog.kind.findData(kind))
    fill(shell, **typed)
    dialog.test.click()
    until(qtbot, lambda: any("Works" in line for line in dialog.trial.texts), 20)
    dialog.save.click()
    until(qtbot, lambda: not dialog.isVisible(), 10)


@pytest.mark.slow
def test_two_devices_are_added_tested_and_recorded_by_the_screen_alone(
    qtbot: QtBot, shell: app.Shell, bedside: VirtualBedside, tmp_path: Path
) -> None:
    until(qtbot, lambda: shell.view is not None and shell.view.header.can_start, 20)
    shell.window.header.tabs["devices"].click()
    page = shell.window.pages.currentWidget()
    assert isinstance(page, DevicesPage)
    until(qtbot, page.empty.isVisible, 5)
    add(qtbot, shell, page, "e4-tcp", port=str(bedside.ready["e4"]["port"]))
    add(qtbot, shell, page, "serial-adc", port=bedside.ready["adc"]["port"], profile="lab-adc-binary")
    until(qtbot, lambda: set(page.cards) == {"e4", "adc"}, 10)
    until(qtbot, lambda: all(link.state == "streaming" for link in shell.model.status.links), 20)  # type: ignore[union-attr]
    for device_id in ("e4", "adc"):
        page.cards[device_id].buttons["test"].click()
        until(qtbot, lambda name=device_id: any("Works" in t for t in page.cards[name].trial.texts), 20)  # type: ignore[misc]
    trace = page.cards["adc"].rows["adc.wave"].trace
    assert trace is not None and trace.shown.x.size > 100
    start_session(qtbot, shell)
    bedside.press_button()
    until(qtbot, lambda: page.cards["e4"].lit, 10)
    assert "9ff167" in page.cards["e4"].answered.text() and not page.cards["adc"].lit
    until(qtbot, lambda: not page.cards["e4"].buttons["edit"].isEnabled(), 10)
    folder = Path(shell.model.status.session.folder)  # type: ignore[union-attr]
    qtbot.wait(1500)
    shell.operations.command("stop", timeout_s=60.0, reason="operator")
    until(qtbot, lambda: shell.view is not None and not shell.view.header.recording, 30)
    with session.open(folder) as stored:
        assert {d.device_id for d in stored.header.devices} == {"e4", "adc"}
        assert stored.header.simulated
        assert stored.rows("adc.wave") > 100 and stored.rows("e4.bvp") > 60
        tags = [e for e in stored.events("marker") if e.payload["label"] == "tag"]
        assert [(e.payload["device_id"], e.payload["serial"]) for e in tags] == [("e4", "9ff167")]
