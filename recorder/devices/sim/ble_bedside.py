"""Emulated Bluetooth LE devices of a bedside, on their own clocks, on a thread and an air of their own.

The wristband speaks the reverse-engineered packets of :mod:`recorder.protocols.e4_ble`; it counts its packets from the
moment it is switched on, whether anybody is connected or not. What a connected host has asked for is sent; a link
that drops loses what comes until somebody is back. ``generated`` counts what was sensed, ``sent`` what was handed to
the link layer, which repeats until it arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from recorder.clock import Clock
from recorder.devices.sim.ble_air import Air, Offer, Peripheral
from recorder.devices.sim.config import BleHrConfig, E4BleConfig
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.outlet import Tally
from recorder.devices.sim.patient import SignalName
from recorder.devices.sim.source import Source
from recorder.protocols import e4_ble, heart_rate
from recorder.protocols.heart_rate import RR_PER_S, HeartRate

T = TypeVar("T")
Array = NDArray[np.float64]
Ints = NDArray[np.int32]

STEP_S: Final = 0.05
"""Real seconds between looks at what is due."""
OPTICAL_PEAK: Final = 180.0
"""Counts of the pulse wave's largest swing so far: differences at 64 Hz stay within 7 bits."""
_SOURCES: Final[dict[int, SignalName]] = {
    e4_ble.OPTICAL: "ppg",
    e4_ble.ACC: "acc",
    e4_ble.EDA: "eda",
    e4_ble.TEMP: "temp",
}


@dataclass(slots=True)
class _Sensor:
    """One kind of packet: how many were sensed, and those that the band itself will swallow."""

    characteristic: int
    n_packets: int = 0
    swallow: int = 0
    level: Array = field(default_factory=lambda: np.zeros(2))
    peak: float = 1e-6

    @property
    def stream_id(self) -> str:
        return f"e4.{e4_ble.LAYOUTS[self.characteristic].name}"


class VirtualBand:
    """A wristband.

    Args:
        source: what it senses.
        clock: its own oscillator.
        tally: counts of samples go there.
    """

    def __init__(
        self, config: E4BleConfig, air: Air, source: Source, clock: DeviceClock, tally: Tally
    ) -> None:
        self._config, self._source, self._clock, self._tally = config, source, clock, tally
        self._started = False
        self._sensors = [_Sensor(uuid) for uuid, name in _SOURCES.items() if source.has(name)]
        offer = Offer(
            notify={
                e4_ble.SENSORS: list(e4_ble.LAYOUTS),
                e4_ble.STATE: [e4_ble.BUTTON],
            },
            read={e4_ble.STATE: [e4_ble.BATTERY]},
            write={e4_ble.COMMANDS: [e4_ble.COMMAND]},
            values={e4_ble.BATTERY: bytes([config.battery_percent])},
        )
        self.peripheral = Peripheral(air, config.name, config.address, offer, self._written)
        self.commands: list[bytes] = []

    async def advance(self, now_s: float) -> None:
        """Sense and send everything due by true time ``now_s``."""
        if not self.peripheral.connected.is_set():
            self._started = False
        device_s = self._clock.device_s(now_s)
        due = []
        for sensor in self._sensors:
            layout = e4_ble.LAYOUTS[sensor.characteristic]
            while (sensor.n_packets + 1) * layout.n / layout.rate_hz <= device_s:
                due.append(((sensor.n_packets + 1) * layout.n / layout.rate_hz, sensor, self._packet(sensor)))
        for _, sensor, packet in sorted(due, key=lambda item: item[0]):
            await self._send(sensor, packet)

    async def press(self) -> None:
        """The button."""
        await self.peripheral.notify(e4_ble.BUTTON, b"\x01" + bytes(e4_ble.PACKET_BYTES - 1))

    def swallow(self, characteristic: int, n_packets: int) -> None:
        """The band's own buffer runs over: its next packets are counted but never sent."""
        for sensor in self._sensors:
            if sensor.characteristic == characteristic:
                sensor.swallow += n_packets

    def _written(self, characteristic: int, data: bytes) -> None:
        if characteristic == e4_ble.COMMAND:
            self.commands.append(data)
            wanted = (5, 1) if self._config.start_variant == "A" else (1, 2)
            self._started = self._started or (len(data), data[0] if data else 0) == wanted

    async def _send(self, sensor: _Sensor, packet: bytes) -> None:
        n = e4_ble.LAYOUTS[sensor.characteristic].n
        self._tally.generated[sensor.stream_id] += n
        if sensor.swallow and self._started:
            sensor.swallow -= 1
            self._tally.overrun[sensor.stream_id] += n
        elif self._started and await self.peripheral.notify(sensor.characteristic, packet):
            self._tally.sent[sensor.stream_id] += n
        else:
            self._tally.on_air_lost[sensor.stream_id] += n

    def _packet(self, sensor: _Sensor) -> bytes:
        layout = e4_ble.LAYOUTS[sensor.characteristic]
        numbers = sensor.n_packets * layout.n + np.arange(layout.n)
        times_s = self._clock.true_s(numbers / layout.rate_hz)
        values = np.nan_to_num(self._source.sample(_SOURCES[sensor.characteristic], times_s))
        counter, sensor.n_packets = sensor.n_packets, sensor.n_packets + 1
        return e4_ble.encode(sensor.characteristic, self._counts(sensor, values), counter)

    @staticmethod
    def _counts(sensor: _Sensor, values: Array) -> Ints:
        """What the sensor's converter gives for physical values ``(n,)`` or ``(n, 3)``."""
        if sensor.characteristic == e4_ble.ACC:
            return np.clip(np.rint(values * 64), -128, 127).astype(np.int32)
        if sensor.characteristic == e4_ble.EDA:
            ohm = np.where(values > 0.06, 1e6 / np.maximum(values, 0.06), 0.0)
            return np.rint(ohm).astype(np.int32).reshape(-1, 1)
        if sensor.characteristic == e4_ble.TEMP:
            kelvin = (values - e4_ble.TEMP_OFFSETS_CEL["B"]) / e4_ble.TEMP_SCALE
            return np.clip(np.rint(kelvin), 0, 65535).astype(np.int32).reshape(-1, 1)
        sensor.peak = max(sensor.peak, float(np.abs(values).max()))
        wanted = np.stack([values, 0.6 * values], axis=1) / sensor.peak * OPTICAL_PEAK
        counts = np.zeros((len(values), 2), dtype=np.int32)
        for k, level in enumerate(wanted):
            counts[k] = np.clip(np.rint(level - sensor.level), -64, 63)
            sensor.level = sensor.level + counts[k]
        return counts


