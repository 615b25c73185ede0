"""Empatica E4 through its streaming server (TCP): conversation + samples + what an operator should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from recorder.clock import Clock
from recorder.counted import counted
from recorder.devices.contract import DeviceConfig, DriverEvent, Notice
from recorder.devices.e4_streams import StreamState
from recorder.devices.e4_talk import Conversation
from recorder.devices.options import origin, read_options, silence_s
from recorder.errors import ConfigError
from recorder.protocols.e4_description import RATES_HZ, stream_infos
from recorder.protocols.e4_events import Command, Malformed, News, Reply, Sample, SampleKind
from recorder.protocols.e4_server import E4Decoder, battery_fraction, format_command
from recorder.schema import DeviceInfo
from recorder.transports import Chunk, Transport
from recorder.transports.tcp import is_loopback, open_tcp

DEFAULTS: Final[dict[str, Any]] = {
    "host": "127.0.0.1",
    "port": 28000,
    "band": "",
    "connects_bands": False,
    "unencrypted_ok": False,
    "silence_s": 1.4,
}
"""Host and port of the vendor's sample client; ``connects_bands`` for the headless server; ``unencrypted_ok``:
somebody confirmed that the link to a server on another computer, which knows no encryption, is in a closed network."""

NONSENSE_BYTES = 512
"""So many bytes without one line of the protocol: another program listens there."""
NOT_WORN_S = 10.0
"""Skin conductance exactly 0 for so long suggests that the band is not worn (pyEmpatica)."""
_BATTERY_STEP = 0.05
_LOW_BATTERY = 0.15
_MALFORMED_EVERY_NS = 10_000_000_000


@dataclass(slots=True)
class _Link:
    """What is known of one connection.

    Args:
        understood: lines that meant something.
        malformed: lines that did not, since they were last told.
        zero_since_ns: since when skin conductance is exactly 0.
        battery: last level told.
    """

    n_bytes: int = 0
    understood: int = 0
    malformed: int = 0
    malformed_told_ns: int | None = None
    first_nonsense: str = ""
    spoke_nonsense: bool = False
    zero_since_ns: int | None = None
    not_worn: bool = False
    battery: float | None = None


class E4Driver:
    """See :class:`recorder.devices.contract.Driver`.

    Args:
        config: options ``host``, ``port``, ``band`` (serial, empty = first found), ``connects_bands``,
            ``unencrypted_ok``, ``silence_s``, ``origin``.
        clock: stamps arrivals.

    Raises:
        ConfigError: a wrong option.
    """

    def __init__(self, config: DeviceConfig, clock: Clock) -> None:
        options = read_options(config, DEFAULTS)
        self._host, self._port = str(options["host"]), int(options["port"])
        if not self._host or not 0 < self._port < 65536:
            raise ConfigError(f"Device {config.device_id}: {self._host!r} port {self._port} is no address")
        if not is_loopback(self._host) and not options["unencrypted_ok"]:
            raise ConfigError(
                f"Device {config.device_id}: the link to {self._host} is not encrypted; confirm in its settings that "
                "this network is closed (option unencrypted_ok), or run the streaming server on this computer"
            )
        self._clock = clock
        self._device_id = config.device_id
        self._decoder = E4Decoder()
        server = f"{self._host}:{self._port}"
        self._talk = Conversation(server, options["band"], connects_bands=options["connects_bands"])
        infos = stream_infos(config.device_id, origin(config))
        self._states = {
            kind: StreamState(info, 1e6 / RATES_HZ[kind] if kind in RATES_HZ else 0.0)
            for kind, info in infos.items()
        }
        self.streams = tuple(infos.values())
        self.silence_s = silence_s(config, DEFAULTS["silence_s"])
        self.quiet_advice = (
            f"E4 streaming server {server} sends no sample: "
            "check that the wristband is on, charged and near its computer"
        )
        self.info = DeviceInfo(
            config.device_id,
            "Empatica E4 (streaming server)",
            options["band"] or None,
            f"tcp://{server}",
            config.simulated,
        )
        self._link = _Link()

    @property
    def state(self) -> str:
        """Where the conversation stands."""
        return self._talk.state

    def open(self) -> Transport:
        """Connect to the streaming server; see :func:`recorder.transports.tcp.open_tcp` for errors."""
        return open_tcp(self._host, self._port, self._clock, peer="E4 streaming server")

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Begin the conversation; numbering goes on."""
        self._decoder.reset()
        self._link = _Link()
        for state in self._states.values():
            state.relink()
        events = self._talk.begin(t_host_ns)
        if not is_loopback(self._host):
            text = f"E4 streaming server {self._host}: the link is not encrypted; use it in a closed network only"
            events.append(Notice("unencrypted", text, t_host_ns))
        return events

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out; samples of one stream that came together make one block."""
        t = chunk.t_host_ns
        events: list[DriverEvent] = []
        waiting: dict[SampleKind, list[Sample]] = {}
        for event in self._decoder.feed(chunk.data):
            if isinstance(event, Sample):
                events.extend(self._sample(event, t, waiting))
            elif isinstance(event, Malformed):
                self._link.malformed += 1
                if not self._link.first_nonsense:
                    self._link.first_nonsense = event.excerpt
            else:
                self._link.understood += 1
                events.extend(self._said(event, t))
        blocks = [item for kind, run in waiting.items() for item in self._states[kind].blocks(run, t)]
        self._link.n_bytes += len(chunk.data)
        return [*blocks, *events, *self._nonsense(t)]

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Time passes."""
        return [*self._talk.tick(t_host_ns), *self._malformed_notice(t_host_ns)]

    def stop(self) -> bytes:
        """Unbind from the band; the server closes the connection."""
        return format_command(Command("device_disconnect"))

    # ---- inside

    def _said(self, event: Reply | News, t: int) -> Sequence[DriverEvent]:
        if isinstance(event, News):
            if event.serial == self._talk.serial:
                for state in self._states.values():
                    state.interrupt()
            return self._talk.news(event, t)
        events = self._talk.reply(event, t)
        if self._talk.serial and self._talk.serial != self.info.serial:
            self.info = replace(self.info, serial=self._talk.serial)
        return events

    def _sample(
        self, sample: Sample, t: int, waiting: dict[SampleKind, list[Sample]]
    ) -> Sequence[DriverEvent]:
        self._link.understood += 1
        events = self._talk.sample(sample.kind, t)
        if sample.kind == "tag":
            text = f"E4 {self._talk.serial}: button pressed"
            return [*events, Notice("tag", text, t, payload={"stamp_us": sample.stamp_us})]
        waiting.setdefault(sample.kind, []).append(sample)
        if sample.kind == "gsr":
            return [*events, *self._worn(sample, t)]
        if sample.kind == "bat":
            return [*events, *self._charge(sample, t)]
        return events

    def _worn(self, sample: Sample, t: int) -> Sequence[DriverEvent]:
        stream_id = self._states["gsr"].info.stream_id
        if sample.values[0][0] != 0:
            self._link.zero_since_ns = None
            if not self._link.not_worn:
                return []
            self._link.not_worn = False
            text = f"E4 {self._talk.serial}: skin conductance is back; the band is worn"
            return [Notice("quality-ok", text, t, stream_id, {"ended": "not-worn"})]
        if self._link.zero_since_ns is None:
            self._link.zero_since_ns = t
        if self._link.not_worn or t - self._link.zero_since_ns < NOT_WORN_S * 1e9:
            return []
        self._link.not_worn = True
        text = f"E4 {self._talk.serial}: skin conductance is exactly 0 for 10 s; the band may not be worn: check it"
        return [Notice("not-worn", text, t, stream_id)]

    def _charge(self, sample: Sample, t: int) -> Sequence[DriverEvent]:
        level = battery_fraction(sample.values[0])
        if self._link.battery is not None and abs(level - self._link.battery) < _BATTERY_STEP:
            return []
        self._link.battery = level
        advice = ": charge it or change the band" if level <= _LOW_BATTERY else ""
        text = f"E4 {self._talk.serial}: battery {level:.0%}{advice}"
        return [Notice("battery", text, t, self._states["bat"].info.stream_id, {"fraction": level})]

    def _nonsense(self, t: int) -> Sequence[DriverEvent]:
        """Another program's port: bytes come, but nothing of this protocol."""
        if (
            self._link.understood
            or self._link.spoke_nonsense
            or (self._link.malformed < 3 and self._link.n_bytes < NONSENSE_BYTES)
        ):
            return []
        self._link.spoke_nonsense = True
        said = f' (it said "{self._link.first_nonsense}")' if self._link.first_nonsense else ""
        text = (
            f"{self._host}:{self._port} is no E4 streaming server{said}: another program uses this port; "
            "enter the port of the streaming server"
        )
        return [Notice("nonsense", text, t, fatal=True)]

    def _malformed_notice(self, t: int) -> Sequence[DriverEvent]:
        link = self._link
        soon = link.malformed_told_ns is not None and t - link.malformed_told_ns < _MALFORMED_EVERY_NS
        if not link.malformed or not link.understood or soon:
            return []
        n, link.malformed, link.malformed_told_ns = link.malformed, 0, t
        lines = counted(n, "unreadable line was", "unreadable lines were")
        text = f"E4 streaming server {self._host}:{self._port}: {lines} left out; others go on"
        return [Notice("malformed", text, t, payload={"n": n, "first": link.first_nonsense})]
