"""A serial ADC on a monitor's analogue output: frames → numbered blocks, losses → gaps, oddities → notices.

No profile shipped is any monitor's own protocol; volt becomes mmHg by a dated calibration only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from recorder.clock import Clock
from recorder.counted import counted
from recorder.devices import profiles
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.detectors import ChannelWatch, Finding, FindingKind
from recorder.devices.frame_count import FrameMark, missing_frames
from recorder.devices.options import origin, read_options, silence_s
from recorder.errors import ConfigError
from recorder.protocols.adc_profile import AdcChannel, AdcProfile, SerialLink
from recorder.protocols.lines import excerpt
from recorder.protocols.serial_adc import AdcDecoder, AdcFrames, Damage
from recorder.schema import Channel, DeviceInfo, Gap, SampleBlock, StreamInfo
from recorder.schema.streams import Origin
from recorder.transports import Chunk, Transport
from recorder.transports.serial import open_serial

DEFAULTS: Final[dict[str, Any]] = {
    "port": "",
    "profile": "lab-adc-ascii",
    "baud": 0,
    "bytesize": 0,
    "parity": "",
    "stopbits": 0.0,
}
"""0 and "" mean: as the profile says."""
BATCH_S: Final = 0.01
"""A fast stream is read every 10 ms, not per frame: 16 stations of 1 kHz share two cores."""
BATCH_FROM_HZ: Final = 200.0
NONSENSE_BYTES: Final = 2048
NOTHING_S: Final = 5.0
_TOLD_EVERY_NS = 10_000_000_000
_WORDS: Final[dict[FindingKind, str]] = {
    "square-wave": "a rectangular signal: the monitor calibrates or changes fingers; not pressure",
    "flat-line": "a flat line: check cable and finger cuff",
    "saturation": "at the end of the converter's range: check cable and scale",
    "invalid-value": "marked invalid by the converter: check the sensor",
}


@dataclass(slots=True)
class _Link:
    """What is known of one connection.

    Args:
        connected_ns: when it was opened.
        relinked: no frame yet.
        hurt: damaged frames not yet told, by kind.
        hurt_since_frame: bytes were left out since the newest frame.
    """

    connected_ns: int
    relinked: bool = True
    ready: bool = False
    n_bytes: int = 0
    beginning: bytes = b""
    told_nothing: bool = False
    spoke_nonsense: bool = False
    hurt: Counter[str] = field(default_factory=Counter)
    hurt_since_frame: bool = False
    hurt_told_ns: int | None = None


class SerialAdcDriver:
    """See :class:`recorder.devices.contract.Driver`.

    Args:
        config: options ``port`` (serial port or ``socket://host:port``), ``profile`` (path or shipped name),
            ``baud``, ``bytesize``, ``parity``, ``stopbits`` (where the port is set otherwise than the profile says),
            ``silence_s``, ``origin``.
        clock: stamps arrivals.

    Raises:
        ConfigError: a wrong option or profile.
    """

    def __init__(self, config: DeviceConfig, clock: Clock) -> None:
        options = read_options(config, DEFAULTS)
        self._port: str = options["port"]
        if not self._port:
            raise ConfigError(f"Device {config.device_id}: option port is empty: choose a serial port")
        self.profile = profiles.load(options["profile"])
        self._serial = _serial_link(config.device_id, self.profile.link, options)
        self._clock = clock
        self._decoder = AdcDecoder(self.profile)
        stream = stream_info(config.device_id, self.profile, origin(config))
        self.streams: tuple[StreamInfo, ...] = (stream,)
        self._stream_id = stream.stream_id
        self.silence_s = silence_s(config, self.profile.no_data_s)
        self.quiet_advice = (
            f"{self._port} is open but sends no sample: check cable, power, baud rate ({self._serial.baud}) "
            f"and profile ({self.profile.name})"
        )
        self.info = DeviceInfo(
            config.device_id,
            f"Serial ADC ({self.profile.name})",
            None,
            f"serial:{self._port}",
            config.simulated,
        )
        self._watches = [_watch(self.profile, channel) for channel in self.profile.channels]
        self._next_no = 0
        self._last: FrameMark | None = None
        self._last_arrival_ns: int | None = None
        self._link = _Link(0)

    def open(self) -> Transport:
        """Open the port for this process alone; see :func:`recorder.transports.serial.open_serial` for errors."""
        link = self._serial
        return open_serial(
            self._port,
            self._clock,
            baud=link.baud,
            bytesize=link.bytesize,
            parity=link.parity,
            stopbits=link.stopbits,
            batch_s=BATCH_S if self.profile.rate_hz >= BATCH_FROM_HZ else 0.0,
        )

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """The device sends by itself; numbering goes on."""
        self._decoder.reset()
        self._link = _Link(t_host_ns)
        return []

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out."""
        t = chunk.t_host_ns
        self._link.n_bytes += len(chunk.data)
        self._link.beginning = (self._link.beginning + chunk.data[:32])[:32]
        events: list[DriverEvent] = []
        for event in self._decoder.feed(chunk.data):
            if isinstance(event, Damage):
                self._damaged(event)
            else:
                events.extend(self._frames(event, t))
        return [*events, *self._nonsense(t), *self._damage_notice(t)]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Time passes: a port that is open and gives nothing."""
        events = self._damage_notice(t_host_ns)
        if (
            self._link.n_bytes
            or self._link.told_nothing
            or t_host_ns - self._link.connected_ns < NOTHING_S * 1e9
        ):
            return events
        self._link.told_nothing = True
        text = (
            f"{self._port} is open but sends nothing: check cable, power and baud rate of {self.profile.name}"
        )
        return [*events, Notice("no-data", text, t_host_ns, self._stream_id)]

    def stop(self) -> bytes:
        """Nothing to say."""
        return b""

    # ---- inside

    def _frames(self, frames: AdcFrames, t: int) -> list[DriverEvent]:
        events: list[DriverEvent] = []
        if not self._link.ready:
            self._link.ready = True
            events.append(Notice("ready", f"{self.info.product} on {self._port} sends frames", t))
        gap = self._gap(frames, t)
        if gap is not None:
            events.append(gap)
            self._next_no += gap.n_missing or 0
        first, self._next_no = self._next_no, self._next_no + frames.counts.shape[0]
        events.append(SampleBlock(self._stream_id, first, frames.counts, t, 0, frames.device_time_us))
        self._link.relinked = False
        self._link.hurt_since_frame = False
        self._last, self._last_arrival_ns = _mark(frames, -1, t), t
        for column, (channel, watch) in enumerate(zip(self.profile.channels, self._watches, strict=True)):
            findings = watch.feed(first, frames.counts[:, column].tolist())
            events.extend(self._notice(channel, finding, t) for finding in findings)
        return events

    def _gap(self, frames: AdcFrames, t: int) -> Gap | None:
        """What is missing before these frames; exact wherever counter and clock agree."""
        if self._last_arrival_ns is None:
            return None
        first = _mark(frames, 0, t)
        missing: int | None = None
        if first is not None and self._last is not None:
            if not (self._link.relinked or frames.n_missing or self._may_have_wrapped(t)):
                return None
            missing = missing_frames(
                self._last,
                first,
                modulo=self.profile.counter_modulo,
                rate_hz=self.profile.rate_hz,
                relinked=self._link.relinked,
            )
            if missing == 0:
                return None
        elif not (self._link.relinked or self._link.hurt_since_frame):
            return None
        cause = "link-lost" if self._link.relinked else "checksum" if first is None else "counter-jump"
        if cause == "counter-jump" and missing is None:
            cause = "counter-reset"
        return Gap(self._stream_id, self._next_no, missing, min(self._last_arrival_ns, t), t, cause)

    def _may_have_wrapped(self, t: int) -> bool:
        """Silent for so long that a whole round of the counter could be missing."""
        quiet_s = (t - (self._last_arrival_ns or t)) / 1e9
        return quiet_s * self.profile.rate_hz > self.profile.counter_modulo / 2

    def _damaged(self, damage: Damage) -> None:
        """Count it; bytes before the first frame only mean that we joined in the middle of one."""
        link = self._link
        if link.ready and damage.kind != "skipped":
            link.hurt[damage.kind] += 1
        elif link.ready and not link.hurt_since_frame:  # no frame was recognised in what was skipped
            link.hurt["malformed"] += 1
        link.hurt_since_frame = True

    def _damage_notice(self, t: int) -> list[DriverEvent]:
        link = self._link
        if not link.hurt or (link.hurt_told_ns is not None and t - link.hurt_told_ns < _TOLD_EVERY_NS):
            return []
        hurt, link.hurt, link.hurt_told_ns = dict(link.hurt), Counter(), t
        kind = "checksum" if "checksum" in hurt else "malformed"
        words = " and ".join(f"{counted(n, 'frame')} with {name} damage" for name, n in sorted(hurt.items()))
        were = "was" if sum(hurt.values()) == 1 else "were"
        text = f"{self._port}: {words} {were} left out; if it goes on, check cable and baud rate"
        return [Notice(kind, text, t, self._stream_id, hurt)]

    def _nonsense(self, t: int) -> list[DriverEvent]:
        if self._link.ready or self._link.spoke_nonsense or self._link.n_bytes < NONSENSE_BYTES:
            return []
        self._link.spoke_nonsense = True
        text = (
            f"{self._port} sends bytes that profile {self.profile.name} cannot read (they begin "
            f'"{excerpt(self._link.beginning)}"): choose another port or profile, or correct the baud rate'
        )
        return [Notice("nonsense", text, t, self._stream_id, fatal=True)]

    def _notice(self, channel: AdcChannel, finding: Finding, t: int) -> Notice:
        payload: dict[str, Any] = {"channel": channel.field, "first_sample_no": finding.first_no}
        if finding.last_no is None:
            text = f"{self._stream_id} {channel.field} is {_WORDS[finding.kind]}"
            return Notice(finding.kind, text, t, self._stream_id, payload)
        payload |= {"ended": finding.kind, "last_sample_no": finding.last_no}
        text = f"{self._stream_id} {channel.field}: {finding.kind} is over"
        return Notice("quality-ok", text, t, self._stream_id, payload)


def stream_info(device_id: str, profile: AdcProfile, origin: Origin) -> StreamInfo:
    """The one waveform stream of an ADC: a channel per ``[[channel]]``, raw counts, scaled to its unit."""
    channels = tuple(Channel(c.field, c.unit, c.scale, c.offset) for c in profile.channels)
    roles = ",".join(c.role for c in profile.channels)
    invalid = ";".join(f"{c.field}={','.join(map(str, c.invalid))}" for c in profile.channels if c.invalid)
    metadata = {
        "profile": f"{profile.name} {profile.version}",
        "profile_status": profile.status,
        "roles": roles,
    }
    return StreamInfo(
        f"{device_id}.wave",
        device_id,
        "waveform",
        channels,
        "int32",
        profile.rate_hz,
        profile.channels[0].role,
        device_clock=profile.device_clock is not None,
        origin=origin,
        metadata=metadata | ({"invalid": invalid} if invalid else {}),
    )


def _serial_link(device_id: str, link: SerialLink, options: Mapping[str, Any]) -> SerialLink:
    """The profile's settings of the port, and over them what the operator set."""
    own = {name: options[name] for name in ("baud", "bytesize", "parity", "stopbits") if options[name]}
    try:
        return replace(link, **own)
    except ConfigError as error:
        raise ConfigError(f"Device {device_id}: {str(error).removeprefix('[transport] ')}") from error


def _watch(profile: AdcProfile, channel: AdcChannel) -> ChannelWatch:
    return ChannelWatch(profile.rate_hz, channel.saturation, channel.invalid)


def _mark(frames: AdcFrames, index: int, t: int) -> FrameMark | None:
    if frames.counter is None:
        return None
    stamps = frames.device_time_us
    return FrameMark(int(frames.counter[index]), None if stamps is None else int(stamps[index]), t)
