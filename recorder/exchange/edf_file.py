"""EDF, EDF+ and BDF: bytes in, values out (Kemp et al. 1992; Kemp & Olivan 2003, edfplus.info). Pure.

The patient field is never read. A file that was cut is read as far as whole data records go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIELDS: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Bytes a signal of: label, transducer, unit, physical min and max, digital min and max, filter, samples, reserved."""
_ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")
MAX_SIGNALS: Final = 1000


class NotEdf(ValueError):
    """The bytes are no such file; the message says why, without naming the file."""


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """A signal's header. Physical value = digital · ``scale`` + ``offset``.

    Args:
        label, unit: as the file has them.
        per_record: samples in a data record.
        first_byte: of its samples in a data record.
        scale, offset: from the four limits of the header; 1 and 0 where these make no line.
        has_line: they do.
    """

    label: str
    unit: str
    per_record: int
    first_byte: int
    scale: float
    offset: float
    has_line: bool


@dataclass(frozen=True, slots=True)
class EdfNote:
    """An annotation: ``onset_ns`` since the start of the file, ``duration_s`` None where it has none."""

    onset_ns: int
    duration_s: float | None
    text: str


@dataclass(frozen=True, slots=True)
class EdfFile:
    """The header of a file, and where its data records are.

    Args:
        start: naive local time; None where the date was taken out.
        record_s: length of a data record.
        n_records: whole ones that are there.
        n_missing: how many more the header promises.
        n_beyond: whole ones behind those it tells of.
        signals: with samples; those of annotations apart.
        annotations: signals of annotations; empty in plain EDF.
        octets_a_sample: 2, or 3 in BDF.
        header_bytes, record_bytes: sizes.
        discontinuous: data records need not follow each other (EDF+D).
        recording: its recording field, which names equipment and place.
    """

    start: datetime | None
    record_s: Fraction
    n_records: int
    n_missing: int
    n_beyond: int
    signals: tuple[EdfSignal, ...]
    annotations: tuple[EdfSignal, ...]
    octets_a_sample: int
    header_bytes: int
    record_bytes: int
    discontinuous: bool
    recording: str


def parse_header(octets: NDArray[np.uint8]) -> EdfFile:
    """The header of a whole file.

    Raises:
        NotEdf: it is none.
    """
    head = octets[:256].tobytes()
    if len(head) < 256:
        raise NotEdf("it is shorter than a header")
    is_bdf = head[:8] == b"\xffBIOSEMI"
    if not is_bdf and head[:8].strip() != b"0":
        raise NotEdf("it does not begin as EDF does")
    n_signals = _whole(head[252:256], "number of signals")
    header_bytes = _whole(head[184:192], "size of the header")
    if not 0 < n_signals <= MAX_SIGNALS or header_bytes != 256 * (n_signals + 1):
        raise NotEdf(f"{n_signals} signals and a header of {header_bytes} bytes do not fit together")
    table = octets[256:header_bytes].tobytes()
    if len(table) < header_bytes - 256:
        raise NotEdf("it ends within its header")
    width = 3 if is_bdf else 2
    every = _signals(table, n_signals, width)
    record_bytes = sum(s.per_record for s in every) * width
    whole = (len(octets) - header_bytes) // record_bytes if record_bytes else 0
    promised = _whole(head[236:244], "number of data records")
    reserved = _text(head[192:236])
    return EdfFile(
        start=_start(head),
        record_s=_seconds(head[244:252]),
        n_records=whole if promised < 0 else min(whole, promised),
        n_missing=max(promised - whole, 0),
        n_beyond=0 if promised < 0 else max(whole - promised, 0),
        signals=tuple(s for s in every if s.label not in _ANNOTATIONS),
        annotations=tuple(s for s in every if s.label in _ANNOTATIONS),
        octets_a_sample=width,
        header_bytes=header_bytes,
        record_bytes=record_bytes,
        discontinuous=reserved.startswith(("EDF+D", "BDF+D")),
        recording=_text(head[88:168]),
    )


def digital(
    octets: NDArray[np.uint8], file: EdfFile, signal: EdfSignal, first: int, end: int
) -> NDArray[np.int32]:
    """A signal's samples in the data records ``first`` up to ``end``, ``(n,)``."""
    width = file.octets_a_sample
    raw = _part(octets, file, signal)[first:end]
    if width == 2:
        return np.ascontiguousarray(raw).view("<i2").reshape(-1).astype(np.int32)
    three = np.ascontiguousarray(raw).reshape(-1, 3).astype(np.int32)
    found: NDArray[np.int32] = three[:, 0] | three[:, 1] << 8 | (three[:, 2] ^ 0x80) - 0x80 << 16
    return found


