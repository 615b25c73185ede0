"""Labelled windows for training: where they come from, whose they are, and which labels they have.

Windows are held raw; :func:`hemoview.dsp.preprocess.model_inputs` makes the model's input of them, as it does live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from recorder.errors import ConfigError

LABELS: Final = ("SBP", "MAP", "DBP", "SV")
"""What the first student estimates, in the order of every array; HR comes from beats, the rest by identity."""

BCG_FOLDS: Final = ("bcg_fold1.npz", "bcg_fold2.npz", "bcg_fold3.npz")
BCG_WINDOW_S: Final = 5.0

FOOT_TOLERANCE: Final = 0.15
"""A beat's next foot must return to within this part of the pulse pressure of DBP, else the landmark is a notch."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Windows with labels; one row a window.

    Args:
        raw: ``(n, n_samples)`` float32, unfiltered as the source has it, at ``rate_hz``.
        rate_hz: their sampling rate.
        labels: ``(n, 4)`` float64 in the order of :data:`LABELS`, NaN = unknown.
        subject: ``(n,)`` pseudonyms; a subject is in one part of a split only.
        t_s: ``(n,)`` start of the window in its subject's recording.
        simulated: the rows come from the physiology model.
    """

    raw: NDArray[np.float32]
    rate_hz: float
    labels: NDArray[np.float64]
    subject: NDArray[np.str_]
    t_s: NDArray[np.float64]
    simulated: bool

    def __post_init__(self) -> None:
        n = len(self.raw)
        if self.labels.shape != (n, len(LABELS)) or self.subject.shape != (n,) or self.t_s.shape != (n,):
            raise ValueError(f"{n} windows need as many labels, subjects and times")

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """The chosen rows, in the order chosen."""
        return replace(
            self,
            raw=self.raw[chosen],
            labels=self.labels[chosen],
            subject=self.subject[chosen],
            t_s=self.t_s[chosen],
        )

    @property
    def subjects(self) -> list[str]:
        """Everybody in it, once, sorted."""
        return sorted(set(self.subject.tolist()))

    def content_hash(self) -> str:
        """SHA-256 over windows, labels, subjects and times."""
        digest = hashlib.sha256()
        for array in (self.raw, self.labels, self.t_s):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update("\n".join(self.subject.tolist()).encode())
        return digest.hexdigest()


def read_bcg_finapres(folder: Path) -> Rows:
    """The ``bcg_finapres`` set: finger pulse wave, SBP and DBP by finger cuff, MAP integrated over a beat.

    Trials are numbered in time, 5 s each, so the number times 5 s is the time in the recording.

    Raises:
        ConfigError: a file is missing or not of that set.
    """
    parts = [_read_fold(folder / name) for name in BCG_FOLDS]
    joined = Rows(
        raw=np.concatenate([p.raw for p in parts]),
        rate_hz=parts[0].rate_hz,
        labels=np.concatenate([p.labels for p in parts]),
        subject=np.concatenate([p.subject for p in parts]),
        t_s=np.concatenate([p.t_s for p in parts]),
        simulated=False,
    )
    return joined.take(np.lexsort((joined.t_s, joined.subject)))


def _read_fold(path: Path) -> Rows:
    try:
        with np.load(path, allow_pickle=False) as file:
            raw, rate_hz = file["ppg"].astype(np.float32), float(file["fs"])
            sbp, dbp = file["sbp"].astype(np.float64), file["dbp"].astype(np.float64)
            mean = np.array(
                [
                    mean_pressure(*beat)
                    for beat in zip(file["abp_mean_beat"], file["beat_landmarks"], sbp, dbp, strict=True)
                ]
            )
            subject = file["patient"].astype(str)
            trial_no = np.array([int(t.rpartition("_")[2]) for t in file["trial"].astype(str)])
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(
            f"{path.name}: not a fold of bcg_finapres ({error}); give the folder with it"
        ) from error
    labels = np.column_stack((sbp, mean, dbp, np.full(len(sbp), np.nan)))
    return Rows(raw, rate_hz, labels, subject, trial_no * BCG_WINDOW_S, simulated=False)


def mean_pressure(
    beat_mmhg: NDArray[np.floating], landmarks: NDArray[np.integer], sbp_mmhg: float, dbp_mmhg: float
) -> float:
    """MAP of an averaged beat, integrated from one systolic peak to the next; NaN where landmarks cannot be trusted.

    Args:
        beat_mmhg: ``(n_samples,)`` of a beat and the beginning of the next.
        landmarks: systolic peak, notch, next foot, next peak; as indices. A next peak at the end of the array was
            cut off there, which would lose diastole.
        sbp_mmhg, dbp_mmhg: its labels.
    """
    peak, _, foot, next_peak = (int(v) for v in landmarks)
    if not 0 <= peak < foot < next_peak < len(beat_mmhg):
        return float("nan")
    if abs(float(beat_mmhg[foot]) - dbp_mmhg) > FOOT_TOLERANCE * (sbp_mmhg - dbp_mmhg):
        return float("nan")
    mean = float(np.mean(beat_mmhg[peak:next_peak]))
    return mean if dbp_mmhg < mean < sbp_mmhg else float("nan")


def split_subjects(subjects: Sequence[str], n_folds: int, seed: int) -> list[list[str]]:
    """Subjects dealt into folds by a seeded shuffle; every subject in exactly one fold.

    Raises:
        ValueError: fewer subjects than folds, or fewer than two folds.
    """
    everybody = sorted(set(subjects))
    if not 2 <= n_folds <= len(everybody):
        raise ValueError(f"{len(everybody)} subjects cannot be split into {n_folds} folds")
    order = np.random.default_rng(seed).permutation(len(everybody))
    return [sorted(everybody[i] for i in order[k::n_folds]) for k in range(n_folds)]


def near_duplicates(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], correlation: float = 0.999
) -> int:
    """How many of ``ours`` have a nearly identical window among ``theirs``; the leak detector of evaluation.md 1.

    Args:
        ours, theirs: ``(n, n_samples)`` model inputs (mean 0, deviation 1), equally long.
        correlation: from this on two windows count as the same one.
    """
    if not len(ours) or not len(theirs):
        return 0
    return int(np.sum((ours @ theirs.T).max(axis=1) / ours.shape[1] >= correlation))
