"""What is kept of each source stream: the last seconds, the beats still open, and the time of every sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.quality import motion_rms_g
from hemoview.dsp.tracking import BeatTracker, Detector, Positioned, Tracked
from hemoview.dsp.windows import WINDOW_S, SampleRing
from recorder.clock.live import LiveTimebase
from recorder.schema import SampleBlock, StreamInfo

B = TypeVar("B", bound=Positioned)

STORED_NS = 1000
"""Arrivals are taken to the microsecond that a session keeps, so that what is recomputed has the very same times."""
LEAST_MOTION_PART = 0.7
"""Part of a window the accelerometer must cover before it says anything about motion."""


class StreamClock:
    """Host times of one stream's samples, per clock era.

    Args:
        info: a waveform.
    """

    def __init__(self, info: StreamInfo) -> None:
        assert info.nominal_rate_hz is not None
        self.rate_hz = info.nominal_rate_hz
        self.era: int | None = None
        self._base = LiveTimebase(self.rate_hz)

    def arrived(self, block: SampleBlock) -> bool:
        """Take a block's arrival; True where its clock era is another than before."""
        changed = self.era is not None and block.era != self.era
        if changed:
            self._base = LiveTimebase(self.rate_hz)
        self.era = block.era
        self._base.update(block.first_sample_no, block.n_samples, block.t_host_ns // STORED_NS * STORED_NS)
        return changed

    def restart(self) -> None:
        """After a hole nobody could count."""
        self._base.restart()

    def t_ns(self, sample_no: float) -> int:
        """Host time of a sample, a fraction of one allowed."""
        whole = int(np.floor(sample_no))
        return int(self._base.t_ns(np.array([whole]))[0]) + round(
            (sample_no - whole) * 1e9 / self._base.rate_hz
        )

    def sample_at(self, t_host_ns: int, near_no: int) -> int:
        """The sample taken at a host time, counted from one whose time is near."""
        return near_no + round((t_host_ns - self.t_ns(near_no)) * self._base.rate_hz / 1e9)


class BeatSource(Generic[B]):
    """Beats of one stream's first channel with their host times.

    Args:
        info: a waveform.
        detect: finds the beats of a stretch.
        refractory_s: shortest time between two.
    """

    def __init__(self, info: StreamInfo, detect: Detector[B], refractory_s: float) -> None:
        self.info = info
        self.clock = StreamClock(info)
        self.era_changed = False
        """The last block began another clock era: its samples do not follow those before."""
        self._tracker: BeatTracker[B] = BeatTracker(detect, self.clock.rate_hz, refractory_s=refractory_s)

    def push(self, block: SampleBlock, samples: NDArray[np.float64]) -> Iterator[tuple[int, Tracked[B]]]:
        """Take a block with its physical values ``(n, channels)``; yield ``(host time, beat)``."""
        self.era_changed = self.clock.era not in (None, block.era)
        if self.era_changed:
            yield from self.cut()
        self.clock.arrived(block)
        for beat in self._tracker.push(block.first_sample_no, samples[:, 0]):
            yield self.clock.t_ns(beat.beat.position), beat

    def cut(self) -> Iterator[tuple[int, Tracked[B]]]:
        """The run ends here; yield the beats that were still open."""
        for beat in self._tracker.cut():
            yield self.clock.t_ns(beat.beat.position), beat
        self.clock.restart()


class MotionSource:
    """The last seconds of an accelerometer.

    Args:
        info: three channels in g.
    """

    def __init__(self, info: StreamInfo) -> None:
        self.info = info
        self.clock = StreamClock(info)
        self._ring = SampleRing(round(3 * WINDOW_S * self.clock.rate_hz), len(info.channels))

    def push(self, block: SampleBlock, samples: NDArray[np.float64]) -> None:
        """Take a block with its physical values ``(n, 3)``."""
        if self.clock.arrived(block):
            self._ring.cut()
        self._ring.append(block.first_sample_no, samples)

    def cut(self) -> None:
        """The run ends here; nothing is known of motion until it goes on."""
        self._ring = SampleRing(round(3 * WINDOW_S * self.clock.rate_hz), len(self.info.channels))
        self.clock.restart()

    def rms_g(self, t0_host_ns: int, t1_host_ns: int, era: int) -> float | None:
        """Motion between two host times; None where too little was measured."""
        if self.clock.era != era or not self._ring.runs:
            return None
        newest = self._ring.next_no
        first = max(self.clock.sample_at(t0_host_ns, newest), self._ring.run_start_no, self._ring.oldest_no)
        stop = min(self.clock.sample_at(t1_host_ns, newest), newest)
        wanted = (t1_host_ns - t0_host_ns) / 1e9 * self.clock.rate_hz
        held = self._ring.read(first, stop) if stop - first >= LEAST_MOTION_PART * wanted else None
        return None if held is None else motion_rms_g(held, self.clock.rate_hz)
