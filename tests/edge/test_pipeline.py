"""The pipeline of the edge process: what a bedside gets, and what gaps, eras and sessions do to it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pipeline_rig import column, pipeline, run, times_s, values, why
from scripted_bedside import (
    ABP,
    ACC,
    BOOT_NS,
    ERA,
    PPG,
    SECOND_NS,
    STREAMS,
    WALL_NS,
    Bedside,
    Item,
    calibrated,
    cuff,
    event,
)

from hemoview.edge.knowledge import Options
from hemoview.edge.streams import ABP_BEATS, ESTIMATES, PPG_BEATS, ModelName, Sources, declared, find_sources
from hemoview.estimate.estimator import Body
from hemoview.estimate.reasons import REASONS
from hemoview.estimate.runner import Runner
from recorder.schema import PARAMETERS, PRESSURES, Channel, SampleBlock, StreamInfo

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
