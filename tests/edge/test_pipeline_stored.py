"""The pipeline of the edge process over a stored session, and what a process that starts again finds in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tiny_bundle
from pipeline_rig import BODY, COLUMNS, column, notice, pipeline, run, seen, times_s, values, why, with_events
from scripted_bedside import BOOT_NS, SECOND_NS, STREAMS, Bedside, Item, calibrated, cuff, event, store

from hemoview.edge.heart import VERDICTS
from hemoview.edge.knowledge import Options
from hemoview.edge.memory import recall
from hemoview.edge.offline import recompute
from hemoview.edge.stored import replayed
from hemoview.edge.streams import ABP_BEATS, ESTIMATES, HEART, PERSONALISED_BY, PPG_BEATS, find_sources
from hemoview.estimate.runner import Runner
from recorder import session
from recorder.schema import Event, SampleBlock
from recorder.schema.rules import ANCHOR_FROM, RULE, EstimateRules


@pytest.mark.parametrize("options", [Options(), Options("both")], ids=["cuff", "both"])
def test_recomputed_from_disk_equals_live(runner: Runner, tmp_path: Path, options: Options) -> None:
    events = [
        calibrated(3.0),
        seen(4.0),
        notice(60.0, "flat-line"),
        cuff(35.0, 133.0, 85.0),
        event("cuff-withdrawn", 95.0, {"event_id": "cuff", "why": "typed wrong"}),
        cuff(75.0, 128.0, 84.0, "cuff-2"),
    ]
    bedside = Bedside(
        seconds=120.0, seed=4, events=events, holes=[("e4.bvp", 50.0, 51.0), ("e4.acc", 80.0, 84.0)]
    )
    bedside.still = False
    items = bedside.items()
    live = run(pipeline(runner, options), items)
    folder = store(tmp_path, items)
    bundle = tiny_bundle.write(tmp_path, shape_gain=2.0)
    again = recompute(folder, bundle, options)
    assert set(again) == set(live) == {ESTIMATES, PPG_BEATS, ABP_BEATS, HEART}
    assert (values(live[HEART])[:, 0] == VERDICTS.index("same")).any()
    infer = COLUMNS.index("infer_ms")
    for stream_id, blocks in live.items():
        ours, theirs = values(blocks), again[stream_id].values
        if stream_id == ESTIMATES:
            ours, theirs = np.delete(ours, infer, 1), np.delete(theirs, infer, 1)
        np.testing.assert_array_equal(ours, theirs, err_msg=stream_id)
        np.testing.assert_array_equal(
            np.concatenate([b.row_t_host_ns for b in blocks if b.row_t_host_ns is not None]),
            again[stream_id].t_host_ns,
        )
    assert np.isfinite(again[ESTIMATES].values[:, COLUMNS.index("personalisation_age_s")]).any()
    assert (column(live[ESTIMATES], "SBP_tracked") > 0).any() == (options.anchor_from == "both")


def chosen(at_s: float, anchor_from: str) -> Event:
    return event(RULE, at_s, {"rule": ANCHOR_FROM, "value": anchor_from, "operator": "OP1"})


def by(blocks: Sequence[SampleBlock], from_s: float, to_s: float) -> set[str | None]:
    """What the newest point was, over a stretch."""
    at_s, codes = times_s(blocks), column(blocks, "personalised_by")
    return {PERSONALISED_BY[int(code)] for code in codes[(at_s >= from_s) & (at_s < to_s)]}


@pytest.mark.parametrize("first", ["cuff", "reference", "both"])
def test_the_choice_of_the_session_is_followed_live_and_from_disk(
    runner: Runner, tmp_path: Path, first: str
) -> None:
    """The session's own choice stands above that of the command line, and is changed twice on the way."""
    events = [
        calibrated(3.0),
        seen(4.0),
        cuff(30.0, 133.0, 85.0),
        chosen(60.0, "reference"),
        chosen(90.0, "cuff"),
        chosen(110.0, "both"),
    ]
    items = Bedside(seconds=140.0, seed=4, events=events).items()
    template = {"name": "rest", "rules": {"anchor_from": first, "show_simulated": True}}
    made = pipeline(runner, Options("cuff"))
    made.begin_session("two", BODY, EstimateRules.of_template(template))
    live = run(made, items)
    folder = store(tmp_path, items, template=template)
    again = recompute(folder, tiny_bundle.write(tmp_path, shape_gain=2.0), Options("cuff"))
    infer = COLUMNS.index("infer_ms")
    for stream_id, blocks in live.items():
        ours, theirs = values(blocks), again[stream_id].values
        if stream_id == ESTIMATES:
            ours, theirs = np.delete(ours, infer, 1), np.delete(theirs, infer, 1)
        np.testing.assert_array_equal(ours, theirs, err_msg=stream_id)
    rows = live[ESTIMATES]
    tracked = column(rows, "SBP_tracked") > 0
    assert by(rows, 50, 59) == {"reference" if first == "reference" else "cuff"}, "the newest of both"
    assert by(rows, 80, 89) == {"reference"}
    assert by(rows, 92, 109) == {"cuff"}, "the cuff reading of before counts again"
    assert tracked[:59].any() == (first != "cuff")
    assert tracked[80:89].any()
    assert not tracked[91:110].any(), "what the reference taught ends with its choice"
    assert tracked[-8:].any()
    assert "simulated" in why(rows, "SV")


