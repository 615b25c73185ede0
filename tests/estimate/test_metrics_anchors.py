"""A calibration point offline is what it is at the bedside: same windows, same median, same offset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from known_people import DBP, MAP, SBP, follows, people

from hemoview.edge.anchoring import Anchoring
from hemoview.estimate.metrics import anchors as metrics_anchors
from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics.rows import Predictions, Rows, plan, rows_of
from hemoview.estimate.metrics.subjects import Spread
from hemoview.estimate.personalise import LEAST_WINDOWS, around

NOON_NS = 1_700_000_000_000_000_000


def recorded(n_subjects: int = 12, n: int = 30, seed: int = 3) -> Rows:
    """Windows of 5 s with holes between them, some of them refused by the gate."""
    rng = np.random.default_rng(seed)
    made = people(n_subjects, n, seed=seed)
    steps = rng.choice([5.0, 5.0, 5.0, 10.0, 40.0], (n_subjects, n))
    t_s = (np.cumsum(steps, axis=1) - steps[:, :1]).ravel()
    good = rng.random(len(made)) < 0.7
    return rows_of(made.subject, made.labels, 5.0, t_s=t_s, good=good)


def lived_through(rows: Rows, raw: Predictions, number: int, k: int) -> Anchoring:
    """What the bedside's anchors hold when somebody has typed in the readings of the first points, afterwards."""
    live, points = Anchoring("cuff"), plan(rows, k).points
    mine = np.flatnonzero(rows.code == number)
    ends_ns = {int(row): NOON_NS + round((float(rows.t_s[row]) + 5.0) * 1e9) for row in mine}
    for row, end_ns in ends_ns.items():
        if rows.good is not None and rows.good[row]:
            said = {p: float(raw.mean[row, c]) for p, c in (("SBP", SBP), ("MAP", MAP), ("DBP", DBP))}
            live.predicted(end_ns, said)
    for row in mine[points[mine]].tolist():
        reading: dict[str, Any] = {"measured_at_ns": ends_ns[row], "map_mmhg": rows.labels[row, MAP]}
        reading |= {"sbp_mmhg": rows.labels[row, SBP], "dbp_mmhg": rows.labels[row, DBP]}
        live.cuff(f"cuff-{row}", reading)
    return live


@pytest.mark.parametrize("k", [1, 3, 5])
def test_live_and_offline_give_the_same_offset(k: int) -> None:
    rows = recorded()
    raw = follows(rows)
    offline = metrics_cross.offsets(rows, raw, plan(rows, k))
    gap = metrics_anchors.gaps(len(rows), metrics_cross.compared(rows, raw, plan(rows, k)))
    judged = 0
    for number in range(len(rows.names)):
        live, points = lived_through(rows, raw, number, k), plan(rows, k).points & (rows.code == number)
        usable = [a for a in live.personal.anchors if a.usable]
        if points.any() and len(usable) == k:
            others = np.isfinite(gap[:, SBP]) & (rows.code != number)
            kappa = Spread.of(rows.code[others], gap[others, SBP]).kappa
            assert offline[rows.code == number, SBP] == pytest.approx(live.personal.offset("SBP", kappa))
            judged += 1
    assert judged >= 6


def test_a_reading_the_pulse_is_too_poor_for_is_taken_again() -> None:
    made = people(3, 20, step_s=5.0)
    good = np.ones(60, bool)
    good[:6] = False  # the first half minute of s000
    rows = rows_of(made.subject, made.labels, 5.0, t_s=made.t_s, good=good)
    schedule = plan(rows, 1)
    assert np.flatnonzero(schedule.points).tolist() == [5, 20, 40]
    assert rows.t_s[schedule.scored & (rows.code == 0)].min() == pytest.approx(25 + 5 + 30)
    assert metrics_cross.offsets(rows, follows(rows), schedule)[:20, SBP].any()
    silent = rows_of(made.subject, made.labels, 5.0, t_s=made.t_s, good=np.arange(60) >= 20)
    assert plan(silent, 1).n_subjects_short == 1 and not plan(silent, 1).scored[:20].any()


def test_a_set_with_fewer_windows_than_the_bedside_has_uses_what_it_has() -> None:
    rows = people(4, 10, step_s=100.0)
    raw = follows(rows)
    found = metrics_cross.compared(rows, raw, plan(rows, 1))
    assert len(found) == 40 and found[3].predicted["SBP"] == pytest.approx(raw.mean[3, SBP])
    told = [(0, 1.0), (1, 2.0)]
    assert around(0, told) == [1.0, 2.0] and len(told) < LEAST_WINDOWS


def test_a_reading_without_a_mean_gets_the_one_of_the_estimates_form_only_where_it_has_both_others() -> None:
    rows = people(2, 10, step_s=5.0)
    labels = rows.labels.copy()
    labels[0, MAP] = np.nan
    labels[1, [MAP, DBP]] = np.nan
    again = rows_of(rows.subject, labels, 10.0, t_s=rows.t_s)
    raw = follows(rows)
    found = metrics_cross.compared(again, raw, plan(again, 1))
    p = found[0].predicted
    form = (p["MAP"] - p["DBP"]) / (p["SBP"] - p["DBP"])
    wanted = labels[0, DBP] + form * (labels[0, SBP] - labels[0, DBP])
    assert found[0].reference["MAP"] == pytest.approx(wanted)
    assert 1 not in found or "MAP" not in found[1].reference
