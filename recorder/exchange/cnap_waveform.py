"""The pressure wave that a CNAP monitor writes to its USB stick. Facts: devices.md §D.2.

``CNAP_YYYY-MM-DD_HH-MM-SS_NNN_waveform.csv``: ASCII, ``;`` between fields **and** at the end of each line, columns
found by header name, 100 Hz. When it began stands in its name only: the monitor's local time, no zone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecordingUnreadable

RATE_HZ: Final = 100.0
TIME, PRESSURE = "Time [s]", "Pressure [mmHg]"
MAX_MMHG: Final = 400.0
"""Real files reach about 265 before the monitor has calibrated itself."""
MAX_S: Final = 48 * 3600.0
"""No recording of a stick is longer; a later time is a damaged row, not two days of nothing."""
_BEGIN = re.compile(r"CNAP_(\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})")


class NotCnap(ValueError):
    """The bytes are no such file; the message says why, without naming the file."""


@dataclass(frozen=True, slots=True, eq=False)
class CnapWaveform:
    """The wave on a steady 100 Hz grid.

    Args:
        mmhg: ``(n,)``; NaN where a row is missing or damaged, and where the monitor wrote ``0.00`` (cuff off, finger
            change: it is no pressure).
        t0_s: time of the first sample after the start of the recording, s.
        n_bad: rows that could not be read.
        starts: the monitor's local time at the start of the recording; None if the file's name does not tell.
    """

    mmhg: NDArray[np.float64]
    t0_s: float = 0.0
    n_bad: int = 0
    starts: datetime | None = None


def read(path: Path) -> CnapWaveform:
    """The file at ``path``.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    try:
        return parse(path.read_bytes(), starts=start_of(path.name))
    except OSError as error:
        why = error.strerror or str(error)
        raise RecordingUnreadable(f"{path}: cannot be read ({why}); check the path") from None
    except NotCnap as error:
        raise RecordingUnreadable(
            f"{path}: {error}; choose a ..._waveform.csv of the monitor's stick"
        ) from None


def start_of(name: str) -> datetime | None:
    """When the recording of that name began, local time without zone; None if the name does not tell."""
    found = _BEGIN.search(name)
    try:
        return datetime.strptime(found[1], "%Y-%m-%d_%H-%M-%S") if found else None
    except ValueError:
        return None


def parse(octets: bytes, *, starts: datetime | None = None) -> CnapWaveform:
    """Bytes in, wave out. A row that is cut off or no number is left out and counted.

    Raises:
        NotCnap: the header is another's, or hardly a row can be read.
    """
    header, *lines = octets.decode("utf-8-sig", "replace").splitlines() or [""]
    names = [name.strip().strip('"') for name in header.split(";")]
    for wanted in (TIME, PRESSURE):
        if wanted not in names:
            raise NotCnap(f"it has no column {wanted!r}")
    width, places = len(names), (names.index(TIME), names.index(PRESSURE))
    rows = [_row(line, width, places) for line in lines if line.strip()]
    good = np.array([row for row in rows if row is not None], dtype=np.float64).reshape(-1, 2)
    if len(good) < 2 or len(good) < len(rows) / 2:
        raise NotCnap(f"only {len(good)} of its {len(rows)} rows can be read")
    step_s = float(np.median(np.abs(np.diff(good[:, 0]))))
    if not math.isclose(step_s, 1 / RATE_HZ, rel_tol=0.1):
        raise NotCnap(f"its rows are {step_s:g} s apart instead of {1 / RATE_HZ:g}")
    mmhg, t0_s = _on_grid(good)
    return CnapWaveform(mmhg, t0_s, len(rows) - len(good), starts)


def _row(line: str, width: int, places: tuple[int, int]) -> tuple[float, float] | None:
    """Time and pressure. Without the last ``;`` the row was cut off, and a number may have lost its end."""
    parts = line.split(";")
    if len(parts) != width:
        return None
    try:
        t_s, mmhg = (float(parts[place]) for place in places)
    except ValueError:
        return None
    return (t_s, mmhg) if 0 <= t_s <= MAX_S and abs(mmhg) <= MAX_MMHG else None


def _on_grid(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Every row at its time; what is missing is NaN."""
    places = np.rint(rows[:, 0] * RATE_HZ).astype(np.int64)
    first = int(places.min())
    grid = np.full(int(places.max()) - first + 1, np.nan)
    grid[places - first] = np.where(rows[:, 1] == 0.0, np.nan, rows[:, 1])
    return grid, first / RATE_HZ
