"""What is touched becomes a command; what the recorder answers is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
)
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside

from hemoview.ui.live.show_panel import ShowPanel
from hemoview.ui.parts import theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.parts.inputs import Choice
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.sessions.stop_dialog import StopDialog
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.errors import SessionRefused


class Recorder:
    """Answers as told and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"preflight": {"checks": []}}

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        self.asked.append((verb, args))
        answer = self.answers.get(verb, {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def operations(qtbot: QtBot, qapp: QApplication, recorder: Recorder) -> Iterator[Operations]:
    theme.apply(qapp)
    window, bridge = MainWindow(), Bridge()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    settings = WindowSettings(form=StartForm(operator="OP1"))
    made = Operations(
        window,
        bridge,
        recorder,
        settings,
        client="window-1",
        wall_ns=lambda: 1_795_000_000 * 10**9,
        reference_now=lambda: None,
    )
    bed = SyntheticBedside()
    bed.run(1.0)
    window.show_view(resolve(Wish(), bed.model.facts()))
    yield made
    bridge.stop()


def dialogs(operations: Operations, kind: type[QDialog]) -> list[Any]:
    return [d for d in operations.window.findChildren(kind) if d.isVisible()]


def test_marker_button_undo_and_calibration_become_commands(
    qtbot: QtBot, operations: Operations, recorder: Recorder
) -> None:
    operations.window.record.markers.press(3)
    operations.window.record.undo_asked.emit()
    operations.window.banner_asked.emit("confirm-calibration")
    qtbot.waitUntil(lambda: len(recorder.asked) == 3, timeout=30_000)
    sent = {(verb, args.get("label"), args.get("operator")) for verb, args in recorder.asked}
    assert sent == {
        ("marker", "stand up", "OP1"),
        ("undo_marker", None, "OP1"),
        ("marker", "reference calibrated", "OP1"),
    }


def test_a_refusal_is_shown_in_the_recorders_words(
    qtbot: QtBot, operations: Operations, recorder: Recorder
) -> None:
    recorder.answers["marker"] = SessionRefused("no session is open on this station; press Start first")
    operations.mark(1, "cough", "key")
    operations.mark(2, "talk", "button")
    qtbot.waitUntil(lambda: bool(dialogs(operations, QMessageBox)), timeout=30_000)
    boxes = dialogs(operations, QMessageBox)
    assert len(boxes) == 1
    assert "press Start first" in boxes[0].text()
    boxes[0].close()


def test_forms_that_were_closed_do_not_stay(qtbot: QtBot, operations: Operations, recorder: Recorder) -> None:
    for _ in range(4):
        operations.open_start()
        assert operations.start_dialog is not None
        operations.start_dialog.reject()
        operations.ask_stop()
        assert operations.stop_dialog is not None
        operations.stop_dialog.reject()
    for kind in (StartDialog, StopDialog):
        qtbot.waitUntil(lambda kind=kind: len(operations.window.findChildren(kind)) == 1, timeout=30_000)


def test_an_answer_for_a_form_that_was_closed_is_for_nobody(
    qtbot: QtBot, operations: Operations, recorder: Recorder
) -> None:
    operations.open_start()
    first = operations.start_dialog
    assert first is not None
    shown: list[Any] = []
    late = operations._if_there(first, shown.append)
    late("in time")
    first.reject()
    operations.open_start()
    late("late")
    assert shown == ["in time"]


def test_start_asks_preflight_then_sends_the_confirmed_form(
    qtbot: QtBot, operations: Operations, recorder: Recorder
) -> None:
    operations.open_start()
    dialog = operations.start_dialog
    assert dialog is not None
    typed = {
        "pseudonym": "P-02",
        "pseudonym_again": "P-02",
        "age_y": "40",
        "consent_version": "v1",
        "consent_date": "2026-11-01",
    }
    for name, value in typed.items():
        field = dialog.inputs[name]
        assert isinstance(field, QLineEdit)
        field.setText(value)
    sex, consent = dialog.inputs["sex"], dialog.inputs["consent_record"]
    assert isinstance(sex, Choice)
    assert isinstance(consent, QCheckBox)
    sex.choose("male")
    consent.setChecked(True)
    dialog.next.click()
    qtbot.waitUntil(dialog.confirm.start.isEnabled, timeout=30_000)
    recorder.answers["start"] = SessionRefused("start refused: disk full; make room")
    dialog.confirm.start.click()
    qtbot.waitUntil(lambda: "disk full" in dialog.confirm.state.text(), timeout=30_000)
    assert dialog.isVisible()
    recorder.answers["start"] = {"session_id": "s", "folder": "/s"}
    dialog._start()
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=30_000)
    order = recorder.asked[-1][1]
    assert order["subject"]["pseudonym"] == "P-02"
    assert operations.settings.form.pseudonym == ""


def test_stop_is_asked_once_more(qtbot: QtBot, operations: Operations, recorder: Recorder) -> None:
    operations.ask_stop()
    dialog = dialogs(operations, StopDialog)[0]
    assert any("P-014" in label.text() for label in dialog.findChildren(QLabel))
    assert dialog.go_on.isDefault()
    assert "stop" not in recorder.verbs()
    qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "stop" in recorder.verbs(), timeout=30_000)
    assert recorder.asked[-1][1]["operator"] == "OP1"
    assert operations.start_dialog is None


