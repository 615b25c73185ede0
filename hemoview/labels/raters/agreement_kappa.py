"""Chance-corrected agreement of two raters: Cohen's kappa, nominal and weighted, with its interval. Pure.

Sources, by function: Cohen 1960 (Educ Psychol Meas 20:37), Cohen 1968 (Psychol Bull 70:213, weights), Fleiss, Cohen &
Everitt 1969 (Psychol Bull 72:323, large-sample standard error), De Vries et al. 2008 (Field Methods 20:272, pooling),
Efron 1982 (The Jackknife, ch. 3: delete one block).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
Codes = NDArray[np.intp]
Weights = Literal["none", "linear", "quadratic"]

Z95: Final = 1.959963984540054
LEAST_CELLS: Final = 30
"""Fewer rated cells carry no kappa: its standard error is a large-sample one. Our choice."""
LEAST_BLOCKS: Final = 5
"""Fewer stretches carry no interval. Our choice, as "fewer than 5 reads too few" of evaluation.md 10."""

TOO_FEW: Final = "too few"
ONE_CATEGORY: Final = "both used one category only"


@dataclass(frozen=True, slots=True)
class Kappa:
    """One kappa: value, 95 % interval, observed and chance agreement; None with ``why`` where there is too little.

    ``n_needed``: so many cells, where there are too few.
    """

    n_cells: int
    value: float | None = None
    ci95: tuple[float, float] | None = None
    observed: float | None = None
    expected: float | None = None
    why: str = ""
    n_needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "kappa": _rounded(self.value),
            "ci95": None if self.ci95 is None else [_rounded(end) for end in self.ci95],
            "observed": _rounded(self.observed),
            "expected": _rounded(self.expected),
            "n_cells": self.n_cells,
            **({"why": self.why} if self.why else {}),
            **({"n_needed": self.n_needed} if self.n_needed is not None else {}),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def agreement_weights(n: int, kind: Weights) -> F64:
    """Weights of agreement ``(n, n)``: 1 on the diagonal, falling with the distance of the ranks (Cohen 1968).

    ``linear``: 1 − |i−j|/(n−1). ``quadratic``: 1 − (i−j)²/(n−1)².
    """
    if kind == "none" or n < 2:
        return np.eye(n)
    far = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (n - 1)
    return np.asarray(1.0 - (far if kind == "linear" else far**2), np.float64)


def table_of(a: Codes, b: Codes, n: int) -> F64:
    """Counts ``(n, n)``, rows the first rater; codes below 0 (not rated) are left out."""
    both = (a >= 0) & (b >= 0)
    return np.bincount(a[both] * n + b[both], minlength=n * n).reshape(n, n).astype(np.float64)


def kappa_terms(table: F64, kind: Weights = "none") -> tuple[float, float]:
    """Observed and chance agreement of a table of counts, weighted; NaN where it is empty.

    Cohen 1960 and 1968: p_o = Σ w·p, p_e = Σ w·p_row·p_column.
    """
    total = table.sum()
    if total <= 0:
        return math.nan, math.nan
    share = table / total
    weights = agreement_weights(len(table), kind)
    by_chance = np.outer(share.sum(axis=1), share.sum(axis=0))
    return float((weights * share).sum()), float((weights * by_chance).sum())


def kappa_value(observed: float, expected: float) -> float:
    """κ = (p_o − p_e) / (1 − p_e); NaN where chance alone agrees everywhere."""
    return (observed - expected) / (1.0 - expected) if expected < 1.0 - 1e-12 else math.nan


def kappa_of_table(counts: ArrayLike, kind: Weights = "none", *, least: int = LEAST_CELLS) -> Kappa:
    """Kappa of **independent** cases with its large-sample interval (Fleiss, Cohen & Everitt 1969, eq. 13).

    Steps of a time grid are not independent: :func:`kappa_of_grid` is for those.
    """
    table = np.asarray(counts, np.float64)
    n_cells = int(table.sum())
    observed, expected = kappa_terms(table, kind)
    value = kappa_value(observed, expected)
    if n_cells < least:
        return Kappa(n_cells, why=TOO_FEW, n_needed=least)
    if math.isnan(value):
        return Kappa(n_cells, why=ONE_CATEGORY)
    error = _large_sample_error(table, kind, observed, expected)
    return Kappa(n_cells, value, _around(value, error), observed, expected)


def _large_sample_error(table: F64, kind: Weights, observed: float, expected: float) -> float:
    """Standard error of kappa, not under the hypothesis of no agreement."""
    share = table / table.sum()
    weights = agreement_weights(len(table), kind)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    row_mean, column_mean = weights @ columns, rows @ weights
    inner = weights * (1 - expected) - np.add.outer(row_mean, column_mean) * (1 - observed)
    spread = (share * inner**2).sum() - (observed * expected - 2 * expected + observed) ** 2
    return float(math.sqrt(max(spread, 0.0) / table.sum()) / (1 - expected) ** 2)


def kappa_of_grid(tables: Sequence[F64] | F64, kind: Weights = "none", *, least: int = LEAST_CELLS) -> Kappa:
    """Kappa of a time grid, given one table of counts for each stretch of it ``(n_blocks, n, n)``.

    Neighbouring steps of a grid repeat each other, so the interval is that of a delete-one-block jackknife (Efron
    1982): it takes a stretch as the unit, not a step. Fewer than :data:`LEAST_BLOCKS` stretches: no interval.
    """
    stack = np.asarray(tables, np.float64)
    return _pooled([stack], kind, least)


def pooled_kappa(stacks: Sequence[F64], kind: Weights = "none", *, least: int = LEAST_CELLS) -> Kappa:
    """One kappa over several items: mean observed and mean chance agreement (De Vries et al. 2008, eq. 2).

    ``stacks``: for each item one table a stretch, ``(n_blocks, n, n)``, the same stretches for all.
    """
    return _pooled(list(stacks), kind, least)


def _pooled(stacks: Sequence[F64], kind: Weights, least: int) -> Kappa:
    whole = [stack.sum(axis=0) for stack in stacks]
    n_cells = int(whole[0].sum()) if whole else 0
    if n_cells < least:
        return Kappa(n_cells, why=TOO_FEW, n_needed=least)
    observed, expected = _mean_terms(whole, kind)
    value = kappa_value(observed, expected)
    if math.isnan(value):
        return Kappa(n_cells, why=ONE_CATEGORY)
    filled = np.flatnonzero(stacks[0].sum(axis=(1, 2)) > 0)
    without = [
        kappa_value(
            *_mean_terms([total - stack[block] for total, stack in zip(whole, stacks, strict=True)], kind)
        )
        for block in filled
    ]
    return Kappa(n_cells, value, _jackknifed(value, np.array(without)), observed, expected)


def _mean_terms(tables: Sequence[F64], kind: Weights) -> tuple[float, float]:
    terms = np.array([kappa_terms(table, kind) for table in tables])
    observed, expected = terms.mean(axis=0)
    return float(observed), float(expected)


def _jackknifed(value: float, without: F64) -> tuple[float, float] | None:
    """Interval from the values with each block left out; None where there are too few or one of them is undefined."""
    n = len(without)
    if n < LEAST_BLOCKS or not np.isfinite(without).all():
        return None
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    return _around(value, error)


def _around(value: float, error: float) -> tuple[float, float]:
    return max(-1.0, value - Z95 * error), min(1.0, value + Z95 * error)
