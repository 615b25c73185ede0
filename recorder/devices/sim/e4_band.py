"""The emulated wristband: samples in batches over an unreliable radio, stamped as the streaming server stamps them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.outlet import Tally
from recorder.devices.sim.patient import SignalName
from recorder.devices.sim.source import Source
from recorder.protocols.e4_events import Decimal, Sample, SampleKind

Array = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]
"""``(at_s, for_s)`` each."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A regular stream of the band: ``n`` samples a radio packet (devices.md §B.3), values with ``places`` decimals."""

    kind: SampleKind
    source: SignalName
    stream_id: str
    rate_hz: float
    n: int
    places: int


BATCHES: Final = (
    Batch("bvp", "ppg", "e4.bvp", 64.0, 11, 2),
    Batch("acc", "acc", "e4.acc", 32.0, 6, 0),
    Batch("gsr", "eda", "e4.eda", 4.0, 6, 3),
    Batch("tmp", "temp", "e4.temp", 4.0, 8, 2),
)
STREAM_IDS: Final[dict[SampleKind, str]] = {batch.kind: batch.stream_id for batch in BATCHES} | {
    "ibi": "e4.ibi",
    "hr": "e4.hr",
    "bat": "e4.battery",
}
ACC_COUNTS_PER_G = 64
ACC_LIMIT = 127
IBI_LATENCY_S = 1.2
IBI_STEP_HZ = 64.0
"""The vendor's intervals are whole 1/64 s."""
BATTERY_FIRST_S, BATTERY_EVERY_S, BATTERY_LASTS_S = 3.0, 60.0, 30 * 3600.0


SENSE_S = 1.0
"""Packets are sensed ahead in groups of about this length, which costs a fraction of sensing them one by one."""

Row = tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class _Packet:
    """``rows``: a sample each, None where there was nothing to sense; all before the end of a recording."""

    first_s: float
    last_s: float
    rows: list[Row | None]


@dataclass(slots=True)
class _Stream:
    batch: Batch
    rng: np.random.Generator
    n_sensed: int = 0
    n_gone: int = 0
    n_received: int = 0
    anchor_us: int = 0
    arrival_s: float = 0.0
    packets: deque[_Packet] = field(default_factory=deque)


