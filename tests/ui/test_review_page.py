"""The Review page offscreen: keys, mouse, playback, what is painted and what is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.picture.axis_px import GUTTER_PX
from hemoview.ui.picture.palette import colour
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.model import ReviewView

KEY = Qt.Key
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
LENGTH_S = 34 * 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("review-page") / "s1", Plan(hours=LENGTH_S / 3600))


@pytest.fixture
def blank(qtbot: QtBot) -> Iterator[ReviewPage]:
    made = ReviewPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close_session()


@pytest.fixture
def page(blank: ReviewPage, folder: Path, qtbot: QtBot) -> ReviewPage:
    with qtbot.waitSignal(blank.opened, timeout=20_000):
        blank.open_session(str(folder))
    settled(blank, qtbot)
    return blank


def view(page: ReviewPage) -> ReviewView:
    return page.model.view()


def settled(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: view(page).settled, timeout=20_000)


def said(page: ReviewPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())


def painted(page: ReviewPage) -> QImage:
    QApplication.processEvents()
    return page.picture.grab().toImage()


def has_colour(image: QImage, key: str, box: tuple[int, int, int, int] | None = None) -> bool:
    """Is a colour (nearly) in the picture, in ``(x0, y0, x1, y1)``?"""
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), -1, 4)[:, :, 2::-1]
    x0, y0, x1, y1 = box or (0, 0, plain.width(), plain.height())
    distance = np.abs(pixels[y0:y1, x0:x1].astype(int) - colour(key).getRgb()[:3]).max(axis=2)
    return bool((distance < 12).any())


def test_an_open_session_names_subject_length_and_state(page: ReviewPage) -> None:
    words = said(page)
    for wanted in ("P-014", "34 min 00 s", "Europe/Berlin", "sealed", text("review.sim")):
        assert wanted in words
    assert "student-0.1" in words


def test_the_picture_shows_waves_reference_and_estimate_in_their_own_colours(
    page: ReviewPage, qtbot: QtBot
) -> None:
    look_at(page, 60.0, 70.0)
    settled(page, qtbot)
    image = painted(page)
    for key in ("ppg", "reference.SBP", "estimate.SBP", "heart.reference"):
        assert has_colour(image, key), key


@pytest.mark.parametrize(
    "case",
    [
        (KEY.Key_Right, NONE, (100.0, 200.0), (110.0, 210.0)),
        (KEY.Key_Left, NONE, (100.0, 200.0), (90.0, 190.0)),
        (KEY.Key_Right, SHIFT, (100.0, 200.0), (190.0, 290.0)),
        (KEY.Key_Plus, NONE, (100.0, 200.0), (120.0, 180.0)),
        (KEY.Key_Minus, NONE, (120.0, 180.0), (100.0, 200.0)),
        (KEY.Key_Home, NONE, (100.0, 200.0), (0.0, 100.0)),
        (KEY.Key_End, NONE, (100.0, 200.0), (LENGTH_S - 100, LENGTH_S)),
        (KEY.Key_F, NONE, (100.0, 200.0), (0.0, LENGTH_S)),
    ],
)
def test_every_move_has_a_key(
    page: ReviewPage,
    qtbot: QtBot,
    case: tuple[Qt.Key, Qt.KeyboardModifier, tuple[float, float], tuple[float, float]],
) -> None:
    key, modifiers, start, expected = case
    look_at(page, *start)
    qtbot.keyClick(page, key, modifiers)
    assert (view(page).wish.t0_s, view(page).wish.t1_s) == pytest.approx(expected, abs=0.05)


def look_at(page: ReviewPage, t0_s: float, t1_s: float) -> None:
    page.picture.spanned.emit(t0_s, t1_s)


def test_m_and_g_go_to_the_next_marker_and_gap(page: ReviewPage, qtbot: QtBot) -> None:
    seen = []
    for key, modifiers in ((KEY.Key_M, NONE), (KEY.Key_G, NONE), (KEY.Key_M, NONE), (KEY.Key_M, SHIFT)):
        qtbot.keyClick(page, key, modifiers)
        seen.append(view(page).wish.cursor_s)
    assert seen == pytest.approx([120.0, 900.0, 1380.0, 120.0], abs=0.01)


def test_playback_runs_the_cursor_and_the_numbers_follow(page: ReviewPage, qtbot: QtBot) -> None:
    look_at(page, 100.0, 160.0)
    page.picture.clicked.emit(110.0)
    qtbot.keyClick(page, KEY.Key_S)
    assert view(page).wish.speed == 5.0
    qtbot.keyClick(page, KEY.Key_Space)
    qtbot.waitUntil(lambda: view(page).wish.cursor_s > 112.0, timeout=30_000)
    qtbot.keyClick(page, KEY.Key_Space)
    stopped = view(page).wish.cursor_s
    qtbot.wait(80)
    assert view(page).wish.cursor_s == stopped
    qtbot.waitUntil(lambda: numbers(page)["SBP"].value is not None, timeout=30_000)


def numbers(page: ReviewPage) -> dict[str, object]:
    cursor = view(page).cursor
    assert cursor is not None
    return {n.name: n.estimate for n in cursor.numerics}


def test_hidden_the_playback_stops_costing(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page, KEY.Key_Space)
    page.hide()
    at = view(page).wish.cursor_s
    qtbot.wait(80)
    assert view(page).wish.cursor_s == at


def test_the_gap_is_hatched_where_nothing_was_received(page: ReviewPage, qtbot: QtBot) -> None:
    look_at(page, 1495.0, 1545.0)
    settled(page, qtbot)
    image = painted(page)
    x = GUTTER_PX + page.picture.axis_px // 2
    top = (x - 40, 50, x + 40, 140)
    assert not has_colour(image, "ppg", top)
    lines = {image.pixelColor(px, 90).name() for px in range(top[0], top[2])}
    assert len(lines) > 2, "a hatch is more than one colour"


def test_a_click_sets_the_cursor_a_drag_moves_the_picture(page: ReviewPage, qtbot: QtBot) -> None:
    look_at(page, 100.0, 200.0)
    canvas = page.picture
    middle = QPoint(GUTTER_PX + canvas.axis_px // 2, 200)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=middle)
    assert view(page).wish.cursor_s == pytest.approx(150.0, abs=0.5)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, middle + QPoint(canvas.axis_px // 10, 0))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(canvas.axis_px // 10, 0))
    assert view(page).wish.t0_s == pytest.approx(90.0, abs=0.5)


def test_the_length_in_view_is_told_whole_or_not_at_all(page: ReviewPage, qtbot: QtBot) -> None:
    span, smaller = page._bar._span, 0
    for width in range(1200, 1700, 20):
        page.resize(width, 720)
        QApplication.processEvents()
        fits = span.fontMetrics().horizontalAdvance(span.text()) <= span.width()
        shown, told = span.grab().toImage(), span.text()
        span.setText("")
        assert fits or shown == span.grab().toImage(), width
        span.setText(told)
        smaller += fits and span.font().pixelSize() < 13
    assert smaller, "no width asked for smaller words"


def test_ctrl_drag_chooses_a_span(page: ReviewPage, qtbot: QtBot) -> None:
    look_at(page, 100.0, 200.0)
    canvas, control = page.picture, Qt.KeyboardModifier.ControlModifier
    a, b = (QPoint(GUTTER_PX + round(canvas.axis_px * f), 200) for f in (0.25, 0.75))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, control, a)
    qtbot.mouseMove(canvas, b)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, control, b)
    assert (view(page).wish.t0_s, view(page).wish.t1_s) == pytest.approx((125.0, 175.0), abs=0.5)


def test_the_wheel_zooms_about_the_mouse(page: ReviewPage) -> None:
    look_at(page, 100.0, 200.0)
    canvas = page.picture
    place = QPointF(GUTTER_PX + canvas.axis_px * 0.25, 200)
    turn = QWheelEvent(
        place,
        canvas.mapToGlobal(place),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, turn)
    assert view(page).wish.span_s == pytest.approx(50.0)
    assert view(page).wish.t0_s == pytest.approx(112.5, abs=0.1)


def test_the_tool_tip_names_the_gap_under_the_mouse(page: ReviewPage, qtbot: QtBot) -> None:
    look_at(page, 1495.0, 1545.0)
    qtbot.mouseMove(page.picture, QPoint(GUTTER_PX + page.picture.axis_px // 2, 90))
    assert "link lost" in page.picture.toolTip()
    assert "2560 samples missing" in page.picture.toolTip()


def test_choosing_panels_changes_the_picture_only(page: ReviewPage, qtbot: QtBot) -> None:
    page._side.chosen.emit(frozenset({"e4.bvp", "e4.eda"}))
    settled(page, qtbot)
    assert [p.panel.panel_id for p in view(page).panels] == ["e4.bvp", "e4.eda"]


def test_only_the_strip_that_changed_is_painted_again(page: ReviewPage, qtbot: QtBot) -> None:
    settled(page, qtbot)
    painted(page)
    before = page.picture._picture
    page.picture.clicked.emit(view(page).wish.t1_s / 2)
    painted(page)
    assert page.picture._picture is before


def test_after_a_click_in_the_list_of_events_the_keys_still_move_the_picture(
    page: ReviewPage, qtbot: QtBot
) -> None:
    events = page._side._event_view
    row = next(
        i for i in range(events.model().rowCount()) if "cold pressor" in events.model().index(i, 0).data()
    )
    events.scrollTo(events.model().index(row, 0))
    place = events.visualRect(events.model().index(row, 0)).center()
    qtbot.mouseClick(events.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view(page).wish.cursor_s == pytest.approx(1380.0, abs=0.01)
    qtbot.keyClick(page, KEY.Key_Home)
    assert view(page).wish.cursor_s == 0.0


def test_escape_asks_for_the_list(page: ReviewPage, qtbot: QtBot) -> None:
    asked: list[bool] = []
    page.browse_requested.connect(lambda: asked.append(True))
    qtbot.keyClick(page, KEY.Key_End)
    assert not asked
    qtbot.keyClick(page, KEY.Key_Escape)
    assert asked == [True] and view(page).phase == "open"


# sessions that are not whole


def damage_manifest(folder: Path) -> str:
    (folder / "manifest.json").write_text("{}")
    return "manifest.json"


def damage_card(folder: Path) -> str:
    (folder / "session.json").write_text("not a card")
    return "session.json"


def make_newer(folder: Path) -> None:
    card = json.loads((folder / "session.json").read_text())
    card["format"] = 99
    (folder / "session.json").write_text(json.dumps(card))


def test_a_newer_session_says_that_hemoview_must_be_updated(
    blank: ReviewPage, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    copy = shutil.copytree(folder, tmp_path / "newer")
    make_newer(copy)
    with qtbot.waitSignal(blank.failed, timeout=20_000) as caught:
        blank.open_session(str(copy))
    assert "format 99" in caught.args[0]
    qtbot.waitUntil(lambda: "Update HemoView" in said(blank), timeout=30_000)


@pytest.mark.parametrize("harm", [damage_card, damage_manifest])
def test_a_damaged_file_is_named_and_the_page_still_opens(
    blank: ReviewPage, folder: Path, tmp_path: Path, qtbot: QtBot, harm: Callable[[Path], str]
) -> None:
    copy = shutil.copytree(folder, tmp_path / "harmed")
    name = harm(copy)
    with qtbot.waitSignal(blank.opened, timeout=20_000):
        blank.open_session(str(copy))
    qtbot.waitUntil(lambda: name in said(blank), timeout=30_000)
    assert text("review.state.damaged") in said(blank)


def test_an_empty_session_says_that_it_is_empty(blank: ReviewPage, tmp_path: Path, qtbot: QtBot) -> None:
    empty = make_session(tmp_path / "empty", Plan(hours=0.0))
    with qtbot.waitSignal(blank.opened, timeout=30_000):
        blank.open_session(str(empty))
    qtbot.waitUntil(lambda: text("review.empty") in said(blank), timeout=30_000)
    for key in (KEY.Key_Space, KEY.Key_F, KEY.Key_Plus, KEY.Key_Right, KEY.Key_M, KEY.Key_G, KEY.Key_End):
        qtbot.keyClick(blank, key)
    image = painted(blank)
    beside_legends = (GUTTER_PX, 0, image.width() // 2, image.height())
    assert not any(has_colour(image, key, beside_legends) for key in ("ppg", "reference.SBP", "estimate.SBP"))
    assert text("review.empty") in said(blank) and view(blank).phase == "open"


def test_after_a_failure_a_whole_session_opens(
    blank: ReviewPage, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(blank.failed, timeout=30_000):
        blank.open_session(str(tmp_path))
    with qtbot.waitSignal(blank.opened, timeout=30_000):
        blank.open_session(str(folder))
    settled(blank, qtbot)
    assert view(blank).banners == ()


def everything_beside(page: ReviewPage) -> str:
    """Every word of the tabs, shown or not."""
    side = page._side
    events = side._event_view.model()
    rows = [str(events.index(row, 0).data()) for row in range(events.rowCount())]
    panels = [side._panels.item(row).text() for row in range(side._panels.count())]
    facts = [label.text() for label in side._session.widget().findChildren(QLabel)]
    return "\n".join([*rows, *panels, *facts])


def test_where_the_next_session_does_not_open_nothing_is_left_of_the_subject_before(
    page: ReviewPage, tmp_path: Path, folder: Path, qtbot: QtBot
) -> None:
    assert "cold pressor" in everything_beside(page)
    assert str(folder) in everything_beside(page)
    with qtbot.waitSignal(page.failed, timeout=20_000):
        page.open_session(str(tmp_path))
        assert everything_beside(page) == "", "nothing while it opens either"
    assert everything_beside(page) == ""
    assert "P-014" not in said(page) and "student-0.1" not in said(page)
    card = page._card.grab().toImage()
    assert not has_colour(card, "cursor") and not has_colour(card, "estimate")
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    assert "cold pressor" in everything_beside(page)
    assert has_colour(page._card.grab().toImage(), "cursor")


def test_where_nothing_can_be_read_nothing_else_is_promised(
    blank: ReviewPage, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    copy = shutil.copytree(folder, tmp_path / "bare")
    shutil.rmtree(copy / "segments")
    (copy / "manifest.json").unlink()
    with qtbot.waitSignal(blank.opened, timeout=20_000):
        blank.open_session(str(copy))
    assert [m.id for m in view(blank).banners] == ["review.damaged-only", "review.nothing-readable"]
    assert "Everything else" not in said(blank)


def test_without_its_manifest_a_session_is_shown_all_the_same(
    blank: ReviewPage, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    copy = shutil.copytree(folder, tmp_path / "harmed")
    damage_manifest(copy)
    with qtbot.waitSignal(blank.opened, timeout=20_000):
        blank.open_session(str(copy))
    settled(blank, qtbot)
    facts = view(blank).facts
    assert facts is not None
    assert facts.duration_s == pytest.approx(LENGTH_S, abs=0.1)
    assert [m.label for m in facts.markers][1:] == ["rest", "cold pressor"]
    assert len(view(blank).panels[0].traces[0].t_s) > 100
    assert [m.id for m in view(blank).banners] == ["review.damaged"]


def test_keys_before_any_session_do_nothing(blank: ReviewPage, qtbot: QtBot) -> None:
    for key in (KEY.Key_Space, KEY.Key_Plus, KEY.Key_Left, KEY.Key_M, KEY.Key_F):
        qtbot.keyClick(blank, key)
    assert view(blank).phase == "empty"
    assert has_colour(painted(blank), "dim")
