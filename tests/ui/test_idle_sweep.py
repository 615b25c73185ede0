"""The collector is held back while the picture moves, and never for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.parts import idle_sweep
from hemoview.ui.parts.idle_sweep import IdleSweep
from hemoview.ui.review.page import ReviewPage
from recorder import session as store
from recorder.session.reader import Session


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    was = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if was else gc.disable)()


def test_held_from_the_first_move_until_the_picture_rests() -> None:
    sweep = IdleSweep()
    sweep.rest()
    assert gc.isenabled()
    sweep.hold()
    sweep.hold()
    assert not gc.isenabled()
    sweep.rest()
    assert gc.isenabled()


def test_who_switched_it_off_before_is_left_alone() -> None:
    gc.disable()
    try:
        sweep = IdleSweep()
        sweep.hold()
        sweep.rest()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_playback_without_rest_still_collects() -> None:
    sweep, before = IdleSweep(), idle_sweep.MOST_PENDING
    idle_sweep.MOST_PENDING = 10  # type: ignore[misc]
    try:
        sweep.hold()
        passes = gc.get_stats()[0]["collections"]
        kept = [[n] for n in range(1000)]
        sweep.hold()
        assert gc.get_stats()[0]["collections"] == passes + 1
        assert len(kept) == 1000
    finally:
        idle_sweep.MOST_PENDING = before  # type: ignore[misc]
        sweep.rest()


def test_while_review_opens_a_session_until_its_picture_rests(tmp_path: Path, qtbot: QtBot) -> None:
    collecting: list[bool] = []

    def opening(path: str) -> Session:
        collecting.append(gc.isenabled())
        return store.open(path)

    page = ReviewPage(open_store=opening)
    qtbot.addWidget(page)
    page.show()
    try:
        with qtbot.waitSignal(page.opened, timeout=20_000):
            page.open_session(str(make_session(tmp_path / "s1", Plan(hours=0.1))))
        assert collecting == [False]
        qtbot.waitUntil(gc.isenabled, timeout=20_000)
        assert page.model.view().settled
        with qtbot.waitSignal(page.failed, timeout=20_000):
            page.open_session(str(tmp_path / "none"))
        assert collecting == [False, False]
        qtbot.waitUntil(gc.isenabled, timeout=20_000)
    finally:
        page.close_session()
