"""The emulated serial ADC on a monitor's analogue output, in the framing its profile declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.cable import Cable
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.outlet import Outlet, Tally
from recorder.devices.sim.patient import SignalName
from recorder.devices.sim.serial_links import SerialLink
from recorder.devices.sim.source import Source
from recorder.protocols.adc_profile import AdcChannel, AdcProfile
from recorder.protocols.serial_adc import encode

Array = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

STREAM_ID = "adc.wave"
GAIN_MMHG_PER_V = 100.0
"""The emulated monitor's analogue scale, 1 V = 100 mmHg; told in the ready file, never assumed by a driver."""
WRITE_EVERY_S = 0.032
"""Frames leave in batches of this length: two periods of a usual USB serial adapter's latency timer."""
PREPARE_S = 0.5
"""Frames are made ahead in stretches of this length, which costs a fifth of making them one batch at a time."""
BOOT_S = 0.1
"""After its port is opened the device is silent for a moment, as a microcontroller that restarts; real seconds."""
SQUARE_MMHG: Final = (40.0, 160.0)
SQUARE_HALF_PERIOD_S = 0.5
"""The rectangular signal of a monitor that calibrates or changes fingers."""
_SIGNAL_OF_ROLE: Final[dict[str, SignalName]] = {"abp_wave": "abp", "resp": "resp", "ppg": "ppg"}


class AdcEmulator:
    """Converts the source's pressure on its own clock and writes frames; never waits.

    Args:
        profile: framing, channels and rate.
        link: the cable.
        offset_mmhg: by how much the monitor's own cuff calibration is wrong.
        recalibrations: stretches of rectangular wave instead of pressure.
        dropouts: stretches in which nothing is converted; the frame counter goes on.
        disconnects: stretches with the cable pulled.
    """

    def __init__(
        self,
        profile: AdcProfile,
        source: Source,
        clock: DeviceClock,
        tally: Tally,
        link: SerialLink,
        *,
        offset_mmhg: float = 0.0,
        recalibrations: Spans = (),
        dropouts: Spans = (),
        disconnects: Spans = (),
        speed: float = 1.0,
    ) -> None:
        self.profile, self.link = profile, link
        self._source, self._clock, self._tally = source, clock, tally
        self._offset_mmhg = offset_mmhg
        self.recalibrations, self.dropouts, self.disconnects = (
            list(recalibrations),
            list(dropouts),
            list(disconnects),
        )
        self._boot_s = BOOT_S * speed
        self._outlet = Outlet(link.write, tally)
        self._cable = Cable(link, self._outlet, self.disconnects)
        self._frame_no = 0
        self._prepared: list[bytes] = []
        self._opened_s: float | None = None
        self.next_s = 0.0
        self.ended = False

    def advance(self, now_s: float) -> None:
        """Convert and write everything due by true time ``now_s``."""
        self._cable.advance(now_s)
        due_no = int(self._clock.device_s(now_s) * self.profile.rate_hz) + 1
        if self._listening(now_s):
            self._send(due_no)
        else:
            self._skip(due_no, now_s)
        self.next_s = now_s + WRITE_EVERY_S

    def flush(self) -> int:
        """Send what waits; how many bytes the reader has not taken yet."""
        return self._cable.flush()

    def close(self) -> None:
        """Pull the cable for good; what still waits is overrun."""
        self._cable.close()

    def _listening(self, now_s: float) -> bool:
        """Somebody holds the port, and the device has booted."""
        if not self.link.is_open():
            if self._opened_s is not None:
                self._outlet.abandon()
            self._opened_s = None
            return False
        if self._opened_s is None:
            self._opened_s = now_s
            self._outlet.mend()
        return now_s - self._opened_s >= self._boot_s

    def _send(self, due_no: int) -> None:
        while self._frame_no < due_no and not self.ended:
            if not self._prepared:
                self._prepared = self._prepare(self._frame_no)
            taken, self._prepared = _cut(self._prepared, due_no - self._frame_no)
            self._frame_no += len(taken)
            frames = [frame for frame in taken if frame]
            self._tally.generated[STREAM_ID] += len(taken)
            self._tally.on_air_lost[STREAM_ID] += len(taken) - len(frames)
            self._outlet.put(STREAM_ID, frames)
            self.ended = not taken
        self._outlet.flush()
        if self._outlet.broken:
            self._opened_s = None

    def _skip(self, due_no: int, now_s: float) -> None:
        """Nobody holds the port: the converter runs on, its frames go nowhere."""
        self._prepared = []
        ends_s = self._source.ends_s
        if ends_s is not None and now_s > ends_s:  # not asked before: the clock forgets what is far behind
            self.ended = True
            due_no = int(self._clock.device_s(ends_s) * self.profile.rate_hz)
        self._tally.generated[STREAM_ID] += max(due_no - self._frame_no, 0)
        self._frame_no = max(due_no, self._frame_no)

    def _prepare(self, first: int) -> list[bytes]:
        """The next half second as frames; empty where nothing was converted, no frame after the end."""
        rate_hz, ends_s = self.profile.rate_hz, self._source.ends_s
        numbers = first + np.arange(max(round(PREPARE_S * rate_hz), 1))
        times_s = self._clock.true_s(numbers / rate_hz)
        if ends_s is not None:
            times_s = times_s[times_s < ends_s]
        if not times_s.size:
            return []
        pressure = self._pressure(times_s)
        converted = np.isfinite(pressure) & ~_inside(self.dropouts, times_s)
        counts = np.stack([self._counts(c, times_s, pressure) for c in self.profile.channels], axis=1)
        stamps_us = np.rint(numbers[: times_s.size] * 1e6 / rate_hz).astype(np.int64)
        rows = zip(converted.tolist(), numbers.tolist(), stamps_us.tolist(), counts.tolist(), strict=False)
        return [encode(self.profile, no, t_us, row) if there else b"" for there, no, t_us, row in rows]

    def _pressure(self, times_s: Array) -> Array:
        """What the monitor shows, mmHg: pressure, or its rectangular signal while it calibrates."""
        if not self._source.has("abp"):
            return np.full(times_s.size, np.nan)
        pressure = self._source.sample("abp", times_s) + self._offset_mmhg
        calibrating = _inside(self.recalibrations, times_s)
        if calibrating.any():
            half = np.floor(times_s / SQUARE_HALF_PERIOD_S).astype(np.int64) % 2
            pressure = np.where(calibrating, np.asarray(SQUARE_MMHG)[half], pressure)
        return np.asarray(pressure)

    def _counts(self, channel: AdcChannel, times_s: Array, pressure: Array) -> NDArray[np.int64]:
        name = _SIGNAL_OF_ROLE.get(channel.role)
        if name == "abp":
            volts = pressure / GAIN_MMHG_PER_V
        elif name is not None and self._source.has(name):
            volts = self._source.sample(name, times_s)
        else:
            volts = np.zeros(times_s.size)
        low, high = channel.saturation or (-(2**15), 2**15 - 1)
        counts = np.clip(np.rint((np.nan_to_num(volts) - channel.offset) / channel.scale), low, high)
        return np.asarray(counts.astype(np.int64))


def _cut(frames: list[bytes], n: int) -> tuple[list[bytes], list[bytes]]:
    return frames[:n], frames[n:]


def _inside(spans: Spans, t_s: Array) -> NDArray[np.bool_]:
    inside = np.zeros(t_s.size, dtype=np.bool_)
    for at_s, for_s in spans:
        inside |= (t_s >= at_s) & (t_s < at_s + for_s)
    return inside
