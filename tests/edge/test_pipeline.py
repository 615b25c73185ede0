import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_bundle
from scripted_bedside import (
    ABP,
    ACC,
    BOOT_NS,
    ERA,
    PPG,
    SECOND_NS,
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

from hemoview.edge.heart import VERDICTS
from hemoview.edge.knowledge import Options
from hemoview.edge.memory import recall
from hemoview.edge.offline import push, recompute
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.stored import replayed
from hemoview.edge.streams import (
    ABP_BEATS,
    ESTIMATES,
    HEART,
    PERSONALISED_BY,
    PPG_BEATS,
    ModelName,
    Sources,
    declared,
    find_sources,
)
from hemoview.estimate.estimator import Body
from hemoview.estimate.personalise import PRESSURES
from hemoview.estimate.reasons import REASONS
from hemoview.estimate.runner import Runner
from recorder import session
from recorder.schema import (
    FINGER_CHANGED,
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Channel,
    Event,
    SampleBlock,
    StreamInfo,
)
from recorder.schema.rules import ANCHOR_FROM, RULE, EstimateRules

BODY = Body(SUBJECT.bsa_m2)
COLUMNS = [c.name for c in declared(Sources(PPG), ModelName())[0].channels]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tiny_bundle.write(tmp_path_factory.mktemp("bundle"), shape_gain=2.0))


@pytest.fixture(scope="module")
def bedside() -> Bedside:
    return Bedside(seconds=90.0)


def pipeline(
    runner: Runner | None, options: Options | None = None, streams: Iterable[StreamInfo] = STREAMS
) -> Pipeline:
    made = Pipeline(find_sources(streams), runner, options or Options())
    made.know_eras([ERA])
    made.begin_session("one", BODY)
    return made


def run(made: Pipeline, items: Sequence[Item]) -> dict[str, list[SampleBlock]]:
    rows: dict[str, list[SampleBlock]] = defaultdict(list)
    for item in items:
        for block in push(made, item):
            rows[block.stream_id].append(block)
    return rows


def values(blocks: Sequence[SampleBlock]) -> np.ndarray:
    return np.concatenate([b.values for b in blocks])


def times_s(blocks: Sequence[SampleBlock]) -> np.ndarray:
    stamped = [b.row_t_host_ns for b in blocks if b.row_t_host_ns is not None]
    return (np.concatenate(stamped) - BOOT_NS) / 1e9


def column(blocks: Sequence[SampleBlock], name: str) -> np.ndarray:
    return values(blocks)[:, COLUMNS.index(name)]


def why(blocks: Sequence[SampleBlock], parameter: str) -> list[str]:
    return ["" if c == 0 else REASONS[int(c) - 1] for c in column(blocks, f"{parameter}_why")]


# ---- what a bedside gets


def test_one_estimate_a_second_about_the_ten_seconds_before(runner: Runner, bedside: Bedside) -> None:
    rows = run(pipeline(runner), bedside.items())[ESTIMATES]
    assert len(rows) == 90
    assert np.diff(times_s(rows)) == pytest.approx(1.0, abs=0.06)
    assert times_s(rows) == pytest.approx(np.arange(1, 91), abs=0.1)
    assert why(rows, "SBP")[:9] == ["starting"] * 9
    assert np.isnan(column(rows, "SBP")[:9]).all()
    good = [w == "" for w in why(rows, "SBP")[9:]]
    assert np.mean(good) > 0.9
    assert column(rows, "infer_ms")[-1] > 0
    assert [b.first_sample_no for b in rows] == list(range(90))


