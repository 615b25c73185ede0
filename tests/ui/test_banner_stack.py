"""Banners: the worst are in sight, none is lost, and a low window keeps its numbers."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside

from hemoview.ui.live.banners import LOW_PX, BannerStack
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Banner, Wish
from hemoview.viewmodel.messages import say


def banners(n: int) -> tuple[Banner, ...]:
    return tuple(Banner(f"k{i}", "danger", say("recorder-failed", error=f"fault {i}")) for i in range(n))


def shown(qtbot: QtBot, n: int) -> BannerStack:
    stack = BannerStack()
    qtbot.addWidget(stack)
    stack.show_banners(banners(n))
    return stack


def test_three_are_shown_and_the_rest_is_counted_and_can_be_seen(qtbot: QtBot) -> None:
    stack = shown(qtbot, 5)
    assert len(stack.texts) == 3
    assert stack.more.isVisible()
    assert stack.more.text() == text("banners-more", n=2)
    stack.more.click()
    assert [said[-1] for said in stack.texts] == list("01234")
    stack.more.click()
    assert len(stack.texts) == 3
    stack.show_banners(banners(3))
    assert not stack.more.isVisible()
    stack.show_banners(())
    assert not stack.isVisible()


def test_all_of_them_stay_open_while_there_are_more_than_fit(qtbot: QtBot) -> None:
    stack = shown(qtbot, 5)
    stack.more.click()
    stack.show_banners(banners(4))
    assert len(stack.texts) == 4
    stack.show_banners(banners(2))
    stack.show_banners(banners(4))
    assert len(stack.texts) == 3


def test_a_low_window_shows_the_worst_one(qtbot: QtBot) -> None:
    window = MainWindow()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.resize(960, LOW_PX - 80)
    window.show()
    window.banners.show_banners(banners(4))
    assert len(window.banners.texts) == 1
    assert window.banners.more.text() == text("banners-more", n=3)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: len(window.banners.texts) == 3, timeout=30_000)


LONG = "Empatica E4 (A0:11:22:33:44:55) is not in range: switch it on near this computer; a phone may hold it"


def long_banners(n: int) -> tuple[Banner, ...]:
    return tuple(
        Banner(f"k{i}", "danger", say("recorder-failed", error=LONG), "confirm-subject") for i in range(n)
    )


@pytest.mark.parametrize("size", [(640, 400), (853, 533)])
def test_in_a_very_low_window_the_numbers_stay_and_the_rest_is_a_key_away(
    qtbot: QtBot, size: tuple[int, int]
) -> None:
    window, bedside = MainWindow(), SyntheticBedside()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.resize(*size)
    window.show()
    bedside.run(20.0)
    view = dataclasses.replace(resolve(Wish(), bedside.model.facts()), banners=long_banners(3))
    window.show_view(view)
    stack = window.banners
    qtbot.waitUntil(lambda: 0 < stack.height() < 60, timeout=30_000)
    (row,) = stack.findChildren(type(stack._rows[0]))
    assert row.label.text().endswith("…") and LONG[:60] in row.label.toolTip()
    assert stack.more.text() == text("banners-all", n=3)
    assert stack.rect().contains(QRect(stack.more.mapTo(stack, QPoint()), stack.more.size()))
    for parameter in ("SBP", "MAP", "DBP", "HR"):  # whole, above what stands below
        cell = window.compact._cells[parameter]
        qtbot.waitUntil(
            lambda cell=cell: cell.visibleRegion().boundingRect().contains(cell.rect()), timeout=30_000
        )

    qtbot.keyClick(stack.more, Qt.Key.Key_Space)
    assert stack.dialog is not None
    assert [LONG in one.label.text() for one in stack.dialog.rows] == [True] * 3
    window.show_view(dataclasses.replace(view, banners=long_banners(1)))
    assert len(stack.dialog.rows) == 1 and stack.more.text() == text("banners-whole")
    with qtbot.waitSignal(stack.asked):
        stack.dialog.rows[0].asked.emit("confirm-subject")
    assert stack.dialog is None
    qtbot.keyClick(stack.more, Qt.Key.Key_Space)
    window.show_view(dataclasses.replace(view, banners=()))
    assert stack.dialog is None and not stack.isVisible()
