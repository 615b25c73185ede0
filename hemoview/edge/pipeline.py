"""Blocks and events in, derived rows out. No socket, no file, no clock: the live process and the recomputation from
a stored session are the same pipeline fed from two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp import abp_beats, ppg_beats
from hemoview.dsp.abp_beats import PressureBeat, find_abp_beats, in_mmhg
from hemoview.dsp.arm import MMHG_PER_CM, ArmTracker
from hemoview.dsp.ppg_beats import PulseBeat, find_ppg_beats
from hemoview.dsp.quality import Quality, assess
from hemoview.dsp.tracking import Tracked
from hemoview.dsp.windows import WINDOW_S, Window, Windower
from hemoview.edge.heart import AROUND_NS, LOOK_EVERY_S, HeartGuard, row_of
from hemoview.edge.knowledge import ON_EVENT, Knowledge, Options
from hemoview.edge.sources import BeatSource, MotionSource
from hemoview.edge.streams import ABP_BEATS, ARM, ESTIMATES, HEART, PPG_BEATS, Sources, estimate_row, stored
from hemoview.estimate.estimator import Body, abstain_all, estimate
from hemoview.estimate.runner import Runner
from hemoview.estimate.tracking import Widening
from hemoview.estimate.values import Estimate
from recorder.schema import (
    CONFIRMED,
    Event,
    SampleBlock,
    Sites,
)
from recorder.schema.physical import physical
from recorder.schema.rules import EstimateRules

NO_PRESSURE: Final = ("flat-line", "saturation", "invalid-value")
"""Notices about an arterial wave while which its beats are not believed; a square wave is more, see ``_on_notice``."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is computed: host time and clock era of what brought it about."""

    t_host_ns: int
    era: int


