"""Empatica E4 over Bluetooth LE, without its maker's server. EXPERIMENTAL: see :mod:`recorder.protocols.e4_ble`.

Every packet is stored as it came beside what is decoded, so that decoding can be redone. Not bonded, no account, no
key: what the wristband gives to anybody who connects. It gives no beats and no heart rate; none is shown as its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from recorder.clock import Clock
from recorder.counted import counted
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
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice, Send
from recorder.devices.discovery import E4_NAME
from recorder.devices.e4_ble_sensor import sensors
from recorder.devices.options import origin, read_options, silence_s
from recorder.errors import ConfigError
from recorder.protocols import e4_ble, heart_rate
from recorder.protocols.gatt_packets import GattPacket, PacketKind, encode
from recorder.schema import Channel, DeviceInfo, StreamInfo
from recorder.schema.streams import Dtype, Origin
from recorder.transports import Chunk, Transport
from recorder.transports.ble import BleTarget, open_ble
from recorder.transports.ble_loop import Attempt

DEFAULTS: Final[dict[str, Any]] = {
    **OPTIONS,
    "name": E4_NAME,
    "start_variant": "A",
    "temp_variant": "B",
    "silence_s": 1.4,
}
PRODUCT: Final = "Empatica E4 (Bluetooth, experimental)"
UNVERIFIED: Final = "Empatica E4 (Bluetooth, experimental, decode not verified)"
STARTS_WITHIN_S: Final = 5.0
NOT_WORN_S: Final = 10.0
_MALFORMED_EVERY_NS: Final = 10_000_000_000


@dataclass(slots=True)
class _Link:
    """What is known of one connection."""

    connected_ns: int
    understood: bool = False
    told_nothing: bool = False
    spoke_nonsense: bool = False
    doubts: set[str] = field(default_factory=set)
    malformed: int = 0
    malformed_told_ns: int | None = None
    zero_since_ns: int | None = None
    not_worn: bool = False


class E4BleDriver:
    """See :class:`recorder.devices.contract.Driver`.

    Args:
        config: options ``address`` (empty = the only wristband in range), ``name``, ``radio``, ``start_variant`` (A
            or B), ``temp_variant`` (A or B), ``silence_s``, ``origin``.
        clock: stamps arrivals, and is what the wristband's clock is set to.

    Raises:
        ConfigError: a wrong option.
    """

    def __init__(self, config: DeviceConfig, clock: Clock) -> None:
        options = read_options(config, DEFAULTS)
        for name in ("start_variant", "temp_variant"):
            if options[name] not in get_args(e4_ble.StartVariant):
                raise ConfigError(
                    f"Device {config.device_id}: option {name} = {options[name]!r} must be A or B"
                )
        self._radio = link_radio(config, options["radio"])
        self._clock = clock
        self._start: e4_ble.StartVariant = options["start_variant"]
        self._address, self._name = str(options["address"]), str(options["name"])
        came_from = origin(config)
        self._intake = Intake(raw_stream(config.device_id, came_from, f"every packet, {e4_ble.PROFILE}"))
        self._battery = Battery(battery_stream(config.device_id, came_from), self._who)
        self._sensors = sensors(stream_infos(config.device_id, came_from, options["temp_variant"]))
        self._quality = Quality()
        self.streams: tuple[StreamInfo, ...] = (
            *(sensor.info for sensor in self._sensors.values()),
            self._battery.info,
            self._intake.info,
        )
        self.quiet_advice = self._quiet
        self.silence_s = silence_s(config, DEFAULTS["silence_s"])
        self.info = DeviceInfo(
            config.device_id, PRODUCT, self._address or None, self._transport, config.simulated
        )
        self._told_open = False
        self._attempt = Attempt()
        self._link = _Link(0)

    @property
    def _who(self) -> str:
        return f"E4 wristband {self._address}".strip()

    @property
    def _transport(self) -> str:
        return f"ble:{self._address}" if self._address else "ble"

    @property
    def _quiet(self) -> str:
        return (
            f"{self._who} (experimental) is connected but sends no sample: bring it near this computer, check its "
            "charge, and see whether start_variant fits"
        )

    def open(self) -> Transport:
        """Find and connect; see :func:`recorder.transports.ble.open_ble` for errors. The wristband that was connected
        first stays the one: another of its name is never taken for it.
        """
        target = BleTarget(
            "E4 wristband",
            self._address,
            self._name,
            services=(e4_ble.SENSORS, e4_ble.COMMANDS),
            notify=(*e4_ble.LAYOUTS, e4_ble.BUTTON, e4_ble.BATTERY),
            read=(e4_ble.BATTERY, heart_rate.BATTERY_LEVEL),
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
        """Everything is subscribed: ask it to start."""
        self._link = _Link(t_host_ns)
        self._intake.relink()
        self._quality.relink()
        for sensor in self._sensors.values():
            sensor.relink()
        command = e4_ble.start_command(self._start, self._clock.wall_ns() // 1_000_000_000)
        start = Send(encode(GattPacket(PacketKind.WRITE, e4_ble.COMMAND, command)))
        told, self._told_open = self._told_open, True
        return [start] if told else [start, unencrypted(self._who, t_host_ns)]

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out."""
        packets, events = self._intake.feed(chunk)
        for packet, _ in packets:
            events += self._packet(packet, chunk.t_host_ns)
        return [*events, *self._nonsense(chunk.t_host_ns)]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Time passes."""
        return [
            *self._starts_not(t_host_ns),
            *self._malformed_notice(t_host_ns),
            *self._doubts(t_host_ns),
            *self._quality.look(t_host_ns),
        ]

    def stop(self) -> bytes:
        """No stop command is known: it stops when the link is closed."""
        return b""

    # ---- inside

    def _connected_as(self, address: str, _name: str) -> None:
        if address != self._address:
            self._address = address
            self._battery.who, self.quiet_advice = self._who, self._quiet
            self.info = replace(self.info, serial=address, transport=self._transport)

    def _packet(self, packet: GattPacket, t: int) -> list[DriverEvent]:
        if packet.kind is PacketKind.RSSI:
            self._quality.rssi_dbm = signal_strength(packet)
            return self._quality.look(t)
        if packet.characteristic in self._sensors:
            return self._samples(packet, t)
        if packet.characteristic in (e4_ble.BATTERY, heart_rate.BATTERY_LEVEL):
            share = e4_ble.battery_share(packet.data)
            return [] if share is None else self._battery.level(share, t)
        if packet.characteristic == e4_ble.BUTTON and e4_ble.is_button(packet.data):
            text = f"{self._who}: button pressed"
            return [Notice("tag", text, t, payload={"raw": packet.data.hex()})]
        return []

    def _samples(self, packet: GattPacket, t: int) -> list[DriverEvent]:
        decoded = e4_ble.decode(packet.characteristic, packet.data)
        if decoded is None:
            self._link.malformed += 1
            return []
        missing, events = self._sensors[packet.characteristic].take(decoded, t, self._intake.n_lost)
        self._quality.packet(t, missing)
        if packet.characteristic == e4_ble.EDA:
            events += self._worn(t, is_zero=not decoded.values.any())
        if self._link.understood:
            return events
        self._link.understood = True
        text = (
            f"{self._who} sends samples. EXPERIMENTAL: decoded by {e4_ble.PROFILE}, found out by others and not"
            " confirmed by its maker; every raw packet is stored"
        )
        return [Notice("ready", text, t, payload={"profile": e4_ble.PROFILE}), *events]

    def _worn(self, t: int, *, is_zero: bool) -> list[DriverEvent]:
        """No skin resistance for 10 s: the same rule as by its server."""
        link, stream_id = self._link, self._sensors[e4_ble.EDA].info.stream_id
        if not is_zero:
            link.zero_since_ns = None
            if not link.not_worn:
                return []
            link.not_worn = False
            text = f"{self._who}: skin conductance is back; the band is worn"
            return [Notice("quality-ok", text, t, stream_id, {"ended": "not-worn"})]
        link.zero_since_ns = t if link.zero_since_ns is None else link.zero_since_ns
        if link.not_worn or t - link.zero_since_ns < NOT_WORN_S * 1e9:
            return []
        link.not_worn = True
        text = f"{self._who}: skin conductance is exactly 0 for 10 s; the band may not be worn: check it"
        return [Notice("not-worn", text, t, stream_id)]

    def _starts_not(self, t: int) -> list[DriverEvent]:
        link = self._link
        if link.understood or link.told_nothing or t - link.connected_ns < STARTS_WITHIN_S * 1e9:
            return []
        link.told_nothing = True
        other = "B" if self._start == "A" else "A"
        text = (
            f"{self._who} is connected but sends nothing {STARTS_WITHIN_S:g} s after start command {self._start}:"
            f" set start_variant = {other}, or switch it off and on by its button"
        )
        return [Notice("no-data", text, t)]

    def _doubts(self, t: int) -> list[DriverEvent]:
        """What makes the decoding doubtful is told once a link, and stays on the device's name."""
        events: list[DriverEvent] = []
        for sensor in self._sensors.values():
            name = sensor.layout.name
            if sensor.is_refuted:
                events += self._doubt(f"{name}-counter", f"the counter of {name} does not count packets", t)
            if sensor.rate_is_off:
                rate, expected = sensor.rate_hz, sensor.layout.packets_per_s
                what = f"{name} comes {rate:.2f} times a second, expected {expected:.2f}"
                events += self._doubt(f"{name}-rate", what, t)
        return events

    def _doubt(self, key: str, what: str, t: int) -> list[DriverEvent]:
        if key in self._link.doubts:
            return []
        self._link.doubts.add(key)
        self.info = replace(self.info, product=UNVERIFIED)
        text = f"{self._who}: decode not verified, {what}: rely on its raw packets, which are stored"
        return [Notice("decode-unverified", text, t, payload={"what": key})]

    def _malformed_notice(self, t: int) -> list[DriverEvent]:
        link = self._link
        soon = link.malformed_told_ns is not None and t - link.malformed_told_ns < _MALFORMED_EVERY_NS
        if not link.malformed or not link.understood or soon:
            return []
        n, link.malformed, link.malformed_told_ns = link.malformed, 0, t
        packets = counted(n, "packet of an unknown length was", "packets of an unknown length were")
        text = f"{self._who}: {packets} kept raw and not decoded; others go on"
        return [Notice("malformed", text, t, payload={"n": n})]

    def _nonsense(self, t: int) -> list[DriverEvent]:
        link = self._link
        if link.understood or link.spoke_nonsense or self._intake.n_bytes < NONSENSE_BYTES:
            return []
        link.spoke_nonsense = True
        text = (
            f"{self._who} sends packets that are none of an E4's ({e4_ble.PROFILE}): it is another device or has an"
            " unknown firmware; choose another address"
        )
        return [Notice("nonsense", text, t, fatal=True)]


