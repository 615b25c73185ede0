"""Reading: random access, one time axis, overviews, gaps, calibration – sealed, live and while it is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from small_session import ACC, BVP, ERA, EST, STREAMS, WAVE, NewWriter, decimals, header, record, write_second

from recorder import session as sessions
from recorder.clock import ClockEra
from recorder.errors import SessionError
from recorder.schema import Calibration, Channel, Event, Gap, SampleBlock, StreamInfo
from recorder.session import gap_event
from recorder.session.manifest import read_manifest
from recorder.session.sealer import seal
from recorder.testing import killer, killer_workload

ALL = 1 << 40


@pytest.fixture(scope="module")
def half_sealed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = sessions.create(tmp_path_factory.mktemp("half") / "s", header(), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    for second in range(30):
        write_second(writer, second)
        if second % 5 == 4:
            writer.commit()
        if second in (9, 19):
            seal(writer.folder, upto_commit=ALL)
    writer.abandon()
    return writer.folder


@pytest.fixture
def half_sealed(half_sealed_once: Path, tmp_path: Path) -> Path:
    """30 s, of which the first 20 are in segments and the rest in the journal."""
    shutil.copytree(half_sealed_once, tmp_path / "half")
    return tmp_path / "half"


def test_overviews_of_neighbouring_spans_join_without_a_hole(half_sealed: Path) -> None:
    with sessions.open(half_sealed) as session:
        for stream_id in ("e4.bvp", "adc.wave"):
            both = [session.overview(stream_id, t, t + 8.0, 8).t_s for t in (0.0, 8.0, 16.0)]
            steps = np.diff(np.concatenate(both))
            assert steps.min() > 0.9 and steps.max() < 1.1


def test_any_span_is_the_span_of_the_whole(half_sealed: Path) -> None:
    with sessions.open(half_sealed) as session:
        for stream_id in session.streams:
            whole = session.read(stream_id)
            assert np.all(np.diff(whole.time_s) > 0)
            for t0, t1 in [
                (0.0, 30.0),
                (9.5, 10.5),
                (19.9, 20.1),
                (25.0, 40.0),
                (-5.0, 0.3),
                (3.3, 3.3),
                (50, 60),
            ]:
                inside = (whole.time_s >= t0) & (whole.time_s <= t1)
                part = session.read(stream_id, t0, t1)
                np.testing.assert_array_equal(part.sample_no, whole.sample_no[inside])
                np.testing.assert_array_equal(part.raw, whole.raw[inside])


def test_values_are_physical_and_raw_is_as_sent(half_sealed: Path) -> None:
    with sessions.open(half_sealed) as session:
        bvp, wave = session.read("e4.bvp"), session.read("adc.wave")
        np.testing.assert_array_equal(bvp.raw, decimals(bvp.sample_no))
        np.testing.assert_allclose(bvp.values[:, 0], bvp.raw[:, 0] / 100)
        np.testing.assert_allclose(wave.values, wave.raw * 0.001 - 0.5)
        np.testing.assert_array_equal(bvp.device_time_us, bvp.sample_no * 15625)
        assert wave.device_time_us is None
        estimate = session.read("edge.est")
        np.testing.assert_array_equal(estimate.time_s, np.arange(30.0))
        assert np.isnan(estimate.values[:, 1]).all()


@pytest.mark.parametrize("n_bins", [7, 20, 100, 1000])
@pytest.mark.parametrize("span", [(0.0, 30.0), (5.0, 27.5), (18.2, 21.3)])
def test_an_overview_holds_every_sample_and_invents_none(
    half_sealed: Path, span: tuple[float, float], n_bins: int
) -> None:
    with sessions.open(half_sealed) as session:
        for info in (BVP, ACC, WAVE):
            whole = session.read(info.stream_id)
            inside = whole.values[(whole.time_s >= span[0]) & (whole.time_s < span[1])]
            view = session.overview(info.stream_id, *span, n_bins)
            assert len(view.t_s) <= n_bins + 1
            assert np.all(np.diff(view.t_s) > 0)
            assert (view.low.min(axis=0) <= inside.min(axis=0) + 1e-9).all()
            assert (view.high.max(axis=0) >= inside.max(axis=0) - 1e-9).all()
            near = whole.values[(whole.time_s >= span[0] - 1.1) & (whole.time_s < span[1] + 1.1)]
            assert (view.low >= near.min(axis=0) - 1e-9).all()
            assert (view.high <= near.max(axis=0) + 1e-9).all()


def test_an_overview_of_hours_reads_footers_only(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(12))
    writer.close("done")
    with sessions.open(writer.folder) as session:
        full = {info.stream_id: session.read(info.stream_id).values for info in (BVP, ACC, WAVE)}
    for row in read_manifest(writer.folder).segments:
        path = writer.folder / "segments" / row.name
        footer = path.read_bytes()[-row.footer_bytes :]
        path.write_bytes(bytes(row.bytes - row.footer_bytes) + footer)
    with sessions.open(writer.folder) as session:
        for stream_id, values in full.items():
            view = session.overview(stream_id, 0.0, 120.0, 4)
            np.testing.assert_allclose(view.low.min(axis=0), values.min(axis=0))
            np.testing.assert_allclose(view.high.max(axis=0), values.max(axis=0))


def test_time_is_fitted_through_jitter_and_drift(new_writer: NewWriter, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    writer = sessions.create(tmp_path / "drift", header(), ERA)
    writer.add_stream(WAVE)
    rate, first = 100.0 * (1 + 80e-6), 0
    for _ in range(300 * 4):
        taken_ns = (first + 24) / rate * 1e9
        arrival = ERA.monotonic_ns + round(taken_ns + rng.uniform(5e6, 60e6))
        writer.write_block(SampleBlock("adc.wave", first, np.zeros((25, 1), np.int32), arrival))
        first += 25
    writer.commit()
    seal(writer.folder, upto_commit=ALL)
    writer.abandon()
    with sessions.open(writer.folder) as session:
        base = session.timebase("adc.wave", 0)
        assert base.drift_ppm == pytest.approx(80, abs=10)
        error_ms = (session.read("adc.wave").time_s - np.arange(first) / rate) * 1e3
        assert np.abs(error_ms - 5.0).max() < 5.0  # the fastest delivery took 5 ms


def test_a_lost_link_starts_a_new_run_of_time(tmp_path: Path) -> None:
    writer = sessions.create(tmp_path / "s", header(), ERA)
    writer.add_stream(WAVE)
    for second in range(10):
        write_second(writer, second, streams=(WAVE,))
    t0 = ERA.monotonic_ns + 10 * 10**9
    t1 = t0 + 60 * 10**9
    gap = Gap("adc.wave", 1000, None, t0, t1, "link-lost", 0, "cable pulled")
    writer.write_event(gap_event(gap, "g1", ERA.wall_ns))
    for k in range(40):  # the device counts on from 1000: nobody knows how many were missed
        arrival = t1 + (k + 1) * 250_000_000
        writer.write_block(SampleBlock("adc.wave", 1000 + 25 * k, np.ones((25, 1), np.int32), arrival))
    writer.close("done")
    with sessions.open(tmp_path / "s") as session:
        stream = session.read("adc.wave")
        assert stream.time_s[999] == pytest.approx(10.0, abs=0.05)
        assert stream.time_s[1000] == pytest.approx(70.0, abs=0.05)
        (span,) = stream.gaps
        assert (span.cause, span.n_missing, span.detail) == ("link-lost", None, "cable pulled")
        assert (span.t0_s, span.t1_s) == pytest.approx((10.0, 70.0))
        assert session.read("adc.wave", 0, 9).gaps == ()
        view = session.overview("adc.wave", 0.0, 80.0, 80)
        assert not ((view.t_s > 11) & (view.t_s < 69)).any()
    assert sessions.verify(tmp_path / "s").ok


def test_a_gap_stored_open_is_closed_by_its_second_record(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(3))
    t0 = ERA.monotonic_ns + 10**9
    begun = Gap("e4.bvp", 64, None, t0, None, "silent")
    writer.write_event(gap_event(begun, "a", ERA.wall_ns))
    writer.commit()
    with sessions.open(writer.folder) as session:
        assert session.gaps("e4.bvp")[0].t1_s == pytest.approx(session.duration_s)
        writer.write_event(gap_event(Gap(**{**asdict(begun), "t1_host_ns": t0 + 10**9}), "b", ERA.wall_ns))
        writer.commit()
        session.refresh()
        (span,) = session.gaps("e4.bvp")
        assert (span.t0_s, span.t1_s) == (1.0, 2.0)
    writer.abandon()


def test_a_calibration_applies_from_its_own_time(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(10))
    for number, (gain, at) in enumerate([(100.0, 2.0), (50.0, 6.0)]):
        t_ns = ERA.monotonic_ns + round(at * 1e9)
        found = Calibration(
            f"c{number}", "adc.wave", "abp", gain, 1.0, "two-point", ERA.wall_ns, t_host_ns=t_ns
        )
        writer.write_event(Event(found.calibration_id, "calibration", t_ns, ERA.wall_ns, 0, asdict(found)))
    refused = Calibration("c9", "adc.wave", "abp", 9.0, 0.0, "fitted", ERA.wall_ns, accepted=False)
    writer.write_event(Event("c9", "calibration", 0, ERA.wall_ns, 0, asdict(refused)))
    writer.close("done")
    with sessions.open(writer.folder) as session:
        plain, mmhg = session.read("adc.wave"), session.read("adc.wave", calibrated=True)
        assert (plain.units, mmhg.units) == (("V",), ("mmHg",))
        gain = np.select([plain.time_s < 2, plain.time_s < 6], [np.nan, 100.0], 50.0)
        np.testing.assert_allclose(mmhg.values[:, 0], plain.values[:, 0] * gain + 1.0)
        assert session.read("e4.bvp", calibrated=True).units == ("1",)
        assert len(session.calibrations()) == 3


def test_reading_while_recording_sees_a_whole_beginning_every_time(tmp_path: Path) -> None:
    folder, progress = tmp_path / "s", tmp_path / "progress"
    command = [sys.executable, "-m", "recorder.testing.killer_workload", str(folder), str(progress)]
    child = subprocess.Popen([*command, "--seconds", "32", "--segment-s", "6", "--pause-s", "0.002"])
    try:
        while killer_workload.read_progress(progress)[1] == 0:
            assert child.poll() is None
        seen, reads = 0, 0
        with sessions.open(folder) as session:
            while child.poll() is None:
                promised = killer_workload.read_progress(progress)[1]
                session.refresh()
                reached, wrong = killer.compare(session)
                assert wrong == []
                assert reached >= max(promised, seen)
                seen, reads = reached, reads + 1
    finally:
        child.wait()
    assert child.returncode == 0
    assert reads > 3
    assert sessions.verify(folder).ok


def test_duration_counts_rows_and_unknown_streams(half_sealed: Path) -> None:
    with sessions.open(half_sealed) as session:
        assert session.duration_s == pytest.approx(30.02, abs=0.05)
        assert session.start_wall_ns == ERA.wall_ns
        assert session.rows("e4.bvp") == 30 * 64
        assert set(session.streams) == {s.stream_id for s in STREAMS}
        with pytest.raises(SessionError, match=r"no stream 'ecg'; it has adc.wave"):
            session.read("ecg")
        with pytest.raises(SessionError, match="no time base"):
            session.timebase(EST.stream_id, 0)
        with pytest.raises(ValueError, match="0 bins"):
            session.overview("e4.bvp", 0, 1, 0)


def test_a_damaged_segment_is_a_named_gap_and_the_rest_is_read(half_sealed: Path) -> None:
    victim = half_sealed / "segments" / "adc.wave-000000001000.parquet"
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    with sessions.open(half_sealed) as session:
        stream = session.read("adc.wave")
        assert len(stream) == 2000
        assert [g.cause for g in stream.gaps] == ["damaged"]
        assert session.damaged[0][0] == "segments/adc.wave-000000001000.parquet"
        assert session.state == "damaged"
        assert len(session.read("e4.bvp")) == 1920


def test_lost_clock_points_cost_precision_and_not_samples(half_sealed: Path) -> None:
    for path in (half_sealed / "segments").glob("_clock-*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    with sessions.open(half_sealed) as session:
        stream = session.read("e4.bvp")
        assert len(stream) == 1920
        assert np.abs(stream.time_s - stream.sample_no / 64).max() < 0.5
        assert any("_clock" in file for file, _ in session.damaged)


def test_a_session_on_a_read_only_disk_opens(half_sealed: Path, tmp_path: Path) -> None:
    with sessions.open(half_sealed) as session:
        expected = session.read("adc.wave").raw
    for path in half_sealed.glob("live.sqlite-shm"):
        path.unlink()
    half_sealed.chmod(0o500)
    try:
        with sessions.open(half_sealed) as session:
            np.testing.assert_array_equal(session.read("adc.wave").raw, expected)
    finally:
        half_sealed.chmod(0o700)


def test_rows_out_of_order_in_time_are_found_by_time(tmp_path: Path) -> None:
    beats = StreamInfo("edge.beats", "edge", "numeric", (Channel("ibi", "s"),), "float64")
    writer = sessions.create(tmp_path / "s", header(), ERA)
    writer.add_stream(beats)
    times = ERA.monotonic_ns + np.array([1, 3, 2, 5, 4]) * 10**9
    values = np.arange(5.0)[:, None]
    writer.write_block(SampleBlock("edge.beats", 0, values, int(times.max()), 0, None, times))
    writer.close("done")
    with sessions.open(tmp_path / "s") as session:
        assert session.read("edge.beats", 1.5, 3.5).values.ravel().tolist() == [1.0, 2.0]
        assert session.overview("edge.beats", 1.5, 3.5, 2).low.ravel().tolist() == [2.0, 1.0]


def test_a_wall_clock_set_back_between_eras_does_not_turn_time_round(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(5))
    hour_ns = 3600 * 10**9
    writer.begin_era(ClockEra(1, "x", "boot-1", 77 * 10**9, ERA.wall_ns - hour_ns, "reboot"))
    record(writer, range(5, 8))
    writer.close("done")
    with sessions.open(writer.folder) as session:
        for stream_id in ("e4.bvp", "adc.wave", "edge.est"):
            times = session.read(stream_id).time_s
            assert np.all(np.diff(times) > 0)
        assert session.read("adc.wave").time_s[500] == pytest.approx(10.0, abs=0.1)  # 5 s + its own 5 s
        assert session.duration_s < 20
