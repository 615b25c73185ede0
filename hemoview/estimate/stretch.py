"""Intervals of what no network says: flow and resistance by identity, and the heart rate that is counted.

Corners of two or three 90 % intervals are wider than a joint one (decision 0010). Where a card knows by how much, from
people who did not train, half widths are multiplied by that factor: a conformal quantile, by subject, of
``|reference − value| / half width`` (normalised scores: Papadopoulos, Gammerman & Vovk 2008; decision 0038). A card
without such rows means what it meant: corners as they are.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hemoview.estimate.card_checks import NUMBER, check, wrong
from hemoview.estimate.identities import Span

LEAST_SUBJECTS: Final = 9
"""Fewer people have no finite 90 % quantile (methods.md §D.4): such a row is refused, it is left out instead."""
STRETCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "HR": ("HR",),
    "SV": ("SV", "SI"),
    "CO": ("CO", "CI"),
    "SVR": ("SVR", "SVRI"),
}
"""Whose row holds for whom: an index is its quantity over one person's body surface, so its misses are the same."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One row: half widths of the interval times ``factor``.

    Args:
        factor: above 0; below 1 narrows.
        n_subjects: people it was computed from.
        age_s_max: holds up to this personalisation age; None for the cold start.
    """

    factor: float
    n_subjects: int
    age_s_max: float | None = None


@dataclass(frozen=True, slots=True)
class StretchTable:
    """Rows of one quantity: nothing it rests on personalised, and everything, by age, youngest first."""

    cold: Stretch | None = None
    personalised: tuple[Stretch, ...] = ()

    def at_age(self, age_s: float) -> Stretch | None:
        """The row for a personalisation of this age; None = not covered."""
        return next((r for r in self.personalised if r.age_s_max is not None and age_s <= r.age_s_max), None)


def stretched(span: Span, factor: float, least: float = float("-inf")) -> Span:
    """The interval with half widths times ``factor``, never reaching below ``least``; the value stays."""
    value, low, high = span
    return value, min(value, max(least, value - factor * (value - low))), value + factor * (high - value)


def flow_source(learned: Container[str]) -> str:
    """What flow and resistance are computed from where a network gives these parameters."""
    return "SV" if "SV" in learned else "CO"


def parse_tables(value: Mapping[str, Any], learned: Sequence[str], who: str) -> dict[str, StretchTable]:
    """``derived`` of a card; nothing where it has none.

    Args:
        value: the whole card.
        learned: parameters of its network.
        who: named in errors.

    Raises:
        ConfigError: naming the first field that is wrong.
    """
    if "derived" not in value:
        return {}
    given = check(value, "derived", dict, who)
    if strangers := [p for p in given if p not in STRETCHED or p == flow_source(learned)]:
        raise wrong(who, "derived", f"names {', '.join(map(str, strangers))}, which nothing derives")
    return {p: _table(given[p], f"derived.{p}", who) for p in given}


def _table(value: Any, at: str, who: str) -> StretchTable:
    if not isinstance(value, dict):
        raise wrong(who, at, "must be an object")
    listed = value.get("personalised", [])
    if not isinstance(listed, list):
        raise wrong(who, f"{at}.personalised", "must be a list")
    rows = tuple(_row(row, f"{at}.personalised[{i}]", who, aged=True) for i, row in enumerate(listed))
    ages = [row.age_s_max or 0.0 for row in rows]
    if ages != sorted(set(ages)):
        raise wrong(who, f"{at}.personalised", "needs age_s_max in every row, rising")
    cold = value.get("cold")
    return StretchTable(None if cold is None else _row(cold, f"{at}.cold", who, aged=False), rows)


def _row(value: Any, at: str, who: str, *, aged: bool) -> Stretch:
    if not isinstance(value, dict):
        raise wrong(who, at, "must be an object")
    row = Stretch(
        factor=float(check(value, "factor", NUMBER, who, at)),
        n_subjects=check(value, "n_subjects", int, who, at),
        age_s_max=float(check(value, "age_s_max", NUMBER, who, at)) if aged else None,
    )
    if row.factor <= 0:
        raise wrong(who, f"{at}.factor", "must be above 0")
    if row.n_subjects < LEAST_SUBJECTS:
        raise wrong(who, f"{at}.n_subjects", f"must be {LEAST_SUBJECTS} or more; leave the row out instead")
    return row
