"""From a dataset to what the network is fed: preprocessed windows, labels and whose they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hemoview.labels.dataset import Dataset
from hemoview.learn import views
from hemoview.learn.batches import Part
from hemoview.learn.moe.config import LabelScale
from recorder.errors import ConfigError


def part_of(dataset: Dataset, subjects: Sequence[str], *, wrist_views: int = 0, share: float = 1.0) -> Part:
    """The rows of ``subjects``; windows without a pulse are left out.

    Args:
        dataset: labelled windows.
        subjects: whose rows.
        wrist_views: how often the same windows are added as a wristband might have seen them.
        share: of every batch.

    Raises:
        ConfigError: nobody, or nothing but flat windows.
    """
    chosen = dataset.take(np.intersect1d(dataset.rows_of(subjects), np.flatnonzero(~dataset.flat)))
    if not len(chosen):
        raise ConfigError(f"{dataset.name}: no usable window of the {len(subjects)} subjects asked for")
    seen = (
        views.plain(chosen.ppg, chosen.sampling_rate_hz),
        *(views.wristlike(chosen.ppg, chosen.sampling_rate_hz, seed) for seed in range(1, wrist_views + 1)),
    )
    number = np.searchsorted(chosen.subjects, chosen.subject_id)
    return Part(seen, chosen.labels, number.astype(np.int64), chosen.demographics, share)


def scale_of(parts: Sequence[Part]) -> LabelScale:
    """Label statistics of training rows, subjects not weighed."""
    return LabelScale.from_labels(np.concatenate([p.labels for p in parts]))