class E4Band:
    """One wristband as the server hears it.

    Args:
        source: what it senses.
        clock: its own oscillator.
        rng: jitter and losses.
        tally: counts go there.
        wall_us: UTC wall time at true time 0, µs: the server's computer.
        jitter_s: bounds of the radio's and computer's delay.
        dropout: share of radio packets that never arrive.
        disconnects: stretches without radio.
    """

    def __init__(
        self,
        source: Source,
        clock: DeviceClock,
        rng: np.random.Generator,
        tally: Tally,
        wall_us: int,
        *,
        jitter_s: tuple[float, float] = (0.005, 0.06),
        dropout: float = 0.0,
        disconnects: Spans = (),
    ) -> None:
        self._source, self._clock, self._tally, self._wall_us = source, clock, tally, wall_us
        self._jitter_s, self._dropout, self.disconnects = jitter_s, dropout, list(disconnects)
        streams = [_Stream(batch, own) for batch, own in zip(BATCHES, rng.spawn(len(BATCHES)), strict=True)]
        self._streams = [stream for stream in streams if source.has(stream.batch.source)]
        for stream in self._streams:
            self._plan(stream)
        self._next_battery_s = BATTERY_FIRST_S
        self._clock_stream = self._streams[0] if self._streams else None

    @property
    def next_s(self) -> float:
        """When the next packet arrives, true s."""
        return min((stream.arrival_s for stream in self._streams), default=float("inf"))

    @property
    def ended(self) -> bool:
        """The recording behind it is over and everything has arrived."""
        return self._source.ends_s is not None and all(self._is_over(s) for s in self._streams)

    def is_away(self, t_s: float) -> bool:
        """The radio is out at ``t_s``."""
        return any(at_s <= t_s < at_s + for_s for at_s, for_s in self.disconnects)

    def lost_since(self, since_s: float, until_s: float) -> bool:
        """The radio went out after ``since_s``, by ``until_s``."""
        return any(since_s < at_s <= until_s for at_s, _ in self.disconnects)

    def arrivals(self, now_s: float) -> list[Sample]:
        """Everything that has reached the server by ``now_s``, in order of arrival."""
        arrived: list[tuple[float, list[Sample]]] = []
        for stream in self._streams:
            while stream.arrival_s <= now_s:
                arrived.append((stream.arrival_s, self._receive(stream)))
                self._plan(stream)
        arrived.sort(key=lambda item: item[0])
        samples = [sample for _, packet in arrived for sample in packet]
        return samples + self._beats(now_s) + self._battery(now_s)

    def tag(self, now_s: float) -> list[Sample]:
        """The button is pressed: a tag, unless the radio is out."""
        return [] if self.is_away(now_s) else [Sample("tag", self._stamp_us(now_s))]

    def _plan(self, stream: _Stream) -> None:
        """When will the next packet arrive? Never before the one before it."""
        if not stream.packets:
            self._sense(stream)
        arrival_s = stream.packets[0].last_s + float(stream.rng.uniform(*self._jitter_s))
        stream.arrival_s = float("inf") if self._is_over(stream) else max(arrival_s, stream.arrival_s)

    def _is_over(self, stream: _Stream) -> bool:
        return self._source.ends_s is not None and stream.packets[0].first_s >= self._source.ends_s

    def _sense(self, stream: _Stream) -> None:
        """Fill the next packets."""
        batch, ends_s = stream.batch, self._source.ends_s
        n = batch.n * max(round(SENSE_S * batch.rate_hz / batch.n), 1)
        times_s = self._clock.true_s((stream.n_sensed + np.arange(n)) / batch.rate_hz)
        stream.n_sensed += n
        inside = times_s if ends_s is None else times_s[times_s < ends_s]
        rows = _rows(batch, self._source.sample(batch.source, inside))
        for k in range(0, n, batch.n):
            last = k + batch.n
            stream.packets.append(_Packet(float(times_s[k]), float(times_s[last - 1]), rows[k:last]))

    def _receive(self, stream: _Stream) -> list[Sample]:
        """Take one packet off the air: the samples of it that arrive, stamped."""
        batch, packet = stream.batch, stream.packets.popleft()
        lost = stream.rng.random() < self._dropout or self.is_away(packet.last_s)
        rows = [] if lost else [row for row in packet.rows if row is not None]
        stream.n_gone += batch.n
        self._tally.generated[batch.stream_id] += len(packet.rows)
        self._tally.on_air_lost[batch.stream_id] += len(packet.rows) - len(rows)
        if rows and stream.n_received == 0:
            stream.anchor_us = self._wall_us + round(stream.arrival_s * 1e6)
        first, stream.n_received = stream.n_received, stream.n_received + len(rows)
        period_us = 1e6 / batch.rate_hz
        return [
            Sample(batch.kind, stream.anchor_us + round((first + i) * period_us), row)
            for i, row in enumerate(rows)
        ]

    def _beats(self, now_s: float) -> list[Sample]:
        samples: list[Sample] = []
        for interval in self._source.intervals(now_s - IBI_LATENCY_S):
            self._tally.generated.update(("e4.ibi", "e4.hr"))
            if self.is_away(interval.t_s) or self._clock_stream is None:
                self._tally.on_air_lost.update(("e4.ibi", "e4.hr"))
                continue
            stamp_us = self._stamp_us(interval.t_s)
            ibi_s = max(round(interval.ibi_s * IBI_STEP_HZ), 1) / IBI_STEP_HZ
            samples.append(Sample("ibi", stamp_us, (_decimal(ibi_s, 6),)))
            samples.append(Sample("hr", stamp_us, (_decimal(60.0 / ibi_s, 4),)))
        return samples

    def _battery(self, now_s: float) -> list[Sample]:
        if now_s < self._next_battery_s or self.is_away(now_s) or self.ended:
            return []
        self._next_battery_s = now_s + BATTERY_EVERY_S
        self._tally.generated["e4.battery"] += 1
        level = max(0.96 - now_s / BATTERY_LASTS_S, 0.02)
        return [Sample("bat", self._stamp_us(now_s), (_decimal(level, 2),))]

    def _stamp_us(self, true_s: float) -> int:
        """The server's stamp of a moment: its count of BVP samples, not any clock."""
        stream = self._clock_stream
        if stream is None or not stream.n_received:
            return self._wall_us + round(true_s * 1e6)
        lost_s = (stream.n_gone - stream.n_received) / stream.batch.rate_hz
        return stream.anchor_us + round((self._clock.device_s(true_s) - lost_s) * 1e6)


def _decimal(value: float, places: int) -> Decimal:
    mantissa = round(value * 10**places)
    return (mantissa, places)


def _rows(batch: Batch, values: Array) -> list[Row | None]:
    """Samples ``(n,)`` or ``(n, 3)`` as the wire prints them, acceleration as whole 1/64 g; None for NaN."""
    columns = values.reshape(len(values), 1 if values.ndim == 1 else values.shape[1])
    there = np.isfinite(columns.sum(axis=1))
    per_unit = ACC_COUNTS_PER_G if batch.kind == "acc" else 10.0**batch.places
    whole = np.rint(np.nan_to_num(columns) * per_unit)
    if batch.kind == "acc":
        whole = np.clip(whole, -ACC_LIMIT - 1, ACC_LIMIT)
    mantissas = whole.astype(np.int64).tolist()
    return [
        tuple((mantissa, batch.places) for mantissa in row) if known else None
        for row, known in zip(mantissas, there.tolist(), strict=True)
    ]