def stream_infos(device_id: str, origin: Origin, temp_variant: e4_ble.TempVariant) -> dict[int, StreamInfo]:
    """The decoded streams by characteristic."""

    def stream(
        uuid: int, role: str, channels: tuple[Channel, ...], dtype: Dtype, note: str, **more: str
    ) -> StreamInfo:
        layout = e4_ble.LAYOUTS[uuid]
        metadata = {"profile": e4_ble.PROFILE, "status": "experimental", "note": note, **more}
        metadata["block_s"] = f"{layout.n / layout.rate_hz:g}"
        return StreamInfo(
            f"{device_id}.{layout.name}",
            device_id,
            "waveform",
            channels,
            dtype,
            layout.rate_hz,
            role,
            origin=origin,
            metadata=metadata,
        )

    g = tuple(Channel(axis, "g", scale=1 / 64) for axis in "xyz")
    light = (Channel("green", "1"), Channel("red", "1"))
    temp = Channel("temp", "Cel", e4_ble.TEMP_SCALE, e4_ble.TEMP_OFFSETS_CEL[temp_variant])
    counts = "raw optical counts (not Empatica BVP): differences from sample to sample"
    return {
        e4_ble.OPTICAL: stream(e4_ble.OPTICAL, "optical", light, "int16", counts),
        e4_ble.ACC: stream(e4_ble.ACC, "acc", g, "int16", "±2 g"),
        e4_ble.EDA: stream(
            e4_ble.EDA,
            "eda",
            (Channel("eda", "uS"),),
            "float64",
            "1e6 / resistance as sent, 0 where it sends 0",
        ),
        e4_ble.TEMP: stream(
            e4_ble.TEMP, "temp", (temp,), "int32", "absolute value not confirmed", temp_variant=temp_variant
        ),
    }
