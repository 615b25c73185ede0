"""What a detector or a model would label: judged windows, rows of estimates, gaps and rectangles → proposals. Pure.

A proposal never crosses a ten-minute mark, so that it is the same however far reading has come, and what was decided
about it is found again. Proposals are never labels: somebody takes them over, or refuses them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.quality import AGREEMENT, TEMPLATE_R, Fault, Rhythm
from hemoview.labels.raters.proposal import Proposal
from recorder.schema.labelling import AnnotationKind

STRETCH_S: Final = 600.0
WINDOW_S: Final = 10.0
GOOD_SQI: Final = 0.9
"""At least so much of shape and agreement together is called good; from the least that passes up to it, usable."""
LEAST_SQI: Final = TEMPLATE_R * AGREEMENT
WIDE_RATIO: Final = 1.5
WIDE_MMHG: Final = 20.0
"""An interval is wide when it is so much wider than the median of its ten minutes, and wider than this."""
_NEXT_ROW_S: Final = 2.5
_LEAST_GAP_S: Final = 1.0

DETECTOR: Final = "pulse quality"
GAP_SOURCE: Final = "gap"
SQUARE_SOURCE: Final = "calibration pattern"

_OF_FAULT: Final[dict[Fault, str]] = {
    "motion": "motion",
    "poor-contact": "poor-contact",
    "clipped": "artefact",
    "too-few-beats": "artefact",
    "poor-signal": "artefact",
}
_OF_REASON: Final = {
    "motion": "motion",
    "poor-contact": "poor-contact",
    "clipped": "artefact",
    "too-few-beats": "artefact",
    "poor-signal": "artefact",
    "irregular-pulse": "irregular-rhythm",
    "implausible": "artefact",
    "outside-training-range": "artefact",
}
"""Reasons of an abstention that are about what is in the signal; others say nothing of it."""
_SURE_FAULT: Final = 0.2
_ABSTAINED: Final = 0.5
_WIDE: Final = 0.9
_CERTAIN: Final = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A window of the pulse wave as :func:`hemoview.dsp.quality.assess` judged it."""

    t0_s: float
    t1_s: float
    fault: Fault | None
    rhythm: Rhythm
    sqi: float


@dataclass(frozen=True, slots=True, eq=False)
class EstimateRows:
    """Stored estimates of a stretch, ``(n,)`` each.

    Args:
        t_s: time of each row.
        why: code of the abstention, 0 = none.
        width_mmhg: of the systolic interval, NaN where there is none.
        reasons: what the codes stand for, from 1.
        model, sha256: whose they are.
    """

    t_s: NDArray[np.float64]
    why: NDArray[np.int64]
    width_mmhg: NDArray[np.float64]
    reasons: tuple[str, ...]
    model: str
    sha256: str


def stretches(duration_s: float) -> tuple[tuple[float, float], ...]:
    """Ten minutes each, from the start; the last one ends with the session."""
    count = math.ceil(max(duration_s, 0.0) / STRETCH_S)
    return tuple((n * STRETCH_S, min((n + 1) * STRETCH_S, duration_s)) for n in range(count))


def in_order(count: int, first: int) -> Iterator[int]:
    """Numbers of stretches: the one somebody looks at, then outwards from it."""
    for step in range(count):
        for place in {first + step, first - step}:
            if 0 <= place < count:
                yield place


def of_windows(windows: Sequence[Judged]) -> list[Proposal]:
    """Faults and irregular rhythm as spans, quality as stretches; equal neighbours are one."""
    faults = [(w, _OF_FAULT[w.fault] if w.fault else None) for w in windows]
    rhythm = [(w, "irregular-rhythm" if w.rhythm == "irregular" and not w.fault else None) for w in windows]
    quality = [(w, quality_of(w)) for w in windows]
    found = [_proposal("span", run, label, DETECTOR, _SURE_FAULT) for run, label in _runs(faults)]
    found += [_proposal("span", run, label, DETECTOR, _ABSTAINED) for run, label in _runs(rhythm)]
    found += [
        _proposal("quality", run, label, DETECTOR, max(uncertainty_of(w) for w in run))
        for run, label in _runs(quality)
    ]
    return found


def quality_of(window: Judged) -> str:
    """``good``, ``usable`` or ``bad``."""
    if window.fault is not None:
        return "bad"
    return "good" if window.sqi >= GOOD_SQI else "usable"


def uncertainty_of(window: Judged) -> float:
    """0 to 1: how near a window is to the border of its class."""
    if window.fault is not None:
        return _SURE_FAULT
    if window.sqi >= GOOD_SQI:
        return round((1.0 - window.sqi) / (1.0 - GOOD_SQI), 3)
    nearest = min(GOOD_SQI - window.sqi, abs(window.sqi - LEAST_SQI))
    return round(max(0.0, 1.0 - 2.0 * nearest / (GOOD_SQI - LEAST_SQI)), 3)


