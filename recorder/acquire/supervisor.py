"""One device, one thread: open, converse, lose, try again – for ever. Drivers know nothing of this."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from recorder.acquire.battery import BatteryWatch
from recorder.acquire.hub import Hub
from recorder.acquire.link import RELINK_S, Link, LinkEvent, retry_delay_s
from recorder.acquire.notices import NoticeGate
from recorder.clock import Clock
from recorder.devices.contract import (
    DeviceConfig,
    Driver,
    DriverEvent,
    Interruptible,
    LinkQuality,
    Notice,
    Send,
)
from recorder.errors import DeviceAbsent, DeviceBusy, LinkLost, RecorderError
from recorder.schema import DeviceInfo, Gap, LinkStatus, Marker, SampleBlock
from recorder.transports import Transport

READ_S: Final = 0.1
TICK_NS: Final = 200_000_000
TOLD_STATES: Final = ("streaming", "silent", "lost")
"""Link states stored as events; the ones between are only shown."""

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps one device delivering.

    Args:
        config: what the operator set up.
        driver: holds the conversation.
        hub: where samples go.
        clock: host time.
        who_holds: for a port or band in use elsewhere, the name of the station that uses it, or empty.
    """

    def __init__(
        self,
        config: DeviceConfig,
        driver: Driver,
        hub: Hub,
        clock: Clock,
        who_holds: Callable[[DeviceConfig], str] = lambda _: "",
    ) -> None:
        self.config, self.driver = config, driver
        self.link = Link(since_ns=clock.monotonic_ns())
        self._hub, self._clock, self._who_holds = hub, clock, who_holds
        self._info: DeviceInfo = driver.info
        self._roles = {s.stream_id: s.role for s in driver.streams}
        self._battery = BatteryWatch()
        self._quality = LinkQuality()
        self._gate = NoticeGate()
        self._last_sample_ns = 0
        self._told = ("", "")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"device-{config.device_id}", daemon=True)

    def start(self) -> None:
        """Begin; the device joins the hub at once, its samples when they come."""
        self._hub.add_device(self._info, self.driver.streams, self.driver.silence_s)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the conversation politely and wait for the thread."""
        self._stop.set()
        if isinstance(self.driver, Interruptible):
            self.driver.interrupt()
        self._thread.join(timeout_s)

    def status(self) -> LinkStatus:
        """For every screen."""
        return LinkStatus(
            self.config.device_id,
            self.link.state,
            self._info.product,
            self._info.serial,
            self._info.transport,
            self._info.simulated or self.config.simulated,
            self.config.required,
            self.link.attempt,
            self.link.since_ns,
            self.link.error,
            self._battery.level,
            battery_hours_left=self._battery.hours_left(self._clock.monotonic_ns()),
            rssi_dbm=self._quality.rssi_dbm,
            arrived=self._quality.arrived,
        )

    # ---- the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            self._see("search")
            try:
                self._attempt()
            except (DeviceBusy, DeviceAbsent) as error:
                holder = self._who_holds(self.config)
                self._lose(f"{error} (station {holder} uses it)" if holder else str(error))
            except RecorderError as error:
                self._lose(str(error))
            except Exception as error:
                log.exception("driver of %s failed inside", self.config.device_id)
                self._lose(
                    f"{self.config.device_id}: its driver failed inside ({type(error).__name__}); see the log"
                )
            if self.link.state == "lost":
                self._stop.wait(self._clock.real_timeout(retry_delay_s(self.link.attempt)))
        self._see("stop")

    def _attempt(self) -> None:
        """One link, from open to its end."""
        transport = self.driver.open()
        try:
            self._see("opened")
            self._converse(transport)
            goodbye = self.driver.stop()
            if goodbye:
                transport.write(goodbye)
        except LinkLost:
            if not self._stop.is_set():
                raise
        finally:
            transport.close()

    def _converse(self, transport: Transport) -> None:
        now = self._last_sample_ns = self._clock.monotonic_ns()
        self._take(self.driver.on_connected(now), transport)
        ticked = now
        while not self._stop.is_set():
            asked = self._clock.monotonic_ns()
            chunk = transport.read(READ_S)
            if chunk is not None:
                self._take(self.driver.feed(chunk), transport)
            now = self._clock.monotonic_ns()
            if now - ticked >= TICK_NS:
                ticked = now
                self._take(self.driver.tick(now), transport)
                self._notice_new_description()
                self._judge(asked)

    def _take(self, events: Sequence[DriverEvent], transport: Transport) -> None:
        for event in events:
            if isinstance(event, SampleBlock):
                self._take_block(event)
            elif isinstance(event, Send):
                transport.write(event.data)
            elif isinstance(event, Gap):
                self._hub.gap(event)
            elif isinstance(event, LinkQuality):
                self._quality = event
            else:
                self._take_notice(event)

    def _take_block(self, block: SampleBlock) -> None:
        self._last_sample_ns = block.t_host_ns
        if self.link.state != "streaming":
            self._see("sample")
        if self._roles.get(block.stream_id) == "battery":
            self._battery.told(block.t_host_ns, float(block.values[-1, 0]))
        self._hub.block(block)

    def _take_notice(self, notice: Notice) -> None:
        repeated = self._gate.passes(notice)
        if repeated is not None:
            payload: dict[str, Any] = {
                **notice.payload,
                "device_id": self.config.device_id,
                "kind": notice.kind,
                "message": notice.message,
                "stream_id": notice.stream_id,
            }
            if repeated:
                payload["repeated"] = repeated
            self._hub.event("notice", payload, notice.t_host_ns)
        if notice.kind == "tag":
            marker = Marker("tag", "e4-tag")
            device = {"device_id": self.config.device_id, "serial": self.driver.info.serial}
            self._hub.event("marker", asdict(marker) | device, notice.t_host_ns)
        if notice.fatal:
            raise LinkLost(notice.message)

    def _judge(self, asked_ns: int) -> None:
        """Liveness by the age of samples as the transport was asked last, for the system may never tell that the other
        side is gone: a machine that stood still has not looked at what came meanwhile.
        """
        age_s = (asked_ns - self._last_sample_ns) / 1e9 / max(1.0, self._clock.speed)
        if age_s > self.driver.silence_s and self.link.state != "silent":
            self._see("quiet", self.driver.quiet_advice)
        if age_s > max(RELINK_S, 3 * self.driver.silence_s):
            raise LinkLost(f"{self.driver.quiet_advice} (for {age_s:.0f} s; the link is opened anew)")

    def _notice_new_description(self) -> None:
        """A driver learns its serial while it talks."""
        if self.driver.info is not self._info:
            self._info = self.driver.info
            self._hub.add_device(self._info, self.driver.streams, self.driver.silence_s)

    def _lose(self, why: str) -> None:
        self._quality = LinkQuality()
        self._hub.link_lost(self.config.device_id, why)
        self._see("broke", why)

    def _see(self, event: LinkEvent, error: str = "") -> None:
        self.link.see(event, self._clock.monotonic_ns(), error)
        told = (self.link.state, self.link.error)
        if self.link.state in TOLD_STATES and told != self._told:
            self._told = told
            self._hub.event("link", self.told())

    def told(self) -> dict[str, Any]:
        """The link as an event's payload."""
        return {"device_id": self.config.device_id, "state": self.link.state, "cause": self.link.error}


