"""What is painted of numbers in pixels, and that a picture kept from frame to frame is the one painted anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.parts import theme
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.picture.paint import draw_band, draw_range_line, far_apart, joined_runs
from hemoview.ui.picture.palette import colour, faded, pen
from hemoview.ui.review.page import ReviewPage

WIDTH, HEIGHT = 400, 120
KEY = Qt.Key
pytestmark = pytest.mark.usefixtures("qapp")


def clean() -> QImage:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(0)
    return image


def inked(image: QImage) -> NDArray[np.bool_]:
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return (pixels & 0xFFFFFF) != 0


def range_line(x: list[float], low: list[float], high: list[float]) -> NDArray[np.bool_]:
    image = clean()
    painter = QPainter(image)
    painter.setPen(QPen(QColor("white"), 1))
    draw_range_line(painter, np.array(x), np.array(low), np.array(high), exact=False)
    painter.end()
    return inked(image)


def test_columns_wider_than_a_pixel_are_filled_without_a_hole() -> None:
    x = np.linspace(3.2, 390.7, 37)
    ink = range_line(x.tolist(), [90.0] * len(x), [30.0] * len(x))
    assert ink[31:90, 4:390].all()
    assert not ink[:29].any()
    assert not ink[92:].any()


def test_a_spike_of_one_coarse_column_keeps_its_full_height() -> None:
    high = [60.0] * 30
    high[11] = 10.0
    ink = range_line([5.3 + 11.7 * n for n in range(30)], [80.0] * 30, high)
    assert ink[10:13].any()


def test_neighbours_hours_outside_the_picture_cost_no_more_than_the_picture() -> None:
    ink = range_line([-4e8, 4e8], [80.0, 80.0], [40.0, 40.0])
    assert ink[41:80, 1:399].all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_band_is_inked_between_its_lines_and_nowhere_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.arange(WIDTH, dtype=np.float64)
    high = rng.uniform(-60, HEIGHT + 60, WIDTH)
    low = high + rng.uniform(-3, 80, WIDTH)
    image = clean()
    painter = QPainter(image)
    draw_band(painter, QRect(0, 0, WIDTH, HEIGHT), (x, low, high), [slice(20, 300)], QColor("white").rgb())
    painter.end()
    rows = np.arange(HEIGHT)[:, None]
    inside = (rows >= high) & (rows <= low) & (x >= 20) & (x <= 299)
    assert (inked(image) == inside).all()


@given(st.lists(st.tuples(st.booleans(), st.sampled_from((0.5, 1.0, 4.0))), max_size=12))
def test_a_run_holds_what_is_present_and_ends_where_time_jumps(rows: list[tuple[bool, float]]) -> None:
    present = np.array([there for there, _ in rows], np.bool_)
    t_s = np.cumsum([step_s for _, step_s in rows])
    found: list[list[int]] = []
    for place in np.flatnonzero(present).tolist():
        follows = found and found[-1][-1] == place - 1 and t_s[place] - t_s[place - 1] <= 2.5
        found[-1].append(place) if follows else found.append([place])
    runs = joined_runs(present, far_apart(t_s, 2.5))
    assert [list(range(run.start, run.stop)) for run in runs] == found


def test_inks_that_are_kept_follow_the_palette() -> None:
    before = colour("reference.SBP"), faded("reference.SBP", 90), pen("reference.SBP").color()
    assert before[0] == before[2] == QColor("#ff5a52")
    try:
        theme.use_palette("colour-blind")
        assert colour("reference.SBP") == pen("reference.SBP").color() == QColor("#e8743b")
        assert faded("reference.SBP", 90) == QColor(232, 116, 59, 90)
    finally:
        theme.use_palette("standard")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("review-paint") / "s1", Plan(hours=0.4))


def shown(page: ReviewPage) -> bool:
    """All of the view is there, and on the screen."""
    view = page.model.view()
    return view.settled and page.picture.whole and page.picture._view is view


def test_a_picture_kept_over_moves_is_the_one_painted_anew(folder: Path, qtbot: QtBot) -> None:
    page = ReviewPage()
    qtbot.addWidget(page)
    page.resize(1100, 760)
    page.show()
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))

    def seen(canvas: ReviewCanvas) -> QImage:
        QApplication.processEvents()
        return canvas.grab().toImage()

    steps = (KEY.Key_Plus, KEY.Key_Plus, KEY.Key_Right, KEY.Key_G, KEY.Key_Minus, KEY.Key_M, KEY.Key_End)
    for key in (*steps, KEY.Key_F):
        page.press(key)
        qtbot.waitUntil(lambda: shown(page), timeout=20_000)
        kept = seen(page.picture)
        anew = ReviewCanvas()
        qtbot.addWidget(anew)
        anew.resize(page.picture.size())
        anew.show_view(page.model.view())
        box = QRect(0, 0, kept.width(), kept.height() - page.picture.foot_box.height())
        assert seen(anew).copy(box) == kept.copy(box), key
    page.use_pressure_unit("kPa")
    kept = seen(page.picture)
    anew.show_view(page.model.view())
    assert seen(anew) == kept
    page.close_session()


def test_a_move_looks_for_no_file(folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ReviewPage()
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    qtbot.waitUntil(lambda: page.model.view().settled, timeout=20_000)
    assert page.reporting.button.isEnabled()
    looked: list[Path] = []
    monkeypatch.setattr(Path, "is_file", lambda path: bool(looked.append(path)))
    for key in (KEY.Key_Plus, KEY.Key_Right, KEY.Key_M):
        page.press(key)
    page.close_session()
    assert not looked
    assert page.reporting.button.isEnabled()
