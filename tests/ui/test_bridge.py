"""The bridge carries answers into the screen's thread, and none once it has stopped."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from hemoview.ui.parts.bridge import Bridge


def test_answers_and_errors_come_in_the_screens_thread(qtbot: QtBot) -> None:
    bridge = Bridge()
    told: list[object] = []
    worked_in: list[str] = []

    def work() -> int:
        worked_in.append(threading.current_thread().name)
        return 7

    bridge.call(work, lambda answer: told.append((answer, threading.current_thread().name)))
    bridge.call(lambda: 1 // 0, None, lambda error: told.append((type(error), "")))
    qtbot.waitUntil(lambda: len(told) == 2, timeout=30_000)
    bridge.stop()
    assert set(told) == {(7, "MainThread"), (ZeroDivisionError, "")}
    assert worked_in[0].startswith("window-call")


def test_an_answer_on_its_way_when_the_bridge_stops_is_dropped(qtbot: QtBot) -> None:
    bridge = Bridge()
    told: list[object] = []
    finished = threading.Event()
    bridge.call(lambda: 7, told.append)
    bridge.call(finished.set)
    assert finished.wait(60)
    bridge.stop()
    qtbot.wait(50)
    assert told == []


def test_work_asked_for_after_the_end_is_not_begun(qtbot: QtBot) -> None:
    bridge = Bridge()
    told: list[object] = []
    bridge.start()
    bridge.stop()
    bridge.stop()
    bridge.call(lambda: told.append("worked"), told.append, told.append)
    qtbot.wait(50)
    assert told == []
