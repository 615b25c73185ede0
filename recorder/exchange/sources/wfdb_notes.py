"""Annotation files of WFDB records (MIT format, WFDB Applications Guide, ``annot(5)``): bytes in, values out. Pure.

The library's own reader never ends on a file whose first notes begin with ``##`` and are none it knows, as a single
wrong byte makes of one that it does, and it leaves out every note of the first sample. This one reads any bytes, as far
as they go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SYMBOLS: Final = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/", 13: "Q", 14: "~",
    16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=", 24: "p", 25: "B", 26: "^", 27: "t", 28: "+", 29: "u",
    30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(", 40: ")", 41: "r",
}  # fmt: skip
"""Of each code of an annotation; others are shown by their number."""
_NOTE, _SKIP, _NUM, _SUB, _CHN, _AUX = 22, 59, 60, 61, 62, 63
_RATE: Final = re.compile(r"## time resolution: (\d+\.?\d*)")
_DEFINITIONS, _END_OF_DEFINITIONS = "## annotation type definitions", "## end of definitions"
_DEFINITION: Final = re.compile(r"(\d+) (\S+) .+")


@dataclass(frozen=True, slots=True)
class WfdbNote:
    """One annotation: number of its sample, its symbol, and what is said with it."""

    sample: int
    symbol: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class WfdbNotes:
    """What a file holds.

    Args:
        notes: in the order of the file.
        rate_hz: at which it counts samples, where it says so.
        whole: it ends as such a file does.
    """

    notes: tuple[WfdbNote, ...]
    rate_hz: float | None
    whole: bool


def parse_notes(octets: bytes) -> WfdbNotes:
    """Any bytes in; what can be read of them out."""
    told, whole = _told(octets)
    rate_hz, symbols = None, dict(_SYMBOLS)
    notes: list[WfdbNote] = []
    defining = False
    for sample, code, text in told:
        of_the_file = sample == 0 and code == _NOTE
        found, defined = _RATE.match(text), _DEFINITION.match(text)
        if of_the_file and found is not None and float(found[1]) > 0:
            rate_hz = float(found[1])
        elif of_the_file and (defining or text == _DEFINITIONS):
            defining = text != _END_OF_DEFINITIONS
            if defined is not None:
                symbols[int(defined[1])] = defined[2]
        elif code:
            notes.append(WfdbNote(sample, symbols.get(code, str(code)), text))
    return WfdbNotes(tuple(notes), rate_hz, whole)


def _told(octets: bytes) -> tuple[list[tuple[int, int, str]], bool]:
    """Sample, code and text of each annotation, and whether the mark of the end was found."""
    found: list[tuple[int, int, str]] = []
    sample = at = 0
    while at + 2 <= len(octets):
        word = int.from_bytes(octets[at : at + 2], "little")
        code, low = word >> 10, word & 0x3FF
        at += 2
        if not word:
            return found, True
        if code == _SKIP:
            high = int.from_bytes(octets[at : at + 2], "little", signed=True)
            sample += (high << 16) + int.from_bytes(octets[at + 2 : at + 4], "little")
            at += 4
        elif code == _AUX:
            text = octets[at : at + low].split(b"\0")[0]
            at += low + low % 2
            if found:
                found[-1] = (*found[-1][:2], _decoded(text))
        elif code not in (_NUM, _SUB, _CHN):
            sample += low
            found.append((sample, code, ""))
    return found, False


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("latin-1").strip()
