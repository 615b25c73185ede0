"""A cohort of made-up people, 60 to calibrate and 60 to test, on which tracking is judged: methods §D.4, own numbers.

``python tests/estimate/tracking_cohort.py [SEED ...]`` prints the table of decision 0018. The pressure of each beat,
the model's error and its drift are drawn; tables, personalisation and tracking are the product's own code.

One hour a person: the reference streams for the first half, then it is pulled out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.estimate.card import Conformal, ConformalTable
from hemoview.estimate.estimator import abstain_all
from hemoview.estimate.personalise import Anchor, Personalisation
from hemoview.estimate.tracking import Tracking
from hemoview.estimate.values import ParameterEstimate

F64 = NDArray[np.float64]
SECOND_NS = 1_000_000_000
T0_NS = 1_700_000_000 * SECOND_NS
STREAMED_S, END_S = 1800, 3600
WINDOW_EVERY_S, ANCHOR_EVERY_S = 5, 300
BETWEEN_SD, WITHIN_SD, DRIFT_SD, SPREAD = 7.0, 4.0, 5.0, 0.4
"""mmHg; ``SPREAD``: people differ in the latter two by a log-normal factor, which no table by age knows."""
MODEL_HALF = 1.645 * WITHIN_SD
KAPPA = (WITHIN_SD**2 + DRIFT_SD**2) / BETWEEN_SD**2
AGES_S = (60.0, 180.0, 390.0, 1800.0)
EXPIRY_S = 1800.0


@dataclass(frozen=True)
class Person:
    """Beats once a second, windows every 5 s.

    Args:
        beats: systolic pressure of each, ``(END_S,)``.
        at_s: ends of the windows, ``(n,)``.
        said: what the model says of each window, ``(n,)``.
        true: what the reference says of each window, ``(n,)``.
    """

    beats: F64
    at_s: NDArray[np.int64]
    said: F64
    true: F64


def walk(rng: np.random.Generator, n: int, tau: float, sd: float) -> F64:
    """A stationary first-order process of ``n`` steps."""
    keep = float(np.exp(-1.0 / tau))
    out, x = np.empty(n), rng.normal(0.0, sd)
    for i, push in enumerate(rng.normal(0.0, sd * np.sqrt(1.0 - keep**2), n)):
        x = out[i] = keep * x + push
    return out


def person(rng: np.random.Generator) -> Person:
    """Level wrong by N(0, 7); drift of about 20 min; error of about 20 s."""
    within, drift = (sd * float(np.exp(rng.normal(0.0, SPREAD))) for sd in (WITHIN_SD, DRIFT_SD))
    beats = 120.0 + rng.normal(0.0, BETWEEN_SD) + walk(rng, END_S, 1200.0, drift)
    at_s = np.arange(10, END_S + 1, WINDOW_EVERY_S)
    true = np.array([np.median(beats[t - 10 : t]) for t in at_s])
    said = 120.0 + walk(rng, len(at_s), 20.0 / WINDOW_EVERY_S, within)
    return Person(beats, at_s, said, true)


def personalised(one: Person) -> list[Personalisation]:
    """The anchors each window has: the reference every 5 min while it streams."""
    personal, out, due = Personalisation(), [], 30
    for t in one.at_s.tolist():
        if due <= t <= STREAMED_S:
            near = (one.at_s > t - 30) & (one.at_s <= t)
            wall_ns = T0_NS + (t - 15) * SECOND_NS
            told, said = float(np.median(one.beats[t - 30 : t])), float(np.median(one.said[near]))
            personal = personal.with_anchor(
                Anchor(str(t), wall_ns, "reference", {"SBP": told}, {"SBP": said})
            )
            due = t + ANCHOR_EVERY_S
        out.append(personal)
    return out


def table_of(people: list[Person]) -> ConformalTable:
    """Cold row and rows by age: the 90 % quantile over rows, people alike."""
    cold: list[float] = []
    aged: dict[float, list[float]] = {age: [] for age in AGES_S}
    for one in people:
        for t, said, true, personal in zip(
            one.at_s.tolist(), one.said, one.true, personalised(one), strict=True
        ):
            cold.append(abs(true - said) - MODEL_HALF)
            age_s = personal.age_s(T0_NS + t * SECOND_NS)
            if age_s is not None and age_s <= EXPIRY_S:
                error = abs(true - said - personal.offset("SBP", KAPPA))
                aged[next(a for a in AGES_S if age_s <= a)].append(error - MODEL_HALF)
    rows = (Conformal(float(np.quantile(s, 0.9)), len(people), age) for age, s in aged.items())
    return ConformalTable(Conformal(float(np.quantile(cold, 0.9)), len(people)), tuple(rows))


def intervals(one: Person, table: ConformalTable, *, anchored: bool, tracked: bool) -> tuple[F64, F64]:
    """Lower and upper end of each window's interval ``(n,)``, given before its reference is; NaN without one."""
    tracking, low, high = Tracking(), np.full(len(one.said), np.nan), np.full(len(one.said), np.nan)
    tracking.reset(valid=True)
    anchors = personalised(one) if anchored else [Personalisation()] * len(one.said)
    told = 0
    for i, t in enumerate(one.at_s.tolist()):
        wall_ns, personal = T0_NS + t * SECOND_NS, anchors[i]
        for s in range(told, min(t, STREAMED_S)):
            tracking.beat(T0_NS + s * SECOND_NS, beat(float(one.beats[s])))
        told = t
        age_s = personal.age_s(wall_ns)
        row = table.at_age(age_s)
        if row is None:
            continue
        value = float(one.said[i]) + (personal.offset("SBP", KAPPA) if age_s is not None else 0.0)
        span = value, value - MODEL_HALF - row.q90, value + MODEL_HALF + row.q90
        known = tracking.widenings(wall_ns, personal=age_s is not None, expiry_s=EXPIRY_S)
        if tracked and "SBP" in known:
            span = known["SBP"].applied(span)
        low[i], high[i] = span[1:]
        shown = replace(abstain_all("starting"), personalisation_age_s=age_s)
        shown = replace(shown, parameters={**shown.parameters, "SBP": ParameterEstimate(*span)})
        tracking.shown(wall_ns, shown)
    return low, high


