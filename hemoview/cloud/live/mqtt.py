"""The live bus over MQTT 5: replicas of a service on a broker that lets only them speak there.

A broker that is away is an ordinary thing: nothing waits for it, nothing is kept for it longer than a few seconds, it
is said once in the log and wherever somebody looks, and the connection comes again by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Final
from uuid import uuid4

import aiomqtt

from hemoview.cloud.ending import ended, faults_of
from hemoview.cloud.live import bus_wire
from hemoview.cloud.live.bus import Take, Traffic, take_one
from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.live.bus_wire import Here
from hemoview.cloud.live.mqtt_client import LATE_S, QUEUED, BrokerClient, pause_s
from hemoview.cloud.live.words import Heard, Word

HEARD: Final = "hv/v1/replicas/heard"
TOLD: Final = "hv/v1/replicas/told"
NAME: Final = "hemoview-service"
AWAY: Final = "the broker does not answer: each replica shows only the beds that are connected to itself"
SENDERS: Final = 64

log = logging.getLogger(__name__)


class MqttBus:
    """As one replica has it.

    Args:
        access: to the broker.
    """

    def __init__(self, access: BusAccess) -> None:
        self.traffic = Traffic()
        self.id = uuid4().hex
        self._access = access
        self._away = AWAY
        self._out: deque[tuple[float, Word]] = deque()
        self._filled = asyncio.Event()
        self._numbers = dict.fromkeys((HEARD, TOLD), 0)
        self._newest: dict[tuple[str, str], int] = {}
        self._is_said = False
        self._running: asyncio.Task[None] | None = None

    @property
    def is_shared(self) -> bool:
        """With whoever else is at the broker."""
        return True

    @property
    def away(self) -> str:
        """What it means for who watches; empty while the broker answers."""
        return self._away

    async def open(self, take: Take) -> None:
        """Begin; the broker may come later."""
        self._running = asyncio.create_task(self._run(take), name="live-bus")

    async def close(self) -> None:
        """End."""
        if self._running is not None:
            await ended(self._running)

    def tell(self, word: Word) -> None:
        """To all others, if the broker takes it soon."""
        if len(self._out) >= QUEUED:
            self._out.popleft()
            self.traffic.given_up += 1
        self._out.append((time.monotonic(), word))
        self._filled.set()

    # ---- the connection

    async def _run(self, take: Take) -> None:
        tried = 0
        while True:
            try:
                await self._connected(take)
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                tried = 1 if not self._away else tried + 1
                self._say_away(error)
            except Exception as error:
                tried += 1
                self._away = AWAY
                log.exception("a fault of the bus (%s); it is tried again", type(error).__name__)
            await asyncio.sleep(pause_s(tried))

    async def _connected(self, take: Take) -> None:
        """From one connection to its end.

        Raises:
            MqttError, OSError, ValueError: why it ended, or never was.
        """
        client = BrokerClient(self._access, f"{NAME}-{self.id}")
        async with client.held():
            await client.listen(HEARD, qos=0)
            await client.listen(TOLD, qos=1)
            await self._send(client, Here())  # a broker that does not let us speak says so here
            self._say_here()
            both = [
                asyncio.create_task(self._sending(client)),
                asyncio.create_task(self._taking(client, take)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await ended(*both)
        faults_of(both)

    async def _sending(self, client: BrokerClient) -> None:
        while True:
            while not self._out:
                self._filled.clear()
                await self._filled.wait()
            since_s, word = self._out.popleft()
            if time.monotonic() - since_s > LATE_S:
                self.traffic.given_up += 1
                continue
            try:
                await self._send(client, word)
            except aiomqtt.MqttError:
                self.traffic.given_up += 1
                raise
            self.traffic.told += 1

    async def _send(self, client: BrokerClient, word: Word | Here) -> None:
        topic, qos = (HEARD, 0) if isinstance(word, Heard) else (TOLD, 1)
        self._numbers[topic] += 1
        await client.say(topic, bus_wire.to_bytes(word, self.id, self._numbers[topic]), qos)

    async def _taking(self, client: BrokerClient, take: Take) -> None:
        async for message in client.messages:
            topic, payload = message.topic.value, message.payload
            try:
                sender, number, word = bus_wire.from_bytes(payload if isinstance(payload, bytes) else b"")
            except bus_wire.Unreadable as error:
                self.traffic.ignored += 1
                log.debug("%s: passed over (%s)", topic, error)
                continue
            if sender == self.id:
                continue
            self._note_missing(topic, sender, number)
            if isinstance(word, Here):
                log.info("another replica is at the broker")
            else:
                take_one(take, word, self.traffic)

    def _note_missing(self, topic: str, sender: str, number: int) -> None:
        before = self._newest.get((topic, sender), 0)
        if before and number > before + 1:
            self.traffic.missed += number - before - 1
        if not before and len(self._newest) >= SENDERS:  # replicas that ended long ago
            self._newest.clear()
        self._newest[topic, sender] = number

    # ---- said once

    def _say_away(self, error: Exception) -> None:
        if not self._is_said:
            log.warning("%s (%s:%s: %s)", AWAY, self._access.host, self._access.port, error)
        self._is_said, self._away = True, AWAY

    def _say_here(self) -> None:
        if self._is_said:
            log.warning("the broker answers again")
        self._is_said, self._away = False, ""
