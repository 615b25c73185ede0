"""A locked line followed to where it ends, and the pieces it becomes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.align_drift import SharedClock, beats_error_ppm, clock_of, combined_ppm
from hemoview.dsp.align_match import (
    DRIFT_PRIOR_PPM,
    TOLERANCES_S,
    Fit,
    Line,
    Residuals,
    evidence,
    fit_line,
    matched,
    residuals,
    tolerance_s,
)
from hemoview.dsp.align_slope import refined
from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM, Piece

Array = NDArray[np.float64]

STEP_S: Final = 60.0
BACK_S: Final = 600.0
"""So much of what was just explained carries the line on."""
LEAST_RESIDUALS: Final = 24
STEPS_MISSED: Final = 3
"""Steps with beats in a row that do not fit: there the line ends."""
WORSE_RATE, WORSE, WORSE_S = 0.4, 3.0, 0.01
"""A step is explained as well as the stretch a line was found in: this part of its nats a beat, residuals of so many
times or at least 10 ms."""
LOCAL_S: Final = 1800.0
"""A line of a piece is fitted to so much at once."""
BEND_S: Final = 0.012
"""Local lines that differ from one line by more than this are kept: a crystal that warmed up."""
LEAST_PAIRS: Final = 30
"""Matched pairs a piece rests on; a shorter stretch between two reconnects stays unknown."""
LEAST_MATCHED: Final = 0.5
MOST_RESIDUAL_S: Final = 0.03
SHORT: Final = 0.5
SAME_CRYSTAL_PPM: Final = 5.0
"""A stretch shorter than this part of the longest leans on its drift; what it says by itself is mostly its lag's."""
MOST_HOLE_S: Final = 600.0
"""Over a hole without beats no line is carried further: 10 ppm would be 6 ms, over hours they would be a beat."""
EDGE_S: Final = 3.0
"""A piece reaches this far beyond its outer beats."""


def followed(
    fit: Fit, pulse: BeatTrain, reference: BeatTrain, span: tuple[float, float]
) -> tuple[float, float]:
    """The stretch of the reference, inside ``span``, that a line explains when it is carried on step by step.

    It ends at the borders of parts, and where beats are explained much worse than where it was found: a line whose
    clock was set falls into step with later beats by chance, for a minute or so.
    """
    low, high = next(
        (a, b) for a, b in cuts(fit.line, pulse, reference, *span) if b >= 0.5 * (fit.t0_s + fit.t1_s)
    )
    return (
        _follow(fit, pulse, reference, max(fit.t0_s, low), low),
        _follow(fit, pulse, reference, min(fit.t1_s, high), high),
    )


def as_close(fit: Fit, r: Residuals) -> bool:
    """Residuals are explained about as well as those a line was found by."""
    known = rate(fit.nats[fit.inside])
    off = matched(r)[1]
    return bool(rate(evidence(r)) >= WORSE_RATE * known and off <= max(WORSE_S, WORSE * fit.residual_s))


def rate(nats: Array) -> float:
    """Nats a beat: each residual is half of one."""
    return 2.0 * float(nats.mean()) if nats.size else 0.0


def _follow(fit: Fit, pulse: BeatTrain, reference: BeatTrain, begin_s: float, end_s: float) -> float:
    line = fit.line
    way = 1.0 if end_s > begin_s else -1.0
    at_s = reached_s = begin_s
    missed = 0
    while way * (end_s - at_s) > 0 and missed < STEPS_MISSED and abs(at_s - reached_s) <= MOST_HOLE_S:
        next_s = at_s + way * min(STEP_S, way * (end_s - at_s))
        low, high = min(at_s, next_s), max(at_s, next_s)
        r = _residuals(line, pulse, reference, low, high)
        if r.size >= LEAST_RESIDUALS:
            if as_close(fit, r):
                reached_s, missed = next_s, 0
                past = (high - BACK_S, high) if way > 0 else (low, low + BACK_S)
                known = _residuals(line, pulse, reference, *past)
                line = fit_line(line, known, tolerance_s(known.value_s)) or line
            else:
                missed += 1
        at_s = next_s
    return reached_s


def _residuals(line: Line, pulse: BeatTrain, reference: BeatTrain, t0_s: float, t1_s: float) -> Residuals:
    """Those of a stretch of the reference, from the beats around it only."""
    low, high = line.pulse(np.array([t0_s - EDGE_S, t1_s + EDGE_S])).tolist()
    near = reference.between(t0_s - EDGE_S, t1_s + EDGE_S)
    return residuals(line, pulse.between(low, high), near).between(t0_s, t1_s)


