"""``hemoview bench align``: is a lock ever wrong, and how often is there one? Simulated people, real detectors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from hemoview.bench import machine
from hemoview.bench.align_recorded import recorded
from hemoview.bench.align_rulers import best_sigmas_ppm, lag_bins_ms, plain_slope, theil_sen_slope
from hemoview.bench.align_session import KINDS, MOVING, MUST_LOCK, OTHERS, PACED, Simulated, simulate
from hemoview.dsp.align import Found, align_beats
from hemoview.dsp.align_drift import KNOWN_PPM
from hemoview.dsp.align_match import TOLERANCES_S, Line, Residuals, fit_line, tolerance_s
from hemoview.dsp.align_slope import refined
from hemoview.dsp.time_map import PPM, Piece
from recorder.host.console import progress

WRONG_S: Final = 0.05
"""A lock further than this from the truth, beyond the physiological constant, is wrong: not the same beat."""
LEAST_S: Final = 600.0
LEAST_USABLE: Final = 0.5
NEAR_JUMP_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one session.

    Args:
        kind, number: which.
        locked, refused_because: the answer.
        wrong: a piece says another beat, or it is locked on two people.
        counts: at least 10 min and half of the beats usable in both devices.
        offset_error_ms: worst piece, beyond the physiological constant; NaN where refused.
        drift_error_ppm: of the longest piece, beyond the trend of the lag between the sites (:func:`_trend`).
        drift_to_clock_ppm: of the longest piece, against the clocks alone.
        drift_bound_ppm: within which it says the clocks' drift to be.
        beyond_plain_ppm, beyond_theil_sen_ppm: beyond the lag's trend by rulers that are not the product's
            (:mod:`hemoview.bench.align_rulers`).
        lag_ms: of the longest piece, medians of bins of the true lag.
        recorded_drift_ppm, recorded_bound_ppm: the same error and bound where one host had stamped both devices; NaN
            where a clock was set half-way, which no host's clock is, or nothing locks.
        covered: part of the overlap in a piece.
        seconds: the alignment took, without finding beats.
    """

    kind: str
    number: int
    counts: bool
    seconds: float
    refused_because: str = ""
    locked: bool = False
    wrong: bool = False
    offset_error_ms: float = float("nan")
    drift_error_ppm: float = float("nan")
    drift_to_clock_ppm: float = float("nan")
    drift_bound_ppm: float = float("nan")
    beyond_plain_ppm: float = float("nan")
    beyond_theil_sen_ppm: float = float("nan")
    lag_ms: tuple[float, ...] = ()
    recorded_drift_ppm: float = float("nan")
    recorded_bound_ppm: float = float("nan")
    covered: float = 0.0


def run(*, sessions: int = 24, seed: int = 1, workers: int | None = None) -> dict[str, Any]:
    """``sessions`` simulated ones, every kind in turn, in as many processes as there are cores."""
    jobs = [(KINDS[number % len(KINDS)], seed, number) for number in range(sessions)]
    results: list[Result] = []
    constant: list[Result] = []
    with (
        progress("aligning sessions", 2 * sessions) as tell,
        ProcessPoolExecutor(workers or os.cpu_count() or 1) as pool,
    ):
        for judge, into in ((one, results), (one_steady, constant)):
            for result in pool.map(judge, jobs):
                into.append(result)
                done = len(results) + len(constant)
                tell(done, f"{done} of {2 * sessions} sessions")
    said = summary(results, seed)
    return said | {"constant_delay": summary_steady(constant)}


def one(job: tuple[str, int, int]) -> Result:
    """Simulate, align, compare."""
    session, result = _aligned(job, steady=False)
    return result if not result.locked or not session.same else _as_recorded(session, result, job[1])


def one_steady(job: tuple[str, int, int]) -> Result:
    """The same where the delay between the sites stays (:data:`~hemoview.bench.align_session.STEADY`)."""
    return _aligned(job, steady=True)[1]


def _aligned(job: tuple[str, int, int], *, steady: bool) -> tuple[Simulated, Result]:
    kind, seed, number = job
    session = simulate(kind, seed, number, steady=steady)
    begin_s = time.perf_counter()
    found = align_beats(session.pulse, session.reference)
    seconds = time.perf_counter() - begin_s
    counts = session.overlap_s >= LEAST_S and min(session.usable) >= LEAST_USABLE
    return session, judged(session, found, number, counts=counts, seconds=seconds)


