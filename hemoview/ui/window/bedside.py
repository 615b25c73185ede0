"""The first start with no device offers the virtual bedside: emulators in a process of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from hemoview.ui.parts.bridge import Bridge
from recorder.clock import Clock
from recorder.host import virtual_bedside
from recorder.host.client import StationClient


class VirtualBedsideOffer:
    """Starts the emulators when asked, sets the station up for them, stops them with the window."""

    def __init__(self, bridge: Bridge, client: StationClient, home: Path, clock: Clock) -> None:
        self._bridge, self._client, self._home, self._clock = bridge, client, home, clock
        self._running: virtual_bedside.VirtualBedside | None = None
        self._opening = False

    def open(self, failed: Callable[[Exception], None]) -> None:
        """Start it, unless it runs or is being started."""
        if self._opening or self.running:
            return
        self._running = None  # it died
        self._opening = True

        def done(bedside: virtual_bedside.VirtualBedside) -> None:
            self._opening, self._running = False, bedside

        def lost(error: Exception) -> None:
            self._opening = False
            failed(error)

        self._bridge.call(self._start, done, lost)

    @property
    def running(self) -> bool:
        """The emulators were started here and end with this window."""
        return self._running is not None and self._running.process.poll() is None

    def close(self) -> None:
        """Stop the emulators, if they were started here."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def _start(self) -> virtual_bedside.VirtualBedside:
        """In another thread. Emulators that cannot be used are stopped again."""
        folder = self._home / "virtual-bedside" / time.strftime("%Y%m%d-%H%M%S")
        bedside = virtual_bedside.start(folder, self._clock, virtual_bedside.standard_config())
        try:
            self._client.call("configure", 20.0, devices=[asdict(c) for c in bedside.device_configs()])
            calibration = bedside.calibration(self._clock)
            if calibration is not None:
                self._client.call("calibrate", **calibration.to_json())
        except Exception:
            bedside.stop()
            raise
        return bedside
