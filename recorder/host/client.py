"""How every other process talks to the recorder of a station: commands that are acknowledged, a feed that is live."""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import zmq

from recorder.acquire import wire
from recorder.acquire.wire import Request, WireError
from recorder.clock import Clock
from recorder.errors import StationUnreachable
from recorder.host.connection import Connection
from recorder.host.feed import LiveFeed
from recorder.host.sockets import open_socket

RETRY_S: Final = 1.0
"""Without an answer for so long, ask again with the same id – of the recorder that is there by then."""

log = logging.getLogger(__name__)


class StationClient:
    """A client of one station.

    Args:
        station: its name.
        home: where stations are; the user's place where None.
        name: who asks, e.g. ``window``; control is held by name.
        clock: the shared clock; of the environment where None.
    """

    def __init__(
        self, station: str, home: Path | None = None, *, name: str, clock: Clock | None = None
    ) -> None:
        self.station, self.name = station, name
        self.home = home
        self._clock = clock or Clock.from_environment()
        self._context = zmq.Context()
        self._lines: deque[_Line] = deque()
        """Idle ones: each call takes one, so a slow command holds up no other."""
        self._connection: Connection | None = None
        self._feeds: list[LiveFeed] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, timeout_s: float = 5.0) -> None:
        """Find the recorder and hear from it once.

        Raises:
            StationUnreachable: none answers within ``timeout_s`` real seconds.
        """
        self.call("status", timeout_s)

    @property
    def connection(self) -> Connection | None:
        """Where the recorder was last found."""
        return self._connection

    def call(
        self, verb: str, timeout_s: float = 5.0, frames: Sequence[bytes] = (), **args: Any
    ) -> dict[str, Any]:
        """Ask the recorder to do something and wait until it says that it did. Thread-safe.

        A lost answer is asked for again with the same id, which the recorder carries out only once.

        Raises:
            RecorderError: the recorder refused; its own type and words.
            StationUnreachable: no answer within ``timeout_s`` real seconds.
        """
        request = Request(uuid.uuid4().hex, self.name, verb, args, tuple(frames))
        packed = wire.pack_request(request)
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            reply = self._ask(packed, request.request_id, deadline)
            if reply is not None:
                return wire.unpack_reply(reply)
            if time.monotonic() >= deadline:
                break
        raise StationUnreachable(
            f"station {self.station}: no answer to {verb} within {timeout_s:g} s; "
            f"see whether its recorder runs, or start it: recorder serve --station {self.station}"
        )

    def feed(
        self, topics: Sequence[str] = (wire.BLOCK, wire.STATUS, wire.EVENT), *, max_age_s: float = 1.0
    ) -> LiveFeed:
        """Subscribe. ``max_age_s``: blocks older than this (real seconds) are discarded and counted."""
        feed = LiveFeed(self.station, self.home, topics, clock=self._clock, max_age_s=max_age_s)
        self._feeds.append(feed)
        return feed

    def close(self) -> None:
        """Close the feeds and the sockets, calls under way give up within a second; safe to call twice."""
        self._closed = True
        for feed in self._feeds:
            feed.close()
        while self._lines:
            self._lines.pop().socket.close(linger=0)
        self._context.term()

    def _ask(self, packed: list[bytes], request_id: str, deadline: float) -> bytes | None:
        """One attempt; None where no answer came in time."""
        try:
            line = self._take_line()
        except StationUnreachable:
            if time.monotonic() + 0.1 >= deadline:
                raise
            time.sleep(0.1)
            return None
        reply = None
        try:
            line.socket.send_multipart(packed)
            reply = _await(line.socket, request_id, min(deadline, time.monotonic() + RETRY_S))
        except zmq.ContextTerminated:  # the client was closed meanwhile
            return None
        finally:
            if reply is None or self._closed:  # what comes late on this line must not meet another call
                line.socket.close(linger=0)
            else:
                self._lines.append(line)
        return reply

    def _take_line(self) -> _Line:
        """An idle line to the recorder that is there now, or a new one.

        Raises:
            StationUnreachable: none has left a connection file.
        """
        connection = self._connection = Connection.read(self.station, self.home)
        while True:
            try:
                line = self._lines.pop()
            except IndexError:
                socket = open_socket(self._context, zmq.DEALER, connection, connection.router_port)
                return _Line(connection, socket)
            if line.connection == connection:
                return line
            line.socket.close(linger=0)


@dataclass(frozen=True, slots=True)
class _Line:
    connection: Connection
    socket: zmq.Socket[bytes]


def _await(socket: zmq.Socket[bytes], request_id: str, until: float) -> bytes | None:
    while (left := until - time.monotonic()) > 0:
        if not socket.poll(int(left * 1000) + 1):
            break
        frame = socket.recv_multipart()[0]
        if _answers(frame, request_id):
            return frame
    return None


def _answers(frame: bytes, request_id: str) -> bool:
    """Late answers to requests given up are passed over."""
    try:
        return wire.reply_id(frame) == request_id
    except WireError as error:
        log.warning("an answer was no answer: %s", error)
        return False