def _as_recorded(session: Simulated, result: Result, seed: int) -> Result:
    """The same session had both devices' packets been stamped by one host: its times, fitted from arrivals as the
    recorder fits them, and its clocks.
    """
    host = recorded(session, np.random.default_rng([seed, result.number, 1]))
    if host is None:
        return result
    found = align_beats(host.pulse, host.reference, None, host.clocks)
    if not found.pieces:
        return result
    longest = max(found.pieces, key=lambda p: p.t1_s - p.t0_s)
    if longest.t1_s - longest.t0_s < LEAST_S - 60.0:
        return result
    wrong = abs(longest.offset_s - float(np.median(session.lag_s))) > WRONG_S
    return replace(
        result,
        wrong=result.wrong or wrong,
        recorded_drift_ppm=longest.drift_ppm - host.drift_ppm(longest),
        recorded_bound_ppm=_bound_ppm(longest),
    )


def _bound_ppm(piece: Piece) -> float:
    return float("nan") if piece.drift_error_ppm is None else piece.drift_error_ppm


def judged(session: Simulated, found: Found, number: int, *, counts: bool, seconds: float) -> Result:
    """An answer against the truth."""
    nothing = Result(
        kind=session.kind,
        number=number,
        refused_because=found.refused_because,
        counts=counts,
        seconds=seconds,
    )
    if not found.pieces:
        return nothing
    if not session.same:
        return replace(nothing, locked=True, wrong=True)
    worst = max((_offset_error_s(session, piece) for piece in found.pieces), key=abs)
    longest = max(found.pieces, key=lambda p: p.t1_s - p.t0_s)
    drift = _drift_errors(session, longest)
    covered = sum(p.t1_s - p.t0_s for p in found.pieces) / session.overlap_s
    return replace(
        nothing,
        locked=True,
        wrong=bool(abs(worst) > WRONG_S),
        offset_error_ms=1000.0 * worst,
        **drift,
        drift_bound_ppm=_bound_ppm(longest),
        covered=min(covered, 1.0),
    )


def _offset_error_s(session: Simulated, piece: Piece) -> float:
    """At the middle of a piece: what it says − what the clocks say − the physiological constant."""
    at = _away_from_jumps(session, np.linspace(piece.t0_s, piece.t1_s, 21)[1:-1])
    true_s = session.reference_clock.true(at)
    error = piece.to_pulse(at) - session.pulse_clock.written(true_s)
    return float(np.median(error)) - float(np.median(session.lag_s))


def _away_from_jumps(session: Simulated, t_ref_s: np.ndarray) -> np.ndarray:
    true_s = session.reference_clock.true(t_ref_s)
    near = np.zeros(t_ref_s.size, np.bool_)
    for jump_s in session.jumps_s:
        near |= np.abs(true_s - jump_s) < NEAR_JUMP_S
    return t_ref_s[~near] if (~near).any() else t_ref_s


def _drift_errors(session: Simulated, piece: Piece) -> dict[str, Any]:
    """Of a result, what is said of drift; nothing of a piece of less than 10 min (less the edges)."""
    if piece.t1_s - piece.t0_s < LEAST_S - 60.0:
        return {}
    at = np.array([piece.t0_s + 5.0, piece.t1_s - 5.0])
    true_s = session.reference_clock.true(at)
    slope = float(np.diff(session.pulse_clock.written(true_s))[0] / np.diff(at)[0]) - 1.0
    inside = (session.lag_at_s >= true_s[0]) & (session.lag_at_s <= true_s[1])
    t_s, lag_s = session.lag_at_s[inside], session.lag_s[inside]
    error = piece.drift_ppm - slope / PPM
    return {
        "drift_to_clock_ppm": error,
        "drift_error_ppm": error - _trend(t_s, lag_s, session) / PPM,
        "beyond_plain_ppm": error - plain_slope(t_s, lag_s) / PPM,
        "beyond_theil_sen_ppm": error - theil_sen_slope(t_s, lag_s) / PPM,
        "lag_ms": lag_bins_ms(t_s, lag_s),
    }


