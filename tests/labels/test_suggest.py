"""Suggestions from judged windows, estimates, gaps and rectangles; of a stored session too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.bench.review_session import Plan, make_session
from hemoview.labels.raters import suggest
from hemoview.labels.raters.suggest import EstimateRows, Judged
from hemoview.labels.raters.suggester import Suggester
from recorder import session as store
from recorder.clock import ClockEra
from recorder.schema import Channel, SampleBlock, StreamInfo

SHA = "ef" * 32
ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)


def windows(*faults: str | None, sqi: float = 0.95) -> list[Judged]:
    return [
        Judged(10.0 * n, 10.0 * n + 10, fault, "regular", 0.0 if fault else sqi)  # type: ignore[arg-type]
        for n, fault in enumerate(faults)
    ]


def test_equal_neighbours_are_one_proposal() -> None:
    found = suggest.of_windows(windows(None, "motion", "motion", "poor-signal", None))
    spans = [(p.label, p.t0_s, p.t1_s) for p in found if p.kind == "span"]
    quality = [(p.label, p.t0_s, p.t1_s) for p in found if p.kind == "quality"]
    assert spans == [("motion", 10, 30), ("artefact", 30, 40)]
    assert quality == [("good", 0, 10), ("bad", 10, 40), ("good", 40, 50)]


def test_irregular_rhythm_is_a_finding_and_no_fault() -> None:
    found = suggest.of_windows(
        [Judged(0, 10, None, "irregular", 0.92), Judged(10, 20, None, "irregular", 0.95)]
    )
    assert [(p.kind, p.label) for p in found] == [("span", "irregular-rhythm"), ("quality", "good")]


def test_the_least_sure_window_is_at_the_border() -> None:
    border, clear = (suggest.uncertainty_of(w) for w in [*windows(None, sqi=0.9), *windows(None, sqi=1.0)])
    assert (border, clear) == (1.0, 0.0)


def rows(why: list[int], width: list[float]) -> EstimateRows:
    t_s = np.arange(len(why), dtype=float)
    reasons = ("starting", "motion", "no-real-reference")
    return EstimateRows(t_s, np.array(why), np.array(width), reasons, "student-1", SHA)


def test_abstentions_about_the_signal_and_wide_intervals_are_proposed_with_the_hash_of_the_model() -> None:
    why = [0] * 20 + [2] * 8 + [3] * 8 + [0] * 24
    width = [20.0] * 45 + [60.0] * 5 + [20.0] * 10
    found = suggest.of_estimates(rows(why, width))
    assert [(p.kind, p.label, p.t0_s, p.t1_s) for p in found] == [
        ("span", "motion", 20, 28),
        ("quality", "usable", 45, 50),
    ]
    assert {p.model_sha256 for p in found} == {SHA}
    assert found[1].uncertainty > found[0].uncertainty


def test_a_narrow_session_has_no_wide_interval() -> None:
    assert suggest.of_estimates(rows([0] * 30, [8.0] * 20 + [15.0] * 10)) == []


def test_gaps_are_cut_to_the_stretch() -> None:
    found = suggest.of_gaps([(590.0, 620.0), (700.0, 700.4)], 600.0, 1200.0)
    assert [(p.label, p.t0_s, p.t1_s, p.source) for p in found] == [("bad", 600.0, 620.0, "gap")]


@given(st.integers(1, 200), st.integers(0, 199))
def test_every_stretch_is_looked_at_once_from_the_view_outwards(count: int, first: int) -> None:
    first = min(first, count - 1)
    order = list(suggest.in_order(count, first))
    assert order[0] == first
    assert sorted(order) == list(range(count))


def test_a_proposal_is_the_same_whenever_it_is_made() -> None:
    one, other = (suggest.proposal("span", 1.00004, 2.0, "motion", "x") for _ in range(2))
    assert one == other
    assert one.proposal_id != suggest.proposal("span", 1.0, 2.0, "motion", "x", sha256=SHA).proposal_id


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("suggest") / "s", Plan(hours=0.25))


def test_a_stored_session_is_looked_through_and_can_be_left(day: Path) -> None:
    with store.open(day) as session:
        suggester = Suggester(session)
        assert suggester.stretches == ((0.0, 600.0), (600.0, pytest.approx(900, abs=2)))
        forward = [suggester.of(place) for place in (0, 1)]
        backward = [suggester.of(place) for place in (1, 0)]
        assert forward == backward[::-1]
        assert forward[0]
        assert all(p.t1_s <= 600.0 for p in forward[0])
        assert suggester.of(0, lambda: False) is None
        assert len(suggester.models) == len(set(suggester.models))


def test_a_calibration_pattern_is_found_in_the_stored_wave(tmp_path: Path) -> None:
    """Ten seconds of rectangles in a minute of pressure."""
    info = StreamInfo(
        "adc.wave", "adc", "waveform", (Channel("abp", "V", 0.001, 0.0),), "int32", 100.0, "abp_wave"
    )
    writer = store.create(
        tmp_path / "s", store.SessionHeader("s", "bed-1", ERA.wall_ns, zone="UTC", utc_offset_s=0), ERA
    )
    writer.add_stream(info)
    t_s = np.arange(6000) / 100.0
    wave = 1000 + 300 * np.abs(np.sin(np.pi * 1.1 * t_s)) + 40 * np.sin(0.7 * t_s)
    inside = (t_s >= 30) & (t_s < 40)
    wave[inside] = np.where(t_s[inside] % 1.0 < 0.5, 900, 1400)
    counts = np.rint(wave).astype(np.int32)[:, None]
    for first in range(0, 6000, 100):
        arrival = ERA.monotonic_ns + (first + 100) * 10_000_000
        writer.write_block(SampleBlock("adc.wave", first, counts[first : first + 100], arrival, 0, None))
    writer.close("test")
    with store.open(writer.folder) as session:
        found = Suggester(session).of(0)
    assert found is not None
    squares = [p for p in found if p.label == "calibration"]
    assert [p.source for p in squares] == ["calibration pattern"]
    assert squares[0].t0_s == pytest.approx(30.0, abs=1.0)
    assert squares[0].t1_s == pytest.approx(40.0, abs=1.0)