class NoLink:
    """A device without a link of its own, or one whose settings are wrong: shown, never retried.

    Args:
        config: what the operator set up.
        info: what it is.
        hub: told that the device takes part.
        clock: host time.
        error: what is wrong with it; empty where nothing is (a cuff read by a person).
    """

    def __init__(
        self, config: DeviceConfig, info: DeviceInfo, hub: Hub, clock: Clock, error: str = ""
    ) -> None:
        self.config = config
        self.link = Link("lost" if error else "idle", clock.monotonic_ns(), 0, error)
        self._hub, self._info = hub, info

    def start(self) -> None:
        """The device takes part, if nothing is wrong with it."""
        if not self.link.error:
            self._hub.add_device(self._info, ())

    def stop(self, timeout_s: float = 0.0) -> None:
        """Nothing runs."""

    def status(self) -> LinkStatus:
        """For every screen."""
        return LinkStatus(
            self.config.device_id,
            self.link.state,
            self._info.product,
            simulated=self.config.simulated,
            required=self.config.required and bool(self.link.error),
            since_ns=self.link.since_ns,
            error=self.link.error,
        )

    def told(self) -> dict[str, Any]:
        """The link as an event's payload."""
        return {"device_id": self.config.device_id, "state": self.link.state, "cause": self.link.error}
