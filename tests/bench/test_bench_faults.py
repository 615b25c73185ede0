"""The faulty sessions: what is planned, what the audit finds, and forty of them end to end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hemoview.bench import faults, faults_audit
from hemoview.bench.faults_plan import IN_FORTY, Plan, draw
from hemoview.bench.faults_source import ADC_LOW, CounterSource, true_numbers
from recorder import session
from recorder.clock import ClockEra
from recorder.devices import profiles
from recorder.protocols.e4_description import stream_infos
from recorder.schema import Channel, Event, Gap, SampleBlock, StreamInfo
from recorder.session import SessionHeader, gap_event

ERA = ClockEra(0, "e", "boot", 5 * 10**9, 1_790_000_000 * 10**9)
ADC = StreamInfo("adc.wave", "adc", "waveform", (Channel("adc0", "V", 1.0),), "int32", 100.0, "abp_wave")


def test_a_run_is_decided_by_its_seed() -> None:
    assert draw(120, 7) == draw(120, 7) != draw(120, 8)
    kinds = Counter(plan.kind for plan in draw(120, 7))
    assert kinds == Counter({kind: 3 * n for kind, n in IN_FORTY})
    for plan in draw(120, 7):
        assert plan.kill_at is None or 0 < plan.kill_at < plan.seconds
        assert (plan.kind == "corrupt") == plan.corrupt


def test_every_sample_says_which_one_it_is() -> None:
    source = CounterSource(profiles.load("lab-adc-ascii"))
    n = np.arange(100, 9000)
    bvp = np.rint(source.sample("ppg", n / 64.0) * 100).astype(np.int64)[:, None]
    acc = np.rint(source.sample("acc", n / 32.0) * 64).astype(np.int64)
    np.testing.assert_array_equal(true_numbers("e4.bvp", bvp, None, 64.0), n)
    np.testing.assert_array_equal(true_numbers("e4.acc", acc, None, 32.0), n)
    count = (ADC_LOW + n % 3600)[:, None]
    np.testing.assert_array_equal(true_numbers("adc.wave", count, n * 10_000, 100.0), n)
    with pytest.raises(ValueError, match="is stamped as sample"):
        true_numbers("adc.wave", count + (n == 500)[:, None], n * 10_000, 100.0)


def stored(folder: Path, missing: range, gap: Gap | None, *, twice: bool = False) -> Path:
    """A session of ten seconds of counters in which ``missing`` of the pressure are not there."""
    writer = session.create(folder / "s", SessionHeader("s", "bed", ERA.wall_ns, simulated=True), ERA)
    infos = stream_infos("e4", "simulated")
    for info in (infos["bvp"], infos["acc"], infos["gsr"], infos["tmp"], ADC):
        writer.add_stream(info)
        rate = int(info.nominal_rate_hz or 1)
        for second in range(10):
            n = np.arange(second * rate, (second + 1) * rate)
            at = ERA.monotonic_ns + (second + 1) * 10**9
            if info is ADC:
                n = np.array([k for k in n if k not in missing])
                for part in np.split(n, np.flatnonzero(np.diff(n) > 1) + 1):
                    if part.size:
                        writer.write_block(
                            SampleBlock("adc.wave", int(part[0]), count(part), at, 0, part * 10_000)
                        )
            else:
                writer.write_block(SampleBlock(info.stream_id, int(n[0]), raw(info, n), at, 0, n * 1000))
    if twice:
        part = np.arange(990, 1000)
        at = ERA.monotonic_ns + 11 * 10**9
        writer.write_block(SampleBlock("adc.wave", 1000, count(part), at, 0, part * 10_000))
    if gap is not None:
        writer.write_event(gap_event(gap, "gap-1", ERA.wall_ns))
    writer.write_event(Event("end", "session", ERA.monotonic_ns, ERA.wall_ns, 0, {"state": "stopped"}))
    writer.commit()
    writer.close("test")
    return writer.folder


def count(n: np.ndarray) -> np.ndarray:
    return np.asarray((ADC_LOW + n % 3600).astype(np.int32)[:, None])


def raw(info: StreamInfo, n: np.ndarray) -> np.ndarray:
    if info.role == "acc":
        return np.stack([n % 128, n // 128, np.zeros(n.size, int)], axis=1).astype(np.int16)
    return np.stack([n, np.full(n.size, 2)], axis=1).astype(np.int64)


GENERATED = {"e4.bvp": 640, "e4.acc": 320, "e4.eda": 40, "e4.temp": 40, "adc.wave": 1000}
PLAN = Plan(0, 1, "links", 1.0, 10.0)


def audited(folder: Path) -> faults_audit.Score:
    return faults_audit.score(PLAN, folder, {}, generated=GENERATED, put=GENERATED)


def gap_at(second: float, n_missing: int | None, first: int = 300) -> Gap:
    t0 = ERA.monotonic_ns + round(second * 1e9)
    return Gap("adc.wave", first, n_missing, t0, t0 + 10**9, "link-lost")


def test_a_whole_session_is_complete(tmp_path: Path) -> None:
    found = audited(stored(tmp_path, range(0), None))
    assert found.complete and not found.problems and found.lost == 0


def test_what_is_missing_in_a_gap_is_marked_and_without_one_is_a_problem(tmp_path: Path) -> None:
    with_gap = audited(stored(tmp_path / "a", range(300, 350), gap_at(3.0, 50)))
    assert (with_gap.complete, with_gap.problems, with_gap.lost) == (False, (), 50)
    assert with_gap.causes == ("link-lost",)
    elsewhere = audited(stored(tmp_path / "b", range(300, 350), gap_at(7.0, 50)))
    without = audited(stored(tmp_path / "c", range(300, 350), None))
    for found in (elsewhere, without):
        assert found.problems and not found.complete


def test_a_tail_that_never_came_is_a_problem(tmp_path: Path) -> None:
    (problem,) = audited(stored(tmp_path, range(900, 1000), None)).problems
    assert "100 samples missing" in problem


def test_samples_that_come_twice_are_a_problem(tmp_path: Path) -> None:
    (problem,) = audited(stored(tmp_path, range(0), None, twice=True)).problems
    assert "after sample 999" in problem


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forty_faulty_sessions_lose_nothing_in_silence() -> None:
    found = faults.run(sessions=40, seed=3, workers=4)
    print(found)
    assert found["wrong"] == 0, found["problems"]
    assert found["false_flags"] == 0 and found["matched"] == 4
    assert found["flagged_within_60_s"] == found["swapped_usable"] >= 2
    assert found["marked"] > 0
