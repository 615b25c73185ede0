"""A converter that nobody listens to for a while goes on converting the right moment afterwards."""

import numpy as np

from recorder.devices import profiles
from recorder.devices.sim.adc import AdcEmulator
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.outlet import Tally
from recorder.protocols.serial_adc import AdcDecoder


class ToggledLink:
    """Collects what is written while it is open."""

    address = "test"

    def __init__(self) -> None:
        self.opened, self.taken = False, b""

    def is_open(self) -> bool:
        return self.opened

    def write(self, octets: bytes) -> int:
        self.taken += octets
        return len(octets)


def test_pressure_is_of_the_moment_it_was_converted(ramp):
    profile, link = profiles.load("lab-adc-ascii"), ToggledLink()
    source = ramp(slope=1.0, ends_s=1900.0)  # 1 mmHg a second, for half an hour
    adc = AdcEmulator(profile, source, DeviceClock(-30.0, np.random.default_rng(1)), Tally(), link)
    for now_s in np.arange(0, 20, 0.05):
        adc.advance(float(now_s))
    link.opened = True
    for now_s in np.arange(20, 60, 0.05):
        adc.advance(float(now_s))
    events = AdcDecoder(profile).feed(link.taken)
    counts = np.concatenate([event.counts[:, 0] for event in events])
    times_s = np.concatenate([event.counter for event in events]) / profile.rate_hz
    mmhg = counts * profile.channels[0].scale * 100.0
    assert len(counts) > 3500
    np.testing.assert_allclose(mmhg, times_s, atol=0.2)
