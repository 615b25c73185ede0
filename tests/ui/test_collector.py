"""A widget in a reference cycle dies in the GUI thread, whatever other threads allocate."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import idle_sweep
from hemoview.ui.parts.idle_sweep import IdleSweep
from hemoview.ui.window.collector import GuiCollector


class Knot:
    """Refers to itself, and tells the thread it died in."""

    def __init__(self, died_in: list[str]) -> None:
        self.itself, self.died_in = self, died_in

    def __del__(self) -> None:
        self.died_in.append(threading.current_thread().name)


def allocate_much() -> None:
    kept = [[number] for number in range(200_000)]
    assert len(kept) == 200_000


def test_another_threads_allocations_collect_nothing(qtbot: QtBot) -> None:
    gc.enable()
    died_in: list[str] = []
    collector = GuiCollector()
    try:
        gone = weakref.ref(Knot(died_in))
        thread = threading.Thread(target=allocate_much, name="allocating")
        thread.start()
        thread.join()
        assert gone() is not None
        gc.collect(0)
        collector.collect()
        qtbot.waitUntil(lambda: gone() is None or bool(gc.collect()), timeout=30_000)
        assert died_in == ["MainThread"]
    finally:
        collector.close()
    assert gc.isenabled()


def test_while_a_picture_moves_nothing_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.enable()
    died_in: list[str] = []
    collector, sweep = GuiCollector(), IdleSweep()
    try:
        sweep.hold()
        gone = weakref.ref(Knot(died_in))
        kept = [[number] for number in range(2_000)]  # a pass is due
        collector.collect()
        assert gone() is not None
        monkeypatch.setattr(idle_sweep, "MOST_PENDING", 0)
        collector.collect()
        assert gone() is None, "a playback without rest still collects"
        monkeypatch.undo()
        gone = weakref.ref(Knot(died_in))
        sweep.rest()
        kept += [[number] for number in range(2_000)]
        collector.collect()
        assert gone() is None
        assert len(kept) == 4_000
    finally:
        sweep.rest()
        collector.close()


def test_what_a_closed_window_leaves_is_not_destroyed_by_another_thread(qtbot: QtBot) -> None:
    gc.enable()
    died_in: list[str] = []
    collector, window = GuiCollector(), Knot(died_in)
    try:
        collector.close()
        gone = weakref.ref(window)
        del window
        thread = threading.Thread(target=gc.collect, name="collecting")
        thread.start()
        thread.join()
        assert gone() is not None
        assert died_in == []
    finally:
        gc.unfreeze()
        gc.collect()
    assert died_in == ["MainThread"]
