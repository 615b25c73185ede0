"""``hemoview bench guard``: matched and swapped pairs of virtual people before the shared-heartbeat guard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from hemoview.bench import machine
from hemoview.dsp import abp_beats, ppg_beats
from hemoview.dsp.quality import motion_rms_g
from hemoview.dsp.shared_heart import Verdict
from hemoview.dsp.tracking import track_all
from hemoview.edge.heart import AROUND_NS, LOOK_EVERY_S, HeartGuard, Looked
from recorder.devices.sim import physiology
from recorder.devices.sim.subject import SimSubject
from recorder.host.console import progress

SECONDS: Final = 90.0
KINDS: Final = ("sinus", "atrial-fibrillation", "same-rate", "slow-breathing", "little-variability", "moving")
LATE_S: Final = 3.0
"""A beat is certain this long after it happened."""
FLAG_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pair:
    """What one pair came to.

    Args:
        kind: of both people.
        first: when each verdict was first said, s.
        flagged_s: usable signal of the device that had less when two hearts were said; None where they never were.
        usable_s: the same of the whole recording.
    """

    kind: str
    first: dict[Verdict, float]
    flagged_s: float | None
    usable_s: float

    @property
    def missed(self) -> bool:
        """Not said though there was a minute of usable signal, or said later than that."""
        return min(self.flagged_s or self.usable_s, self.usable_s) > FLAG_WITHIN_S


def run(*, pairs: int = 40, seed: int = 1) -> dict[str, Any]:
    """``pairs`` matched and as many swapped ones, of every kind in turn; simulated people, real detectors and guard."""
    with progress("comparing hearts", 2 * pairs) as tell:
        matched, swapped = [], []
        for number in range(pairs):
            kind = KINDS[number % len(KINDS)]
            rng = np.random.default_rng([seed, number])
            one, other = person(kind, rng), person(kind, rng)
            matched.append(compared(kind, one, one, rng))
            tell(2 * number + 1, f"{number + 1} of {pairs} pairs")
            swapped.append(compared(kind, one, other, rng))
            tell(2 * number + 2, f"{number + 1} of {pairs} pairs")
    told = sorted(p.flagged_s for p in swapped if p.flagged_s is not None)
    return {
        "simulated": True,
        "seed": seed,
        "seconds": SECONDS,
        "matched": len(matched),
        "false_flags": sum("different" in p.first for p in matched),
        "matched_told_same": sum("same" in p.first for p in matched),
        "swapped": len(swapped),
        "flagged_within_60_s": sum(t <= FLAG_WITHIN_S for t in told),
        "swapped_usable": sum(p.flagged_s is not None or p.missed for p in swapped),
        "swapped_told_same": sum("same" in p.first for p in swapped),
        "usable_s_to_flag_p50": round(float(np.median(told)), 1) if told else None,
        "usable_s_to_flag_max": round(told[-1], 1) if told else None,
        "missed": [p.kind for p in swapped if p.missed],
        "kinds": list(KINDS),
        "machine": machine.describe(),
    }


def person(kind: str, rng: np.random.Generator) -> physiology.SimRecording:
    """A virtual person of a kind, recorded."""
    subject = replace(physiology.random_subject(rng), motion_fraction=0.3 if kind == "moving" else 0.08)
    changes: dict[str, dict[str, Any]] = {
        "atrial-fibrillation": {"rhythm": "atrial-fibrillation"},
        "same-rate": {"hr_per_min": 70.0},
        "slow-breathing": {"breaths_per_min": 6.0, "rsa_per_min": 6.0},
        "little-variability": {"rsa_per_min": 0.5, "hr_wander_per_min": 1.0},
    }
    subject = _changed(subject, changes.get(kind, {}))
    return physiology.simulate(subject, SECONDS, int(rng.integers(1 << 30)))


def _changed(subject: SimSubject, changes: dict[str, Any]) -> SimSubject:
    return replace(subject, **changes)


def compared(
    kind: str, wrist: physiology.SimRecording, finger: physiology.SimRecording, rng: np.random.Generator
) -> Pair:
    """The guard beside the beats of a wrist and of a pressure, with a lag, clocks off by up to 100 ppm, and jitter."""
    guard, flagged_s = HeartGuard(), None
    first: dict[Verdict, float] = {}
    for at_s, looked in _looks(guard, wrist, finger, rng):
        first.setdefault(looked.verdict, at_s)
        if looked.verdict == "different" and flagged_s is None:
            flagged_s = min(guard.usable_s)
    return Pair(kind, first, flagged_s, min(guard.usable_s))


def _looks(
    guard: HeartGuard,
    wrist: physiology.SimRecording,
    finger: physiology.SimRecording,
    rng: np.random.Generator,
) -> Iterator[tuple[float, Looked]]:
    """(when, what), in the order in which beats come to light."""
    lag_s, ppm = rng.uniform(-0.8, 1.8), rng.uniform(-100, 100)
    pulses = [
        (b.beat.position / wrist.ppg_hz, b.beat.quality)
        for b in track_all(
            ppg_beats.find_ppg_beats, wrist.ppg, wrist.ppg_hz, refractory_s=ppg_beats.REFRACTORY_S
        )
    ]
    pressures = [
        (b.beat.position / finger.abp_hz * (1 + ppm * 1e-6) + lag_s, b.beat.quality)
        for b in track_all(
            abp_beats.find_abp_beats, finger.abp_mmhg, finger.abp_hz, refractory_s=abp_beats.REFRACTORY_S
        )
    ]
    jitter_s = rng.normal(0.0, 0.004, len(pulses))
    come = sorted(
        [(t, 0, n) for n, (t, _) in enumerate(pulses)] + [(t, 1, n) for n, (t, _) in enumerate(pressures)]
    )
    waiting = iter([*come, (np.inf, 2, 0)])
    t_s, device, n = next(waiting)
    for at_s in np.arange(LOOK_EVERY_S, SECONDS, LOOK_EVERY_S):
        while t_s <= at_s - LATE_S:
            if device == 0:
                moved_g = _motion_g(wrist, t_s)
                guard.pulse(round((t_s + 10 + jitter_s[n]) * 1e9), pulses[n][1], moved_g)
            else:
                guard.pressure(round((t_s + 10) * 1e9), pressures[n][1])
            t_s, device, n = next(waiting)
        yield float(at_s), guard.look()


def _motion_g(wrist: physiology.SimRecording, t_s: float) -> float:
    first = max(0, int((t_s - AROUND_NS[0] / 1e9) * wrist.acc_hz))
    stop = int((t_s + AROUND_NS[1] / 1e9) * wrist.acc_hz)
    return motion_rms_g(wrist.acc_g[first:stop], wrist.acc_hz)
