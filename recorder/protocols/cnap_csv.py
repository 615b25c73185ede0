"""The table inside every file of a CNAP monitor's USB stick: octets in, header and rows out. Facts: devices.md §D.2.

ASCII as the monitor writes it: ``;`` between fields **and** at the end of each line, names and texts in double quotes,
decimal point. As it comes back from somebody's spreadsheet: without the last ``;``, with CRLF, a byte order mark, in
Latin-1, with a decimal comma, columns in another order. All of these are read; nothing is guessed from a position.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

TIME: Final = "Time [s]"
SIMULATED: Final = "HemoView simulated"
"""Column by which files of the virtual bedside say what they are. No monitor writes it."""

MAX_S: Final = 48 * 3600.0
"""No recording of a stick is longer; a later time is a damaged row, not two days of nothing."""
MAX_MMHG: Final = 400.0
"""Real files reach about 265 before the monitor has calibrated itself."""

CUT_OFF: Final = "cut off at the end of the file"
FIELDS: Final = "too few or too many fields"
NO_NUMBER: Final = "a field is not a number"
NO_TIME: Final = "no time between 0 and 48 h"
RANGE: Final = "a value no person has"
TWICE: Final = "the same time twice"
REPEATED: Final = "the same row twice"
"""Why a row is left out."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?\Z")
_LOOKED_AT_CHARS: Final = 20_000
_AGAIN_S: Final = 120.0
"""Rows of events stand late by the half minute a calibration takes; nothing of one recording goes back further."""
_AROUND: Final = 20
_LEAST_AROUND: Final = 5
_AT_ONCE_CHARS: Final = 2**20


class NotCnap(ValueError):
    """The octets are no such file; the message says why, without naming the file."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A file taken apart.

    Args:
        names: of the columns, without quotes, in the order of the file; all different.
        text: what stands below the header, lines ended by ``\\n``.
        width: fields of a whole row; one more than ``names`` where every line ends with ``;``.
        n_cut: 1 where the last line had been cut off and was dropped.
    """

    names: tuple[str, ...]
    text: str
    width: int
    n_cut: int = 0

    def parts(self) -> Iterator[list[str]]:
        """The lines below the header that are not blank, some thousand at a time: a day of waveform has 9 million."""
        begin = 0
        while begin < len(self.text):
            end = self.text.find("\n", begin + _AT_ONCE_CHARS) + 1 or len(self.text)
            yield _lines(self.text[begin:end])
            begin = end

    def place(self, wanted: str) -> int | None:
        """Which column has that name; capitals, blanks and the sign of a power do not matter."""
        keys = [plain_name(name) for name in self.names]
        return keys.index(plain_name(wanted)) if plain_name(wanted) in keys else None

    def need(self, wanted: str) -> int:
        """As :meth:`place`.

        Raises:
            NotCnap: there is none.
        """
        found = self.place(wanted)
        if found is None:
            raise NotCnap(f"it has no column {wanted!r}")
        return found

    def fields(self, line: str) -> list[str] | None:
        """The fields of one line under ``names``; None where their number is another."""
        parts = _split(line)
        if len(parts) != self.width:
            return None
        return parts if self.width == len(self.names) or not parts.pop().strip() else None


def lines_of(octets: bytes) -> Lines:
    """Header and lines of a file.

    A last line without an end is dropped unless its closing ``;`` shows that it is whole: a number may have lost its
    last digits.

    Raises:
        NotCnap: there is no header.
    """
    text = _decoded(octets).replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.lstrip("\n").partition("\n")
    if not first.strip():
        raise NotCnap("it is empty")
    if first.lower().startswith("sep=") or (";" not in first and ("," in first or "\t" in first)):
        raise NotCnap(
            "it was saved again by another program: the monitor has ';' between fields, this has not"
        )
    names = [name.strip().strip('"').strip() for name in first.split(";")]
    if len(names) > 1 and not names[-1]:
        names.pop()
    whole = rest if len(rest) <= _LOOKED_AT_CHARS else rest[: rest.rfind("\n", 0, _LOOKED_AT_CHARS)]
    counts = Counter(len(_split(line)) for line in _lines(whole))
    width = max((len(names), len(names) + 1), key=lambda n: counts[n])
    found, last = Lines(_different(names), rest, width), rest.rpartition("\n")[2]
    if last.strip() and (width == len(names) or found.fields(last) is None):
        return Lines(found.names, rest[: len(rest) - len(last)], width, 1)
    return found


def number(text: str) -> float | None:
    """A plain decimal number with point or comma; None for anything else, ``nan`` and ``inf`` too."""
    text = text.strip().strip('"')
    if not _NUMBER.match(text):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def plain_name(name: str) -> str:
    """A column's name as it is compared."""
    return "".join(name.lower().replace("²", "^2").replace("⁵", "^5").replace("·", "*").split())


def name_and_unit(name: str) -> tuple[str, str]:
    """``Height Offset [cm]`` → ``Height Offset``, ``cm``; no unit: ``1``."""
    found = re.match(r"(.*?)\s*\[(.*)\]\s*\Z", name)
    return (found[1].strip(), found[2].strip() or "1") if found else (name.strip(), "1")


def refuse_if_begun_again(t_s: NDArray[np.float64]) -> None:
    """Raises NotCnap where times start over in mid-file: put in order, two recordings would become one.

    An event a few rows late and a single damaged time are neither: what counts is the middle of the rows around.

    Args:
        t_s: ``(n,)`` in the order of the file.
    """
    for place in np.flatnonzero(np.diff(t_s) < -_AGAIN_S) + 1:
        before, after = t_s[max(place - _AROUND, 0) : place], t_s[place : place + _AROUND]
        if min(len(before), len(after)) < _LEAST_AROUND:
            continue
        if np.median(after) < np.median(before) - _AGAIN_S:
            raise NotCnap(
                f"its times begin again at {t_s[place]:g} s: there is more than one recording in it"
            )


def refuse_if_hardly_any(n_good: int, n_rows: int, least: int = 1) -> None:
    """Raises NotCnap where fewer than half of the rows can be read, or fewer than ``least``."""
    if not n_rows:
        raise NotCnap("it has names of columns and no row below them")
    if n_good < least or n_good < n_rows / 2:
        raise NotCnap(f"only {n_good} of its {n_rows} rows can be read")


def _decoded(octets: bytes) -> str:
    for mark, coding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if octets.startswith(mark):
            return octets.decode(coding, "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line and not line.isspace()]


def _split(line: str) -> list[str]:
    """Fields of a line, quotes taken away; none where a quote is never closed."""
    if '"' not in line:
        return line.split(";")
    try:
        return next(csv.reader([line], delimiter=";", strict=True))
    except (csv.Error, StopIteration):
        return []


def _different(names: list[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    found = []
    for place, name in enumerate(names, 1):
        told = name or f"column {place}"
        seen[told] += 1
        found.append(told if seen[told] == 1 else f"{told} ({seen[told]})")
    return tuple(found)
