"""A Nonin pulse oximeter on a serial port (Xpod, OEM III): pleth, saturation, pulse rate, every frame as it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from recorder.clock import Clock
from recorder.counted import counted
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.nonin_count import FrameOrder, Hole, Out, Pace, Timed
from recorder.devices.options import origin, read_options, silence_s
from recorder.errors import ConfigError
from recorder.protocols import nonin
from recorder.protocols.lines import excerpt
from recorder.protocols.nonin import FORMATS, Frame, NoninDecoder, Skipped, Vitals
from recorder.schema import Channel, DeviceInfo, Gap, SampleBlock, StreamInfo
from recorder.schema.streams import Dtype, Origin
from recorder.transports import Chunk, Transport
from recorder.transports.serial import open_serial

DEFAULTS: Final[dict[str, Any]] = {"port": "", "format": "df2"}
NONSENSE_BYTES: Final = 2048
NOTHING_S: Final = 5.0
HELD_NS: Final = 1_000_000_000
SATURATIONS: Final = ("spo2", "spo2_d", "spo2_fast", "spo2_beat", "e_spo2", "e_spo2_d")
RATES: Final = ("pr", "e_pr", "pr_d", "e_pr_d")
_TOLD_EVERY_NS: Final = 10_000_000_000
_LASTING_FRAMES: Final = 25
"""A bit of the status byte that lasts a packet is told; single frames are in the raw stream."""
_TROUBLES: Final = {
    nonin.DISCONNECTED: ("sensor-off", "the sensor is not plugged in: check its cable"),
    nonin.OUT_OF_TRACK: ("no-pulse", "no pulse is found: check that the finger is in the sensor and warm"),
    nonin.ALARM: ("sensor-alarm", "the sensor cannot measure: check how it sits, and nail varnish"),
}


@dataclass(slots=True)
class _Link:
    """What is known of one connection."""

    connected_ns: int
    relinked: bool
    ready: bool = False
    n_bytes: int = 0
    beginning: bytes = b""
    told_nothing: bool = False
    spoke_nonsense: bool = False
    hurt: Counter[str] = field(default_factory=Counter)
    hurt_told_ns: int | None = None
    lasting: Counter[int] = field(default_factory=Counter)
    troubles: set[int] = field(default_factory=set)


class NoninDriver:
    """See :class:`recorder.devices.contract.Driver`.

    Args:
        config: options ``port`` (serial port or ``socket://host:port``), ``format`` (``df2`` or ``df7``, a setting of
            the oximeter), ``silence_s``, ``origin``.
        clock: stamps arrivals.

    Raises:
        ConfigError: a wrong option.
    """

    def __init__(self, config: DeviceConfig, clock: Clock) -> None:
        options = read_options(config, DEFAULTS)
        self._port: str = options["port"]
        self._format: nonin.Format = options["format"]
        if not self._port:
            raise ConfigError(f"Device {config.device_id}: option port is empty: choose a serial port")
        if self._format not in FORMATS:
            raise ConfigError(
                f"Device {config.device_id}: option format = {self._format!r} must be {' or '.join(FORMATS)}"
            )
        self._clock = clock
        self._decoder = NoninDecoder(self._format)
        infos = stream_infos(config.device_id, origin(config), self._format)
        self.streams: tuple[StreamInfo, ...] = infos
        self._pleth, self._raw, self._spo2, self._pr = infos
        self.silence_s = silence_s(config, 1.4)
        self.quiet_advice = (
            f"{self._port} is open but no pulse oximeter sends: check its cable and power, and that it is set to "
            f"data format {self._format[2:]}"
        )
        self.info = DeviceInfo(
            config.device_id,
            "Nonin pulse oximeter (serial)",
            None,
            f"serial:{self._port}",
            config.simulated,
        )
        self._order, self._pace = FrameOrder(), Pace()
        self._next_no = self._next_vitals = 0
        self._last_ns: int | None = None
        self._link = _Link(0, relinked=False)

    def open(self) -> Transport:
        """Open the port for this process alone; see :func:`recorder.transports.serial.open_serial` for errors."""
        return open_serial(self._port, self._clock, baud=nonin.BAUD)

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """It sends by itself; numbering goes on."""
        self._decoder.reset()
        left = self._emit(self._order.relink())
        self._pace.relink()
        self._link = _Link(t_host_ns, relinked=self._last_ns is not None)
        return left

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out."""
        t, link = chunk.t_host_ns, self._link
        link.n_bytes += len(chunk.data)
        link.beginning = (link.beginning + chunk.data[:32])[:32]
        events: list[DriverEvent] = []
        run: list[Out] = []
        for found in self._decoder.feed(chunk.data):
            if isinstance(found, Skipped):
                self._damaged(found)
                continue
            if found.is_first and (packets := self._pace.missing_packets(t)):
                run.append(
                    Hole(packets * nonin.PACKET_FRAMES, "arrival-jump", "whole packets, by their pace")
                )
                self._pace.numbers(packets * nonin.PACKET_FRAMES)
            placed = self._order.take(found, t)
            self._pace.numbers(sum(1 if isinstance(out, tuple) else out.missing or 0 for out in placed))
            run += placed
            if self._order.packet:
                events += [*self._emit(run), *self._vitals_of(nonin.vitals(self._order.packet), t)]
                run = []
            events += self._troubles(found, t)
        ready = self._ready(run, t)
        return [*ready, *events, *self._emit(run), *self._nonsense(t), *self._damage_notice(t)]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Time passes."""
        link = self._link
        overdue = self._order.overdue(t_host_ns, HELD_NS)
        self._pace.numbers(sum(isinstance(out, tuple) for out in overdue))
        events = [*self._emit(overdue), *self._damage_notice(t_host_ns)]
        if link.n_bytes or link.told_nothing or t_host_ns - link.connected_ns < NOTHING_S * 1e9:
            return events
        link.told_nothing = True
        return [*events, Notice("no-data", self.quiet_advice, t_host_ns, self._pleth.stream_id)]

    def stop(self) -> bytes:
        """Nothing to say."""
        return b""

    # ---- inside

    def _ready(self, run: Iterable[Out], t: int) -> list[DriverEvent]:
        if self._link.ready or not (self._next_no or any(isinstance(out, tuple) for out in run)):
            return []
        self._link.ready = True
        return [Notice("ready", f"{self.info.product} on {self._port} sends frames", t)]

    def _emit(self, run: Iterable[Out]) -> list[DriverEvent]:
        """Frames that arrived together make one block of each stream."""
        events: list[DriverEvent] = []
        together: list[Timed] = []
        for out in run:
            if together and (isinstance(out, Hole) or out[1] != together[-1][1]):
                events += self._blocks(together)
                together = []
            if isinstance(out, Hole):
                events += self._gap(out)
            else:
                together.append(out)
        return events + (self._blocks(together) if together else [])

    def _blocks(self, together: Sequence[Timed]) -> list[DriverEvent]:
        t, events = together[-1][1], list[DriverEvent]()
        if self._link.relinked:
            events += self._gap(Hole(None, "link-lost"), t)
            self._link.relinked = False
        frames = [frame for frame, _ in together]
        pleth = np.array([[frame.pleth] for frame in frames], dtype=np.int32)
        raw = np.array([[f.status, f.pleth >> 8, f.pleth & 255, f.float_byte] for f in frames], np.int16)
        events.append(SampleBlock(self._pleth.stream_id, self._next_no, pleth, t))
        events.append(SampleBlock(self._raw.stream_id, self._next_no, raw, t))
        self._next_no += len(frames)
        self._last_ns = t
        return events

    def _gap(self, hole: Hole, t: int | None = None) -> list[DriverEvent]:
        until = self._link.connected_ns if t is None else t
        since = until if self._last_ns is None else self._last_ns
        until = max(since, until)
        gaps = [
            Gap(i.stream_id, self._next_no, hole.missing, since, until, hole.cause, detail=hole.detail)
            for i in (self._pleth, self._raw)
        ]
        self._next_no += hole.missing or 0
        return list(gaps)

    def _vitals_of(self, told: Vitals, t: int) -> list[DriverEvent]:
        """A row a whole packet; a row of nothing but "no value" as well, for that is what it says."""
        first, self._next_vitals = self._next_vitals, self._next_vitals + 1
        return [
            SampleBlock(
                info.stream_id, first, np.array([[_number(getattr(told, name)) for name in names]]), t
            )
            for info, names in ((self._spo2, SATURATIONS), (self._pr, RATES))
        ]

    def _damaged(self, skipped: Skipped) -> None:
        """Bytes before the first frame only mean that we joined in the middle of one."""
        if self._link.ready:
            self._link.hurt["checksum" if skipped.checksum else "malformed"] += max(1, skipped.checksum)
        self._order.hurt()

    def _damage_notice(self, t: int) -> list[DriverEvent]:
        link = self._link
        if not link.hurt or (link.hurt_told_ns is not None and t - link.hurt_told_ns < _TOLD_EVERY_NS):
            return []
        hurt, link.hurt, link.hurt_told_ns = dict(link.hurt), Counter(), t
        kind = "checksum" if "checksum" in hurt else "malformed"
        frames = counted(sum(hurt.values()), "damaged frame was", "damaged frames were")
        text = f"{self._port}: {frames} left out; if it goes on, check the cable"
        return [Notice(kind, text, t, self._pleth.stream_id, hurt)]

    def _troubles(self, frame: Frame, t: int) -> list[DriverEvent]:
        """What the status byte has said for a packet's length, and when it is over."""
        events: list[DriverEvent] = []
        link = self._link
        for bit, (kind, words) in _TROUBLES.items():
            if frame.status & bit:
                link.lasting[bit] += 1
                if link.lasting[bit] == _LASTING_FRAMES and bit not in link.troubles:
                    link.troubles.add(bit)
                    text = f"{self.info.product} on {self._port}: {words}"
                    events.append(Notice(kind, text, t, self._pleth.stream_id))
                continue
            link.lasting[bit] = 0
            if bit in link.troubles:
                link.troubles.discard(bit)
                text = f"{self.info.product} on {self._port}: {kind} is over"
                events.append(Notice("quality-ok", text, t, self._pleth.stream_id, {"ended": kind}))
        return events

    def _nonsense(self, t: int) -> list[DriverEvent]:
        link = self._link
        if link.ready or link.spoke_nonsense or link.n_bytes < NONSENSE_BYTES:
            return []
        link.spoke_nonsense = True
        other = "df7" if self._format == "df2" else "df2"
        text = (
            f'{self._port} sends bytes that are no Nonin {self._format} frames (they begin "{excerpt(link.beginning)}")'
            f": choose another port, or format = {other}"
        )
        return [Notice("nonsense", text, t, self._pleth.stream_id, fatal=True)]


