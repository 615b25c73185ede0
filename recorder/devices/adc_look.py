"""Listens to a serial port at one speed after the other until its bytes make sense. Records nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from recorder.clock import Clock
from recorder.protocols.adc_findings import Findings
from recorder.protocols.adc_inference import Heard, infer
from recorder.protocols.adc_profile import SerialLink
from recorder.transports import Transport
from recorder.transports.serial import open_serial

BAUDS: Final = (115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 250_000, 500_000, 1_000_000, 4800)
"""The usual ones of microcontroller boards, likeliest first."""

LISTEN_S: Final = 4.0
"""A counter of 100 frames a second then runs over its low byte, and arrival tells the rate to 1 %."""
FIRST_BYTE_S: Final = 3.0
"""A board that restarts when its port is opened needs up to 2 s before it sends."""
SURE: Final = 0.8
SILENT_SPEEDS: Final = 2
"""A line on which nothing is sent is silent at any speed; a wrong speed gives wrong bytes, not none."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at the best speed, and what was heard there."""

    link: SerialLink
    findings: Findings
    heard: Heard = ()


def look(
    port: str,
    clock: Clock,
    links: Sequence[SerialLink],
    *,
    seconds: float = LISTEN_S,
    told: Callable[[SerialLink, int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Look:
    """Try every setting until one makes sense; the best one if none is sure.

    Args:
        port, clock: where, and what stamps arrivals.
        links: settings of the port, likeliest first.
        seconds: how long to listen once bytes come.
        told: hears the setting, its number from 0 and how many there are, before each.
        cancelled: asked often; the best so far is returned.

    Raises:
        DeviceError: the port is busy, gone or refused; with who, what, what to do.
        ConfigError: no port can be called so.
    """
    best = Look(links[0], Findings("nothing"))
    silent = 0
    for number, link in enumerate(links):
        if cancelled():
            break
        told(link, number, len(links))
        transport = open_link(port, clock, link)
        try:
            heard = listen(transport, seconds, cancelled)
        finally:
            transport.close()
        found = Look(link, infer(heard), heard)
        if _worth(found) > _worth(best) or (number == 0 and heard):
            best = found
        silent = silent + 1 if not heard else 0
        if found.findings.confidence >= SURE or found.findings.verdict == "gps" or silent == SILENT_SPEEDS:
            break
    return best


def open_link(port: str, clock: Clock, link: SerialLink) -> Transport:
    """The port with these settings, for this process alone; see :func:`recorder.transports.serial.open_serial`."""
    return open_serial(
        port, clock, baud=link.baud, bytesize=link.bytesize, parity=link.parity, stopbits=link.stopbits
    )


def listen(transport: Transport, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> Heard:
    """What arrives within ``seconds`` of the first byte, which may take a while."""
    heard: list[tuple[bytes, int]] = []
    end = time.monotonic() + FIRST_BYTE_S
    while time.monotonic() < end and not cancelled():
        chunk = transport.read(0.1)
        if chunk is None:
            continue
        if not heard:
            end = time.monotonic() + seconds
        heard.append((chunk.data, chunk.t_host_ns))
    return heard


def speeds(link: SerialLink, chosen: int = 0) -> list[SerialLink]:
    """The settings to try: one speed if it is known, else all usual ones."""
    return [replace(link, baud=chosen)] if chosen else [replace(link, baud=baud) for baud in BAUDS]


def _worth(found: Look) -> tuple[float, bool]:
    """A proposal by its confidence; else what at least was something."""
    return found.findings.confidence, found.findings.verdict not in ("nothing", "too-little", "noise")
