"""Two simulated devices on one virtual person, or on two, with everything that can be wrong with their clocks.

Waves are rendered at the instants of each device's own crystal and beats are found in them by the product's detectors,
so a detector's noise, its missed and its extra beats are in every figure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import REFRACTORY_S
from hemoview.dsp.beat_train import (
    BeatTrain,
    Rise,
    find_pressure_rises,
    find_pulse_rises,
    motion_around,
    nearest,
)
from hemoview.dsp.tracking import Detector, track_all
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.manoeuvres import Script, Step
from recorder.devices.sim.patient import VirtualPatient
from recorder.devices.sim.population import random_subject

Array = NDArray[np.float64]

MUST_LOCK: Final = (
    "rest",
    "zone-error",
    "repeated-hour",
    "dropouts",
    "reconnect",
    "atrial-fibrillation",
    "slow-breathing",
)
MOVING: Final = "heavy-motion"
PACED: Final = "paced"
OTHERS: Final = ("two-people", "two-people-same-rate", "two-people-slow-breathing")
KINDS: Final = (*MUST_LOCK, MOVING, PACED, *OTHERS)

PULSE_HZ, ACC_HZ, PRESSURE_HZ = 64.0, 32.0, 100.0
CHUNK_S: Final = 10.0
SECONDS: Final = (690.0, 900.0)
OFFSET_S: Final = 3600.0
DRIFT_PPM: Final = (80.0, 20.0)
"""Crystals of the wristband and of the monitor: ±100 ppm between them."""
STEADY: Final[dict[str, Any]] = {"tissue_width_mmhg": 2000.0, "svr_wander": 0.0}
"""The delay between the sites stays. The model's pulse wave velocity is constant in any case; what moves the delay is
the beginning of the rise, through the arctan law of the tissue at a pressure that wanders and under a strap that moves.
A straight law and a resistance that stays take that away (at a width of 200 a strap still moved it by 0.2 ppm, decision
0062); noise, motion, missed beats remain."""
MISMATCH_S: Final = 0.35
"""A beat further than this from every true one is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """What a device writes at a true time: knots ``(n,)``, a second apart, both rising."""

    true_s: Array
    written_s: Array

    def written(self, true_s: Array) -> Array:
        """Device times of true times."""
        return np.interp(true_s, self.true_s, self.written_s)

    def true(self, written_s: Array) -> Array:
        """True times of device times."""
        return np.interp(written_s, self.written_s, self.true_s)


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A session as the product meets it, and what is true.

    Args:
        kind: of :data:`KINDS`.
        pulse, reference: beats found, in each device's time.
        pulse_clock, reference_clock: what each device wrote when.
        lag_s: ``(n,)`` true pulse time − true reference time of the same heartbeat, by the detectors; empty with
            two people.
        lag_at_s: ``(n,)`` true time of each.
        jumps_s: true times at which a clock was set.
        usable: of pulse and reference, part of the true beats of the overlap that were found and are usable.
        overlap_s: in which both recorded.
    """

    kind: str
    pulse: BeatTrain
    reference: BeatTrain
    pulse_clock: Clock
    reference_clock: Clock
    lag_s: Array
    lag_at_s: Array
    jumps_s: tuple[float, ...]
    usable: tuple[float, float]
    overlap_s: float

    @property
    def same(self) -> bool:
        """One person wears both."""
        return self.kind not in OTHERS


@dataclass(frozen=True, slots=True)
class _Plan:
    """When a device records, how its clock runs, and what is lost of it; true s."""

    span_s: tuple[float, float]
    ppm: float
    offset_s: float
    holes_s: tuple[tuple[float, float], ...] = ()
    jump: tuple[float, float] | None = None
    """(when, by how much later it writes from then on)."""
    declared: bool = False
    """The jump is a reconnect the session knows of."""


def simulate(kind: str, seed: int, number: int, *, steady: bool = False) -> Simulated:
    """One session; the same for the same arguments. ``steady``: of people made :data:`STEADY`."""
    rng = np.random.default_rng([seed, number])
    seconds = float(rng.uniform(*SECONDS))
    worn, other = _person(kind, rng, steady=steady), None
    if kind in OTHERS:
        other = _person(kind, rng, steady=steady)
    wrist_plan, finger_plan = _plans(kind, seconds, rng)
    truth, pulse, pulse_clock = _record(worn, wrist_plan, rng, wrist=True)
    if other is None:  # the same heart once more, felt at the finger
        worn = worn.again()
    truth_there, reference, reference_clock = _record(other or worn, finger_plan, rng, wrist=False)
    low, high = (
        max(wrist_plan.span_s[0], finger_plan.span_s[0]),
        min(wrist_plan.span_s[1], finger_plan.span_s[1]),
    )
    lag_at_s, lag_s = np.zeros(0), np.zeros(0)
    if other is None:
        lag_at_s, lag_s = _lags(truth, pulse_clock, pulse, reference_clock, reference)
    return Simulated(
        kind,
        pulse,
        reference,
        pulse_clock,
        reference_clock,
        lag_s,
        lag_at_s,
        tuple(p.jump[0] for p in (wrist_plan, finger_plan) if p.jump),
        (
            _usable(truth, pulse_clock, pulse, low, high),
            _usable(truth_there, reference_clock, reference, low, high),
        ),
        high - low,
    )


@dataclass(frozen=True, slots=True)
class _Worn:
    """A person, reproducible."""

    patient: VirtualPatient
    made_of: tuple[Any, Script, int]

    def again(self) -> _Worn:
        """The same person from the start."""
        return _Worn(VirtualPatient(*self.made_of), self.made_of)


def _person(kind: str, rng: np.random.Generator, *, steady: bool) -> _Worn:
    changes: dict[str, dict[str, Any]] = {
        MOVING: {"motion_fraction": 0.5},
        "atrial-fibrillation": {"rhythm": "atrial-fibrillation"},
        "slow-breathing": {"breaths_per_min": 6.0, "rsa_per_min": 6.0},
        PACED: {"rhythm": "paced", "hr_per_min": float(rng.integers(55, 96))},
        "two-people-same-rate": {"hr_per_min": 70.0},
        "two-people-slow-breathing": {"breaths_per_min": 6.0, "rsa_per_min": 6.0, "hr_per_min": 70.0},
    }
    rest = random_subject(rng)
    subject = replace(
        rest, **{"motion_fraction": 0.08, **changes.get(kind, {}), **(STEADY if steady else {})}
    )
    script = Script((Step(-60.0, "slow-breathing", 3600.0),)) if "slow-breathing" in kind else Script()
    made_of = subject, script, int(rng.integers(1 << 30))
    return _Worn(VirtualPatient(*made_of), made_of)


def _plans(kind: str, seconds: float, rng: np.random.Generator) -> tuple[_Plan, _Plan]:
    """Either device may begin and end up to half a minute apart from the other."""
    edges = rng.uniform(0.0, 30.0, 4)
    zone_s = float(rng.choice([-3600.0, 3600.0, 1800.0, 7200.0])) if kind == "zone-error" else 0.0
    wrist = _Plan(
        (edges[0], seconds - edges[1]),
        float(rng.uniform(-1, 1)) * DRIFT_PPM[0],
        float(rng.uniform(-OFFSET_S, OFFSET_S)) + zone_s,
    )
    finger = _Plan((edges[2], seconds - edges[3]), float(rng.uniform(-1, 1)) * DRIFT_PPM[1], 0.0)
    middle_s = float(rng.uniform(0.35, 0.65)) * seconds
    if kind == "repeated-hour":
        set_on = (middle_s, 3600.0)
        return (
            (replace(wrist, jump=set_on), finger)
            if rng.random() < 0.5
            else (wrist, replace(finger, jump=set_on))
        )
    if kind == "reconnect":
        late_s = float(rng.uniform(0.05, 3.0))
        hole = ((middle_s - float(rng.uniform(3.0, 30.0)), middle_s),)
        return replace(wrist, jump=(middle_s, late_s), holes_s=hole, declared=True), finger
    if kind == "dropouts":
        starts = np.sort(rng.uniform(20.0, seconds - 60.0, 8))
        holes = tuple((float(t), float(t + rng.uniform(5.0, 35.0))) for t in starts)
        checks = tuple((float(t), float(t + 8.0)) for t in np.arange(60.0, seconds, 70.0))
        return replace(wrist, holes_s=holes), replace(finger, holes_s=checks)
    return wrist, finger


def _record(
    worn: _Worn, plan: _Plan, rng: np.random.Generator, *, wrist: bool
) -> tuple[Array, BeatTrain, Clock]:
    """True beats (at the finger), the beats found in device time, and the clock."""
    rate = PULSE_HZ if wrist else PRESSURE_HZ
    crystal = DeviceClock(plan.ppm, rng)
    begin_s, end_s = plan.span_s
    waves: list[Array] = []
    moves: list[Array] = []
    truth: list[float] = []
    knots: list[tuple[Array, Array]] = []
    patient = worn.patient
    for first_s in np.arange(0.0, end_s - begin_s, CHUNK_S):
        device_s = first_s + np.arange(round(CHUNK_S * rate)) / rate
        waves.append(patient.sample("ppg" if wrist else "abp", begin_s + crystal.true_s(device_s)))
        whole_s = first_s + np.arange(CHUNK_S)
        knots.append((begin_s + crystal.true_s(whole_s), whole_s))
        if wrist:
            acc_s = first_s + np.arange(round(CHUNK_S * ACC_HZ)) / ACC_HZ
            moves.append(patient.sample("acc", begin_s + crystal.true_s(acc_s)))
        truth += [b.t_s for b in patient.take_truth()]
    clock = _clock(knots, plan)
    beats = _found(np.concatenate(waves), rate, plan, clock, wrist=wrist)
    if wrist:
        acc_g = np.concatenate(moves)
        still_s = plan.offset_s + np.arange(len(acc_g)) / ACC_HZ
        at_s = still_s if plan.jump is None else still_s + plan.jump[1] * (clock.true(still_s) > plan.jump[0])
        moved = motion_around(beats.time_s, at_s, acc_g, ACC_HZ)
        beats = beats.while_still(moved)
    return np.array(truth), beats, clock


def _clock(knots: list[tuple[Array, Array]], plan: _Plan) -> Clock:
    true_s = np.concatenate([t for t, _ in knots])
    written_s = np.concatenate([d for _, d in knots]) + plan.offset_s
    if plan.jump is not None:
        written_s = written_s + plan.jump[1] * (true_s >= plan.jump[0])
    beyond = np.array([-60.0, 60.0])
    return Clock(
        np.concatenate((true_s[:1] + beyond[:1], true_s, true_s[-1:] + beyond[1:])),
        np.concatenate((written_s[:1] + beyond[:1], written_s, written_s[-1:] + beyond[1:])),
    )


def _found(wave: Array, rate: float, plan: _Plan, clock: Clock, *, wrist: bool) -> BeatTrain:
    """Beats run by run: holes end a run, and so does the moment a clock is set."""
    base_s, jump_s = plan.offset_s, plan.jump
    device_of = clock.written_s - (jump_s[1] * (clock.true_s >= jump_s[0]) if jump_s else 0.0) - base_s
    edges = [(float(np.interp(a, clock.true_s, device_of)), b) for a, b in plan.holes_s]
    holes = [(round(a * rate), round(float(np.interp(b, clock.true_s, device_of)) * rate)) for a, b in edges]
    at_jump = round(float(np.interp(jump_s[0], clock.true_s, device_of)) * rate) if jump_s else len(wave)
    kept = np.ones(len(wave), np.bool_)
    for a, b in holes:
        kept[max(a, 0) : max(b, 0)] = False
    borders = np.flatnonzero(np.diff(kept.astype(np.int8))) + 1
    cuts = sorted({0, len(wave), min(at_jump, len(wave)), *borders.tolist()})
    detect: Detector[Rise] = find_pulse_rises if wrist else find_pressure_rises
    time_s: list[float] = []
    quality: list[float] = []
    pressure: list[tuple[float, float]] = []
    run: list[int] = []
    part: list[int] = []
    for number, (a, b) in enumerate(pairwise(cuts)):
        if not kept[a] or b - a < 2 * rate:
            continue
        late_s = jump_s[1] if jump_s is not None and a >= at_jump else 0.0
        for tracked in track_all(detect, wave[a:b], rate, refractory_s=REFRACTORY_S):
            time_s.append((a + tracked.beat.time) / rate + base_s + late_s)
            quality.append(tracked.beat.quality)
            pressure.append(tracked.beat.pressure)
            run.append(number)
            part.append(int(plan.declared and a >= at_jump))
    at = np.array(time_s)
    rising = at > np.maximum.accumulate(np.concatenate(([-np.inf], at[:-1])))
    columns = (np.array(run)[rising], np.array(part)[rising])
    pressures = np.array(pressure).reshape(-1, 2)
    return BeatTrain.of(at[rising], np.array(quality)[rising], None, *columns, pressure=pressures[rising])


def _lags(
    truth: Array, pulse_clock: Clock, pulse: BeatTrain, reference_clock: Clock, reference: BeatTrain
) -> tuple[Array, Array]:
    """True time of, and true lag at, every heartbeat both devices found: which is which is known from the truth."""
    felt = _felt(truth, pulse_clock, pulse)
    pressed = _felt(truth, reference_clock, reference)
    both = np.isfinite(felt) & np.isfinite(pressed)
    return truth[both], (felt - pressed)[both]


def _felt(truth: Array, clock: Clock, beats: BeatTrain) -> Array:
    """True time at which each true beat was found by a usable beat; NaN where it was not."""
    found = clock.true(beats.time_s[beats.usable])
    if found.size < 2:
        return np.full(truth.size, np.nan)
    felt = found[nearest(truth, found)]
    return np.where(np.abs(felt - truth) <= MISMATCH_S, felt, np.nan)


def _usable(truth: Array, clock: Clock, beats: BeatTrain, low: float, high: float) -> float:
    """Part of the true beats of a span that were found and are usable."""
    inside = truth[(truth >= low) & (truth < high)]
    return float(np.isfinite(_felt(inside, clock, beats)).mean()) if inside.size else 0.0
