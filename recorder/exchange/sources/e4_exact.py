"""The regular files of an E4 session with their decimal text kept exactly, and every row that is none counted.

Quirks: devices.md §C – ``, `` or ``,`` between columns, CRLF or LF, any file empty – and what other hands leave:
byte-order marks, UTF-16, decimal commas, double line ends. Pure: no file is opened here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.sources.e4_csv import NotE4
from recorder.schema.decimals import encode_decimal

NO_NUMBER: Final = "no-number"
COLUMNS: Final = "other-columns"
BLANK: Final = "blank"
CUT: Final = "cut-off"
RANGE: Final = "out-of-range"
_ABSENT: Final = "absent"

Ints = NDArray[np.int64]
_PLAIN = frozenset(b"0123456789.-\n")
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, eq=False)
class ExactCsv:
    """A file of regular samples.

    Args:
        start_us: Unix UTC, whole microseconds, of the first row.
        rate_hz: rows a second.
        values: ``(n, 2·columns)`` int64, mantissa and places of each cell; without the rows that are no numbers.
        row_no: ``(n,)`` int64, which row of the file each is, from 0; a jump is a row that is no number.
        rejected: how many rows were left out, by reason.
        absent: ``(n,)`` rows that say ``nan``: no sample was taken, which is no fault of the file.
    """

    start_us: int
    rate_hz: float
    values: Ints
    row_no: Ints
    rejected: Mapping[str, int]
    absent: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def floats(self) -> NDArray[np.float64]:
        """``(n, columns)``."""
        places = self.values[:, 1::2]
        count = np.where(places < 0, -1 - places, places)
        return np.asarray(self.values[:, 0::2] / 10.0**count, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ExactBeats:
    """IBI: ``beat_us`` ``(n,)`` Unix UTC of each beat, ``ibi_s`` the interval that ended with it."""

    start_us: int
    beat_us: Ints
    ibi_s: NDArray[np.float64]
    rejected: Mapping[str, int]


def plain_lines(content: bytes) -> bytes:
    """Bytes of any of the usual encodings and line ends → ASCII-compatible lines that end with LF.

    Whether the last line was finished is kept: text without a final line end has none.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16", "replace").encode()
    elif content[:3] == b"\xef\xbb\xbf":
        content = content[3:]
    if b"\r" in content:
        content = re.sub(rb"\r+\n", b"\n", content).replace(b"\r", b"\n")
    return content


def parse_exact(content: bytes, columns: int) -> ExactCsv | None:
    """A file of regular samples; None if it is empty.

    Raises:
        NotE4: start or rate row is missing or wrong.
    """
    text = plain_lines(content)
    if not text.strip():
        return None
    head, _, rest = text.partition(b"\n")
    second, _, body = rest.partition(b"\n")
    if not second.strip():
        raise NotE4("it ends before the row of the rate")
    start_us, rate_hz = micros(_first_cell(head, columns), "the start time"), _rate(second, columns)
    values, row_no, rejected, absent = _rows(body, columns)
    return ExactCsv(start_us, rate_hz, values, row_no, rejected, absent)


def parse_exact_beats(content: bytes) -> ExactBeats | None:
    """The file of beat intervals, which has no row of a rate; None if it is empty.

    Raises:
        NotE4: the first row is wrong.
    """
    text = plain_lines(content)
    if not text.strip():
        return None
    head, _, body = text.partition(b"\n")
    start_us = micros(re.sub(rb"[,;]\s*IBI\s*\Z", b"", head), "the start time")
    values, _, rejected, _ = _rows(body, 2)
    counted = Counter(rejected)
    offset_us = _micros_of(values[:, :2])
    ibi_s = values[:, 2] / 10.0 ** np.where(values[:, 3] < 0, 0, values[:, 3])
    good = (offset_us >= 0) & (ibi_s > 0) & (ibi_s < 10)
    counted[RANGE] += int((~good).sum())
    order = np.argsort(offset_us[good], kind="stable")
    return ExactBeats(start_us, start_us + offset_us[good][order], ibi_s[good][order], +counted)


def parse_exact_tags(content: bytes) -> tuple[tuple[int, ...], Mapping[str, int]]:
    """Button presses, Unix µs UTC in order, and how many rows were no time."""
    found, rejected = [], Counter[str]()
    for line in plain_lines(content).split(b"\n"):
        if line.strip():
            try:
                found.append(micros(line, "the time"))
            except NotE4:
                rejected[NO_NUMBER] += 1
    return tuple(sorted(found)), rejected


