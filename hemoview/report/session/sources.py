"""Where the numbers of a report come from: rows of estimates and of the reference, as far as they count."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hemoview.labels.reference.windows import CO_FAMILY
from hemoview.report.session import numbers
from hemoview.report.session.facts import UNITS
from hemoview.report.session.numbers import F64, Series, Span
from recorder.schema import PARAMETERS, StreamInfo
from recorder.schema.claims import interval_claimed
from recorder.session import Session

_CO_FAMILY: Final = frozenset(PARAMETERS[i] for i in CO_FAMILY)
_BY_REFERENCE: Final = 2
"""Code of ``personalised_by``: the newest point was the reference's (:mod:`hemoview.edge.streams`)."""
_NONE: Final = np.empty(0)
_NO_CODES: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class EstimateRows:
    """The rows of an estimate stream, in order of time."""

    t_s: F64
    columns: dict[str, F64]
    simulated_code: int

    @classmethod
    def of(cls, session: Session, info: StreamInfo, reasons: Sequence[str]) -> EstimateRows:
        """Read from the session."""
        data = session.read(info.stream_id)
        order = np.argsort(data.time_s, kind="stable")
        columns = {c.name: data.values[order, i].astype(np.float64) for i, c in enumerate(info.channels)}
        return cls(
            data.time_s[order], columns, reasons.index("simulated") + 1 if "simulated" in reasons else -1
        )

    @property
    def last_age_s(self) -> float | None:
        """Age of the personalisation of the last estimate that had one."""
        age = self.columns.get("personalisation_age_s", _NONE)
        known = age[np.isfinite(age)]
        return round(float(known[-1]), 1) if known.size else None

    def series(self, card: dict[str, Any], unconfirmed: Sequence[Span]) -> Iterator[tuple[str, Series]]:
        """A value counts with its interval, or tagged as learned from simulation alone; never without either."""
        doubted = numbers.within(self.t_s, unconfirmed)
        told = self.columns.get("personalised_by")
        for parameter in PARAMETERS:
            if parameter not in self.columns:
                continue
            nothing = np.full(len(self.t_s), np.nan)
            value, low, high = (self.columns.get(f"{parameter}{end}", nothing) for end in ("", "_lo", "_hi"))
            why = np.nan_to_num(self.columns.get(f"{parameter}_why", np.zeros(len(value)))).astype(np.int64)
            whole = (why == 0) & np.isfinite(value) & np.isfinite(low) & np.isfinite(high) & ~doubted
            tagged = (why == self.simulated_code) & np.isfinite(value) & ~doubted
            if not interval_claimed(card, parameter):
                whole = np.zeros_like(whole)  # too few real people stand behind it (safety rule 7)
            claimed = bool(whole.any())
            yield (
                parameter,
                Series(
                    self.t_s,
                    np.where(whole | tagged, value, np.nan),
                    np.where(whole, low, np.nan) if claimed else _NONE,
                    np.where(whole, high, np.nan) if claimed else _NONE,
                    np.where(tagged, 0, why),
                    simulated=bool(tagged.any() and not claimed),
                    told=None if told is None else np.asarray(told == _BY_REFERENCE),
                ),
            )


def reasons_of(info: StreamInfo) -> list[str]:
    """Names of the reasons of abstention, by code − 1, as the stream tells them."""
    with contextlib.suppress(ValueError):
        told = json.loads(info.metadata.get("reasons", "[]"))
        if isinstance(told, list):
            return [str(name) for name in told]
    return []


def columns_of(info: StreamInfo) -> dict[str, int]:
    """Parameter → column of a stream of the reference; beats of a pulse wave have none."""
    names = [re.sub(r"_(mmhg|per_min)\Z", "", c.name.lower()) for c in info.channels]
    if info.role == "beats" and not any(c.unit == "mmHg" for c in info.channels):
        return {}
    return {p: names.index(p.lower()) for p in UNITS if p.lower() in names}


@dataclass(frozen=True, slots=True)
class Calibrated:
    """When a reference may be taken for one (safety rule 8).

    Args:
        by_itself: it is a monitor that calibrates itself; ``spans``: when it was calibrated.
        co_since_s: from when on its cardiac output was; inf = never.
    """

    by_itself: bool
    spans: tuple[Span, ...]
    co_since_s: float


def references(
    session: Session,
    given: Sequence[StreamInfo],
    calibration: Calibrated,
    unconfirmed: Sequence[Span],
) -> Iterator[tuple[str, Series]]:
    """The first stream that holds a parameter speaks for it; only while it may be taken for a reference (rule 8)."""
    taken: set[str] = set()
    for info in given:
        wanted = {p: i for p, i in columns_of(info).items() if p not in taken}
        if not wanted:
            continue
        data = session.read(info.stream_id)
        order = np.argsort(data.time_s, kind="stable")
        t_s = data.time_s[order]
        usable = ~numbers.within(t_s, unconfirmed)
        for parameter, column in wanted.items():
            taken.add(parameter)
            valid = usable if parameter == "HR" else usable & numbers.within(t_s, calibration.spans)
            if parameter in _CO_FAMILY and calibration.by_itself and info.role == "reference":
                valid = valid & (t_s >= calibration.co_since_s)
            value = np.where(valid, data.values[order, column].astype(np.float64), np.nan)
            yield parameter, Series(t_s, value, _NONE, _NONE, _NO_CODES)
