"""Text lines of an unknown ADC → their framing: separator, columns, decimals, checksum. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_profile import AsciiFraming
from recorder.protocols.checksums import CHECKSUMS, ChecksumName

Ints = NDArray[np.int64]

LEAST_LINES: Final = 12
GOOD_LINES: Final = 0.8
MAX_COLUMNS: Final = 32
DELIMITERS: Final = (",", ";", "\t", "|", " ")
_PRINTABLE: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}
_NUMBER: Final = re.compile(rb"[+-]?(\d{1,10}(\.\d{0,9})?|\.\d{1,9})")
_GPS: Final = re.compile(rb"[$!](G[PLNAB]|GQ|BD|AI)[A-Z]{3},")
_SUMMED: Final = re.compile(rb"(.+)\*([0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class TextGuess:
    """A layout of lines. ``framing`` is None where lines are of another kind: ``gps``, or ``words``."""

    verdict: str
    framing: AsciiFraming | None = None
    rows: Ints | None = None
    n_lines: int = 0
    share: float = 0.0
    checksum_unknown: bool = False


def is_text(octets: bytes) -> bool:
    """Nearly only what can be printed, and line ends among it."""
    printable = sum(n for value, n in Counter(octets).items() if value in _PRINTABLE)
    return printable >= 0.95 * len(octets) and (b"\n" in octets or b"\r" in octets)


def guess_text(octets: bytes) -> TextGuess | None:
    """The layout of the lines; None for too few of them. What stands before the first good line is a greeting."""
    terminator = "\n" if b"\n" in octets else "\r"
    lines = [line.strip(b"\r\n\t ") for line in octets.split(terminator.encode())[1:-1]]
    lines = [line for line in lines if line]
    if len(lines) < LEAST_LINES:
        return None
    if sum(1 for line in lines if _GPS.match(line)) >= len(lines) / 2:
        return TextGuess("gps", n_lines=len(lines))
    bodies, checksum, unknown = _without_checksum(lines)
    layouts = [found for d in DELIMITERS if (found := _layout(bodies, d)) is not None]
    if not layouts:
        return TextGuess("words", n_lines=len(lines))
    share, delimiter, words = max(layouts, key=lambda found: (round(found[0], 2), len(found[2][0])))
    decimals = tuple(max(_digits(row[i]) for row in words) for i in range(len(words[0])))
    rows = np.array([[_scaled(w, n) for w, n in zip(row, decimals, strict=True)] for row in words], np.int64)
    names = tuple(f"c{i + 1}" for i in range(len(decimals)))
    told = decimals if any(decimals) else ()
    framing = AsciiFraming(names, terminator, "," if len(names) == 1 else delimiter, checksum, told)
    return TextGuess("text", framing, rows, len(lines), share, unknown)


def _without_checksum(lines: list[bytes]) -> tuple[list[bytes], ChecksumName, bool]:
    """Lines without ``*HH``, the checksum's kind, and whether there is one of a kind nobody knows."""
    summed = [found for line in lines if (found := _SUMMED.fullmatch(line))]
    if len(summed) < GOOD_LINES * len(lines):
        return lines, "none", False
    for name, checksum in CHECKSUMS.items():
        if not checksum.size:
            continue
        fits = sum(1 for m in summed if m[2].upper() == b"%0*X" % (2 * checksum.size, checksum.one(m[1])))
        if fits >= GOOD_LINES * len(summed):
            return [m[1] for m in summed], name, False  # type: ignore[return-value]
    return [m[1] for m in summed], "none", True


def _layout(bodies: list[bytes], delimiter: str) -> tuple[float, str, list[list[bytes]]] | None:
    """Share of lines, and the numbers of each, where most lines have equally many; None where they have not."""
    split = [
        [w.strip() for w in body.split(None if delimiter == " " else delimiter.encode())] for body in bodies
    ]
    numbers = [row for row in split if row and all(_NUMBER.fullmatch(word) for word in row)]
    if not numbers:
        return None
    width, _ = Counter(map(len, numbers)).most_common(1)[0]
    good = [row for row in numbers if len(row) == width]
    first = next(i for i, row in enumerate(split) if len(row) == width)  # a greeting at power-up is no damage
    share = len(good) / max(1, len(split) - min(first, len(split) // 3))
    return (share, delimiter, good) if share >= GOOD_LINES and width <= MAX_COLUMNS else None


def _digits(word: bytes) -> int:
    return len(word.partition(b".")[2])


def _scaled(word: bytes, decimals: int) -> int:
    whole, _, fraction = word.partition(b".")
    return int(whole + fraction.ljust(decimals, b"0"))
