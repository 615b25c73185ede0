"""Banners: the worst are in sight, none is lost, and a low window keeps its numbers."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from hemoview.ui.banners import LOW_PX, BannerStack
from hemoview.ui.catalogue import text
from hemoview.ui.main_window import MainWindow
from hemoview.viewmodel.messages import say
from hemoview.viewmodel.record_view import Banner


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
    qtbot.waitUntil(lambda: len(window.banners.texts) == 3)
