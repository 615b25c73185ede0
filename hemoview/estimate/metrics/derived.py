"""Flow and resistance of many windows at once, by the identities the bedside uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any, Final

import numpy as np

from hemoview.estimate import identities
from hemoview.estimate.metrics.intervals import AGE_CLASSES_S, conformal_q90
from hemoview.estimate.metrics.rows import ALIVE, Plan, Predictions, Rows
from hemoview.estimate.metrics.subjects import F64
from recorder.schema import PARAMETERS, body_surface_m2
from recorder.schema.subject import ASSUMED_CVP_MMHG

NEEDS_BODY_SIZE: Final = "needs-height-weight"


def derive(learned: Predictions, rows: Rows) -> Predictions:
    """CO, CI, SI, SVR and SVRI from MAP, HR, SV and body size, replacing what stood there; intervals from all corners.

    A row without height and weight has no CI, SI and SVRI; one that lacks a source has the source's reason.
    """
    out = copy_of(learned)
    bsa: Any = body_surface_m2(rows.demographics[:, 2], rows.demographics[:, 3])
    cvp: Any = np.where(np.isfinite(rows.cvp_mmhg), rows.cvp_mmhg, ASSUMED_CVP_MMHG)
    relations: Sequence[tuple[str, Callable[..., Any], tuple[str, ...]]] = (
        ("CO", identities.cardiac_output_l_per_min, ("HR", "SV")),
        ("SVR", lambda p, q: identities.systemic_resistance(p, q, cvp), ("MAP", "CO")),
        ("SI", lambda v: identities.per_area(v, bsa), ("SV",)),
        ("CI", lambda v: identities.per_area(v, bsa), ("CO",)),
        ("SVRI", lambda v: identities.resistance_index(v, bsa), ("SVR",)),
    )
    for name, relation, sources in relations:
        column, at = PARAMETERS.index(name), [PARAMETERS.index(source) for source in sources]
        mean = relation(*(out.mean[:, a] for a in at))
        ends = [(np.maximum(out.q05[:, a], 1e-6), out.q95[:, a]) for a in at]  # all of them are positive
        corners = [relation(*corner) for corner in product(*ends)]
        out.mean[:, column] = mean
        out.q05[:, column] = np.minimum.reduce([mean, *corners])
        out.q95[:, column] = np.maximum.reduce([mean, *corners])
        reason = out.reason[:, at[0]]
        for a in at[1:]:
            reason = np.where(reason == ALIVE, out.reason[:, a], reason)
        if name in ("CI", "SI", "SVRI"):
            reason = np.where((reason == ALIVE) & ~np.isfinite(bsa), NEEDS_BODY_SIZE, reason)
        out.reason[:, column] = reason
    return out


def empty(n: int, reason: str) -> Predictions:
    """No value anywhere, for one reason."""
    nothing = np.full((n, len(PARAMETERS)), np.nan)
    return Predictions(nothing, nothing.copy(), nothing.copy(), np.full(nothing.shape, reason, dtype="<U32"))


def copy_of(predictions: Predictions) -> Predictions:
    """The same in arrays of its own."""
    return Predictions(
        predictions.mean.copy(),
        predictions.q05.copy(),
        predictions.q95.copy(),
        predictions.reason.astype("<U32"),
    )


def silenced(predictions: Predictions, faults: Sequence[str | None]) -> Predictions:
    """The same with no value in windows that have a fault; the fault is the reason."""
    out = copy_of(predictions)
    for row, fault in enumerate(faults):
        if fault is not None:
            out.mean[row] = out.q05[row] = out.q95[row] = np.nan
            out.reason[row] = fault
    return out


def with_spans(
    predictions: Predictions, parameter: str, spans: Sequence[tuple[float, float, float] | str]
) -> Predictions:
    """The same with one parameter replaced: (value, low, high) of each row, or the reason there is none."""
    out, column = copy_of(predictions), PARAMETERS.index(parameter)
    for row, span in enumerate(spans):
        value, low, high = (np.nan,) * 3 if isinstance(span, str) else span
        out.mean[row, column], out.q05[row, column], out.q95[row, column] = value, low, high
        out.reason[row, column] = span if isinstance(span, str) else ALIVE
    return out


Judged = tuple[Plan, Predictions]


def stretch_table(rows: Rows, cold: Judged, warm: Judged | None, parameter: str) -> dict[str, Any]:
    """By how much half widths must be multiplied so that 90 % of windows of a next person are inside (decision 0038).

    Args:
        rows: of people who did not train.
        cold, warm: which rows are scored and what was said of them, without and after one calibration point.
        parameter: any with intervals in both.

    Returns:
        ``{cold, personalised: [{age_s_max, factor, n_subjects}]}`` as ``derived`` of a card has it; cold None, or an
        age left out, where fewer than nine people are.
    """

    def row(judged: Judged, younger: float = -np.inf, oldest: float = np.inf) -> dict[str, Any] | None:
        schedule, of = judged
        column, label = PARAMETERS.index(parameter), rows.column(parameter)
        age_s = np.where(np.isfinite(schedule.age_s), schedule.age_s, 0.0)
        use = schedule.scored & np.isfinite(label) & np.isfinite(of.q05[:, column])
        use &= (age_s > younger) & (age_s <= oldest)
        score = part_of_half_width(label[use], of.mean[use, column], of.q05[use, column], of.q95[use, column])
        factor = conformal_q90(rows.code[use], score) if use.any() else np.inf
        known = np.isfinite(factor) and factor > 0
        return (
            {"factor": round(float(factor), 4), "n_subjects": len(np.unique(rows.code[use]))}
            if known
            else None
        )

    ages = [] if warm is None else [(*ends, warm) for ends in pairwise((0.0, *AGE_CLASSES_S))]
    aged = [(oldest, row(judged, younger, oldest)) for younger, oldest, judged in ages]
    return {
        "cold": row(cold),
        "personalised": [{"age_s_max": oldest, **found} for oldest, found in aged if found is not None],
    }


def part_of_half_width(label: F64, value: F64, low: F64, high: F64) -> F64:
    """How far the label lies from the value, in half widths of the interval on its side, ``(n,)``; ∞ where that side
    has no width.
    """
    half = np.where(label < value, value - low, high - value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(label == value, 0.0, np.abs(label - value) / half)
