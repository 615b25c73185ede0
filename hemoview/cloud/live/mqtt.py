"""The live bus over MQTT 5: replicas of a service on a broker that lets only them speak there.

A broker that is away is an ordinary thing: nothing waits for it, nothing is kept for it longer than a few seconds, it
is said once in the log and wherever somebody looks, and the connection comes again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from typing import Any, Final
from uuid import uuid4

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hemoview.cloud.live import bus_wire
from hemoview.cloud.live.bus import Take, Traffic, take_one
from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.live.bus_wire import Here
from hemoview.cloud.live.words import Heard, Word

HEARD: Final = "hv/v1/replicas/heard"
TOLD: Final = "hv/v1/replicas/told"
NAME: Final = "hemoview-service"
AWAY: Final = "the broker does not answer: each replica shows only the beds that are connected to itself"
QUEUED: Final = 2048
"""Words that wait to be sent, or to be taken, at most: some seconds of a large hospital."""
LATE_S: Final = 5
"""What could not be sent, or delivered by the broker, within so long is out of date (safety rule 5: stale)."""
PACKET_BYTES: Final = 128 * 1024
KEEPALIVE_S: Final = 10
ANSWER_S: Final = 5.0
AGAIN_S: Final = (0.2, 3.0)
"""Wait before coming again: at first and at most; each is cut short by chance, so that not all come at once."""
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
            self._running.cancel()
            await asyncio.wait({self._running})

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
            await asyncio.sleep(min(AGAIN_S[1], AGAIN_S[0] * 2 ** min(tried, 8)) * random.uniform(0.5, 1.0))

    async def _connected(self, take: Take) -> None:
        """From one connection to its end.

        Raises:
            MqttError, OSError, ValueError: why it ended, or never was.
        """
        client = _Client(self._access, f"{NAME}-{self.id}")
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
                for task in both:
                    task.cancel()
                ended = await asyncio.gather(*both, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _sending(self, client: _Client) -> None:
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

    async def _send(self, client: _Client, word: Word | Here) -> None:
        topic, qos = (HEARD, 0) if isinstance(word, Heard) else (TOLD, 1)
        self._numbers[topic] += 1
        await client.say(topic, bus_wire.to_bytes(word, self.id, self._numbers[topic]), qos)

    async def _taking(self, client: _Client, take: Take) -> None:
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


class _Client(aiomqtt.Client):
    """A connection that looks at every reason code: aiomqtt throws away why a publication was refused, and waits for
    an answer that a broker which hangs up never gives.
    """

    def __init__(self, access: BusAccess, identifier: str) -> None:
        limits = _properties(PacketTypes.CONNECT)
        limits.MaximumPacketSize = PACKET_BYTES
        super().__init__(
            access.host,
            access.port,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_S,
            queue_type=_Newest,
            max_queued_incoming_messages=QUEUED,
            properties=limits,
            tls_context=access.context(),
        )
        self._reason: ReasonCode | None = None
        self._expires = _properties(PacketTypes.PUBLISH)
        self._expires.MessageExpiryInterval = LATE_S

    @contextlib.asynccontextmanager
    async def held(self) -> Any:
        """Connected within. A connection that is being made when the service ends is made, then ended: a thread is at
        it, which nobody can stop."""
        connecting = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(connecting)
        except BaseException:
            if not connecting.done():
                await asyncio.wait({connecting})
            await self._let_go()
            raise
        try:
            yield
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            await self.__aexit__(None, None, None)
        self._client.disconnect()
        await asyncio.sleep(0)

    async def listen(self, topic: str, *, qos: int) -> None:
        """Subscribe; one's own words do not come back.

        Raises:
            MqttError: the broker does not allow it.
        """
        options = SubscribeOptions(qos=qos, noLocal=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        for code in await self.subscribe(topic, options=options):
            if isinstance(code, ReasonCode) and code.is_failure:
                raise aiomqtt.MqttError(f"may not listen to {topic}: {code}")

    async def say(self, topic: str, payload: bytes, qos: int) -> None:
        """Publish, never retained, and forgotten where nobody takes it in time.

        Raises:
            MqttError: the broker does not allow it, or does not answer.
        """
        self._reason = None
        await self.publish(topic, payload, qos=qos, properties=self._expires)
        reason: ReasonCode | None = self._reason
        if reason is not None and reason.is_failure:
            raise aiomqtt.MqttError(f"may not speak in {topic}: {reason}")

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        self._reason = reason_code
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_disconnect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("hung up before it answered; see its log"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]


class _Newest(asyncio.Queue[aiomqtt.Message]):
    """What has not been taken yet; where there is too much, the oldest goes (its number will be missed)."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Never full."""
        if self.full():
            self.get_nowait()
        super().put_nowait(item)
