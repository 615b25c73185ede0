"""Agreement of two raters: worked examples from the literature, and what must hold for any two raters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.labels.raters.agreement import Rules, agreement, common_spans
from hemoview.labels.raters.agreement_kappa import (
    ONE_CATEGORY,
    TOO_FEW,
    kappa_of_grid,
    kappa_of_table,
    kappa_terms,
    kappa_value,
    pooled_kappa,
)
from hemoview.labels.raters.agreement_match import match_instants, match_spans, maximum_matching

COHEN_1968 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
FLEISS_1981 = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
SAS_DERMATOLOGISTS = [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]
ORDER = ("bad", "fair", "good")


@dataclass(frozen=True)
class Mark:
    kind: str
    t0_s: float
    t1_s: float
    label: str


def test_kappa_of_cohen_1968() -> None:
    found = kappa_of_table(COHEN_1968)
    assert found.observed == pytest.approx(0.70)
    assert found.expected == pytest.approx(0.41)
    assert found.value == pytest.approx(0.492, abs=5e-4)


def test_kappa_and_standard_error_of_fleiss_1981() -> None:
    """Statistical Methods for Rates and Proportions, table 13.1: 0.68 with a standard error of 0.087."""
    found = kappa_of_table(FLEISS_1981)
    assert found.value == pytest.approx(0.68, abs=5e-3)
    assert found.ci95 is not None
    assert (found.ci95[1] - found.ci95[0]) / (2 * 1.96) == pytest.approx(0.087, abs=1e-3)


def test_weighted_kappa_and_intervals_of_the_sas_dermatologists() -> None:
    """SAS/STAT, PROC FREQ, "Cohen's kappa coefficient": 0.3449 (0.2030 to 0.4868), 0.5082 (0.3798 to 0.6366)."""
    simple, linear = kappa_of_table(SAS_DERMATOLOGISTS), kappa_of_table(SAS_DERMATOLOGISTS, "linear")
    assert simple.value == pytest.approx(0.3449, abs=5e-5)
    assert simple.ci95 == pytest.approx((0.2030, 0.4868), abs=1e-4)
    assert linear.value == pytest.approx(0.5082, abs=5e-5)
    assert linear.ci95 == pytest.approx((0.3798, 0.6366), abs=1e-4)


tables = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3)


@given(tables, st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_is_symmetric_and_blind_to_the_names_of_the_labels(counts: list[list[int]], kind: str) -> None:
    table = np.array(counts, float)
    here, swapped = kappa_of_table(table, kind, least=1), kappa_of_table(table.T, kind, least=1)
    assert here.why == swapped.why
    assert here.value == pytest.approx(swapped.value, nan_ok=True)
    assert here.value is None or -1.0 - 1e-9 <= here.value <= 1.0 + 1e-9
    orders = permutations(range(3)) if kind == "none" else [(2, 1, 0)]  # ranks may only be turned round
    for order in orders:
        renamed = kappa_of_table(table[np.ix_(order, order)], kind, least=1)
        assert renamed.value == pytest.approx(here.value)
        assert renamed.ci95 == pytest.approx(here.ci95, abs=1e-6)


@given(st.lists(st.integers(0, 30), min_size=3, max_size=3))
def test_kappa_of_a_rater_with_himself_is_one(diagonal: list[int]) -> None:
    found = kappa_of_table(np.diag(diagonal), least=1)
    if np.count_nonzero(diagonal) > 1:
        assert found.value == pytest.approx(1.0)
        assert found.ci95 == pytest.approx((1.0, 1.0))
    else:
        assert found.value is None
        assert found.why in (TOO_FEW, ONE_CATEGORY)


def test_pooled_kappa_is_of_the_mean_agreements() -> None:
    """De Vries 2008: not the mean of the kappas, which one rare label would rule."""
    common, rare = np.array([[[40, 10], [10, 40]]], float), np.array([[[97, 1], [2, 0]]], float)
    pooled = pooled_kappa([common, rare])
    terms = np.mean([kappa_terms(t[0]) for t in (common, rare)], axis=0)
    assert pooled.value == pytest.approx(kappa_value(*terms))
    assert pooled_kappa([common, common]).value == pytest.approx(kappa_of_grid(common).value)


def test_the_interval_of_a_grid_does_not_shrink_with_a_finer_step() -> None:
    """Ten steps in place of one are not ten times the evidence."""
    random = np.random.default_rng(1)
    coarse = random.integers(0, 12, (40, 2, 2)).astype(float)
    wide, fine = kappa_of_grid(coarse), kappa_of_grid(coarse * 10)
    assert wide.value == pytest.approx(fine.value)
    assert wide.ci95 == pytest.approx(fine.ci95)


def test_too_little_is_said_and_not_counted() -> None:
    assert kappa_of_table([[3, 1], [1, 3]]).why == TOO_FEW
    assert kappa_of_table([[90, 0], [0, 0]]).why == ONE_CATEGORY
    few = agreement([Mark("span", 1, 2, "motion")], [Mark("span", 1, 2, "motion")], [(0.0, 600.0)])
    assert few.to_dict()["spans"]["pooled"]["f1"]["0.5"] == {
        "f1": None,
        "n_a": 1,
        "n_b": 1,
        "n_matched": 1,
        "why": TOO_FEW,
        "n_needed": 5,
    }


def test_no_interval_where_the_stretches_are_few() -> None:
    found = kappa_of_grid(np.array([[[30, 4], [6, 20]]] * 3, float))
    assert found.value is not None
    assert found.ci95 is None


times = st.floats(0, 500, allow_nan=False).map(lambda t: round(t, 2))
spans = st.lists(st.tuples(times, times).map(lambda p: (min(p), max(p) + 0.5)), max_size=14)


@given(spans, spans, st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]))
def test_span_matching_is_one_to_one_symmetric_and_largest(
    a: list[tuple[float, float]], b: list[tuple[float, float]], least: float
) -> None:
    pairs = match_spans(a, b, least)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert len(match_spans(b, a, least)) == len(pairs)
    assert len(match_spans(a, a, least)) == len(a)
    assert len(match_spans(a, b, min(1.0, least + 0.05))) <= len(pairs)


@given(st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), max_size=6))
def test_matching_is_as_large_as_by_trying_everything(edges: list[list[int]]) -> None:
    def most(left: int, taken: frozenset[int]) -> int:
        if left == len(edges):
            return 0
        return max(
            most(left + 1, taken),
            *(1 + most(left + 1, taken | {j}) for j in edges[left] if j not in taken),
            0,
        )

    assert len(maximum_matching(edges, 6)) == most(0, frozenset())


@given(st.lists(times, max_size=8), st.lists(times, max_size=8), st.floats(0.01, 60))
def test_instants_match_as_many_as_any_matching_could(
    a: list[float], b: list[float], within_s: float
) -> None:
    edges = [[j for j, y in enumerate(b) if abs(y - x) <= within_s] for x in a]
    assert len(match_instants(a, b, within_s)) == len(maximum_matching(edges, len(b)))


def test_ten_thousand_chained_spans_are_matched() -> None:
    """Each overlaps two of the other rater's: the matching must neither recurse too deep nor leave one out."""
    a = [(2.0 * i, 2.0 * i + 2.0) for i in range(10_000)]
    b = [(2.0 * i + 1.0, 2.0 * i + 3.0) for i in range(10_000)]
    assert len(match_spans(a, b, 0.2)) == 10_000


