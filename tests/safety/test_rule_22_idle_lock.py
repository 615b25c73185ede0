"""Safety 22: an untouched screen is hidden, the recording goes on; a PIN is proved, never kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hemoview.ui.live.pin_dialog import PinDialog
from hemoview.ui.window.lock_screen import LockScreen
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live import idle_lock
from hemoview.viewmodel.live.idle_lock import WAIT_S, IdleLock
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from tests.viewmodel.synthetic_bedside import SyntheticBedside


def test_untouched_for_its_time_it_hides_and_touching_does_not_open_it() -> None:
    state = IdleLock(0.0).look(299, 5)
    assert not state.locked
    assert state.touched(299).look(500, 5).locked is False
    hidden = state.look(300, 5)
    assert hidden.locked and hidden.touched(301).locked
    assert IdleLock(0.0).look(10**6, 0).locked is False


def test_three_wrong_pins_wait() -> None:
    state = IdleLock(0.0, locked=True)
    for _ in range(3):
        state = state.tried(10.0, right=False)
    assert state.tried(11.0, right=True).locked, "not looked at before the wait is over"
    assert not state.tried(10.0 + WAIT_S, right=True).locked


@pytest.fixture(scope="module")
def light_proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for PINs whose proof costs little work: of hundreds each is made three times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idle_lock, "_SCRYPT", {"n": 2, "r": 1, "p": 1})
        yield tmp_path_factory.mktemp("pin") / "pin.json"


@given(st.text("0123456789", min_size=4, max_size=12), st.text(max_size=12))
def test_only_the_pin_itself_is_the_pin(light_proof: Path, pin: str, other: str) -> None:
    path = light_proof
    idle_lock.keep_pin(path, "")
    idle_lock.keep_pin(path, pin)
    assert idle_lock.is_pin(path, pin)
    assert idle_lock.is_pin(path, other) is (other == pin)
    assert pin not in path.read_text() or len(pin) < 6
    assert path.stat().st_mode & 0o077 == 0 or os.name == "nt"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"salt": "zz", "proof": "x"}', '{"salt": "00"}'])
def test_a_broken_pin_file_opens_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pin.json"
    path.write_text(content)
    assert idle_lock.has_pin(path)
    assert not idle_lock.is_pin(path, "1234") and not idle_lock.is_pin(path, "")


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    shown = MainWindow()
    qtbot.addWidget(shown)
    shown.ask_before_closing = False
    shown.resize(1280, 800)
    bedside = SyntheticBedside()
    bedside.run(3.0)
    shown.show()
    shown.show_view(resolve(Wish(), bedside.model.facts()))
    yield shown


def test_the_curtain_tells_of_the_recording_and_of_nobody(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    lock = LockScreen(window, tmp_path / "pin.json", lambda: 5)
    pressed: list[int] = []
    window.record.marked.connect(lambda key, *_: pressed.append(key))
    lock.look(lock.state.touched_s + 299)
    assert lock.curtain is None
    lock.look(lock.state.touched_s + 301)
    curtain = lock.curtain
    assert curtain is not None and curtain.geometry() == window.rect()
    said = " ".join(
        label.text() for label in (curtain.title, curtain.recording, curtain.trouble, curtain.note)
    )
    assert "REC" in said and "P-014" not in said
    qtbot.keyClick(curtain, Qt.Key.Key_1)
    assert pressed == [], "marker keys are dead behind the curtain"
    qtbot.mouseClick(curtain.button, Qt.MouseButton.LeftButton)
    assert lock.curtain is None


def test_with_a_pin_only_the_pin_opens_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "pin.json"
    dialog = PinDialog(path, window)
    qtbot.addWidget(dialog)
    dialog.inputs["new"].setText("2580")
    dialog.inputs["again"].setText("2581")
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    assert dialog.problem.text() == text("pin-refused") and not path.exists()
    dialog.inputs["again"].setText("2580")
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    assert path.exists()
    lock = LockScreen(window, path, lambda: 5)
    lock.hide_screen(0.0)
    assert lock.curtain is not None
    lock.curtain.pin.setText("0000")
    qtbot.keyClick(lock.curtain.pin, Qt.Key.Key_Return)
    assert lock.curtain is not None and lock.curtain.note.text() == text("lock-wrong")
    lock.curtain.pin.setText("2580")
    qtbot.keyClick(lock.curtain.pin, Qt.Key.Key_Return)
    assert lock.curtain is None


def test_what_somebody_is_entering_is_not_lost(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = PinDialog(tmp_path / "pin.json", window)
    qtbot.addWidget(dialog)
    dialog.open()
    lock = LockScreen(window, tmp_path / "pin.json", lambda: 5)
    lock.hide_screen(10.0)
    assert lock.curtain is None
    dialog.close()


def test_what_is_touched_keeps_it_open(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    lock = LockScreen(window, tmp_path / "pin.json", lambda: 5)
    lock.look(lock.state.touched_s)
    lock.state = IdleLock(0.0)
    handle = window.windowHandle()
    assert handle is not None
    QTest.keyClick(handle, Qt.Key.Key_F2)
    assert lock.state.touched_s > 0
