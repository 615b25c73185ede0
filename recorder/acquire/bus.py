"""The live bus (lossy, counted) and the command server, over loopback TCP with CURVE.

A full PUB never tells and a stalled SUB keeps the oldest (measured), so every message carries ``bus_seq`` and
receivers count the holes. Nothing here ever waits for a disk or a reader.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import zmq
from zmq.auth.thread import ThreadAuthenticator

from recorder.acquire import wire
from recorder.acquire.commands import CommandDesk
from recorder.acquire.wire import Request, WireError
from recorder.schema import Event, SampleBlock, StationStatus

LOOPBACK: Final = "tcp://127.0.0.1"
SEND_MARK: Final = 4000
"""Messages libzmq may hold per reader before it drops: about 10 s of 16 busy streams."""
QUEUED: Final = 20_000
"""Messages the publisher thread may be behind before the oldest are dropped (and seen as holes)."""

log = logging.getLogger(__name__)

Item = SampleBlock | StationStatus | Event


@dataclass(frozen=True, slots=True)
class Keys:
    """CURVE keys, Z85: the recorder's pair and the one client pair it accepts."""

    server_public: str
    server_secret: str = field(repr=False)
    client_public: str
    client_secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Keys:
        """New ones, for one run of the recorder."""
        server, client = zmq.curve_keypair(), zmq.curve_keypair()
        return cls(server[0].decode(), server[1].decode(), client[0].decode(), client[1].decode())


class _OneClientKey:
    """Accepts the key of the connection file and no other (ZAP credentials provider)."""

    def __init__(self, key: str) -> None:
        self._key = key

    def callback(self, domain: str, key: bytes) -> bool:
        return domain == "station" and key.decode() == self._key


class BusServer:
    """Binds both sockets and runs their threads.

    Args:
        desk: answers commands.
        keys: of this run.
        now_ns: host monotonic time, to measure how long a block took from arrival to the bus.
    """

    def __init__(self, desk: CommandDesk, keys: Keys, now_ns: Callable[[], int]) -> None:
        self.keys = keys
        self.latency = Latency()
        self._desk, self._now_ns = desk, now_ns
        self._context = zmq.Context()
        self._doorkeeper = ThreadAuthenticator(self._context)
        self._doorkeeper.start()
        self._doorkeeper.configure_curve_callback(
            domain="station", credentials_provider=_OneClientKey(keys.client_public)
        )
        self._pub, self.pub_port = self._bind(zmq.PUB)
        self._router, self.router_port = self._bind(zmq.ROUTER)
        self._queue: deque[tuple[Item, int]] = deque(maxlen=QUEUED)
        self._counts: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._publish_all, name="bus-publish", daemon=True),
            threading.Thread(target=self._answer_all, name="bus-answer", daemon=True),
        ]

    def _bind(self, kind: int) -> tuple[zmq.Socket[bytes], int]:
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.sndhwm = SEND_MARK
        socket.curve_server = True
        socket.curve_secretkey = self.keys.server_secret.encode()
        socket.curve_publickey = self.keys.server_public.encode()
        socket.zap_domain = b"station"
        return socket, socket.bind_to_random_port(LOOPBACK)

    def start(self) -> None:
        """Begin to publish and answer."""
        for thread in self._threads:
            thread.start()

    def publish(self, item: Item) -> None:
        """Hand over for publishing; never waits. Numbered here, so that what is dropped later is a hole."""
        topic = _topic(item)
        with self._wake:
            self._counts[topic] += 1
            self._queue.append((item, self._counts[topic]))
            self._wake.notify()

    def close(self) -> None:
        """Stop both threads and give the ports back."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5)
        self._doorkeeper.stop()
        self._pub.close()
        self._router.close()
        self._context.term()

    def _publish_all(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
                items = list(self._queue)
                self._queue.clear()
            for item, bus_seq in items:
                self._pub.send_multipart(self._frames(item, bus_seq), copy=True)

    def _frames(self, item: Item, bus_seq: int) -> list[bytes]:
        if isinstance(item, SampleBlock):
            self.latency.add(self._now_ns() - item.t_host_ns)
            return wire.pack_block(item, bus_seq)
        if isinstance(item, StationStatus):
            return wire.pack_status(item, bus_seq)
        return wire.pack_event(item, bus_seq)

    def _answer_all(self) -> None:
        with (
            ThreadPoolExecutor(1, thread_name_prefix="slow-verb") as slow,
            ThreadPoolExecutor(1, thread_name_prefix="apart-verb") as apart,
        ):
            line = _CommandLine(self._desk, self._router, slow, apart)
            while not self._closing:
                if self._router.poll(line.patience_ms):
                    line.receive(self._router.recv_multipart())
                line.deliver()
            deadline = time.monotonic() + 2  # the reply to `shutdown` is still on its way
            while line.pending and time.monotonic() < deadline:
                line.deliver()
                time.sleep(0.01)


def _topic(item: Item) -> str:
    if isinstance(item, SampleBlock):
        return item.stream_id
    return wire.STATUS if isinstance(item, StationStatus) else wire.EVENT


class _CommandLine:
    """The ROUTER's side of a command: quick verbs at once, slow ones beside, retries from memory.

    ``slow`` and ``apart`` carry out what takes long: a scan of the air, 5 s, holds up no Start.
    """

    def __init__(
        self,
        desk: CommandDesk,
        router: zmq.Socket[bytes],
        slow: ThreadPoolExecutor,
        apart: ThreadPoolExecutor,
    ) -> None:
        self._desk, self._router, self._slow, self._apart = desk, router, slow, apart
        self.pending: dict[str, tuple[bytes, Future[bytes]]] = {}

    @property
    def patience_ms(self) -> int:
        """How long to wait for the next request."""
        return 10 if self.pending else 100

    def receive(self, frames: list[bytes]) -> None:
        sender, body = frames[0], frames[1:]
        try:
            request = wire.unpack_request(body)
        except WireError as error:
            log.warning("a request was no request: %s", error)
            return
        known = self._desk.remembered(request)
        if known is not None:
            self._send(sender, known)
        elif request.request_id in self.pending:  # a retry of one that still runs: answer the newest asker
            self.pending[request.request_id] = (sender, self.pending[request.request_id][1])
        elif self._desk.is_slow(request):
            beside = self._apart if self._desk.is_apart(request) else self._slow
            self.pending[request.request_id] = (sender, beside.submit(self._desk.answer, request))
        else:
            self._send(sender, self._desk.answer(request))

    def deliver(self) -> None:
        """Send the replies of slow verbs that are done."""
        for request_id in [key for key, (_, future) in self.pending.items() if future.done()]:
            sender, future = self.pending.pop(request_id)
            self._send(sender, future.result())

    def _send(self, sender: bytes, reply: bytes) -> None:
        try:
            self._router.send_multipart([sender, reply], zmq.DONTWAIT)
        except zmq.ZMQError as error:  # the asker is gone or stalled; its retry gets the remembered reply
            log.warning("a reply could not be delivered: %s", error)


class Latency:
    """Arrival of the last byte → handed to the bus, of the newest blocks, ns."""

    def __init__(self, keep: int = 2000) -> None:
        self._newest: deque[int] = deque(maxlen=keep)

    def add(self, ns: int) -> None:
        """One block."""
        self._newest.append(ns)

    def percentile_ms(self, q: float) -> float | None:
        """Percentile ``q`` (0–1), ms; None before the first block."""
        ordered = sorted(self._newest.copy())
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] / 1e6 if ordered else None


__all__ = ["BusServer", "Keys", "Latency", "Request"]
