"""One station: devices, hub, session, bus and commands put together, and the pulse that watches over them."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from recorder.acquire import clockwatch
from recorder.acquire import settings as settings_file
from recorder.acquire.bus import BusServer, Keys
from recorder.acquire.clockwatch import ClockWatch, Reading
from recorder.acquire.commands import CommandDesk, Control, Verb
from recorder.acquire.guide import Guide
from recorder.acquire.hub import Hub
from recorder.acquire.journal import QUEUE_WARN_BYTES
from recorder.acquire.machine import Machine
from recorder.acquire.purge_watch import PurgeWatch
from recorder.acquire.sessions import Sessions
from recorder.acquire.settings import Settings
from recorder.acquire.supervisor import NoLink, Supervisor
from recorder.acquire.sync_board import SyncBoard
from recorder.clock import Clock, begin_era
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig, Driver
from recorder.devices.cuff import cuff_info
from recorder.devices.ports import PortInfo
from recorder.errors import ConfigError
from recorder.schema import Calibration, DeviceInfo, Event, LinkStatus, SampleBlock, StationStatus

PULSE_S: Final = 0.5
DISK_EVERY: Final = 10
"""Pulses between looks at the disk: 5 s."""

log = logging.getLogger(__name__)


class Station:
    """A recorder's whole inside.

    Args:
        name: of the station.
        folder: of its settings.
        sessions_folder: where sessions go.
        clock: host time.
        machine: the operating system.
        verbs: what clients may ask of it: :func:`recorder.acquire.verbs.table`.
        make_driver: kind of device → driver; the registry's own.
        who_holds: for a port in use elsewhere, the name of the station that uses it.
        read_clocks: all clocks of the machine at once; its own.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        sessions_folder: Path,
        *,
        clock: Clock,
        machine: Machine,
        verbs: Callable[[Station], Mapping[str, Verb]],
        make_driver: Callable[[DeviceConfig, Clock], Driver] = registry.make_driver,
        who_holds: Callable[[DeviceConfig], str] = lambda _: "",
        read_clocks: Callable[[], Reading] | None = None,
    ) -> None:
        self.name, self.clock = name, clock
        self._settings_path = folder / "settings.json"
        self.settings: Settings = settings_file.read(self._settings_path)
        self._settings_lock = threading.Lock()
        self._make_driver, self._who_holds = make_driver, who_holds
        self._links: dict[str, Supervisor | NoLink] = {}
        self.hub = Hub(clock, begin_era(clock), self._publish)
        self.sessions = Sessions(
            name, sessions_folder, hub=self.hub, clock=clock, machine=machine, keep=self._keep_session
        )
        self.guide = Guide(self.hub, self.sessions, clock)
        self.desk = CommandDesk(verbs(self), Control(self._control_changed))
        self.bus = BusServer(self.desk, Keys.fresh(), clock.monotonic_ns)
        self._purge = PurgeWatch(sessions_folder)
        self._sync = SyncBoard(folder)
        self._watch = ClockWatch(read_clocks or (lambda: clockwatch.read_clocks(machine.boottime_ns)))
        self._disk = self.sessions.guard.status()
        self._clock_step_s: float | None = None
        self._ending = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="pulse", daemon=True)

    # ---- life

    def start(self) -> None:
        """Go on with the session that was left open, connect the devices, then answer."""
        if self.settings.open_session:
            self.sessions.try_resume(self.settings.open_session)
        self.configure(self.settings.devices)
        self.bus.start()
        self._pulse.start()

    def ask_to_end(self) -> None:
        """From any thread: :meth:`wait` returns."""
        self._ending.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until somebody asked to end."""
        return self._ending.wait(timeout_s)

    def close(self) -> None:
        """Let go of everything. An open session stays open for the next recorder of this station."""
        self._ending.set()
        self._pulse.join(timeout=5)
        for link in self._links.values():
            link.stop()
        self.sessions.abandon()
        self.bus.close()

    # ---- devices

    def configure(self, devices: Sequence[DeviceConfig]) -> dict[str, str]:
        """Use these devices. Those unchanged go on undisturbed; returns what is wrong with which.

        Raises:
            ConfigError: an id is there twice.
        """
        ids = [device.device_id for device in devices]
        if len(set(ids)) != len(ids):
            raise ConfigError("devices: two have the same id; give each its own")
        kept = {i: link for i, link in self._links.items() if link.config in devices and not _is_wrong(link)}
        for device_id, link in self._links.items():
            if device_id not in kept:
                link.stop()
                if device_id not in ids:
                    self.hub.remove_device(device_id)
        self._links = {d.device_id: kept.get(d.device_id) or self._connect(d) for d in devices}
        self._remember(lambda settings: settings.with_devices(devices))
        return {i: link.link.error for i, link in self._links.items() if _is_wrong(link)}

    def _connect(self, config: DeviceConfig) -> Supervisor | NoLink:
        link: Supervisor | NoLink
        try:
            if registry.has_link(config):
                driver = self._make_driver(config, self.clock)
                link = Supervisor(config, driver, self.hub, self.clock, self._who_holds)
            else:
                link = NoLink(config, cuff_info(config), self.hub, self.clock)
        except ConfigError as error:  # everything else goes on
            unknown = DeviceInfo(config.device_id, config.kind, None, "", config.simulated)
            link = NoLink(config, unknown, self.hub, self.clock, str(error))
            self.hub.event("link", link.told())
        link.start()
        return link

    def link_statuses(self) -> tuple[LinkStatus, ...]:
        """Every device's link."""
        return tuple(link.status() for link in list(self._links.values()))

    def ports(self) -> list[PortInfo]:
        """What is plugged in."""
        return registry.ports()

    # ---- remembered facts

    @property
    def calibrations(self) -> tuple[Calibration, ...]:
        """Newest of every stream and channel, kept from session to session with their dates."""
        return self.settings.calibrations

    def keep_calibration(self, calibration: Calibration) -> None:
        """The newest one replaces the former of the same channel; both stay in the session."""
        self._remember(lambda settings: settings.with_calibration(calibration))
        self.hub.describe_no += 1

    def last_marker_id(self) -> str | None:
        """The newest marker somebody made that was not undone; those of the protocol stay."""
        undone: set[str] = set()
        for event in reversed(self.hub.events_since(0)):
            if event.kind == "marker-undone":
                undone.add(str(event.payload["event_id"]))
            elif event.kind == "marker" and event.event_id not in undone and _by_hand(event):
                return event.event_id
        return None

    def _keep_session(self, folder: Path | None) -> None:
        self._remember(lambda settings: settings.with_session(folder))

    def _remember(self, change: Callable[[Settings], Settings]) -> None:
        """From any thread: commands, and the journal when it ends a session."""
        with self._settings_lock:
            self.settings = change(self.settings)
            settings_file.write(self._settings_path, self.settings)

    def _publish(self, item: SampleBlock | Event) -> None:
        """The hub is there before the bus: verbs need it, and the bus needs the verbs."""
        self.bus.publish(item)

    def _control_changed(self, holder: str, former: str) -> None:
        self.hub.event("control", {"holder": holder, "former": former})

    # ---- the pulse

    def _beat(self) -> None:
        pulse = 0
        next_s = time.monotonic()
        while not self._ending.is_set():
            self._look(pulse)
            pulse += 1
            next_s = max(next_s + PULSE_S, time.monotonic())
            self._ending.wait(next_s - time.monotonic())

    def _look(self, pulse: int) -> None:
        """One look at clocks, streams and disk, then tell everybody."""
        self._safely("clocks", self._look_at_clocks)
        self.hub.judge()
        self._safely("subject", self.sessions.look)
        self._safely("guide", self.guide.look)
        if pulse % DISK_EVERY == 0:
            self._look_at_disk()
            self._safely("quarantine", lambda: self._purge.look(self.clock.wall_ns()))
        self.bus.publish(self.status())

    def _safely(self, name: str, look: Callable[[], None]) -> None:
        """A fault of one look must not end the pulse: nobody would watch streams and disk any longer. It is shown."""
        try:
            look()
        except Exception:
            if "inside" not in self.sessions.warnings:
                log.exception("the pulse's look at %s failed inside", name)
            self.sessions.warnings["inside"] = name

    def _look_at_clocks(self) -> None:
        happened = self._watch.look()
        if happened is None:
            return
        if happened.kind == "suspend":
            self.sessions.suspended(happened.seconds)
        else:
            self._clock_step_s = happened.seconds
            message = (
                f"clock of this machine: was set by {happened.seconds:+.1f} s; elapsed time is not affected"
            )
            self.hub.event("notice", {"kind": "clock-step", "message": message, "seconds": happened.seconds})

    def _look_at_disk(self) -> None:
        guard = self.sessions.guard
        journal = self.sessions.journal
        if journal is not None and self.sessions.state == "open":
            guard.wrote(time.monotonic(), journal.bytes_on_disk)
        before, self._disk = self._disk.level, guard.status()
        if self._disk.level != before:
            payload = {"level": self._disk.level, "free_bytes": self._disk.free_bytes}
            self.hub.event("disk", payload | {"hours_left": self._disk.hours_left})
        if self._disk.level == "stopped":
            self.sessions.end_for_disk(self._disk.free_bytes)

    def status(self) -> StationStatus:
        """Everything at once."""
        journal = self.sessions.journal
        return StationStatus(
            self.name,
            self.hub.era.number,
            self.clock.monotonic_ns(),
            self.clock.wall_ns(),
            self.clock.speed,
            os.getpid(),
            self.sessions.status(),
            self._disk,
            links=self.link_statuses(),
            streams=self.hub.statuses(self.sessions.on_disk(), self.bus.latency.percentile_ms(0.99)),
            commit_p99_ms=journal.commit_p99_ms if journal else None,
            queue_depth=journal.waiting if journal else 0,
            cpu_s=time.process_time(),
            controller=self.desk.control.holder,
            describe_no=self.hub.describe_no,
            event_no=self.hub.event_no,
            warnings=self._warnings(),
            sync=self._sync.look(),
        )

    def _warnings(self) -> tuple[str, ...]:
        found = [f"{name}|{value}" for name, value in self.sessions.warnings.items()]
        journal = self.sessions.journal
        if self._disk.level != "ok":
            found.append(f"disk|{self._disk.level}|{self._disk.free_bytes >> 20}")
        if journal is not None and journal.waiting_bytes > QUEUE_WARN_BYTES:
            found.append(f"disk-slow|{journal.waiting_bytes >> 20}")
        if journal is not None and journal.seal_trouble:
            found.append(f"seal|{journal.seal_trouble}")
        if self._clock_step_s is not None:
            found.append(f"clock-step|{self._clock_step_s:+.1f}")
        return tuple(found)


def _by_hand(marker: Event) -> bool:
    return marker.payload.get("source") != "automatic"


def _is_wrong(link: Supervisor | NoLink) -> bool:
    return isinstance(link, NoLink) and bool(link.link.error)
