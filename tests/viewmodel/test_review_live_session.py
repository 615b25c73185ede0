"""A session that is still being recorded: followed as it grows, and told apart from one whose recorder died."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_recorder import RATE_HZ, Recorder

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.reader import ReviewReader
from hemoview.viewmodel.review.sessions import read_row
from recorder import session as store


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "live")
    made.record(30)
    yield made
    made.writer.abandon()


@pytest.fixture
def model(recorder: Recorder) -> Iterator[ReviewModel]:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.open(str(recorder.writer.folder))
    wait(made, lambda: made.view().phase == "open" and made.view().settled)
    yield made
    made.close()


def wait(model: ReviewModel, condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, model.view()
        model.drain()
        time.sleep(0.002)


def duration_s(model: ReviewModel) -> float:
    assert model.facts is not None
    return model.facts.duration_s


def test_it_is_told_that_it_is_being_recorded(model: ReviewModel, recorder: Recorder) -> None:
    view = model.view()
    assert view.facts is not None and view.facts.live
    assert view.banners == ()
    assert read_row(recorder.writer.folder).state == "open"


def test_what_came_since_is_shown_after_a_refresh(model: ReviewModel, recorder: Recorder) -> None:
    recorder.record(20)
    recorder.mark("stand")
    model.refresh()
    wait(model, lambda: duration_s(model) > 45)
    model.move(moves.fit)
    wait(model, lambda: model.view().settled)
    line = model.view().panels[0].traces[0]
    assert line.t_s[-1] == pytest.approx(50.0, abs=0.1)
    assert line.high[-1] == 49.0
    assert [m.label for m in model.view().marks] == ["stand"]


def test_following_keeps_the_end_in_view_and_looking_away_stops_it(
    model: ReviewModel, recorder: Recorder
) -> None:
    model.move(lambda w, end: moves.look_at(w, 0.0, 10.0, end))
    model.move(moves.follow_end)
    recorder.record(20)
    model.refresh()
    wait(model, lambda: duration_s(model) > 45)
    assert (model.wish.t0_s, model.wish.t1_s) == pytest.approx((40.0, 50.0), abs=0.1)
    model.move(lambda w, end: moves.pan(w, -1.0, end))
    recorder.record(5)
    model.refresh()
    wait(model, lambda: duration_s(model) > 53)
    assert model.wish.t1_s == pytest.approx(40.0, abs=0.1)


def test_when_the_recorder_dies_it_says_so(model: ReviewModel, recorder: Recorder) -> None:
    recorder.writer.abandon()
    model.refresh()
    wait(model, lambda: model.facts is not None and model.facts.state == "killed")
    assert [m.id for m in model.view().banners] == ["review.killed"]
    assert read_row(recorder.writer.folder).state == "killed"


def test_when_it_is_closed_it_is_sealed(model: ReviewModel, recorder: Recorder) -> None:
    recorder.record(1)
    recorder.writer.close("stop")
    model.refresh()
    wait(model, lambda: model.facts is not None and model.facts.state == "sealed")
    assert read_row(recorder.writer.folder).state == "sealed"
    model.move(lambda w, end: moves.look_at(w, 20.0, 25.0, end))
    wait(model, lambda: model.view().settled)
    assert len(model.view().panels[0].traces[0].t_s) >= 5 * RATE_HZ


def test_when_its_folder_vanishes_the_picture_stays_and_says_why(
    model: ReviewModel, recorder: Recorder
) -> None:
    recorder.writer.abandon()
    shutil.rmtree(recorder.writer.folder)
    model.refresh()
    wait(model, lambda: model.view().phase == "failed")
    assert model.view().banners[0].id == "review.open-failed"
    assert model.view().panels[0].traces