marks = st.lists(
    st.builds(
        lambda kind, t0, length, label: Mark(kind, t0, t0 if kind == "instant" else t0 + length, label),
        st.sampled_from(["span", "quality", "instant"]),
        times,
        st.floats(0.5, 90),
        st.sampled_from(ORDER),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(marks, marks)
def test_swapping_the_raters_changes_no_figure(a: list[Mark], b: list[Mark]) -> None:
    rules, looked = Rules(quality_order=ORDER), [(0.0, 300.0), (320.0, 600.0)]
    one, other = agreement(a, b, looked, rules).to_dict(), agreement(b, a, looked, rules).to_dict()
    assert _without_sides(one) == _without_sides(other)


def _without_sides(value: object) -> object:
    if isinstance(value, dict):
        n = sorted([value.get("n_a", 0), value.get("n_b", 0)])
        return {"n": n, **{k: _without_sides(v) for k, v in value.items() if k not in ("n_a", "n_b")}}
    return value


@settings(max_examples=40)
@given(marks)
def test_a_rater_agrees_with_himself(a: list[Mark]) -> None:
    found = agreement(a, a, [(0.0, 600.0)], Rules(quality_order=ORDER))
    kappas = [*found.quality.by_label.values(), found.quality.pooled] if found.quality else []
    kappas += [*found.spans.kappa.values(), found.spans.pooled_kappa] if found.spans else []
    assert all(k.value is None or k.value == pytest.approx(1.0) for k in kappas)
    matched = [m for by in found.spans.f1.values() for m in by.values()] if found.spans else []
    matched += [*found.instants.f1.values(), found.instants.pooled] if found.instants else []
    assert all(m.f1 in (None, 1.0) for m in matched)


def test_only_what_both_looked_at_counts() -> None:
    assert common_spans([(0, 10), (8, 20)], [(5, 12), (30, 40)]) == ((5, 12),)
    mine = [Mark("span", float(t), t + 4.0, "motion") for t in range(0, 600, 10)]
    theirs = [m for m in mine if m.t0_s < 300]
    inside = agreement(mine, theirs, [(0.0, 300.0)])
    assert inside.spans is not None
    assert inside.spans.kappa["motion"].value == pytest.approx(1.0)
    with pytest.raises(ValueError, match="both raters"):
        agreement(mine, theirs, [])
