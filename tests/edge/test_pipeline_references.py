"""The pipeline of the edge process: what a cuff and a reference do to an estimate and to its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pipeline_rig import BODY, COLUMNS, column, notice, pipeline, run, seen, times_s, values, with_events
from scripted_bedside import ABP, BOOT_NS, SECOND_NS, WALL_NS, Bedside, Item, calibrated, cuff, event, store

from hemoview.edge.knowledge import Options
from hemoview.edge.memory import recall
from hemoview.edge.streams import ESTIMATES
from hemoview.estimate.runner import Runner
from recorder.schema import FINGER_CHANGED, PRESSURES, REFERENCE_CALIBRATED, Event, SampleBlock


def test_a_cuff_moves_the_estimate_and_its_withdrawal_moves_it_back(runner: Runner, bedside: Bedside) -> None:
    plain = run(pipeline(runner), bedside.items())[ESTIMATES]
    withdrawn = event("cuff-withdrawn", 70.0, {"event_id": "cuff", "why": "wrong person"})
    moved = run(pipeline(runner), with_events(bedside, cuff(40.0, 135.0, 88.0), withdrawn))[ESTIMATES]
    shift = column(moved, "SBP") - column(plain, "SBP")
    age_s = column(moved, "personalisation_age_s")
    assert np.nanmax(np.abs(shift[:39])) == 0
    assert np.nanmin(shift[45:68]) > 3
    assert np.nanmax(np.abs(shift[71:])) == 0
    assert age_s[60] == pytest.approx(21.0, abs=1.5)
    assert np.isnan(age_s[75])


def test_a_cuff_entered_later_finds_the_windows_of_its_time(runner: Runner, bedside: Bedside) -> None:
    late = cuff(30.0, 135.0, 88.0)
    late = replace(late, t_host_ns=BOOT_NS + 80 * SECOND_NS, wall_ns=WALL_NS + 80 * SECOND_NS)
    made = pipeline(runner)
    run(made, with_events(bedside, late))
    anchor = made.anchoring.personal.anchors[0]
    assert anchor.usable
    assert made.anchoring.personal.age_s(WALL_NS + 90 * SECOND_NS) == pytest.approx(60.0)


def test_the_arterial_wave_anchors_only_when_chosen_and_calibrated(runner: Runner, bedside: Bedside) -> None:
    def kinds(options: Options, *events: Item) -> list[str]:
        made = pipeline(runner, options)
        items = with_events(bedside, cuff(40.0, 135.0, 88.0), *events)
        run(made, [i for i in items if i.t_host_ns < BOOT_NS + 48 * SECOND_NS])
        return [a.kind for a in made.anchoring.personal.anchors]

    seen = event("marker", 5.0, {"label": REFERENCE_CALIBRATED})
    finger = event("marker", 6.0, {"label": FINGER_CHANGED})
    undone = event("marker-undone", 6.0, {"event_id": seen.event_id})
    assert kinds(Options("cuff"), calibrated(), seen) == ["cuff"]
    assert kinds(Options("reference"), seen) == []
    assert kinds(Options("reference"), calibrated()) == [], "nobody saw the monitor calibrate itself"
    assert kinds(Options("reference"), calibrated(), seen) == ["reference"]
    assert kinds(Options("reference"), calibrated(), seen, finger) == []
    assert kinds(Options("reference"), calibrated(), seen, undone) == []
    assert sorted(kinds(Options("both"), calibrated(), seen)) == ["cuff", "reference"]
    step = event("calibration", 70.0, calibrated().payload | {"calibration_id": "cal-2"})
    made = pipeline(runner, Options("reference"))
    run(made, with_events(bedside, calibrated(), seen, step))
    assert all(a.wall_ns > WALL_NS + 55 * SECOND_NS for a in made.anchoring.personal.anchors)


def width(blocks: Sequence[SampleBlock], parameter: str = "SBP") -> np.ndarray:
    high, low = (column(blocks, f"{parameter}_{end}") for end in ("hi", "lo"))
    return np.asarray(high - low)


def test_intervals_are_tracked_only_when_the_operator_chose_the_reference(
    runner: Runner, bedside: Bedside
) -> None:
    """The values stay those of the model and its anchors; a stored row tells which intervals are not the card's."""
    followed = [calibrated(), seen()]
    plain = run(pipeline(runner), with_events(bedside))[ESTIMATES]
    cuff_only = run(pipeline(runner), with_events(bedside, *followed, notice(30.0, "square-wave")))[ESTIMATES]
    infer = COLUMNS.index("infer_ms")
    np.testing.assert_array_equal(np.delete(values(plain), infer, 1), np.delete(values(cuff_only), infer, 1))
    assert (column(plain, "SBP_tracked") == 0).all()
    chosen = run(pipeline(runner, Options("reference")), with_events(bedside, *followed))[ESTIMATES]
    for p in PRESSURES:
        told, card = column(chosen, f"{p}_tracked") > 0, {12.0, 28.0}
        assert told[-20:].any()
        untracked = width(chosen, p)[~told & np.isfinite(width(chosen, p))]
        assert set(np.round(untracked, 1).tolist()) <= card
        assert not set(np.round(width(chosen, p)[told], 1).tolist()) & card
    assert not (np.isnan(column(chosen, "SBP")) & (column(chosen, "SBP_tracked") > 0)).any()