def pieces_of(
    fits: Sequence[tuple[float, float, Fit]],
    pulse: BeatTrain,
    reference: BeatTrain,
    clocks: Sequence[SharedClock] = (),
) -> tuple[Piece, ...]:
    """Pieces of locked stretches (begin, end, line), cut where either device's time may have jumped.

    Args:
        fits: locked stretches.
        pulse, reference: beats of both devices.
        clocks: stretches in which one host stamped both.
    """
    if not fits:
        return ()
    longest = max(fits, key=lambda f: f[2].n_matched)
    made: list[Piece] = []
    for t0_s, t1_s, fit in fits:
        for low, high in cuts(fit.line, pulse, reference, t0_s, t1_s):
            short = high - low < SHORT * (longest[1] - longest[0])
            lean = _Lean(longest[2].line.drift, SAME_CRYSTAL_PPM) if short else _Lean()
            made += _pieces_between(_Both(fit.line, pulse, reference, lean, clocks), low, high)
    return _apart(made)


@dataclass(frozen=True, slots=True)
class _Lean:
    """What a slope leans on: a short stretch on the drift of the longest, the crystals are the same."""

    usual: float = 0.0
    spread_ppm: float = DRIFT_PRIOR_PPM


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """Both devices' beats, a line known between them, what its slope leans on, and where one host stamped both."""

    line: Line
    pulse: BeatTrain
    reference: BeatTrain
    lean: _Lean
    clocks: Sequence[SharedClock] = ()

    def fitted(self, line: Line, r: Residuals, tolerance: float) -> Line | None:
        """:func:`fit_line`, leaning."""
        return fit_line(line, r, tolerance, usual=self.lean.usual, spread_ppm=self.lean.spread_ppm)

    def residuals(self, line: Line, t0_s: float, t1_s: float) -> Residuals:
        """Of a stretch."""
        return _residuals(line, self.pulse, self.reference, t0_s, t1_s)


def cuts(
    line: Line, pulse: BeatTrain, reference: BeatTrain, t0_s: float, t1_s: float
) -> list[tuple[float, float]]:
    """A stretch between the borders of the parts of both devices; a border lies between two beats."""
    borders = [*_borders(reference), *(line.reference(t) for t in _borders(pulse))]
    inside = sorted(t for t in borders if t0_s < t < t1_s)
    return list(zip([t0_s, *inside], [*inside, t1_s], strict=True))


def _borders(beats: BeatTrain) -> list[float]:
    at = np.flatnonzero(np.diff(beats.part))
    return [float(t) for t in 0.5 * (beats.time_s[at] + beats.time_s[at + 1])]


@dataclass(frozen=True, slots=True, eq=False)
class _Local:
    """A local line and its matched pairs as (reference time, lag)."""

    t0_s: float
    t1_s: float
    line: Line
    t_s: Array
    lag_s: Array


def _pieces_between(both: _Both, t0_s: float, t1_s: float) -> list[Piece]:
    """One line where it holds, else lines that bend; each stretch without a hole by itself."""
    found: list[Piece] = []
    for local in _chains(_local_lines(both, t0_s, t1_s)):
        one = _through(both, local)
        if one is None:
            continue
        one, error_ppm = _known_drift(both, one, local)
        ends = [local[0].t0_s, local[-1].t1_s]
        straight = _holds(one, local)
        knots = [(t, one.lag_at(t)) for t in ends] if straight else _knots(local)
        bounds = [error_ppm] if straight else [_error_ppm(part.line, [part]) for part in local]
        for a, b, bound in zip(knots[:-1], knots[1:], bounds, strict=True):
            piece = _piece(both, a, b)
            if piece is not None:
                found.append(replace(piece, drift_error_ppm=bound if np.isfinite(bound) else None))
    return found


def _known_drift(both: _Both, one: Line, local: Sequence[_Local]) -> tuple[Line, float]:
    """A line turned about its beats to the drift that beats and arrivals say together, and its 95 % bound."""
    t_s, lag_s = _pairs(local)
    one, lag_s = refined(
        one, t_s, lag_s, both.reference, usual=both.lean.usual, spread_ppm=both.lean.spread_ppm
    )
    t0_s, t1_s = local[0].t0_s, local[-1].t1_s
    error_ppm = beats_error_ppm(t_s, lag_s - _lag(one, t_s), t1_s - t0_s)
    clock = clock_of(both.clocks, t0_s, t1_s)
    drift_ppm, error_ppm = combined_ppm(one.drift / PPM, error_ppm, clock, t1_s - t0_s)
    middle_s = float(t_s.mean())
    return Line(middle_s, one.lag_at(middle_s), drift_ppm * PPM), error_ppm


def _error_ppm(line: Line, local: Sequence[_Local]) -> float:
    """:func:`beats_error_ppm` of the windows together."""
    t_s, lag_s = _pairs(local)
    return beats_error_ppm(t_s, lag_s - _lag(line, t_s), local[-1].t1_s - local[0].t0_s)


