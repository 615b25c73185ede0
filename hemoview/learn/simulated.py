"""Ten-label cohorts from the physiology model: everything made with them is SIMULATED, a proof of the pipeline only.

People are drawn so that label means and spreads come near those of the published study (lsm2oe.md §1), which no
estimate can be better than by accident; what one person's pressure does within minutes is the model's own.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.datasets.dataset import Dataset, body_surfaces_m2, make_dataset
from hemoview.labels.datasets.splits import make_split
from recorder.devices.sim.physiology import (
    E4_OPTICS,
    FINGER_OPTICS,
    MODEL_VERSION,
    SimRecording,
    SimSubject,
    random_subject,
    simulate,
)
from recorder.devices.sim.vessels import compliance_for_pulse_pressure
from recorder.errors import ConfigError
from recorder.host.end_with_parent import end_with_parent
from recorder.schema import PARAMETERS

F64 = NDArray[np.float64]

COHORT_VERSION: Final = "ten-labels-1"
"""Rises whenever the same configuration would give other windows, apart from the physiology model's own version."""
WINDOW_S: Final = 10.0
RATE_HZ: Final = 64.0
LEAST_BEATS: Final = 6
STEADY_MMHG: Final = 8.0
"""A label is one number for a window, so SBP's first and last third must be this near (methods §E.3)."""

PUBLISHED: Final = {
    "SBP": (116.0, 12.1),
    "MAP": (87.0, 7.9),
    "DBP": (73.0, 7.9),
    "HR": (81.0, 5.3),
    "CO": (6.4, 0.81),
    "CI": (3.6, 0.55),
    "SV": (84.0, 7.3),
    "SI": (45.0, 5.2),
    "SVR": (950.0, 128.0),
    "SVRI": (1730.0, 305.0),
}
"""(mean, SD) of the study's labels as lsm2oe.md §1 derives them. They contradict each other a little: 81 · 84 mL is
6.8 L/min, and 80 · (87 − 5) / 6.4 is 1025; the cohort lies between."""

MANOEUVRES: Final = {
    "rest": 0.30,
    "slow-breathing": 0.18,
    "hand-grip": 0.16,
    "cold-pressor": 0.14,
    "stand": 0.10,
    "vasodilator": 0.10,
    "valsalva": 0.02,
}
"""How often the middle third is which; a population mostly at rest."""
VALSALVA_S: Final = 15.0

Sensor = Literal["both", "e4", "finger"]
_OPTICS: Final = {"e4": E4_OPTICS, "finger": FINGER_OPTICS}
_SITE: Final = {"e4": "wrist", "finger": "finger"}


