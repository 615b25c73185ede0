"""The wizard on a real port: look, see, name, save, and the device is offered with the new profile."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from devices_screen import Screen
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.devices import port_tap
from hemoview.ui.devices.adc_wizard import AdcWizard
from hemoview.ui.parts import theme
from hemoview.ui.window.device_operations import Bed
from hemoview.ui.words import catalogue
from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.adc_look import look
from recorder.errors import DeviceBusy
from recorder.protocols.serial_adc import encode
from recorder.transports import Transport

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")


class Cable:
    """A device that sends 100 frames a second of a slow wave, or noise; its cable can be pulled and put back."""

    def __init__(self, profile_name: str, link: Path) -> None:
        self.profile, self.link, self.port = profiles.load(profile_name), link, str(link)
        self.noisy, self.still = False, False
        self.plug()

    def plug(self) -> None:
        self._master, slave = os.openpty()
        pytest.importorskip("tty").setraw(slave)
        os.set_blocking(self._master, False)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        self.link.unlink()
        self._ended.set()
        self._thread.join()
        os.close(self._master)

    def _speak(self) -> None:
        """As many frames as are due by its own clock, however late it gets to run."""
        began, sent, random = time.monotonic(), 0, Random(1)
        while not self._ended.wait(0.02):
            due = int((time.monotonic() - began) * self.profile.rate_hz)
            octets = b"".join(
                encode(self.profile, i, i * 10_000, [900 + (i * 7) % 300]) for i in range(sent, due)
            )
            sent = due
            with contextlib.suppress(OSError):  # nobody reads: lost, as on a cable
                if not self.still:
                    os.write(self._master, random.randbytes(len(octets)) if self.noisy else octets)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable("lab-adc-ascii", tmp_path / "tty-adc")
    yield made
    if made.link.is_symlink():
        made.unplug()


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Screen]:
    theme.apply(qapp)
    made = Screen(qtbot, tmp_path)
    made.devices._bed = Bed(
        made.bed.model, Clock(), "bed-1", tmp_path
    )  # a port's bytes come by the real clock
    yield made
    made.devices.close()
    made.bridge.stop()


def opened(screen: Screen) -> AdcWizard:
    screen.page.wizard.click()
    assert screen.devices.wizard is not None
    return screen.devices.wizard


def looked(screen: Screen, port: str) -> AdcWizard:
    """What was found at 115200 baud; a pseudo-terminal knows no speed."""
    wizard = opened(screen)
    wizard.port_step.set_port(port)
    speed = wizard.port_step._choices["baud"]
    speed.setCurrentIndex(speed.findData(115200))
    wizard.next.click()
    screen.qtbot.waitUntil(lambda: wizard.found is not None, timeout=60_000)
    return wizard


def live(screen: Screen, wizard: AdcWizard, said: str) -> None:
    """The window lives until that is said on both steps."""
    steps = (wizard.look_step, wizard.name_step)
    screen.qtbot.waitUntil(lambda: all(said in step.live.text() for step in steps), timeout=30_000)


@pytest.mark.slow
def test_what_was_found_is_judged_again_while_the_port_is_open(screen: Screen, cable: Cable) -> None:
    wizard = looked(screen, cable.port)
    screen.qtbot.wait(1500)
    assert not wizard.look_step.live.text(), "what is read as found needs no word"
    cable.noisy = True
    live(screen, wizard, "something else")
    cable.noisy, cable.still = False, True
    live(screen, wizard, "Nothing has come for")
    cable.still = False
    screen.qtbot.waitUntil(lambda: not wizard.look_step.live.text(), timeout=30_000)
    wizard.reject()


@pytest.mark.slow
def test_a_port_that_vanishes_is_said_and_its_trace_goes_on_when_it_is_back(
    screen: Screen, cable: Cable
) -> None:
    wizard = looked(screen, cable.port)
    wizard.next.click()
    cable.unplug()
    live(screen, wizard, "The trace stands still")
    cable.plug()
    screen.qtbot.waitUntil(lambda: not wizard.name_step.live.text(), timeout=30_000)
    wizard.reject()


@pytest.mark.slow
def test_noise_at_one_speed_says_which_speed_and_a_look_again_finds_the_device(
    screen: Screen, cable: Cable
) -> None:
    cable.noisy = True
    wizard = looked(screen, cable.port)
    assert "nothing in them repeats" in wizard.look_step.verdict.text()
    assert "Only 115200 baud was tried" in wizard.look_step.advice.text()
    assert not wizard.next.isVisible()
    cable.noisy = False
    wizard.again.click()
    screen.qtbot.waitUntil(lambda: wizard.found is not None, timeout=60_000)
    assert "Found: lines of text" in wizard.look_step.verdict.text()
    wizard.again.click()  # the preview held the port: it is waited for, not reported as another program
    screen.qtbot.waitUntil(lambda: wizard.found is not None, timeout=60_000)
    assert "Found: lines of text" in wizard.look_step.verdict.text()
    wizard.reject()


def test_a_slow_port_holds_up_no_touch(screen: Screen, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    wizard = looked(screen, cable.port)
    wizard.back.click()
    threads: list[str] = []

    def slow(*args: object) -> Transport:
        threads.append(threading.current_thread().name)
        time.sleep(0.5)
        raise DeviceBusy("Serial port x is in use by another program or station: close it there")

    monkeypatch.setattr(port_tap, "open_link", slow)
    wizard._show_step(1)
    assert wizard.found is not None
    wizard._looked(wizard.found)
    live(screen, wizard, "in use by another program")
    assert threads and "MainThread" not in threads
    wizard.reject()


def test_a_second_wizard_is_the_first_one(screen: Screen) -> None:
    wizard = opened(screen)
    assert opened(screen) is wizard
    wizard.reject()
    assert opened(screen) is not wizard


@pytest.mark.parametrize(("language", "said"), [("en", "There is no serial port"), ("zh", "没有串口")])
def test_a_refused_port_is_told_in_the_operators_language(
    screen: Screen, language: catalogue.Language, said: str
) -> None:
    catalogue.use_language(language)
    try:
        wizard = opened(screen)
        wizard.port_step.set_port("/dev/no-such-port")
        wizard.next.click()
        screen.until(lambda: said in wizard.look_step.verdict.text())
        wizard.reject()
    finally:
        catalogue.use_language("en")


def test_an_unknown_adc_becomes_a_profile_and_a_device(screen: Screen, tmp_path: Path, cable: Cable) -> None:
    port = cable.port
    wizard = opened(screen)
    wizard.port_step.set_port(port)
    wizard.next.click()
    assert not wizard.next.isVisible()
    screen.qtbot.waitUntil(lambda: wizard.found is not None, timeout=60_000)
    assert "lines of text" in wizard.look_step.verdict.text()
    screen.qtbot.waitUntil(lambda: wizard.look_step.traces["adc0"].shown.x.size > 50, timeout=30_000)
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


def test_a_window_that_closes_waits_for_no_look(
    screen: Screen, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemoview.ui.devices.adc_wizard.look", partial(look, seconds=90.0))
    wizard = opened(screen)
    wizard.port_step.set_port(cable.port)
    wizard.next.click()
    screen.qtbot.wait(200)
    began = time.monotonic()
    screen.window.close()
    screen.bridge.stop()
    assert time.monotonic() - began < 45.0 and wizard.found is None


def test_closing_while_it_listens_gives_the_port_back(screen: Screen, cable: Cable) -> None:
    wizard = opened(screen)
    wizard.port_step.set_port(cable.port)
    wizard.next.click()
    screen.qtbot.wait(300)
    wizard.reject()
    assert wizard._tap is None and wizard._cancel.is_set()
    screen.qtbot.wait(500)
    assert wizard.found is None
