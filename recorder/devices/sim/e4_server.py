"""The emulated streaming server: several clients on TCP, the commands and errors of the vendor's pages."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable, Sequence
from typing import Final

from recorder.devices.sim.e4_band import STREAM_IDS
from recorder.devices.sim.outlet import Outlet, Tally
from recorder.protocols.e4_events import SUBSCRIPTIONS, Band, Command, News, Reply, Sample
from recorder.protocols.e4_server import CommandDecoder, format_reply, format_sample

CLIENT_ROOM = 16384
"""Bytes the server holds back for a client that does not read, beside the system's socket buffer."""
SEND_BUFFER = 65536
NOT_CONNECTED = "You are not connected to any device"
_SUBSCRIPTION_OF: Final[dict[str, str]] = {"hr": "ibi"}


class Client:
    """One connection: which band it is bound to, what it subscribed to, whether it paused."""

    def __init__(self, link: socket.socket, tally: Tally) -> None:
        self.link = link
        self.commands = CommandDecoder()
        self.outlet = Outlet(link.send, tally, CLIENT_ROOM)
        self.band = ""
        self.subscribed: set[str] = set()
        self.paused = False
        self.closing = False

    @property
    def bound(self) -> bool:
        """To some band."""
        return bool(self.band)

    def wants(self, kind: str) -> bool:
        """Samples of this kind go to it."""
        return self.bound and not self.paused and _SUBSCRIPTION_OF.get(kind, kind) in self.subscribed