@dataclass(frozen=True, slots=True)
class CohortConfig:
    """All that decides a cohort, beside the versions of model and cohort.

    Args:
        subjects: how many people.
        seconds: how long each is recorded; the middle third is a manoeuvre.
        seed: decides every draw.
        sensor: wristband or finger clip; ``both`` = every other subject.
        moving: keep windows in which the wrist moved, flagged in the column ``moving``.

    Raises:
        ConfigError: no subject, or less than a window each.
    """

    subjects: int
    seconds: float = 120.0
    seed: int = 1
    sensor: Sensor = "both"
    moving: bool = False

    def __post_init__(self) -> None:
        if self.subjects < 1 or not WINDOW_S <= self.seconds <= 86_400 or self.seed < 0:
            raise ConfigError(
                f"simulated cohort: {self.subjects} subjects, {self.seconds:g} s, seed {self.seed}; give at least one "
                f"subject, {WINDOW_S:g} s and a seed of 0 or more"
            )
        if self.sensor not in ("both", "e4", "finger"):
            raise ConfigError(f"simulated cohort: sensor {self.sensor!r} is unknown; use both, e4 or finger")

    @property
    def sha256(self) -> str:
        """Over configuration and versions: the same hash, the same windows."""
        text = json.dumps([MODEL_VERSION, COHORT_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def simulate_cohort(
    config: CohortConfig, processes: int = 1, tell: Callable[[int], None] = lambda _: None
) -> Dataset:
    """Simulate, window and label a cohort, with one split by subject (20 % test, 20 % validation) called ``default``
    where there are people enough.

    Args:
        config: what to simulate.
        processes: how many at once; does not change the result.
        tell: called with the number of subjects done.

    Raises:
        ConfigError: no window was good enough.
    """
    windows: list[_Window] = []
    kept = [0, 0, 0]
    for done, (found, dropped) in enumerate(_each_subject(config, processes), 1):
        windows += found
        kept = [a + b for a, b in zip(kept, (len(found), *dropped), strict=True)]
        tell(done)
    if not windows:
        raise ConfigError("simulated cohort: the wrist moved in every window; give more subjects or seconds")
    dataset = _table(windows, config)
    about = {
        "sources": ["physiology model"],
        "hop_s": WINDOW_S,
        "simulated": {
            "config": asdict(config),
            "config_sha256": config.sha256,
            "physiology": MODEL_VERSION,
            "cohort": COHORT_VERSION,
            "windows": kept[0],
            "dropped_moving": kept[1],
            "dropped_unsteady": kept[2],
        },
    }
    dataset = replace(dataset, about=about)
    return dataset.with_split(make_split(dataset)) if len(dataset.subjects) >= 5 else dataset


def draw_subject(rng: np.random.Generator) -> SimSubject:
    """A resting adult of the published study's kind: body, pressures and flow drawn for its label means, the vessels,
    the skin and the nerves as :func:`~recorder.devices.sim.physiology.random_subject` has them.
    """
    base = random_subject(rng)
    height_cm = float(np.clip(base.height_cm + 1.5, 145, 205))
    weight_kg = float(np.clip(rng.normal(24.3, 2.5), 17, 36) * (height_cm / 100) ** 2)
    body = replace(base, height_cm=height_cm, weight_kg=weight_kg)
    # CO varies more in the study than HR and SV would make it if they were independent: who has one high has both.
    common, own, tone = rng.normal(0, 1, 3)
    hr = float(np.clip(79.0 + 3.2 * (0.8 * common + 0.6 * own), 62, 100))
    # Stroke volume follows body size less than proportionally, else SI would vary less than the study's does.
    sv = float(np.clip(84.0 * (body.bsa_m2 / 1.83) ** 0.2 * np.exp(0.062 * common), 55, 115))
    older_y = base.age_y - 38
    map_mmhg = float(np.clip(86.8 + 0.06 * older_y + 4.5 * (0.3 * common + 0.95 * tone), 66, 115))
    pulse_mmhg = float(np.clip(rng.normal(44.0 + 0.12 * older_y + 0.6 * (map_mmhg - 86.8), 8.5), 26, 80))
    cvp = float(np.clip(rng.normal(6, 1.2), 1, 10))
    person = replace(
        body,
        hr_wander_per_min=0.6 * base.hr_wander_per_min,
        hr_per_min=hr,
        sv_ml=sv,
        cvp_mmhg=cvp,
        svr_dyn=80.0 * (map_mmhg - cvp) * 1000.0 / (hr * sv),
    )
    return replace(person, compliance_ml_per_mmhg=compliance_for_pulse_pressure(person, pulse_mmhg))


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    subject: str
    ppg: NDArray[np.float32]
    t0_s: float
    measured: F64
    person: F64
    site: str
    phase: str
    moving: bool
    beat_start_s: float


_MEASURED: Final = ("sbp_mmhg", "map_mmhg", "dbp_mmhg", "sv_ml", "cvp_mmhg")
Made = tuple[list[_Window], tuple[int, int]]


def _each_subject(config: CohortConfig, processes: int) -> Iterator[Made]:
    """Windows of one subject after the other, and how many were dropped for motion and unsteadiness."""
    numbers = range(config.subjects)
    if processes <= 1 or config.subjects < 8:
        yield from (_one_subject(config, number) for number in numbers)
        return
    # A fresh interpreter each: a fork would copy whatever threads the caller's libraries run.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=end_with_parent) as pool:
        parts = [(config, range(i, min(i + 16, config.subjects))) for i in range(0, config.subjects, 16)]
        yield from chain.from_iterable(pool.map(_some_subjects, *zip(*parts, strict=True)))


def _some_subjects(config: CohortConfig, numbers: range) -> list[Made]:
    return [_one_subject(config, number) for number in numbers]


def _one_subject(config: CohortConfig, number: int) -> Made:
    rng = np.random.default_rng((config.seed, number))
    subject = draw_subject(rng)
    manoeuvre = str(rng.choice(list(MANOEUVRES), p=list(MANOEUVRES.values())))
    third_s = config.seconds / 3
    step = {
        "at_s": third_s,
        "do": manoeuvre,
        "for_s": min(third_s, VALSALVA_S) if manoeuvre == "valsalva" else third_s,
    }
    sensor = ("finger", "e4")[number % 2] if config.sensor == "both" else config.sensor
    recording = simulate(
        subject,
        config.seconds,
        int(rng.integers(2**31)),
        [step],
        optics=_OPTICS[sensor],
        ppg_hz=RATE_HZ,
        abp_hz=25.0,
    )
    return _windows(recording, f"sim{config.seed}-{number:05d}", _SITE[sensor], moving=config.moving)


def _windows(recording: SimRecording, subject: str, site: str, *, moving: bool) -> Made:
    beats, n = recording.beats, round(WINDOW_S * RATE_HZ)
    who = recording.subject
    person = np.array([who.age_y, who.sex == "male", who.height_cm, who.weight_kg], dtype=np.float64)
    found, n_moving, n_unsteady = [], 0, 0
    for first in range(0, len(recording.ppg) - n + 1, n):
        t0_s = first / RATE_HZ
        inside = np.flatnonzero((beats["t_s"] >= t0_s) & (beats["t_s"] < t0_s + WINDOW_S))
        if len(inside) < LEAST_BEATS:
            continue
        if not _steady(beats["sbp_mmhg"][inside]):
            n_unsteady += 1
            continue
        moves = not beats["still"][inside].all()
        if moves and not moving:
            n_moving += 1
            continue
        rate = 60.0 / np.mean(60.0 / beats["hr_per_min"][inside])
        measured = np.array([*(np.median(beats[name][inside]) for name in _MEASURED), rate])
        found.append(
            _Window(
                subject,
                recording.ppg[first : first + n].astype(np.float32),
                t0_s,
                measured,
                person,
                site,
                str(beats["manoeuvre"][inside[len(inside) // 2]]),
                moves,
                float(beats["t_s"][inside[0]]) - t0_s,
            )
        )
    return found, (n_moving, n_unsteady)


def _steady(sbp_mmhg: F64) -> bool:
    third = max(len(sbp_mmhg) // 3, 1)
    return bool(abs(sbp_mmhg[:third].mean() - sbp_mmhg[-third:].mean()) <= STEADY_MMHG)


def _table(windows: list[_Window], config: CohortConfig) -> Dataset:
    demographics = np.stack([w.person for w in windows]).astype(np.float32)
    measured = np.stack([w.measured for w in windows]).astype(np.float32)
    sbp, mean, dbp, sv, cvp, hr = measured.T
    return make_dataset(
        np.stack([w.ppg for w in windows]),
        RATE_HZ,
        ten_labels(np.column_stack((sbp, mean, dbp, hr, sv)), cvp, demographics),
        [w.subject for w in windows],
        numbers={"t0_s": [w.t0_s for w in windows], "cvp_mmhg": cvp},
        words={
            "origin": "simulated",
            "reference_kind": "physiology-model",
            "ppg_site": np.array([w.site for w in windows]),
        },
        demographics=demographics,
        extra={
            "phase": np.array([w.phase for w in windows]),
            "moving": np.array([w.moving for w in windows]),
            "beat_start_s": np.array([w.beat_start_s for w in windows]),
        },
        name=f"simulated-{config.subjects}x{config.seconds:g}s-seed{config.seed}",
    )


def ten_labels(
    known: NDArray[np.floating], cvp_mmhg: NDArray[np.floating], demographics: NDArray[np.floating]
) -> NDArray[np.float32]:
    """SBP, MAP, DBP, HR, SV ``(n, 5)`` → all ten ``(n, 10)``, by identity; NaN where something is not known.

    Args:
        known: mmHg, beats/min, mL.
        cvp_mmhg: ``(n,)``.
        demographics: ``(n, 4)`` as a dataset has them.
    """
    sbp, mean, dbp, hr, sv = known.astype(np.float64).T
    bsa = body_surfaces_m2(demographics)
    co = hr * sv / 1000.0
    svr = 80.0 * (mean - cvp_mmhg.astype(np.float64)) / co
    columns = {
        "SBP": sbp,
        "MAP": mean,
        "DBP": dbp,
        "HR": hr,
        "CO": co,
        "CI": co / bsa,
        "SV": sv,
        "SI": sv / bsa,
    }
    columns |= {"SVR": svr, "SVRI": svr * bsa}
    return np.column_stack([columns[name] for name in PARAMETERS]).astype(np.float32)


def against_published(labels: NDArray[np.floating]) -> dict[str, dict[str, Any]]:
    """Mean and SD of ``(n, 10)`` labels beside those asked for."""
    return {
        name: {
            "mean": float(f"{np.nanmean(column):.4g}"),
            "sd": float(f"{np.nanstd(column):.3g}"),
            "published_mean": PUBLISHED[name][0],
            "published_sd": PUBLISHED[name][1],
        }
        for name, column in zip(PARAMETERS, labels.astype(np.float64).T, strict=True)
    }
