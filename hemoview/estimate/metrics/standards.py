"""Blood-pressure standards, as "numerically within / not within / not computable" and never more (evaluation.md 8).

No verdict is a pass: what a standard asks for beside the figures (reference method, subjects, ranges, sexes, dynamic
tests) is listed, unmet or not. Sources and what of them was checked: methods.md §D.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, sqrt
from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.subjects import F64, Codes, Flags, rounded, subject_means

WITHIN: Final = "numerically within"
OUTSIDE: Final = "numerically not within"
UNKNOWN: Final = "not computable"

PAIRS_A_SUBJECT: Final = 3
SUBJECTS: Final = 85
PAIRS: Final = 255
TOLERABLE_MMHG: Final = 10.0
TOLERABLE_PART: Final = 0.85
QUOTAS: Final[Mapping[str, tuple[tuple[str, float, float], ...]]] = {
    "SBP": (("at most", 100.0, 0.05), ("at least", 160.0, 0.05), ("at least", 140.0, 0.20)),
    "DBP": (("at most", 60.0, 0.05), ("at least", 100.0, 0.05), ("at least", 85.0, 0.20)),
}
BHS_LIMITS: Final = {"A": (60.0, 85.0, 95.0), "B": (50.0, 75.0, 90.0), "C": (40.0, 65.0, 85.0)}
IEEE_LIMITS: Final = {"A": 5.0, "B": 6.0, "C": 7.0}
LEAST_SEX_PART: Final = 0.30
IEEE_LEAST_OF_A_SEX: Final = 26
REFERENCES: Final = ("auscultat", "arterial line", "intra arterial", "invasive")
"""Words of a reference kind that ISO 81060-2 allows as a reference."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scored rows of SBP or DBP.

    Args:
        parameter: ``SBP`` or ``DBP``.
        label, estimate: ``(n,)`` finite, mmHg, in time order within a subject.
        code: ``(n,)`` subject numbers.
        sex: ``(n,)`` 0 female, 1 male, NaN unknown.
        reference_kinds: every kind among the rows.
        simulated: rows come from the physiology model.
        subject_known: False where every row counts as its own subject.
    """

    parameter: str
    label: F64
    estimate: F64
    code: Codes
    sex: F64
    reference_kinds: tuple[str, ...]
    simulated: bool
    subject_known: bool = True


def three_windows(code: Codes) -> Flags:
    """The rows judged: of every subject those at 1/6, 3/6 and 5/6 of its rows in time order, declared before anything
    is known of them; subjects with fewer than three rows give what they have.
    """
    chosen = np.zeros(len(code), bool)
    for number in np.unique(code):
        mine = np.flatnonzero(code == number)
        chosen[mine[np.unique([len(mine) * part // 6 for part in (1, 3, 5)])]] = True
    return chosen


def largest_sd(mean_error: float) -> float:
    """The largest SD with which 85 % of subjects lie within ±10 mmHg at this mean error; NaN beyond ±10.

    Solved from the normal distribution; the standard's own table is authoritative (methods.md §D.3).
    """
    if abs(mean_error) >= TOLERABLE_MMHG:
        return float("nan")
    low, high = 1e-3, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(mean_error, middle) > TOLERABLE_PART else (low, middle)
    return (low + high) / 2


def _inside(mean: float, sd: float) -> float:
    def below(limit: float) -> float:
        return 0.5 * (1 + erf((limit - mean) / (sd * sqrt(2))))

    return below(TOLERABLE_MMHG) - below(-TOLERABLE_MMHG)


def judge(pairs: Pairs) -> dict[str, Any]:
    """Every standard for one parameter: figures, verdict, and what is unmet.

    Returns:
        ``{iso_81060_2, bhs, ieee_1708, iso_81060_3}``.
    """
    three = three_windows(pairs.code)
    label, error, code = pairs.label[three], (pairs.estimate - pairs.label)[three], pairs.code[three]
    unmet = _unmet(pairs, label, code)
    return {
        "iso_81060_2": _iso(error, code, [*unmet["common"], *unmet["iso"]]),
        "bhs": _bhs(error, [*unmet["common"], "sequential readings by two observers"]),
        "ieee_1708": _ieee(error, [*unmet["common"], *unmet["ieee"]]),
        "iso_81060_3": {
            "verdict": UNKNOWN,
            "why": "the standard for continuous devices; its thresholds are not claimed here",
        },
    }


def _iso(error: F64, code: Codes, unmet: list[str]) -> dict[str, Any]:
    each = subject_means(code, error)
    if len(each) < 2:
        return {"verdict": UNKNOWN, "why": "needs two subjects", "unmet": unmet}
    me, sd, sd_subjects = float(error.mean()), float(error.std(ddof=1)), float(each.std(ddof=1))
    limit = largest_sd(me)
    first, second = abs(me) <= 5 and sd <= 8, bool(np.isfinite(limit)) and sd_subjects <= limit
    return {
        "verdict": _verdict(first and second),
        "criterion_1": {"verdict": _verdict(first), "me": rounded(me), "sd": rounded(sd), "limits": [5, 8]},
        "criterion_2": {
            "verdict": _verdict(second),
            "me": rounded(me),
            "sd_of_subject_means": rounded(sd_subjects),
            "limit": rounded(limit),
        },
        "n_pairs": len(error),
        "n_subjects": len(each),
        "windows": "at 1/6, 3/6 and 5/6 of each subject's rows in time order",
        "unmet": unmet,
    }


def _bhs(error: F64, unmet: list[str]) -> dict[str, Any]:
    if not len(error):
        return {"verdict": UNKNOWN, "why": "no rows", "unmet": unmet}
    found = tuple(100.0 * float((np.abs(error) <= limit).mean()) for limit in (5, 10, 15))
    limits = {
        name: _verdict(all(f >= need for f, need in zip(found, needs, strict=True)))
        for name, needs in BHS_LIMITS.items()
    }
    return {
        "verdict": limits["C"],
        "within_5_10_15_percent": rounded(found, 2),
        "limits": {
            name: f"{limits[name]} {'/'.join(f'{v:g}' for v in BHS_LIMITS[name])} %" for name in limits
        },
        "n_pairs": len(error),
        "unmet": unmet,
    }


def _ieee(error: F64, unmet: list[str]) -> dict[str, Any]:
    if not len(error):
        return {"verdict": UNKNOWN, "why": "no rows", "unmet": unmet}
    mad = float(np.abs(error).mean())
    # class A includes its limit, class D begins at 7
    limits = {"A": mad <= IEEE_LIMITS["A"], "B": mad <= IEEE_LIMITS["B"], "C": mad < IEEE_LIMITS["C"]}
    return {
        "verdict": _verdict(limits["C"]),
        "mad": rounded(mad),
        "limits": {name: f"{_verdict(ok)} {IEEE_LIMITS[name]:g} mmHg" for name, ok in limits.items()},
        "n_pairs": len(error),
        "unmet": unmet,
    }


def _verdict(within: bool) -> str:
    return WITHIN if within else OUTSIDE


def _unmet(pairs: Pairs, label: F64, code: Codes) -> dict[str, list[str]]:
    """What the data cannot give, in words; nothing here is assumed to be met where it is not known."""
    n = len(np.unique(code))
    common, iso = [], []
    if pairs.simulated:
        common.append("people: these are simulated")
    if not pairs.subject_known:
        common.append("known subjects: every window counts as its own")
    if n < SUBJECTS:
        common.append(f"{SUBJECTS} subjects: {n} here")
    if not pairs.reference_kinds or not all(_allowed(kind) for kind in pairs.reference_kinds):
        kinds = ", ".join(kind or "unknown" for kind in pairs.reference_kinds) or "unknown"
        common.append(f"a reference by auscultation or arterial line: {kinds} here")
    if len(label) < PAIRS or (np.bincount(code) == PAIRS_A_SUBJECT).sum() < n:
        iso.append(f"{PAIRS} pairs, {PAIRS_A_SUBJECT} a subject: {len(label)} here")
    for side, limit, need in QUOTAS[pairs.parameter]:
        has = (
            float(((label <= limit) if side == "at most" else (label >= limit)).mean()) if len(label) else 0.0
        )
        if has < need:
            iso.append(f"{need:.0%} of references {side} {limit:g} mmHg: {has:.0%} here")
    women, men = _sexes(pairs)
    if min(women, men) < LEAST_SEX_PART * n or women + men < n:
        iso.append(f"{LEAST_SEX_PART:.0%} of either sex: {women} women and {men} men known of {n} here")
    ieee = (
        []
        if min(women, men) >= IEEE_LEAST_OF_A_SEX
        else [f"{IEEE_LEAST_OF_A_SEX} women and men (1708a-2019)"]
    )
    ieee.append("static, pressure-change and after-an-interval tests")
    iso.append("cuff readings by the standard's procedure; arm sizes")
    return {"common": common, "iso": iso, "ieee": ieee}


def _allowed(kind: str) -> bool:
    words = kind.lower().replace("-", " ").replace("non invasive", "").replace("noninvasive", "")
    return any(word in words for word in REFERENCES) and "finger" not in words


def _sexes(pairs: Pairs) -> tuple[int, int]:
    first = np.unique(pairs.code, return_index=True)[1]
    sex = pairs.sex[first]
    return int((sex == 0).sum()), int((sex == 1).sum())