def test_nobody_tracks_an_uncalibrated_reference_nor_one_that_stepped(
    runner: Runner, bedside: Bedside
) -> None:
    def newest(*events: Item) -> float:
        made = pipeline(runner, Options("reference"))
        return float(column(run(made, with_events(bedside, *events))[ESTIMATES], "SBP_tracked")[50:].max())

    finger = event("marker", 30.0, {"label": FINGER_CHANGED})
    assert newest(calibrated(), seen()) == 1
    assert newest(seen()) == 0, "no mmHg"
    assert newest(calibrated()) == 0, "nobody saw the monitor calibrate itself"
    assert newest(calibrated(), seen(), finger) == 0
    square = notice(12.0, "square-wave")
    assert newest(calibrated(), seen(), square) == 0
    assert newest(calibrated(), seen(), replace(square, payload=square.payload | {"channel": "adc7"})) == 1
    assert newest(calibrated(), seen(), square, seen(20.0)) == 1


def test_samples_of_the_reference_from_t_on_never_change_what_was_said_before(
    runner: Runner, bedside: Bedside
) -> None:
    items = with_events(bedside, calibrated(), seen())
    t_ns = BOOT_NS + 60 * SECOND_NS
    other = [
        replace(i, values=i.values * 2)
        if isinstance(i, SampleBlock) and i.stream_id == ABP.stream_id and i.t_host_ns >= t_ns
        else i
        for i in items
    ]
    ours, theirs = (run(pipeline(runner, Options("reference")), i)[ESTIMATES] for i in (items, other))
    keep = [k for k in range(len(COLUMNS)) if COLUMNS[k] != "infer_ms"]
    before = times_s(ours) < 60
    np.testing.assert_array_equal(values(ours)[before][:, keep], values(theirs)[before][:, keep])
    assert not np.array_equal(
        values(ours)[~before][:, keep], values(theirs)[~before][:, keep], equal_nan=True
    )
    assert (column(ours, "SBP_tracked")[before] == 1).any()


def test_a_restarted_process_goes_on_where_the_reference_had_brought_it(
    runner: Runner, bedside: Bedside, tmp_path: Path
) -> None:
    items = with_events(bedside, calibrated(), seen())
    first = pipeline(runner, Options("reference"))
    run(first, items)
    restarted = pipeline(runner, Options("reference"))
    for item in items:
        if isinstance(item, Event):
            restarted.push_event(item)
    folder = store(tmp_path, items)
    assert restarted.remembers
    recall(folder, restarted, runner)
    ours, theirs = first.anchoring, restarted.anchoring
    assert ours.tracking is not None and theirs.tracking is not None
    assert theirs.tracking.states == ours.tracking.states != {}
    assert theirs.personal == ours.personal
    cuff_only = pipeline(runner)
    cuff_only.push_event(seen())
    assert not cuff_only.remembers
    assert cuff_only.anchoring.tracking is None


def test_facts_told_again_are_no_recalibration_and_another_subject_is(
    runner: Runner, bedside: Bedside
) -> None:
    made = pipeline(runner, Options("reference"))
    run(made, with_events(bedside, calibrated(), seen()))
    before = made.anchoring
    assert before.tracking is not None
    learned = dict(before.tracking.states)
    made.push_event(seen())
    assert before.tracking.states == learned != {}
    made.push_event(seen(89.0))
    assert before.tracking.states == {}
    made.begin_session("two", BODY)
    assert made.anchoring.tracking is not before.tracking