class E4Server:
    """Listens at once; ``serve`` and ``deliver`` never wait.

    Args:
        serial: the band it has.
        tally: counts go there, summed over clients.
        host, port: where; port 0 = any free one.
        comma: decimal comma, as on a comma-locale Windows.
        strangers: bands in range that are not registered with its key.
        companions: further bands it has; they lie on a table, and of them only the button is emulated.
        selector: gets its sockets registered, with a function to call as their data.

    Raises:
        OSError: the port is in use.
    """

    def __init__(
        self,
        serial: str,
        tally: Tally,
        selector: selectors.BaseSelector,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        comma: bool = False,
        strangers: Sequence[str] = (),
        companions: Sequence[str] = (),
    ) -> None:
        self._serial, self._tally, self._selector = serial, tally, selector
        self._companions = tuple(companions)
        self._comma, self._strangers = comma, tuple(strangers)
        self._btle, self._away = True, False
        self._clients: list[Client] = []
        self._listener = socket.create_server((host, port), backlog=8)
        self._listener.settimeout(0.0)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self.host, self.port = self._listener.getsockname()[:2]

    def deliver(self, samples: Sequence[Sample], serial: str = "") -> None:
        """Samples from the band, or from a companion of that serial → every client that wants them."""
        band = serial or self._serial
        if band == self._serial and not self._btle:
            return
        for client in list(self._clients):
            for sample in samples:
                if client.band == band and client.wants(sample.kind):
                    line = format_sample(sample, comma=self._comma)
                    client.outlet.put(STREAM_IDS.get(sample.kind, ""), (line,))
            self._flush(client)

    def set_away(self, *, away: bool) -> None:
        """The radio went out or came back: tell every bound client."""
        if away == self._away:
            return
        self._away = away
        news = News("link-lost" if away else "link-back", self._serial)
        self._tell(news)

    def turn_off(self) -> None:
        """The band is switched off by its button."""
        self._btle = False
        self._tell(News("turned-off", self._serial))

    def flush(self) -> int:
        """Send what waits for any client; how many bytes are left."""
        for client in list(self._clients):
            self._flush(client)
        return sum(client.outlet.n_waiting for client in self._clients)

    def close(self) -> None:
        """Close every connection and stop listening."""
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()

    def _tell(self, news: News) -> None:
        for client in list(self._clients):
            if client.band == self._serial:
                client.outlet.put("", (format_reply(news),))
                self._flush(client)

    def _accept(self) -> None:
        try:
            link, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        link.settimeout(0.0)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        client = Client(link, self._tally)
        self._clients.append(client)
        self._selector.register(link, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: Client) -> None:
        try:
            received = client.link.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._drop(client)
            return
        for command in client.commands.feed(received):
            client.outlet.put("", (format_reply(self._answer(client, command)),))
        self._flush(client)

    def _flush(self, client: Client) -> None:
        client.outlet.flush()
        if client.outlet.broken or (client.closing and not client.outlet.n_waiting):
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            client.outlet.abandon()
            self._selector.unregister(client.link)
            with contextlib.suppress(OSError):  # unread commands would turn the close into a reset: data lost
                client.link.recv(65536)
            client.link.close()

    def _answer(self, client: Client, command: Command) -> Reply:
        answer = _ANSWERS.get(command.name)
        if answer is None:
            return Reply(command.name, "error", message="Unknown command")
        return answer(self, client, command)

    # one method a command; devices.md §A.3

    def _discover(self, client: Client, command: Command) -> Reply:  # noqa: ARG002
        own = [self._serial, *self._companions]
        bands = (*(Band(name) for name in own), *(Band(name, allowed=False) for name in self._strangers))
        return Reply(command.name, "list", bands=bands)

    def _list(self, client: Client, command: Command) -> Reply:  # noqa: ARG002
        return Reply(command.name, "list", bands=tuple(Band(name) for name in self._connected()))

    def _connected(self) -> tuple[str, ...]:
        return (*((self._serial,) if self._btle else ()), *self._companions)

    def _connect_btle(self, client: Client, command: Command) -> Reply:  # noqa: ARG002
        asked = command.arguments[:1]
        if asked == (self._serial,):
            self._btle = True
            return Reply(command.name, "ok")
        known = asked and asked[0] in self._strangers
        why = "is not registered with the API key" if known else "has not been discovered yet"
        return Reply(command.name, "error", message=f"The device {why}")

    def _disconnect_btle(self, client: Client, command: Command) -> Reply:  # noqa: ARG002
        if not self._btle or command.arguments[:1] != (self._serial,):
            return Reply(command.name, "error", message="The device is not connected over btle")
        self._btle = False
        for other in self._clients:
            other.band = "" if other.band == self._serial else other.band
            other.subscribed.clear()
        return Reply(command.name, "ok")

    def _connect(self, client: Client, command: Command) -> Reply:
        if command.arguments[:1] == () or command.arguments[0] not in self._connected():
            message = "The device requested for connection is not available."
            return Reply(command.name, "error", message=message)
        client.band, client.paused = command.arguments[0], False
        client.subscribed.clear()
        return Reply(command.name, "ok")

    def _disconnect(self, client: Client, command: Command) -> Reply:
        if not client.bound:
            return Reply(command.name, "error", message="No connected device.")
        client.band, client.closing = "", True
        return Reply(command.name, "ok")

    def _subscribe(self, client: Client, command: Command) -> Reply:
        stream, state = (*command.arguments, "", "")[:2]
        if not client.bound:
            return Reply(command.name, "error", stream, NOT_CONNECTED)
        if stream not in SUBSCRIPTIONS or state not in ("ON", "OFF"):
            return Reply(command.name, "error", stream, "Wrong arguments")
        (client.subscribed.add if state == "ON" else client.subscribed.discard)(stream)
        return Reply(command.name, "ok", stream)

    def _pause(self, client: Client, command: Command) -> Reply:
        if not client.bound:
            return Reply(command.name, "error", message=NOT_CONNECTED)
        if command.arguments[:1] not in (("ON",), ("OFF",)):
            return Reply(command.name, "error", message="Wrong arguments")
        client.paused = command.arguments[0] == "ON"
        return Reply(command.name, "on" if client.paused else "off")

    def _status(self, client: Client, command: Command) -> Reply:  # noqa: ARG002
        return Reply(command.name, "ok")


_ANSWERS: Final[dict[str, Callable[[E4Server, Client, Command], Reply]]] = {
    "device_discover_list": E4Server._discover,
    "device_connect_btle": E4Server._connect_btle,
    "device_disconnect_btle": E4Server._disconnect_btle,
    "device_list": E4Server._list,
    "device_connect": E4Server._connect,
    "device_disconnect": E4Server._disconnect,
    "device_subscribe": E4Server._subscribe,
    "pause": E4Server._pause,
    "server_status": E4Server._status,
}
