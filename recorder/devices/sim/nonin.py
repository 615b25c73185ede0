"""The emulated Nonin pulse oximeter on a serial line: 75 frames a second, 25 a packet, on its own clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.cable import Cable
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.outlet import Outlet, Tally
from recorder.devices.sim.serial_links import SerialLink
from recorder.devices.sim.source import Source
from recorder.protocols import nonin
from recorder.protocols.nonin import PACKET_FRAMES, RATE_HZ, Frame, Vitals

Array = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

STREAM_ID: Final = "nonin.pleth"
WRITE_EVERY_S: Final = 0.032
PULSES_S: Final = 8.0
"""Pulse rate is counted over so much of the pleth."""
SATURATION: Final = 97
FIRMWARE: Final = 48
_PERFUSED_FRAMES: Final = 12


class NoninEmulator:
    """Writes frames as the oximeter does whether somebody reads or not; never waits.

    Args:
        data_format: ``df2`` or ``df7``.
        source: its pleth is the patient's pulse wave.
        rng: draws the damage.
        damage: share of frames of which a byte is changed on the wire.
        dropouts: stretches whose frames never leave the device, whole.
        disconnects: stretches with the cable pulled.
    """

    def __init__(
        self,
        data_format: nonin.Format,
        source: Source,
        clock: DeviceClock,
        tally: Tally,
        link: SerialLink,
        *,
        rng: np.random.Generator,
        damage: float = 0.0,
        dropouts: Spans = (),
        disconnects: Spans = (),
    ) -> None:
        self.link, self.dropouts, self.disconnects = link, list(dropouts), list(disconnects)
        self._format, self._source, self._clock, self._rng = data_format, source, clock, rng
        self._tally, self._damage = tally, damage
        self._outlet = Outlet(link.write, tally)
        self._cable = Cable(link, self._outlet, self.disconnects)
        self._frame_no = 0
        self._peak = 1e-6
        self._pulses = _Pulses()
        self._said = nonin.float_bytes(Vitals(firmware=FIRMWARE))
        self._open = False
        self.n_damaged = 0
        self.next_s = 0.0
        self.ended = False

    def advance(self, now_s: float) -> None:
        """Everything due by true time ``now_s``."""
        self._cable.advance(now_s)
        due_no = int(self._clock.device_s(now_s) * RATE_HZ) + 1
        n = due_no - self._frame_no
        if n > 0 and not self.ended:
            frames = self._frames(n)
            self._tally.generated[STREAM_ID] += n
            if self._listening():
                kept = [octets for octets in frames if octets]
                self._tally.on_air_lost[STREAM_ID] += n - len(kept)
                self._outlet.put(STREAM_ID, kept)
            self._frame_no = due_no
        self._outlet.flush()
        self.next_s = now_s + WRITE_EVERY_S

    def flush(self) -> int:
        """Send what waits; how many bytes the reader has not taken yet."""
        return self._cable.flush()

    def close(self) -> None:
        """Pull the cable for good."""
        self._cable.close()

    def _listening(self) -> bool:
        was, self._open = self._open, self.link.is_open()
        if self._open and not was:
            self._outlet.mend()
        elif was and not self._open:
            self._outlet.abandon()
        return self._open

    def _frames(self, n: int) -> list[bytes]:
        """The next ``n``; empty where the frame does not leave the device."""
        numbers = self._frame_no + np.arange(n)
        times_s = self._clock.true_s(numbers / RATE_HZ)
        ends_s = self._source.ends_s
        self.ended = ends_s is not None and bool(times_s[-1] >= ends_s)
        there = self._source.has("ppg")
        wave = np.nan_to_num(self._source.sample("ppg", times_s)) if there else np.zeros(n)
        self._peak = max(self._peak * 0.999**n, float(np.abs(wave).max()))
        full = 255 if self._format == "df2" else 65535
        counts = np.clip(np.rint((0.5 + 0.4 * wave / self._peak) * full), 0, full).astype(int)
        gone = np.zeros(n, dtype=np.bool_)
        for at_s, for_s in self.dropouts:
            gone |= (times_s >= at_s) & (times_s < at_s + for_s)
        rows = zip(numbers.tolist(), counts.tolist(), wave.tolist(), gone.tolist(), strict=True)
        return [self._frame(no, count, value, lost=lost) for no, count, value, lost in rows]

    def _frame(self, no: int, count: int, value: float, *, lost: bool) -> bytes:
        place = no % PACKET_FRAMES
        self._pulses.feed(no, value)
        if place == 0:
            rate = self._pulses.per_min(no)
            told = SATURATION if rate is not None else None
            self._said = nonin.float_bytes(
                Vitals(rate, rate, rate, rate, told, told, told, told, told, told, FIRMWARE, rate is not None)
            )
        status = 0x80 | (nonin.SYNC if place == 0 else 0)
        if self._pulses.since(no) < _PERFUSED_FRAMES:
            status |= 0x02  # green
        octets = nonin.encode(Frame(status, count, self._said[place]), self._format)
        if self._damage and self._rng.random() < self._damage:
            at = int(self._rng.integers(len(octets)))
            changed = octets[at] ^ int(self._rng.integers(1, 256))
            octets = octets[:at] + bytes([changed]) + octets[at + 1 :]
            self.n_damaged += 1
        return b"" if lost else octets


class _Pulses:
    """Upward crossings of the wave's slow mean, at least 0.3 s apart."""

    def __init__(self) -> None:
        self._mean, self._above = 0.0, False
        self._at: deque[int] = deque()

    def feed(self, no: int, value: float) -> None:
        self._mean += (value - self._mean) / RATE_HZ
        above = value > self._mean
        if above and not self._above and self.since(no) > 0.3 * RATE_HZ:
            self._at.append(no)
        self._above = above

    def since(self, no: int) -> float:
        return no - self._at[-1] if self._at else float("inf")

    def per_min(self, no: int) -> int | None:
        while self._at and no - self._at[0] > PULSES_S * RATE_HZ:
            self._at.popleft()
        if len(self._at) < 3:
            return None
        rate = round(60.0 * RATE_HZ * (len(self._at) - 1) / (self._at[-1] - self._at[0]))
        return min(rate, 321)
