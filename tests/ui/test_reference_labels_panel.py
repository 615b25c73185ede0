"""The panel of reference labels on the Review page, offscreen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review import moves
from recorder.session import annotations

sys.path.insert(0, str(Path(__file__).parents[1] / "labels"))
import aligned_sessions as made


@pytest.fixture
def page(tmp_path: Path, qtbot: QtBot) -> Iterator[ReviewPage]:
    folder = made.make(tmp_path / "home" / "sessions" / "s", seconds=90.0)
    shown = ReviewPage()
    shown.reference.model._make_pool = ThreadPoolExecutor
    qtbot.addWidget(shown)
    shown.resize(1400, 860)
    shown.show()
    with qtbot.waitSignal(shown.opened, timeout=20_000):
        shown.open_session(str(folder))
    shown._side.setCurrentWidget(shown.reference.tab)
    shown._move(lambda w, end: moves.jump(w, 60.0, end))
    yield shown
    shown.close_session()
    shown.reference.model.close()


def test_labels_are_asked_for_shown_and_corrected_by_hand(page: ReviewPage, qtbot: QtBot) -> None:
    desk = page.reference
    assert not desk.panel.table.isVisible() and desk.panel.ask.text() == text("refl.ask")
    qtbot.mouseClick(desk.panel.ask, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.model.view(60.0).state == "ready", timeout=30_000)
    qtbot.waitUntil(desk.panel.table.isVisible, timeout=30_000)
    assert desk.panel.table.item(0, 0).text().startswith("SBP ")
    assert text("refl.why.valid") in desk.panel.table.item(0, 1).text()
    assert desk.ticks.ticks is not None and not page._card.isVisible()

    desk.panel.table.selectRow(2)
    qtbot.mouseClick(desk.panel.fix, Qt.MouseButton.LeftButton)
    dialog = desk.dialog
    assert dialog is not None and not dialog.ok.isEnabled()
    dialog.value.setText("71")
    dialog.why.setText("cuff beside it")
    dialog.who.setText("OP2")
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.panel.table.item(2, 0).text().startswith("DBP 71.0"), timeout=30_000)
    assert "OP2" in desk.panel.notes.text() and desk.panel.take_back.isEnabled()
    folder = Path(page.model.view().facts.path)  # type: ignore[union-attr]
    assert [d.label for d in annotations.read(folder, "reference").deeds] == ["reference DBP=71"]
    qtbot.mouseClick(desk.panel.take_back, Qt.MouseButton.LeftButton)
    assert not desk.panel.table.item(2, 0).text().startswith("DBP 71.0")
