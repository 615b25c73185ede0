"""What looking at an unknown ADC's bytes found out: a framing, what each field seems to be, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_profile import AsciiFraming, BinaryFraming

Ints = NDArray[np.int64]

Verdict = Literal["nothing", "too-little", "noise", "gps", "words", "no-start", "text", "binary"]
"""``text`` and ``binary`` propose a framing; the others say what was there instead: no byte, too few, nothing that
repeats, a GPS receiver (NMEA 0183), lines that are no plain numbers, frames without a fixed beginning."""

FieldKind = Literal["counter", "clock", "clock-ms", "constant", "checksum", "channel"]
"""``checksum``: looks like one, of a kind this program does not know. ``clock`` counts µs, ``clock-ms`` ms."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason, for a screen to put into words: an id and named values."""

    id: str
    values: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """One field of a frame.

    Args:
        name: proposed, one of the framing's fields.
        kind: what it seems to be.
        low, high: counts it took.
        bits: of the smallest converter that gives such counts; None for a field with a sign.
    """

    name: str
    kind: FieldKind
    low: int = 0
    high: int = 0
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """The outcome. Nothing is proposed, and ``framing`` None, unless the verdict is ``text`` or ``binary``.

    Args:
        evidence: why, strongest first.
        fields: of the framing, in its order.
        rate_hz: frames a second by arrival, rounded to a usual rate where it is near one.
        counter_modulo: of the counter, if there is one.
        n_frames: that were read with this framing.
        read_share: share of the bytes that it explains, 0 to 1.
        confidence: 0 to 1.
        excerpt: the beginning of what was sent, printable.
    """

    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    framing: AsciiFraming | BinaryFraming | None = None
    fields: tuple[FieldFinding, ...] = ()
    rate_hz: float = 0.0
    counter_modulo: int = 65536
    n_frames: int = 0
    n_bytes: int = 0
    read_share: float = 0.0
    confidence: float = 0.0
    excerpt: str = ""

    @property
    def proposes(self) -> bool:
        """There is a framing to try."""
        return self.framing is not None

    def named(self, kind: FieldKind) -> str | None:
        """The first field of a kind."""
        return next((f.name for f in self.fields if f.kind == kind), None)

    @property
    def channels(self) -> tuple[FieldFinding, ...]:
        """The fields that carry a converted quantity."""
        return tuple(f for f in self.fields if f.kind == "channel")
