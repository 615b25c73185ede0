"""The page of review in label mode: what is shown of it, dragged over it, and on disk."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hemoview.labels.annotation import Annotation, labels_of
from hemoview.ui.review.label_paint import row_box
from hemoview.ui.review.page import ReviewPage
from hemoview.viewmodel.review import moves

KEY = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


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
