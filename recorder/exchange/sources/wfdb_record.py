"""A WFDB record, one segment or many; a segment whose file is absent is a gap."""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources.recording import ROLE_UNITS, Numeric, Recording, Role, Signal

DEFAULT_ROLES: Final[tuple[Role, ...]] = ("bvp", "abp", "cvp", "resp")
"""ECG only when asked for: a long record holds hundreds of megabytes of it."""
_PARAMETERS: Final = {"HR [bpm]": "HR"}
_CHARACTERS_OF: Final[tuple[tuple[Role, tuple[str, ...]], ...]] = (
    ("bvp", ("pleth", "ppg", "spo2 wave")),
    ("abp", ("abp", "art", "bp", "pressure")),
    ("cvp", ("cvp",)),
    ("resp", ("resp",)),
    ("ecg", ("ii", "ecg", "mcl1", "mlii", "v", "i", "iii")),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a record. ``path`` None = a gap of ``n_frames``; ``absent`` names the header it should have had."""

    path: Path | None
    first_frame: int
    n_frames: int
    absent: str = ""


def find_header(path: Path) -> Path | None:
    """The header that ``path`` (header, record without ending, or a folder named like its record) stands for."""
    for candidate in (path, path.parent / f"{path.name}.hea", path / f"{path.name}.hea"):
        if candidate.suffix == ".hea" and candidate.is_file():
            return candidate
    return None


def read(
    header: Path, *, roles: Collection[Role] = DEFAULT_ROLES, span_s: tuple[float, float] | None = None
) -> Recording:
    """The signals of ``roles`` in the record of ``header``, within ``span_s`` (from the record's start) if given.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    with warnings.catch_warnings():
        # The library calls parts of pandas that will change one day; its users can do nothing about it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _read(header, roles, span_s)


def _read(header: Path, roles: Collection[Role], span_s: tuple[float, float] | None) -> Recording:
    wfdb = library(header)
    try:
        top = wfdb.rdheader(str(header.with_suffix("")))
        parts = list(segments(header, top))
        frames = _span(top, span_s)
        notes: list[str] = []
        signals = _Assembly(header, wfdb, float(top.fs), frames, notes).signals(parts, roles)
    except (
        OSError,
        ArithmeticError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise RecordingUnreadable(
            f"{header}: cannot be read as a WFDB record ({error}); check its files"
        ) from error
    if not signals:
        raise RecordingUnreadable(f"{header}: holds no sample of {', '.join(roles)}; choose another record")
    start = getattr(top, "base_datetime", None)
    return Recording(
        source="wfdb",
        name=header.stem,
        signals=signals,
        numerics=numerics(header, float(top.counter_freq or top.fs)),
        start_text="" if start is None else start.isoformat(),
        notes=tuple(notes),
    )


def role_of(name: str) -> Role | None:
    """What a channel's name says it is."""
    plain = name.strip().lower()
    for role, words in _CHARACTERS_OF:
        if role == "ecg":
            return role if plain in words or plain.startswith("ecg") else None
        if any(plain == word or plain.startswith(word) for word in words):
            return role
    return None


def library(header: Path) -> Any:
    """The ``wfdb`` package.

    Raises:
        RecordingUnreadable: it is not installed.
    """
    try:
        import wfdb  # noqa: PLC0415 (extra "exchange")
    except ImportError as error:
        raise RecordingUnreadable(
            f"{header}: reading WFDB needs the extra: pip install 'hemoview[exchange]'"
        ) from error
    return wfdb


def segments(header: Path, top: Any) -> Iterator[Segment]:
    """The segments of a record, in order; a record that has none is one itself."""
    names = getattr(top, "seg_name", None)
    if names is None:
        yield Segment(header.with_suffix(""), 0, int(top.sig_len or 0))
        return
    first = 0
    for name, length in zip(names, top.seg_len, strict=True):
        path = header.with_name(name)
        wanted = name != "~" and length
        known = wanted and path.with_name(name + ".hea").is_file()
        yield Segment(
            path if known else None, first, int(length), "" if known or not wanted else name + ".hea"
        )
        first += int(length)


def _span(top: Any, span_s: tuple[float, float] | None) -> tuple[int, int]:
    total = int(top.sig_len or 0)
    if span_s is None:
        return 0, total
    first, last = (round(t_s * float(top.fs)) for t_s in span_s)
    return max(first, 0), min(last, total)


class _Assembly:
    """Puts the segments' samples on one axis, cut to what there is."""

    def __init__(
        self, header: Path, wfdb: Any, frame_hz: float, span: tuple[int, int], notes: list[str]
    ) -> None:
        self._header, self._wfdb, self._frame_hz, self._notes = header, wfdb, frame_hz, notes
        self._first, self._last = span
        self._found: dict[Role, list[tuple[int, str, int, NDArray[np.float32]]]] = {}

    def signals(self, segments: list[Segment], roles: Collection[Role]) -> dict[Role, Signal]:
        """By role; NaN between segments."""
        for segment in segments:
            begin = max(self._first, segment.first_frame)
            end = min(self._last, segment.first_frame + segment.n_frames)
            if end > begin:
                self._read(segment, begin, end, roles)
        return {role: self._join(role, parts) for role, parts in self._found.items()}

    def _read(self, segment: Segment, begin: int, end: int, roles: Collection[Role]) -> None:
        if segment.path is None:
            return
        header = self._wfdb.rdheader(str(segment.path))
        taken: set[Role] = set()
        for index, name in enumerate(header.sig_name or ()):
            role = role_of(name)
            if role is None or role not in roles or role in taken:
                continue
            if not segment.path.with_name(header.file_name[index]).is_file():
                self._notes.append(f"{header.file_name[index]}: absent, {name} is a gap")
                continue
            taken.add(role)
            record = self._wfdb.rdrecord(
                str(segment.path),
                sampfrom=begin - segment.first_frame,
                sampto=end - segment.first_frame,
                channels=[index],
                smooth_frames=False,
            )
            values = np.asarray(record.e_p_signal[0], dtype=np.float32)
            self._found.setdefault(role, []).append((begin, name, int(header.samps_per_frame[index]), values))

    def _join(self, role: Role, parts: list[tuple[int, str, int, NDArray[np.float32]]]) -> Signal:
        per_frame = max(n for _, _, n, _ in parts)
        first = parts[0][0]
        end = max(begin + len(values) // n for begin, _, n, values in parts)
        joined = np.full((end - first) * per_frame, np.nan, dtype=np.float32)
        for begin, name, n, values in parts:
            if n != per_frame:
                self._notes.append(
                    f"{name}: {n} samples a frame in one segment, {per_frame} elsewhere; left out"
                )
                continue
            at = (begin - first) * per_frame
            joined[at : at + len(values)] = values
        rate_hz = self._frame_hz * per_frame
        return Signal(role, parts[0][1], joined, rate_hz, first / self._frame_hz, ROLE_UNITS[role])


def numerics(header: Path, ticks_per_s: float) -> dict[str, Numeric]:
    """``<record>n.csv.gz`` of MIMIC-IV: column ``time`` in counter ticks, then one column a numeric, mostly empty."""
    path = header.with_name(f"{header.stem}n.csv.gz")
    if not path.is_file():
        return {}
    table: dict[str, list[tuple[float, float]]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                t_s = float(row.pop("time")) / ticks_per_s
                for name, text in row.items():
                    if text:
                        table.setdefault(name, []).append((t_s, float(text)))
    except (OSError, EOFError, KeyError, ValueError, TypeError) as error:
        raise RecordingUnreadable(f"{path}: cannot be read as numerics ({error}); fetch it again") from error
    return {name: _numeric(name, rows) for name, rows in table.items()}


def _numeric(name: str, rows: list[tuple[float, float]]) -> Numeric:
    values = np.array(rows, dtype=np.float64)
    return Numeric(name, "", _PARAMETERS.get(name, ""), values[:, 0], values[:, 1])
