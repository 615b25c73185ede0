"""Label mode in the real page: labels in the list, in their rows, and in a saved figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from labelling_rig import CTRL, KEY, on_disk, row_y, x_of
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.scheme import PULSE
from hemoview.ui.parts.figure import Figure
from hemoview.ui.picture.axis_px import GUTTER_PX
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from recorder.session import annotations as store


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


def test_rows_of_labels_do_not_push_the_strips_over_each_other(page: ReviewPage, qtbot: QtBot) -> None:
    page.resize(600, 300)
    for at in (KEY.Key_L, KEY.Key_L):
        qtbot.waitUntil(lambda: page.picture.height() - page.picture.foot_box.height() >= 200, timeout=30_000)
        qtbot.keyClick(page, at, CTRL)


def test_another_persons_labels_are_not_shown(page: ReviewPage, folder: Path, qtbot: QtBot) -> None:
    store.append(folder, "labels", [Author("CD", lambda: 1).add("span", 1.0, 2.0, "bad")])
    qtbot.keyClick(page, KEY.Key_2)
    assert page.labelling.panel.labels.model().rowCount() == 1
    assert len(on_disk(folder)) == 2


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
