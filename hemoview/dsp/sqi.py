"""The quality indices of a window by name, for whoever compares, exports or learns from them. What is judged from them
– usable or not, and the one number shown – is :mod:`hemoview.dsp.quality`; nothing is measured twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass, detrend
from hemoview.dsp.ppg_beats import PulseBeat, find_ppg_beats
from hemoview.dsp.quality import HR_PER_MIN, Findings, measure

VERSION = "1"
HEART_BAND_HZ = (HR_PER_MIN[0] / 60, HR_PER_MIN[1] / 60)
"""Rates a heart beats at, 40 to 180/min (Orphanidou 2015)."""
WHOLE_BAND_HZ = (0.0, 8.0)
"""What the power in the band is compared with (Elgendi 2016)."""


@dataclass(frozen=True, slots=True)
class QualityIndices:
    """What a window of pulse wave measures.

    Args:
        clipped_part: part of the samples at the window's extremes in runs of three or more, 0 to 1.
        flat_s: longest stretch without any change.
        amplitude: median height of the beats, in the stream's unit: contact.
        skewness: third standardised moment of the 0.5–8 Hz wave (Elgendi 2016: the best single index).
        excess_kurtosis: fourth standardised moment of it, less the 3 of a normal distribution.
        template_r: mean correlation of the beats with the median beat, 0 to 1 (Orphanidou 2015).
        agreement: F1 of the beats of two detectors of different kinds, 0 to 1.
        motion_g: RMS acceleration 0.5–10 Hz; None without an accelerometer.
        heart_band_ratio: power at 40–180/min over that at 0–8 Hz, 0 to 1.
    """

    clipped_part: float
    flat_s: float
    amplitude: float
    skewness: float
    excess_kurtosis: float
    template_r: float
    agreement: float
    motion_g: float | None
    heart_band_ratio: float


NAMES = tuple(field.name for field in fields(QualityIndices))
"""In the order of every table of them."""


def quality_indices(
    samples: NDArray[np.floating],
    rate_hz: float,
    beats: Sequence[PulseBeat] | None = None,
    *,
    motion_g: float | None = None,
) -> QualityIndices:
    """Every index of one window.

    Args:
        samples: ``(n_samples,)``, 5 to 10 s, finite.
        rate_hz: their rate.
        beats: those of this window, positions counted from its first sample; None = look for them.
        motion_g: from :func:`hemoview.dsp.quality.motion_rms_g`.
    """
    known = find_ppg_beats(samples, rate_hz) if beats is None else beats
    return indices_of(measure(samples, rate_hz, known, motion_g), samples, rate_hz)


def indices_of(found: Findings, samples: NDArray[np.floating], rate_hz: float) -> QualityIndices:
    """The same where the window has been measured already."""
    wave = band_pass(detrend(samples), rate_hz)
    return QualityIndices(
        clipped_part=found.clipped_part,
        flat_s=found.flat_s,
        amplitude=found.amplitude,
        skewness=moment(wave, 3),
        excess_kurtosis=moment(wave, 4) - 3.0 if np.ptp(wave) > 0 else 0.0,
        template_r=found.template_r,
        agreement=found.agreement,
        motion_g=found.motion_g,
        heart_band_ratio=band_ratio(samples, rate_hz),
    )


def moment(x: NDArray[np.floating], order: int) -> float:
    """Standardised central moment with the deviation of the population; 0 for a flat line."""
    centred = np.asarray(x, dtype=np.float64) - np.mean(x)
    spread = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean((centred / spread) ** order)) if spread > 0 else 0.0


def band_ratio(
    samples: NDArray[np.floating],
    rate_hz: float,
    band_hz: tuple[float, float] = HEART_BAND_HZ,
    whole_hz: tuple[float, float] = WHOLE_BAND_HZ,
) -> float:
    """Power of the detrended window (Hann) in one band over that in another; 0 for a flat line."""
    wave = detrend(samples)
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    f_hz = np.fft.rfftfreq(len(wave), 1 / rate_hz)
    inside, whole = (float(power[(f_hz >= low) & (f_hz <= high)].sum()) for low, high in (band_hz, whole_hz))
    return inside / whole if whole > 0 else 0.0
