"""Tracking on real sequences: the first student on ``bcg_finapres``, 23 people of 6 to 8 minutes, windows of 5 s.

``python tests/estimate/tracking_finapres.py FOLDER`` prints the table of decision 0018. The student was trained on
these very people: its errors are too small, and only how width and coverage move says anything.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess
from hemoview.estimate import bundle
from hemoview.estimate.estimator import Body, estimate
from hemoview.estimate.personalise import Anchor, Personalisation
from hemoview.estimate.runner import Runner
from hemoview.estimate.tracking import Tracking
from hemoview.learn.sources import bcg_finapres
from recorder.schema import PARAMETERS, PRESSURES

SECOND_NS = 1_000_000_000
T0_NS = 1_700_000_000 * SECOND_NS
WINDOW_S, ANCHOR_EVERY_S, ANCHOR_WINDOWS, UNSCORED_S = 5.0, 300.0, 6, 60.0
COLUMNS = [PARAMETERS.index(p) for p in PRESSURES]


@dataclass(frozen=True)
class Rows:
    """Windows of one person in order of time.

    Args:
        raw: ``(n, n_samples)`` at ``rate_hz``.
        labels: ``(n, 3)`` of the pressures.
        t_s: ``(n,)`` starts.
    """

    raw: NDArray[np.float64]
    rate_hz: float
    labels: NDArray[np.float64]
    t_s: NDArray[np.float64]


def people(folder: Path) -> list[Rows]:
    """Everybody, by name."""
    data, found = bcg_finapres(folder), []
    for name in sorted(set(data.subject_id.tolist())):
        mine = data.subject_id == name
        raw, labels = data.ppg[mine].astype(float), data.labels[mine][:, COLUMNS].astype(float)
        found.append(Rows(raw, data.sampling_rate_hz, labels, data.t0_s[mine] - data.t0_s[mine][0]))
    return found


def one_person(rows: Rows, runner: Runner, *, tracked: bool, until_s: float) -> NDArray[np.float64]:
    """``(n, 3, 4)`` of pressure -> reference, low, high, end of the window; anchored every 5 min by the reference,
    which streams until ``until_s``.
    """
    tracking, personal, due_s = Tracking(WINDOW_S), Personalisation(), 0.0
    recent: list[tuple[NDArray[np.float64], Mapping[str, float]]] = []
    tracking.reset(valid=True)
    out = np.full((len(rows.t_s), 3, 4), np.nan)
    for i in range(len(rows.t_s)):
        end_s = float(rows.t_s[i]) + WINDOW_S
        wall_ns = T0_NS + round(end_s * SECOND_NS)
        raw, reference = rows.raw[i], rows.labels[i]
        quality = assess(raw, rows.rate_hz, find_ppg_beats(raw, rows.rate_hz))
        if quality.fault is not None:
            continue
        prediction = runner.predict(raw, rows.rate_hz)
        age_s = personal.age_s(wall_ns)
        known = tracking.widenings(wall_ns, personal=age_s is not None, expiry_s=1800.0)
        made = estimate(
            quality,
            prediction,
            runner.card,
            personal,
            body=Body(),
            wall_ns=wall_ns,
            tracked=known if tracked else {},
        )
        for k, p in enumerate(PRESSURES):
            found = made.parameters[p]
            out[i, k] = reference[k], *(np.nan if v is None else v for v in (found.low, found.high)), end_s
        if end_s > until_s or not np.isfinite(reference).all():
            continue
        tracking.shown(wall_ns, made)
        for s in range(int(WINDOW_S)):
            at_ns = wall_ns - round((WINDOW_S - s - 0.5) * SECOND_NS)
            sbp, mean, dbp = reference.tolist()
            tracking.beat(at_ns, PressureBeat(0.0, 100.0, sbp, mean, dbp, 60.0, 0.95))
        recent = [*recent, (reference, prediction.mean)][-ANCHOR_WINDOWS:]
        if len(recent) == ANCHOR_WINDOWS and end_s >= due_s:
            told = dict(zip(PRESSURES, np.median([r for r, _ in recent], axis=0).tolist(), strict=True))
            anchor = Anchor(str(i), wall_ns - 15 * SECOND_NS, "reference", told)
            personal = personal.with_anchor(anchor.with_predictions([m for _, m in recent]))
            due_s = end_s + ANCHOR_EVERY_S
    return out


def judge(real: list[Rows], runner: Runner, *, tracked: bool, half: bool) -> list[str]:
    """Per pressure "mean coverage / tenth-percentile person / mean width", of the windows after the first minute, or
    (``half``) after the reference was pulled out half-way.
    """
    scores: list[list[tuple[float, float]]] = [[], [], []]
    for mine in real:
        until_s = float(mine.t_s[-1]) / 2 if half else np.inf
        found = one_person(mine, runner, tracked=tracked, until_s=until_s)
        for k in range(3):
            true, low, high, end_s = found[:, k].T
            use = np.isfinite(low) & np.isfinite(true) & (end_s > (until_s if half else UNSCORED_S))
            if use.any():
                covered = (low <= true) & (true <= high)
                scores[k].append((float(covered[use].mean()), float((high - low)[use].mean())))
    return [
        f"{p} {np.mean([c for c, _ in s]):.3f} / {np.quantile([c for c, _ in s], 0.1):.3f} / "
        f"{np.mean([w for _, w in s]):.1f} ({len(s)} people)"
        for p, s in zip(PRESSURES, scores, strict=True)
    ]


if __name__ == "__main__":
    real = people(Path(sys.argv[1]))
    student = Runner(bundle.load(Path("models_bin/lsm2oe-student-0.2.1")))
    for half in (False, True):
        for tracked in (False, True):
            when = "reference pulled out half-way" if half else "reference streams"
            print(
                when,
                "tracked" if tracked else "card",
                *judge(real, student, tracked=tracked, half=half),
                sep=" | ",
            )
