"""The people who are judged, as recorded and as a wristband in motion might have heard them: real E4 noise of wearers
whose noise teaches nobody, at a known ratio, judged by the bedside's quality gate. For tables by quality only: no
figure of accuracy rests on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.dsp.quality import Quality
from hemoview.estimate import predictors
from hemoview.estimate.metrics.rows import Rows
from hemoview.labels.datasets.dataset import Dataset
from hemoview.learn import views
from hemoview.learn.noise_bank import NoiseBank

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """All windows once.

    Args:
        waves: ``(n, time)`` model inputs.
        rows: as judged; ``good`` is what the gate says of this hearing.
        sqi: ``(n,)``.
    """

    waves: F32
    rows: Rows
    sqi: F64


def as_recorded(people: Dataset) -> Hearing:
    """Without noise."""
    seen = predictors.look(people)
    waves = views.plain(people.ppg, people.sampling_rate_hz)
    return Hearing(waves, predictors.rows_from(people, seen), sqi_of(seen.quality))


def with_noise(people: Dataset, noise: NoiseBank, snr_db: Sequence[float], seed: int) -> Hearing:
    """Every window with noise at one of the ratios, drawn by ``seed``; times, labels and people are the same."""
    rng = np.random.default_rng((seed, 90))
    drawn_db = rng.choice(snr_db, len(people))
    worn = views.on_wrist(people.ppg.astype(np.float64), people.sampling_rate_hz, rng, noise, drawn_db)
    heard = replace(people, ppg=worn.astype(np.float32), sampling_rate_hz=MODEL_RATE_HZ, splits={})
    return as_recorded(heard)


def sqi_of(quality: Sequence[Quality]) -> F64:
    """``(n,)`` signal quality, also of a window refused for too few beats (``hemoview.estimate.predictors.good``)."""
    return np.array([q.findings.template_r * q.findings.agreement for q in quality])