def test_heart_rate_and_pressures_are_those_of_the_patient(runner: Runner, bedside: Bedside) -> None:
    rows = run(pipeline(runner), [calibrated(), *bedside.items()])
    truth = bedside.recording.beats
    est = rows[ESTIMATES]
    for t_s, hr in zip(times_s(est), column(est, "HR"), strict=True):
        if np.isfinite(hr):
            beats = truth["hr_per_min"][(truth["t_s"] > t_s - 10) & (truth["t_s"] < t_s)]
            assert hr == pytest.approx(beats.mean(), abs=3.0)
    beats, at_s = values(rows[ABP_BEATS]), times_s(rows[ABP_BEATS])
    assert len(beats) > 0.9 * len(truth["t_s"])
    for (sbp, mean, dbp, _, _), t_s in zip(beats[5:-5], at_s[5:-5], strict=True):
        nearest = int(np.argmin(np.abs(truth["t_s"] - t_s)))
        assert sbp == pytest.approx(truth["sbp_mmhg"][nearest], abs=5)
        assert mean == pytest.approx(truth["map_mmhg"][nearest], abs=5)
        assert dbp == pytest.approx(truth["dbp_mmhg"][nearest], abs=5)


def test_pulse_beats_are_rows_in_order_with_intervals(bedside: Bedside) -> None:
    rows = run(pipeline(None), bedside.items())[PPG_BEATS]
    at_s, ibi_s = times_s(rows), values(rows)[:, 0]
    assert (np.diff(at_s) > 0.27).all()
    assert np.isnan(ibi_s[0])
    assert np.diff(at_s) == pytest.approx(ibi_s[1:], abs=0.03)
    arrivals = np.concatenate([np.full(b.n_samples, b.t_host_ns) for b in rows])
    assert ((arrivals - BOOT_NS) / 1e9 - at_s).max() < 3.5


def test_pressures_are_unknown_until_calibrated(bedside: Bedside) -> None:
    rows = run(pipeline(None), [*bedside.items()[:2500]])[ABP_BEATS]
    assert np.isnan(values(rows)[:, :3]).all()
    assert np.isfinite(values(rows)[:, 3]).all()


def test_without_a_model_heart_rate_goes_on(bedside: Bedside) -> None:
    rows = run(pipeline(None), bedside.items())[ESTIMATES]
    assert set(why(rows, "SBP")[10:]) <= {"no-model", "motion", "poor-signal"}
    assert np.isfinite(column(rows, "HR")[10:]).mean() > 0.9


def test_what_only_simulation_taught_shows_on_demand_and_tagged(runner: Runner, bedside: Bedside) -> None:
    shy = run(pipeline(runner), bedside.items())[ESTIMATES]
    bold = run(pipeline(runner, Options(show_simulated=True)), bedside.items())[ESTIMATES]
    assert np.isnan(column(shy, "CO")).all()
    assert "no-real-reference" in why(shy, "CO")
    assert "simulated" in why(bold, "CO")
    assert np.isfinite(column(bold, "CO")).sum() == why(bold, "CO").count("simulated")


# ---- gaps, eras, sessions


def test_a_window_with_a_hole_has_no_estimate(runner: Runner) -> None:
    items = Bedside(seconds=60.0, holes=[("e4.bvp", 30.0, 31.5)]).items()
    rows = run(pipeline(runner), items)[ESTIMATES]
    reasons = dict(zip(np.rint(times_s(rows)).astype(int).tolist(), why(rows, "HR"), strict=True))
    assert [reasons[t] for t in range(33, 41)] == ["gap"] * 8
    assert reasons[29] == ""
    assert reasons[43] == ""


def test_an_uncounted_loss_ends_the_run_though_numbers_go_on(runner: Runner, bedside: Bedside) -> None:
    gap = {
        "stream_id": "e4.bvp",
        "first_missing_no": 1920,
        "n_missing": None,
        "t1_host_ns": None,
        "cause": "silent",
    }
    items = [*bedside.items(), event("gap", 30.0, gap)]
    items.sort(key=lambda i: i.t_host_ns)
    rows = run(pipeline(runner), items)[ESTIMATES]
    assert why(rows, "HR")[31:38] == ["gap"] * 7
    counted = event("gap", 30.0, gap | {"n_missing": 3})
    items = sorted([*bedside.items(), counted], key=lambda i: i.t_host_ns)
    assert "gap" not in why(run(pipeline(runner), items)[ESTIMATES], "HR")


