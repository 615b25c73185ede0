"""The wrist: how it lies, when it moves, what a movement does to the optical sensor; skin conductance and warmth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.manoeuvres import MANOEUVRES, Script

Array = NDArray[np.float64]

SETTLE_S = 0.8
"""How long turning the wrist takes."""


@dataclass(frozen=True, slots=True)
class Slot:
    """5 to 25 s in which the wrist lies or moves in one way.

    Args:
        start_s, end_s: when.
        gravity: unit vector ``(3,)`` of gravity in the sensor's axes, g.
        contact_mmhg: how hard the strap presses, over the usual.
        frequency_hz, amplitude_g: of the movement; amplitude 0 = still.
        axes: ``(3,)`` share of the movement on each axis.
        impacts_s: times of knocks.
    """

    start_s: float
    end_s: float
    gravity: Array
    contact_mmhg: float
    frequency_hz: float
    amplitude_g: float
    axes: Array
    impacts_s: Array


class Wrist:
    """Slots one after the other; ``sample`` evaluates them on any times, in order."""

    def __init__(self, rng: np.random.Generator, motion_fraction: float, start_s: float) -> None:
        self._rng, self._fraction = rng, motion_fraction
        gravity = np.array([0.1, 0.25, 0.96]) + rng.normal(0, 0.15, 3)
        still = np.zeros(3)
        first = Slot(start_s - 1, start_s, gravity / np.linalg.norm(gravity), 0.0, 1.0, 0.0, still, still[:0])
        self._slots = [first]

    def slots_until(self, t0_s: float, t1_s: float) -> list[Slot]:
        """All slots that touch ``t0_s``…``t1_s``, with the one before the first."""
        while self._slots[-1].end_s <= t1_s:
            self._slots.append(self._next(self._slots[-1]))
        while len(self._slots) > 2 and self._slots[1].end_s <= t0_s:
            del self._slots[0]
        return self._slots

    def _next(self, last: Slot) -> Slot:
        rng = self._rng
        end_s = last.end_s + float(rng.uniform(5, 25))
        moves = rng.random() < self._fraction
        if not moves:
            still = np.zeros(3)
            return Slot(last.end_s, end_s, last.gravity, last.contact_mmhg, 1.0, 0.0, still, still[:0])
        gravity = last.gravity + rng.normal(0, 0.35, 3)
        axes = rng.normal(0, 1, 3)
        return Slot(
            start_s=last.end_s,
            end_s=end_s,
            gravity=gravity / np.linalg.norm(gravity),
            contact_mmhg=float(np.clip(0.7 * last.contact_mmhg + rng.normal(0, 7), -15, 25)),
            frequency_hz=float(rng.uniform(0.8, 2.6)),
            amplitude_g=float(0.04 * np.exp(rng.normal(0.9, 0.8))),
            axes=axes / np.linalg.norm(axes),
            impacts_s=rng.uniform(last.end_s, end_s, rng.poisson(0.6)),
        )


@dataclass(frozen=True, slots=True)
class WristSignals:
    """Of one stretch: acceleration ``(n, 3)`` in g; movement ``(n,)`` in g, contact ``(n,)`` in mmHg over the usual."""

    acc_g: Array
    movement_g: Array
    contact_mmhg: Array


def wrist_signals(slots: list[Slot], t_s: Array) -> WristSignals:
    """Evaluate ``slots`` (the first only as where the wrist came from) at ``t_s`` ``(n,)``."""
    acc, movement, contact = np.empty((t_s.size, 3)), np.zeros(t_s.size), np.empty(t_s.size)
    for before, slot in pairwise(slots):
        inside = (t_s >= slot.start_s) & (t_s < slot.end_s)
        if not inside.any():
            continue
        since_s = t_s[inside] - slot.start_s
        turned = np.minimum(since_s / SETTLE_S, 1.0)
        turned = turned * turned * (3 - 2 * turned)
        swing = _swing(slot, since_s)
        acc[inside] = (
            before.gravity + turned[:, None] * (slot.gravity - before.gravity) + swing[:, None] * slot.axes
        )
        movement[inside] = swing
        contact[inside] = before.contact_mmhg + turned * (slot.contact_mmhg - before.contact_mmhg)
    return WristSignals(acc, movement, contact)


def _swing(slot: Slot, since_s: Array) -> Array:
    """Harmonic movement with soft ends, and knocks; g."""
    if slot.amplitude_g == 0.0:
        return np.zeros(since_s.size)
    length_s = slot.end_s - slot.start_s
    ends = np.clip(np.minimum(since_s, length_s - since_s) / 1.0, 0.0, 1.0)
    angle = 2 * math.pi * slot.frequency_hz * since_s
    swing = np.sin(angle) + 0.4 * np.sin(2 * angle + 0.8) + 0.15 * np.sin(3 * angle + 2.1)
    for t_s in slot.impacts_s:
        after = since_s - (t_s - slot.start_s)
        swing = swing + np.where(after >= 0, 8.0 * np.exp(-after / 0.06) * np.cos(60 * after), 0.0)
    return np.asarray(slot.amplitude_g * ends * swing)


class Skin:
    """Electrodermal activity (µS) and skin temperature (°C) on a slow grid."""

    def __init__(self, rng: np.random.Generator, script: Script, rate_hz: float) -> None:
        self._rng, self._script, self._dt_s = rng, script, 1.0 / rate_hz
        self._tonic_us = float(np.exp(rng.normal(0.3, 0.6)))
        self._drive, self._phasic_us = 0.0, 0.0
        self._warmth_c = float(rng.normal(33.2, 0.8))
        self._goal_c = self._warmth_c + float(rng.normal(0, 0.5))

    def sample(self, t0_s: float, n: int) -> tuple[Array, Array]:
        """The next ``n`` samples: conductance ``(n,)`` and temperature ``(n,)``."""
        per_min = 1.5 + MANOEUVRES[self._script.at(t0_s)].sweat
        bursts = self._rng.random(n) < per_min / 60.0 * self._dt_s
        sizes = np.exp(self._rng.normal(-1.2, 0.6, n)) * bursts
        noise = self._rng.normal(0, 1, (2, n))
        eda, temp = np.empty(n), np.empty(n)
        for i in range(n):
            self._drive += sizes[i] - self._drive * self._dt_s / 0.9
            self._phasic_us += (self._drive * 2.0 - self._phasic_us / 3.5) * self._dt_s
            self._tonic_us *= 1.0 + 0.002 * self._dt_s * noise[0, i]
            self._warmth_c += (self._goal_c - self._warmth_c) * self._dt_s / 600.0
            eda[i], temp[i] = self._tonic_us + self._phasic_us, self._warmth_c
        return eda + 0.002 * noise[0], temp + 0.01 * noise[1]