class Pipeline(Knowledge):
    """Everything the edge process computes, for one set of sources.

    Args:
        sources: streams to read.
        runner: the model; None = heart rate and beats only.
        options: for sessions that do not say.
    """

    def __init__(self, sources: Sources, runner: Runner | None, options: Options) -> None:
        super().__init__(options, HeartGuard() if sources.ppg and sources.abp else None)
        self.sources, self._runner = sources, runner
        self._ppg = BeatSource(sources.ppg, find_ppg_beats, ppg_beats.REFRACTORY_S) if sources.ppg else None
        self._windower = Windower(sources.ppg.nominal_rate_hz or 1.0) if sources.ppg else None
        self._abp = BeatSource(sources.abp, find_abp_beats, abp_beats.REFRACTORY_S) if sources.abp else None
        self._acc = MotionSource(sources.acc) if sources.acc else None
        self._arm = ArmTracker(self._acc.clock.rate_hz) if self._acc and self._is_worn_with_pulse else None
        self._next_no: dict[str, int] = {}

    def begin_session(
        self,
        session_id: str,
        body: Body,
        rules: EstimateRules | None = None,
        sites: Sites | None = None,
    ) -> None:
        """As :meth:`Knowledge.begin_session`; another session's wrist is another wrist."""
        if session_id != self.session_id and self._arm is not None:
            self._arm = ArmTracker(self._arm.rate_hz)
        super().begin_session(session_id, body, rules, sites)

    # ---- what comes in

    def push_event(self, event: Event) -> list[SampleBlock]:
        """Take a stored event; a gap may yield the last rows of a run."""
        take = _ON_EVENT.get(event.kind)
        return [] if take is None else list(take(self, event) or ())

    def push_block(self, block: SampleBlock) -> list[SampleBlock]:
        """Take a block of a source; the rows that are known from here on."""
        now = Moment(block.t_host_ns, block.era)
        out: list[SampleBlock] = []
        if self._acc is not None and block.stream_id == self._acc.info.stream_id:
            acceleration_g = physical(self._acc.info, block.values)
            self._acc.push(block, acceleration_g)
            out += self._turns(block, acceleration_g)
        if self._ppg is not None and block.stream_id == self._ppg.info.stream_id:
            samples = physical(self._ppg.info, block.values)
            out += self._pulse_rows(self._ppg.push(block, samples), now)
            out += self._windows(block, samples)
        if self._abp is not None and block.stream_id == self._abp.info.stream_id:
            samples = physical(self._abp.info, block.values)
            out += self._pressure_rows(self._abp.push(block, samples), now)
        return out

    # ---- the arm

    @property
    def _is_worn_with_pulse(self) -> bool:
        """The accelerometer is in the device whose pulse is estimated from."""
        ppg, acc = self.sources.ppg, self.sources.acc
        return ppg is not None and acc is not None and ppg.device_id == acc.device_id

    def _turns(self, block: SampleBlock, acceleration_g: NDArray[np.float64]) -> Iterator[SampleBlock]:
        """Turns of the wrist: a row each, and wider intervals from here on."""
        if self._arm is None or self._acc is None:
            return
        for turn in self._arm.push(block.first_sample_no, acceleration_g):
            t_ns = self._acc.clock.t_ns(turn.sample_no)
            self._hand.turned(self._wall_ns(t_ns, block.era), turn)
            row = stored([[turn.angle_deg, turn.height_cm, MMHG_PER_CM * turn.height_cm]])
            yield self._rows(ARM, row, [t_ns], Moment(block.t_host_ns, block.era))

    # ---- estimates

    def _windows(self, block: SampleBlock, samples: NDArray[np.float64]) -> Iterator[SampleBlock]:
        assert self._ppg is not None and self._windower is not None
        if self._ppg.era_changed:
            self._windower.cut()
            if self.heart is not None:
                self.heart.cut()
        for window in self._windower.push(block.first_sample_no, samples):
            end_ns = self._ppg.clock.t_ns(window.end_no)
            yield from self._compared(window, end_ns, Moment(block.t_host_ns, block.era))
            row = estimate_row(*self._estimate(window, end_ns, block.era))
            yield self._rows(ESTIMATES, row, [end_ns], Moment(block.t_host_ns, block.era))

    def _compared(self, window: Window, end_ns: int, now: Moment) -> Iterator[SampleBlock]:
        """Whether both devices feel one heart, every 5 s of pulse wave. It is said before the window is estimated."""
        second = round(window.end_no / self._ppg_rate_hz)
        if self.heart is None or second % LOOK_EVERY_S:
            return
        looked = self.heart.look()
        self._anchoring.judge_person(same=self.heart.allows_reference)
        yield self._rows(HEART, stored([row_of(looked)]), [end_ns], now)

    @property
    def _ppg_rate_hz(self) -> float:
        assert self._ppg is not None
        return self._ppg.clock.rate_hz

    def _estimate(self, window: Window, end_ns: int, era: int) -> tuple[Estimate, Mapping[str, Widening]]:
        """The estimate of a window, and what tracking made of its intervals."""
        wall_ns = self._wall_ns(end_ns, era)
        if self.session_id:
            self._anchoring.look(wall_ns)
        if self._unconfirmed:
            return abstain_all("unconfirmed-subject"), {}
        if self._inflations.blanks_pulse(end_ns - round(WINDOW_S * 1e9), end_ns):
            return abstain_all("cuff-inflating"), {}
        if window.samples is None:
            return abstain_all("gap" if window.after_gap else "starting"), {}
        pulse = window.samples[:, 0]
        if not np.isfinite(pulse).all():
            return abstain_all("gap"), {}
        quality = self._judge(pulse, end_ns, era)
        prediction = None
        if self._runner is not None and quality.fault is None and self._ppg is not None:
            prediction = self._runner.predict(pulse, self._ppg.clock.rate_hz)
            self._anchoring.predicted(wall_ns, prediction.mean)
        tracked = self._tracked(wall_ns)
        widen_mmhg = self._hand.widening_mmhg(wall_ns)
        made = estimate(
            quality,
            prediction,
            self._runner.card if self._runner else None,
            self._anchoring.personal,
            body=self._body,
            wall_ns=wall_ns,
            show_simulated=self._shows_simulated,
            tracked=tracked,
            widen_mmhg=widen_mmhg,
        )
        if self.session_id and self._anchoring.tracking is not None and not widen_mmhg:
            self._anchoring.tracking.shown(wall_ns, made)
        return made, tracked

    def _tracked(self, wall_ns: int) -> Mapping[str, Widening]:
        """What the reference has taught about the intervals up to here; nothing unless the operator chose that."""
        tracking, personal = self._anchoring.tracking, self._anchoring.personal
        if tracking is None or self._runner is None or not self.session_id:
            return {}
        return tracking.widenings(
            wall_ns,
            personal=personal.age_s(wall_ns) is not None,
            expiry_s=self._runner.card.personal_expiry_s,
        )

    def _judge(self, pulse: NDArray[np.float64], end_ns: int, era: int) -> Quality:
        assert self._ppg is not None
        rate_hz = self._ppg.clock.rate_hz
        begin_ns = end_ns - round(WINDOW_S * 1e9)
        motion_g = self._motion_g(begin_ns, end_ns, era)
        return assess(pulse, rate_hz, find_ppg_beats(pulse, rate_hz), motion_g=motion_g)

    def _motion_g(self, begin_ns: int, end_ns: int, era: int) -> float | None:
        return self._acc.rms_g(begin_ns, end_ns, era) if self._acc else None

    # ---- beats

    def _pulse_rows(
        self, beats: Iterable[tuple[int, Tracked[PulseBeat]]], now: Moment
    ) -> Iterator[SampleBlock]:
        found = list(beats)
        if self.heart is not None:
            for t_ns, tracked in found:
                motion_g = self._motion_g(t_ns - AROUND_NS[0], t_ns + AROUND_NS[1], now.era)
                squeezed = self._inflations.blanks_pulse(t_ns, t_ns)
                self.heart.pulse(t_ns, 0.0 if squeezed else tracked.beat.quality, motion_g)
        if found:
            rows = [[_or_nan(b.interval_s), b.beat.amplitude, b.beat.quality] for _, b in found]
            yield self._rows(PPG_BEATS, stored(rows), [t for t, _ in found], now)

    def _pressure_rows(
        self, beats: Iterable[tuple[int, Tracked[PressureBeat]]], now: Moment
    ) -> Iterator[SampleBlock]:
        rows, times = [], []
        for t_ns, tracked in beats:
            squeezed = self._inflations.blanks_pressure(t_ns, t_ns)
            if self.heart is not None:
                self.heart.pressure(t_ns, 0.0 if squeezed else tracked.beat.quality)
            beat = self._calibrated(tracked.beat, t_ns)
            if squeezed and beat is not None:
                beat = replace(beat, sbp=np.nan, map=np.nan, dbp=np.nan)
            if beat is not None:
                rows.append([beat.sbp, beat.map, beat.dbp, beat.hr_per_min, beat.quality])
                times.append(t_ns)
                if np.isfinite(beat.sbp) and not self._unconfirmed:
                    self._anchoring.pressure(self._wall_ns(t_ns, now.era), beat)
        if rows:
            yield self._rows(ABP_BEATS, stored(rows), times, now)

    def _calibrated(self, beat: PressureBeat, t_ns: int) -> PressureBeat | None:
        """The beat in mmHg; without a calibration its pressures are unknown; None where it is no artery's."""
        assert self._abp is not None
        if self._abp.info.channels[0].unit == "mmHg":
            return in_mmhg(beat, 1.0, 0.0)
        of_this = (self._abp.info.stream_id, self._abp.info.channels[0].name)
        for calibration in reversed(self._calibrations.values()):
            holds = calibration.t_host_ns is None or calibration.t_host_ns <= t_ns
            if holds and (calibration.stream_id, calibration.channel) == of_this:
                return in_mmhg(beat, calibration.gain_mmhg_per_v, calibration.offset_mmhg)
        return replace(beat, sbp=np.nan, map=np.nan, dbp=np.nan)

    # ---- events

    def _on_gap(self, event: Event) -> Iterator[SampleBlock]:
        """Samples were lost and nobody could count them, so their numbers do not jump: the run ends here."""
        stream_id, now = event.payload["stream_id"], Moment(event.t_host_ns, event.era)
        if event.payload["n_missing"] is not None:
            return
        if self._acc is not None and stream_id == self._acc.info.stream_id:
            self._acc.cut()
            if self._arm is not None:
                self._arm.cut()
        elif self.heart is not None and stream_id in self.sources.stream_ids:
            self.heart.cut()
        if self._ppg is not None and self._windower is not None and stream_id == self._ppg.info.stream_id:
            self._windower.cut()
            yield from self._pulse_rows(self._ppg.cut(), now)
        if self._abp is not None and stream_id == self._abp.info.stream_id:
            yield from self._pressure_rows(self._abp.cut(), now)

    def _on_notice(self, event: Event) -> None:
        """The recorder saw something on the arterial wave that is no pressure."""
        told, tracking = event.payload, self._anchoring.tracking
        if self._abp is None or told.get("stream_id") != self._abp.info.stream_id:
            return
        if told.get("channel") not in (None, self._abp.info.channels[0].name):
            return
        if "square-wave" in (told.get("kind"), told.get("ended")):
            self._anchoring.doubt()
        elif tracking is not None and (told.get("kind") in NO_PRESSURE or told.get("ended") in NO_PRESSURE):
            tracking.forget()

    def _on_confirmed(self, event: Event) -> None:
        """It is the same person: from here on, with no window that reaches into the doubt."""
        if event.payload.get("same") and self._unconfirmed:
            self._unconfirmed = False
            if self._windower is not None:
                self._windower.cut()

    # ---- inside

    def _rows(
        self, stream_id: str, rows: NDArray[np.float32], times_ns: list[int], now: Moment
    ) -> SampleBlock:
        first = self._next_no.get(stream_id, 0)
        self._next_no[stream_id] = first + len(rows)
        times = np.array(times_ns, dtype=np.int64)
        return SampleBlock(stream_id, first, rows, now.t_host_ns, now.era, row_t_host_ns=times)


_ON_EVENT: Final[Mapping[str, Callable[[Pipeline, Event], Any]]] = {
    **ON_EVENT,
    "gap": Pipeline._on_gap,
    "notice": Pipeline._on_notice,
    CONFIRMED: Pipeline._on_confirmed,
}


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
