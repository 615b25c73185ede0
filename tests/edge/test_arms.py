"""Arms in the edge process: what an inflation blanks, and how a hand at an unknown height widens the intervals."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_bundle
from scripted_bedside import (
    ACC,
    BOOT_NS,
    ERA,
    STREAMS,
    SUBJECT,
    WALL_NS,
    Bedside,
    Item,
    calibrated,
    cuff,
    event,
    store,
)

from hemoview.dsp.arm import MMHG_PER_CM, Turned, plausible_height_cm
from hemoview.edge.arms import RECOVERS_S, UNANSWERED_S, HandHeight, Inflations
from hemoview.edge.findings import Findings
from hemoview.edge.knowledge import Options
from hemoview.edge.offline import push, recompute
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import ABP_BEATS, ARM, ESTIMATES, ModelName, declared, find_sources
from hemoview.estimate.estimator import Body
from hemoview.estimate.reasons import REASONS
from hemoview.estimate.runner import Runner
from recorder.schema import Event, SampleBlock, Sites

NAMES = [c.name for c in declared(find_sources(STREAMS), ModelName())[0].channels]
LEFT_BAND = Sites(wristband_side="left", finger_cuff_side="right", arm_cuff_side="left")
S = 1_000_000_000


def run(
    runner: Runner | None, items: Sequence[Item], sites: Sites | None, options: Options | None = None
) -> dict[str, np.ndarray]:
    made = Pipeline(find_sources(STREAMS), runner, options or Options())
    made.know_eras([ERA])
    made.begin_session("one", Body(SUBJECT.bsa_m2), None, sites)
    rows: dict[str, list[SampleBlock]] = defaultdict(list)
    for item in items:
        for block in push(made, item):
            rows[block.stream_id].append(block)
    return {name: np.concatenate([b.values for b in blocks]) for name, blocks in rows.items()}


def inflation(at_s: float, state: str, arm: str) -> Event:
    return event("cuff-inflation", at_s, {"arm": arm, "state": state}, f"{state}-{at_s}")


def blanked(rows: dict[str, np.ndarray]) -> list[int]:
    """Seconds of the windows that say a cuff inflates."""
    why = rows[ESTIMATES][:, NAMES.index("SBP_why")]
    return [n + 1 for n, code in enumerate(why) if code and REASONS[int(code) - 1] == "cuff-inflating"]


@pytest.mark.parametrize(
    ("arm", "sites", "is_blanked"),
    [
        ("left", LEFT_BAND, True),
        ("right", LEFT_BAND, False),
        ("unknown", LEFT_BAND, True),
        ("right", Sites(), True),
        ("right", None, True),
    ],
    ids=["same arm", "other arm", "cuff unknown", "band unknown", "nothing told"],
)
def test_an_inflation_blanks_windows_that_touch_it_on_that_arm(
    arm: str, sites: Sites | None, is_blanked: bool
) -> None:
    bed = Bedside(seconds=60.0, events=[inflation(20.0, "started", arm), inflation(30.0, "ended", arm)])
    found = blanked(run(None, bed.items(), sites))
    assert found == (list(range(found[0], found[-1] + 1)) if is_blanked else [])
    if is_blanked:
        assert (found[0], found[-1]) in {(first, last) for first in (20, 21) for last in (44, 45)}


def test_the_reference_is_blanked_on_its_own_arm_and_never_followed_there() -> None:
    told = [calibrated(), inflation(20.0, "started", "right"), inflation(30.0, "ended", "right")]
    rows = run(None, Bedside(seconds=60.0, events=told).items(), LEFT_BAND)
    assert blanked(rows) == []
    lost = int(np.isnan(rows[ABP_BEATS][:, 0]).sum())
    rate = len(rows[ABP_BEATS]) / 60.0
    assert lost == pytest.approx((10 + RECOVERS_S) * rate, abs=4)


def test_an_inflation_nobody_ended_is_over_by_itself() -> None:
    spans = Inflations(LEFT_BAND)
    spans.told(inflation(10.0, "started", "left"))
    at = [BOOT_NS + s * S for s in (9, 11, 99, 110)]
    assert [spans.blanks_pulse(t, t) for t in at] == [False, True, True, False]


# ---- height of the hand


def turned_bed(at_s: float = 40.0, seconds: float = 90.0, events: Sequence[Event] = ()) -> list[Item]:
    """The wrist lies 60 degrees otherwise from a time on."""
    return [_turned(item, at_s) for item in Bedside(seconds=seconds, seed=4, events=events).items()]


def _turned(item: Item, at_s: float) -> Item:
    if not isinstance(item, SampleBlock) or item.stream_id != ACC.stream_id:
        return item
    later = (item.first_sample_no + np.arange(item.n_samples)) / 32.0 >= at_s
    return replace(item, values=np.where(later[:, None], [[55, 0, 32]], item.values).astype(np.int16))


def half_width(rows: dict[str, np.ndarray], parameter: str) -> np.ndarray:
    low, high = (rows[ESTIMATES][:, NAMES.index(f"{parameter}{end}")] for end in ("_lo", "_hi"))
    return (high - low) / 2


def test_a_turn_widens_the_pressures_and_moves_no_value(runner: Runner) -> None:
    turned, still = (run(runner, items, None) for items in (turned_bed(), turned_bed(at_s=1e9)))
    (row,) = turned[ARM]
    assert row[0] == pytest.approx(60, abs=3) and ARM not in still
    wider = half_width(turned, "SBP") - half_width(still, "SBP")
    assert np.nanmax(np.abs(wider[:40])) == 0
    assert wider[-20:][np.isfinite(wider[-20:])] == pytest.approx(
        MMHG_PER_CM * plausible_height_cm(60), abs=0.6
    )
    for name in ("SBP", "DBP", "HR", "HR_lo", "HR_hi"):
        ours, theirs = (rows[ESTIMATES][:, NAMES.index(name)] for rows in (turned, still))
        known = np.isfinite(ours) & np.isfinite(theirs)
        assert known.sum() > 40 and np.array_equal(ours[known], theirs[known]), name


@pytest.mark.parametrize(
    "answer",
    [
        event("posture", 60.0, {"posture": "seated", "hand_height_cm": 0.0, "reason": "arm-moved"}),
        event("reminder", 60.0, {"what": "arm-moved", "state": "skipped"}),
    ],
    ids=["height", "same height"],
)
def test_an_answer_ends_it(runner: Runner, answer: Event) -> None:
    rows, still = run(runner, turned_bed(events=[answer]), None), run(runner, turned_bed(at_s=1e9), None)
    wider = half_width(rows, "SBP") - half_width(still, "SBP")
    assert np.nanmax(wider[50:60]) > 10 and np.nanmax(np.abs(wider[62:])) == 0


def test_of_another_height_exactly_that_stays_until_the_next_cuff() -> None:
    hand, minute = HandHeight(height_cm=0.0), 60 * S
    hand.turned(WALL_NS, Turned(0, 60.0))
    hand.answered({"hand_height_cm": -20.0})
    assert hand.widening_mmhg(WALL_NS + minute) == pytest.approx(20 * MMHG_PER_CM)
    hand.anchored(WALL_NS + 2 * minute)
    assert hand.widening_mmhg(WALL_NS + 3 * minute) == 0


def test_unanswered_it_ends_by_itself_or_with_a_later_cuff_but_not_with_an_earlier_one() -> None:
    hand = HandHeight()
    hand.turned(WALL_NS, Turned(0, 60.0))
    hand.anchored(WALL_NS - S)
    assert hand.widening_mmhg(WALL_NS + S) > 15
    assert hand.widening_mmhg(WALL_NS + round((UNANSWERED_S + 1) * S)) == 0
    hand.anchored(WALL_NS + S)
    assert hand.widening_mmhg(WALL_NS + S) == 0
    hand.turned(WALL_NS, Turned(0, 60.0))
    hand.turned(WALL_NS + S, Turned(0, 31.0))
    assert hand.widening_mmhg(WALL_NS + S) > 15, "two turns are not less than the larger of them"


def test_live_equals_recomputed_with_inflations_and_turns(runner: Runner, tmp_path: Path) -> None:
    told = [
        inflation(20.0, "started", "left"),
        inflation(28.0, "ended", "left"),
        event("reminder", 70.0, {"what": "arm-moved", "state": "skipped"}),
        cuff(32.0, 130.0, 84.0),
    ]
    items = turned_bed(events=told)
    live = run(runner, items, None)
    again = recompute(store(tmp_path, items), tiny_bundle.write(tmp_path, shape_gain=2.0))
    infer = NAMES.index("infer_ms")
    assert set(again) == set(live) >= {ARM, ESTIMATES}
    for name, ours in live.items():
        dropped = [infer] if name == ESTIMATES else []
        pair = (np.delete(values, dropped, 1) for values in (ours, again[name].values))
        np.testing.assert_array_equal(*pair, err_msg=name)


def test_a_turn_becomes_an_event_and_a_restarted_process_knows_it() -> None:
    made = Pipeline(find_sources(STREAMS), None, Options())
    made.know_eras([ERA])
    rows = [block for item in turned_bed() for block in push(made, item) if block.stream_id == ARM]
    (told,) = Findings().of(rows)
    assert told["kind"] == "arm-moved" and told["payload"]["angle_deg"] == pytest.approx(60, abs=3)
    restarted = Pipeline(find_sources(STREAMS), None, Options())
    restarted.know_eras([ERA])
    restarted.know_turn(event("arm-moved", 47.0, told["payload"]))
    assert restarted._hand.widening_mmhg(WALL_NS + 60 * S) == pytest.approx(
        told["payload"]["widens_mmhg"], abs=0.3
    )
