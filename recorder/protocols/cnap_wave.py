"""``…_waveform.csv`` of a CNAP monitor's stick: pressure at 100 Hz. Facts: devices.md §D.2."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

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
    SIMULATED,
    TIME,
    TWICE,
    Lines,
    NotCnap,
    lines_of,
    number,
    refuse_if_begun_again,
    refuse_if_hardly_any,
)

PRESSURE: Final = "Pressure [mmHg]"
RATE_HZ: Final = 100.0
_PLAIN: Final = b"0123456789.+- \n"


@dataclass(frozen=True, slots=True, eq=False)
class CnapWave:
    """Rows of the file, in order of time.

    Args:
        sample_no: ``(n,)`` rising; row ``i`` is at ``sample_no[i] / RATE_HZ`` s from the start of the recording.
        mmhg: ``(n,)`` as the file has it; 0.00 where the finger cuff is off or changes fingers.
        n_rows: rows below the header.
        rejected: reason → rows left out.
        simulated: the file says of itself that it is of the virtual bedside.
    """

    sample_no: NDArray[np.int64]
    mmhg: NDArray[np.float64]
    n_rows: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    simulated: bool = False


def parse_wave(octets: bytes) -> CnapWave:
    """Octets in, wave out. A row that is cut off or no number is left out and counted.

    Raises:
        NotCnap: the header is another's, or hardly a row can be read.
    """
    lines = lines_of(octets)
    places = (lines.need(TIME), lines.need(PRESSURE))
    rejected: Counter[str] = Counter({CUT_OFF: lines.n_cut} if lines.n_cut else {})
    parts, n_rows = [np.empty((0, 2))], lines.n_cut
    for body in lines.parts():
        n_rows += len(body)
        if body:
            parts.append(_rows(lines, body, places, rejected))
    rows = np.concatenate(parts)
    refuse_if_hardly_any(len(rows), n_rows, least=2)
    step_s = float(np.median(np.abs(np.diff(rows[:, 0]))))
    if not math.isclose(step_s, 1 / RATE_HZ, rel_tol=0.1):
        raise NotCnap(f"its rows are {step_s:g} s apart instead of {1 / RATE_HZ:g}")
    numbers = np.rint(rows[:, 0] * RATE_HZ).astype(np.int64)
    sample_no, first = np.unique(numbers, return_index=True)
    if len(sample_no) < len(numbers):
        rejected[TWICE] += len(numbers) - len(sample_no)
        _refuse_two(numbers, rows[:, 1], rows[first, 1], sample_no)
    return CnapWave(sample_no, rows[first, 1], n_rows, dict(rejected), lines.place(SIMULATED) is not None)


def _refuse_two(
    numbers: NDArray[np.int64], mmhg: NDArray[np.float64], first: NDArray[np.float64], kept: NDArray[np.int64]
) -> None:
    """Raises NotCnap where the times begin again with other pressures: a copy in the file is left out and counted,
    another recording is not the rest of this one.
    """
    if (mmhg != first[np.searchsorted(kept, numbers)]).sum() > (len(numbers) - len(kept)) / 2:
        refuse_if_begun_again(numbers / RATE_HZ)


def _rows(
    lines: Lines, body: list[str], places: tuple[int, int], rejected: Counter[str]
) -> NDArray[np.float64]:
    """``(n, 2)`` of time and pressure; rows are read one by one only where some of these are not as they should be."""
    found = _at_once(lines, body)
    if found is not None:
        rows = found[:, list(places)]
        in_time = (rows[:, 0] >= 0) & (rows[:, 0] <= MAX_S)
        in_range = np.abs(rows[:, 1]) <= MAX_MMHG
        _count(rejected, {NO_TIME: int((~in_time).sum()), RANGE: int((in_time & ~in_range).sum())})
        return rows[in_time & in_range]
    kept: list[tuple[float, float]] = []
    for line in body:
        row = _row(lines, line, places)
        if isinstance(row, str):
            rejected[row] += 1
        else:
            kept.append(row)
    return np.array(kept, np.float64).reshape(-1, 2)


def _at_once(lines: Lines, body: list[str]) -> NDArray[np.float64] | None:
    """All fields of regular lines of plain numbers ``(n, columns)``; None where one is not."""
    octets = "\n".join(body).encode("ascii", "replace") + b"\n"
    trailing = lines.width > len(lines.names)
    if any(empty in octets for empty in (b";;", b"\n;", b"; ")) or octets.startswith(b";"):
        return None  # the fields of one line could stand for those of the next
    if octets.count(b";\n") != (len(body) if trailing else 0):
        return None
    each = np.frombuffer(octets, np.uint8)
    separators = np.cumsum(each == ord(";"))[each == ord("\n")]
    if (np.diff(separators, prepend=0) != lines.width - 1).any():
        return None
    octets = octets.replace(b",", b".").replace(b";", b" ")
    if octets.translate(None, _PLAIN):
        return None
    try:
        flat = np.array(octets.split(), np.float64)
    except ValueError:
        return None
    return flat.reshape(len(body), -1) if flat.size == len(body) * len(lines.names) else None


def _row(lines: Lines, line: str, places: tuple[int, int]) -> tuple[float, float] | str:
    """Time and pressure. Without the last ``;`` the row was cut off, and a number may have lost its end."""
    parts = lines.fields(line)
    if parts is None:
        return FIELDS
    t_s, mmhg = (number(parts[place]) for place in places)
    if t_s is not None and not 0 <= t_s <= MAX_S:
        return NO_TIME
    if t_s is None or mmhg is None:
        return NO_NUMBER
    return (t_s, mmhg) if abs(mmhg) <= MAX_MMHG else RANGE


def _count(rejected: Counter[str], found: Mapping[str, int]) -> None:
    rejected.update({reason: n for reason, n in found.items() if n})
