"""A stick that comes after the session: one session of both, the old one's samples and times bit for bit."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import session
from recorder.clock import begin_era
from recorder.errors import ConfigError, SessionError
from recorder.exchange.imports import importing, joining
from recorder.exchange.imports.importing import Order, Wanted
from recorder.exchange.imports.joining import between, join
from recorder.exchange.into_session import Break, Waveform
from recorder.schema import Amendment, Channel, DeviceInfo, Event, SampleBlock, StreamInfo, Subject
from recorder.session.stored import read_stored
from recorder.testing.clock import FakeClock
from tests.exchange import stick_made

BVP = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), nominal_rate_hz=64.0, role="ppg")
EST = StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"),), dtype="float32", role="estimate")
DRIFT = 1.00005
"""The wristband's clock runs 50 ppm slow: its times must come out of its own clock points, not of its rate."""


def record(writer: session.SessionWriter, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(DRIFT)
        first = writer.next_sample_no["e4.bvp"]
        values = np.arange(first, first + 64, dtype=np.int32)[:, None]
        writer.write_block(SampleBlock("e4.bvp", first, values, clock.now_ns, writer.era.number))
        row = np.array([[120.0]], np.float32)
        writer.write_block(
            SampleBlock("edge.est", writer.next_sample_no["edge.est"], row, clock.now_ns, writer.era.number)
        )
    writer.commit()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded session of 100 s and, after a reboot that took 30 s, another 100 s; a marker in each part."""
    folder = tmp_path_factory.mktemp("base") / "live"
    clock = FakeClock(1000.0, stick_made.BEGINS_NS / 1e9)
    header = session.SessionHeader(
        "live",
        "bed-1",
        clock.now_wall_ns,
        subject=Subject("P-1", age_y=51),
        devices=(DeviceInfo("e4", "E4"),),
    )
    writer = session.create(folder, header, begin_era(clock))
    for info in (BVP, EST):
        writer.add_stream(info)
    record(writer, clock, 100)
    writer.write_event(Event("m1", "marker", clock.now_ns, clock.now_wall_ns, 0, {"label": "rest"}))
    writer.commit()
    writer.abandon()
    clock.now_ns = int(40e9)  # another boot
    clock.now_wall_ns += int(30e9)
    writer = session.resume(folder, clock)
    record(writer, clock, 100)
    writer.write_event(Event("m2", "marker", clock.now_ns, clock.now_wall_ns, 1, {"label": "stand"}))
    writer.amend(Amendment("note", "", "moved", "OP1", "typed late", clock.now_wall_ns))
    writer.close("done")
    return folder


def plan_of(stick: Path, begins_after_s: int, pseudonym: str = "P-1") -> importing.Plan:
    files = stick_made.write(stick, stick_made.BEGINS + timedelta(seconds=begins_after_s))
    order = Order((Wanted("cnap", files.beats),), Subject(pseudonym), stick_made.ZONE)
    return importing.look(order, None, stick_made.BEGINS_NS)


@pytest.mark.parametrize("begins_after_s", [-40, 0, 25, 110])
def test_both_are_in_the_new_session_each_at_its_own_time(
    base: Path, tmp_path: Path, begins_after_s: int
) -> None:
    plan = plan_of(tmp_path / "stick", begins_after_s)
    before = {p: p.read_bytes() for p in base.rglob("*") if p.is_file()}
    out = join(base, plan, tmp_path / "both", now_wall_ns=stick_made.BEGINS_NS)
    assert {p: p.read_bytes() for p in base.rglob("*") if p.is_file()} == before
    report = session.verify(out)
    assert (report.ok, report.damaged) == (True, ())
    with session.open(base) as old, session.open(out) as new:
        moved_s = max(-begins_after_s, 0)
        assert new.start_wall_ns == old.start_wall_ns - moved_s * 10**9
        assert new.header.session_id != old.header.session_id
        for name in old.streams:
            a, b = old.read(name), new.read(name)
            assert np.array_equal(a.sample_no, b.sample_no)
            assert np.array_equal(a.raw, b.raw)
            assert np.array_equal(a.era, b.era)
            assert np.abs(b.time_s - a.time_s - moved_s).max() < 1e-6
        wave, beats = new.read("cnap.wave"), new.read("cnap.beats")
        (source,) = plan.sources
        begins_s = moved_s + begins_after_s
        assert np.array_equal(wave.raw, source.waveforms[0].values)
        assert np.abs(wave.time_s - begins_s - np.arange(30_000) / 100).max() < 1e-3
        assert np.array_equal(beats.raw, source.numerics[0].values, equal_nan=True)
        wall_s = (source.numerics[0].wall_ns - new.start_wall_ns) / 1e9
        assert np.abs(beats.time_s - wall_s).max() < 1e-6
        assert set(wave.era.tolist()) == {0, 1}


def test_events_are_in_order_of_time_and_the_old_ones_are_all_there(base: Path, tmp_path: Path) -> None:
    out = join(base, plan_of(tmp_path / "stick", 25), tmp_path / "both", now_wall_ns=stick_made.BEGINS_NS)
    with session.open(base) as old, session.open(out) as new:
        told = new.events()
        times = [new.t_s(e.t_host_ns, e.era) for e in told]
        assert times == sorted(times)
        assert {e.event_id for e in old.events()} <= {e.event_id for e in told}
        labels = [e.payload["label"] for e in told if e.kind == "marker"]
        assert labels == [
            "reference calibrated",
            "rest",
            "CO calibrated",
            "finger changed",
            "stand",
            "reference calibrated",
        ]
        (joined,) = new.events(joining.JOINED)
        assert joined.payload == {"session": "live", "folder": "live"}
        assert [a.new for a in new.amendments()] == ["moved"]
        assert new.header.subject == Subject("P-1", "female", 51, 164.0, 60.0)
        assert [d.device_id for d in new.header.devices] == ["e4", "cnap"]
        assert new.header.simulated


def test_what_cannot_be_joined_is_refused_and_leaves_nothing(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "both"
    for plan, why in (
        (plan_of(tmp_path / "a", 0, "P-2"), "is of subject P-1, not of P-2"),
        (plan_of(tmp_path / "b", 7200), "no moment in common"),
    ):
        with pytest.raises(ConfigError, match=why):
            join(base, plan, out, now_wall_ns=0)
    once = join(base, plan_of(tmp_path / "c", 0), tmp_path / "once", now_wall_ns=0)
    with pytest.raises(ConfigError, match="has a device cnap already"):
        join(once, plan_of(tmp_path / "d", 0), out, now_wall_ns=0)
    damaged = shutil.copytree(base, tmp_path / "damaged")
    segment = next((damaged / "segments").glob("e4.bvp-*"))
    segment.write_bytes(segment.read_bytes()[:-100])
    with pytest.raises(SessionError, match=r"e4\.bvp"):
        join(damaged, plan_of(tmp_path / "e", 0), out, now_wall_ns=0)
    (damaged / "manifest.json").unlink()
    with pytest.raises(SessionError, match="recover"):
        join(damaged, plan_of(tmp_path / "f", 0), out, now_wall_ns=0)
    assert not out.exists()
    assert read_stored(base).state == "sealed"


@pytest.mark.parametrize("begins_after_s", [-3600, 7200])
def test_a_clock_set_an_hour_wrong_is_joined_once_somebody_says_so(
    base: Path, tmp_path: Path, begins_after_s: int
) -> None:
    plan, out = plan_of(tmp_path / "stick", begins_after_s), tmp_path / "both"
    with pytest.raises(ConfigError, match="give --accept apart, and aligning it finds by how much"):
        join(base, plan, out, now_wall_ns=0)
    join(base, plan, out, accepted=("apart",), now_wall_ns=0)
    assert session.verify(out).ok
    with session.open(base) as old, session.open(out) as new:
        for stream_id in old.streams:
            a, b = old.read(stream_id), new.read(stream_id)
            assert np.array_equal(a.raw, b.raw)
            assert np.abs(b.time_s - a.time_s - max(-begins_after_s, 0)).max() < 1e-6
        assert np.array_equal(new.read("cnap.wave").raw, plan.sources[0].waveforms[0].values)
    days = plan_of(tmp_path / "days", -3 * 86_400)
    with pytest.raises(ConfigError, match=r"nothing was joined$"):
        join(base, days, tmp_path / "never", accepted=("apart",), now_wall_ns=0)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 500)), min_size=1, max_size=5),
    st.lists(st.integers(-100, 2000), min_size=1, max_size=4, unique=True),
)
def test_cut_at_any_moments_no_sample_is_lost_or_moved(runs: list[tuple[int, int]], cuts: list[int]) -> None:
    """Samples every 10 ms in runs with holes between; cut at moments and put together again."""
    info = StreamInfo("x.y", "x", "waveform", (Channel("a", "1"),), nominal_rate_hz=100.0)
    times, breaks, at = [], [], 0
    for n, hole in runs:
        if times:
            breaks.append(Break(len(times), at * 10**7))
        times += range(at, at + n)
        at += n + hole
    wave = Waveform(info, 0, np.arange(len(times), dtype=np.int32)[:, None], tuple(breaks))
    edges = [-(2**62), *sorted(cut * 3 * 10**6 for cut in cuts), 2**62]
    found: dict[int, int] = {}
    for begin, end in pairwise(edges):
        part = between(wave, begin, end)
        for first, stop, wall_ns in part.runs if part else ():
            for k in range(stop - first):
                assert begin <= wall_ns + k * 10**7 < end
                found[int(part.values[first + k, 0])] = wall_ns + k * 10**7
    assert found == {n: t * 10**7 for n, t in enumerate(times)}
