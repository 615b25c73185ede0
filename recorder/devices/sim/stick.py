"""The USB stick of a CNAP monitor, written by the virtual bedside: a plausible trio of files (devices.md §D.2).

What a monitor writes, in its layout, from the physiology model: an uncalibrated start, cuff readings, the step at
``NBPcal``, a finger change, CO only once it can be known, rows of events a little out of order. One more column, which
no monitor writes, says that it is simulated; readers see it and mark the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.physiology import SimRecording
from recorder.protocols.cnap_beats import COLUMNS, EVENT
from recorder.protocols.cnap_csv import SIMULATED, TIME
from recorder.protocols.cnap_wave import PRESSURE, RATE_HZ

Array = NDArray[np.float64]

SEARCH_S: Final = 28.0
"""Until then the monitor looks for a signal; the wave is 0.00."""
SEARCH_EVERY_S: Final = 10.0
CUFF_BEFORE_CAL_S: Final = 25.0
"""A cuff result comes 22 to 35 s before the ``NBPcal`` that uses it."""
FINGER_CHANGE_S: Final = 12.0
CO_HELD_BEATS: Final = 4
HEADER: Final = (TIME, *list(COLUMNS)[:14], EVENT, *list(COLUMNS)[14:])
_TRUTH: Final = {
    "sv": "sv_ml",
    "co": "co_l_min",
    "ci": "ci_l_min_m2",
    "si": "si_ml_m2",
    "svr": "svr_dyn",
    "svri": "svri_dyn",
}


@dataclass(frozen=True, slots=True)
class StickPlan:
    """What happens on the monitor, in its own time, s from its start.

    Args:
        from_s: where in the recording the monitor is started.
        seconds: length; None: to the end of the recording.
        clock_ppm: how much faster the monitor's clock runs than true time.
        calibrated_s: times of ``NBPcal``; before the first one pressures are on no scale.
        finger_changes_s: times of ``Changed Finger``; from there on uncalibrated until the next ``NBPcal``.
        hd_calibrated_s: time of ``HDcal``, None: never.
        failed_cuffs_s: times of cuff readings that fail.
        artefacts: share of beats with ``sys = dia`` and a heart rate of ``-0``.
        person: (name, id, serial) for the summary: to test that they go nowhere.
        prefix: put before the files' names, as users do.
        number: of the recording.
    """

    from_s: float = 0.0
    seconds: float | None = None
    clock_ppm: float = 0.0
    calibrated_s: tuple[float, ...] = (60.0,)
    finger_changes_s: tuple[float, ...] = ()
    hd_calibrated_s: float | None = 90.0
    failed_cuffs_s: tuple[float, ...] = ()
    artefacts: float = 0.005
    person: tuple[str, str, str] = ("Nobody Simulated", "SIM-000", "SIM-SERIAL-0")
    prefix: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class StickFiles:
    """The three files, and the monitor's local time they begin at."""

    beats: Path
    waveform: Path
    summary: Path
    begins: datetime


def write_stick(
    folder: Path, recording: SimRecording, begins: datetime, plan: StickPlan | None = None, *, seed: int = 0
) -> StickFiles:
    """Write the trio of a simulated recording.

    Args:
        folder: the stick; made if it is not there.
        recording: who was measured (:func:`recorder.devices.sim.physiology.simulate`).
        begins: what the monitor's clock showed at its start: local, no zone.
        plan: what happened; the default calibrates itself after a minute.
        seed: of the monitor's own small errors.
    """
    monitor = _Monitor(recording, plan or StickPlan(), np.random.default_rng(seed))
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{monitor.plan.prefix}CNAP_{begins:%Y-%m-%d_%H-%M-%S}_{monitor.plan.number:03d}"
    beats, waveform, summary = (folder / f"{stem}_{part}.csv" for part in ("beats", "waveform", "summary"))
    files = StickFiles(beats, waveform, summary, begins)
    files.beats.write_text(_text((*HEADER, SIMULATED), monitor.beat_rows()), "ascii", newline="")
    files.waveform.write_text(_text((TIME, PRESSURE, SIMULATED), monitor.wave_rows()), "ascii", newline="")
    names = (TIME, "Entry Name", "Entry Value", SIMULATED)
    files.summary.write_text(_text(names, monitor.summary_rows(begins)), "ascii", newline="")
    return files


