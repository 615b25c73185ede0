"""The emulated oximeter over a real pseudo-terminal, read by the real driver: what one counts the other sent."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.devices.nonin import NoninDriver
from recorder.devices.sim.config import parse
from recorder.errors import ConfigError, LinkLost
from recorder.schema import Gap, SampleBlock

QUIET = {"motion_fraction": 0.0}


def read(made, enough, clock: Clock, driver=None):
    """Everything a driver makes of the emulator until ``enough`` of it has come, a minute at most."""
    driver = driver or NoninDriver(
        DeviceConfig("nonin-serial", "ox", made.ready()["nonin"], simulated=True), clock
    )
    transport, events = driver.open(), []
    end = time.monotonic() + 60
    try:
        events += driver.on_connected(clock.monotonic_ns())
        while not enough(events) and time.monotonic() < end:
            chunk = transport.read(0.05)
            events += driver.feed(chunk) if chunk else []
            events += driver.tick(clock.monotonic_ns())
    finally:
        transport.close()
    return events


def config(**options):
    link = "pty" if hasattr(os, "openpty") else "socket"
    return {"seed": 2, "subject": QUIET, "nonin": {"link": link, **options}}


def values(events, stream_id):
    found = [e.values for e in events if isinstance(e, SampleBlock) and e.stream_id == stream_id]
    return np.concatenate(found) if found else np.empty((0, 1))


def has_waves(n: int):
    return lambda events: len(values(events, "ox.pleth")) > n


@pytest.mark.parametrize("format_", ["df2", "df7"])
def test_pulse_and_saturation_arrive(bedside, tmp_path, format_):
    made = bedside({**config(format=format_), "ready_file": str(tmp_path / "r.json")}, speed=5.0)
    events = read(made, has_waves(75 * 15), Clock.scaled(5.0))
    pleth = values(events, "ox.pleth")[:, 0]
    assert len(pleth) > 75 * 15
    assert pleth.max() <= (255 if format_ == "df2" else 65535)
    assert np.ptp(pleth) > 0.3 * (255 if format_ == "df2" else 65535)
    rate = values(events, "ox.pr")[-1, 0]
    assert 40 < rate < 120
    assert values(events, "ox.spo2")[-1, 0] == 97
    assert not [e for e in events if isinstance(e, Gap)]


def test_damage_on_the_wire_is_counted_frame_by_frame(bedside, tmp_path):
    """Every frame the emulator damaged is missing, and every missing one is in a gap of that size."""
    made = bedside({**config(damage=0.02), "ready_file": str(tmp_path / "r.json")}, speed=5.0)
    events = read(made, has_waves(75 * 15), Clock.scaled(5.0))
    got = len(values(events, "ox.pleth"))
    gaps = [e for e in events if isinstance(e, Gap) and e.stream_id == "ox.pleth"]
    assert made.nonin.n_damaged > 5
    missing = sum(gap.n_missing or 0 for gap in gaps)
    assert missing > 0
    last = max(e.next_sample_no for e in events if isinstance(e, SampleBlock) and e.stream_id == "ox.pleth")
    assert got + missing == last
    # a damaged frame costs itself and, out of step, at most the one that must confirm the next
    assert missing <= 2 * made.nonin.n_damaged
    assert all(gap.cause == "counter-jump" for gap in gaps)


def test_a_pulled_cable_ends_the_link_and_it_comes_back_at_the_same_port(bedside, tmp_path):
    made = bedside({**config(), "ready_file": str(tmp_path / "r.json")})
    clock = Clock()
    driver = NoninDriver(DeviceConfig("nonin-serial", "ox", made.ready()["nonin"], simulated=True), clock)
    before = read(made, has_waves(50), clock, driver)
    made.nonin.disconnects.append((made.now_s(), 0.5))
    with pytest.raises(LinkLost):
        read(made, lambda _: False, clock, driver)
    port, deadline = Path(made.ready()["nonin"]["port"]), time.monotonic() + 60
    while not port.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    after = read(made, has_waves(50), clock, driver)
    gap = next(e for e in after if isinstance(e, Gap))
    assert gap.cause == "link-lost"
    first = next(e.first_sample_no for e in after if isinstance(e, SampleBlock))
    assert first >= len(values(before, "ox.pleth"))


@pytest.mark.parametrize("wrong", [{"format": "df8"}, {"link": "usb"}, {"damage": 2}, {"baud": 1}])
def test_a_mistake_is_named(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        parse({"nonin": wrong})
