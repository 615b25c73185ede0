"""The emulated wristband on the air: batches, stamps, losses."""

import numpy as np
import pytest

from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.e4_band import E4Band
from recorder.devices.sim.outlet import Tally
from recorder.devices.sim.source import Interval

WALL_US = 1_700_000_000_000_000


def make(source, tally=None, ppm=0.0, **options):
    return E4Band(
        source,
        DeviceClock(ppm, np.random.default_rng(1)),
        np.random.default_rng(2),
        tally or Tally(),
        WALL_US,
        **options,
    )


def receive(band, seconds, step_s=0.05):
    """(arrival, sample) of everything until ``seconds``."""
    return [(t, s) for t in np.arange(step_s, seconds + step_s, step_s) for s in band.arrivals(float(t))]


def of(kind, received):
    return [(t, s) for t, s in received if s.kind == kind]


def value(sample):
    mantissa, places = sample.values[0]
    return mantissa / 10**places


@pytest.mark.parametrize(
    ("kind", "rate_hz", "batch"), [("bvp", 64, 11), ("acc", 32, 6), ("gsr", 4, 6), ("tmp", 4, 8)]
)
def test_batches_have_the_size_and_rate_of_the_radio(ramp, kind, rate_hz, batch):
    received = of(kind, receive(make(ramp()), 20.0))
    sizes = {t: sum(1 for u, _ in received if u == t) for t in {t for t, _ in received}}
    assert all(size % batch == 0 for size in sizes.values())
    assert len(received) == pytest.approx(20 * rate_hz, abs=2 * batch)


def test_stamps_are_the_first_arrival_plus_a_count(ramp):
    received = of("bvp", receive(make(ramp(), ppm=80.0), 60.0))
    stamps = np.array([s.stamp_us for _, s in received])
    np.testing.assert_array_equal(stamps - stamps[0], np.rint(np.arange(len(stamps)) * 1e6 / 64))
    first_packet_s = 11 / 64
    assert first_packet_s < (stamps[0] - WALL_US) / 1e6 < first_packet_s + 0.07


def test_samples_arrive_after_they_were_taken_and_within_the_jitter(ramp):
    received = of("bvp", receive(make(ramp(), jitter_s=(0.005, 0.06)), 30.0, step_s=0.001))
    delay = np.array([t - value(s) for t, s in received])
    assert delay.min() > 0
    assert delay[10::11].max() < 0.06 + 0.012
    assert np.std(delay[10::11]) > 0.005


def test_loss_on_the_air_is_counted_but_not_seen_in_the_stamps(ramp):
    tally = Tally()
    received = of("bvp", receive(make(ramp(), tally, dropout=0.3), 60.0))
    stamps = np.array([s.stamp_us for _, s in received])
    assert (np.abs(np.diff(stamps) - 1e6 / 64) <= 1).all()
    jumps = np.diff([value(s) for _, s in received]) > 0.1
    assert jumps.any()
    assert tally.on_air_lost["e4.bvp"] > 100
    assert tally.generated["e4.bvp"] == tally.on_air_lost["e4.bvp"] + len(received)


def test_nothing_arrives_while_the_radio_is_out(ramp):
    tally = Tally()
    band = make(ramp(), tally, disconnects=[(5.0, 4.0)])
    received = of("bvp", receive(band, 15.0))
    taken = np.array([value(s) for _, s in received])
    assert not ((taken > 5.2) & (taken < 8.8)).any()
    assert band.is_away(6.0)
    assert not band.is_away(9.0)
    assert tally.on_air_lost["e4.bvp"] == pytest.approx(4 * 64, abs=12)
    stamps = np.array([s.stamp_us for _, s in received])
    assert np.diff(stamps).max() <= 1e6 / 64 + 1


def test_gaps_of_a_recording_become_losses_never_samples(ramp):
    tally = Tally()
    received = of("bvp", receive(make(ramp(holes=[(3.0, 5.0)]), tally), 10.0))
    taken = np.array([value(s) for _, s in received])
    assert not ((taken > 3.01) & (taken < 4.99)).any()
    assert np.isfinite(taken).all()
    assert tally.on_air_lost["e4.bvp"] == pytest.approx(128, abs=1)


def test_a_recording_ends(ramp):
    tally = Tally()
    band = make(ramp(ends_s=3.0), tally)
    assert not band.ended
    received = of("bvp", receive(band, 8.0))
    assert band.ended
    assert max(value(s) for _, s in received) <= 3.0
    assert tally.generated["e4.bvp"] == pytest.approx(192, abs=1)


def test_streams_the_source_lacks_are_not_made(ramp):
    kinds = {s.kind for _, s in receive(make(ramp(absent=frozenset({"acc", "eda"}))), 5.0)}
    assert kinds == {"bvp", "tmp", "bat"}


def test_acceleration_is_whole_counts_within_the_sensor(ramp):
    received = of("acc", receive(make(ramp(slope=20.0)), 15.0))
    counts = [v for _, s in received for v in s.values]
    assert all(places == 0 and -128 <= mantissa <= 127 for mantissa, places in counts)
    assert max(mantissa for mantissa, _ in counts) == 127


def test_beats_carry_interval_and_rate(ramp):
    beats = [Interval(2.0, 0.8), Interval(2.81, 0.8125)]
    received = receive(make(ramp(beats=beats)), 6.0)
    assert [value(s) for _, s in of("ibi", received)] == [0.796875, 0.8125]
    assert [value(s) for _, s in of("hr", received)] == [75.2941, 73.8462]
    stamps = [s.stamp_us for _, s in of("ibi", received)]
    assert stamps[1] - stamps[0] == pytest.approx(810_000, abs=10)


def test_a_tag_has_a_stamp_and_no_value(ramp):
    band = make(ramp(), disconnects=[(20.0, 5.0)])
    receive(band, 10.0)
    (tag,) = band.tag(10.0)
    assert tag.kind == "tag"
    assert tag.values == ()
    assert (tag.stamp_us - WALL_US) / 1e6 == pytest.approx(10.0, abs=0.3)
    assert band.tag(21.0) == []
