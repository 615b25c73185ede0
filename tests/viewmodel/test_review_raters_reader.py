"""Suggestions are found in a thread that steps aside, can be left, and says what failed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review.raters_reader import Found, SuggestionReader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("reader") / "s", Plan(hours=0.4))


def all_of(reader: SuggestionReader, rung: threading.Event, *, timeout_s: float = 30.0) -> list[Found]:
    found: list[Found] = []
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        rung.wait(0.2)
        rung.clear()
        found += reader.drain()
        if found and (found[-1].why or (found[-1].total and found[-1].done == found[-1].total)):
            return found
    raise AssertionError("the reader never came to an end")


def test_progress_is_told_stretch_by_stretch(folder: Path) -> None:
    rung = threading.Event()
    reader = SuggestionReader(rung.set)
    reader.start(str(folder), 700.0)
    found = all_of(reader, rung)
    assert [(one.done, one.total) for one in found] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert all(600.0 <= p.t0_s < 1200.0 for p in found[1].proposals)  # where somebody looks comes first
    assert len({p.proposal_id for one in found for p in one.proposals}) == sum(
        len(f.proposals) for f in found
    )


def test_what_is_left_tells_nothing_more(folder: Path) -> None:
    rung = threading.Event()
    reader = SuggestionReader(rung.set)
    reader.start(str(folder), 0.0)
    reader.stop()
    time.sleep(0.3)
    assert reader.drain() == []
    reader.start(str(folder), 0.0)
    assert all_of(reader, rung)[-1].done == 3


def test_nothing_is_computed_while_the_picture_moves(folder: Path) -> None:
    rung = threading.Event()
    reader = SuggestionReader(rung.set)
    reader.hold()
    reader.start(str(folder), 0.0)
    for _ in range(10):
        reader.hold()
        time.sleep(0.03)
    assert all(one.done == 0 for one in reader.drain())
    assert all_of(reader, rung)[-1].done == 3


def test_a_session_that_is_gone_is_said(tmp_path: Path) -> None:
    rung = threading.Event()
    reader = SuggestionReader(rung.set)
    reader.start(str(tmp_path / "nowhere"), 0.0)
    assert "nowhere" in all_of(reader, rung)[-1].why