def beat(sbp: float) -> PressureBeat:
    """A good beat of a second."""
    return PressureBeat(0.0, 100.0, sbp, sbp - 30.0, sbp - 45.0, 60.0, 0.95)


@dataclass(frozen=True)
class Score:
    """Coverage by person: mean, tenth percentile; mean width, mmHg."""

    mean: float
    tenth: float
    width: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} / {self.tenth:.3f} / {self.width:.1f}"


def scored(people: Iterable[Person], spans: Iterable[tuple[F64, F64]], t0_s: float, t1_s: float) -> Score:
    """Of the windows that end within ``(t0_s, t1_s]``."""
    covered, widths = [], []
    for one, (low, high) in zip(people, spans, strict=True):
        rows = (one.at_s > t0_s) & (one.at_s <= t1_s) & np.isfinite(low)
        covered.append(float(((low <= one.true) & (one.true <= high))[rows].mean()))
        widths.append(float((high - low)[rows].mean()))
    return Score(float(np.mean(covered)), float(np.quantile(covered, 0.1)), float(np.mean(widths)))


SPANS_S = {
    "streams": (60, STREAMED_S),
    "off 0-5 min": (STREAMED_S, STREAMED_S + 300),
    "off 5-15 min": (STREAMED_S + 300, STREAMED_S + 900),
    "off 15-25 min": (STREAMED_S + 900, STREAMED_S + 1500),
}


def judge(seed: int, n: int = 60) -> dict[tuple[str, str], Score]:
    """``(way, span) -> score``; a cold interval is only judged while the reference streams."""
    rng = np.random.default_rng(seed)
    table = table_of([person(rng) for _ in range(n)])
    test = [person(rng) for _ in range(n)]
    out = {}
    for way, anchored, tracked in (
        ("cold table", False, False),
        ("cold table, tracked", False, True),
        ("personalised every 5 min", True, False),
        ("personalised every 5 min, tracked", True, True),
    ):
        spans = [intervals(one, table, anchored=anchored, tracked=tracked) for one in test]
        for name, (t0_s, t1_s) in SPANS_S.items():
            out[way, name] = scored(test, spans, t0_s, t1_s)
    return out


if __name__ == "__main__":
    seeds = [int(word) for word in sys.argv[1:]] or [18]
    found = [judge(seed) for seed in seeds]
    print(f"seeds {seeds}: mean coverage / tenth-percentile person / mean width, mean of the seeds")
    for way, name in found[0]:
        every = [(one[way, name].mean, one[way, name].tenth, one[way, name].width) for one in found]
        print(f"{way:36}{name:16}{Score(*np.mean(every, axis=0).tolist())}")
