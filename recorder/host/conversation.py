"""Talks with one device outside a station: for a test without recording, and for pairing by button."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recorder.clock import Clock
from recorder.devices.contract import Driver, DriverEvent, Send
from recorder.transports import Transport

READ_S = 0.1


def conversation(
    driver: Driver, transport: Transport, clock: Clock, goes_on: Callable[[], bool]
) -> Iterator[DriverEvent]:
    """What the device says while ``goes_on``; what its driver wants to send is sent, its goodbye too.

    Raises:
        DeviceError: the link is gone.
    """
    events = list(driver.on_connected(clock.monotonic_ns()))
    while goes_on():
        for event in events:
            if isinstance(event, Send):
                transport.write(event.data)
            yield event
        chunk = transport.read(READ_S)
        events = list(driver.feed(chunk)) if chunk else list(driver.tick(clock.monotonic_ns()))
    goodbye = driver.stop()
    if goodbye:
        transport.write(goodbye)
