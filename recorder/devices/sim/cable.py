"""The serial cable of an emulated device: pulled and put back by its script, abandoned when the device ends."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.devices.sim.outlet import Outlet
from recorder.devices.sim.serial_links import SerialLink


class Cable:
    """Between an emulated device and whoever opens its port.

    Args:
        link: the line itself.
        outlet: what waits to be sent over it.
        pulled: (from, for) in seconds of true time: stretches in which it is unplugged.
    """

    def __init__(self, link: SerialLink, outlet: Outlet, pulled: Sequence[tuple[float, float]]) -> None:
        self._link, self._outlet, self._pulled = link, outlet, pulled
        self._plugged = True

    def advance(self, now_s: float) -> None:
        """Pull it, or put it back, as the script says for now."""
        pulled = any(at_s <= now_s < at_s + for_s for at_s, for_s in self._pulled)
        if pulled and self._plugged:
            self._outlet.abandon()
            self._link.unplug()
        elif not pulled and not self._plugged:
            self._link.plug()
        self._plugged = not pulled

    def flush(self) -> int:
        """Send what waits; how many bytes the reader has not taken yet."""
        self._outlet.flush()
        return self._outlet.n_waiting + self._link.unread()

    def close(self) -> None:
        """Pull it for good; what still waits is overrun."""
        self._outlet.abandon()
        self._link.close()
