"""Eight subjects in a row on the virtual bedside, by a template: emulators, recorder, edge, window are the real ones.

A nurse's hands are played by :class:`Hand`: every tap, every key and every scan is one touch. Seconds are the machine's
own; a hand is taken to need :data:`HAND_S` a touch (keystroke-level model, Card, Moran & Newell 1980: 1.35 s to think
and 1.1 s to point, rounded up for gloves).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from hemoview import app
from hemoview.ui.parts import theme
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.viewmodel.sessions.start_fields import StartForm
from recorder import session as store
from recorder.clock import Clock
from recorder.host import places, processes, virtual_bedside
from recorder.host.client import StationClient

STATION = "day"
PATIENCE_S = 90.0
MOST_TOUCHES, MOST_S, HAND_S = 10, 60.0, 2.5
RECORDED_S = 8.0
TEMPLATE = """
name = "day"
operator = "OP1"
markers = ["arm move", "stand"]
[consent]
version = "v2"
date = "2026-01-01"
[sites]
wristband_side = "left"
finger_cuff_side = "right"
posture = "supine"
[[phases]]
name = "Rest"
duration_min = 0.1
marker_at_start = "rest begins"
"""
SUBJECTS = (
    ("P-101", "female", "34"),
    ("P-102", "male", "71"),
    ("P-103", "female", "58"),
    ("P-104", "male", "90"),
    ("P-105", "other", "25"),
    ("P-106", "female", "34"),
    ("P-107", "male", "46"),
    ("P-108", "female", "63"),
)
OF_THE_STUDY = {"operator", "template", "rules", "pseudonym_check", "posture"}
OF_THE_STUDY |= {"consent_version", "wristband_side", "finger_cuff_side", "arm_cuff_side", "overrides"}


@dataclass
class Hand:
    """Touches what a nurse touches, and counts."""

    touches: int = 0
    done: list[str] = field(default_factory=list)

    def tap(self, button: QWidget) -> None:
        """One finger on a control that can be seen, works and is large enough for a glove."""
        assert button.isVisible(), button.objectName()
        assert button.isEnabled(), button.accessibleName()
        if isinstance(button, QPushButton):
            assert button.height() >= theme.touch_px() - 2, button.text()
        left = button.rect().center() if isinstance(button, QPushButton) else button.rect().topLeft()
        spot = left if isinstance(button, QPushButton) else left.__class__(14, button.height() // 2)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
        self._count(button.accessibleName() or getattr(button, "text", str)())

    def scan(self, code: str) -> None:
        """The trigger of a scanner: it types into whatever has the focus."""
        t_ms = 10_000
        for key, character in [*((0, c) for c in code), (Qt.Key.Key_Return, "\r")]:
            t_ms += 4
            press = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, character)
            press.setTimestamp(t_ms)
            QApplication.sendEvent(self._focus(), press)
        self._count(f"scan {code}")

    def type(self, text: str) -> None:
        """Keys, one touch each."""
        for character in text:
            QTest.keyClicks(self._focus(), character)
            self._count(f"key {character}")

    def _count(self, what: str) -> None:
        self.touches += 1
        self.done.append(what)

    @staticmethod
    def _focus() -> QWidget:
        focus = QApplication.focusWidget()
        assert focus is not None
        return focus


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A station with devices, and the template of the study."""
    folder = places.templates_dir(tmp_path)
    folder.mkdir(parents=True)
    (folder / "day.toml").write_text(TEMPLATE, encoding="utf-8")
    clock = Clock()
    bedside = virtual_bedside.start(
        tmp_path / "bedside", clock, virtual_bedside.standard_config(script="rest")
    )
    try:
        processes.ensure_recorder(STATION, tmp_path, clock=clock)
        with StationClient(STATION, tmp_path, name="setup") as client:
            client.call("configure", 20.0, devices=[asdict(c) for c in bedside.device_configs()])
            client.call("release_control")
        yield tmp_path
    finally:
        bedside.stop()
        processes.stop_station(STATION, tmp_path, force=True)


@pytest.fixture
def shell(qtbot: QtBot, qapp: QApplication, home: Path) -> Iterator[app.Shell]:
    _, made = app.open_window(app.AppOptions(station=STATION, home=home, keep_session=True))
    yield made
    made.window.ask_before_closing = False
    made.window.close()
    made.window.deleteLater()


def until(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=int(PATIENCE_S * 1000))


def streaming(shell: app.Shell) -> bool:
    status = shell.model.status
    return (
        status is not None
        and bool(status.links)
        and all(link.state == "streaming" for link in status.links if link.required)
    )


def on_the_header(shell: app.Shell) -> str:
    """The subject who is being recorded. The status of the session before may still be on its way: ask for the name."""
    if shell.view is None or not shell.view.header.recording:
        return ""
    return str(shell.view.header.subject.as_dict().get("pseudonym", ""))


