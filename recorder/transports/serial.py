"""A serial port as a transport, opened exclusively; ``socket://host:port`` stands in where there is none."""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Any
from urllib.parse import urlsplit

import serial

from recorder.clock import Clock
from recorder.errors import ConfigError, DeviceBusy, DeviceError, LinkLost
from recorder.transports.contract import Chunk, Transport
from recorder.transports.tcp import open_tcp

_BUSY = frozenset({errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK})
_DENIED = frozenset({errno.EACCES, errno.EPERM})
_READ_BYTES = 65536


class SerialTransport:
    """An open serial port.

    Args:
        port: an open ``serial.Serial``; it belongs to the transport now.
        clock: stamps arrivals.
        batch_s: after the first byte wait so long for more, so that a fast stream does not wake us per frame.
    """

    def __init__(self, port: Any, clock: Clock, batch_s: float = 0.0) -> None:
        self._port = port
        self._clock = clock
        self._batch_s = batch_s

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        try:
            if self._port.timeout != timeout_s:
                self._port.timeout = timeout_s
            data = self._port.read(1)
            if data:
                if self._batch_s:
                    time.sleep(self._batch_s)
                data += self._port.read(min(self._port.in_waiting, _READ_BYTES))
        except (OSError, TypeError) as error:  # pyserial: TypeError when closed under its hands
            raise LinkLost(
                f"Serial port {self._port.port} is gone ({error}): check cable and power"
            ) from error
        now = self._clock.monotonic_ns()
        return Chunk(data, now) if data else None

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        try:
            self._port.write(data)
        except (OSError, TypeError) as error:
            raise LinkLost(
                f"Serial port {self._port.port} takes no bytes ({error}): check the cable"
            ) from error

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        with contextlib.suppress(OSError, TypeError):
            self._port.close()


def open_serial(
    port: str,
    clock: Clock,
    *,
    baud: int = 115200,
    bytesize: int = 8,
    parity: str = "N",
    stopbits: float = 1,
    batch_s: float = 0.0,
) -> Transport:
    """Open a serial port for this process alone, or connect to ``socket://host:port``.

    Raises:
        DeviceBusy: another program has it.
        LinkLost: there is no such port now (unplugged); retried.
        DeviceError: this user may not open it, or it refuses the settings.
        ConfigError: the name cannot be a port.
    """
    if port.startswith("socket://"):
        return _open_socket(port, clock, batch_s)
    try:
        opened = serial.Serial(
            port,
            baudrate=baud,
            bytesize=bytesize,
            parity=parity,
            stopbits=stopbits,
            timeout=0.2,
            write_timeout=5.0,
            exclusive=True,
        )
    except ValueError as error:
        raise ConfigError(f"Serial port {port!r}: {error}; correct the profile's [transport]") from error
    except OSError as error:
        raise _refusal(port, error) from error
    return SerialTransport(opened, clock, batch_s)


def _open_socket(url: str, clock: Clock, batch_s: float) -> Transport:
    try:
        parts = urlsplit(url)
        host, number = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{url!r} is no address ({error}): write socket://host:port") from error
    if not host or not number:
        raise ConfigError(f"{url!r} is no address: write socket://host:port")
    return open_tcp(host, number, clock, peer="serial device server", batch_s=batch_s)


def _refusal(port: str, error: OSError) -> DeviceError:
    """What pyserial's error means to an operator."""
    text = str(error)
    if error.errno in _BUSY or "exclusively lock" in text:
        return DeviceBusy(f"Serial port {port} is in use by another program or station: close it there")
    if error.errno in _DENIED or "PermissionError" in text:
        return DeviceBusy(
            f"Serial port {port} is refused by the system: close the program that uses it, or give this user "
            "access to serial ports (group dialout)"
        )
    if error.errno == errno.ENOENT or "FileNotFoundError" in text:
        return LinkLost(f"There is no serial port {port}: plug the device in, or choose its port")
    return LinkLost(f"Serial port {port} cannot be opened ({text}): check cable and settings")
