"""The files of an Empatica E4 session: bytes in, values out. Facts: devices.md §C. Pure: no file is opened here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class NotE4(ValueError):
    """The text is no such file; the message says why, without naming the file."""


@dataclass(frozen=True, slots=True, eq=False)
class RegularCsv:
    """BVP, ACC, EDA, TEMP, HR: ``start_s`` Unix UTC, ``rate_hz``, ``values`` ``(n, columns)``; bad rows are NaN."""

    start_s: float
    rate_hz: float
    values: Array
    n_bad: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class BeatCsv:
    """IBI: ``start_s`` Unix UTC, ``rows`` ``(n, 2)`` of offset and interval, s."""

    start_s: float
    rows: Array
    n_bad: int = 0


def parse_regular(text: bytes, columns: int) -> RegularCsv | None:
    """A file of regular samples; None if it is empty.

    A row that is no number stays in place as NaN (time goes on); an unfinished last row is dropped.

    Raises:
        NotE4: start or rate row is missing or wrong.
    """
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        return None
    if len(lines) < 2:
        raise NotE4("it ends before the row of the rate")
    start_s, rate_hz = _number(lines[0], "the start time"), _number(lines[1], "the rate")
    if not 0 < rate_hz <= 10_000:
        raise NotE4(f"the rate {rate_hz:g} Hz is out of range")
    rows = lines[2:]
    while rows and not rows[-1].strip():
        rows.pop()
    values, n_bad = _rows(rows, columns)
    if n_bad and np.isnan(values[-1]).any() and not text.endswith(b"\n"):
        return RegularCsv(start_s, rate_hz, values[:-1], n_bad)
    return RegularCsv(start_s, rate_hz, values, n_bad)


def parse_beats(text: bytes) -> BeatCsv | None:
    """The file of beat intervals; None if it is empty. Rows that are no numbers are left out and counted.

    Raises:
        NotE4: the first row is wrong.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    start_s = _number(lines[0], "the start time")
    values, n_bad = _rows(lines[1:], 2)
    good = np.isfinite(values).all(axis=1) & (values[:, 1] > 0)
    return BeatCsv(start_s, values[good], n_bad)


def parse_tags(text: bytes) -> tuple[float, ...]:
    """Button presses, Unix s UTC; lines that are no times are left out."""
    times = (_float(line) for line in text.splitlines())
    return tuple(sorted(t for t in times if math.isfinite(t)))


def _rows(lines: list[bytes], columns: int) -> tuple[Array, int]:
    """``(n, columns)`` and how many rows were bad; the usual case is read at once."""
    try:
        flat = np.array(b" ".join(lines).replace(b",", b" ").split(), dtype=np.float64)
        if flat.size == len(lines) * columns and _regular(lines, columns):
            return flat.reshape(len(lines), columns), 0
    except ValueError:
        pass
    rows = [_row(line, columns) for line in lines]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), columns)
    return values, int(np.isnan(values).any(axis=1).sum())


def _regular(lines: list[bytes], columns: int) -> bool:
    return all(line.count(b",") == columns - 1 for line in lines)


def _row(line: bytes, columns: int) -> list[float]:
    parts = line.split(b",")
    if len(parts) != columns:
        return [math.nan] * columns
    values = [_float(part) for part in parts]
    return values if all(map(math.isfinite, values)) else [math.nan] * columns


def _number(line: bytes, what: str) -> float:
    value = _float(line.split(b",")[0])
    if not math.isfinite(value):
        raise NotE4(f"{what} {line[:40].decode('utf-8', 'replace')!r} is no number")
    return value


def _float(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