def _local_lines(both: _Both, t0_s: float, t1_s: float) -> list[_Local]:
    """Lines of windows, from the one nearest the known line outwards, each begun with its neighbour's."""
    n = max(1, int(np.ceil((t1_s - t0_s) / LOCAL_S)))
    edges = np.linspace(t0_s, t1_s, n + 1)
    first = int(np.clip(np.searchsorted(edges, both.line.at_s) - 1, 0, n - 1))
    found: dict[int, _Local] = {}
    for order in (range(first, n), range(first - 1, -1, -1)):
        known = found[first].line if first in found else both.line
        for k in order:
            made = _local(both, known, float(edges[k]), float(edges[k + 1]))
            if made is not None:
                found[k], known = made, made.line
    return [found[k] for k in sorted(found)]


def _local(both: _Both, line: Line, t0_s: float, t1_s: float) -> _Local | None:
    for tolerance in (*TOLERANCES_S, None, None):
        r = both.residuals(line, t0_s, t1_s)
        fitted = both.fitted(line, r, tolerance_s(r.value_s) if tolerance is None else tolerance)
        if fitted is None:
            return None
        line = fitted
    r = both.residuals(line, t0_s, t1_s)
    near = np.abs(r.value_s) <= tolerance_s(r.value_s)
    return _Local(t0_s, t1_s, line, r.at_s[near], r.value_s[near] + _lag(line, r.at_s[near]))


def _pairs(local: Sequence[_Local]) -> tuple[Array, Array]:
    """Matched pairs of all windows: (reference time, lag)."""
    return np.concatenate([part.t_s for part in local]), np.concatenate([part.lag_s for part in local])


def _lag(line: Line, t_s: Array) -> Array:
    return np.asarray(line.offset_s + line.drift * (t_s - line.at_s))


def _chains(local: Sequence[_Local]) -> list[list[_Local]]:
    """Windows that touch."""
    chains: list[list[_Local]] = []
    for part in local:
        if chains and chains[-1][-1].t1_s == part.t0_s:
            chains[-1].append(part)
        else:
            chains.append([part])
    return chains


def _through(both: _Both, local: Sequence[_Local]) -> Line | None:
    """One robust line through the pairs of all windows."""
    t, lag = _pairs(local)
    base = max(local, key=lambda part: part.t_s.size).line
    rest = Residuals(
        t, lag - _lag(base, t), np.ones(t.size), np.ones(t.size, np.bool_), np.zeros(t.size, np.int64)
    )
    return both.fitted(base, rest, float("inf"))


def _holds(one: Line, local: Sequence[_Local]) -> bool:
    """No window lies further than :data:`BEND_S` from the line."""
    off = [abs(float(np.median(p.lag_s - _lag(one, p.t_s)))) for p in local if p.t_s.size >= LEAST_RESIDUALS]
    return len(local) == 1 or max(off, default=0.0) <= BEND_S


def _knots(local: Sequence[_Local]) -> list[tuple[float, float]]:
    """A line that bends at the borders of the windows: where two local lines meet, their mean."""
    ends = [(local[0].t0_s, local[0].line.lag_at(local[0].t0_s))]
    for before, after in pairwise(local):
        border_s = before.t1_s
        ends.append((border_s, 0.5 * (before.line.lag_at(border_s) + after.line.lag_at(border_s))))
    ends.append((local[-1].t1_s, local[-1].line.lag_at(local[-1].t1_s)))
    return ends


def _piece(both: _Both, begin: tuple[float, float], end: tuple[float, float]) -> Piece | None:
    """The piece between two (reference time, lag); None where too few beats match, or not closely."""
    (t0_s, lag0_s), (t1_s, lag1_s) = begin, end
    if t1_s <= t0_s:
        return None
    drift = (lag1_s - lag0_s) / (t1_s - t0_s)
    fraction, residual_s, n_beats = matched(both.residuals(Line(t0_s, lag0_s, drift), t0_s, t1_s))
    if n_beats < LEAST_PAIRS or fraction < LEAST_MATCHED or residual_s > MOST_RESIDUAL_S:
        return None
    return Piece(t0_s, t1_s, lag0_s, drift / PPM, 1000.0 * residual_s, fraction, n_beats)


def _apart(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Pieces in order, reaching a little beyond their beats, none into another."""
    ordered = sorted(pieces, key=lambda p: p.t0_s)
    made: list[Piece] = []
    for n, piece in enumerate(ordered):
        before = made[-1].t1_s if made else -np.inf
        after = ordered[n + 1].t0_s if n + 1 < len(ordered) else np.inf
        low = max(piece.t0_s - EDGE_S, before)
        high = min(piece.t1_s + EDGE_S, after)
        if high > low:
            offset_s = piece.offset_s + piece.drift_ppm * PPM * (low - piece.t0_s)
            made.append(replace(piece, t0_s=low, t1_s=high, offset_s=offset_s))
    return tuple(made)
