"""What is judged: labelled windows, what was estimated of them, and which of them count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate.metrics.subjects import F64, Codes, Flags, codes_of, thin, times
from hemoview.estimate.personalise import AFTER_S, BEFORE_S, LEAST_WINDOWS, around
from recorder.schema import PARAMETERS

PAUSE_S: Final = 30.0
"""After the calibration points this much is not scored either (evaluation.md 4)."""
SUGGESTED: Final = "suggested"
"""Beginning of the reference kind of a label that a model proposed; such labels are not scored (evaluation.md 1)."""
ALIVE: Final = ""
"""Reason of a value that was given."""

Texts = NDArray[np.str_]
_COLUMNS: Final = ("subject", "hr_per_min", "reference_kind", "origin", "rhythm", "cvp_mmhg")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Labelled windows, in time order within a subject where ``t_s`` is not known.

    Args:
        subject: ``(n,)`` pseudonyms.
        t_s: ``(n,)`` start of the window in its subject's recording, NaN = not known.
        labels: ``(n, 10)`` in the order of :data:`recorder.schema.PARAMETERS`, NaN = missing.
        window_s: length of a window.
        hr_per_min: ``(n,)`` counted from the beats of the pulse wave, NaN = not known; what the heart-rate baselines
            see, never the label.
        demographics: ``(n, 4)`` age in years, sex (0 female, 1 male), height in cm, weight in kg; NaN = not known.
        reference_kind, origin, rhythm: ``(n,)`` text, empty = not known.
        cvp_mmhg: ``(n,)`` central venous pressure, NaN = not known.
        hop_s: between windows whose time is not known; None = ``window_s``.
        subject_known: False where no subjects are known and every row counts as its own.
        good: ``(n,)`` windows that a calibration point may be compared with; None = all.
    """

    subject: Texts
    t_s: F64
    labels: F64
    window_s: float
    hr_per_min: F64
    demographics: F64
    reference_kind: Texts
    origin: Texts
    rhythm: Texts
    cvp_mmhg: F64
    hop_s: float | None = None
    subject_known: bool = True
    good: Flags | None = None
    names: list[str] = field(init=False)
    code: Codes = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.subject)
        wanted: Mapping[str, tuple[int, ...]] = {
            "labels": (n, len(PARAMETERS)),
            "demographics": (n, 4),
            **dict.fromkeys((*_COLUMNS[1:], "t_s"), (n,)),
            **({} if self.good is None else {"good": (n,)}),
        }
        for name, shape in wanted.items():
            if (has := getattr(self, name).shape) != shape:
                raise ValueError(f"rows: {name} has shape {has}, {n} rows need {shape}")
        names, code = codes_of(self.subject)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "t_s", times(code, self.t_s, self.hop_s or self.window_s))

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, chosen: Flags | Codes) -> Self:
        """The chosen rows, in the order chosen."""
        columns = [*_COLUMNS, "t_s", "labels", "demographics", *(() if self.good is None else ("good",))]
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})

    def column(self, parameter: str) -> F64:
        """Labels of one parameter."""
        return np.asarray(self.labels[:, PARAMETERS.index(parameter)], np.float64)

    @property
    def simulated(self) -> bool:
        """Some row comes from the physiology model."""
        return bool((self.origin == "simulated").any())


