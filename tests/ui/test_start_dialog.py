from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.live.cuff_dialog import CuffDialog
from hemoview.ui.parts import theme
from hemoview.ui.parts.inputs import Choice
from hemoview.ui.sessions.monitor_clock import ClockLine
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.cuff_form import CuffForm, CuffView
from hemoview.viewmodel.live.cuff_form import examine as examine_cuff
from hemoview.viewmodel.sessions.pseudonym import Known
from hemoview.viewmodel.sessions.start_fields import StartForm

READY = [{"id": "disk", "ok": True, "level": "ok", "who": "", "what": "", "todo": ""}]
LOST = {
    "id": "device:e4",
    "ok": False,
    "level": "override",
    "who": "Empatica E4",
    "what": "is lost",
    "todo": "connect it",
}
FULL = {"id": "disk", "ok": False, "level": "refuse", "who": "disk /s", "what": "full", "todo": "make room"}


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> StartDialog:
    theme.apply(qapp)
    made = StartDialog(StartForm(operator="OP1"))
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    return made


def fill(dialog: StartDialog, **values: str) -> None:
    typed = {
        "pseudonym": "P-014",
        "pseudonym_again": "P-014",
        "age_y": "34",
        "height_cm": "168",
        "weight_kg": "63",
        "consent_version": "v2",
        "consent_date": "2026-11-01",
    } | values
    for name, value in typed.items():
        field = dialog.inputs[name]
        assert isinstance(field, QLineEdit)
        field.setText(value)
    sex, record = dialog.inputs["sex"], dialog.inputs["consent_record"]
    assert isinstance(sex, Choice)
    assert isinstance(record, QCheckBox)
    sex.choose("female")
    record.setChecked(True)
    dialog.show_known(Known(typed["pseudonym"]))


def said(dialog: StartDialog) -> str:
    QApplication.processEvents()
    return " | ".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def test_subject_fields_begin_empty_and_next_waits(dialog: StartDialog) -> None:
    pseudonym = dialog.inputs["pseudonym"]
    assert isinstance(pseudonym, QLineEdit)
    assert pseudonym.text() == ""
    assert not dialog.next.isEnabled()
    operator = dialog.inputs["operator"]
    assert isinstance(operator, QLineEdit)
    assert operator.text() == "OP1"


def test_a_wrong_entry_is_named_beside_its_field(dialog: StartDialog) -> None:
    fill(dialog, pseudonym_again="P-041")
    assert dialog.notes["pseudonym_again"].text() == "the two entries differ"
    assert not dialog.next.isEnabled()


def test_the_empty_form_says_why_next_is_grey(dialog: StartDialog) -> None:
    assert dialog.missing.text().startswith("Still needed: pseudonym, sex, age, ")
    assert "operator code" not in dialog.missing.text()
    fill(dialog, height_cm="1.70")
    assert dialog.missing.text() == "To correct: height."
    fill(dialog)
    assert dialog.missing.text() == ""
    assert dialog.next.isEnabled()


def test_notes_stand_whole_below_their_own_field(dialog: StartDialog) -> None:
    fill(dialog, age_y="97", height_cm="1.70", weight_kg="nan", cvp_mmhg="500", consent_date="2999-01-01")
    QApplication.processEvents()
    said = {name: note for name, note in dialog.notes.items() if note.isVisible()}
    assert set(said) == {"age_y", "height_cm", "weight_kg", "cvp_mmhg", "consent_date"}
    assert "90 or older" in said["age_y"].text()
    for name, note in said.items():
        assert note.width() >= note.sizeHint().width(), name
        assert note.height() >= note.sizeHint().height(), name
        field = dialog.inputs[name]
        bottom = field.mapTo(dialog, QPoint(0, field.height())).y()
        assert 0 <= note.mapTo(dialog, QPoint(0, 0)).y() - bottom < 6, name
    assert dialog.height() <= 720


def test_a_ticked_box_differs_by_more_than_colour(dialog: StartDialog) -> None:
    """In grey, a tick stands out from its box; a box filled with one colour does not."""
    box = dialog.inputs["consent_record"]
    assert isinstance(box, QCheckBox)

    def tones(*, checked: bool) -> int:
        box.setChecked(checked)
        QApplication.processEvents()
        grey = box.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        middle = box.height() // 2
        inside = [grey.pixelColor(x, y).red() for x in range(4, 19) for y in range(middle - 7, middle + 8)]
        return max(inside) - min(inside)

    assert tones(checked=False) < 20
    assert tones(checked=True) > 100


def test_confirmation_shows_the_person_large_and_starts_after_the_checks(
    qtbot: QtBot, dialog: StartDialog
) -> None:
    orders: list[dict[str, Any]] = []
    dialog.start_asked.connect(orders.append)
    fill(dialog)
    with qtbot.waitSignal(dialog.checks_asked, timeout=30_000):
        qtbot.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    assert dialog.confirm.pseudonym.text() == "P-014"
    assert dialog.confirm.pseudonym.font().pixelSize() >= 48
    assert "female, 34 years" in said(dialog)
    assert not dialog.confirm.start.isEnabled()
    dialog.show_checks(READY)
    assert dialog.confirm.start.isEnabled()
    qtbot.mouseClick(dialog.confirm.start, Qt.MouseButton.LeftButton)
    assert orders[0]["subject"]["pseudonym"] == "P-014"


