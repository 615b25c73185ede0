"""Where an emulator's samples come from: the virtual patient, or a recording (:mod:`recorder.devices.sim.replay`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.patient import BeatTruth, SignalName, VirtualPatient

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An accepted beat interval as a wristband reports it: at ``t_s``, ``ibi_s`` long."""

    t_s: float
    ibi_s: float


class Source(Protocol):
    """Signals at any true time since the start."""

    ends_s: float | None
    """The signals stop here; None = never."""

    def has(self, name: SignalName) -> bool:
        """There is such a signal."""
        ...

    def sample(self, name: SignalName, t_s: Array) -> Array:
        """``(n,)``, ``acc`` ``(n, 3)``; NaN where there is nothing: the device then has no value either."""
        ...

    def intervals(self, until_s: float) -> list[Interval]:
        """Beat intervals up to ``until_s`` not handed out before."""
        ...

    def truth(self, until_s: float) -> list[BeatTruth]:
        """True beats up to ``until_s`` not handed out before; none where the truth is not known."""
        ...


KEEP_INTERVALS = 200
"""Where no wristband asks for intervals they are forgotten."""


class PatientSource:
    """The virtual patient as a source."""

    ends_s: float | None = None

    def __init__(self, patient: VirtualPatient) -> None:
        self._patient = patient
        self._for_truth: list[BeatTruth] = []
        self._for_intervals: list[BeatTruth] = []

    def has(self, name: SignalName) -> bool:  # noqa: ARG002 (a patient has everything)
        """Always."""
        return True

    def sample(self, name: SignalName, t_s: Array) -> Array:
        """See :class:`Source`."""
        return self._patient.sample(name, t_s)

    def intervals(self, until_s: float) -> list[Interval]:
        """Beats while the wrist was still: a wristband rejects the others."""
        self._collect()
        taken, self._for_intervals = _split(self._for_intervals, until_s)
        return [Interval(b.t_s + 60.0 / b.hr_per_min, 60.0 / b.hr_per_min) for b in taken if b.still]

    def truth(self, until_s: float) -> list[BeatTruth]:
        """See :class:`Source`."""
        self._patient.extend(until_s)
        self._collect()
        taken, self._for_truth = _split(self._for_truth, until_s)
        return taken

    def _collect(self) -> None:
        beats = self._patient.take_truth()
        if beats:
            self._for_truth += beats
            self._for_intervals = (self._for_intervals + beats)[-KEEP_INTERVALS:]


def _split(beats: list[BeatTruth], until_s: float) -> tuple[list[BeatTruth], list[BeatTruth]]:
    n = next((i for i, b in enumerate(beats) if b.t_s + 60.0 / b.hr_per_min > until_s), len(beats))
    return beats[:n], beats[n:]