def _trend(t_s: np.ndarray, lag_s: np.ndarray, session: Simulated) -> float:
    """Slope of the true lag as the product's own line sees it, intervals and all: what is left is what the clocks and
    the matching did. Another estimator would add how two rules see one curve, up to 2 ppm.
    """
    order = np.argsort(t_s, kind="stable")
    t_s, lag_s = t_s[order], lag_s[order]
    line = Line(float(t_s.mean()), float(np.median(lag_s)), 0.0)
    n = t_s.size
    for tolerance in (*TOLERANCES_S, None, None, None):
        off = lag_s - line.offset_s - line.drift * (t_s - line.at_s)
        rest = Residuals(t_s, off, np.ones(n), np.ones(n, np.bool_), np.zeros(n, np.int64))
        fitted = fit_line(line, rest, tolerance_s(off) if tolerance is None else tolerance)
        if fitted is None:
            return float("nan")
        line = fitted
    off = np.abs(lag_s - line.offset_s - line.drift * (t_s - line.at_s))
    twice = np.repeat(
        np.flatnonzero(off <= tolerance_s(off)), 2
    )  # as the product has each pair, once a direction
    reference = session.reference.timed(session.reference_clock.true(session.reference.time_s))
    return refined(line, t_s[twice], lag_s[twice], reference)[0].drift


def summary(results: Iterable[Result], seed: int) -> dict[str, Any]:
    """The figures of the contract, then a row for each kind."""
    every = list(results)
    must = [r for r in every if r.kind in MUST_LOCK and r.counts]
    moving = [r for r in every if r.kind == MOVING and r.counts]
    two = [r for r in every if r.kind in OTHERS]
    paced = [r for r in every if r.kind == PACED]
    locked = [r for r in every if r.locked and not r.wrong and r.counts]
    return {
        "simulated": True,
        "seed": seed,
        "sessions": len(every),
        "locked": sum(r.locked for r in every),
        "refused": sum(not r.locked for r in every),
        "wrong_locks": sum(r.wrong for r in every),
        "drift_error_ppm_max": _largest([r.drift_error_ppm for r in locked]),
        "drift_error_ppm_p90": _quantile([r.drift_error_ppm for r in locked], 0.9),
        "drift_error_under_1_ppm": _under(1.0, [r.drift_error_ppm for r in locked]),
        "drift_error_to_clock_ppm_p50": _quantile([r.drift_to_clock_ppm for r in locked], 0.5),
        "drift_error_to_clock_ppm_p90": _quantile([r.drift_to_clock_ppm for r in locked], 0.9),
        "drift_error_to_clock_ppm_max": _largest([r.drift_to_clock_ppm for r in locked]),
        "drift_wandering_lag": _rulers(locked),
        **_claims(locked),
        "offset_error_ms_p50": _quantile([r.offset_error_ms for r in locked], 0.5),
        "offset_error_ms_max": _largest([r.offset_error_ms for r in locked]),
        "locked_part_of_countable": _part(must),
        "locked_part_of_countable_heavy_motion": _part(moving),
        "two_people": len(two),
        "two_people_refused": sum(not r.locked for r in two),
        "paced": len(paced),
        "paced_wrong": sum(r.wrong for r in paced),
        "align_s_p50": _quantile([r.seconds for r in every], 0.5),
        "conditions": {kind: _row([r for r in every if r.kind == kind]) for kind in KINDS},
        "machine": machine.describe(),
    }


def summary_steady(results: Iterable[Result]) -> dict[str, Any]:
    """Sessions whose delay stays: the drift of the contract, against the crystals and no other ruler."""
    every = list(results)
    locked = [r for r in every if r.locked and not r.wrong and r.counts]
    moving = [r.drift_to_clock_ppm for r in locked if r.kind == MOVING]
    return {
        "sessions": len(every),
        "wrong_locks": sum(r.wrong for r in every),
        "locked_part_of_countable": _part([r for r in every if r.kind in MUST_LOCK and r.counts]),
        "locked_part_of_countable_heavy_motion": _part([r for r in every if r.kind == MOVING and r.counts]),
        "two_people_locked": sum(r.locked for r in every if r.kind in OTHERS),
        "offset_error_ms_max": _largest([r.offset_error_ms for r in locked]),
        "drift_error_to_clock_ppm": _spread([r.drift_to_clock_ppm for r in locked]),
        "drift_error_to_clock_ppm_heavy_motion": _spread(moving),
    }


