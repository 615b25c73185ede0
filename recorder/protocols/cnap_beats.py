"""``…_beats.csv`` of a CNAP monitor's stick: beats, cuff readings and what the monitor did. Facts: devices.md §D.2."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.cnap_csv import (
    CUT_OFF,
    FIELDS,
    MAX_MMHG,
    MAX_S,
    NO_NUMBER,
    NO_TIME,
    RANGE,
    REPEATED,
    SIMULATED,
    TIME,
    Lines,
    lines_of,
    name_and_unit,
    number,
    refuse_if_begun_again,
    refuse_if_hardly_any,
)

Kind = Literal["calibrated", "entered", "cuff", "finger-changed", "search", "hd-calibrated", "other"]

COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "Beat Sys [mmHg]": ("sbp", "mmHg"),
    "Beat Mean [mmHg]": ("map", "mmHg"),
    "Beat Dia [mmHg]": ("dbp", "mmHg"),
    "Beat HR [bpm]": ("hr", "/min"),
    "CO [l/min]": ("co", "L/min"),
    "CI [l/min/m^2]": ("ci", "L/min/m²"),
    "SV [ml]": ("sv", "mL"),
    "SI [ml/m^2]": ("si", "mL/m²"),
    "SVR [dyn*s/cm^5]": ("svr", "dyn·s/cm⁵"),
    "SVRI [dyn*s*m^2/cm^5]": ("svri", "dyn·s·m²/cm⁵"),
    "PPV [%]": ("ppv", "%"),
    "SVV [%]": ("svv", "%"),
    "NBP Sys [mmHg]": ("nbp_sys", "mmHg"),
    "NBP Dia [mmHg]": ("nbp_dia", "mmHg"),
    "CO cal [l/min]": ("co_cal", "L/min"),
    "Height Offset [cm]": ("height_offset", "cm"),
    "CVP [mmHg]": ("cvp", "mmHg"),
}
"""Header name → channel and its unit, in the order of the file. Sys, Mean, Dia: in that order."""
EVENT: Final = "Event"
RESERVED: Final = frozenset(("quality", "sample_no", "device_time_us", "row_t_host_ns"))
"""Names that no column of a file gets: they mean something else where rows are stored."""
CO_FAMILY: Final = ("co", "ci", "sv", "si", "svr", "svri")
"""What the monitor computes once it knows the patient; without ``HDcal`` it is uncalibrated."""

_KINDS: Final[dict[str, Kind]] = {
    "optimizesignalquality": "search",
    "internal": "cuff",
    "nbpcal": "calibrated",
    "nbpman": "entered",
    "changedfinger": "finger-changed",
    "hdcal": "hd-calibrated",
}
_CUFF: Final = ("nbp_sys", "nbp_dia")
_MOST: Final = dict.fromkeys(("sbp", "map", "dbp", *_CUFF), MAX_MMHG) | {"hr": 400.0}
"""Above these it is no value of a person."""
MAX_WORDS: Final = 80
_IDENTIFYING = re.compile(r"\b(name|id|patient|serial|birth|dob|mrn|case)\b|\bid#", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CnapEvent:
    """A row with a word in ``Event``.

    Args:
        t_s: s from the start of the recording.
        kind: what it means.
        words: as the file has it.
        nbp_sys_mmhg, nbp_dia_mmhg: reading of the arm cuff; None where there is none or it failed.
        failed: the cuff measured, and said that it failed (``-1``).
    """

    t_s: float
    kind: Kind
    words: str
    nbp_sys_mmhg: float | None = None
    nbp_dia_mmhg: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class CnapColumn:
    """One column of numbers: channel name, unit, and what the file calls it."""

    channel: str
    unit: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class CnapBeats:
    """What the file holds, in order of time.

    Args:
        t_s: ``(n,)`` of the rows with a number, s from the start of the recording.
        columns: what they hold; those of the monitor first, then what no rule knows.
        values: ``(n, len(columns))``; NaN = empty, a heart rate of ``-0`` and a cuff reading of ``-1`` too.
        artefact: ``(n,)``; systolic, mean and diastolic of the row cannot be those of a beat.
        events: rows with a word.
        n_rows: rows below the header.
        rejected: reason → rows left out.
        notes: what was odd otherwise, a line each; names no content.
        simulated: the file says of itself that it is of the virtual bedside.
    """

    t_s: NDArray[np.float64]
    columns: tuple[CnapColumn, ...]
    values: NDArray[np.float64]
    artefact: NDArray[np.bool_]
    events: tuple[CnapEvent, ...]
    n_rows: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def column(self, channel: str) -> NDArray[np.float64]:
        """``(n,)`` of a channel; NaN where the file has no such column."""
        names = [column.channel for column in self.columns]
        return self.values[:, names.index(channel)] if channel in names else np.full(len(self.t_s), np.nan)


def parse_beats(octets: bytes) -> CnapBeats:
    """Octets in, beats and events out.

    Raises:
        NotCnap: the header is another's, or hardly a row can be read.
    """
    lines = lines_of(octets)
    time = lines.need(TIME)
    lines.need("Beat Sys [mmHg]")
    known = {
        place: channel for name, (channel, _) in COLUMNS.items() if (place := lines.place(name)) is not None
    }
    event, mark = lines.place(EVENT), lines.place(SIMULATED)
    spare = [p for p in range(len(lines.names)) if p not in known and p not in (time, event, mark)]
    rejected: Counter[str] = Counter({CUT_OFF: lines.n_cut} if lines.n_cut else {})
    rows: list[_Row] = []
    told_before: set[str] = set()
    n_rows = lines.n_cut
    for line in chain.from_iterable(lines.parts()):
        n_rows += 1
        row = _row(lines, line, time, known, event)
        if isinstance(row, str):
            rejected[row] += 1
        elif line in told_before:
            rejected[REPEATED] += 1
        else:
            told_before.add(line)
            rows.append(row)
    refuse_if_hardly_any(len(rows) + rejected[REPEATED], n_rows)
    refuse_if_begun_again(np.array([row.t_s for row in rows]))
    moved = sum(b.t_s < a.t_s for a, b in pairwise(rows))
    rows.sort(key=lambda row: row.t_s)
    extra, spared, notes = _spare_columns(lines, spare, [row.fields for row in rows])
    columns = tuple(CnapColumn(c, _unit(c), lines.names[p]) for p, c in known.items()) + extra
    told = np.hstack([np.array([row.values for row in rows], np.float64).reshape(len(rows), -1), spared])
    values = _without_missing(columns, told)
    kept = np.isfinite(values).any(axis=1)
    if moved:
        one = "1 row stood before an earlier one and was put in order"
        notes.append(one if moved == 1 else f"{moved} rows stood before an earlier one and were put in order")
    return CnapBeats(
        np.array([row.t_s for row in rows])[kept],
        columns,
        values[kept],
        _artefacts(columns, values[kept]),
        tuple(_events(columns, rows, told, values)),
        n_rows,
        dict(+rejected),
        tuple(notes),
        simulated=mark is not None,
    )


def kind_of(words: str) -> Kind:
    """What the monitor means by the word of an event row; their meaning is inferred from their order in real files."""
    return _KINDS.get("".join(words.lower().split()), "other")


class _Row(NamedTuple):
    t_s: float
    values: list[float]
    fields: list[str]
    words: str


def _row(lines: Lines, line: str, time: int, known: Mapping[int, str], event: int | None) -> _Row | str:
    """Time, known numbers, all fields and the word of an event; or why the row is left out."""
    parts = lines.fields(line)
    if parts is None:
        return FIELDS
    t_s = number(parts[time])
    if t_s is None or not 0 <= t_s <= MAX_S:
        return NO_TIME
    values = []
    for place, channel in known.items():
        value = number(parts[place]) if parts[place].strip() else math.nan
        if value is None:
            return NO_NUMBER
        if abs(value) > _MOST.get(channel, math.inf):
            return RANGE
        values.append(value)
    return _Row(t_s, values, parts, "" if event is None else parts[event].strip().strip('"').strip())


def _without_missing(columns: Sequence[CnapColumn], told: NDArray[np.float64]) -> NDArray[np.float64]:
    """A heart rate of ``-0`` and a cuff reading of ``-1`` are no values."""
    values = told.copy()
    for i, column in enumerate(columns):
        if column.channel == "hr":
            values[values[:, i] <= 0, i] = np.nan
        elif column.channel in _CUFF:
            values[values[:, i] < 0, i] = np.nan
    return values


def _artefacts(columns: Sequence[CnapColumn], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    at = {column.channel: values[:, i] for i, column in enumerate(columns)}
    sys, mean, dia = (at.get(channel, np.full(len(values), np.nan)) for channel in ("sbp", "map", "dbp"))
    return np.asarray((sys <= dia) | (mean > sys) | (mean < dia))


def _events(
    columns: Sequence[CnapColumn],
    rows: Sequence[_Row],
    told: NDArray[np.float64],
    values: NDArray[np.float64],
) -> Iterator[CnapEvent]:
    at = {column.channel: i for i, column in enumerate(columns)}
    for i, row in enumerate(rows):
        if row.words:
            pair = [_or_none(values[i, at[channel]]) if channel in at else None for channel in _CUFF]
            failed = any(told[i, at[channel]] < 0 for channel in _CUFF if channel in at)
            yield CnapEvent(row.t_s, kind_of(row.words), row.words[:MAX_WORDS], pair[0], pair[1], failed)


def _spare_columns(
    lines: Lines, spare: Sequence[int], rows: Sequence[Sequence[str]]
) -> tuple[tuple[CnapColumn, ...], NDArray[np.float64], list[str]]:
    """Columns no rule knows: numbers are kept. Words are not, nor what its name says is about the person: an unknown
    column may hold a name.
    """
    columns: list[CnapColumn] = []
    values: list[list[float]] = []
    notes: list[str] = []
    taken = {channel for channel, _ in COLUMNS.values()} | RESERVED
    for place in spare:
        texts = [row[place].strip() for row in rows]
        found = [number(text) if text else math.nan for text in texts]
        n_words, n_told = sum(v is None for v in found), sum(bool(text) for text in texts)
        if _IDENTIFYING.search(lines.names[place].replace("_", " ")):
            notes.append("a column whose name says that it is about the person was left out")
        elif n_words * 2 > n_told:
            notes.append(
                f"a column no rule knows holds words, not numbers, and was left out (column {place + 1})"
            )
        else:
            name, unit = name_and_unit(lines.names[place])
            channel = _slug(name, taken)
            taken.add(channel)
            columns.append(CnapColumn(channel, unit, lines.names[place]))
            values.append([math.nan if v is None else v for v in found])
            if n_words:
                one = f"{channel}: 1 field is no number and was left empty"
                many = f"{channel}: {n_words} fields are no numbers and were left empty"
                notes.append(one if n_words == 1 else many)
    return tuple(columns), np.array(values, np.float64).reshape(len(columns), len(rows)).T, notes


def _slug(name: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "column"
    names = (base if n == 1 else f"{base}_{n}" for n in range(1, len(taken) + 3))
    return next(n for n in names if n not in taken)


def _unit(channel: str) -> str:
    return next(unit for name, unit in COLUMNS.values() if name == channel)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
