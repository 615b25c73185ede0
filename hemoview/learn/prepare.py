"""From a dataset to what the network is fed: preprocessed windows, labels and whose they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hemoview.labels.datasets.dataset import Dataset
from hemoview.learn import views
from hemoview.learn.batches import F32, Part
from hemoview.learn.moe.config import LabelScale
from hemoview.learn.noise_bank import NoiseBank
from recorder.errors import ConfigError


def part_of(
    dataset: Dataset,
    subjects: Sequence[str],
    *,
    wrist_views: int = 0,
    share: float = 1.0,
    noise: NoiseBank | None = None,
) -> Part:
    """The rows of ``subjects``; windows without a pulse are left out. Windows below 5 s have one plain view: they are
    for pre-training.

    Args:
        dataset: labelled windows.
        subjects: whose rows.
        wrist_views: how often the same windows are added as a wristband might have seen them.
        share: of every batch.
        noise: of real wrists, over those views; None = a little coloured noise.

    Raises:
        ConfigError: nobody, or nothing but flat windows.
    """
    chosen = dataset.take(np.intersect1d(dataset.rows_of(subjects), np.flatnonzero(~dataset.flat)))
    if not len(chosen):
        raise ConfigError(f"{dataset.name}: no usable window of the {len(subjects)} subjects asked for")
    rate_hz = chosen.sampling_rate_hz
    if chosen.short_windows:
        seen: tuple[F32, ...] = (views.short(chosen.ppg, rate_hz),)
    else:
        worn = (views.wristlike(chosen.ppg, rate_hz, seed, noise) for seed in range(1, wrist_views + 1))
        seen = (views.plain(chosen.ppg, rate_hz), *worn)
    number = np.searchsorted(chosen.subjects, chosen.subject_id)
    return Part(seen, chosen.labels, number.astype(np.int64), chosen.demographics, share)


def scale_of(parts: Sequence[Part]) -> LabelScale:
    """Label statistics of training rows, subjects not weighed."""
    return LabelScale.from_labels(np.concatenate([p.labels for p in parts]))
