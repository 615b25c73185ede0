"""A simulated pair of devices as a recorder meets it: every packet stamped by one host, rates fitted from arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.bench.align_session import PRESSURE_HZ, PULSE_HZ, Clock, Simulated
from hemoview.dsp.align_drift import SharedClock
from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM, Piece
from recorder.clock import RunPoints, Timebase, fit_device

Array = NDArray[np.float64]

PACKET: Final = {PULSE_HZ: 11, PRESSURE_HZ: 2}
"""Samples of a packet: the wristband's pulse, the converter's blocks (decision 0005)."""
DELAY_S: Final = (0.005, 0.060)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Beats in the host's time, and what the host knows.

    Args:
        pulse, reference: beats, s of the host.
        clocks: the stretch both were recorded in, with the bound of its rates.
    """

    pulse: BeatTrain
    reference: BeatTrain
    clocks: tuple[SharedClock, ...]
    pulse_on_host: _OnHost
    reference_on_host: _OnHost

    def drift_ppm(self, piece: Piece) -> float:
        """What is truly left of drift between both times as fitted, over a piece: no fit is perfect."""
        ends_s = np.array([piece.t0_s + 5.0, piece.t1_s - 5.0])
        pulse_s, reference_s = (on.fitted(ends_s) for on in (self.pulse_on_host, self.reference_on_host))
        return float(np.diff(pulse_s)[0] / np.diff(reference_s)[0] - 1.0) / PPM


@dataclass(frozen=True, slots=True, eq=False)
class _OnHost:
    """A device's clock (host = true), and the time base fitted to its arrivals."""

    clock: Clock
    rate_hz: float
    first_s: float
    base: Timebase

    def fitted(self, true_s: Array) -> Array:
        """Fitted host time of what was taken at true times."""
        return self.of_written(self.clock.written(true_s))

    def of_written(self, written_s: Array) -> Array:
        """Fitted host time of device times."""
        position = (written_s - self.first_s) * self.rate_hz
        whole = np.floor(position).astype(np.int64)
        return np.asarray(self.base.t_ns(whole) / 1e9 + (position - whole) / self.base.rate_hz)


def recorded(session: Simulated, rng: np.random.Generator) -> Recorded | None:
    """The session as recorded; None where a clock was set half-way: a host's own clock is not."""
    if session.jumps_s:
        return None
    pulse_on = _on_host(session.pulse_clock, PULSE_HZ, rng)
    reference_on = _on_host(session.reference_clock, PRESSURE_HZ, rng)
    pulse = session.pulse.timed(pulse_on.of_written(session.pulse.time_s))
    reference = session.reference.timed(reference_on.of_written(session.reference.time_s))
    error_ppm = float(np.hypot(pulse_on.base.drift_error_ppm, reference_on.base.drift_error_ppm))
    ends = np.concatenate((pulse.time_s[[0, -1]], reference.time_s[[0, -1]]))
    clocks = (SharedClock(float(ends.min()), float(ends.max()), error_ppm),)
    return Recorded(pulse, reference, clocks, pulse_on, reference_on)


def _on_host(clock: Clock, rate_hz: float, rng: np.random.Generator) -> _OnHost:
    """Packets taken at the device's true instants, each delayed by its link, and the fit."""
    first_s = float(clock.written_s[1])
    size = PACKET[rate_hz]
    n = int((clock.written_s[-2] - first_s) * rate_hz) // size
    first_no = np.arange(n) * size
    taken_s = clock.true(first_s + (first_no + size - 1) / rate_hz)
    arrived_ns = np.rint((taken_s + rng.uniform(*DELAY_S, n)) * 1e9).astype(np.int64)
    points = RunPoints(first_no, np.full(n, size), np.maximum.accumulate(arrived_ns))
    return _OnHost(clock, rate_hz, first_s, fit_device([(rate_hz, [points])])[0][0])
