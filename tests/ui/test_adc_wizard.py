"""The wizard on a real port: look, see, name, save, and the device is offered with the new profile."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot
from test_devices_page import Screen

from hemoview.ui import theme
from hemoview.ui.adc_wizard import AdcWizard
from hemoview.ui.device_operations import Bed
from recorder.clock import Clock
from recorder.devices import profiles
from recorder.protocols.serial_adc import encode

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")


@contextmanager
def adc(profile_name: str) -> Iterator[str]:
    """A device that sends 100 frames a second of a slow wave."""
    master, slave = os.openpty()
    pytest.importorskip("tty").setraw(slave)
    os.set_blocking(master, False)
    profile, ended = profiles.load(profile_name), threading.Event()

    def speak() -> None:
        """As many frames as are due by its own clock, however late it gets to run."""
        began, sent = time.monotonic(), 0
        while not ended.wait(0.02):
            due = int((time.monotonic() - began) * profile.rate_hz)
            frames = [encode(profile, i, i * 10_000, [900 + (i * 7) % 300]) for i in range(sent, due)]
            sent = due
            with contextlib.suppress(BlockingIOError):  # nobody reads: lost, as on a cable
                os.write(master, b"".join(frames))

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(slave)
        os.close(master)


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Screen]:
    theme.apply(qapp)
    made = Screen(qtbot, tmp_path)
    yield made
    made.devices.close()
    made.bridge.stop()


def opened(screen: Screen) -> AdcWizard:
    screen.page.wizard.click()
    assert screen.devices.wizard is not None
    return screen.devices.wizard


def test_an_unknown_adc_becomes_a_profile_and_a_device(screen: Screen, tmp_path: Path) -> None:
    screen.devices._bed = Bed(
        screen.bed.model, Clock(), "bed-1", tmp_path
    )  # the port's bytes come by the real clock
    with adc("lab-adc-ascii") as port:
        wizard = opened(screen)
        wizard.port_step.set_port(port)
        wizard.next.click()
        assert not wizard.next.isVisible()
        screen.qtbot.waitUntil(lambda: wizard.found is not None, timeout=60_000)
        assert "lines of text" in wizard.look_step.verdict.text()
        screen.qtbot.waitUntil(lambda: wizard.look_step.traces["adc0"].shown.x.size > 50, timeout=10_000)
        wizard.next.click()
        wizard.next.click()
        assert "1 to 40" in wizard.name_step._name_note.text()
        wizard.name_step.name.setText("ward-3")
        scale, name = (wizard.name_step.inputs["adc0", what] for what in ("scale", "name"))
        assert isinstance(scale, QLineEdit) and isinstance(name, QLineEdit)
        scale.setText("5/4096")
        name.setText("pressure")
        wizard.next.click()
        assert not wizard.isVisible()
    made = profiles.load(tmp_path / "profiles" / "ward-3.toml")
    assert (made.channels[0].field, made.rate_hz, made.counter) == ("pressure", 100.0, "seq")
    dialog = screen.devices.dialog
    assert dialog is not None and dialog.isVisible()
    assert dialog.form.options["profile"] == str(tmp_path / "profiles" / "ward-3.toml")
    shown = dialog.inputs["profile"]
    assert isinstance(shown, QComboBox) and shown.currentText() == "ward-3 (own)"
    dialog.save.click()
    screen.until(lambda: bool(screen.recorder.configured()))
    assert screen.recorder.configured()[-1]["options"]["port"] == port


def test_a_port_that_is_not_there_is_said_and_nothing_is_proposed(screen: Screen) -> None:
    wizard = opened(screen)
    wizard.port_step.set_port("/dev/no-such-port")
    wizard.next.click()
    screen.until(lambda: "no serial port" in wizard.look_step.verdict.text())
    assert wizard.again.isVisible() and not wizard.next.isVisible()
    wizard.reject()


def test_a_port_of_this_station_is_not_looked_at(screen: Screen) -> None:
    wizard = opened(screen)
    wizard.port_step.set_port("/dev/ttyUSB0")
    wizard.next.click()
    assert "Device adc of this station uses /dev/ttyUSB0" in wizard.port_step.problem.text()
    assert wizard.port_step.isVisible()
    wizard.reject()


def test_a_window_that_closes_waits_for_no_look(screen: Screen) -> None:
    with adc("lab-adc-binary") as port:
        wizard = opened(screen)
        wizard.port_step.set_port(port)
        wizard.next.click()
        screen.qtbot.wait(200)
        began = time.monotonic()
        screen.window.close()
        assert time.monotonic() - began < 3.0 and wizard.found is None


def test_closing_while_it_listens_gives_the_port_back(screen: Screen) -> None:
    with adc("lab-adc-binary") as port:
        wizard = opened(screen)
        wizard.port_step.set_port(port)
        wizard.next.click()
        screen.qtbot.wait(300)
        wizard.reject()
        assert wizard._tap is None and wizard._cancel.is_set()
        screen.qtbot.wait(500)
        assert wizard.found is None
