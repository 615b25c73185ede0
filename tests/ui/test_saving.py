"""Figures and data of a page: whose they are, in which unit, what they are not; cancelled and refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.parts import theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.parts.figure import Figure, draw_figure, save_figure, whole_size
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.trends.workspace import TrendsWorkspace
from hemoview.ui.window.lock_screen import LockScreen
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.ui.window.record_figure import RecordKept
from hemoview.ui.window.saving import SavingMenu
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.errors import StorageError
from recorder.exchange.trends.saved_trend import SavedTrend
from recorder.exchange.trends.trend_csv import Saving


class Silent:
    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("saving") / "s1", Plan(hours=0.5))


@pytest.fixture
def menu(qtbot: QtBot, qapp: QApplication, folder: Path) -> Iterator[SavingMenu]:
    theme.apply(qapp)
    window, bridge = MainWindow(), Bridge()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.add_page("trends", lambda: TrendsWorkspace(folder.parent))
    window.resize(1280, 800)
    window.show()
    operations = Operations(
        window,
        bridge,
        Silent(),
        WindowSettings(),
        client="w",
        wall_ns=lambda: 0,
        reference_now=lambda: None,
    )
    bed = SyntheticBedside()
    bed.run(20.0)
    window.show_view(resolve(Wish(), bed.model.facts()))
    made = SavingMenu(window, bridge, operations, RecordKept(window, bed.model.facts, lambda: folder))
    yield made
    page = window._built.get("trends")
    if isinstance(page, TrendsWorkspace):
        page.page.close_session()
        page.browser.close_jobs()
    bridge.stop()


def opened(menu: SavingMenu, qtbot: QtBot, path: Path) -> TrendsWorkspace:
    menu.open(str(path))
    page = menu._window.pages.currentWidget()
    assert isinstance(page, TrendsWorkspace)
    model = page.page.model

    def whole() -> bool:
        view = model.page()
        return view.review.facts is not None and view.complete and view.review.settled

    qtbot.waitUntil(whole, timeout=20_000)
    return page


def test_a_png_and_a_svg_show_the_picture_and_name_the_subject(
    menu: SavingMenu, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    opened(menu, qtbot, folder)
    figure = menu._figure()
    assert figure is not None
    assert figure.head.pseudonym == "P-014"
    assert figure.head.simulated is not None
    for ending in ("png", "svg"):
        menu.keep_figure(figure, tmp_path / f"x.{ending}")
    image = QImage(str(tmp_path / "x.png"))
    assert image.size() == whole_size(figure) * 2
    assert image.text("Title") == figure.head.file_name
    svg = (tmp_path / "x.svg").read_text()
    for wanted in (
        "P-014",
        "SIM",
        text("tag-estimate"),
        "SBP est.",
        "mmHg",
        "Not for treatment",
        "SIMULATED / TRAINING",
    ):
        assert wanted in svg, wanted
    assert QSvgRenderer(str(tmp_path / "x.svg")).isValid()


def test_the_unit_of_the_screen_is_that_of_the_figure_and_never_of_the_data(
    menu: SavingMenu, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    page = opened(menu, qtbot, folder)
    menu.actions["menu-kpa"].setChecked(True)
    menu._choose_unit()
    menu._window.use_pressure_unit(menu._operations.settings.wish.pressure_unit)
    figure = menu._figure()
    assert figure is not None
    assert figure.head.units.as_dict() == {"unit": "kPa"}
    wanted = menu._wanted()
    assert wanted is not None
    with qtbot.waitSignal(menu.saved, timeout=20_000):
        menu.keep_data(wanted, tmp_path / "x.csv")
    saved = SavedTrend(tmp_path / "x.csv")
    assert saved.streams["edge.est"].channels[0].unit == "mmHg"
    assert 60 < float(saved.read("edge.est").values[100, 0]) < 200
    assert page.page.model.view().pressure_unit == "kPa"


def test_a_saved_file_opens_in_trends_like_the_session_it_came_from(
    menu: SavingMenu, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    before = opened(menu, qtbot, folder).page.model.page()
    wanted = menu._wanted()
    assert wanted is not None
    with qtbot.waitSignal(menu.saved, timeout=20_000):
        menu.keep_data(wanted, tmp_path / "x.csv")
    after = opened(menu, qtbot, tmp_path / "x.csv").page.model.page()
    facts = after.review.facts
    assert facts is not None
    assert facts.pseudonym == "P-014"
    assert facts.simulated, "a simulated session stays marked for ever"
    assert [row.n for row in after.table] == [row.n for row in before.table]
    assert after.table[0].estimate == pytest.approx(before.table[0].estimate, abs=0.01)
    assert [p.panel.panel_id for p in after.review.panels] == [p.panel.panel_id for p in before.review.panels]
    assert after.review.panels[0].cuffs


def test_record_keeps_its_screen_and_the_span_of_its_trend(menu: SavingMenu, tmp_path: Path) -> None:
    figure, wanted = menu._figure(), menu._wanted()
    assert figure is not None
    assert wanted is not None
    assert wanted.saving.t0_s <= 20.0 <= wanted.saving.t1_s + 1.0
    menu.keep_figure(figure, tmp_path / "record.svg")
    assert "ESTIMATE (AI)" in (tmp_path / "record.svg").read_text()


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(
    menu: SavingMenu, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    opened(menu, qtbot, folder)
    figure, wanted = menu._figure(), menu._wanted()
    assert figure is not None
    assert wanted is not None
    for ending in ("png", "svg"):
        with pytest.raises(StorageError, match="another folder"):
            save_figure(figure, tmp_path / "no" / f"x.{ending}")
    menu.keep_data(wanted, tmp_path / "no" / "x.csv")
    window = menu._window
    qtbot.waitUntil(lambda: any(b.isVisible() for b in window.findChildren(QMessageBox)), timeout=30_000)
    box = next(b for b in window.findChildren(QMessageBox) if b.isVisible())
    assert "another folder" in box.text()
    box.close()


def test_cancelling_a_save_leaves_nothing_behind(
    menu: SavingMenu, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    menu.keep_data(Wanted(folder, Saving(0.0, 1800.0), "x"), tmp_path / "x.csv")
    menu._stop()
    qtbot.waitUntil(lambda: menu._progress is None, timeout=30_000)
    left = [p.name for p in tmp_path.iterdir()]
    assert left in ([], ["x.csv"]), "whole or not at all"


def test_an_empty_page_has_nothing_to_save(menu: SavingMenu, qtbot: QtBot) -> None:
    menu._window.show_page("trends")
    menu._show_state()
    assert not menu.actions["menu-figure"].isEnabled()
    assert not menu.actions["menu-data"].isEnabled()
    menu.ask_figure()
    box = next(b for b in menu._window.findChildren(QMessageBox) if b.isVisible())
    assert box.text() == text("nothing-to-save")
    box.close()


def test_the_watermark_lies_across_the_picture(menu: SavingMenu, qtbot: QtBot, folder: Path) -> None:
    opened(menu, qtbot, folder)
    figure = menu._figure()
    assert figure is not None
    plain = Figure(figure.head, QSize(400, 300), lambda _painter: None)
    image = QImage(whole_size(plain), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    draw_figure(painter, plain)
    painter.end()
    row = [image.pixelColor(x, image.height() // 2) for x in range(image.width())]
    assert any(c.red() > c.blue() + 15 for c in row), "amber across the middle"


def test_a_hidden_screen_saves_nothing_by_a_key(menu: SavingMenu, tmp_path: Path) -> None:
    window = menu._window
    keys = [action for action in window.actions() if not action.shortcut().isEmpty()]
    assert len(keys) >= 4
    lock = LockScreen(window, tmp_path / "pin", lambda: 1)
    lock.hide_screen(0.0)
    assert not any(action.isEnabled() for action in keys)
    lock._try()
    assert lock.curtain is None
    assert all(action.isEnabled() for action in keys)


def test_where_a_file_went_is_said_for_a_moment(menu: SavingMenu, tmp_path: Path) -> None:
    figure = menu._figure()
    assert figure is not None
    menu.keep_figure(figure, tmp_path / "x.png")
    assert menu._notice.isVisible()
    assert str(tmp_path / "x.png") in menu._notice.text()
    assert menu._notice.geometry().bottom() < menu._window.height()