def test_every_refusal_is_named_and_bars_start(qtbot: QtBot, dialog: StartDialog) -> None:
    fill(dialog)
    dialog._go_on()
    dialog.show_checks([FULL, LOST])
    assert "disk /s: full; make room" in said(dialog)
    assert "Empatica E4: is lost" in said(dialog)
    assert not dialog.confirm.start.isEnabled()


def test_a_missing_device_starts_only_with_a_reason(qtbot: QtBot, dialog: StartDialog) -> None:
    fill(dialog)
    dialog._go_on()
    dialog.show_checks([LOST])
    assert not dialog.confirm.start.isEnabled()
    reason = dialog.findChild(QLineEdit, "override-e4")
    assert reason is not None
    qtbot.keyClicks(reason, "band is charging")
    assert dialog.confirm.start.isEnabled()
    orders: list[dict[str, Any]] = []
    dialog.start_asked.connect(orders.append)
    dialog.confirm.start.click()
    assert orders[0]["overrides"] == {"e4": "band is charging"}


def test_back_forgets_the_checks(dialog: StartDialog) -> None:
    fill(dialog)
    dialog._go_on()
    dialog.show_checks(READY)
    dialog.confirm.back.click()
    assert dialog.steps.currentIndex() == 0
    assert not dialog.view.can_start


def test_name_like_pseudonym_is_warned_about(dialog: StartDialog) -> None:
    fill(dialog, pseudonym="Maria", pseudonym_again="Maria")
    dialog._go_on()
    dialog.show_checks(READY)
    assert "looks like a name" in said(dialog)
    assert not dialog.confirm.start.isEnabled()
    tick = dialog.findChild(QCheckBox, "answer-looks:Maria")
    assert tick is not None
    tick.setChecked(True)
    assert dialog.confirm.start.isEnabled()
    tick.setChecked(False)
    assert not dialog.confirm.start.isEnabled()


def test_far_cuff_reading_is_typed_twice(qtbot: QtBot) -> None:
    def judge(form: CuffForm) -> CuffView:
        return examine_cuff(form, wall_ns=10**18, reference_mmhg=(160.0, 95.0))

    dialog = CuffDialog(judge, "OP1")
    qtbot.addWidget(dialog)
    dialog.show()
    entered: list[dict[str, Any]] = []
    dialog.entered.connect(entered.append)
    for _ in range(2):
        dialog.inputs["sbp"].setText("124")
        dialog.inputs["dbp"].setText("78")
        dialog.ok.click()
    assert len(entered) == 1
    assert entered[0]["sbp_mmhg"] == 124.0
    assert entered[0]["entered_by"] == "OP1"


def test_the_monitors_clock_is_asked_and_may_be_left_empty(qtbot: QtBot) -> None:
    noon_ns = int(datetime(2026, 11, 28, 12, 0, 0).astimezone().timestamp() * 1e9)
    line = ClockLine(lambda: noon_ns)
    qtbot.addWidget(line)
    assert line.request is None
    qtbot.keyClicks(line.line, "12:00:4")
    assert line.request is None
    qtbot.keyClicks(line.line, "2")
    assert line.request == {"shown": "12:00:42", "at_wall_ns": noon_ns}
    assert "42 s ahead" in line.said.text()


def test_a_question_without_anything_missing_asks_for_no_reason(dialog: StartDialog) -> None:
    fill(dialog, pseudonym="1980-04-12", pseudonym_again="1980-04-12")
    dialog._go_on()
    dialog.show_checks([{**LOST, "id": "disk", "level": "warn"}])
    assert dialog.confirm.state.text() == text("questions-first")


def test_many_findings_are_scrolled_never_squeezed(dialog: StartDialog) -> None:
    dialog.setFixedSize(900, 600)
    long = "There is no serial port /home/nurse/virtual-bedside/20261128-150214/adc.tty: plug the device in, choose one"
    fill(dialog)
    dialog._go_on()
    dialog.show_checks([{**LOST, "id": f"device:{n}", "level": "warn", "what": long} for n in range(9)])
    for _ in range(3):
        QApplication.processEvents()
    told = [label for label in dialog.confirm.findChildren(QLabel) if long in label.text()]
    assert len(told) == 9
    for label in told:
        assert label.height() >= label.heightForWidth(label.width())
    assert dialog.confirm.start.isVisible()


def test_a_known_pseudonym_moves_no_other_field_aside(dialog: StartDialog) -> None:
    fill(dialog)
    QApplication.processEvents()
    before = dialog.inputs["pseudonym"].x()
    dialog.show_known(Known("P-014", sessions=3, sex="female", created_wall_ns=10**18))
    QApplication.processEvents()
    assert dialog.notes["pseudonym"].isVisible()
    assert dialog.inputs["pseudonym"].x() == before