def fill_in(hand: Hand, dialog: StartDialog, subject: tuple[str, str, str]) -> None:
    """The second half of the way from Stop to Start."""
    pseudonym, sex, age = subject
    hand.scan(pseudonym)
    hand.tap(dialog.inputs["sex"].buttons[sex])  # type: ignore[attr-defined]
    hand.type(age)
    hand.tap(dialog.signed_today)
    hand.tap(dialog.inputs["consent_record"])
    hand.tap(dialog.next)


def nothing_of_a_subject(form: StartForm) -> list[str]:
    """Fields with something in them that is not of the study."""
    empty = StartForm()
    return [
        f.name
        for f in fields(StartForm)
        if f.name not in OF_THE_STUDY and getattr(form, f.name) != getattr(empty, f.name)
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_eight_subjects_one_after_the_other(
    qtbot: QtBot, shell: app.Shell, home: Path, record_property: Callable[[str, object], None]
) -> None:
    until(qtbot, lambda: shell.view is not None and shell.view.header.can_start and streaming(shell))
    told: list[tuple[int, float]] = []
    hand, began_s = Hand(), time.monotonic()
    shell.window.header.start.click()
    for number, subject in enumerate(SUBJECTS):
        dialog = shell.operations.start_dialog
        assert dialog is not None
        assert nothing_of_a_subject(dialog.form) == []
        if number == 0:
            chooser = dialog.inputs["template"].box  # type: ignore[attr-defined]
            chooser.setCurrentIndex(chooser.findText("day"))
            dialog.inputs["pseudonym"].setFocus()
        until(qtbot, dialog.isActiveWindow)
        fill_in(hand, dialog, subject)
        assert dialog.confirm.pseudonym.text() == subject[0]
        until(qtbot, dialog.confirm.start.isEnabled)
        hand.tap(dialog.confirm.start)
        until(qtbot, lambda wanted=subject[0]: on_the_header(shell) == wanted)
        took_s = time.monotonic() - began_s
        if number:
            told.append((hand.touches, took_s))
            assert hand.touches <= MOST_TOUCHES, hand.done
            assert took_s + HAND_S * hand.touches <= MOST_S, (took_s, hand.done)
        until(qtbot, lambda dialog=dialog: not dialog.isVisible())
        until(qtbot, lambda: shell.view is not None and shell.view.can_mark)
        shell.window.record.markers.press(1)
        qtbot.wait(int(RECORDED_S * 1000))
        hand, began_s = Hand(), time.monotonic()
        if number < len(SUBJECTS) - 1:
            stop_for_the_next(qtbot, hand, shell)
    shell.window.header.stop.click()
    assert shell.operations.stop_dialog is not None
    shell.operations.stop_dialog.stop.click()
    until(qtbot, lambda: shell.view is not None and shell.view.header.next_subject)
    assert shell.window.header.start.text() == "Next subject"
    record_property("touches_and_seconds", told)
    print("touches and machine seconds from Stop to the next Start:", told)
    all_are_whole(home)


def stop_for_the_next(qtbot: QtBot, hand: Hand, shell: app.Shell) -> None:
    before = shell.operations.start_dialog
    hand.tap(shell.window.header.stop)
    stop = shell.operations.stop_dialog
    assert stop is not None
    hand.tap(stop.next)
    until(qtbot, lambda: shell.operations.start_dialog is not before)


def all_are_whole(home: Path) -> None:
    """Each session is sealed, verified, of its own subject and of nobody else."""
    folders = sorted(p for p in places.sessions_dir(home).iterdir() if (p / "session.json").is_file())
    assert len(folders) == len(SUBJECTS)
    for folder, (pseudonym, sex, age) in zip(folders, SUBJECTS, strict=True):
        report = store.verify(folder)
        assert report.ok, (folder.name, report.damaged)
        with store.open(folder) as session:
            assert session.state == "sealed"
            assert session.header.subject is not None
            assert session.header.subject.to_json() == {
                "pseudonym": pseudonym,
                "sex": sex,
                "age_y": int(age),
                "height_cm": None,
                "weight_kg": None,
                "cvp_mmhg": None,
            }
            assert session.header.operator == "OP1"
            assert session.header.template["name"] == "day"
            assert session.header.details is None
            assert session.unconfirmed() == ()
            assert session.incomplete_reason == ""
            started = session.events("session")[0].payload
            assert started["entry"] == {"how": "scanned", "answered": []}
            markers = [e.payload for e in session.events("marker")]
            assert ("arm move", "OP1") in [(m["label"], m["operator"]) for m in markers]
            for stream_id in ("e4.bvp", "adc.wave"):
                rate_hz = session.streams[stream_id].nominal_rate_hz or 0.0
                assert session.rows(stream_id) >= 0.8 * RECORDED_S * rate_hz, stream_id
