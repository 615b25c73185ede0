"""A move is answered in time on any computer: strips that would be late are moved, and painted in the next paint."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.picture.axis_px import GUTTER_PX
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.review.page import ReviewPage
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.model import ReviewModel, ReviewView
from hemoview.viewmodel.review.reader import ReviewReader
from recorder import session as store

LONG_AGO_S = 0.0
SIZE = (1000, 640)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("review-late") / "s1", Plan(hours=0.4))


@pytest.fixture
def model(folder: Path, qtbot: QtBot) -> Iterator[ReviewModel]:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(SIZE[0] - GUTTER_PX - 10)
    open_in(made, folder, qtbot)
    yield made
    made.close()


def open_in(model: ReviewModel, folder: Path, qtbot: QtBot) -> None:
    model.open(str(folder))
    qtbot.waitUntil(lambda: model.drain() or model.view().phase == "open", timeout=20_000)
    at(model, qtbot, 300.0, 360.0)


def at(model: ReviewModel, qtbot: QtBot, t0_s: float, t1_s: float) -> ReviewView:
    """The view of a span, with all its tiles."""
    model.move(lambda wish, end: moves.look_at(wish, t0_s, t1_s, end))
    qtbot.waitUntil(lambda: bool(model.drain() or True) and model.view().settled, timeout=20_000)
    return model.view()


def canvas_of(view: ReviewView, qtbot: QtBot) -> ReviewCanvas:
    made = ReviewCanvas()
    qtbot.addWidget(made)
    made.resize(*SIZE)
    made.show_view(view)
    painted(made)
    return made


def painted(canvas: ReviewCanvas) -> QImage:
    """One paint, as the window would do it now: nothing else runs meanwhile."""
    picture = QPixmap(canvas.size())
    canvas.render(picture)
    return picture.toImage()


def pixels(image: QImage, box: QRect) -> NDArray[np.uint32]:
    part = image.copy(box).convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(part.constBits(), np.uint32).reshape(part.height(), -1).copy()


def strips(canvas: ReviewCanvas) -> list[QRect]:
    return [strip.box for strip in canvas._strips]


def test_a_strip_that_is_late_is_moved_and_the_next_paint_has_all_of_it(
    model: ReviewModel, qtbot: QtBot
) -> None:
    canvas = canvas_of(model.view(), qtbot)
    before, wide = painted(canvas), canvas.axis_px
    step_px = 45
    view = at(model, qtbot, 300.0 + 60.0 * step_px / wide, 360.0 + 60.0 * step_px / wide)
    canvas.show_view(view, LONG_AGO_S)
    first = painted(canvas)
    assert not canvas.whole
    for box in strips(canvas)[1:]:
        kept = box.adjusted(0, 0, -step_px, 0)
        same = pixels(first, kept) == pixels(before, kept.translated(step_px, 0))
        assert same.mean() > 0.99, box  # but for the cursor
    second = painted(canvas)
    assert canvas.whole
    assert second == painted(canvas_of(view, qtbot))


def test_the_first_strip_is_never_late_and_one_that_waited_is_first_next_time(
    model: ReviewModel, qtbot: QtBot
) -> None:
    canvas = canvas_of(model.view(), qtbot)
    seen = []
    for n in range(1, len(strips(canvas)) + 1):
        view = at(model, qtbot, 300.0 + 10 * n, 360.0 + 10 * n)
        canvas.show_view(view, LONG_AGO_S)
        image, whole = painted(canvas), painted(canvas_of(view, qtbot))
        assert not canvas.whole
        anew = [k for k, box in enumerate(strips(canvas)) if (pixels(image, box) == pixels(whole, box)).all()]
        assert len(anew) == 1
        seen += anew
    assert sorted(seen[:2]) != [0, 0]
    assert len(set(seen)) > 1


def test_a_moment_out_of_what_was_shown_leaves_a_late_strip_empty(model: ReviewModel, qtbot: QtBot) -> None:
    canvas = canvas_of(model.view(), qtbot)
    canvas.show_view(at(model, qtbot, 900.0, 960.0), LONG_AGO_S)
    image = painted(canvas)
    box = strips(canvas)[-1].adjusted(40, 2, -4, -2)
    assert len(np.unique(pixels(image, box))) <= 2  # ground and cursor


def test_a_view_shown_again_before_the_paint_does_not_take_its_time_away(
    model: ReviewModel, qtbot: QtBot
) -> None:
    canvas = canvas_of(model.view(), qtbot)
    view = at(model, qtbot, 310.0, 370.0)
    canvas.show_view(view, LONG_AGO_S)
    canvas.show_view(view)
    painted(canvas)
    assert not canvas.whole
    painted(canvas)
    assert canvas.whole


def test_another_session_is_never_shown_with_strips_of_the_one_before(
    model: ReviewModel, folder: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    canvas = canvas_of(model.view(), qtbot)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    open_in(model, other, qtbot)
    view = at(model, qtbot, 500.0, 560.0)
    canvas.show_view(view, LONG_AGO_S)
    assert painted(canvas) == painted(canvas_of(view, qtbot))
    assert canvas.whole


def test_without_a_session_nothing_is_late(model: ReviewModel, qtbot: QtBot) -> None:
    canvas = canvas_of(model.view(), qtbot)
    canvas.show_view(at(model, qtbot, 310.0, 370.0), LONG_AGO_S)
    painted(canvas)
    assert not canvas.whole
    model.open("elsewhere")
    canvas.show_view(model.view())
    painted(canvas)
    assert canvas.whole


def shown(page: ReviewPage) -> bool:
    return page.model.view().settled and page.picture.whole


def test_on_the_page_what_was_late_follows_by_itself(
    folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemoview.ui.review.page.ANSWER_S", -1.0)
    page = ReviewPage()
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    qtbot.waitUntil(lambda: shown(page) and page.labelling.model.view(0.0).ready, timeout=20_000)
    QApplication.processEvents()  # rows of labels came under the strips: everything was painted anew
    paints: list[bool] = []
    page.picture.painted.connect(lambda: paints.append(page.picture.whole))
    assert page.press(Qt.Key.Key_Plus)
    qtbot.waitUntil(lambda: shown(page), timeout=20_000)
    assert paints[0] is False
    assert paints[-1] is True
    page.close_session()
