"""What the drivers of Bluetooth LE devices share: options, framing, raw packets as a stream, battery, quality."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from recorder.devices.contract import DeviceConfig, DriverEvent, LinkQuality, Notice
from recorder.devices.discovery import radio_of
from recorder.errors import ConfigError
from recorder.protocols.gatt_packets import (
    RAW_COLUMNS,
    SEQ_MODULO,
    GattDecoder,
    GattPacket,
    PacketKind,
    encode,
    raw_rows,
)
from recorder.schema import Channel, Gap, SampleBlock, StreamInfo
from recorder.schema.streams import Origin
from recorder.transports import Chunk
from recorder.transports.ble_scan import Radio

OPTIONS: Final[dict[str, Any]] = {"address": "", "name": "", "radio": ""}
"""``address`` of the one device (empty = the only one in range that fits), beginning of its ``name``, ``radio``
empty = this computer's Bluetooth."""
NONSENSE_BYTES: Final = 2048
QUALITY_SPAN_NS: Final = 30_000_000_000
LOW_BATTERY: Final = 0.15
_BATTERY_STEP: Final = 0.05


class _GattFrames:
    """See :class:`recorder.transports.ble.Framing`."""

    def pack(self, kind: int, characteristic: int, data: bytes, seq: int) -> bytes:
        """One value that came."""
        return encode(GattPacket(PacketKind(kind), characteristic, data, seq % SEQ_MODULO))

    def unpack(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        """Values to write."""
        return [(packet.characteristic, packet.data) for packet in GattDecoder().feed(data)]


GATT_FRAMES: Final = _GattFrames()


def link_radio(config: DeviceConfig, name: str) -> Radio:
    """The Bluetooth of a device's options.

    Raises:
        ConfigError: unknown, or a virtual one for a device that is not marked as simulated.
    """
    if name and not config.simulated:
        raise ConfigError(
            f"Device {config.device_id}: option radio = {name!r} is a virtual bedside, so the device must be simulated"
        )
    return radio_of(name)


def raw_stream(device_id: str, origin: Origin, note: str) -> StreamInfo:
    """Every packet as it came; :func:`recorder.protocols.gatt_packets.packets_of_rows` gives the bytes back."""
    return StreamInfo(
        f"{device_id}.raw",
        device_id,
        "numeric",
        tuple(Channel(name, "1") for name in RAW_COLUMNS),
        "int32",
        None,
        "raw",
        origin=origin,
        metadata={"note": note, "layout": "gatt_packets.raw_rows"},
    )


def battery_stream(device_id: str, origin: Origin) -> StreamInfo:
    """Share of full, whenever it was read."""
    channels = (Channel("battery", "1"),)
    return StreamInfo(
        f"{device_id}.battery",
        device_id,
        "numeric",
        channels,
        "float64",
        None,
        "battery",
        origin=origin,
        metadata={"note": "share of full"},
    )


@dataclass(slots=True)
class Intake:
    """Chunks → packets, every one also as rows of the raw stream; losses inside this computer are counted.

    Args:
        info: of the raw stream.
        n_lost: values the operating system gave and nobody took in time, since the beginning.
    """

    info: StreamInfo
    n_lost: int = 0
    n_bytes: int = 0
    _decoder: GattDecoder = field(default_factory=GattDecoder)
    _next_no: int = 0
    _seq: int | None = None
    _last_ns: int | None = None
    _relinked: bool = False

    def relink(self) -> None:
        """A new connection; numbering goes on."""
        self._decoder.reset()
        self.n_bytes, self._seq = 0, None
        self._relinked = self._last_ns is not None

    def feed(self, chunk: Chunk) -> tuple[list[tuple[GattPacket, int]], list[DriverEvent]]:
        """Packets, each with the values lost right before it, and the raw stream's events."""
        packets: list[tuple[GattPacket, int]] = []
        events: list[DriverEvent] = []
        self.n_bytes += len(chunk.data)
        for packet in self._decoder.feed(chunk.data):
            lost = self._lost_before(packet)
            packets.append((packet, lost))
            events += self._rows(packet, lost, chunk.t_host_ns)
        return packets, events

    def _lost_before(self, packet: GattPacket) -> int:
        lost = 0 if self._seq is None else (packet.seq - self._seq - 1) % SEQ_MODULO
        self._seq = packet.seq
        lost = lost if lost < SEQ_MODULO // 2 else 0
        self.n_lost += lost
        return lost

    def _rows(self, packet: GattPacket, lost: int, t: int) -> list[DriverEvent]:
        events: list[DriverEvent] = []
        since = t if self._last_ns is None else min(self._last_ns, t)
        if self._relinked:
            events.append(Gap(self.info.stream_id, self._next_no, None, since, t, "link-lost"))
        elif lost:
            events.append(Gap(self.info.stream_id, self._next_no, lost, since, t, "overrun"))
            self._next_no += lost
        rows = raw_rows(packet)
        events.append(SampleBlock(self.info.stream_id, self._next_no, rows, t))
        self._next_no += len(rows)
        self._relinked, self._last_ns = False, t
        return events


@dataclass(slots=True)
class Battery:
    """The battery's stream, and a notice where its level moved."""

    info: StreamInfo
    who: str
    _next_no: int = 0
    _told: float | None = None

    def level(self, share: float, t: int) -> list[DriverEvent]:
        """It was read."""
        block = SampleBlock(self.info.stream_id, self._next_no, np.array([[share]]), t)
        self._next_no += 1
        if self._told is not None and abs(share - self._told) < _BATTERY_STEP:
            return [block]
        self._told = share
        advice = ": charge it or change it" if share <= LOW_BATTERY else ""
        text = f"{self.who}: battery {share:.0%}{advice}"
        return [block, Notice("battery", text, t, self.info.stream_id, {"fraction": share})]


@dataclass(slots=True)
class Quality:
    """Share of packets that arrived lately, by the device's own counters."""

    rssi_dbm: int | None = None
    _recent: deque[tuple[int, int, int]] = field(default_factory=deque)
    _told: LinkQuality | None = None

    def relink(self) -> None:
        """A new connection."""
        self.rssi_dbm, self._told = None, None
        self._recent.clear()

    def packet(self, t: int, missing: int) -> None:
        """One arrived, after ``missing`` that did not."""
        self._recent.append((t, 1, missing))

    def look(self, t: int) -> list[DriverEvent]:
        """The quality, where it is another than was told last."""
        while self._recent and t - self._recent[0][0] > QUALITY_SPAN_NS:
            self._recent.popleft()
        arrived = sum(n for _, n, _ in self._recent)
        expected = arrived + sum(missing for _, _, missing in self._recent)
        share = round(arrived / expected, 3) if expected else None
        quality = LinkQuality(self.rssi_dbm, share)
        if quality == self._told:
            return []
        self._told = quality
        return [quality]


def unencrypted(who: str, t: int) -> Notice:
    """Neither kind of device is paired; told once (safety rule 22)."""
    text = f"{who}: its radio link is not encrypted; somebody in the same room could listen in"
    return Notice("unencrypted", text, t)


def signal_strength(packet: GattPacket) -> int | None:
    """dBm of an RSSI packet, None for any other."""
    if packet.kind is not PacketKind.RSSI or len(packet.data) != 1:
        return None
    return int.from_bytes(packet.data, "little", signed=True)