def test_stop_for_the_next_subject_opens_an_empty_form(
    qtbot: QtBot, operations: Operations, recorder: Recorder
) -> None:
    operations.ask_stop()
    dialogs(operations, StopDialog)[0].next.click()
    qtbot.waitUntil(lambda: operations.start_dialog is not None, timeout=30_000)
    assert recorder.verbs()[0] == "stop"
    assert operations.start_dialog is not None
    assert operations.start_dialog.form.pseudonym == ""
    operations.start_dialog.close()


@pytest.mark.parametrize("verb", ["abort", "discard"])
def test_an_early_end_needs_a_reason(
    qtbot: QtBot, operations: Operations, recorder: Recorder, verb: str
) -> None:
    operations.ask_stop()
    dialog = dialogs(operations, StopDialog)[0]
    button = getattr(dialog, verb)
    assert not button.isEnabled()
    qtbot.keyClicks(dialog.why, "wrong bed")
    assert button.isEnabled()
    dialog.operator.clear()
    assert not button.isEnabled()
    qtbot.keyClicks(dialog.operator, "OP2")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: verb in recorder.verbs(), timeout=30_000)
    assert recorder.asked[-1] == (verb, {"why": "wrong bed", "operator": "OP2"})


def test_ten_check_boxes_wish(qtbot: QtBot, operations: Operations) -> None:
    operations.open_show()
    panel = operations.show_panel
    assert panel is not None
    numbers = [
        b
        for b in panel.findChildren(QCheckBox)
        if b.text() in ("SBP", "MAP", "DBP", "HR", "CO", "CI", "SV", "SI", "SVR", "SVRI")
    ]
    assert len(numbers) == 10
    with qtbot.waitSignal(operations.settings_changed, timeout=30_000):
        next(b for b in numbers if b.text() == "CO").setChecked(False)
    assert "CO" not in operations.settings.wish.parameters
    assert len(operations.settings.wish.parameters) == 9
    panel.close()


def test_nothing_stays_of_what_is_shown_once_it_is_closed(qtbot: QtBot, operations: Operations) -> None:
    """A window is open for days; each one left behind was 170 objects and 3 MB."""
    for _ in range(2):
        operations.open_show()
        assert operations.show_panel is not None
        operations.show_panel.close()
    qtbot.waitUntil(lambda: not operations.window.findChildren(ShowPanel), timeout=30_000)


def test_about_names_qt_and_its_licence_and_holds_up_nothing(operations: Operations) -> None:
    operations.open_about()
    box = operations.window.findChild(QMessageBox)
    assert box is not None
    for told in ("LGPL", "PySide6", "THIRD_PARTY.md"):
        assert told in box.text()
    box.close()


def test_every_button_can_be_reached_by_keyboard(operations: Operations) -> None:
    buttons = [b for b in operations.window.findChildren(QPushButton) if b.isVisible() and b.isEnabled()]
    assert buttons
    assert not [b.text() or b.accessibleName() for b in buttons if not any(map(by_tab, beside(b)))]


def by_tab(button: QAbstractButton) -> bool:
    return bool(button.focusPolicy() & Qt.FocusPolicy.TabFocus)


def beside(button: QPushButton) -> list[QAbstractButton]:
    """Of several of which one holds, Tab reaches one and the arrows the others: Qt's own rule."""
    group = button.group()
    return [button] if group is None else group.buttons()
