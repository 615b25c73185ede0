"""Figures by subject: every subject weighs once, however many windows it has. Pure numpy.

Rows of one evaluation carry a subject number ``code`` ``(n,)`` from 0; a function that gives one value a subject gives
it in the order of those numbers, subjects without rows left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

BOOTSTRAPS: Final = 2000


def codes_of(subject: NDArray[np.str_]) -> tuple[list[str], Codes]:
    """Sorted names, and the number of every row's subject."""
    names, code = np.unique(subject, return_inverse=True)
    return [str(name) for name in names], code.astype(np.int64).ravel()


def subject_means(code: Codes, value: F64) -> F64:
    """Mean of ``value`` ``(n,)`` of each subject that has rows, ``(n_subjects,)``."""
    if not len(code):
        return np.empty(0)
    count = np.bincount(code)
    total = np.bincount(code, weights=value)
    return np.asarray(total[count > 0] / count[count > 0])


def weights(code: Codes) -> F64:
    """``(n,)`` that sum to 1, every subject alike."""
    count = np.bincount(code)
    return np.asarray(1.0 / (count[code] * (count > 0).sum()))


def draws(n_subjects: int, seed: int, n: int = BOOTSTRAPS) -> Codes:
    """Subjects drawn with replacement, ``(n, n_subjects)``."""
    return np.random.default_rng(seed).integers(0, n_subjects, (n, n_subjects))


def interval(values: F64) -> tuple[float, float]:
    """95 % interval of bootstrap values; those that could not be computed are left out."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_mean(per_subject: F64, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of the mean over subjects; None of fewer than two."""
    if len(per_subject) < 2:
        return None
    return interval(per_subject[draws(len(per_subject), seed)].mean(axis=1))


def bootstrap_ratio(above: F64, below: F64, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of ``mean(above) / mean(below)`` over subjects drawn together; None of fewer than two."""
    if len(above) < 2:
        return None
    drawn = draws(len(above), seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = above[drawn].mean(axis=1) / below[drawn].mean(axis=1)
    return interval(np.where(np.isfinite(ratio), ratio, np.nan)) if np.isfinite(ratio).any() else None


def times(code: Codes, t_s: F64, hop_s: float) -> F64:
    """Start of every window; where a subject's rows have no time, they follow each other every ``hop_s``."""
    out = t_s.astype(np.float64).copy()
    for number in np.unique(code[~np.isfinite(out)]):
        mine = np.flatnonzero(code == number)
        out[mine] = np.arange(len(mine)) * hop_s
    return out


def thin(code: Codes, t_s: F64, window_s: float) -> Flags:
    """Rows that remain when overlapping windows of a subject are left out, the earlier one staying."""
    kept = np.zeros(len(code), bool)
    last_code, free_from_s = -1, -np.inf
    for row in np.lexsort((np.arange(len(code)), t_s, code)):
        if code[row] != last_code:
            last_code, free_from_s = int(code[row]), -np.inf
        if t_s[row] >= free_from_s - 1e-6:
            kept[row], free_from_s = True, float(t_s[row]) + window_s
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Number, mean and variance (NaN of a single row) of a residual in every subject, ``(n_subjects,)`` each."""

    n: F64
    mean: F64
    variance: F64

    @classmethod
    def of(cls, code: Codes, residual: F64) -> Self:
        """Of rows, subjects without any left out."""
        count = np.bincount(code) if len(code) else np.empty(0)
        n = count[count > 0].astype(np.float64)
        mean = np.bincount(code, weights=residual)[count > 0] / n if len(n) else np.empty(0)
        filled = np.zeros(len(count))
        filled[count > 0] = mean
        inner = (
            np.bincount(code, weights=(residual - filled[code]) ** 2)[count > 0] if len(n) else np.empty(0)
        )
        return cls(n, mean, np.where(n > 1, inner / np.maximum(n - 1, 1), np.nan))

    def without(self, place: int) -> Self:
        """All but one subject."""
        return replace(
            self, **{name: np.delete(getattr(self, name), place) for name in ("n", "mean", "variance")}
        )

    @property
    def kappa(self) -> float | None:
        """See :func:`shrinkage`."""
        several = self.n > 1
        if several.sum() < 2:
            return None
        within = float(self.variance[several].mean())
        noise = float((self.variance / self.n)[several].mean())
        between = float(self.mean.var(ddof=1)) - noise
        return within / max(between, 1e-3 * within, 1e-12)


def shrinkage(code: Codes, residual: F64) -> float | None:
    """κ of ``n / (n + κ)``: within-subject over between-subject variance of the residual, by moments (methods.md §D.4).

    Subjects weigh alike; the within part of a subject's mean is taken off the between variance.

    Returns:
        None where fewer than two subjects have two rows.
    """
    return Spread.of(code, residual).kappa


def rounded(value: Any, digits: int = 4) -> Any:
    """A number for JSON: rounded, and None for what is no finite number; lists and objects element by element."""
    if isinstance(value, Mapping):
        return {name: rounded(v, digits) for name, v in value.items()}
    if value is None or isinstance(value, str | bool | int | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, tuple | list | np.ndarray):
        return [rounded(v, digits) for v in value]
    number = float(value)
    return round(number, digits) if np.isfinite(number) else None