class VirtualStrap:
    """A heart-rate strap: once a second the rate and the intervals since."""

    def __init__(self, config: BleHrConfig, air: Air, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        offer = Offer(
            notify={heart_rate.SERVICE: [heart_rate.MEASUREMENT]},
            read={heart_rate.BATTERY_SERVICE: [heart_rate.BATTERY_LEVEL]},
            values={heart_rate.BATTERY_LEVEL: bytes([config.battery_percent])},
            advertise=(heart_rate.SERVICE,),
        )
        self.peripheral = Peripheral(air, config.name, config.address, offer)
        self.contact = True
        self._next_s, self._bpm = 1.0, 0

    async def advance(self, now_s: float) -> None:
        """Send what is due."""
        while self._next_s <= now_s:
            self._source.sample("ppg", np.array([self._next_s]))  # the patient lives on only where asked
            beats = self._source.intervals(self._next_s)
            self._next_s += 1.0
            rr = tuple(round(beat.ibi_s * RR_PER_S) for beat in beats)[-7:]
            self._bpm = round(60.0 / beats[-1].ibi_s) if beats else self._bpm
            told = HeartRate(self._bpm, contact=self.contact, rr_1024=rr if self.contact else ())
            sent = await self.peripheral.notify(heart_rate.MEASUREMENT, heart_rate.encode(told))
            for stream_id, n in (("hr.hr", 1), ("hr.rr", len(told.rr_1024))):
                self._tally.generated[stream_id] += n
                (self._tally.sent if sent else self._tally.on_air_lost)[stream_id] += n


class BleBedside:
    """The radio devices of a bedside, running from construction on.

    Args:
        e4, hr: what there is; a second band of the same name is another ``e4``.
        make_source: a source of its own for each device, for none may be shared between threads.
        clock: shared host clock; time 0 of the devices is ``t0_ns``.
        seed: draws the walks of their oscillators.
    """

    def __init__(
        self,
        make_source: Callable[[], Source],
        clock: Clock,
        *,
        e4: tuple[E4BleConfig, ...] = (),
        hr: BleHrConfig | None = None,
        seed: int = 1,
        t0_ns: int | None = None,
    ) -> None:
        self._host_clock = clock
        self._t0_ns = clock.monotonic_ns() if t0_ns is None else t0_ns
        self.tally = Tally()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="virtual-radio", daemon=True)
        self._thread.start()
        self.bands: list[VirtualBand] = []
        self.strap: VirtualStrap | None = None
        port = self.do(self._begin(make_source, e4, hr, np.random.default_rng([seed, 2])))
        self.radio = f"virtual:127.0.0.1:{port}"
        self._running = asyncio.run_coroutine_threadsafe(self._run(), self._loop)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the devices' own loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def drop(self) -> None:
        """Every device ends its link, as one that is out of reach."""
        for device in self._devices():
            self.do(device.peripheral.drop())

    def close(self) -> None:
        """Switch everything off."""
        self._running.cancel()
        self.do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _devices(self) -> list[VirtualBand | VirtualStrap]:
        return [*self.bands, *([self.strap] if self.strap else [])]

    async def _begin(
        self,
        make_source: Callable[[], Source],
        e4: tuple[E4BleConfig, ...],
        hr: BleHrConfig | None,
        rng: np.random.Generator,
    ) -> int:
        self._air = Air()
        for config in e4:
            clock = DeviceClock(config.ppm, rng.spawn(1)[0])
            self.bands.append(VirtualBand(config, self._air, make_source(), clock, self.tally))
        if hr is not None:
            self.strap = VirtualStrap(hr, self._air, make_source(), self.tally)
        for device in self._devices():
            await device.peripheral.start()
        return await self._air.serve()

    async def _run(self) -> None:
        while True:
            now_s = (self._host_clock.monotonic_ns() - self._t0_ns) / 1e9
            for device in self._devices():
                await device.advance(now_s)
            await asyncio.sleep(STEP_S)

    async def _end(self) -> None:
        for device in self._devices():
            await device.peripheral.stop()
        await self._air.close()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