def test_a_choice_told_again_is_no_other_and_a_restarted_process_makes_it_too(
    runner: Runner, bedside: Bedside, tmp_path: Path
) -> None:
    items = with_events(bedside, calibrated(), seen(), cuff(30.0, 133.0, 85.0), chosen(20.0, "both"))
    first = pipeline(runner)
    run(first, items)
    assert first.anchoring.tracking is not None
    learned = dict(first.anchoring.tracking.states)
    first.push_event(chosen(20.0, "both"))
    assert first.anchoring.tracking.states == learned != {}
    restarted = pipeline(runner)
    for item in items:
        if isinstance(item, Event):
            restarted.push_event(item)
    recall(store(tmp_path, items), restarted, runner)
    assert restarted.anchoring.tracking is not None
    assert restarted.anchoring.tracking.states == learned
    ours, theirs = (p.anchoring.personal.anchors for p in (first, restarted))
    assert [(a.anchor_id, a.usable) for a in theirs] == [(a.anchor_id, a.usable) for a in ours]


def test_a_reference_in_doubt_when_it_is_chosen_teaches_nothing(runner: Runner, bedside: Bedside) -> None:
    """A square wave came before the choice: nobody has seen yet how it ended (safety rule 8)."""

    def newest(*events: Item) -> float:
        made = pipeline(runner)
        return float(
            column(run(made, with_events(bedside, calibrated(), *events))[ESTIMATES], "SBP_tracked").max()
        )

    square, both = notice(10.0, "square-wave"), chosen(12.0, "both")
    assert newest(seen(), both) == 1
    assert newest(both) == 0
    assert newest(seen(), square, both) == 0
    assert newest(seen(), square, both, seen(20.0)) == 1


def test_a_restarted_process_recalls_what_was_said_around_a_cuff(
    runner: Runner, bedside: Bedside, tmp_path: Path
) -> None:
    reading = cuff(40.0, 135.0, 88.0)
    items = with_events(bedside, reading)
    first = pipeline(runner)
    run(first, items)
    restarted = pipeline(runner)
    restarted.push_event(reading)
    assert not restarted.anchoring.personal.anchors[0].usable
    recall(store(tmp_path, items), restarted, runner)
    ours, theirs = (p.anchoring.personal.anchors[0] for p in (first, restarted))
    assert theirs.usable
    assert theirs.predicted["SBP"] == pytest.approx(ours.predicted["SBP"], abs=0.2)


def test_a_session_that_cannot_be_read_costs_only_the_anchor(runner: Runner, tmp_path: Path) -> None:
    restarted = pipeline(runner)
    restarted.push_event(cuff(40.0, 135.0, 88.0))
    recall(tmp_path / "nothing-here", restarted, runner)
    assert not restarted.anchoring.personal.anchors[0].usable


def test_a_stored_gap_comes_before_the_block_that_ended_it(bedside: Bedside, tmp_path: Path) -> None:
    ending = next(i for i in bedside.items() if isinstance(i, SampleBlock) and i.stream_id == "e4.bvp")
    later = [i for i in bedside.items() if isinstance(i, SampleBlock) and i.stream_id == "e4.bvp"]
    block = next(b for b in later if b.t_host_ns > ending.t_host_ns + 30 * SECOND_NS)
    gap = {
        "stream_id": "e4.bvp",
        "first_missing_no": block.first_sample_no,
        "n_missing": None,
        "t0_host_ns": block.t_host_ns - SECOND_NS,
        "t1_host_ns": block.t_host_ns,
        "cause": "silent",
    }
    seen_s = (block.t_host_ns - BOOT_NS) / 1e9
    told = event("gap", seen_s + 0.001, gap)
    folder = store(tmp_path, [*bedside.items(), told])
    with session.open(folder) as stored:
        order = list(replayed(stored, find_sources(STREAMS), -np.inf, np.inf))
    at = next(k for k, item in enumerate(order) if isinstance(item, Event))
    after = [i for i in order[at:] if isinstance(i, SampleBlock) and i.stream_id == "e4.bvp"]
    assert after[0].first_sample_no == block.first_sample_no
