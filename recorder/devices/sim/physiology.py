"""The physiology model in one place: subjects, scripts, the living patient, and whole recordings for training.

Every figure that comes from it is a figure about this model, never about people; label it SIM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.manoeuvres import MANOEUVRES, Script, Step, parse_script
from recorder.devices.sim.patient import BeatTruth, SignalName, VirtualPatient
from recorder.devices.sim.population import random_subject
from recorder.devices.sim.subject import MODEL_VERSION, SimSubject, config_hash
from recorder.devices.sim.vessels import E4_OPTICS, FINGER_OPTICS, Optics

__all__ = [
    "E4_OPTICS",
    "FINGER_OPTICS",
    "MANOEUVRES",
    "MODEL_VERSION",
    "BeatTruth",
    "Optics",
    "Script",
    "SimRecording",
    "SimSubject",
    "Step",
    "VirtualPatient",
    "config_hash",
    "parse_script",
    "random_subject",
    "simulate",
]

Array = NDArray[np.float64]
CHUNK_S = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class SimRecording:
    """A whole simulated recording; sample n of a signal is at n / its rate, s.

    Args:
        subject, seed, config_sha256: what it came from.
        ppg: ``(n,)`` at ``ppg_hz``, in the sensor's unit.
        abp_mmhg: ``(n,)`` at ``abp_hz``, pressure at the finger cuff.
        acc_g: ``(n, 3)`` at ``acc_hz``.
        eda_us, temp_c: ``(n,)`` at ``skin_hz``.
        beats: field of :class:`BeatTruth` -> array ``(n_beats,)``.
    """

    subject: SimSubject
    seed: int
    config_sha256: str
    ppg: Array
    abp_mmhg: Array
    acc_g: Array
    eda_us: Array
    temp_c: Array
    beats: dict[str, NDArray[Any]]
    ppg_hz: float = 64.0
    abp_hz: float = 100.0
    acc_hz: float = 32.0
    skin_hz: float = 4.0


def simulate(
    subject: SimSubject,
    seconds: float,
    seed: int = 0,
    script: str | Sequence[dict[str, Any]] | Script = "rest",
    *,
    optics: Optics = E4_OPTICS,
    ppg_hz: float = 64.0,
    abp_hz: float = 100.0,
) -> SimRecording:
    """Record ``seconds`` of a virtual patient.

    Raises:
        ConfigError: the script is wrong.
    """
    plan = parse_script(script)
    patient = VirtualPatient(subject, plan, seed, optics)
    rates: dict[SignalName, float] = {"ppg": ppg_hz, "abp": abp_hz, "acc": 32.0, "eda": 4.0, "temp": 4.0}
    parts: dict[SignalName, list[Array]] = {name: [] for name in rates}
    truth: list[BeatTruth] = []
    for begin_s in np.arange(0.0, seconds, CHUNK_S):
        end_s = min(begin_s + CHUNK_S, seconds)
        for name, rate_hz in rates.items():
            n0, n1 = int(np.ceil(begin_s * rate_hz - 1e-9)), int(np.ceil(end_s * rate_hz - 1e-9))
            parts[name].append(patient.sample(name, np.arange(n0, n1) / rate_hz))
        truth += patient.take_truth()
    patient.extend(seconds + 4.0)
    truth += patient.take_truth()
    return SimRecording(
        subject=subject,
        seed=seed,
        config_sha256=config_hash(subject, plan.to_json(), seed),
        ppg=np.concatenate(parts["ppg"]),
        abp_mmhg=np.concatenate(parts["abp"]),
        acc_g=np.concatenate(parts["acc"]),
        eda_us=np.concatenate(parts["eda"]),
        temp_c=np.concatenate(parts["temp"]),
        beats=beat_table([b for b in truth if b.t_s < seconds]),
        ppg_hz=ppg_hz,
        abp_hz=abp_hz,
    )


def beat_table(beats: Sequence[BeatTruth]) -> dict[str, NDArray[Any]]:
    """Field of :class:`BeatTruth` -> array ``(n_beats,)``."""
    return {name: np.array([getattr(b, name) for b in beats]) for name in BeatTruth.__dataclass_fields__}
