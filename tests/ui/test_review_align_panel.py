"""The alignment panel in the real page: keys, the real search, what is painted and what is on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.labels import alignment as labels
from hemoview.labels.alignment import Alignment
from hemoview.ui.picture.palette import colour
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review import moves

ALT = Qt.KeyboardModifier.AltModifier
ALT_SHIFT = ALT | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[ReviewPage]:
    folder = make_session(tmp_path / "sessions" / "s1", Plan(hours=8 / 60))
    made = ReviewPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    with qtbot.waitSignal(made.opened, timeout=20_000):
        made.open_session(str(folder))
    qtbot.waitUntil(lambda: made.model.view().settled, timeout=20_000)
    yield made
    made.close_session()


def opened(page: ReviewPage, qtbot: QtBot) -> Path:
    """The panel open, its beats read; returns the session folder."""
    qtbot.keyClick(page, Qt.Key.Key_A, ALT)
    qtbot.waitUntil(lambda: page.align.model.view(100.0).beats is not None, timeout=60_000)
    assert page.model.facts is not None
    return Path(page.model.facts.path)


def pixels_of(image: QImage, key: str) -> int:
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    rgb = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), -1, 4)[:, :, 2::-1]
    return int((np.abs(rgb.astype(int) - colour(key).getRgb()[:3]).max(axis=2) < 12).sum())


def cursor_at(page: ReviewPage, t_s: float) -> None:
    page._move(lambda wish, end: moves.jump(wish, t_s, end))
    QApplication.processEvents()


def test_from_never_aligned_to_a_locked_version_shown_on_the_picture(page: ReviewPage, qtbot: QtBot) -> None:
    folder = opened(page, qtbot)
    panel = page.align
    assert panel.state.text() == text("align-state-none")
    qtbot.keyClick(page, Qt.Key.Key_Return, ALT)
    assert panel.note.text() == text("align-who")
    panel.who.setText("OP7")
    qtbot.keyClick(page, Qt.Key.Key_Return, ALT)
    qtbot.waitUntil(lambda: labels.current(folder) is not None, timeout=90_000)
    qtbot.waitUntil(lambda: panel.state.text() == text("align-state-locked", version=1), timeout=30_000)
    found = labels.current(folder)
    assert found is not None
    assert found.made_by == "OP7"
    assert abs(found.offset_s) < 0.03
    assert "OP7" in panel.history.item(0).text()
    cursor_at(page, 100.0)
    lanes = panel.lanes.grab().toImage()
    assert pixels_of(lanes, "ppg") > 300
    assert pixels_of(lanes, "reference.SBP") > 300
    before = page.picture.grab().toImage()
    qtbot.keyClick(page, Qt.Key.Key_V, ALT)
    assert page.model.view().aligned == 1
    assert pixels_of(page.picture.grab().toImage(), "info") > pixels_of(before, "info") + 200
    qtbot.keyClick(page, Qt.Key.Key_Right, ALT_SHIFT)
    qtbot.keyClick(page, Qt.Key.Key_Up, ALT)
    assert panel.note.text() == text("align-nudged", ms="+101")
    qtbot.waitUntil(lambda: panel.state.text() == text("align-state-locked", version=2), timeout=30_000)
    kept = labels.current(folder)
    assert kept is not None
    assert kept.offset_s == pytest.approx(found.offset_s + 0.101)
    qtbot.keyClick(page, Qt.Key.Key_Z, ALT)
    qtbot.waitUntil(lambda: len(labels.history(folder)) == 3, timeout=30_000)
    again = labels.current(folder)
    assert again is not None
    assert again.offset_s == pytest.approx(found.offset_s)


def test_a_refusal_stands_in_the_panel_and_no_dialog_opens(page: ReviewPage, qtbot: QtBot) -> None:
    assert page.model.facts is not None
    folder = Path(page.model.facts.path)
    refused = Alignment(0, False, (), "beats", {}, "not-the-same-heart")
    labels.store(folder, refused, made_by="OP1", software="test", wall_ns=1)
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    opened(page, qtbot)
    panel = page.align
    assert panel.state.text() == text("align-state-refused", version=1)
    assert text("align-refused-not-the-same-heart") == panel.figures.text()
    assert text("align-barred") in panel.refusal.text()
    assert not panel.buttons["lock"].isEnabled()
    assert not panel.buttons["nudge+10"].isEnabled()
    assert QApplication.activeModalWidget() is None


def test_every_control_has_a_name_and_every_button_a_key(page: ReviewPage, qtbot: QtBot) -> None:
    opened(page, qtbot)
    for button in page.align.findChildren(QAbstractButton):
        assert button.accessibleName(), button.text()
    for name, button in page.align.buttons.items():
        assert "Alt" in button.toolTip(), name
    for field in (page.align.who, page.align.why, page.align.history, page.align.lanes, page.align.plot):
        assert field.accessibleName()
