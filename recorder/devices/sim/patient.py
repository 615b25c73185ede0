"""The virtual patient: continuous signals at any times, made block by block, the same whatever is asked when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.heart import Heart, OrnsteinUhlenbeck
from recorder.devices.sim.manoeuvres import Script
from recorder.devices.sim.motion import Skin, Wrist, wrist_signals
from recorder.devices.sim.subject import SimSubject
from recorder.devices.sim.vessels import (
    E4_OPTICS,
    Optics,
    optics_taps,
    pressure_taps,
    resting_finger_wave,
    tissue_volume,
)
from recorder.devices.sim.windkessel import Beat, aortic_pressure

Array = NDArray[np.float64]
SignalName = Literal["abp", "ppg", "acc", "eda", "temp", "resp"]

GRID_HZ = 250.0
"""Rate of the model; other rates are read off by linear interpolation (error below 0.05 mmHg)."""
SKIN_HZ = 8.0
BLOCK_S = 2.0
"""Everything is computed in blocks of this length, so results cannot depend on how a caller asks."""
WARM_UP_S = 20.0
KEEP_S = 30.0


@dataclass(frozen=True, slots=True)
class BeatTruth:
    """What is true of one beat, at the cuff's site (finger); the identities hold to rounding.

    Args:
        t_s: when the pulse reaches the finger, s of patient time.
        sbp_mmhg, map_mmhg, dbp_mmhg: of the wave at the finger; the mean is integrated.
        hr_per_min, sv_ml, co_l_min, ci_l_min_m2, si_ml_m2: of the beat.
        svr_dyn, svri_dyn: 80·(MAP − CVP)/CO, and times body surface area.
        svr_model_dyn, compliance: resistance and compliance the model used.
        cvp_mmhg: central venous pressure.
        still: the wrist did not move.
        manoeuvre: what the subject was doing.
    """

    t_s: float
    sbp_mmhg: float
    map_mmhg: float
    dbp_mmhg: float
    hr_per_min: float
    sv_ml: float
    co_l_min: float
    ci_l_min_m2: float
    si_ml_m2: float
    svr_dyn: float
    svri_dyn: float
    svr_model_dyn: float
    compliance: float
    cvp_mmhg: float
    still: bool
    manoeuvre: str


class _Track:
    """The last part of a signal on a uniform grid, read at any times."""

    def __init__(self, rate_hz: float, t0_s: float, columns: int = 1) -> None:
        self.rate_hz, self.t0_s = rate_hz, t0_s
        self.values: Array = np.empty((0, columns))

    def append(self, block: Array, keep: int) -> None:
        joined = np.concatenate([self.values, block.reshape(len(block), -1)])
        extra = max(len(joined) - keep, 0)
        self.values, self.t0_s = joined[extra:], self.t0_s + extra / self.rate_hz

    def at(self, t_s: Array) -> Array:
        place = np.clip((t_s - self.t0_s) * self.rate_hz, 0.0, len(self.values) - 1.0)
        low = np.minimum(place.astype(np.int64), len(self.values) - 2)
        part = (place - low)[:, None]
        return np.asarray(self.values[low] * (1.0 - part) + self.values[low + 1] * part)


class VirtualPatient:
    """One subject, living. Patient time 0 is the start; a longer past exists already (filters are warm).

    Args:
        subject: who.
        script: what they do.
        seed: decides every random draw.
        optics: the optical sensor behind ``ppg``.
    """

    def __init__(
        self, subject: SimSubject, script: Script | None = None, seed: int = 0, optics: Optics = E4_OPTICS
    ) -> None:
        heart_rng, wrist_rng, skin_rng, light_rng, wander_rng, acc_rng = np.random.default_rng(seed).spawn(6)
        self.subject, self.script, self.optics = subject, script or Script(), optics
        begin_s = -WARM_UP_S
        self._heart = Heart(subject, self.script, heart_rng, begin_s - 3.0)
        self._wrist = Wrist(wrist_rng, subject.motion_fraction, begin_s - 3.0)
        self._skin = Skin(skin_rng, self.script, SKIN_HZ)
        self._light_rng, self._acc_rng = light_rng, acc_rng
        self._wander = OrnsteinUhlenbeck(wander_rng, 0.8, 8.0)
        self._wander_now = self._wander.value
        self._finger_taps = pressure_taps(subject, GRID_HZ)
        self._wrist_taps = pressure_taps(subject, GRID_HZ, optics.share)
        self._optics_taps = optics_taps(subject, optics, GRID_HZ)
        self._unit, self._rest_volume = _unit_volume(subject)
        self._beats: list[Beat] = [self._heart.next_beat()]
        self._truth: list[BeatTruth] = []
        self._block_no = 0
        self._begin_s = begin_s
        self._aortic = np.full(len(self._finger_taps) - 1, subject.map_mmhg)
        self._volume = np.zeros(len(self._optics_taps) - 1)
        self._tracks = self._new_tracks(begin_s)

    @staticmethod
    def _new_tracks(t0_s: float) -> dict[str, _Track]:
        columns = {"abp": 1, "ppg": 1, "acc": 3, "resp": 1, "moves": 1}
        tracks = {name: _Track(GRID_HZ, t0_s, n) for name, n in columns.items()}
        return tracks | {name: _Track(SKIN_HZ, t0_s) for name in ("eda", "temp")}

    @property
    def ready_s(self) -> float:
        """Signals exist up to this time."""
        return self._begin_s + self._block_no * BLOCK_S

    def sample(self, name: SignalName, t_s: Array) -> Array:
        """A signal at ``t_s`` ``(n,)`` s: ``abp`` mmHg at the finger, ``ppg`` in the sensor's unit, ``eda`` µS,
        ``temp`` °C, ``resp`` −1…1, each ``(n,)``; ``acc`` ``(n, 3)`` in g. Times may go back up to 20 s.
        """
        if t_s.size:
            self.extend(float(t_s[-1]) + 1.5 / SKIN_HZ)
        values = self._tracks[name].at(t_s)
        return values if name == "acc" else values[:, 0]

    def take_truth(self) -> list[BeatTruth]:
        """Beats completed since the last call, from time 0 on."""
        if not self._truth:
            return []
        taken, self._truth = self._truth, []
        return taken

    def extend(self, until_s: float) -> None:
        """Make sure that signals exist up to ``until_s``."""
        while self.ready_s <= until_s:
            self._make_block()

    def _make_block(self) -> None:
        n = round(BLOCK_S * GRID_HZ)
        t_s = self._begin_s + (self._block_no * n + np.arange(n)) / GRID_HZ
        aortic, gain, phase = self._circulation(t_s)
        wrist = wrist_signals(self._wrist.slots_until(float(t_s[0]), float(t_s[-1])), t_s)
        history = np.concatenate([self._aortic, aortic])
        finger = np.convolve(history, self._finger_taps, "valid")
        at_wrist = np.convolve(history, self._wrist_taps, "valid")
        self._aortic = history[n:]
        breath = np.sin(phase)
        volume = self._light(at_wrist, gain, breath, wrist.movement_g, wrist.contact_mmhg)
        light = np.concatenate([self._volume, volume])
        ppg = np.convolve(light, self._optics_taps, "valid") * self.optics.size
        self._volume = light[n:]
        ppg += self._light_rng.normal(0, self.optics.noise * self.optics.size, n)
        acc = wrist.acc_g + self._acc_rng.normal(0, 0.004, (n, 3))
        eda, temp = self._skin.sample(float(t_s[0]), round(BLOCK_S * SKIN_HZ))
        self._block_no += 1
        made = {"abp": finger, "ppg": ppg, "acc": acc, "resp": breath, "moves": np.abs(wrist.movement_g)}
        for name, block in (made | {"eda": eda, "temp": temp}).items():
            track = self._tracks[name]
            track.append(block, round(KEEP_S * track.rate_hz))
        self._judge_beats()

    def _circulation(self, t_s: Array) -> tuple[Array, Array, Array]:
        """Aortic pressure (mmHg), optical pulse size and breathing phase (rad) on the grid, each ``(n,)``."""
        while self._beats[-1].end_s <= t_s[-1]:
            self._beats.append(self._heart.next_beat())
        aortic, gain = np.empty(t_s.size), np.empty(t_s.size)
        first = int(np.searchsorted([b.end_s for b in self._beats], t_s[0], "right"))
        low = 0
        for beat in self._beats[first:]:
            high = int(np.searchsorted(t_s, beat.end_s, "left"))
            since_s = t_s[low:high] - beat.start_s
            aortic[low:high] = aortic_pressure(beat, since_s)
            gain[low:high] = beat.pulse_gain
            low = high
        knots = np.linspace(t_s[0], t_s[-1], 9)
        phase = np.interp(t_s, knots, np.unwrap([self._heart.breathing.phase(float(t)) for t in knots]))
        return aortic, gain, phase

    def _light(self, pressure: Array, gain: Array, breath: Array, moves: Array, contact: Array) -> Array:
        """What the tissue shows, in units of the resting pulse's half height, ``(n,)``."""
        subject = self.subject
        pulse = (tissue_volume(subject, pressure, contact) - self._rest_volume) / self._unit
        start, self._wander_now = self._wander_now, self._wander.step(BLOCK_S)
        wander = np.linspace(start, self._wander_now, pressure.size, endpoint=False)
        squeezed = np.clip(1.0 - 0.5 * np.abs(moves), 0.3, 1.0)
        light = subject.tissue_gain * gain * (1.0 + 0.05 * breath) * squeezed * pulse
        return np.asarray(light + 0.25 * subject.tissue_gain * breath + wander + 6.0 * moves)

    def _judge_beats(self) -> None:
        """Turn beats whose pulse has passed the finger into truth."""
        track, moves, delay_s = self._tracks["abp"], self._tracks["moves"], self.subject.transit_finger_s
        while len(self._beats) > 1 and self._beats[0].end_s + delay_s + 0.02 < self.ready_s:
            beat = self._beats.pop(0)
            if beat.start_s < 0:
                continue
            onset_s = beat.start_s + delay_s
            i0 = round((onset_s - track.t0_s) * GRID_HZ)
            i1 = round((onset_s + beat.period_s - track.t0_s) * GRID_HZ)
            still = bool(moves.values[i0:i1].max() < 0.02)
            self._truth.append(judge_beat(self.subject, beat, onset_s, track.values[i0:i1, 0], still=still))


