"""Whose windows make a card's tables: those who chose the pass, and, where given, everybody of a further dataset.

Tables of 300 people are off by chance: 90 % of what they say covers 88 to 92 % of many other people's windows nine
times of ten only, of 1500 people nearly always (decision 0038). Further people cost no training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import first_duplicate, pieces
from recorder.errors import ConfigError

_ARRAYS: Final = (
    *("ppg", "labels", "subject_id", "t0_s", "demographics", "cvp_mmhg", "origin", "reference_kind"),
    *("ppg_site", "sqi", "reference_calibration_age_s"),
)


def calibration_people(dataset: Dataset, split: Split, further: Dataset | None = None) -> Dataset:
    """Windows of the people behind the tables.

    Args:
        dataset, split: of the training.
        further: people who are nowhere in ``dataset``; None = there are none.

    Raises:
        ConfigError: the further people cannot be told from, or laid beside, those of the training.
    """
    chose = dataset.take(dataset.rows_of(split.val))
    if further is None:
        return chose
    _refuse(dataset, further)
    extra = {
        name: np.concatenate((column, further.extra[name]))
        for name, column in chose.extra.items()
        if name in further.extra and further.extra[name].dtype.kind == column.dtype.kind
    }
    arrays: dict[str, Any] = {
        name: np.concatenate((getattr(chose, name), getattr(further, name))) for name in _ARRAYS
    }
    return replace(chose, **arrays, extra=extra, name=f"{dataset.name} and {further.name}")


def _refuse(dataset: Dataset, further: Dataset) -> None:
    def refusal(why: str) -> ConfigError:
        return ConfigError(f"--calibration_dataset {further.name}: {why}")

    if not (dataset.subject_known and further.subject_known):
        raise refusal(
            "whose each window is must be known, here and in the training; give a set with subject_id"
        )
    if both := sorted(set(dataset.subjects) & set(further.subjects)):
        raise refusal(
            f"{len(both)} of its people stand in the training dataset as well (first {both[0]}); give others, a "
            "simulated cohort of another --seed"
        )
    if dataset.simulated != further.simulated:
        raise refusal(
            "tables of simulated people say nothing of real ones; both must be simulated, or neither"
        )
    same_length = further.ppg.shape[1] == dataset.ppg.shape[1]
    if not same_length or further.sampling_rate_hz != dataset.sampling_rate_hz:
        raise refusal(
            f"windows of {further.window_s:g} s at {further.sampling_rate_hz:g} Hz, those of the training have "
            f"{dataset.window_s:g} s at {dataset.sampling_rate_hz:g} Hz; cut it anew"
        )
    waves = (pieces(d.ppg, d.sampling_rate_hz) for d in (dataset, further))
    for ours, theirs in zip(*waves, strict=True):
        if found := first_duplicate(ours, theirs):
            who = dataset.subject_id[found[0] % len(dataset)], further.subject_id[found[1] % len(further)]
            raise refusal(
                f"a window of {who[1]} is nearly one of {who[0]} in the training; is it one person?"
            )
