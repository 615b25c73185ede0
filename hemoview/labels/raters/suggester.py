"""Proposals of one stored session, ten minutes at a time: reads, judges window by window, and lets others go first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess, motion_rms_g
from hemoview.labels.raters import suggest
from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.suggest import WINDOW_S, Judged
from hemoview.labels.signals.session_signals import motion_stream, pressure_stream, pulse_stream
from recorder.devices.detectors import SquareWave
from recorder.schema import StreamInfo
from recorder.session import Session, StreamData

_LEAST_PART: Final = 0.98
"""Part of a window's samples that must be there for it to be judged."""
_COUNTS: Final = 4096
_TOLERANCE: Final = 20
_MIN_EDGE: Final = 800
"""Of the range of the stretch: a plateau varies by half a percent, an edge is a fifth high."""
_STILL_V: Final = 1e-6

Wait = Callable[[], bool]
"""Called between small pieces of work: waits while something more urgent goes on; False: give up."""


class Suggester:
    """What detectors and the session's own estimates propose. For one thread.

    Args:
        session: opened by the caller, and closed by it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pulse, self._motion = pulse_stream(session), motion_stream(session)
        self._pressure = pressure_stream(session)
        self._estimates = [info for info in session.streams.values() if info.role == "estimate"]
        self.stretches = suggest.stretches(session.duration_s)

    @property
    def models(self) -> tuple[str, ...]:
        """Hashes of the models whose estimates it proposes from."""
        told = (str(info.metadata.get("model_sha256") or "") for info in self._estimates)
        return tuple(dict.fromkeys(sha for sha in told if sha))

    def of(self, place: int, wait: Wait = lambda: True) -> list[Proposal] | None:
        """Proposals of one stretch; None where :data:`Wait` gave up.

        Raises:
            SessionError, OSError: the session cannot be read.
        """
        t0_s, t1_s = self.stretches[place]
        found = self._of_estimates(t0_s, t1_s)
        if self._pulse is not None:
            gaps = ((gap.t0_s, gap.t1_s) for gap in self._session.gaps(self._pulse.stream_id))
            found += suggest.of_gaps(gaps, t0_s, t1_s)
            windows: list[Judged] = []
            for window in self._judged(self._pulse, t0_s, t1_s):
                if not wait():
                    return None
                windows += [window] if window is not None else []
            found += suggest.of_windows(windows)
        if self._pressure is not None:
            squares = self._squares(self._pressure, t0_s, t1_s, wait)
            if squares is None:
                return None
            found += suggest.of_squares(squares)
        return found

    def _of_estimates(self, t0_s: float, t1_s: float) -> list[Proposal]:
        found: list[Proposal] = []
        for info in self._estimates:
            rows = self._session.read(info.stream_id, t0_s, t1_s)
            inside = rows.time_s < t1_s
            names = [channel.name for channel in info.channels]
            told = suggest.estimate_rows(rows.time_s[inside], rows.values[inside], names, dict(info.metadata))
            found += suggest.of_estimates(told) if told is not None else []
        return found

    def _judged(self, pulse: StreamInfo, t0_s: float, t1_s: float) -> Iterator[Judged | None]:
        """One window after the other; None for one that is not whole."""
        rate_hz = pulse.nominal_rate_hz or 1.0
        samples = self._session.read(pulse.stream_id, t0_s, t1_s)
        moves = self._session.read(self._motion.stream_id, t0_s, t1_s) if self._motion is not None else None
        for start_s in np.arange(t0_s, t1_s - WINDOW_S + 1e-6, WINDOW_S).tolist():
            wave = _window(samples, start_s)[:, 0]
            if len(wave) < _LEAST_PART * WINDOW_S * rate_hz or not np.isfinite(wave).all():
                yield None
                continue
            motion_g = _motion_g(moves, start_s) if moves is not None else None
            found = assess(wave, rate_hz, find_ppg_beats(wave, rate_hz), motion_g=motion_g)
            yield Judged(start_s, start_s + WINDOW_S, found.fault, found.rhythm, found.sqi)

    def _squares(
        self, pressure: StreamInfo, t0_s: float, t1_s: float, wait: Wait
    ) -> list[tuple[float, float]] | None:
        wave = self._session.read(pressure.stream_id, t0_s, t1_s)
        values = np.asarray(wave.values[:, 0], np.float64)
        known = np.isfinite(values)
        if known.sum() < 2 or np.ptp(values[known]) < _STILL_V:
            return []
        low, high = np.quantile(values[known], (0.005, 0.995))
        counts = np.rint((values - low) / max(high - low, _STILL_V) * _COUNTS)
        watch = SquareWave(pressure.nominal_rate_hz or 1.0, _TOLERANCE, _MIN_EDGE)
        times = wave.time_s
        spans: list[tuple[float, float]] = []
        numbers = np.flatnonzero(known)
        for piece in np.array_split(numbers, max(1, len(numbers) // 1000)):
            if not wait():
                return None
            for place, count in zip(piece.tolist(), counts[piece].astype(np.int64).tolist(), strict=True):
                finding = watch.feed(place, count)
                if finding is not None and finding.last_no is not None:
                    spans.append((float(times[finding.first_no]), float(times[finding.last_no])))
                elif finding is not None:
                    spans.append((float(times[finding.first_no]), t1_s))
        return _closed(spans)


def _closed(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A pattern is told when it begins and when it ends: of the same beginning the end counts."""
    return list(dict(spans).items())


def _window(read: StreamData, start_s: float) -> NDArray[np.float64]:
    first, last = np.searchsorted(read.time_s, (start_s, start_s + WINDOW_S))
    return np.asarray(read.values[first:last], np.float64)


def _motion_g(read: StreamData, start_s: float) -> float | None:
    rate_hz = read.info.nominal_rate_hz or 1.0
    found = _window(read, start_s)
    whole = len(found) >= _LEAST_PART * WINDOW_S * rate_hz and bool(np.isfinite(found).all())
    return motion_rms_g(found, rate_hz) if whole else None
