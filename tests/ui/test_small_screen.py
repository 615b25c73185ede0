"""A laptop of 1280 × 800 at 150 % and 200 %: nothing that stops, marks or protects is out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside

from hemoview.ui.parts import on_screen, theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words import catalogue
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Cell, RecordView, Wish
from hemoview.viewmodel.live.service import SyncLine
from hemoview.viewmodel.messages import say

SMALL = [(853, 500), (640, 360)]
"""1280 × 800 at 150 % and 200 %, less title and task bar."""


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    theme.apply(qapp)
    made = MainWindow()
    made.ask_before_closing = False
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    yield made


@pytest.fixture
def view() -> RecordView:
    bed = SyntheticBedside()
    bed.run(20.0)
    return resolve(Wish(), bed.model.facts())


def whole(widget: QWidget, window: QWidget) -> bool:
    """All of it is seen."""
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    return widget.isVisible() and window.rect().contains(place) and not widget.visibleRegion().isEmpty()


def settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", SMALL)
def test_stop_markers_and_what_is_on_disk_stay_in_sight(
    qtbot: QtBot, qapp: QApplication, view: RecordView, size: tuple[int, int], language: catalogue.Language
) -> None:
    catalogue.use_language(language)
    try:
        window = MainWindow()
        window.ask_before_closing = False
        qtbot.addWidget(window)
        window.show()
        window.resize(*size)
        window.show_view(view)
        settle()
        assert (window.width(), window.height()) == size, "the window is no larger than the screen"
        page = window.compact
        must = (page.bar.stop, page.bar.markers, page.bar.cuff, page.bar.menu, page.footer, page.health)
        for widget in (*must, window.compact_header.recording, window.compact_header.subject):
            assert whole(widget, window), widget
        assert catalogue.words(view.health[0].counts) in page.health.text()
        cell = page._cells["SBP"]
        assert (
            whole(cell.value, window)
            and cell.value.visibleRegion().boundingRect().size() == cell.value.size()
        )
    finally:
        catalogue.use_language("en")


@pytest.mark.parametrize("width", [480, 640, 853])
def test_uncalibrated_is_never_cut_beside_the_reference(
    window: MainWindow, view: RecordView, width: int
) -> None:
    window.resize(width, 400 if width > 480 else 854)
    settle()
    raw = Cell("143", "", reason=say("uncalibrated"), muted=True)
    rows = tuple(replace(row, reference=raw) if row.reference else row for row in view.numerics.rows)
    window.show_view(replace(view, numerics=replace(view.numerics, rows=rows)))
    settle()
    for parameter in ("SBP", "MAP", "DBP"):
        cell = window.compact._cells[parameter]
        assert "143" in cell.reference.text()
        for label in (cell.reference, cell.reference_note):
            assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width(), (
                parameter,
                label.text(),
            )


def test_a_small_panel_says_how_the_service_is_too(window: MainWindow, view: RecordView) -> None:
    window.resize(480, 854)
    settle()
    line = SyncLine(say("sync-line-refused", server="w"), "danger")
    window.show_view(replace(view, header=replace(view.header, sync=line, control=None)))
    assert window.compact_header.sync.text() == "sync stopped: see Service"
    assert window.compact_header.sync.isVisible()
    window.show_view(replace(view, header=replace(view.header, sync=None)))
    assert not window.compact_header.sync.isVisible()


def test_everything_lower_on_the_page_is_reached_by_scrolling(window: MainWindow, view: RecordView) -> None:
    window.resize(*SMALL[1])
    window.show_view(view)
    settle()
    area = window.compact.findChildren(QScrollArea)[0]
    confirm = window.compact.confirm
    assert confirm.isVisible()
    area.ensureWidgetVisible(confirm)
    settle()
    assert confirm.visibleRegion().boundingRect().size() == confirm.size()


def test_other_pages_are_reached_from_a_small_screen_and_left_again(
    window: MainWindow, view: RecordView, qtbot: QtBot
) -> None:
    page = QLabel("cards")
    page.setMinimumSize(1200, 900)
    window.add_page("devices", lambda: page)
    window.resize(*SMALL[0])
    window.show_view(view)
    window.show_page("devices")
    settle()
    assert window.size() == QSize(*SMALL[0]) and page.isVisible()
    assert whole(window.compact_header.back, window)
    qtbot.mouseClick(window.compact_header.back, Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.compact and not window.compact_header.back.isVisible()
    window.show_page("devices")
    window.resize(1280, 800)
    assert window.pages.currentWidget() is page, "on the wide screen it is whole again"
    window.resize(*SMALL[0])
    window.show_page("record")
    assert window.pages.currentWidget() is window.compact


def tall_dialog(qtbot: QtBot) -> tuple[QDialog, list[QLineEdit], QPushButton]:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    column, fields = QVBoxLayout(dialog), [QLineEdit() for _ in range(20)]
    for field in fields:
        column.addWidget(field)
    save, buttons = QPushButton("Save"), QHBoxLayout()
    buttons.addWidget(save)
    column.addLayout(buttons)
    dialog.setMinimumWidth(760)
    dialog.move(600, 300)
    dialog.show()
    return dialog, fields, save


def test_a_dialog_higher_than_the_screen_scrolls_and_keeps_its_buttons_in_sight(qtbot: QtBot) -> None:
    dialog, fields, save = tall_dialog(qtbot)
    room = QRect(0, 0, 640, 400)
    assert dialog.height() > room.height()
    fields[3].setFocus()
    save.setDefault(True)
    on_screen.fit(dialog, room)
    settle()
    assert fields[3].hasFocus(), "who types goes on typing"
    with qtbot.waitSignal(save.clicked):
        qtbot.keyClick(fields[3], Qt.Key.Key_Return)
    assert room.contains(dialog.frameGeometry())
    assert whole(save, dialog)
    fields[0].setFocus()
    for _ in fields[1:]:
        qtbot.keyClick(QApplication.focusWidget() or dialog, Qt.Key.Key_Tab)
    settle()
    assert fields[-1].hasFocus() and whole(fields[-1], dialog), "the keyboard reaches what is scrolled away"
    on_screen.fit(dialog, room)
    assert len(dialog.findChildren(QScrollArea)) == 1


def test_a_dialog_that_fits_is_left_alone(qtbot: QtBot) -> None:
    dialog, _, _ = tall_dialog(qtbot)
    dialog.move(10, 10)
    before = dialog.geometry()
    on_screen.fit(dialog, QRect(0, 0, 2560, 1600))
    assert dialog.geometry() == before and not dialog.findChildren(QScrollArea)
