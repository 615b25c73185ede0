"""The reader behind review: what is read, in which order, and what it writes when nothing is asked for."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_review_rig import settle

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review import reader as review_reader
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.reader import ReviewReader
from hemoview.viewmodel.review.tiles import keys_over
from recorder import session as store


def test_only_the_last_wish_is_read(opened: tuple[store.Session, SessionFacts]) -> None:
    """While one tile is being read the wish changes twice: the tiles of the first wish are never read."""
    session, facts = opened
    slow = _SlowSession(session)
    reader = ReviewReader(lambda _path: slow, lambda: None)
    try:
        reader.open("s")
        _wait(lambda: bool(reader.drain()))
        first, left, wanted = (keys_over("e4.bvp", 4, t, t + 10)[0] for t in (0.0, 200.0, 400.0))
        reader.want([first])
        assert slow.reading.wait(60)
        reader.want([left])
        reader.want([first, wanted])
        slow.go_on.set()
        found: list[object] = []
        _wait(lambda: found.extend(reader.drain()) is None and len(found) == 2)
        assert [answer.tile.key for answer in found] == [first, wanted]
        assert slow.reads == 2
    finally:
        reader.close()
    assert slow.closed
    assert facts.live is False


def test_what_may_be_wanted_next_is_not_read_before_the_picture_is_painted(
    opened: tuple[store.Session, SessionFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_reader, "HOLD_S", 60.0)
    slow = _SlowSession(opened[0])
    slow.go_on.set()
    reader = ReviewReader(lambda _path: slow, lambda: None)
    try:
        reader.open("s")
        _wait(lambda: bool(reader.drain()))
        here, there, later = (keys_over("e4.bvp", 4, t, t + 10)[0] for t in (0.0, 200.0, 400.0))
        reader.want([here, there, later], [here, there])
        found: list[object] = []
        _wait(lambda: found.extend(reader.drain()) is None and len(found) == 2)
        time.sleep(0.2)
        assert [answer.tile.key for answer in found] == [here, there]
        assert slow.reads == 2
        reader.go_on()
        _wait(lambda: found.extend(reader.drain()) is None and len(found) == 3)
    finally:
        reader.close()


def test_answers_of_the_session_before_are_dropped(folder: Path, tmp_path: Path) -> None:
    other = make_session(tmp_path / "other", Plan(hours=0.02, pseudonym="P-015"))
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    try:
        made.open(str(folder))
        made.open(str(other))
        settle(made)
        view = made.view()
        assert view.facts is not None and view.facts.pseudonym == "P-015"
        assert view.panels[0].traces[0].t_s[-1] < 80.0
    finally:
        made.close()


class _SlowSession:
    """A stored session whose reads wait until they may go on."""

    def __init__(self, session: store.Session) -> None:
        self._session = session
        self.reading, self.go_on = threading.Event(), threading.Event()
        self.reads = 0
        self.closed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def read(self, *args: object) -> object:
        self.reads += 1
        self.reading.set()
        self.go_on.wait(60)
        return self._session.read(*args)

    def close(self) -> None:
        self.closed = True


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_a_session_without_summary_gets_one_when_nothing_is_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_reader, "IDLE_S", 0.1)
    copy = Path(shutil.copytree(folder, tmp_path / "s1"))
    summary = copy / "summary.bin"
    summary.unlink()
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    made.open(str(copy))
    settle(made)
    settle(made, summary.exists)
    assert summary.is_file() and not summary.with_suffix(".bin.tmp").exists()
    made.close()
    with store.open(copy) as again:
        assert not again.summarise()