def test_host_times_of_two_eras_are_never_mixed(runner: Runner, bedside: Bedside) -> None:
    made = pipeline(runner)
    later = replace(ERA, number=1, monotonic_ns=77 * SECOND_NS, wall_ns=WALL_NS + 50 * SECOND_NS)
    made.know_eras([later])
    items: list[Item] = []
    for item in bedside.items():
        moved = item.t_host_ns - BOOT_NS > 45 * SECOND_NS
        shift = later.monotonic_ns - BOOT_NS - 50 * SECOND_NS if moved else 0
        items.append(replace(item, era=int(moved), t_host_ns=item.t_host_ns + shift))
    rows = run(made, items)[ESTIMATES]
    first = next(k for k, b in enumerate(rows) if b.era == 1)
    assert why(rows[first:], "HR")[:8] == ["gap"] * 8
    at = np.concatenate([b.row_t_host_ns for b in rows[first:] if b.row_t_host_ns is not None])
    assert np.diff(at) == pytest.approx(1e9, abs=6e7)


def test_a_subject_never_carries_over(runner: Runner, bedside: Bedside) -> None:
    made = pipeline(runner)
    run(made, sorted([*bedside.items(), cuff(40.0, 135.0, 88.0)], key=lambda i: i.t_host_ns))
    assert made.anchoring.personal.anchors[0].usable
    made.begin_session("one", Body())
    assert made.anchoring.personal.anchors
    made.begin_session("two", Body())
    assert not made.anchoring.personal.anchors


# ---- personalisation


def with_events(bedside: Bedside, *events: Item) -> list[Item]:
    return sorted([*bedside.items(), *events], key=lambda i: i.t_host_ns)


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


# ---- tracking


def seen(at_s: float = 5.0) -> Event:
    return event("marker", at_s, {"label": REFERENCE_CALIBRATED})


def notice(at_s: float, kind: str, **more: str) -> Event:
    return event("notice", at_s, {"kind": kind, "stream_id": ABP.stream_id, "channel": "adc0", **more})


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


# ---- streams


def test_streams_are_found_by_role_and_derived_ones_are_not_sources() -> None:
    made = declared(find_sources(STREAMS), ModelName("tiny-1", "abc"))
    again = find_sources([*made, ACC, ABP, PPG])
    assert (again.ppg, again.acc, again.abp) == (PPG, ACC, ABP)
    est = made[0]
    assert est.metadata["simulated"] == "true"
    assert json.loads(est.metadata["reasons"]) == list(REASONS)
    assert len(est.channels) == 4 * len(PARAMETERS) + 3 + len(PRESSURES) + 1
    assert {i.stream_id for i in declared(Sources(abp=ABP), ModelName())} == {ABP_BEATS}
    assert declared(Sources(), ModelName()) == ()


# ---- live = recomputed


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


def test_samples_that_are_no_numbers_are_a_gap(runner: Runner) -> None:
    info = StreamInfo(
        "x.ppg", "x", "waveform", (Channel("ppg", "1"),), dtype="float64", nominal_rate_hz=64.0, role="ppg"
    )
    made = pipeline(runner, streams=[info])
    wave = np.sin(np.arange(1280) * 0.1)[:, None]
    wave[900] = np.nan
    rows = run(made, [SampleBlock("x.ppg", 0, wave, BOOT_NS, 0)])[ESTIMATES]
    assert why(rows, "HR")[14:] == ["gap"] * 6


def test_a_wave_in_mmhg_needs_no_calibration(bedside: Bedside) -> None:
    info = replace(ABP, channels=(Channel("abp", "mmHg", 0.01),))
    rows = run(pipeline(None, streams=[info]), bedside.items()[:2500])[ABP_BEATS]
    truth = bedside.recording.beats
    assert np.median(values(rows)[:, 0]) == pytest.approx(np.median(truth["sbp_mmhg"]), abs=10)


def test_waves_too_slow_to_carry_a_pulse_are_no_sources() -> None:
    slow = replace(PPG, nominal_rate_hz=4.0)
    assert find_sources([slow, replace(ABP, nominal_rate_hz=10.0)]) == Sources()
    assert find_sources([slow, replace(PPG, stream_id="e4.ppg2")]).ppg == replace(PPG, stream_id="e4.ppg2")


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