def _number(value: int | None) -> float:
    return np.nan if value is None else float(value)


def stream_infos(
    device_id: str, origin: Origin, data_format: nonin.Format
) -> tuple[StreamInfo, StreamInfo, StreamInfo, StreamInfo]:
    """Pleth, every frame's own bytes, saturations, pulse rates."""

    def waveform(name: str, role: str, channels: tuple[Channel, ...], dtype: Dtype, note: str) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{name}",
            device_id,
            "waveform",
            channels,
            dtype,
            nonin.RATE_HZ,
            role,
            origin=origin,
            metadata={"format": data_format, "note": note},
        )

    def numeric(name: str, role: str, channels: tuple[Channel, ...]) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{name}",
            device_id,
            "numeric",
            channels,
            "float64",
            None,
            role,
            origin=origin,
            metadata={"format": data_format, "note": "once a packet; NaN where the oximeter has no value"},
        )

    octets = tuple(Channel(name, "1") for name in ("status", "pleth_msb", "pleth_lsb", "float"))
    note = "bytes of every frame; its sum follows from them"
    return (
        waveform("pleth", "pleth", (Channel("pleth", "1"),), "int32", "as sent, scaled by the oximeter"),
        waveform("raw", "raw", octets, "int16", note),
        numeric("spo2", "spo2", tuple(Channel(name, "%") for name in SATURATIONS)),
        numeric("pr", "hr", tuple(Channel(name, "/min") for name in RATES)),
    )
