"""The beats of one device as what two devices are compared by: times, how far to believe each, and where time breaks.

Every beat's time is where its **rise begins**: the slope reaches a quarter of its steepest, for pulse and pressure
alike, after the same filter. What the strap's pressure and the vessels do to the shape of a pulse moves its upstroke
four times as much (drift seen between two exact clocks over 700 s, 32 virtual people: median 0.5 against 2.0 ppm, 90 %
within 4 against 11); its lowest point, at 100 Hz, is only good to 4 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import find_abp_beats
from hemoview.dsp.filters import band_pass, detrend
from hemoview.dsp.ppg_beats import PulseBeat, beats_and_slope
from hemoview.dsp.resample import resample

Times = NDArray[np.float64]

VERSION: Final = "3"
"""Of how rises are found and timed: kept beats of another are found anew."""
LONGEST_S: Final = 2.2
"""Longest interval that two devices are compared in; a longer one is a hole (27/min)."""
LEAST_QUALITY: Final = 0.6
"""Correlation with the mean beat below which a beat is not believed (as the live guard has it)."""
STILL_G: Final = 0.04
"""RMS acceleration around a beat above which it is not believed, as the live guard has it."""
AROUND_S: Final = (0.5, 0.5)
"""What around an upstroke may move it, before and after."""
QUARTER: Final = 0.25
NOTCH_S, NOTCH_SLOPE = 0.55, 0.6
"""A dicrotic wave comes within this time of its beat and rises by less than this part of its steepest slope."""
_UPSTROKE_S: Final = 0.2
_WORK_HZ: Final = 100.0
_STRETCH_S: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class BeatTrain:
    """Beats of one device in its own time.

    Args:
        time_s: ``(n,)`` beginnings of the rises, rising, s.
        quality: ``(n,)`` 0 to 1.
        usable: ``(n,)`` whether to believe it: good shape, no motion. Others only say that something was there.
        run: ``(n,)`` number of the stretch without a hole it lies in, never falling: no interval spans two runs.
        part: ``(n,)`` number of the stretch of one time base (a reconnect or another clock era begins the next),
            never falling: between parts the device's time may jump.
        pressure: ``(n, 2)`` mean of the beat and height of its pulse in the unit of its stream; NaN where it is no
            pressure wave.

    Raises:
        ValueError: columns of different lengths, times that do not rise or are not finite, numbers that fall.
    """

    time_s: Times
    quality: Times
    usable: NDArray[np.bool_]
    run: NDArray[np.int64]
    part: NDArray[np.int64]
    pressure: Times

    def __post_init__(self) -> None:
        columns = (self.time_s, self.quality, self.usable, self.run, self.part)
        if {c.shape for c in columns} != {(self.time_s.size,)} or self.pressure.shape != (len(self), 2):
            got = [c.shape for c in (*columns, self.pressure)]
            raise ValueError(f"beats: columns must be (n,) alike and the pressures (n, 2), got {got}")
        if not np.isfinite(self.time_s).all() or (np.diff(self.time_s) <= 0).any():
            raise ValueError("beats: times must be finite and rise")
        if (np.diff(self.run) < 0).any() or (np.diff(self.part) < 0).any():
            raise ValueError("beats: numbers of runs and parts must not fall")

    def __len__(self) -> int:
        return int(self.time_s.size)

    @classmethod
    def of(
        cls,
        time_s: Times | Sequence[float],
        quality: Times | None = None,
        usable: NDArray[np.bool_] | None = None,
        run: NDArray[np.int64] | None = None,
        part: NDArray[np.int64] | None = None,
        *,
        pressure: Times | None = None,
    ) -> BeatTrain:
        """Beats with what is not told filled in: quality 1, usable by :data:`LEAST_QUALITY`, one run, one part, no
        pressure.
        """
        times = np.asarray(time_s, dtype=np.float64)
        quality = np.ones(times.size) if quality is None else np.asarray(quality, dtype=np.float64)
        return cls(
            times,
            quality,
            quality >= LEAST_QUALITY if usable is None else np.asarray(usable, dtype=np.bool_),
            np.zeros(times.size, np.int64) if run is None else np.asarray(run, dtype=np.int64),
            np.zeros(times.size, np.int64) if part is None else np.asarray(part, dtype=np.int64),
            np.full((times.size, 2), np.nan) if pressure is None else np.asarray(pressure, dtype=np.float64),
        )

    @property
    def whole(self) -> NDArray[np.bool_]:
        """``(n − 1,)``: intervals between two usable beats of a run that are no hole."""
        same = self.run[1:] == self.run[:-1]
        short = np.diff(self.time_s) <= LONGEST_S
        return np.asarray(self.usable[1:] & self.usable[:-1] & same & short)

    @property
    def usable_fraction(self) -> float:
        """Part of the beats that are usable; 0 without beats."""
        return float(self.usable.mean()) if len(self) else 0.0

    @property
    def usable_s(self) -> float:
        """Length of all whole intervals together."""
        return float(np.diff(self.time_s)[self.whole].sum()) if len(self) > 1 else 0.0

    def where(self, chosen: NDArray[np.bool_] | slice) -> BeatTrain:
        """The chosen beats. Leaving some out of a run leaves longer intervals, as missed beats do."""
        return BeatTrain(
            self.time_s[chosen],
            self.quality[chosen],
            self.usable[chosen],
            self.run[chosen],
            self.part[chosen],
            self.pressure[chosen],
        )

    def between(self, t0_s: float, t1_s: float) -> BeatTrain:
        """Those with ``t0_s`` ≤ time < ``t1_s``."""
        a, b = np.searchsorted(self.time_s, [t0_s, t1_s]).tolist()
        return self.where(slice(a, b))

    def timed(self, time_s: Times) -> BeatTrain:
        """The same beats at other times."""
        return replace(self, time_s=np.asarray(time_s, dtype=np.float64))

    def while_still(self, moved_g: Times) -> BeatTrain:
        """The same beats, usable only where their shape is good and the arm lies still.

        Args:
            moved_g: ``(n,)`` as :func:`motion_around` has it.
        """
        return replace(self, usable=(self.quality >= LEAST_QUALITY) & ~(moved_g > STILL_G))


EMPTY: Final = BeatTrain.of([])


def nearest(these_s: Times, among_s: Times) -> NDArray[np.int64]:
    """Places ``(n,)`` in rising ``among_s`` ``(m,)``, one or more, nearest to each of ``these_s`` ``(n,)``."""
    last = among_s.size - 1
    after = np.clip(np.searchsorted(among_s, these_s), min(1, last), last)
    before = np.maximum(after - 1, 0)
    return np.where(these_s - among_s[before] < among_s[after] - these_s, before, after)


@dataclass(frozen=True, slots=True)
class Rise:
    """A beat by the beginning of its rise; positions in samples.

    Args:
        position: by which it belongs to a stretch: what its detector found.
        time: where its slope is a quarter of its steepest, to a part of a sample.
        quality: as its detector has it.
        pressure: mean of the beat and height of its pulse in the unit of the wave, NaN of a pulse wave.
    """

    position: float
    time: float
    quality: float
    pressure: tuple[float, float] = (float("nan"), float("nan"))

    def shifted(self, by: int) -> Rise:
        """The same beat, ``by`` samples later."""
        return replace(self, position=self.position + by, time=self.time + by)


def find_pulse_rises(samples: NDArray[np.floating], rate_hz: float) -> list[Rise]:
    """:func:`hemoview.dsp.ppg_beats.find_ppg_beats` with the beginnings of their rises."""
    beats, slope = beats_and_slope(samples, rate_hz)
    if not beats:
        return []
    found = [
        (b, quarter_rise(slope, at, rate_hz))
        for b, at in zip(beats, _steep(beats, slope, rate_hz), strict=True)
        if at is not None
    ]
    return [Rise(b.upstroke, at, b.quality) for b, at in found if at is not None]


def _steep(beats: Sequence[PulseBeat], slope: Times, rate_hz: float) -> list[int | None]:
    """Sample at which each beat rises most steeply, None where another beat has that rise.

    A dicrotic wave that is higher than the beat itself (a soft artery, a fast heart) is what the detector takes for
    it: then all beats lie a third of a second late, as still as the true ones. The beat is the steep rise before it.
    """
    taken = -1
    found: list[int | None] = []
    for beat in _without_notches(beats, slope, rate_hz):
        if beat is None:
            found.append(None)
            continue
        at = min(round(beat.upstroke), slope.size - 1)
        low = max(0, at - round(NOTCH_S * rate_hz))
        before = low + int(np.argmax(slope[low : at + 1]))
        if slope[at] < NOTCH_SLOPE * slope[before]:
            at = before
        near = round(_UPSTROKE_S * rate_hz)
        found.append(None if taken >= 0 and at - taken < near else at)
        taken = at
    return found


def _without_notches(beats: Sequence[PulseBeat], slope: Times, rate_hz: float) -> list[PulseBeat | None]:
    """None in place of those that rise half as steeply as the one just before: they are its dicrotic wave; taken for
    beats they would make a second, false time base that lies as still as the true one. A true weak beat left out
    costs little.
    """
    top = np.array([slope[min(round(b.upstroke), slope.size - 1)] for b in beats])
    since_s = np.diff([b.upstroke for b in beats]) / rate_hz
    weak = (top[1:] < NOTCH_SLOPE * top[:-1]) & (since_s < NOTCH_S)
    return [None if notch else b for b, notch in zip(beats, [False, *weak.tolist()], strict=True)]


def find_pressure_rises(samples: NDArray[np.floating], rate_hz: float) -> list[Rise]:
    """The same of :func:`hemoview.dsp.abp_beats.find_abp_beats`: calibration squares and dead lines are left out."""
    beats = find_abp_beats(samples, rate_hz)
    if not beats:
        return []
    work_hz = min(rate_hz, _WORK_HZ)
    scale = rate_hz / work_hz
    slope = np.gradient(band_pass(detrend(resample(samples, rate_hz, work_hz)), work_hz))
    rises = []
    for beat in beats:
        first = max(1, round(beat.onset / scale))
        stop = min(first + round(_UPSTROKE_S * work_hz), slope.size - 1)
        if stop - first < 3:
            continue
        at = quarter_rise(slope, first + int(np.argmax(slope[first:stop])), work_hz)
        if at is not None:
            rises.append(Rise(beat.onset, at * scale, beat.quality, (beat.map, beat.sbp - beat.dbp)))
    return rises


def quarter_rise(slope: Times, steepest: int, rate_hz: float) -> float | None:
    """Where a slope ``(n,)`` last was :data:`QUARTER` of its steepest, in samples; None where it never was."""
    top = float(slope[steepest])
    low = max(0, steepest - round(_UPSTROKE_S * rate_hz))
    under = np.flatnonzero(slope[low:steepest] <= QUARTER * top)
    if not top > 0 or not under.size:
        return None
    at = low + int(under[-1])
    below, above = float(slope[at]), float(slope[at + 1])
    return at + (QUARTER * top - below) / (above - below) if above > below else float(at)


def motion_around(time_s: Times, acc_time_s: Times, acc_g: NDArray[np.floating], rate_hz: float) -> Times:
    """RMS acceleration, 0.5 to 10 Hz, within :data:`AROUND_S` of each time; NaN where nobody measured.

    Args:
        time_s: ``(n,)`` s.
        acc_time_s, acc_g: ``(m,)`` rising and ``(m, 3)`` in g at ``rate_hz``.
    """
    if acc_time_s.size < 2 * rate_hz:
        return np.full(time_s.shape, np.nan)
    moved: Times = np.zeros(acc_time_s.size)
    for start, stop in _stretches(acc_time_s, rate_hz):
        if stop - start > rate_hz:
            part = np.nan_to_num(np.asarray(acc_g[start:stop], dtype=np.float64)).T
            moved[start:stop] = (band_pass(part, rate_hz, 0.5, min(10.0, 0.45 * rate_hz)) ** 2).sum(axis=0)
    total = np.concatenate(([0.0], np.cumsum(moved)))
    low = np.searchsorted(acc_time_s, time_s - AROUND_S[0])
    high = np.searchsorted(acc_time_s, time_s + AROUND_S[1])
    count = high - low
    enough = count >= 0.5 * rate_hz * sum(AROUND_S)
    mean = (total[high] - total[low]) / np.maximum(count, 1)
    return np.asarray(np.where(enough, np.sqrt(mean), np.nan))


def _stretches(time_s: Times, rate_hz: float) -> Iterable[tuple[int, int]]:
    """Index ranges of at most a minute without a hole."""
    holes = (np.flatnonzero(np.diff(time_s) > 3.0 / rate_hz) + 1).tolist()
    step = round(_STRETCH_S * rate_hz)
    for start, stop in zip([0, *holes], [*holes, time_s.size], strict=True):
        for first in range(start, stop, step):
            yield first, min(first + step, stop)
