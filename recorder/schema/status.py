"""What the recorder tells about itself, twice a second: the facts every screen shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from recorder.schema.sync_status import SyncStatus

LinkState = Literal["idle", "scanning", "connecting", "streaming", "silent", "lost"]
StreamState = Literal["never-seen", "streaming", "silent", "lost"]
SessionState = Literal["none", "open", "sealing", "sealed", "damaged"]
DiskLevel = Literal["ok", "24h", "2h", "15min", "stopped"]


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream, live. ``received`` counts at the hub, ``on_disk`` only after the commit returned."""

    stream_id: str
    state: StreamState
    received: int = 0
    on_disk: int = 0
    lost: int = 0
    n_gaps: int = 0
    longest_gap_s: float = 0.0
    last_age_s: float | None = None
    nominal_rate_hz: float | None = None
    effective_rate_hz: float | None = None
    latency_ms: float | None = None
    since_ns: int | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One device's link. ``error`` is the last message in plain words; ``attempt`` counts retries;
    ``battery`` is 0 to 1, ``battery_hours_left`` a forecast from its pace, None until that is known.

    Radio links only: ``rssi_dbm`` as it was found, ``arrived`` the share of its packets that arrived lately.
    """

    device_id: str
    state: LinkState
    product: str = ""
    serial: str | None = None
    transport: str = ""
    simulated: bool = False
    required: bool = True
    attempt: int = 0
    since_ns: int = 0
    error: str = ""
    battery: float | None = None
    battery_hours_left: float | None = None
    rssi_dbm: int | None = None
    arrived: float | None = None


@dataclass(frozen=True, slots=True)
class DiskStatus:
    """Room left where sessions go; ``hours_left`` from the measured write rate, None until known."""

    folder: str
    free_bytes: int
    hours_left: float | None
    level: DiskLevel = "ok"
    bytes_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """The open session, if any. ``subject`` as corrected; ``amended`` names the fields that were."""

    state: SessionState = "none"
    session_id: str = ""
    folder: str = ""
    subject: dict[str, Any] = field(default_factory=dict, hash=False)
    started_host_ns: int | None = None
    started_wall_ns: int | None = None
    n_markers: int = 0
    n_events: int = 0
    simulated: bool = False
    incomplete_reason: str = ""
    amended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StationStatus:
    """Everything at once; the answer to ``status`` and the payload of each health message.

    ``describe_no`` rises whenever streams, devices or calibrations change (ask ``describe`` again), ``event_no``
    with every stored event (ask ``events`` for those missed). ``cpu_s`` is the recorder's processor
    time so far; ``warnings`` are ``id|value|…`` for the screens; ``sync`` is one entry a service.
    """

    station: str
    era: int
    t_host_ns: int
    wall_ns: int
    speed: float
    pid: int
    session: SessionStatus
    disk: DiskStatus
    links: tuple[LinkStatus, ...] = ()
    streams: tuple[StreamStatus, ...] = ()
    commit_p99_ms: float | None = None
    queue_depth: int = 0
    cpu_s: float | None = None
    controller: str = ""
    describe_no: int = 0
    event_no: int = 0
    warnings: tuple[str, ...] = ()
    sync: tuple[SyncStatus, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; keys this version does not know are ignored."""
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        session = dict(value["session"])
        known["session"] = _make(SessionStatus, session | {"amended": tuple(session.get("amended", ()))})
        known["disk"] = _make(DiskStatus, value["disk"])
        known["links"] = tuple(_make(LinkStatus, v) for v in value.get("links", ()))
        known["streams"] = tuple(_make(StreamStatus, v) for v in value.get("streams", ()))
        known["warnings"] = tuple(value.get("warnings", ()))
        known["sync"] = tuple(SyncStatus.from_json(v) for v in value.get("sync", ()))
        return cls(**known)


def _make(cls: Any, value: dict[str, Any]) -> Any:
    return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})
