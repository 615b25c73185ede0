"""What is known at one moment: the input of every ``resolve``. Nothing here decides or formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hemoview.viewmodel.live.rings import RingSlice
from recorder.devices.contract import DeviceConfig
from recorder.schema import Calibration, DeviceInfo, Event, StationStatus, StreamInfo

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A link without samples: host time since when, and whether it was lost meanwhile."""

    since_ns: int
    lost: bool


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Everything the Record screen is made of.

    Args:
        now_ns, wall_ns, speed: the shared clock; ages are told in real seconds, ``clock / speed``.
        utc_offset_s: of the place where the screen stands, for times of day.
        watching_since_ns: when this window began to listen.
        status, status_seen_ns: the recorder's last word about itself and when it came; None before the first.
        infos, devices, calibrations: as the recorder described them.
        configured: settings of the station's devices.
        header: session header as JSON, None without a session.
        troubles: device id → the trouble of a link that does not stream, over all its attempts.
        arrivals: stream id → host time of its newest block.
        waits_s: stream id → longest usual pause between its blocks, real seconds.
        estimates: rows of the stream of role ``estimate``; columns as its channels.
        beats: rows of the stream of role ``beats`` that was found in the pressure wave.
        events: stored events of the session, oldest first.
        card: model card of the running model, empty if unknown.
        client: this window's name, to know whether it holds control.
        estimates_hidden: the numbers in ``estimates`` were taken out (:mod:`hemoview.viewmodel.live.visibility`).
        bus_holes: messages the window's own ring had to drop; the record is not touched by it.
    """

    now_ns: int
    wall_ns: int
    speed: float = 1.0
    utc_offset_s: int = 0
    watching_since_ns: int = 0
    status: StationStatus | None = None
    status_seen_ns: int | None = None
    infos: Mapping[str, StreamInfo] = field(default_factory=dict)
    devices: tuple[DeviceInfo, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    configured: tuple[DeviceConfig, ...] = ()
    header: Mapping[str, Any] | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    arrivals: Mapping[str, int] = field(default_factory=dict)
    waits_s: Mapping[str, float] = field(default_factory=dict)
    estimates: RingSlice | None = None
    beats: RingSlice | None = None
    events: tuple[Event, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    client: str = ""
    estimates_hidden: bool = False
    bus_holes: int = 0

    def age_s(self, t_ns: int) -> float:
        """Real seconds since a host time."""
        return (self.now_ns - t_ns) / NS / self.speed

    def by_role(self, role: str, *, prefix: str = "") -> StreamInfo | None:
        """The first stream of a role whose id begins with ``prefix``."""
        return next(
            (i for i in self.infos.values() if i.role == role and i.stream_id.startswith(prefix)), None
        )

    @property
    def session_start_ns(self) -> int | None:
        """Host time at which the open session began."""
        session = self.status.session if self.status else None
        return session.started_host_ns if session and session.state in ("open", "sealing") else None

    @property
    def recording(self) -> bool:
        """A session is open."""
        return self.status is not None and self.status.session.state == "open"

    @property
    def in_control(self) -> bool:
        """This window may start, stop and calibrate."""
        return self.status is not None and self.status.controller in ("", self.client)

    @property
    def simulated(self) -> bool:
        """Anything on the screen comes from the virtual bedside or a replay."""
        if self.status is None:
            return False
        links = any(link.simulated for link in self.status.links)
        origins = any(info.origin in ("simulated", "replayed") for info in self.infos.values())
        return links or origins or self.status.session.simulated