def _text(names: Sequence[str], rows: Iterator[str]) -> str:
    header = "".join(f'"{name}";' for name in names)
    return "\n".join((header, *(f"{row};1;" for row in rows), ""))


class _Monitor:
    """A monitor that measures the recording; its time begins at ``plan.from_s``."""

    def __init__(self, recording: SimRecording, plan: StickPlan, rng: np.random.Generator) -> None:
        self.plan, self._recording, self._rng = plan, recording, rng
        self._pace = 1.0 + plan.clock_ppm * 1e-6
        rest_s = len(recording.abp_mmhg) / recording.abp_hz - plan.from_s
        self.seconds = min(plan.seconds or rest_s, rest_s) * self._pace
        self._beat_s = (recording.beats["t_s"] - plan.from_s) * self._pace
        self._scales = sorted(
            [(0.0, 0.8 + 0.1 * float(rng.standard_normal()), -6.0)]
            + [(t, 1.0 + 0.015 * float(rng.standard_normal()), 0.0) for t in plan.calibrated_s]
            + [(t, 0.85 + 0.1 * float(rng.standard_normal()), 4.0) for t in plan.finger_changes_s]
        )

    def wave_rows(self) -> Iterator[str]:
        """``0.01;81.25``: 100 rows a second."""
        t_s = np.arange(int(self.seconds * RATE_HZ)) / RATE_HZ
        recording = self._recording
        true_s = self.plan.from_s + t_s / self._pace
        true = np.interp(true_s, np.arange(len(recording.abp_mmhg)) / recording.abp_hz, recording.abp_mmhg)
        shown = np.where(self._sees(t_s), np.maximum(self._scaled(t_s, true), 0.01), 0.0)
        return (f"{t:.2f};{p:.2f}" for t, p in zip(t_s.tolist(), shown.tolist(), strict=True))

    def beat_rows(self) -> Iterator[str]:
        """Beats and events; a row of an event stands behind the beat that follows it."""
        beats, events = self._beats(), self._events()
        for t_s, row in beats:
            while events and events[0][0] < t_s - 0.8:
                yield events.pop(0)[1]
            yield row
        yield from (row for _, row in events)

    def summary_rows(self, begins: datetime) -> Iterator[str]:
        """Set-up and subject, identifying entries among them."""
        subject, (name, number, serial) = self._recording.subject, self.plan.person
        ends = begins + timedelta(seconds=self.seconds)
        for entry, value in {
            "Category": "Adult",
            "CNAP Software Version": "5.2.17",
            "Cuff Controller Serial No": f"{serial}-1",
            "Cuff Serial No": f"{serial}-2",
            "Cuff Size": "Medium",
            "Name": name,
            "ID#": number,
            "Gender": subject.sex.capitalize(),
            "Software Version": "5.2.18",
            "CNAP Monitor Serial No": serial,
            "CNAP Interval": "01:00:00",
            "NBP Measurement Type": "60 min",
            "Beat Averaging": "1",
            "Start Recording": f"{begins:%H:%M:%S}",
            "Weight": f"{subject.weight_kg:.0f} kg",
            "Height": f"{subject.height_cm:.0f} cm",
            "Age": f"{subject.age_y} years",
            "Body Surface Area": f"{subject.bsa_m2:.2f} m^2",
            "Stop Recording": f"{ends:%H:%M:%S}",
        }.items():
            yield f'0.00;"{entry}";"{value}"'

    def _beats(self) -> Iterator[tuple[float, str]]:
        truth = self._recording.beats
        inside = (self._beat_s >= 0) & (self._beat_s < self.seconds - 1.0) & self._sees(self._beat_s)
        at = np.flatnonzero(inside)
        t_s = self._beat_s[at]
        sys, mean, dia = (self._scaled(t_s, truth[f"{name}_mmhg"][at]) for name in ("sbp", "map", "dbp"))
        bad = self._rng.random(len(at)) < self.plan.artefacts
        first_cal = min(self.plan.calibrated_s, default=np.inf)
        held: dict[str, float] = {}
        for n, i in enumerate(at.tolist()):
            t = float(t_s[n])
            cells = {"sbp": f"{sys[n]:.0f}", "map": f"{mean[n]:.0f}", "dbp": f"{dia[n]:.0f}"}
            cells["hr"] = f"{truth['hr_per_min'][i]:.0f}"
            if bad[n]:
                cells = dict.fromkeys(("sbp", "map", "dbp"), cells["map"]) | {"hr": "-0"}
            elif t >= first_cal:
                if n % CO_HELD_BEATS == 0 or not held:
                    held = {channel: float(truth[name][i]) for channel, name in _TRUTH.items()}
                cells |= {c: f"{v:.1f}" if c in ("co", "ci") else f"{v:.0f}" for c, v in held.items()}
                cells |= self._dynamic(t, float(truth["cvp_mmhg"][i]))
            yield t, _row(t, cells)

    def _dynamic(self, t_s: float, cvp_mmhg: float) -> dict[str, str]:
        """PPV and SVV need some breaths; height and CVP are as set."""
        ppv = 100 * self._recording.subject.ppv
        cells = {"height_offset": "0", "cvp": f"{cvp_mmhg:.0f}"}
        if t_s > SEARCH_S + 30.0:
            shown = np.maximum(ppv + self._rng.normal(0.0, 1.0, 2), 1.0)
            cells |= {"ppv": f"{shown[0]:.0f}", "svv": f"{shown[1]:.0f}"}
        return cells

    def _events(self) -> list[tuple[float, str]]:
        plan = self.plan
        found: list[tuple[float, str, dict[str, str]]] = [
            (t, "Optimize Signal Quality", {}) for t in np.arange(4.07, SEARCH_S, SEARCH_EVERY_S).tolist()
        ]
        found += [(t, "internal", {"nbp_sys": "-1", "nbp_dia": "-1"}) for t in plan.failed_cuffs_s]
        found += [(t, "Changed Finger", {}) for t in plan.finger_changes_s]
        for t in plan.calibrated_s:
            before = max(t - CUFF_BEFORE_CAL_S, 0.5)
            found += [(before, "internal", self._cuff(before)), (t, "NBPcal", {})]
        if plan.hd_calibrated_s is not None:
            found.append(
                (
                    plan.hd_calibrated_s,
                    "HDcal",
                    {"co_cal": f"{self._truth_at(plan.hd_calibrated_s, 'co_l_min'):.1f}"},
                )
            )
        return [
            (t, _row(t, cells, words))
            for t, words, cells in sorted(found, key=lambda e: e[0])
            if t < self.seconds
        ]

    def _cuff(self, t_s: float) -> dict[str, str]:
        sys, dia = (
            self._truth_at(t_s, name) + float(self._rng.normal(0.0, 1.5)) for name in ("sbp_mmhg", "dbp_mmhg")
        )
        return {"nbp_sys": f"{sys:.0f}", "nbp_dia": f"{dia:.0f}"}

    def _truth_at(self, t_s: float, name: str) -> float:
        near = np.abs(self._beat_s - t_s) < 10.0
        values: NDArray[Any] = self._recording.beats[name]
        return float(np.median(values[near] if near.any() else values))

    def _sees(self, t_s: Array) -> NDArray[np.bool_]:
        """A finger is in the cuff, and found."""
        seen = t_s >= SEARCH_S
        for t in self.plan.finger_changes_s:
            seen &= (t_s < t - FINGER_CHANGE_S) | (t_s >= t)
        return np.asarray(seen)

    def _scaled(self, t_s: Array, true_mmhg: Array) -> Array:
        """As the monitor shows it: right after a calibration by its cuff, else on a scale of its own."""
        begins, gains, offsets = (np.array(column) for column in zip(*self._scales, strict=True))
        part = np.maximum(np.searchsorted(begins, t_s, side="right") - 1, 0)
        return np.asarray(true_mmhg * gains[part] + offsets[part])


def _row(t_s: float, cells: dict[str, str], words: str = "") -> str:
    """One line without its end: empty where there is nothing."""
    texts = [cells.get(channel, "") for channel, _ in COLUMNS.values()]
    return ";".join((f"{t_s:.2f}", *texts[:14], f'"{words}"' if words else "", *texts[14:]))
