"""Review's markers: set at the cursor, taken back, and the reference counts from there on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.review.markers_dialog import MarkersDialog
from hemoview.ui.review.page import ReviewPage
from hemoview.viewmodel.review.marker_form import MarkerForm
from recorder import session as store
from recorder.schema import FINGER_CHANGED, REFERENCE_CALIBRATED
from tests.session.small_session import ERA, STREAMS, header, record

PATIENCE_MS = 20_000


@pytest.fixture
def page(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> ReviewPage:
    theme.apply(qapp)
    writer = store.create(tmp_path / "sessions" / "s", header(), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(6))
    writer.close("done")
    made = ReviewPage()
    qtbot.addWidget(made, before_close_func=lambda widget: widget.close_session())
    made.resize(1200, 700)
    made.show()
    with qtbot.waitSignal(made.opened, timeout=PATIENCE_MS):
        made.open_session(str(tmp_path / "sessions" / "s"))
    return made


def asked(page: ReviewPage) -> MarkersDialog:
    page.marking.ask()
    assert page.marking.dialog is not None
    return page.marking.dialog


def signed(dialog: MarkersDialog) -> MarkersDialog:
    assert not dialog.place.isEnabled()
    dialog.operator.setText("OP2")
    dialog.why.setText("written on paper")
    return dialog


def spans(page: ReviewPage) -> int:
    facts = page.model.facts
    return -1 if facts is None else len(facts.reference_spans)


def test_a_calibration_told_afterwards_makes_the_reference_count(page: ReviewPage, qtbot: QtBot) -> None:
    assert spans(page) == 0
    dialog = signed(asked(page))
    assert not dialog.take_back.isEnabled()
    qtbot.mouseClick(dialog.place, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: spans(page) == 1, timeout=PATIENCE_MS)
    dialog = signed(asked(page))
    assert "afterwards" in dialog.list.item(0).text()
    dialog.list.setCurrentRow(0)
    qtbot.mouseClick(dialog.take_back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: spans(page) == 0, timeout=PATIENCE_MS)


def test_an_offered_label_is_stored_as_every_screen_knows_it(page: ReviewPage) -> None:
    dialog = signed(asked(page))
    assert dialog.form.label == REFERENCE_CALIBRATED
    dialog.label.setCurrentIndex(1)
    assert dialog.form.label == FINGER_CHANGED
    dialog.label.setCurrentText("ward round")
    assert dialog.form.label == "ward round"
    dialog.label.setCurrentText(" ")
    assert not dialog.place.isEnabled()


def test_both_need_who_and_why() -> None:
    assert not MarkerForm().may_place
    assert not MarkerForm(operator="a").may_place
    whole = MarkerForm(operator="a", why="b", chosen="id")
    assert whole.may_place
    assert whole.may_take_back
