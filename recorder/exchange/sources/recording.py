"""A foreign recording as values: signals by role, numerics, moments, and what is known of the subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["bvp", "acc", "eda", "temp", "abp", "cvp", "resp", "ecg"]
SourceKind = Literal["e4", "wfdb", "surgery-npz"]

ROLE_UNITS: Mapping[Role, str] = MappingProxyType(
    {
        "bvp": "1",
        "acc": "g",
        "eda": "µS",
        "temp": "°C",
        "abp": "mmHg",
        "cvp": "mmHg",
        "resp": "1",
        "ecg": "mV",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A regular signal; sample n is at ``t0_s + n / rate_hz``.

    Args:
        role: what it is for.
        name: what the file calls it.
        values: ``(n,)`` float32, ``acc`` ``(n, 3)``; NaN where the file has a gap.
        rate_hz: samples a second, as the file says.
        t0_s: time of the first sample on the recording's axis.
        unit: of the values.
    """

    role: Role
    name: str
    values: NDArray[np.float32]
    rate_hz: float
    t0_s: float
    unit: str

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz <= 100_000:
            raise ValueError(f"signal {self.name}: rate {self.rate_hz:g} Hz is out of range")

    @property
    def ends_s(self) -> float:
        """Time after the last sample."""
        return self.t0_s + len(self.values) / self.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class Numeric:
    """Irregular values of a monitor.

    Args:
        name: what the file calls it.
        device: which monitor gave it; empty if unknown.
        parameter: which of ``recorder.schema.PARAMETERS`` it is; empty if none.
        t_s, values: ``(n,)``.
    """

    name: str
    device: str
    parameter: str
    t_s: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something marked at a time: ``kind`` is ``tag`` or ``marker``."""

    t_s: float
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What is known of the subject; never a name or a date."""

    age_y: float | None = None
    sex: str | None = None
    height_cm: float | None = None
    weight_kg: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Everything read from one file, folder or record. Times are s since ``start_wall_ns`` or the file's own zero.

    Args:
        source: what kind of file.
        name: name of the file or record.
        signals: by role.
        numerics: by ``device/name``.
        intervals_s: beat intervals the device reported, ``(n, 2)``: time of the later beat and length.
        moments: tags and markers in order of time.
        start_wall_ns: UTC, ns since 1970, where the file states it in UTC; else None.
        start_text: the file's own naive start, where it has no zone.
        subject: what is known of the subject.
        notes: what was odd, one line each: rows rejected, files absent, gaps rounded.
    """

    source: SourceKind
    name: str
    signals: Mapping[Role, Signal]
    numerics: Mapping[str, Numeric] = field(default_factory=dict)
    intervals_s: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    moments: tuple[Moment, ...] = ()
    start_wall_ns: int | None = None
    start_text: str = ""
    subject: RecordingFacts = field(default_factory=RecordingFacts)
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """From the first sample to the last, s."""
        begin = min((s.t0_s for s in self.signals.values()), default=0.0)
        return max((s.ends_s for s in self.signals.values()), default=0.0) - begin

    def facts(self) -> dict[str, Any]:
        """Plain JSON values: where it came from and what is known of the subject."""
        return {
            "source": self.source,
            "name": self.name,
            "ppg_unit": "e4" if self.source == "e4" else "1",
            "subject": asdict(self.subject),
            "notes": list(self.notes),
        }