def rows_of(
    subject: Texts,
    labels: F64,
    window_s: float,
    *,
    t_s: F64 | None = None,
    hr_per_min: F64 | None = None,
    demographics: F64 | None = None,
    reference_kind: str | Texts = "",
    origin: str | Texts = "",
    rhythm: str | Texts = "",
    cvp_mmhg: F64 | None = None,
    hop_s: float | None = None,
    subject_known: bool = True,
    good: Flags | None = None,
) -> Rows:
    """:class:`Rows` with everything that is not given not known."""
    n = len(subject)
    unknown = np.full(n, np.nan)

    def texts(value: str | Texts) -> Texts:
        return np.full(n, value) if isinstance(value, str) else np.asarray(value).astype(str)

    return Rows(
        np.asarray(subject).astype(str),
        unknown if t_s is None else np.asarray(t_s, np.float64),
        np.asarray(labels, np.float64),
        window_s,
        unknown if hr_per_min is None else np.asarray(hr_per_min, np.float64),
        np.full((n, 4), np.nan) if demographics is None else np.asarray(demographics, np.float64),
        texts(reference_kind),
        texts(origin),
        texts(rhythm),
        unknown if cvp_mmhg is None else np.asarray(cvp_mmhg, np.float64),
        hop_s,
        subject_known,
        good,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What was estimated, in the order and units of :data:`recorder.schema.PARAMETERS`.

    Args:
        mean, q05, q95: ``(n, 10)``; NaN where no value, or no interval, is given.
        reason: ``(n, 10)`` why there is no value, empty where there is one; ``simulated`` = a value that claims nothing
            about people.
    """

    mean: F64
    q05: F64
    q95: F64
    reason: Texts

    def __post_init__(self) -> None:
        shape = (len(self.mean), len(PARAMETERS))
        for name in ("mean", "q05", "q95", "reason"):
            if (has := getattr(self, name).shape) != shape:
                raise ValueError(f"predictions: {name} has shape {has}, needs {shape}")

    def take(self, chosen: Flags | Codes) -> Self:
        """The chosen rows, in the order chosen."""
        return replace(self, **{n: getattr(self, n)[chosen] for n in ("mean", "q05", "q95", "reason")})


def predictions_of(mean: F64, q05: F64 | None = None, q95: F64 | None = None) -> Predictions:
    """Predictions of plain arrays; a value that is no finite number counts as not given."""
    none = np.full(mean.shape, np.nan)
    reason = np.where(np.isfinite(mean), ALIVE, "no-value")
    return Predictions(
        np.where(np.isfinite(mean), mean, np.nan),
        none if q05 is None else np.asarray(q05, np.float64),
        none if q95 is None else np.asarray(q95, np.float64),
        reason,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which rows calibrate and which are scored.

    Args:
        k: calibration points asked for; 0 = none.
        kept: ``(n,)`` rows that overlap no other that is kept.
        points: ``(n,)`` rows that calibrate.
        scored: ``(n,)`` rows that may be scored.
        age_s: ``(n,)`` from the end of the last point to the end of the row's window; NaN where not calibrated.
        n_suggested: rows whose labels a model had suggested, left out.
        n_subjects_short: subjects with fewer than ``k`` labelled windows, left out.
    """

    k: int
    kept: Flags
    points: Flags
    scored: Flags
    age_s: F64
    n_suggested: int = 0
    n_subjects_short: int = 0


def plan(rows: Rows, k: int = 0, pause_s: float = PAUSE_S) -> Plan:
    """Thin overlapping windows, take the first ``k`` labelled windows of every subject, and leave out what is before
    the last of them and the pause after.

    A window with any label is a point, for the parameters it has. One around which the pulse is too poor to be
    compared with is none: at the bedside such a reading personalises nothing, and is taken again.
    """
    suggested = np.char.startswith(rows.reference_kind, SUGGESTED)
    usable = np.isfinite(rows.labels).any(axis=1) & ~suggested
    kept = np.zeros(len(rows), bool)
    index = np.flatnonzero(usable)
    kept[index] = thin(rows.code[index], rows.t_s[index], rows.window_s)
    points, scored = np.zeros(len(rows), bool), kept.copy()
    age_s, short = np.full(len(rows), np.nan), 0
    for number in range(len(rows.names) if k else 0):
        mine = np.flatnonzero(kept & (rows.code == number))
        mine = mine[np.argsort(rows.t_s[mine], kind="stable")]
        scored[mine] = False
        chosen = _first_readings(rows, mine, k)
        if len(mine) <= k or len(chosen) < k:
            short += 1
            continue
        points[chosen] = True
        age = rows.t_s[mine] - rows.t_s[chosen[-1]]
        later = age >= rows.window_s + pause_s - 1e-6
        scored[mine[later]] = True
        age_s[mine[later]] = age[later]
    return Plan(k, kept, points, scored, age_s, int(suggested.sum()), short)


def windows_around(rows: Rows, mine: Codes, row: int) -> list[int]:
    """The rows of ``mine``, of one subject in order of time, that a reading at the end of ``row`` is compared with."""
    end_ns = np.round((rows.t_s[mine] + rows.window_s) * 1e9).astype(np.int64)
    wall_ns = round((float(rows.t_s[row]) + rows.window_s) * 1e9)
    first = int(np.searchsorted(end_ns, wall_ns - round((BEFORE_S + 1) * 1e9)))
    last = int(np.searchsorted(end_ns, wall_ns + round((AFTER_S + 1) * 1e9)))
    return around(wall_ns, zip(end_ns[first:last].tolist(), mine[first:last].tolist(), strict=True))


def in_time(rows: Rows, number: int) -> Codes:
    """Every row of a subject in order of time."""
    mine = np.flatnonzero(rows.code == number)
    return np.asarray(mine[np.argsort(rows.t_s[mine], kind="stable")])


def _first_readings(rows: Rows, mine: Codes, k: int) -> Codes:
    """The first ``k`` of ``mine`` that can be compared with what a model says."""
    if rows.good is None or not len(mine):
        return mine[:k]
    everything = in_time(rows, int(rows.code[mine[0]]))
    found: list[int] = []
    for row in mine.tolist():
        there = windows_around(rows, everything, row)
        if len(found) < k and rows.good[there].sum() >= min(LEAST_WINDOWS, len(there)):
            found.append(row)
    return np.array(found, np.int64)
