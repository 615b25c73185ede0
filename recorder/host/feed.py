"""The live feed: its own thread drains the bus into drop-oldest rings, counts holes and discards what is old."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import zmq

from recorder.acquire import wire
from recorder.acquire.wire import Message, WireError
from recorder.clock import Clock
from recorder.errors import StationUnreachable
from recorder.host.connection import Connection
from recorder.host.sockets import open_socket
from recorder.schema import Event, SampleBlock, StationStatus

RING: Final = 1024
"""Messages kept per topic until drained; the oldest go first, counted as holes."""
POLL_MS: Final = 200
QUIET_S: Final = 1.5
"""Status comes twice a second; when nothing does, look whether the recorder was restarted elsewhere."""

log = logging.getLogger(__name__)

Item = SampleBlock | StationStatus | Event


class Rings:
    """One drop-oldest ring a topic; pure but for the lock.

    Args:
        size: messages per topic.
    """

    def __init__(self, size: int = RING) -> None:
        self.holes = 0
        """Messages that never came (jumps of ``bus_seq``) or were pushed out before they were drained."""
        self._size = size
        self._rings: dict[str, deque[tuple[int, Message]]] = {}
        self._last_seq: dict[str, int] = {}
        self._order = itertools.count()
        self._lock = threading.Lock()

    def put(self, message: Message) -> None:
        """Add the newest message."""
        with self._lock:
            last = self._last_seq.get(message.topic)
            if last is not None and message.bus_seq > last + 1:
                self.holes += message.bus_seq - last - 1
            self._last_seq[message.topic] = message.bus_seq
            ring = self._rings.setdefault(message.topic, deque())
            if len(ring) >= self._size:
                ring.popleft()
                self.holes += 1
            ring.append((next(self._order), message))

    def take(self) -> list[Message]:
        """Everything held, in order of arrival; the rings are empty afterwards."""
        with self._lock:
            entries = [entry for ring in self._rings.values() for entry in ring]
            for ring in self._rings.values():
                ring.clear()
        return [message for _, message in sorted(entries, key=lambda entry: entry[0])]

    def restart(self) -> None:
        """A new recorder counts from one again."""
        with self._lock:
            self._last_seq.clear()


class LiveFeed:
    """Blocks, status and events as they come. Made by :meth:`StationClient.feed`.

    Args:
        station, home: which station.
        topics: prefixes to subscribe to.
        clock: the shared clock, to tell how old a block is.
        max_age_s: blocks older than this, in real seconds, are discarded; events and status never are.
    """

    def __init__(
        self, station: str, home: Path | None, topics: Sequence[str], *, clock: Clock, max_age_s: float
    ) -> None:
        self.discarded_old = 0
        self.received = 0
        self.reconnects = 0
        self._station, self._home, self._topics, self._clock = station, home, tuple(topics), clock
        self._max_age_ns = int(max_age_s * clock.speed * 1e9)
        self._rings = Rings()
        self._closing = threading.Event()
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed-{station}", daemon=True)
        self._thread.start()

    @property
    def holes(self) -> int:
        """Messages missed, of all topics."""
        return self._rings.holes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def drain(self, wait_s: float = 0.0) -> list[Item]:
        """What has arrived since the last call, in order; waits at most ``wait_s`` real seconds for the first."""
        if wait_s:
            self._arrived.wait(wait_s)
        self._arrived.clear()
        return [m.item for m in self._rings.take() if not self._too_old(m)]

    def wait(self, timeout_s: float) -> bool:
        """Until something has arrived, at most ``timeout_s`` real seconds; whether it has."""
        return self._arrived.wait(timeout_s)

    def close(self) -> None:
        """Stop the thread; safe to call twice."""
        self._closing.set()
        self._thread.join(timeout=5)

    def _too_old(self, message: Message) -> bool:
        old = (
            isinstance(message.item, SampleBlock)
            and self._clock.monotonic_ns() - message.t_host_ns > self._max_age_ns
        )
        self.discarded_old += old
        return old

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        while not self._closing.is_set():
            try:
                connection = Connection.read(self._station, self._home)
            except StationUnreachable:
                self._closing.wait(0.2)  # the recorder is being started, or restarted
                continue
            self._follow(context, connection)
            self._rings.restart()
        context.term()

    def _follow(self, context: zmq.Context[Any], connection: Connection) -> None:
        """Drain one recorder's bus until it has moved or the feed is closed."""
        socket = open_socket(context, zmq.SUB, connection, connection.pub_port)
        for topic in self._topics:
            socket.subscribe(topic)
        quiet_ms = 0
        while not self._closing.is_set():
            if socket.poll(POLL_MS):
                quiet_ms = 0
                self._take(socket.recv_multipart())
                continue
            quiet_ms += POLL_MS
            if quiet_ms >= QUIET_S * 1000:
                quiet_ms = 0
                if self._moved(connection):
                    self.reconnects += 1
                    break
        socket.close(linger=0)

    def _moved(self, connection: Connection) -> bool:
        try:
            return Connection.read(self._station, self._home) != connection
        except StationUnreachable:
            return True

    def _take(self, frames: list[bytes]) -> None:
        try:
            message = wire.unpack(frames)
        except WireError as error:
            log.warning("passed over a message of the live bus: %s", error)
            return
        self.received += 1
        if self._too_old(message):
            return
        self._rings.put(message)
        self._arrived.set()
