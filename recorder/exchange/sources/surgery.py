"""``surgery_ev1000``-style npz: waves with gaps, beside it a table of the monitor's numerics and a few facts."""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources.recording import ROLE_UNITS, Numeric, Recording, RecordingFacts, Role, Signal

_WAVES: Final[dict[str, Role]] = {"ABP": "abp", "PLETH": "bvp", "CVP": "cvp", "ECG_II": "ecg"}
_PARAMETERS: Final = {
    "EV1000/CO": "CO",
    "EV1000/CI": "CI",
    "EV1000/SV": "SV",
    "EV1000/SVI": "SI",
    "EV1000/SVR": "SVR",
    "EV1000/SVRI": "SVRI",
    "EV1000/HR": "HR",
    "EV1000/ART_MBP": "MAP",
    "Intellivue/ABP_SYS": "SBP",
    "Intellivue/ABP_MEAN": "MAP",
    "Intellivue/ABP_DIA": "DBP",
    "Intellivue/HR": "HR",
}
SUFFIX = "_waves.npz"


def read(path: Path) -> Recording:
    """``<id>_waves.npz`` with ``<id>_numerics.csv.gz`` and ``<id>_meta.json`` beside it, where they are.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    arrays = arrays_of(path)
    notes: list[str] = []
    signals: dict[Role, Signal] = {}
    for name, role in _WAVES.items():
        if name in arrays:
            signals[role] = _signal(path, arrays, name, role, notes)
    if not signals:
        raise RecordingUnreadable(f"{path}: holds none of {', '.join(_WAVES)}; choose a file of waves")
    return Recording(
        source="surgery-npz",
        name=path.name,
        signals=signals,
        numerics=_numerics(numerics_file(path)),
        subject=_facts(meta_file(path)),
        notes=tuple(notes),
    )


def numerics_file(path: Path) -> Path:
    """Where the numerics of a file of waves are."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}_numerics.csv.gz")


def meta_file(path: Path) -> Path:
    """Where the facts about the subject of a file of waves are."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}_meta.json")


def with_gaps(
    values: NDArray[np.float32], rate_hz: float, after: NDArray[Any], lengths_s: NDArray[Any]
) -> tuple[NDArray[np.float32], list[float]]:
    """Samples on one grid, NaN in the gaps, and how far each gap had to be moved to fit the grid, s.

    Args:
        values: ``(n,)`` as stored, gaps left out.
        rate_hz: of the grid.
        after: index of the last sample before each gap.
        lengths_s: from that sample to the next one, s.
    """
    parts, moved_s, begin = [], [], 0
    for index, length_s in zip(after.tolist(), lengths_s.tolist(), strict=True):
        missing = max(round(length_s * rate_hz) - 1, 0)
        parts += [values[begin : index + 1], np.full(missing, np.nan, dtype=np.float32)]
        moved_s.append(length_s - (missing + 1) / rate_hz)
        begin = index + 1
    return np.concatenate([*parts, values[begin:]]), moved_s


def _signal(path: Path, arrays: dict[str, Any], name: str, role: Role, notes: list[str]) -> Signal:
    try:
        rate_hz, t0_s = float(arrays[f"{name}_fs"]), float(arrays[f"{name}_t0"])
        after, lengths_s = (
            arrays.get(f"{name}_gap_idx", np.empty(0)),
            arrays.get(f"{name}_gap_len_s", np.empty(0)),
        )
        stored = arrays[name].astype(np.float32).reshape(-1)
        values, moved_s = with_gaps(stored, rate_hz, np.atleast_1d(after), np.atleast_1d(lengths_s))
        signal = Signal(role, name, values, rate_hz, t0_s, ROLE_UNITS[role])
    except (KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise RecordingUnreadable(f"{path}, {name}: {error}; the npz is not of this kind") from error
    notes += [
        f"{name}: a gap was moved by {1e3 * s:.1f} ms to fit its grid" for s in moved_s if abs(s) > 1e-4
    ]
    return signal


def arrays_of(path: Path) -> dict[str, Any]:
    """Every array of the npz.

    Raises:
        RecordingUnreadable: it is no npz.
    """
    try:
        with path.open("rb") as octets, np.load(octets, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (
        OSError,
        ValueError,
        EOFError,
        MemoryError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise RecordingUnreadable(f"{path}: cannot be read as npz ({error}); fetch it again") from error


def _numerics(path: Path) -> dict[str, Numeric]:
    if not path.is_file():
        return {}
    table: dict[str, list[tuple[float, float]]] = defaultdict(list)
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                table[f"{row['device']}/{row['name']}"].append((float(row["t_s"]), float(row["value"])))
    except (OSError, EOFError, KeyError, ValueError, TypeError) as error:
        raise RecordingUnreadable(f"{path}: cannot be read as numerics ({error}); fetch it again") from error
    return {key: _numeric(key, rows) for key, rows in table.items()}


def _numeric(key: str, rows: list[tuple[float, float]]) -> Numeric:
    device, _, name = key.partition("/")
    values = np.array(sorted(rows), dtype=np.float64)
    return Numeric(name, device, _PARAMETERS.get(key, ""), values[:, 0], values[:, 1])


def _facts(path: Path) -> RecordingFacts:
    if not path.is_file():
        return RecordingFacts()
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return RecordingFacts(age_y=value.get("Age"), height_cm=value.get("Patient_height"))
    except (OSError, ValueError, AttributeError) as error:
        raise RecordingUnreadable(f"{path}: cannot be read as JSON ({error}); fetch it again") from error
