"""An E4 session as exported: a zip or a folder of csv files. Any file may be absent or empty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources.e4_csv import (
    BeatCsv,
    NotE4,
    RegularCsv,
    parse_beats,
    parse_regular,
    parse_tags,
)
from recorder.exchange.sources.e4_files import is_tags, read_files
from recorder.exchange.sources.recording import ROLE_UNITS, Moment, Numeric, Recording, Role, Signal

ACC_COUNTS_PER_G: Final = 64.0

_REGULAR: Final[dict[str, tuple[Role, int]]] = {
    "BVP.csv": ("bvp", 1),
    "ACC.csv": ("acc", 3),
    "EDA.csv": ("eda", 1),
    "TEMP.csv": ("temp", 1),
}


def read(path: Path) -> Recording:
    """An E4 zip or folder.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    found = read_files(path)
    if found.skipped:
        raise RecordingUnreadable(
            f"{path}: {found.skipped[0].file} cannot be read ({found.skipped[0].why}); fetch it again"
        )
    files = found.texts
    parts = {
        name: _regular(path, name, text, columns)
        for name, (_, columns) in _REGULAR.items()
        if (text := files.get(name))
    }
    regular = {name: part for name, part in parts.items() if part is not None and len(part.values)}
    if not regular:
        raise RecordingUnreadable(f"{path}: holds no sample of {', '.join(_REGULAR)}; choose an E4 session")
    return _recording(path, files, regular)


def _recording(path: Path, files: Mapping[str, bytes], regular: Mapping[str, RegularCsv]) -> Recording:
    begin_s = min(part.start_s for part in regular.values())
    hr = _regular(path, "HR.csv", files.get("HR.csv", b""), 1)
    beats = _beats(path, files.get("IBI.csv", b""))
    tags = [t for name, text in files.items() if is_tags(name) for t in parse_tags(text)]
    notes = [f"{name}: {_no_numbers(part.n_bad)}" for name, part in regular.items() if part.n_bad]
    notes += [f"{name}: absent or empty" for name in _REGULAR if name not in regular]
    if beats is not None and beats.n_bad:
        notes.append(f"IBI.csv: {_no_numbers(beats.n_bad)}")
    return Recording(
        source="e4",
        name=path.name,
        signals={_REGULAR[name][0]: _signal(name, part, begin_s) for name, part in regular.items()},
        numerics={} if hr is None or not len(hr.values) else {"E4/HR": _hr(hr, begin_s)},
        intervals_s=np.empty((0, 2))
        if beats is None
        else beats.rows + np.array([beats.start_s - begin_s, 0.0]),
        moments=tuple(Moment(t - begin_s, "tag") for t in tags),
        start_wall_ns=round(begin_s * 1e6) * 1000,
        notes=tuple(notes),
    )


def _signal(name: str, part: RegularCsv, begin_s: float) -> Signal:
    role, columns = _REGULAR[name]
    values = part.values / ACC_COUNTS_PER_G if role == "acc" else part.values
    shaped = values if columns > 1 else values[:, 0]
    return Signal(
        role, name, shaped.astype(np.float32), part.rate_hz, part.start_s - begin_s, ROLE_UNITS[role]
    )


def _hr(part: RegularCsv, begin_s: float) -> Numeric:
    """The vendor's 1 Hz heart rate, computed on its server; its first row is 10 s after the start."""
    t_s = part.start_s - begin_s + np.arange(len(part.values)) / part.rate_hz
    return Numeric("HR", "E4", "HR", t_s, part.values[:, 0])


def _regular(path: Path, name: str, text: bytes, columns: int) -> RegularCsv | None:
    try:
        return parse_regular(text, columns)
    except NotE4 as error:
        raise RecordingUnreadable(f"{path}, {name}: {error}; export the session again") from error


def _no_numbers(n: int) -> str:
    return "1 row is no number" if n == 1 else f"{n} rows are no numbers"


def _beats(path: Path, text: bytes) -> BeatCsv | None:
    try:
        return parse_beats(text)
    except NotE4 as error:
        raise RecordingUnreadable(f"{path}, IBI.csv: {error}; export the session again") from error
