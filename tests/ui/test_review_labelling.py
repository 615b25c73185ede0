"""Label mode in the real page: keys are typed, the mouse drags, what is said to be saved is on disk."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.labels.annotation import Annotation, labels_of
from hemoview.labels.label_deeds import Author
from hemoview.labels.scheme import PULSE
from hemoview.ui.catalogue import text
from hemoview.ui.figure import Figure
from hemoview.ui.review import ReviewPage
from hemoview.ui.review_axis_px import GUTTER_PX
from hemoview.ui.review_label_help import KeyMap
from hemoview.ui.review_label_paint import row_box
from hemoview.ui.review_label_scheme import SchemeDialog
from hemoview.viewmodel import review_moves as moves
from hemoview.viewmodel.review_label_keys import ACTION_OF, LABEL_KEYS
from hemoview.viewmodel.window_settings import WindowSettings, save
from recorder.session import annotations as store
from recorder.session import open as open_session

KEY = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("labelling") / "s1", Plan(hours=6 / 60))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "s1"))


@pytest.fixture
def page(qtbot: QtBot, folder: Path) -> Iterator[ReviewPage]:
    made = ReviewPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    open_it(made, folder, qtbot)
    made.labelling.model.use_rater("AB")
    look(made, 0.0, 60.0)
    qtbot.keyClick(made, KEY.Key_L, CTRL)
    yield made
    made.close_session()


def open_it(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    qtbot.waitUntil(lambda: page.labelling.model.view(0.0).ready, timeout=20_000)


def look(page: ReviewPage, t0_s: float, t1_s: float) -> None:
    page.model.move(lambda w, end: moves.look_at(w, t0_s, t1_s, end))
    page._show()


def on_disk(folder: Path) -> list[tuple[str, float, float]]:
    return [(a.label, a.t0_s, a.t1_s) for a in labels_of(folder).annotations()]


def first(folder: Path) -> Annotation:
    return labels_of(folder).annotations()[0]


def x_of(page: ReviewPage, t_s: float) -> int:
    axis = page.picture.time_axis
    assert axis is not None
    return round(axis.x(t_s))


def drag(page: ReviewPage, start: QPoint, end: QPoint) -> None:
    canvas = page.picture
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(canvas, start + (end - start) * step / 4)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)


def row_y(page: ReviewPage, kind: str) -> int:
    return row_box(page.picture.foot_box, kind).center().y()  # type: ignore[arg-type]


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
    with qtbot.waitSignal(page.browse_requested, timeout=1000):
        qtbot.keyClick(page, KEY.Key_Escape)


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


def test_the_list_jumps_and_says_where_a_label_is_from(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    for _ in range(12):
        qtbot.keyClick(page, KEY.Key_7)
        qtbot.keyClick(page, KEY.Key_W)
    labels = page.labelling.panel.labels
    model = labels.model()
    assert model.rowCount() == 12
    qtbot.keyClick(page, KEY.Key_Home)
    labels.clicked.emit(model.index(11, 0))
    assert page.model.wish.t0_s <= 110.0 <= page.model.wish.t1_s
    seen = text("labels.origin-seen")  # estimates are drawn: their model was seen
    assert [model.data(model.index(11, c)) for c in range(4)] == ["0:01:50.0", "good", "AB", seen]


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


def test_labels_to_choose_from_are_edited_on_the_screen(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    dialog.names[1].setText("fidgeting")
    dialog.add.click()
    assert not dialog.ok.isEnabled()
    dialog.names[-1].setText("artefact")
    assert "twice" in dialog.problem.text()
    dialog.names[-1].setText("cough")
    dialog.keys[-1].setCurrentIndex(1)
    dialog.keys[-1].activated.emit(1)
    dialog.ok.click()
    qtbot.keyClick(page, KEY.Key_1)
    qtbot.keyClick(page, KEY.Key_2)
    assert sorted(label for label, *_ in on_disk(folder)) == ["cough", "motion"]
    assert "2 ▬ fidgeting" in [button.text() for button in page.labelling.panel.choices]
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    dialog.start_from.setCurrentIndex(2)
    dialog.start_from.activated.emit(2)
    assert [line.text() for line in dialog.names][:2] == ["regular rhythm", "irregular rhythm"]
    dialog.reject()


def test_another_label_set_is_opened_and_the_first_one_kept(
    page: ReviewPage, folder: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    page.labelling.panel.scheme_button.click()
    dialog = page.labelling.dialog
    assert isinstance(dialog, SchemeDialog)
    for name, fits in (("Zweite Runde", False), ("labels", False), ("second-round", True)):
        dialog.set_name.setCurrentText(name)
        assert dialog.open_set.isEnabled() == fits
    dialog.open_set.click()
    qtbot.waitUntil(lambda: page.labelling.model.view(0.0).ready, timeout=20_000)
    assert page.labelling.panel.labels.model().rowCount() == 0
    qtbot.keyClick(page, KEY.Key_9)
    assert store.sets_of(folder) == ("labels", "second-round")
    assert [a.label for a in labels_of(folder, "second-round").annotations()] == ["bad"]
    assert [label for label, *_ in on_disk(folder)] == ["motion"]


def test_who_used_the_window_last_labels(
    page: ReviewPage, folder: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    save(
        home / "settings" / "window.json",
        replace(WindowSettings(), form=replace(WindowSettings().form, operator="OP3")),
    )
    inside = Path(shutil.copytree(folder, home / "sessions" / "s9"))
    page.labelling.model.use_rater("")
    open_it(page, inside, qtbot)
    qtbot.keyClick(page, KEY.Key_2)
    assert first(inside).rater == "OP3"


def test_who_labels_is_asked_once(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    page.labelling.model.use_rater("")
    page._show()
    qtbot.keyClick(page, KEY.Key_2)
    assert on_disk(folder) == []
    assert page.labelling.panel.note.text() == text("labels.no-rater")
    qtbot.keyClicks(page.labelling.panel.rater, "OP7")
    qtbot.keyClick(page.labelling.panel.rater, KEY.Key_Return)
    qtbot.keyClick(page, KEY.Key_2)
    assert first(folder).rater == "OP7"


def test_label_mode_asks_first_who_labels_where_nobody_is_known(page: ReviewPage, qtbot: QtBot) -> None:
    page.labelling.model.use_rater("")
    qtbot.keyClick(page, KEY.Key_L, CTRL)
    qtbot.keyClick(page, KEY.Key_L, CTRL)
    assert page.focusWidget() is page.labelling.panel.rater


def test_rows_of_labels_do_not_push_the_strips_over_each_other(page: ReviewPage, qtbot: QtBot) -> None:
    page.resize(600, 300)
    for at in (KEY.Key_L, KEY.Key_L):
        qtbot.waitUntil(lambda: page.picture.height() - page.picture.foot_box.height() >= 200, timeout=2000)
        qtbot.keyClick(page, at, CTRL)


def test_another_persons_labels_are_not_shown(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    store.append(folder, "labels", [Author("CD", lambda: 1).add("span", 1.0, 2.0, "bad")])
    qtbot.keyClick(page, KEY.Key_2)
    assert page.labelling.panel.labels.model().rowCount() == 1
    assert len(on_disk(folder)) == 2


def test_a_session_being_recorded_is_looked_at_and_not_labelled(
    page: ReviewPage, tmp_path: Path, qtbot: QtBot
) -> None:
    from test_review_live_session import Recorder  # noqa: PLC0415

    recorder = Recorder(tmp_path / "live")
    recorder.record(30)
    try:
        open_it(page, tmp_path / "live", qtbot)
        qtbot.keyClick(page, KEY.Key_2)
        assert page.labelling.panel.note.text() == text("labels.live")
        assert store.sets_of(tmp_path / "live") == ()
        assert not any(button.isEnabled() for button in page.labelling.panel.choices)
    finally:
        recorder.writer.abandon()


def test_labels_are_painted_and_leave_room_for_the_waves(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    qtbot.keyClick(page, KEY.Key_Escape)
    QApplication.processEvents()
    image = page.picture.grab().toImage()
    y = row_y(page, "span")
    inside, outside = (image.pixelColor(x_of(page, t), y) for t in (8.0, 30.0))
    assert inside.red() > outside.red() + 40
    assert page.picture.foot_box.top() > 300
    assert x_of(page, 0.0) == GUTTER_PX


def test_a_saved_figure_has_the_labels(page: ReviewPage, qtbot: QtBot, tmp_path: Path) -> None:
    qtbot.keyClick(page, KEY.Key_2)
    qtbot.keyClick(page, KEY.Key_Escape)
    labelled = page.figure()
    assert labelled is not None
    yellow = QColor(PULSE.labels[1].colour)

    def has_yellow(figure: Figure) -> bool:
        image = QImage(figure.size, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        figure.paint(painter)
        painter.end()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[:, :, 2::-1]
        return bool((np.abs(pixels.astype(int) - yellow.getRgb()[:3]).max(axis=2) < 8).any())

    assert has_yellow(labelled)
    page.labelling.model.undo()
    page._show()
    plain = page.figure()
    assert plain is not None
    assert not has_yellow(plain)


PROGRAM = """
import sys, time
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from hemoview.ui.review import ReviewPage
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