def micros(text: bytes, what: str) -> int:
    """Unix seconds as text → whole microseconds, no digit lost on the way through a float.

    Raises:
        NotE4: no number, or no time of this or the last century.
    """
    try:
        mantissa, places = encode_decimal(text.strip().decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        raise NotE4(f"{what} {text[:40].decode('utf-8', 'replace')!r} is no number") from None
    found: int = mantissa * 10**6 // 10 ** max(places, 0)
    if not 0 < found < 1 << 52:  # to 2112
        raise NotE4(f"{what} {text[:40].decode('utf-8', 'replace')!r} is no time")
    return found


def _micros_of(pairs: Ints) -> Ints:
    count = np.where(pairs[:, 1] < 0, 0, pairs[:, 1])
    up = pairs[:, 0] * 10 ** np.maximum(6 - count, 0)
    return np.asarray(up // 10 ** np.maximum(count - 6, 0), np.int64)


def _rate(line: bytes, columns: int) -> float:
    text = _first_cell(line, columns).strip().replace(b",", b".")
    try:
        rate_hz = float(text)
    except ValueError:
        raise NotE4(f"the rate {line[:40].decode('utf-8', 'replace')!r} is no number") from None
    if not 0 < rate_hz <= 10_000:
        raise NotE4(f"the rate {rate_hz:g} Hz is out of range")
    return rate_hz


def _first_cell(line: bytes, columns: int) -> bytes:
    cells = _cells(line, columns)
    return line if cells is None else cells[0]


def _cells(line: bytes, columns: int) -> list[bytes] | None:
    """The cells of a row, None if it has not so many. A decimal comma is told by there being twice as many parts."""
    if columns == 1:
        return None if b";" in line else [line.strip()]
    parts = [part.strip() for part in line.split(b";" if b";" in line else b",")]
    if len(parts) == 2 * columns:
        parts = [whole + b"." + part for whole, part in zip(parts[::2], parts[1::2], strict=True)]
    return parts if len(parts) == columns else None


_Rows = tuple[Ints, Ints, Mapping[str, int], Ints]


def _rows(body: bytes, columns: int) -> _Rows:
    """Values, which row each is, what was left out, and rows without a sample; the usual case is read at once."""
    none = np.empty(0, np.int64)
    if not body.strip():
        return np.empty((0, 2 * columns), np.int64), none, {}, none
    fast = _at_once(body.rstrip(b"\n") + b"\n", columns)
    if fast is None:
        values, row_no, rejected, absent = _one_by_one(body, columns)
    else:
        values, row_no, rejected, absent = fast, np.arange(len(fast), dtype=np.int64), {}, none
    if not body.endswith(b"\n") and CUT not in rejected and not _last_is_whole(values):
        return values[:-1], row_no[:-1], {**rejected, CUT: 1}, absent
    return values, row_no, rejected, absent


def _last_is_whole(values: Ints) -> bool:
    """Whether a last row without a line end lost no digit: it has as many places as those before, as every row has."""
    places = np.where(values[-4:, 1::2] < 0, -1 - values[-4:, 1::2], values[-4:, 1::2])
    return not len(values) or bool(len(values) > 1 and places[-1, -1] > 0 and (places == places[-1]).all())


def _at_once(lines: bytes, columns: int) -> Ints | None:
    """Plain numbers and nothing else, or None."""
    cells = lines.replace(b", ", b",").replace(b" \n", b"\n")
    if columns == 1:
        cells = cells.replace(b",", b".")
    elif b";" in cells or not _even(cells, columns):
        return None
    else:
        cells = cells.replace(b",", b"\n")
    octets = np.frombuffer(cells, np.uint8)
    if not _PLAIN.issuperset(np.flatnonzero(np.bincount(octets, minlength=256)).tolist()):
        return None
    ends = np.flatnonzero(octets == ord("\n"))
    begins = np.append(0, ends[:-1] + 1)
    dots = np.flatnonzero(octets == ord("."))
    owner = np.searchsorted(ends, dots)
    minus = np.flatnonzero(octets == ord("-"))
    signed = np.searchsorted(ends, minus)
    has_dot, negative = np.zeros(len(ends), bool), np.zeros(len(ends), bool)
    has_dot[owner], negative[signed] = True, True
    n_digits = ends - begins - has_dot - negative
    lonely = bool((np.diff(owner) > 0).all()) and np.array_equal(begins[signed], minus)  # both rise
    if not lonely or n_digits.min() < 1 or n_digits.max() > _MAX_DIGITS:
        return None
    places = np.zeros(len(ends), np.int64)
    places[owner] = ends[owner] - dots - 1
    mantissa = np.fromstring(cells.replace(b".", b""), np.int64, sep="\n")
    places[negative & (mantissa == 0)] = -1 - places[negative & (mantissa == 0)]
    return np.stack([mantissa, places], axis=1).reshape(-1, 2 * columns)


def _even(cells: bytes, columns: int) -> bool:
    octets = np.frombuffer(cells, np.uint8)
    commas = np.cumsum(octets == ord(","))
    at_end = commas[octets == ord("\n")]
    return bool(np.all(np.diff(at_end, prepend=0) == columns - 1))


def _one_by_one(body: bytes, columns: int) -> _Rows:
    lines = body.split(b"\n")
    finished = not lines[-1].strip()
    while lines and not lines[-1].strip():
        lines.pop()
    if (
        sum(not line.strip() for line in lines) > len(lines) // 3
    ):  # every second line is empty: a doubled line end
        lines = [line for line in lines if line.strip()]
    found: list[list[int]] = []
    numbers: list[int] = []
    absent: list[int] = []
    rejected = Counter[str]()
    for k, line in enumerate(lines):
        row = _row(line, columns)
        if not isinstance(row, str):
            found.append(row)
            numbers.append(k)
        elif row == _ABSENT:
            absent.append(k)
        else:
            rejected[CUT if k == len(lines) - 1 and not finished else row] += 1
    values = np.array(found, np.int64).reshape(-1, 2 * columns)
    return values, np.array(numbers, np.int64), rejected, np.array(absent, np.int64)


def _row(line: bytes, columns: int) -> list[int] | str:
    if not line.strip():
        return BLANK
    cells: Any = _cells(line, columns)
    if cells is None:
        return COLUMNS
    if all(cell.lower() == b"nan" for cell in cells):
        return _ABSENT
    try:
        return [value for cell in cells for value in encode_decimal(cell.decode("ascii"))]
    except (ValueError, UnicodeDecodeError):
        return NO_NUMBER
