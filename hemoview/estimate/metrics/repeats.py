"""Figures of repeated cross-validations as one: subjects were dealt anew each time, so the means are steadier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MEDIANS = ("coverage_90_p10_subject", "coverage_90_p10_subject_before_abstention")
"""A tenth percentile of few subjects jumps between repeats; the middle repeat is told (evaluation.md 5)."""


def mean_of_repeats(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One object of the same form: numbers and intervals are means over the repeats (:data:`MEDIANS`: medians), a truth
    holds where it holds in every repeat, and anything else is that of the first. A figure that one repeat could not
    give is null.

    Args:
        figures: of :func:`hemoview.estimate.metrics.figures.evaluate`, one a repeat, of the same rows; at least one.
    """
    merged: dict[str, Any] = _merged("", figures)
    return {**merged, "repeats": len(figures)}


def _merged(name: str, values: Sequence[Any]) -> Any:
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, Mapping):
        shared = [key for key in first if all(isinstance(v, Mapping) and key in v for v in values)]
        return {key: _merged(key, [value[key] for value in values]) for key in shared}
    if isinstance(first, bool):
        return all(values)
    if isinstance(first, int | float):
        found = float(np.median(values) if name in MEDIANS else np.mean(values))
        return (
            int(found) if all(isinstance(v, int) for v in values) and found.is_integer() else round(found, 4)
        )
    if isinstance(first, list) and first and all(_numbers(v) and len(v) == len(first) for v in values):
        return [_merged(name, [value[i] for value in values]) for i in range(len(first))]
    return first


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(
        v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in value
    )