def _unit_volume(subject: SimSubject) -> tuple[float, float]:
    """Half height and mean of the resting pulse as tissue volume."""
    volume = tissue_volume(subject, resting_finger_wave(subject), np.zeros(256))
    return 0.5 * float(np.ptp(volume)), float(volume.mean())


def judge_beat(subject: SimSubject, beat: Beat, onset_s: float, wave: Array, *, still: bool) -> BeatTruth:
    """The truth of one beat from its wave ``(n,)`` at the finger, mmHg."""
    co = beat.hr_per_min * beat.sv_ml / 1000.0
    cvp = 0.5 * (beat.cvp0_mmhg + beat.cvp1_mmhg)
    mean = float(wave.mean())
    svr = 80.0 * (mean - cvp) / co
    return BeatTruth(
        t_s=onset_s,
        sbp_mmhg=float(wave.max()),
        map_mmhg=mean,
        dbp_mmhg=float(wave[: max(len(wave) // 4, 2)].min()),
        hr_per_min=beat.hr_per_min,
        sv_ml=beat.sv_ml,
        co_l_min=co,
        ci_l_min_m2=co / subject.bsa_m2,
        si_ml_m2=beat.sv_ml / subject.bsa_m2,
        svr_dyn=svr,
        svri_dyn=svr * subject.bsa_m2,
        svr_model_dyn=(beat.r + beat.zc) * 80.0 / 0.06,
        compliance=beat.c,
        cvp_mmhg=cvp,
        still=still,
        manoeuvre=beat.manoeuvre,
    )
