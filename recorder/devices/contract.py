"""The one small contract a device fulfils. Retry, timeouts, gaps by age and logging are written once, outside
(``recorder.acquire``); a driver only holds the conversation with its device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from recorder.schema import DeviceInfo, Gap, SampleBlock, StreamInfo
from recorder.transports import Chunk, Transport


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes the supervisor must write to the link now."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the device said that is no sample: stored as an event and shown.

    Args:
        kind: ``ready`` (samples may flow), ``tag``, ``signal-lost``, ``signal-back``, ``turned-off``,
            ``refused``, ``malformed``, ``checksum``, ``square-wave``, ``flat-line``, ``saturation``,
            ``quality-ok``, ``resubscribed``, ``battery``, ``nonsense`` …
        message: who, what, what to do – one line.
        t_host_ns: when.
        stream_id: the stream it is about, if one.
        payload: plain JSON values.
        fatal: the conversation cannot go on; the supervisor closes the link and retries with back-off.
    """

    kind: str
    message: str
    t_host_ns: int
    stream_id: str | None = None
    payload: dict[str, Any] = field(default_factory=dict, hash=False)
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """How well a radio link carries; shown beside the battery, never stored.

    Args:
        rssi_dbm: strength of the device's advertisement when it was found; while connected no system tells it.
        arrived: share of the packets of the newest 30 s that arrived, by the device's own counters; None where it
            counts nothing.
    """

    rssi_dbm: int | None = None
    arrived: float | None = None


DriverEvent = SampleBlock | Gap | Notice | Send | LinkQuality


class Driver(Protocol):
    """A product = protocol + transport + streams + start/stop conversation. Made afresh for every connection
    attempt is *not* required: ``on_connected`` begins a new conversation and keeps the sample numbering.
    Times in the events it returns are host monotonic ns; the supervisor sets the era of blocks and gaps.
    """

    info: DeviceInfo
    streams: tuple[StreamInfo, ...]
    silence_s: float
    """After this long without a sample of a regular stream the stream is ``silent``."""
    quiet_advice: str
    """Who sends nothing and what to check, told while the link is open and gives no sample."""

    def open(self) -> Transport:
        """Open the link.

        Raises:
            DeviceError: with who, what, what to do; LinkLost and DeviceBusy are retried.
        """
        ...

    def on_connected(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Begin the conversation."""
        ...

    def feed(self, chunk: Chunk) -> Sequence[DriverEvent]:
        """Bytes in, events out. Never raises on any bytes."""
        ...

    def tick(self, t_host_ns: int) -> Sequence[DriverEvent]:
        """Called at least every 200 ms: the driver's own timeouts (e.g. subscribed, but no sample in 5 s)."""
        ...

    def stop(self) -> bytes:
        """What to send before the link is closed on purpose; may be empty."""
        ...


@runtime_checkable
class Interruptible(Protocol):
    """A driver whose ``open`` takes its time (a search by radio): the supervisor may end it from its own thread."""

    def interrupt(self) -> None:
        """``open`` raises LinkLost soon."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """What a template or the devices screen stores about one device.

    Args:
        kind: which driver, a key of the registry.
        device_id: its id in the session (``e4``, ``adc``).
        options: the driver's own settings (host, port, band id; serial port, profile, …).
        required: Start warns when it does not deliver.
        simulated: the virtual bedside is behind it.
    """

    kind: str
    device_id: str
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    required: bool = True
    simulated: bool = False
