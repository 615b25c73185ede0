"""Conformal tables by signal quality: how much wider an interval must be over a worse window (decisions 0018, 0020).

Rows of several *hearings* of the same people are pooled, e.g. as recorded and with noise over it. A person weighs once
in every cell, however often heard; a cell needs nine people, else it is merged with the next better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.cross import offsets, shifted
from hemoview.estimate.metrics.intervals import (
    AGE_CLASSES_S,
    LEAST_SUBJECTS,
    age_class,
    conformal_q90,
    cqr_score,
)
from hemoview.estimate.metrics.rows import Predictions, Rows, plan
from hemoview.estimate.metrics.subjects import F64, Codes, subject_means
from recorder.schema import PARAMETERS

QUALITY_EDGES: Final = (0.8, 0.9)
"""Signal quality from which a narrower row may hold. Of clean finger windows 9 in 10 reach the upper one."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One hearing of everybody.

    Args:
        rows: the windows; ``good`` says which the quality gate lets pass. The same people in every hearing.
        raw: estimates, out of fold, before any offset.
        cold: the same as shown before any calibration.
        sqi: ``(n,)``.
    """

    rows: Rows
    raw: Predictions
    cold: Predictions
    sqi: F64


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scored windows of all hearings: ``(n,)`` person, by how much the interval missed, its width, age, quality."""

    code: Codes
    score: F64
    width: F64
    age_s: F64
    sqi: F64
    hearing: Codes


def scores_of(hearings: Sequence[Heard], parameter: str, k: int) -> Scores:
    """Of windows that passed the gate, after ``k`` calibration points of the same hearing."""
    column, parts = PARAMETERS.index(parameter), []
    for number, heard in enumerate(hearings):
        rows, schedule = heard.rows, plan(heard.rows, k)
        of = shifted(heard.raw, offsets(rows, heard.raw, schedule)) if k else heard.cold
        label, low, high = rows.column(parameter), of.q05[:, column], of.q95[:, column]
        use = schedule.scored & np.isfinite(label) & np.isfinite(low)
        if rows.good is not None:
            use &= rows.good
        score = cqr_score(label[use], low[use], high[use])
        columns = (rows.code[use], score, (high - low)[use], schedule.age_s[use], heard.sqi[use])
        parts.append((*columns, np.full(int(use.sum()), number)))
    return Scores(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def table(hearings: Sequence[Heard], parameter: str) -> dict[str, Any]:
    """``{cold, cold_by_quality, personalised}`` as a card has it; cold None where fewer than nine people were heard."""
    start = _cells(scores_of(hearings, parameter, 0))
    warm = scores_of(hearings, parameter, 1)
    rows = []
    for younger, oldest in pairwise((0.0, *AGE_CLASSES_S)):
        mine = (warm.age_s > younger) & (warm.age_s <= oldest)
        rows += [{"age_s_max": oldest, **cell} for cell in _cells(_some(warm, mine))]
    return {"cold": start[0] if start else None, "cold_by_quality": start[1:], "personalised": rows}


def _some(scores: Scores, which: Any) -> Scores:
    return Scores(*(getattr(scores, name)[which] for name in Scores.__slots__))


def _cells(scores: Scores) -> list[dict[str, Any]]:
    """Corrections by quality, lowest first, the first for any quality. Worse windows never get a narrower one."""
    least = edges_of(scores.code, scores.sqi)
    found, widest = [], -np.inf
    for low, high in reversed(list(pairwise((*least, np.inf)))):
        mine = (scores.sqi >= low) & (scores.sqi < high)
        q90 = conformal_q90(scores.code[mine], scores.score[mine]) if mine.any() else np.inf
        if not np.isfinite(q90):
            return []
        widest = max(widest, q90)
        n = len(np.unique(scores.code[mine]))
        found.append({**({"sqi_min": low} if low else {}), "q90": round(float(widest), 4), "n_subjects": n})
    return found[::-1]


def edges_of(code: Codes, sqi: F64) -> list[float]:
    """Lower ends of the classes of quality, 0 first, so that nine people stand in each where that can be."""
    least = [0.0, *QUALITY_EDGES]
    while len(least) > 1:
        n = [len(np.unique(code[(sqi >= a) & (sqi < b)])) for a, b in pairwise((*least, np.inf))]
        short = next((i for i, count in enumerate(n) if count < LEAST_SUBJECTS), None)
        if short is None:
            break
        del least[min(short + 1, len(least) - 1)]
    return least


def coverage(hearings: Sequence[Heard], parameter: str, k: int) -> list[dict[str, Any]]:
    """By class of quality: coverage and width with tables by age alone from the first hearing, and with tables by age
    and quality from all of them. Tables of a person are those of the others; None where those are fewer than nine.
    """
    scores = scores_of(hearings, parameter, k)
    ages = age_class(scores.age_s)
    least = edges_of(scores.code, scores.sqi)
    quality = np.searchsorted(least, scores.sqi, side="right") - 1
    before, after = (np.full(len(scores.code), np.nan) for _ in range(2))
    for person in np.unique(scores.code):
        others, mine = scores.code != person, scores.code == person
        for age in np.unique(ages[mine]):
            place = mine & (ages == age)
            teach = others & (ages == age) & (scores.hearing == 0)
            before[place] = conformal_q90(scores.code[teach], scores.score[teach])
            widest = -np.inf
            for number in reversed(range(len(least))):
                teach = others & (ages == age) & (quality == number)
                widest = max(widest, conformal_q90(scores.code[teach], scores.score[teach]))
                after[place & (quality == number)] = widest
    return [
        _told(scores, quality == number, before, after, low)
        for number, low in enumerate(least)
        if (quality == number).any()
    ]


def _told(scores: Scores, mine: Any, before: F64, after: F64, low: float) -> dict[str, Any]:
    mine = mine & np.isfinite(before) & np.isfinite(after)
    code = scores.code[mine]
    out: dict[str, Any] = {"sqi_min": low, "n_windows": len(code), "n_subjects": len(np.unique(code))}
    for name, q90 in (("by_age", before), ("by_age_and_quality", after)):
        if not mine.any():
            out |= {f"coverage_{name}": None, f"width_{name}": None}
            continue
        inside = (scores.score[mine] <= q90[mine]).astype(np.float64)
        out[f"coverage_{name}"] = round(float(subject_means(code, inside).mean()), 4)
        width = subject_means(code, scores.width[mine] + 2 * q90[mine]).mean()
        out[f"width_{name}"] = round(float(width), 2)
    return out
