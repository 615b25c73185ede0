"""A lane without samples shows the same gap to whoever watched, from before the loss or only since."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_bedside import NS, SyntheticBedside

from hemoview.viewmodel.live.banners import banners
from hemoview.viewmodel.live.lanes import lanes
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.live.sweeper import Canvas, LaneFrame, Sweeper

BAND = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
CANVAS = Canvas(904, 500, px_per_mm=4.0, mm_per_s=25.0)
"""A sweep of 7.9 s."""


def lane(bed: SyntheticBedside, model: LiveModel, cleared_at_ns: int = 0) -> LaneFrame:
    """The pulse wave as this window draws it."""
    found = Sweeper().frames(
        lanes(Wish(), model.facts()),
        model.streams,
        CANVAS,
        now_ns=bed.clock.now_ns,
        cleared_at_ns=cleared_at_ns,
    )
    return next(frame for frame in found if frame.lane.stream_id == "e4.bvp")


def covered_px(frame: LaneFrame) -> float:
    return sum(x1 - x0 for x0, x1 in frame.curves[0].hatched)


def lose_band(bed: SyntheticBedside, seconds: float) -> None:
    """The wristband delivers nothing for so long, and the recorder says so."""
    bed.silent, lost_ns = BAND, bed.clock.now_ns
    for _ in range(round(seconds * 2)):
        age_s = (bed.clock.now_ns + NS // 2 - lost_ns) / NS
        bed.status_changes = {}
        streams = tuple(
            replace(s, state="lost", last_age_s=age_s) if s.stream_id in BAND else s
            for s in bed.status().streams
        )
        bed.status_changes = {"streams": streams}
        bed.run(0.5)


def open_late(bed: SyntheticBedside) -> LiveModel:
    """Another window on the same bedside, opened now; returns that which watched until now."""
    before = bed.model
    bed.model = LiveModel(bed.clock, client="late")  # type: ignore[arg-type]
    bed.tell()
    bed.model.take([bed.status()])
    return before


def test_a_window_opened_after_the_loss_hatches_the_lane() -> None:
    bed = SyntheticBedside()
    bed.run(6.0)
    lose_band(bed, 20.0)
    watched = open_late(bed)
    expected = lane(bed, watched).curves[0].hatched
    assert covered_px(lane(bed, watched)) > 700
    shown = lane(bed, bed.model).curves[0].hatched
    assert len(shown) == len(expected)
    for span, wanted in zip(shown, expected, strict=True):
        assert span == pytest.approx(wanted, abs=1.0)


def test_a_link_between_two_attempts_is_told_lost_to_both() -> None:
    """The one that came later called it connected but silent, or never seen."""
    bed = SyntheticBedside()
    bed.run(6.0)
    lost = replace(bed.links[0], state="lost", attempt=1, since_ns=bed.clock.now_ns)
    bed.links = (lost, bed.links[1])
    lose_band(bed, 5.0)
    bed.links = (replace(lost, state="silent", since_ns=bed.clock.now_ns), bed.links[1])
    lose_band(bed, 2.0)
    watched = open_late(bed)
    bed.model.take([bed.status()])
    said = [
        {b.message.id for b in banners(model.facts()) if b.key == "link-e4"} for model in (watched, bed.model)
    ]
    assert said[0] == said[1] == {"link-lost"}


def test_what_comes_back_stands_behind_the_gap() -> None:
    bed = SyntheticBedside()
    bed.run(6.0)
    lose_band(bed, 4.0)
    open_late(bed)
    bed.silent, bed.status_changes = set(), {}
    bed.run(2.0)
    frame = lane(bed, bed.model)
    assert covered_px(frame) == pytest.approx(4.0 * 100.0, abs=30.0)
    assert frame.curves[0].n_points > 100


def test_a_wave_that_flows_is_not_hatched_before_the_window_opened() -> None:
    bed = SyntheticBedside()
    bed.run(6.0)
    open_late(bed)
    assert lane(bed, bed.model).curves[0].hatched == ()
    bed.run(3.0)
    assert lane(bed, bed.model).curves[0].hatched == ()


def test_a_cleared_picture_of_a_lost_wave_is_hatched_from_then_on() -> None:
    bed = SyntheticBedside()
    bed.run(6.0)
    lose_band(bed, 5.0)
    cleared_ns = bed.clock.now_ns
    lose_band(bed, 3.0)
    frame = lane(bed, bed.model, cleared_ns)
    assert frame.curves[0].n_points == 0
    assert covered_px(frame) == pytest.approx(2.5 * 100.0, abs=30.0)