def _runs(told: Iterable[tuple[Judged, str | None]]) -> Iterator[tuple[list[Judged], str]]:
    """Neighbouring windows of which the same was said."""
    run: list[Judged] = []
    before: str | None = None
    for window, label in told:
        if run and (label != before or window.t0_s - run[-1].t1_s > 1e-6):
            if before is not None:
                yield run, before
            run = []
        before = label
        run.append(window)
    if run and before is not None:
        yield run, before


def _proposal(
    kind: AnnotationKind, run: Sequence[Judged], label: str, source: str, uncertainty: float
) -> Proposal:
    return proposal(kind, run[0].t0_s, run[-1].t1_s, label, source, uncertainty=uncertainty)


def of_estimates(rows: EstimateRows) -> list[Proposal]:
    """Where the model did not say a number because of the signal, and where its interval is wide."""
    reasons = ("", *rows.reasons)
    labels = [_OF_REASON.get(reasons[code] if code < len(reasons) else "") for code in rows.why.tolist()]
    known = rows.width_mmhg[np.isfinite(rows.width_mmhg)]
    limit = max(WIDE_MMHG, WIDE_RATIO * float(np.median(known))) if known.size else math.inf
    with np.errstate(invalid="ignore"):
        wide = rows.width_mmhg > limit
    found = [_of_model("span", ends, label, rows, _ABSTAINED) for ends, label in _row_runs(rows.t_s, labels)]
    usable = ["usable" if is_wide else None for is_wide in wide.tolist()]
    return found + [
        _of_model("quality", ends, label, rows, _WIDE) for ends, label in _row_runs(rows.t_s, usable)
    ]


def _of_model(
    kind: AnnotationKind, ends: tuple[float, float], label: str, rows: EstimateRows, uncertainty: float
) -> Proposal:
    return proposal(kind, *ends, label, rows.model, sha256=rows.sha256, uncertainty=uncertainty)


def _row_runs(
    t_s: NDArray[np.float64], labels: Sequence[str | None]
) -> Iterator[tuple[tuple[float, float], str]]:
    """Rows that follow each other and say the same; each stands for the second after it, at least two rows a run."""
    first = 0
    for n in range(1, len(labels) + 1):
        if n < len(labels) and labels[n] == labels[first] and t_s[n] - t_s[n - 1] <= _NEXT_ROW_S:
            continue
        label = labels[first]
        if label is not None and n - first > 1:
            yield (float(t_s[first]), float(t_s[n - 1]) + 1.0), label
        first = n


def of_gaps(gaps: Iterable[tuple[float, float]], t0_s: float, t1_s: float) -> list[Proposal]:
    """Gaps of the pulse within a stretch: nothing there can be good."""
    cut = ((max(a, t0_s), min(b, t1_s)) for a, b in gaps)
    return [proposal("quality", a, b, "bad", GAP_SOURCE) for a, b in cut if b - a >= _LEAST_GAP_S]


def of_squares(spans: Iterable[tuple[float, float]]) -> list[Proposal]:
    """Rectangles on the pressure wave: the monitor calibrates itself or changes fingers."""
    return [proposal("span", a, b, "calibration", SQUARE_SOURCE) for a, b in spans if b > a]


def proposal(
    kind: AnnotationKind,
    t0_s: float,
    t1_s: float,
    label: str,
    source: str,
    *,
    sha256: str = "",
    uncertainty: float = _CERTAIN,
) -> Proposal:
    """A proposal with the id that its content has for ever."""
    t0_s, t1_s = round(t0_s, 3), round(t1_s, 3)
    told = json.dumps([kind, t0_s, t1_s, label, source, sha256])
    name = hashlib.sha256(told.encode()).hexdigest()[:20]
    return Proposal(name, kind, t0_s, t1_s, label, source, sha256, uncertainty)


def estimate_rows(
    t_s: NDArray[np.float64],
    values: NDArray[np.floating[Any]],
    channels: Sequence[str],
    facts: dict[str, Any],
) -> EstimateRows | None:
    """Stored rows of an estimate stream ``(n, channels)``; None where it has no systolic pressure.

    ``facts``: metadata of the stream: model, its hash, what its codes stand for.
    """
    wanted = ("SBP_lo", "SBP_hi", "SBP_why")
    if not set(wanted) <= set(channels):
        return None
    low, high, why = (np.asarray(values[:, channels.index(name)], np.float64) for name in wanted)
    codes = np.nan_to_num(why, nan=0.0).astype(np.int64)
    reasons = facts.get("reasons") or "[]"
    told = json.loads(reasons) if isinstance(reasons, str) else reasons
    names = tuple(str(reason) for reason in told)
    return EstimateRows(
        t_s,
        codes,
        high - low,
        names,
        str(facts.get("model") or "model"),
        str(facts.get("model_sha256") or ""),
    )
