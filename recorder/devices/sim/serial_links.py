"""The emulated ADC's cable: a pseudo-terminal, or a socket where there is none. Neither ever waits."""

from __future__ import annotations

import os
import selectors
import socket
import sys
from pathlib import Path
from typing import Protocol

SEND_BUFFER = 16384


class SerialLink(Protocol):
    """One end of a serial cable."""

    address: str
    """What a client opens: a device path or ``socket://host:port``."""

    def is_open(self) -> bool:
        """Somebody holds the other end."""
        ...

    def write(self, octets: bytes) -> int:
        """What fits now.

        Raises:
            BlockingIOError: nothing fits.
            OSError: the other end is gone.
        """
        ...

    def unread(self) -> int:
        """Bytes written that the other end has not read, as far as can be told."""
        ...

    def unplug(self) -> None:
        """Pull the cable: the other end gets an error."""
        ...

    def plug(self) -> None:
        """Put it back; ``address`` stays the same."""
        ...

    def close(self) -> None:
        """For good."""
        ...


if sys.platform != "win32":
    import fcntl
    import select
    import struct
    import termios
    import tty

    class PtyLink:
        """A pseudo-terminal behind a symbolic link, so that the address outlives a pulled cable.

        Args:
            address: path of the symbolic link to make.
        """

        def __init__(self, address: Path) -> None:
            self.address = str(address)
            self._master = -1
            self._device = ""
            self.plug()

        def plug(self) -> None:
            """See :class:`SerialLink`."""
            self._master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(self._master, False)
            self._device = os.ttyname(slave)
            self._poll = select.poll()
            self._poll.register(self._master, 0)
            os.close(slave)
            fresh = Path(f"{self.address}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._device)
            fresh.replace(self.address)

        def unplug(self) -> None:
            """See :class:`SerialLink`; the path goes too, as its number may be another terminal's next."""
            Path(self.address).unlink(missing_ok=True)
            if self._master >= 0:
                os.close(self._master)
                self._master = -1

        def is_open(self) -> bool:
            """See :class:`SerialLink`; on Linux a master hears a hang-up while nobody holds the other end."""
            if self._master < 0:
                return False
            return not any(events & select.POLLHUP for _, events in self._poll.poll(0))

        def write(self, octets: bytes) -> int:
            """See :class:`SerialLink`."""
            if self._master < 0:
                raise OSError("the cable is unplugged")
            return os.write(self._master, octets)

        def unread(self) -> int:
            """See :class:`SerialLink`."""
            if not self.is_open():
                return 0
            slave = os.open(self._device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                answer = fcntl.ioctl(slave, termios.FIONREAD, struct.pack("i", 0))
            finally:
                os.close(slave)
            return int(struct.unpack("i", answer)[0])

        def close(self) -> None:
            """See :class:`SerialLink`."""
            self.unplug()


class SocketLink:
    """A listening socket that serves one client at a time, as a serial port does; a second is turned away.

    Args:
        selector: gets the listener registered.
    """

    def __init__(self, selector: selectors.BaseSelector, host: str = "127.0.0.1", port: int = 0) -> None:
        self._selector = selector
        self._client: socket.socket | None = None
        self._plugged = True
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(0.0)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self.address = "socket://{}:{}".format(*self._listener.getsockname()[:2])

    def _accept(self) -> None:
        try:
            link, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        if self.is_open() or not self._plugged:
            link.close()
            return
        link.settimeout(0.0)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._client = link

    def is_open(self) -> bool:
        """See :class:`SerialLink`; what the client writes is thrown away."""
        if self._client is None:
            return False
        try:
            while received := self._client.recv(4096):
                del received
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._hang_up()
        return False

    def write(self, octets: bytes) -> int:
        """See :class:`SerialLink`."""
        if self._client is None:
            raise OSError("no client")
        return self._client.send(octets)

    def unread(self) -> int:
        """See :class:`SerialLink`; what a closed socket still holds is delivered by the system."""
        return 0

    def unplug(self) -> None:
        """See :class:`SerialLink`."""
        self._plugged = False
        self._hang_up()

    def plug(self) -> None:
        """See :class:`SerialLink`."""
        self._plugged = True

    def close(self) -> None:
        """See :class:`SerialLink`."""
        self._hang_up()
        self._selector.unregister(self._listener)
        self._listener.close()

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def open_link(kind: str, folder: Path, selector: selectors.BaseSelector, name: str = "adc") -> SerialLink:
    """A pseudo-terminal in ``folder`` for ``kind`` "pty" where the system has one, else a socket."""
    if kind == "pty" and sys.platform != "win32":
        return PtyLink(folder / f"{name}-{os.getpid()}.tty")
    return SocketLink(selector)
