"""Intervals: do they cover, how wide are they, and what a conformal one needs. By subject throughout.

Hierarchical split-conformal prediction: Dunn, Wasserman & Ramdas 2018 (arXiv 1809.07441); methods.md §D.4. With the
next subject's whole share, 1 / (n + 1), counted as a miss, 22 subjects cover 93 to 94 % where 90 % is said; with half
of it (mid-rank, as ties are broken in smoothed conformal prediction: Vovk, Gammerman & Shafer 2005, §2.2) 91 %, but
the tenth-percentile subject loses 5 points. Three quarters are counted: 92 to 93 % (decision 0016, LOG.md).

A mean over subjects can be reached at the price of a few: the correction is therefore never less than what nine of ten
of the subjects it comes from need for three quarters of their rows, where they have enough rows. It is the same
percentile, over the same people, as :func:`coverage_figures` prints (decision 0037).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.subjects import F64, Codes, bootstrap_mean, subject_means

ALPHA: Final = 0.1
LEAST_SUBJECTS: Final = 9
_NEXT_SHARE: Final = 0.75
MOST_PEOPLE: Final = 0.9
LEAST_COVERED: Final = 0.75
"""So many of the people have at least so much of their rows inside."""
LEAST_ROWS: Final = 20
"""From fewer rows nobody's share is known: of 20 rows, covered at 0.9, it is off by 0.07 by chance."""
AGE_CLASSES_S: Final = (60.0, 180.0, 390.0, 900.0, 3600.0)
"""Upper ends of the ages since the last calibration point that are corrected apart."""


def conformal_q90(code: Codes, score: F64) -> float:
    """The correction for the next subject: each of n subjects weighs 1 / (n + 1), the next one mostly above all.

    Returns:
        ∞ for fewer than nine subjects.
    """
    return _quantile(code, score, np.argsort(score, kind="stable"))


def leave_one_out_q90(code: Codes, score: F64) -> F64:
    """:func:`conformal_q90` of every row from all *other* subjects, ``(n,)``."""
    order = np.argsort(score, kind="stable")
    out = np.empty(len(score))
    for number in np.unique(code):
        others = order[code[order] != number]
        out[code == number] = _quantile(code, score, others)
    return out


def _quantile(code: Codes, score: F64, order: Codes) -> float:
    """Quantile of the rows ``order``, sorted by score."""
    count = np.bincount(code[order]) if len(order) else np.empty(0)
    n = int((count > 0).sum())
    if n < LEAST_SUBJECTS:
        return float("inf")
    weight = 1.0 / (count[code[order]] * (n + 1))
    reached = int(np.searchsorted(np.cumsum(weight), 1 - ALPHA - (1 - _NEXT_SHARE) / (n + 1) - 1e-12))
    needed = _needed(code[order], score[order])
    for_people = float(np.quantile(needed, MOST_PEOPLE)) if len(needed) >= LEAST_SUBJECTS else -np.inf
    return max(float(score[order[reached]]), for_people)


def _needed(code: Codes, score: F64) -> F64:
    """What each subject with enough rows needs for :data:`LEAST_COVERED` of them, ``(n,)``; ``score`` rises."""
    by_subject = np.argsort(code, kind="stable")
    _, first, count = np.unique(code[by_subject], return_index=True, return_counts=True)
    place = first + np.ceil(LEAST_COVERED * count).astype(np.int64) - 1
    return np.asarray(score[by_subject[place]])[count >= LEAST_ROWS]


def age_class(age_s: F64) -> Codes:
    """Class of age since calibration, ``(n,)``; NaN = not calibrated, a class of its own."""
    return np.where(np.isfinite(age_s), np.searchsorted(AGE_CLASSES_S, age_s), -1)


def q90_from(code: Codes, score: F64, age_s: F64, wanted_age_s: F64) -> F64:
    """Corrections for rows of other ages, from these rows; of all ages together where a class is too small.

    Returns:
        ``(n_wanted,)``, ∞ of fewer than nine subjects.
    """
    whole, theirs, ours = conformal_q90(code, score), age_class(age_s), age_class(wanted_age_s)
    out = np.full(len(wanted_age_s), whole)
    for number in np.unique(ours):
        mine = theirs == number
        found = conformal_q90(code[mine], score[mine]) if mine.any() else np.inf
        out[ours == number] = found if np.isfinite(found) else whole
    return out


def aged_q90(code: Codes, score: F64, age_s: F64) -> F64:
    """Leave-one-subject-out correction within each row's class of age; all ages together where a class is too small.

    Args:
        code: ``(n,)`` subject numbers.
        score: ``(n,)`` by how much a row's interval missed.
        age_s: ``(n,)`` since the last calibration point; NaN = not calibrated, a class of its own.
    """
    out = leave_one_out_q90(code, score)
    classes = age_class(age_s)
    for number in np.unique(classes):
        mine = classes == number
        found = leave_one_out_q90(code[mine], score[mine])
        out[mine] = np.where(np.isfinite(found), found, out[mine])
    return out


def coverage_figures(label: F64, low: F64, high: F64, code: Codes, seed: int = 0) -> dict[str, Any]:
    """Coverage by subject with its bootstrap interval, tenth-percentile and worst subject, and the width.

    Args:
        label, low, high: ``(n,)`` finite, n ≥ 1.
        code: ``(n,)`` subject numbers.
        seed: of the bootstrap.
    """
    inside = ((label >= low) & (label <= high)).astype(np.float64)
    each, rows = subject_means(code, inside), np.bincount(code)
    rows = rows[rows > 0]
    worst = int(np.argmin(each))
    span = bootstrap_mean(each, seed)
    return {
        "coverage_90": float(each.mean()),
        "coverage_90_ci95": span,
        "coverage_90_includes_90": span is not None and span[0] <= 1 - ALPHA <= span[1],
        "coverage_90_p10_subject": float(np.percentile(each, 10)),
        "coverage_90_worst_subject": float(each[worst]),
        "coverage_90_worst_subject_n": int(rows[worst]),
        "coverage_90_pooled": float(inside.mean()),
        "width_90": float(subject_means(code, high - low).mean()),
        "width_90_pooled": float((high - low).mean()),
    }


def constant_width(label: F64, held: F64, age_s: F64, code: Codes) -> float:
    """Mean width by subject of a conformalised constant on these rows, the interval ours is compared with.

    ∞ for fewer than ten subjects.
    """
    q90 = aged_q90(code, np.abs(label - held), age_s)
    return float(2 * subject_means(code, q90).mean()) if np.isfinite(q90).all() else float("inf")


def cqr_score(label: F64, low: F64, high: F64) -> F64:
    """By how much the interval misses the label, negative inside (Romano, Patterson & Candès 2019)."""
    return np.maximum(low - label, label - high)
