"""The pressure wave of a CNAP monitor's stick as a steady grid, for the calibration of an ADC against it.

The file itself is read by :mod:`recorder.protocols.cnap_wave`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.sources.cnap_names import octets_of, start_of
from recorder.protocols.cnap_csv import MAX_MMHG, NotCnap
from recorder.protocols.cnap_wave import RATE_HZ, parse_wave

__all__ = ["MAX_MMHG", "RATE_HZ", "CnapWaveform", "NotCnap", "parse", "read", "start_of"]

_CHOOSE: Final = "choose a ..._waveform.csv of the monitor's stick"


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
    return octets_of(path, lambda octets: parse(octets, starts=start_of(path.name)), _CHOOSE)


def parse(octets: bytes, *, starts: datetime | None = None) -> CnapWaveform:
    """Bytes in, wave out. A row that is cut off or no number is left out and counted.

    Raises:
        NotCnap: the header is another's, or hardly a row can be read.
    """
    wave = parse_wave(octets)
    first = int(wave.sample_no[0])
    grid = np.full(int(wave.sample_no[-1]) - first + 1, np.nan)
    grid[wave.sample_no - first] = np.where(wave.mmhg == 0.0, np.nan, wave.mmhg)
    return CnapWaveform(grid, first / RATE_HZ, sum(wave.rejected.values()), starts)
