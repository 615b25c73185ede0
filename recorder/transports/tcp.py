"""A TCP connection as a transport. No encryption: the peers are local servers that know none."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time

from recorder.clock import Clock
from recorder.errors import ConfigError, DeviceError, LinkLost
from recorder.transports.contract import Chunk

_READ_BYTES = 65536


class TcpTransport:
    """An open connection.

    Args:
        connection: a connected socket; it belongs to the transport now.
        clock: stamps arrivals.
        peer: who is at the other end, for messages.
        batch_s: after the first bytes wait so long for more, so that a fast stream does not wake us per frame.
    """

    def __init__(self, connection: socket.socket, clock: Clock, peer: str, batch_s: float = 0.0) -> None:
        self._socket = connection
        self._clock = clock
        self._peer = peer
        self._batch_s = batch_s

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            data = self._socket.recv(_READ_BYTES)
            if data and self._batch_s:
                time.sleep(self._batch_s)
                data += self._waiting()
        except TimeoutError:
            return None
        except OSError as error:
            raise LinkLost(f"{self._peer} broke the connection ({_why(error)}); trying again") from error
        now = self._clock.monotonic_ns()
        if not data:
            raise LinkLost(f"{self._peer} closed the connection; see that it still runs, trying again")
        return Chunk(data, now)

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        try:
            self._socket.settimeout(5.0)
            self._socket.sendall(data)
        except OSError as error:
            raise LinkLost(f"{self._peer} takes no commands ({_why(error)}); trying again") from error

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _waiting(self) -> bytes:
        self._socket.settimeout(0.0)
        with contextlib.suppress(OSError):  # nothing more, or an end that the next read will tell
            return self._socket.recv(_READ_BYTES)
        return b""


def open_tcp(
    host: str, port: int, clock: Clock, *, peer: str, timeout_s: float = 3.0, batch_s: float = 0.0
) -> TcpTransport:
    """Connect.

    Args:
        host, port: where.
        peer: who should listen there, for messages, e.g. ``E4 streaming server``.
        timeout_s: real seconds to wait for an answer.

    Raises:
        LinkLost: nothing listens, no such host, no answer; the message tells which and what to do.
        DeviceError: this computer does not allow it.
        ConfigError: no such address can exist.
    """
    where = f"{host}:{port}"
    if not host or not 0 < port < 65536:
        raise ConfigError(f"{where} cannot be the address of the {peer}: correct host and port")
    try:
        connection = socket.create_connection((host, port), timeout=timeout_s)
    except ConnectionRefusedError as error:
        raise LinkLost(f"Nothing listens on {where}: start the {peer}, or correct the port") from error
    except socket.gaierror as error:
        raise LinkLost(f"No computer is called {host!r}: correct the host of the {peer}") from error
    except TimeoutError as error:
        raise LinkLost(
            f"{where} did not answer within {timeout_s:g} s: check the host of the {peer} and its firewall"
        ) from error
    except (PermissionError, OverflowError, ValueError) as error:
        raise DeviceError(
            f"{where} cannot be used for the {peer} ({error}): correct host and port"
        ) from error
    except OSError as error:
        raise LinkLost(f"{where} cannot be reached ({_why(error)}): check network and host") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return TcpTransport(connection, clock, f"The {peer} at {where}", batch_s)


def is_loopback(host: str) -> bool:
    """Whether bytes to ``host`` stay on this computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: OSError) -> str:
    return error.strerror or str(error)