def record_onsets_ns(octets: NDArray[np.uint8], file: EdfFile) -> tuple[NDArray[np.int64], int]:
    """When each data record begins, ns since the start of the file; evenly where nothing is said of it, and of how
    many nothing is said.
    """
    even = np.array([round(k * file.record_s * 1_000_000_000) for k in range(file.n_records)], np.int64)
    if not file.annotations:
        return even, file.n_records
    found = even.copy()
    shift = n_unsaid = 0
    for k, raw in enumerate(_part(octets, file, file.annotations[0])):
        onset = _onset(raw.tobytes().partition(b"\x14")[0])
        if onset is not None:
            found[k], shift = onset, onset - int(even[k])
        else:
            found[k] += shift
            n_unsaid += 1
    return found, n_unsaid


def notes(octets: NDArray[np.uint8], file: EdfFile) -> tuple[list[EdfNote], int]:
    """Annotations in order of time, and how many could not be read."""
    found: list[EdfNote] = []
    unreadable = 0
    for signal in file.annotations:
        for raw in _part(octets, file, signal):
            for tal in raw.tobytes().split(b"\x00"):
                onset, *texts = tal.split(b"\x14")
                said = [t for t in texts if t.strip()]
                if not said:
                    continue
                at, _, length = onset.partition(b"\x15")
                at_ns = _onset(at)
                if at_ns is None:
                    unreadable += len(said)
                    continue
                lasts_ns = _onset(length) if length else None
                lasts_s = None if lasts_ns is None else lasts_ns / 1e9
                found += [EdfNote(at_ns, lasts_s, text.decode("utf-8", "replace").strip()) for text in said]
    return sorted(found, key=lambda n: n.onset_ns), unreadable


def _part(octets: NDArray[np.uint8], file: EdfFile, signal: EdfSignal) -> NDArray[np.uint8]:
    """``(records, bytes of the signal in one)``."""
    end = file.header_bytes + file.n_records * file.record_bytes
    records = octets[file.header_bytes : end].reshape(file.n_records, file.record_bytes)
    first = signal.first_byte
    return records[:, first : first + signal.per_record * file.octets_a_sample]


def _signals(table: bytes, n: int, width: int) -> list[EdfSignal]:
    columns: list[list[str]] = []
    at = 0
    for size in _FIELDS:
        columns.append([_text(table[at + k * size : at + (k + 1) * size]) for k in range(n)])
        at += n * size
    found, first_byte = [], 0
    for label, _, unit, *limits, _, samples, _ in zip(*columns, strict=True):
        per_record = _whole(samples.encode(), f"samples a record of {label!r}")
        if not 0 <= per_record <= 10_000_000:
            raise NotEdf(f"{label!r} has {per_record} samples a record")
        scale, offset, has_line = _line(limits)
        found.append(EdfSignal(label, unit, per_record, first_byte, scale, offset, has_line))
        first_byte += per_record * width
    return found


def _line(limits: Sequence[str]) -> tuple[float, float, bool]:
    try:
        low, high, digital_low, digital_high = (float(text) for text in limits)
        scale = (high - low) / (digital_high - digital_low)
        offset = low - digital_low * scale
    except (ValueError, ZeroDivisionError):
        return 1.0, 0.0, False
    if scale == 0 or not np.isfinite([scale, offset]).all():
        return 1.0, 0.0, False
    return scale, offset, True


def _start(head: bytes) -> datetime | None:
    day, clock = (re.findall(r"\d+", _text(head[a:b])) for a, b in ((168, 176), (176, 184)))
    try:
        hour, minute, second = (int(n) for n in clock[:3])
        hours = time(hour, minute, second)
    except (ValueError, TypeError):
        raise NotEdf(f"start time {_text(head[176:184])!r} is none") from None
    said = re.match(r"Startdate\s+(\S+)", _text(head[88:168]))
    if said is not None and said[1].upper() == "X":
        return None
    full = None if said is None else re.match(r"(\d{1,2})-([A-Z]{3})-(\d{4})\Z", said[1].upper())
    try:
        if full is not None and full[2] in MONTHS:
            return datetime.combine(date(int(full[3]), MONTHS.index(full[2]) + 1, int(full[1])), hours)
        d, m, yy = (int(n) for n in day[:3])
        return datetime.combine(date(yy + (1900 if yy >= 85 else 2000), m, d), hours)
    except ValueError:
        return None


def _onset(text: bytes) -> int | None:
    """ns of an onset or duration in seconds; None if it is no number."""
    try:
        value = Decimal(text.decode("ascii"))
        return round(value * 1_000_000_000) if abs(value) < 10**9 else None
    except (InvalidOperation, ValueError, UnicodeDecodeError):
        return None


def _seconds(text: bytes) -> Fraction:
    try:
        found = Fraction(_text(text).replace(",", "."))
    except (ValueError, ZeroDivisionError):
        raise NotEdf(f"length of a data record {_text(text)!r} is no number") from None
    if not 0 <= found < 10**6:
        raise NotEdf(f"a data record of {float(found):g} s is none")
    return found


def _whole(text: bytes, what: str) -> int:
    try:
        return int(_text(text))
    except ValueError:
        raise NotEdf(f"{what} {_text(text)!r} is no number") from None


def _text(raw: Any) -> str:
    return bytes(raw).decode("latin-1").strip().strip("\x00").strip()
