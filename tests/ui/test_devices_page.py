"""The Devices screen with real widgets: cards, the lit card, adding, editing, refusing, removing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from devices_screen import ADC, E4, Screen
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from synthetic_bedside import event

from hemoview.ui.parts import theme
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.errors import SessionError
from recorder.host import virtual_bedside


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Screen]:
    theme.apply(qapp)
    made = Screen(qtbot, tmp_path)
    yield made
    made.devices.close()
    made.bridge.stop()


def test_cards_show_traces_and_the_pressed_band_lights_up(screen: Screen) -> None:
    cards = screen.page.cards
    assert list(cards) == ["e4", "adc"]
    screen.page.tick()
    trace = cards["e4"].rows["e4.bvp"].trace
    assert trace is not None and trace.shown.x.size > 50
    assert "9ff167" in cards["e4"].identity.text()
    assert not cards["e4"].lit
    screen.bed.events.append(
        event("marker", screen.bed.clock.now_ns, label="tag", device_id="e4", serial="9ff167")
    )
    screen.bed.tell()
    screen.look()
    assert cards["e4"].lit and not cards["adc"].lit
    assert "9ff167" in cards["e4"].answered.text()


def test_a_device_is_added_without_a_file(screen: Screen) -> None:
    screen.page.add.click()
    dialog = screen.devices.dialog
    assert dialog is not None
    dialog.kind.setCurrentIndex(dialog.kind.findData("serial-adc"))
    screen.until(lambda: bool(dialog.ports))
    dialog.save.click()
    assert "port" in dialog.notes["port"].text()
    assert not screen.recorder.configured()
    port = dialog.inputs["port"]
    assert isinstance(port, QComboBox)
    port.setCurrentIndex(0)
    port.activated.emit(0)
    baud = dialog.inputs["baud"]
    assert isinstance(baud, QComboBox)
    baud.setCurrentIndex(baud.findData(9600))
    screen.tick("simulated")
    dialog.save.click()
    screen.until(lambda: bool(screen.recorder.configured()))
    added = screen.recorder.configured()[-1]
    assert (added["device_id"], added["options"]) == ("adc2", {"port": "/dev/ttyUSB0", "baud": 9600})
    assert added["simulated"] and added["required"]
    assert [d["device_id"] for d in screen.recorder.configured()] == ["e4", "adc", "adc2"]
    screen.until(lambda: not dialog.isVisible())
    assert "adc2" in screen.devices._trials, "what was set is tested at once"


def test_a_refusal_of_the_recorder_keeps_the_dialog_and_what_was_typed(screen: Screen) -> None:
    screen.recorder.answers["configure"] = SessionError("e4: is being recorded; press Stop first")
    screen.page.cards["e4"].buttons["edit"].click()
    dialog = screen.devices.dialog
    assert dialog is not None and not dialog.kind.isEnabled()
    screen.type("host", "192.0.2.7")
    assert dialog.inputs["unencrypted_ok"].isVisible()
    dialog.save.click()
    assert "not encrypted" in dialog.notes["unencrypted_ok"].text()
    screen.tick("unencrypted_ok")
    dialog.save.click()
    screen.until(lambda: "press Stop first" in dialog.problem.text())
    assert dialog.isVisible() and dialog.form.options["host"] == "192.0.2.7"
    dialog.reject()


def test_what_another_window_added_meanwhile_stays(screen: Screen) -> None:
    cuff = DeviceConfig("manual-cuff", "cuff")
    screen.recorder.answers["describe"]["configured"].append(asdict(cuff))
    screen.page.cards["e4"].buttons["edit"].click()
    assert screen.devices.dialog is not None
    screen.type("band", "7a3166")
    screen.devices.dialog.save.click()
    screen.until(lambda: bool(screen.recorder.configured()))
    assert [d["device_id"] for d in screen.recorder.configured()] == ["e4", "adc", "cuff"]


def test_removing_is_asked_first(screen: Screen) -> None:
    screen.page.cards["adc"].buttons["remove"].click()
    box = next(b for b in screen.window.findChildren(QMessageBox) if b.isVisible())
    assert "Serial ADC" in box.text() and not screen.recorder.configured()
    yes = next(b for b in box.buttons() if box.buttonRole(b) == QMessageBox.ButtonRole.AcceptRole)
    screen.qtbot.mouseClick(yes, Qt.MouseButton.LeftButton)
    screen.until(lambda: bool(screen.recorder.configured()))
    assert [d["device_id"] for d in screen.recorder.configured()] == ["e4"]


def test_a_recorded_device_cannot_be_edited_and_the_card_says_why(screen: Screen) -> None:
    screen.bed.recording = True
    screen.bed.run(0.6)
    screen.describe(E4, ADC)
    screen.look()
    card = screen.page.cards["e4"]
    assert not card.buttons["edit"].isEnabled() and not card.buttons["remove"].isEnabled()
    assert "after Stop" in card.locked.text()
    assert screen.page.add.isEnabled()


def test_a_test_of_a_new_device_says_what_is_wrong(screen: Screen) -> None:
    screen.page.add.click()
    dialog = screen.devices.dialog
    assert dialog is not None
    screen.type("port", "1")
    dialog.test.click()
    screen.until(lambda: any("Nothing" in line for line in dialog.trial.texts))
    assert dialog.test.isEnabled()
    dialog.reject()


def test_every_control_has_a_name_a_size_for_gloves_and_is_reached_by_keyboard(screen: Screen) -> None:
    screen.page.add.click()
    assert screen.devices.dialog is not None
    for root in (screen.page, screen.devices.dialog):
        for control in root.findChildren(QWidget):
            if (
                not isinstance(control, (QPushButton, QLineEdit, QComboBox, QCheckBox))
                or not control.isVisible()
            ):
                continue
            if isinstance(control.parent(), QComboBox):
                continue
            name = control.accessibleName() or (control.text() if isinstance(control, QPushButton) else "")
            assert name, control.objectName()
            assert control.height() >= theme.touch_px() - 6, (name, control.height())
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus or not control.isEnabled(), name
    screen.devices.dialog.reject()


def test_pairing_by_button_lights_the_band_that_answered_and_takes_it(screen: Screen, tmp_path: Path) -> None:
    e4 = {"serial": "9ff167", "port": 0, "companions": ["7a3166"]}
    bedside = virtual_bedside.start(tmp_path / "b", Clock(), {"seed": 1, "script": "rest", "e4": e4})
    try:
        options = {"host": "127.0.0.1", "port": bedside.ready["e4"]["port"], "band": "9ff167"}
        screen.describe(DeviceConfig("e4-tcp", "e4", options, simulated=True), ADC)
        screen.devices.pairing._clock = Clock()
        screen.page.cards["e4"].buttons["pair"].click()
        dialog = screen.devices.pairing.dialog
        assert dialog is not None
        screen.qtbot.waitUntil(lambda: len(dialog.rows) == 2, timeout=20_000)
        assert not dialog.rows["7a3166"].use.isEnabled()
        screen.qtbot.waitUntil(lambda: "listening" in dialog.rows["7a3166"].state.text(), timeout=20_000)
        bedside.press_button("7a3166")
        screen.qtbot.waitUntil(lambda: dialog.rows["7a3166"].lit, timeout=20_000)
        assert not dialog.rows["9ff167"].lit and "7a3166 answered" in dialog.advice.text()
        dialog.rows["7a3166"].use.click()
        screen.until(lambda: bool(screen.recorder.configured()))
        assert screen.recorder.configured()[0]["options"]["band"] == "7a3166"
        assert not dialog.isVisible()
    finally:
        bedside.stop()


def test_a_band_connected_by_radio_answers_by_its_live_link(screen: Screen) -> None:
    screen.recorder.answers["scan"] = {"found": [], "error": ""}
    screen.describe(DeviceConfig("e4-ble", "e4", {"address": "9ff167"}, simulated=True), ADC)
    screen.page.cards["e4"].buttons["pair"].click()
    dialog = screen.devices.pairing.dialog
    assert dialog is not None
    screen.until(lambda: list(dialog.rows) == ["9ff167"])
    assert "this station uses it" in dialog.rows["9ff167"].state.text()
    screen.bed.events.append(event("marker", screen.bed.clock.now_ns, label="tag", device_id="e4"))
    screen.bed.tell()
    screen.until(lambda: dialog.rows["9ff167"].lit)
    dialog.reject()


def test_no_bluetooth_is_said_in_the_dialog(screen: Screen) -> None:
    screen.recorder.answers["scan"] = {
        "found": [],
        "error": "This computer has no Bluetooth: plug an adapter in",
    }
    screen.describe(DeviceConfig("e4-ble", "e4"), ADC)
    screen.page.cards["e4"].buttons["pair"].click()
    dialog = screen.devices.pairing.dialog
    assert dialog is not None
    screen.until(lambda: "plug an adapter in" in dialog.advice.text())
    dialog.reject()


def test_a_radio_device_is_searched_for_and_chosen_by_its_address(screen: Screen) -> None:
    found = {"address": "C0:01", "name": "Empatica E4", "rssi_dbm": -60, "kind": "e4-ble"}
    other = {"address": "C0:02", "name": "Polar H10", "rssi_dbm": -50, "kind": "ble-hr"}
    screen.recorder.answers["scan"] = {"found": [found, other], "error": ""}
    screen.page.add.click()
    dialog = screen.devices.dialog
    assert dialog is not None
    dialog.kind.setCurrentIndex(dialog.kind.findData("e4-ble"))
    assert dialog.search is not None
    dialog.search.click()
    assert not dialog.search.isEnabled()
    address = dialog.inputs["address"]
    assert isinstance(address, QComboBox)
    screen.until(lambda: address.count() == 1)
    assert dialog.search.isEnabled() and "C0:01" in address.itemText(0)
    address.setCurrentIndex(0)
    address.activated.emit(0)
    dialog.save.click()
    screen.until(lambda: bool(screen.recorder.configured()))
    assert screen.recorder.configured()[-1]["options"] == {"address": "C0:01"}


def test_where_there_is_no_room_beside_the_streams_stand_below(screen: Screen) -> None:
    page = screen.devices.page()
    screen.qtbot.addWidget(page)
    page.resize(640, 800)
    page.show()
    card = page.cards["e4"]
    screen.until(lambda: card.rows["e4.bvp"].name.mapTo(card, QPoint()).y() > card.state.geometry().bottom())
    assert card.width() <= page.area.viewport().width()
    shown = [button for button in card.buttons.values() if button.isVisible()]
    assert all(button.geometry().right() <= card.width() for button in shown)
    page.resize(1200, 800)
    screen.until(lambda: card.rows["e4.bvp"].name.mapTo(card, QPoint()).x() > 300)
