"""Foreign values become an ordinary sealed session whose times are exactly those of the source."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder import session
from recorder.errors import SessionError
from recorder.exchange.into_session import Break, Moment, Rows, Waveform, write_session
from recorder.schema import Channel, DeviceInfo, StreamInfo, Subject

WALL_NS = 1_551_453_301_000_000_000
DEVICE = DeviceInfo("dev", "a device", transport="file")


def wave_info(rate_hz, name="wave", dtype="float32"):
    return StreamInfo(f"dev.{name}", "dev", "waveform", (Channel("v", "mmHg"),), dtype, rate_hz, "abp_wave")


def header(**more):
    return session.SessionHeader(
        "a" * 32, "import", 0, subject=Subject("P-1"), template={"name": "import"}, **more
    )


def ramp(n):
    return np.arange(n, dtype=np.float32)[:, None]


def write(folder, waves=(), numerics=(), events=(), **more):
    return write_session(folder, header(**more), [DEVICE], waves, numerics, events)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([1.0, 4.0, 32.0, 64.0, 100.0, 125.0, 250.0, 360.0, 62.4725, 499.9, 1000.0 / 3]),
    st.integers(1, 40_000),
    st.integers(0, 10**9),
    st.integers(1, 4000),
)
def test_times_are_those_of_the_source(tmp_path_factory, rate_hz, n, later_us, other_n):
    folder = tmp_path_factory.mktemp("s") / "x"
    first, second = wave_info(rate_hz), wave_info(7.0, "other")
    waves = [Waveform(first, WALL_NS, ramp(n)), Waveform(second, WALL_NS + later_us * 1000, ramp(other_n))]
    write(folder, waves)
    with session.open(folder) as stored:
        for info, count, begin_s in ((first, n, 0.0), (second, other_n, later_us / 1e6)):
            found = stored.read(info.stream_id)
            wanted = begin_s + np.arange(count) / info.nominal_rate_hz
            assert np.abs(found.time_s - wanted).max() < 1.01e-6  # clock points are kept to the microsecond
            assert stored.timebase(info.stream_id, 0).drift_ppm == pytest.approx(0, abs=1e-2)
            np.testing.assert_array_equal(found.raw, ramp(count))


def test_rates_in_whole_microseconds_are_exact(tmp_path):
    write(tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(200_000))])
    with session.open(tmp_path / "x") as stored:
        np.testing.assert_array_equal(stored.read("dev.wave").time_s, np.arange(200_000) / 64)


def test_gaps_are_gaps_and_verify_says_ok(tmp_path):
    info = wave_info(125.0)
    breaks = (
        Break(1000, WALL_NS + 9_626_980_000),
        Break(2000, WALL_NS + 60_000_000_000, "unreadable", "two rows"),
    )
    write(tmp_path / "x", [Waveform(info, WALL_NS, ramp(3000), breaks)])
    report = session.verify(tmp_path / "x")
    assert (report.ok, report.damaged, report.state) == (True, (), "sealed")
    with session.open(tmp_path / "x") as stored:
        found = stored.read("dev.wave")
        assert [(g.cause, g.n_missing) for g in found.gaps] == [("not-in-file", 203), ("unreadable", 5297)]
        np.testing.assert_allclose(
            found.time_s[[0, 999, 1000, 1999, 2000, 2999]],
            [0, 7.992, 9.62698, 17.61898, 60, 67.992],
            atol=2e-6,
        )
        assert found.gaps[0].t0_s == pytest.approx(7.992)
        assert found.gaps[0].t1_s == pytest.approx(9.62698)


def test_numerics_moments_and_the_header(tmp_path):
    info = StreamInfo(
        "dev.beats",
        "dev",
        "numeric",
        (Channel("sbp", "mmHg"), Channel("hr", "/min")),
        "float64",
        role="reference",
    )
    rows = Rows(
        info,
        WALL_NS + np.array([5, 7, 7], np.int64) * 10**9,
        np.array([[120, 60], [np.nan, 61], [118, 62]], float),
    )
    mark = Moment("marker", WALL_NS + 6 * 10**9, {"label": "tag", "source": "e4-tag"}, WALL_NS + 99 * 10**9)
    write(
        tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(640))], [rows], [mark], zone="Asia/Shanghai"
    )
    assert session.verify(tmp_path / "x").ok
    with session.open(tmp_path / "x") as stored:
        found = stored.read("dev.beats")
        assert found.time_s.tolist() == [5.0, 7.0, 7.0]
        np.testing.assert_array_equal(found.values, rows.values)
        (event,) = stored.events("marker")
        assert stored.t_s(event.t_host_ns, event.era) == 6.0
        assert event.wall_ns == WALL_NS + 99 * 10**9
        head = stored.header
        assert (head.created_wall_ns, head.utc_offset_s, head.devices) == (WALL_NS, 8 * 3600, (DEVICE,))
        assert stored.start_wall_ns == WALL_NS
        assert not head.simulated


def test_simulated_sources_mark_the_session(tmp_path):
    info = StreamInfo(
        "dev.wave", "dev", "waveform", (Channel("v", "1"),), "float32", 10.0, origin="simulated"
    )
    write(tmp_path / "x", [Waveform(info, WALL_NS, ramp(10))])
    with session.open(tmp_path / "x") as stored:
        assert stored.header.simulated


def test_given_up_half_way_it_never_existed(tmp_path):
    class GivenUp(Exception):
        pass

    def told(done, total):
        if done * 2 > total:
            raise GivenUp

    wave = Waveform(wave_info(64.0), WALL_NS, ramp(64 * 3600))
    with pytest.raises(GivenUp):
        write_session(tmp_path / "x", header(), [DEVICE], [wave], [], [], told=told)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "notes.txt").write_text("mine")
    with pytest.raises(SessionError, match="not empty"):
        write(tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(64))])
    assert [p.name for p in tmp_path.rglob("*")] == ["x", "notes.txt"]


def test_what_makes_no_session_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        write(tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(0))])
    with pytest.raises(ValueError, match="later"):
        write(tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(10), (Break(5, WALL_NS),))])
    with pytest.raises(ValueError, match="one id"):
        write(tmp_path / "x", [Waveform(wave_info(64.0), WALL_NS, ramp(10))] * 2)
    with pytest.raises(ValueError, match="need 1 columns"):
        Waveform(wave_info(64.0), WALL_NS, np.zeros((3, 2), np.float32))
    assert list(tmp_path.iterdir()) == []
