"""Which wristbands an E4 streaming server has connected: one short conversation, no sample."""

from __future__ import annotations

import time
from typing import Final

from recorder.clock import Clock
from recorder.errors import DeviceRefused
from recorder.protocols.e4_events import Command, Reply
from recorder.protocols.e4_server import E4Decoder, format_command
from recorder.transports.tcp import open_tcp

ANSWER_S: Final = 3.0


def bands_on(host: str, port: int, clock: Clock) -> tuple[str, ...]:
    """Serials of the wristbands that the server has.

    Raises:
        DeviceError: nobody listens there, or it is no E4 streaming server; with who, what, what to do.
    """
    transport = open_tcp(host, port, clock, peer="E4 streaming server")
    decoder = E4Decoder()
    try:
        transport.write(format_command(Command("device_list")))
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            chunk = transport.read(0.1)
            for event in decoder.feed(chunk.data) if chunk is not None else ():
                if isinstance(event, Reply) and event.outcome == "list":
                    return tuple(band.serial for band in event.bands)
    finally:
        transport.close()
    raise DeviceRefused(
        f"{host}:{port} did not list its wristbands within {ANSWER_S:g} s: see that it is an E4 streaming server"
    )
