"""Real wrist noise: what an Empatica E4 recorded while the wrist moved, to be laid over waves whose pressure is known.

Taken are windows in which the band's own accelerometer saw motion and the bedside's gate finds no pulse it believes, so
that hardly anything of the wearer's own pulse is added. Wearers are dealt into two halves: noise that teaches and
noise that judges never come from the same wrist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass
from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.labels.datasets.dataset import Dataset
from recorder.errors import ConfigError

F64 = NDArray[np.float64]

LEAST_WINDOWS: Final = 20
"""Fewer are no picture of what a wrist does."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseBank:
    """Noise at 64 Hz, every row of mean 0 and deviation 1 within the band of a pulse.

    Args:
        waves: ``(n_windows, n_samples)``.
        wearers: whose, sorted.
    """

    waves: F64
    wearers: tuple[str, ...]

    @classmethod
    def of(cls, worn: Dataset, wearers: Sequence[str]) -> Self:
        """The moved and refused windows of some wearers.

        Args:
            worn: of :func:`hemoview.learn.sources.e4_motion`.

        Raises:
            ConfigError: too little noise, or another sampling rate.
        """
        if worn.sampling_rate_hz != MODEL_RATE_HZ or not {"moving", "fault"} <= set(worn.extra):
            raise ConfigError(
                f"{worn.name}: needs wrist waves at {MODEL_RATE_HZ:g} Hz that know motion and fault"
            )
        noisy = worn.extra["moving"].astype(bool) & (worn.extra["fault"] != "")
        chosen = np.intersect1d(worn.rows_of(wearers), np.flatnonzero(noisy & ~worn.flat))
        if len(chosen) < LEAST_WINDOWS:
            raise ConfigError(
                f"{worn.name}: {len(chosen)} windows of {len(wearers)} wearers moved, "
                f"{LEAST_WINDOWS} are needed as noise"
            )
        waves = worn.ppg[chosen].astype(np.float64)
        spread = band_pass(waves, MODEL_RATE_HZ).std(axis=1, keepdims=True)
        return cls((waves - waves.mean(axis=1, keepdims=True)) / spread, tuple(sorted(wearers)))

    def over(self, pulse: F64, snr_db: F64, rng: np.random.Generator) -> F64:
        """``(n, n_samples)`` pulse waves at 64 Hz with noise over them.

        Args:
            pulse: no longer than the noise.
            snr_db: ``(n,)`` deviation of the pulse over that of the noise, both within the pulse's band.
            rng: which noise, and where it begins.
        """
        n, n_samples = pulse.shape
        if n_samples > self.waves.shape[1]:
            raise ValueError(f"{n_samples} samples of pulse, noise has {self.waves.shape[1]}")
        row = rng.integers(0, len(self.waves), n)
        start = rng.integers(0, self.waves.shape[1] - n_samples + 1, n)
        turn = rng.choice([-1.0, 1.0], n)
        noise = self.waves[row.reshape(-1, 1), np.add.outer(start, np.arange(n_samples))] * turn[:, None]
        size = band_pass(pulse, MODEL_RATE_HZ).std(axis=1) * 10 ** (-snr_db / 20)
        return np.asarray(pulse + noise * size[:, None])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: whose, and how much."""
        return {"wearers": list(self.wearers), "n_windows": len(self.waves)}


def teaching_and_judging(worn: Dataset) -> tuple[NoiseBank, NoiseBank]:
    """Every other wearer teaches, the others judge.

    Raises:
        ConfigError: as :meth:`NoiseBank.of`.
    """
    return NoiseBank.of(worn, worn.subjects[::2]), NoiseBank.of(worn, worn.subjects[1::2])