def _rulers(locked: list[Result]) -> dict[str, Any]:
    """One error by every ruler, and beside it what the best linear unbiased estimate would leave."""
    sigmas = best_sigmas_ppm([r.lag_ms for r in locked])
    best = [(r, s) for r, s in zip(locked, sigmas, strict=True) if np.isfinite(s)]
    ratios = [abs(r.drift_to_clock_ppm) / sigma for r, sigma in best]
    return {
        "to_clock_ppm": _spread([r.drift_to_clock_ppm for r in locked]),
        "beyond_trend_own_line_ppm": _spread([r.drift_error_ppm for r in locked]),
        "beyond_trend_least_squares_ppm": _spread([r.beyond_plain_ppm for r in locked]),
        "beyond_trend_theil_sen_ppm": _spread([r.beyond_theil_sen_ppm for r in locked]),
        "best_unbiased_sigma_ppm": _spread([sigma for _, sigma in best]),
        "best_unbiased_sigma_over_1_ppm": sum(sigma > KNOWN_PPM for _, sigma in best),
        "error_to_best_sigma_p50": _quantile(ratios, 0.5),
        "error_to_best_sigma_p95": _quantile(ratios, 0.95),
    }


def _spread(values: list[float]) -> dict[str, Any]:
    return {
        "sessions": sum(bool(np.isfinite(v)) for v in values),
        "p50": _quantile(values, 0.5),
        "p90": _quantile(values, 0.9),
        "p95": _quantile(values, 0.95),
        "max": _largest(values),
        "under_1_ppm": _under(1.0, values),
    }


def _claims(locked: list[Result]) -> dict[str, Any]:
    """Of beats alone (imported) and of what one host stamped (recorded): what is claimed, and whether it holds."""
    told = {
        "imported": [(r.drift_to_clock_ppm, r.drift_bound_ppm) for r in locked],
        "recorded": [(r.recorded_drift_ppm, r.recorded_bound_ppm) for r in locked],
    }
    claims: dict[str, Any] = {}
    for where, pairs in told.items():
        known = [(abs(error), bound) for error, bound in pairs if np.isfinite(error) and np.isfinite(bound)]
        sure = [error for error, bound in known if bound <= KNOWN_PPM]
        claims[f"drift_{where}"] = {
            "sessions": len(known),
            "error_to_clock_ppm_p50": _quantile([e for e, _ in known], 0.5),
            "error_to_clock_ppm_max": _largest([e for e, _ in known]),
            "bound_ppm_p50": _quantile([b for _, b in known], 0.5),
            "within_bound": round(sum(e <= b for e, b in known) / len(known), 3) if known else None,
            "told_within_1_ppm": len(sure),
            "of_these_wrong": sum(e > KNOWN_PPM for e in sure),
        }
    return claims


def _row(results: list[Result]) -> dict[str, Any]:
    locked = [r for r in results if r.locked]
    reasons: dict[str, int] = {}
    for r in results:
        if not r.locked:
            reasons[r.refused_because] = reasons.get(r.refused_because, 0) + 1
    return {
        "sessions": len(results),
        "countable": sum(r.counts for r in results),
        "locked": len(locked),
        "locked_of_countable": sum(r.locked and r.counts for r in results),
        "wrong": sum(r.wrong for r in results),
        "refused": reasons,
        "offset_error_ms_max": _largest([r.offset_error_ms for r in locked if r.counts]),
        "drift_error_ppm_max": _largest([r.drift_error_ppm for r in locked if r.counts]),
        "drift_error_to_clock_ppm_max": _largest([r.drift_to_clock_ppm for r in locked if r.counts]),
        "covered_min": round(min((r.covered for r in locked if r.counts), default=0.0), 2),
    }


def _part(results: list[Result]) -> float | None:
    return round(sum(r.locked and not r.wrong for r in results) / len(results), 3) if results else None


def _under(limit: float, values: list[float]) -> float | None:
    """Part of the known values that are under a limit."""
    known = [abs(v) for v in values if np.isfinite(v)]
    return round(sum(v < limit for v in known) / len(known), 3) if known else None


def _largest(values: list[float]) -> float | None:
    return _quantile(values, 1.0)


def _quantile(values: list[float], part: float) -> float | None:
    known = np.abs([v for v in values if np.isfinite(v)])
    return round(float(np.quantile(known, part)), 3) if known.size else None
