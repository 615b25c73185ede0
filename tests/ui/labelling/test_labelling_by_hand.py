"""Label mode in the real page: keys are typed, the mouse drags, what is said to be saved is on disk."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from labelling_rig import CTRL, KEY, SHIFT, drag, first, look, on_disk, row_y, x_of
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from hemoview.labels.annotation import labels_of
from hemoview.labels.raters.deeds import Author
from hemoview.ui.review.label_help import KeyMap
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.label_keys import ACTION_OF, LABEL_KEYS
from recorder.session import annotations as store
from recorder.session import open as open_session


def test_a_session_is_labelled_without_touching_the_mouse(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    for key in (KEY.Key_2, KEY.Key_W, KEY.Key_9, KEY.Key_W, KEY.Key_5):
        qtbot.keyClick(page, key)
    assert on_disk(folder) == [("motion", 0.0, 10.0), ("bad", 10.0, 20.0), ("arm-moved", 20.0, 20.0)]
    assert re.fullmatch(r"Saved \d\d:\d\d:\d\d, 3 labels, set “labels”", page.labelling.panel.saved.text())
    qtbot.keyClick(page, KEY.Key_Z, CTRL)
    assert len(on_disk(folder)) == 2
    qtbot.keyClick(page, KEY.Key_Z, CTRL | SHIFT)
    qtbot.keyClick(page, KEY.Key_Delete)
    assert [label for label, *_ in on_disk(folder)] == ["motion", "bad"]
    qtbot.keyClick(page, KEY.Key_N, SHIFT)
    qtbot.keyClick(page, KEY.Key_N, SHIFT)
    qtbot.keyClick(page, KEY.Key_D)
    qtbot.keyClick(page, KEY.Key_1)
    label, t0_s, t1_s = on_disk(folder)[0]
    assert (label, t0_s) == ("artefact", 0.0)
    assert 10.0 < t1_s < 11.0


def test_keys_of_review_go_on_in_label_mode(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_F)
    assert page.model.wish.t1_s == pytest.approx(360.0, abs=1.0)
    qtbot.keyClick(page, KEY.Key_Space)
    assert page.model.wish.playing


def test_without_label_mode_a_digit_writes_nothing(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_L, CTRL)
    qtbot.keyClick(page, KEY.Key_2)
    assert on_disk(folder) == []


def test_a_stretch_is_chosen_from_the_keyboard_and_escape_drops_it_first(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(page, KEY.Key_Right, CTRL)
    qtbot.keyClick(page, KEY.Key_I)
    for _ in range(3):
        qtbot.keyClick(page, KEY.Key_Right, CTRL)
    qtbot.keyClick(page, KEY.Key_O)
    qtbot.keyClick(page, KEY.Key_3)
    assert on_disk(folder) == [("poor-contact", 1.0, 4.0)]
    with qtbot.assertNotEmitted(page.browse_requested):
        qtbot.keyClick(page, KEY.Key_Escape)
    with qtbot.waitSignal(page.browse_requested, timeout=30_000):
        qtbot.keyClick(page, KEY.Key_Escape)


def test_the_sessions_button_leads_there_whatever_is_chosen(page: ReviewPage, qtbot: QtBot) -> None:
    """It pressed Escape, which first drops the label that is chosen: one more click was needed."""
    qtbot.keyClick(page, KEY.Key_2)
    named = [b for b in page.findChildren(QPushButton) if b.text() == text("review.sessions")]
    with qtbot.waitSignal(page.browse_requested, timeout=30_000):
        QTest.mouseClick(named[0], Qt.MouseButton.LeftButton)
    assert page.labelling.model.current is not None, "what was chosen is there when one comes back"


def test_a_drag_makes_a_stretch_and_its_edge_can_be_dragged(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    QApplication.processEvents()
    drag(page, QPoint(x_of(page, 12.0), 200), QPoint(x_of(page, 18.0), 200))
    drag(page, QPoint(x_of(page, 18.0), 200), QPoint(x_of(page, 22.0), 240))
    qtbot.keyClick(page, KEY.Key_1)
    label, t0_s, t1_s = on_disk(folder)[0]
    assert label == "artefact"
    assert (t0_s, t1_s) == pytest.approx((12.0, 22.0), abs=0.1)
    assert page.model.wish.t0_s == 0.0


def test_a_label_is_chosen_moved_and_its_edge_dragged_in_its_row(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    QApplication.processEvents()
    y = row_y(page, "span")
    drag(page, QPoint(x_of(page, 5.0), y), QPoint(x_of(page, 25.0), y))
    assert on_disk(folder)[0][1:] == pytest.approx((20.0, 30.0), abs=0.15)
    moved = first(folder)
    drag(page, QPoint(x_of(page, moved.t1_s) - 1, y), QPoint(x_of(page, 40.0), y))
    assert on_disk(folder)[0][1:] == pytest.approx((20.0, 40.0), abs=0.15)
    QTest.mouseClick(page.picture, Qt.MouseButton.LeftButton, pos=QPoint(x_of(page, 30.0), y))
    qtbot.keyClick(page, KEY.Key_6)
    assert [label for label, *_ in on_disk(folder)] == ["irregular-rhythm"]


def test_a_click_sets_the_cursor_and_control_drag_still_zooms(page: ReviewPage, folder: Path) -> None:
    QApplication.processEvents()
    QTest.mouseClick(page.picture, Qt.MouseButton.LeftButton, pos=QPoint(x_of(page, 33.0), 150))
    assert page.model.wish.cursor_s == pytest.approx(33.0, abs=0.1)
    start, end = QPoint(x_of(page, 20.0), 200), QPoint(x_of(page, 40.0), 200)
    QTest.mousePress(page.picture, Qt.MouseButton.LeftButton, CTRL, start)
    QTest.mouseMove(page.picture, end)
    QTest.mouseRelease(page.picture, Qt.MouseButton.LeftButton, CTRL, end)
    assert (page.model.wish.t0_s, page.model.wish.t1_s) == pytest.approx((20.0, 40.0), abs=0.2)
    assert on_disk(folder) == []


@pytest.mark.parametrize("span_s", [10.0, 300.0])
def test_snapping_finds_the_foot_of_the_pulse_however_far_the_picture_is(
    page: ReviewPage, folder: Path, qtbot: QtBot, span_s: float
) -> None:
    look(page, 105.0 - span_s / 3, 105.0 + 2 * span_s / 3)
    page.model.move(lambda w, end: moves.jump(w, 105.0, end))
    page._show()
    qtbot.waitUntil(lambda: len(page.model.samples("e4.bvp", 101.0, 109.0)[0]) > 500, timeout=20_000)
    qtbot.keyClick(page, KEY.Key_5)
    qtbot.keyClick(page, KEY.Key_B)
    foot_s = first(folder).t0_s
    assert 0.0 < abs(foot_s - 105.0) < 0.8
    with open_session(folder) as session:
        pulse = session.read("e4.bvp", foot_s - 0.25, foot_s + 0.25)
    values = np.asarray(pulse.values)[:, 0]
    here = values[np.abs(np.asarray(pulse.time_s) - foot_s).argmin()]
    assert here < values.mean()


def test_a_comment_is_typed_and_kept(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    qtbot.keyClick(page, KEY.Key_C)
    dialog = page.labelling.dialog
    assert isinstance(dialog, QInputDialog)
    dialog.setTextValue("coughing")
    dialog.accept()
    assert first(folder).comment == "coughing"


def test_the_key_map_names_every_key(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_Question, SHIFT)
    dialog = page.labelling.dialog
    assert isinstance(dialog, KeyMap)
    qtbot.keyClick(dialog, KEY.Key_X)
    assert not dialog.isVisible()
    assert len(ACTION_OF) == len(LABEL_KEYS)


PROGRAM = """
import sys, time
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from hemoview.ui.review.page import ReviewPage
app = QApplication([])
page = ReviewPage()
page.resize(1000, 700)
page.show()
page.open_session(sys.argv[1])
model = page.labelling.model
while not (page.model.facts and model.view(0.0).ready):
    app.processEvents()
model.use_rater("AB")
QTest.keyClick(page, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
while True:
    QTest.keyClick(page, Qt.Key.Key_5)
    QTest.keyClick(page, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    app.processEvents()
    print(page.labelling.panel.saved.text(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 9, 23])
def test_every_label_that_was_shown_as_saved_outlives_a_kill(folder: Path, after: int, qtbot: QtBot) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    shown = 0
    for line in process.stdout:
        found = re.search(r", (\d+) labels", line)
        shown = max(shown, int(found.group(1))) if found else shown
        if shown >= after:
            break
    time.sleep(0.003 * after)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait(20)
    shown = max([shown, *(int(n) for n in re.findall(r", (\d+) labels", rest))])
    kept = labels_of(folder).annotations()
    assert len(kept) >= shown >= after
    assert [a.t0_s for a in kept] == [float(n) for n in range(len(kept))]
    store.append(folder, "labels", [Author("AB", lambda: 1).add("span", 1.0, 2.0, "motion")])
    assert len(labels_of(folder).annotations()) == len(kept) + 1
