"""A connection of the service to the site's broker: MQTT 5, with every reason code looked at."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from typing import Any, Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hemoview.cloud.live.bus_access import BusAccess
from recorder.sync.uplink.mqtt import properties_of

QUEUED: Final = 2048
"""Words that wait to be sent, or to be taken, at most: some seconds of a large hospital."""
LATE_S: Final = 5
"""What could not be sent, or delivered by the broker, within so long is out of date (safety rule 5: stale)."""
PACKET_BYTES: Final = 128 * 1024
KEEPALIVE_S: Final = 5
"""A broker that hangs is given up after about twice as long."""
ANSWER_S: Final = 5.0
AGAIN_S: Final = (0.2, 3.0)
"""Wait before coming again: at first and at most."""
_QUIET: Final = logging.getLogger(f"{__name__}.quiet")
_QUIET.setLevel(logging.CRITICAL)
"""The libraries' own log: every try to reach a broker that is away would be a line."""


def pause_s(tried: int) -> float:
    """Before the broker is tried again; cut short by chance, so that not all come at once."""
    longest_s = min(AGAIN_S[1], AGAIN_S[0] * 2.0 ** min(tried, 8))
    return float(longest_s * random.uniform(0.5, 1.0))


class BrokerClient(aiomqtt.Client):
    """A connection that looks at every reason code: aiomqtt throws away why a publication was refused, and waits for
    an answer that a broker which hangs up never gives.
    """

    def __init__(self, access: BusAccess, identifier: str) -> None:
        limits = properties_of(PacketTypes.CONNECT)
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
            socket_options=(
                (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            ),  # else each waits for a word of the broker's
            logger=_QUIET,
        )
        self._reason: ReasonCode | None = None
        self._expires = properties_of(PacketTypes.PUBLISH)
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


class _Newest(asyncio.Queue[aiomqtt.Message]):
    """What has not been taken yet; where there is too much, the oldest goes (its number will be missed)."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Never full."""
        if self.full():
            self.get_nowait()
        super().put_nowait(item)
