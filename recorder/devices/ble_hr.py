"""A Bluetooth LE heart-rate sensor (strap, band): the standard Heart Rate Service, its intervals and battery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from recorder.clock import Clock
from recorder.devices.ble_link import (
    GATT_FRAMES,
    NONSENSE_BYTES,
    OPTIONS,
    Battery,
    Intake,
    Quality,
    battery_stream,
    link_radio,
    raw_stream,
    signal_strength,
    unencrypted,
)
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.options import origin, read_options, silence_s
from recorder.protocols import heart_rate
from recorder.protocols.gatt_packets import GattPacket, PacketKind
from recorder.protocols.heart_rate import HeartRate
from recorder.schema import Channel, DeviceInfo, Gap, SampleBlock, StreamInfo
from recorder.schema.streams import Origin
from recorder.transports import Chunk, Transport
from recorder.transports.ble import BleTarget, open_ble
from recorder.transports.ble_loop import Attempt

DEFAULTS: Final[dict[str, Any]] = {**OPTIONS, "silence_s": 4.0}
NOTHING_S: Final = 5.0


@dataclass(slots=True)
class _Link:
    """What is known of one connection."""

    connected_ns: int
    relinked: bool
    understood: bool = False
    told_nothing: bool = False
    spoke_nonsense: bool = False
    contact: bool | None = None


class BleHeartRateDriver:
    """See :class:`recorder.devices.contract.Driver`.

    The service counts nothing: what a sensor itself leaves out cannot be seen, only what is lost in this computer.

    Args:
        config: options ``address`` (empty = the only heart-rate sensor in range), ``name``, ``radio``,
            ``silence_s``, ``origin``.
        clock: stamps arrivals.

    Raises:
        ConfigError: a wrong option.
    """

    def __init__(self, config: DeviceConfig, clock: Clock) -> None:
        options = read_options(config, DEFAULTS)
        self._radio = link_radio(config, options["radio"])
        self._clock = clock
        self._address, self._name = str(options["address"]), str(options["name"])
        came_from = origin(config)
        self._hr, self._rr = stream_infos(config.device_id, came_from)
        self._intake = Intake(raw_stream(config.device_id, came_from, "every packet"))
        self._battery = Battery(battery_stream(config.device_id, came_from), self._who)
        self._quality = Quality()
        self.streams: tuple[StreamInfo, ...] = (self._hr, self._rr, self._battery.info, self._intake.info)
        self.quiet_advice = self._quiet
        self.silence_s = silence_s(config, DEFAULTS["silence_s"])
        self.info = DeviceInfo(
            config.device_id,
            "Heart-rate sensor (Bluetooth)",
            self._address or None,
            self._transport,
            config.simulated,
        )
        self._next_no = {self._hr.stream_id: 0, self._rr.stream_id: 0}
        self._last_ns: int | None = None
        self._told_open = False
        self._attempt = Attempt()
        self._link = _Link(0, relinked=False)

    @property
    def _who(self) -> str:
        return f"Heart-rate sensor {self._address}".strip()

    @property
    def _transport(self) -> str:
        return f"ble:{self._address}" if self._address else "ble"

    @property
    def _quiet(self) -> str:
        return (
            f"{self._who} is connected but sends no heart rate: moisten its electrodes and check how it sits"
        )

    def open(self) -> Transport:
        """Find and connect; see :func:`recorder.transports.ble.open_ble`. The first one connected stays the one."""
        target = BleTarget(
            "heart-rate sensor",
            self._address,
            self._name,
            advertises=heart_rate.SERVICE,
            services=(heart_rate.SERVICE,),
            notify=(heart_rate.MEASUREMENT,),
            read=(heart_rate.BATTERY_LEVEL,),
        )
        return open_ble(
            target,
            GATT_FRAMES,
            self._clock,
            self._radio,
            connected_as=self._connected_as,
            attempt=self._attempt,
        )

    def interrupt(self) -> None:
        """From another thread: end a search that :meth:`open` is in."""
        self._attempt.interrupt()

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """It sends by itself once subscribed; numbering goes on."""
        self._link = _Link(t_host_ns, relinked=self._last_ns is not None)
        self._intake.relink()
        self._quality.relink()
        told, self._told_open = self._told_open, True
        return [] if told else [unencrypted(self._who, t_host_ns)]

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out."""
        packets, events = self._intake.feed(chunk)
        for packet, lost in packets:
            events += self._packet(packet, lost, chunk.t_host_ns)
        return [*events, *self._nonsense(chunk.t_host_ns)]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Time passes."""
        events = self._quality.look(t_host_ns)
        link = self._link
        if link.understood or link.told_nothing or t_host_ns - link.connected_ns < NOTHING_S * 1e9:
            return events
        link.told_nothing = True
        return [*events, Notice("no-data", self.quiet_advice, t_host_ns, self._hr.stream_id)]

    def stop(self) -> bytes:
        """Nothing to say."""
        return b""

    # ---- inside

    def _connected_as(self, address: str, _name: str) -> None:
        if address != self._address:
            self._address = address
            self._battery.who, self.quiet_advice = self._who, self._quiet
            self.info = replace(self.info, serial=address, transport=self._transport)

    def _packet(self, packet: GattPacket, lost: int, t: int) -> list[DriverEvent]:
        if packet.kind is PacketKind.RSSI:
            self._quality.rssi_dbm = signal_strength(packet)
            return self._quality.look(t)
        if packet.characteristic == heart_rate.BATTERY_LEVEL:
            share = heart_rate.battery_share(packet.data)
            return [] if share is None else self._battery.level(share, t)
        measured = heart_rate.decode(packet.data) if packet.characteristic == heart_rate.MEASUREMENT else None
        return [] if measured is None else self._measured(measured, lost, t)

    def _measured(self, measured: HeartRate, lost: int, t: int) -> list[DriverEvent]:
        events = self._gaps(lost, t)
        if not self._link.understood:
            self._link.understood = True
            events.append(Notice("ready", f"{self._who} sends heart rate", t))
        contact = np.nan if measured.contact is None else float(measured.contact)
        energy = np.nan if measured.energy_kj is None else float(measured.energy_kj)
        row = np.array([[float(measured.bpm), contact, energy]])
        events.append(self._block(self._hr, row, t))
        if measured.rr_1024:
            events.append(self._block(self._rr, np.array(measured.rr_1024, dtype=np.int32).reshape(-1, 1), t))
        self._last_ns, self._link.relinked = t, False
        return [*events, *self._contact(measured.contact, t)]

    def _block(self, info: StreamInfo, values: Any, t: int) -> SampleBlock:
        block = SampleBlock(info.stream_id, self._next_no[info.stream_id], values, t)
        self._next_no[info.stream_id] = block.next_sample_no
        return block

    def _gaps(self, lost: int, t: int) -> list[DriverEvent]:
        if self._last_ns is None or not (lost or self._link.relinked):
            return []
        cause = "link-lost" if self._link.relinked else "overrun"
        since = min(self._last_ns, t)
        missing = None if self._link.relinked else lost
        hr_no, rr_no = (self._next_no[info.stream_id] for info in (self._hr, self._rr))
        self._next_no[self._hr.stream_id] += missing or 0
        return [
            Gap(self._hr.stream_id, hr_no, missing, since, t, cause),
            Gap(self._rr.stream_id, rr_no, None, since, t, cause),
        ]

    def _contact(self, contact: bool | None, t: int) -> list[DriverEvent]:
        before, self._link.contact = self._link.contact, contact
        if contact is False and before is not False:
            text = f"{self._who} has no skin contact: moisten its electrodes and check how it sits"
            return [Notice("not-worn", text, t, self._hr.stream_id)]
        if contact and before is False:
            text = f"{self._who} has skin contact again"
            return [Notice("quality-ok", text, t, self._hr.stream_id, {"ended": "not-worn"})]
        return []

    def _nonsense(self, t: int) -> list[DriverEvent]:
        link = self._link
        if link.understood or link.spoke_nonsense or self._intake.n_bytes < NONSENSE_BYTES:
            return []
        link.spoke_nonsense = True
        text = f"{self._who} sends nothing that is a heart rate: it is another device; choose another address"
        return [Notice("nonsense", text, t, fatal=True)]


def stream_infos(device_id: str, origin: Origin) -> tuple[StreamInfo, StreamInfo]:
    """Heart rate with contact and energy, and beat intervals as sent."""
    hr = (Channel("hr", "/min"), Channel("contact", "1"), Channel("energy", "kJ"))
    rr = (Channel("rr", "s", scale=1 / heart_rate.RR_PER_S),)
    note = {"note": "Bluetooth Heart Rate Service; contact 1 yes, 0 no, NaN unknown"}
    return (
        StreamInfo(
            f"{device_id}.hr", device_id, "numeric", hr, "float64", None, "hr", origin=origin, metadata=note
        ),
        StreamInfo(
            f"{device_id}.rr",
            device_id,
            "numeric",
            rr,
            "int32",
            None,
            "ibi",
            origin=origin,
            metadata={"note": "beat intervals as sent, whole 1/1024 s"},
        ),
    )
