"""Windows of the pulse wave on its own samples: where they are, and whether the bedside's own gate believes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess, motion_rms_g
from hemoview.dsp.windows import Windower
from hemoview.labels.reference.session import calibrated_pieces
from recorder.schema import StreamInfo
from recorder.session import Session

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GAP: Final = "gap"
LEAST_MOTION_PART: Final = 0.7
"""Part of a window the accelerometer must cover before it says anything about motion, as live."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Whole windows of one stream, in order.

    Args:
        samples: ``(n, n_samples)`` float32.
        t0_s: ``(n,)`` elapsed time of the first sample.
        n_broken: places of the grid where samples are missing.
    """

    samples: F32
    t0_s: F64
    n_broken: int

    def __len__(self) -> int:
        return len(self.samples)


def windows_of(session: Session, info: StreamInfo, window_s: float, hop_s: float) -> Windows:
    """Every whole window that ends at a multiple of the hop, counted in samples, as the bedside cuts them."""
    rate_hz = info.nominal_rate_hz or 1.0
    windower = Windower(rate_hz, 1, window_s=window_s, hop_s=hop_s)
    found: list[F32] = []
    first_nos: list[int] = []
    numbers, times = [np.empty(0, np.int64)], [np.empty(0)]
    broken = 0
    for number, time_s, wave, new_part in _runs(session, info):
        if new_part:
            windower.cut()
        numbers.append(number)
        times.append(time_s)
        for window in windower.push(int(number[0]), wave[:, None]):
            if window.samples is None:
                broken += 1
                continue
            found.append(window.samples[:, 0].astype(np.float32))
            first_nos.append(window.end_no - windower.n_window)
    n = windower.n_window
    samples = np.stack(found) if found else np.empty((0, n), np.float32)
    known = np.concatenate(numbers)
    at = np.searchsorted(known, np.array(first_nos, np.int64))
    return Windows(samples, np.concatenate(times)[at], broken)


def _runs(session: Session, info: StreamInfo) -> Iterator[tuple[NDArray[np.int64], F64, F64, bool]]:
    """(sample numbers, times, values, whether a new clock era or an uncounted gap lies before), no sample twice."""
    breaks = np.array(
        sorted({g.first_missing_no + (g.n_missing or 0) for g in session.gaps(info.stream_id)}), np.int64
    )
    next_no, era = -1, -1
    for piece in calibrated_pieces(session, info):
        keep = (piece.sample_no >= next_no) & np.isfinite(piece.values[:, 0])
        number, time_s = piece.sample_no[keep], piece.time_s[keep]
        wave, eras = piece.values[keep, 0], piece.era[keep]
        if not len(number):
            continue
        ends = np.flatnonzero((np.diff(number) != 1) | (np.diff(eras) != 0)) + 1
        cuts = np.union1d(ends, np.searchsorted(number, breaks))
        inside = cuts[(cuts > 0) & (cuts < len(number))].tolist()
        for a, b in zip([0, *inside], [*inside, len(number)], strict=True):
            new_part = int(eras[a]) != era or bool(np.isin(number[a], breaks))
            era, next_no = int(eras[a]), int(number[b - 1]) + 1
            yield number[a:b], time_s[a:b], wave[a:b], new_part


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The accelerometer of the device of the pulse wave.

    Args:
        time_s: ``(m,)`` rising.
        acceleration_g: ``(m, 3)``.
        rate_hz: nominal.
    """

    time_s: F64
    acceleration_g: F64
    rate_hz: float

    def rms_g(self, t0_s: float, t1_s: float) -> float | None:
        """Of a span; None where too little was measured."""
        a, b = np.searchsorted(self.time_s, [t0_s, t1_s])
        if b - a < LEAST_MOTION_PART * (t1_s - t0_s) * self.rate_hz:
            return None
        return motion_rms_g(self.acceleration_g[a:b], self.rate_hz)


def motion_of(session: Session, info: StreamInfo | None) -> Motion | None:
    """The whole accelerometer stream; None without one."""
    if info is None:
        return None
    data = session.read(info.stream_id)
    known = np.isfinite(data.values).all(axis=1)
    return Motion(data.time_s[known], data.values[known], info.nominal_rate_hz or 32.0)


def judged(window: F32, rate_hz: float, motion_g: float | None) -> tuple[str, float]:
    """(fault, SQI) of a window as the bedside judges it; no fault = it would have been estimated from."""
    wave = window.astype(np.float64)
    quality = assess(wave, rate_hz, find_ppg_beats(wave, rate_hz), motion_g=motion_g)
    return quality.fault or "", quality.sqi
