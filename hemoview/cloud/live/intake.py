"""Bedsides that come over the site's broker: the leader listens there, and takes them through the same door.

A broker hides connections; each message carries the name of its own (:data:`uplink_topics.LINK`), and a bedside is
told by that name why nothing more is taken of it. That a device speaks for itself alone is the broker's affair (by its
certificate), and everything else is ours: it is looked up before its first message, and again every ten seconds with
all others, so a revoked one is heard no longer, whatever its certificate says. Nor is one whose certificate is for a
key from before it was enrolled anew: what the broker knows it by (:func:`uplink_topics.name_of`) says the key too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import aiomqtt
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hemoview.cloud.ending import ended, faults_of
from hemoview.cloud.faults import REFUSALS, state_of
from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.live.connections import LATER_CODE, Ingest, Pace
from hemoview.cloud.live.door import Door, Refusal
from hemoview.cloud.live.mqtt_client import BrokerClient, pause_s
from hemoview.cloud.live.words import Connected
from hemoview.cloud.tables import device
from recorder.sync.uplink import topics as uplink_topics
from recorder.sync.uplink.wire import NO_BED_CODE, REPLACED_CODE, UNKNOWN_CODE

NAME: Final = "hemoview-service-bedsides"
LOOK_S: Final = 1.0
"""How often it is looked whether this replica leads."""
OTHERS_S: Final = 5.0
"""While the database does not answer nobody leads, and bedsides are taken all the same; it answers for so long and this
replica does not lead: another one does."""
ANSWERS_S: Final = 2.0
SILENT_S: Final = 15.0
"""A bedside that has told nothing for so long has left."""
HELD: Final = 20
"""Messages of one bedside that wait for the database, at most."""
TELL_AGAIN_US: Final = 10_000_000
"""A bedside that speaks on though nothing is taken of it may not have heard so."""
OVER_HELD: Final = 8
"""Connections of a device that newer ones have ended, remembered so that they do not come back."""
BROKER: Final = "broker"
"""The origin that the audit log names: a broker tells no address."""

log = logging.getLogger(__name__)


class _Silent(Exception):
    """A bedside has left."""


@dataclass(slots=True, eq=False)
class _Bedside:
    """A connection of one device.

    Args:
        link: its name.
        waiting: what it told, not taken yet.
        told_us: when it was told last that nothing is taken of it; 0: it is heard.
        is_shut: nothing is taken of its device, by whatever connection.
    """

    link: str
    waiting: deque[bytes] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    told_us: int = 0
    is_shut: bool = False
    task: asyncio.Task[None] | None = None

    def put(self, payload: bytes) -> None:
        """Never waits; of a bedside that is ahead of us the oldest goes."""
        if len(self.waiting) >= HELD:
            self.waiting.popleft()
        self.waiting.append(payload)
        self.filled.set()

    async def next(self) -> bytes:
        """What it told first.

        Raises:
            _Silent: nothing.
        """
        while not self.waiting:
            self.filled.clear()
            try:
                async with asyncio.timeout(SILENT_S):
                    await self.filled.wait()
            except TimeoutError as error:
                raise _Silent from error
        return self.waiting.popleft()


@dataclass(frozen=True, slots=True)
class _BrokerLine:
    """How a bedside is told that nothing more is taken of it."""

    intake: Intake
    name: str
    bedside: _Bedside

    async def close(self, code: int, why: str) -> None:
        """With the same codes as a WebSocket."""
        await self.intake.close(self.name, self.bedside, code, why)


class Intake:
    """Of one replica.

    Args:
        door: what is taken.
        access: to the broker.
    """

    def __init__(self, door: Door, access: BusAccess) -> None:
        self._door, self._live, self._access = door, door.live, access
        self._bedsides: dict[str, _Bedside] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paces: dict[str, Pace] = {}
        self._over: dict[str, deque[str]] = {}
        self._client: BrokerClient | None = None
        self._saying = asyncio.Lock()
        self._is_said = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Around the service's life."""
        taking = asyncio.create_task(self._run(), name="live-intake")
        try:
            yield
        finally:
            await ended(taking)

    # ---- the connection

    async def _run(self) -> None:
        tried = 0
        while True:
            if not self._live.service.lead.held:
                await asyncio.sleep(LOOK_S)
                continue
            try:
                await self._connected()
                tried = 0
                continue
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                tried = 1 if self._client is not None else tried + 1
                self._say_away(error)
            except Exception:
                tried += 1
                log.exception("bedsides over the broker: it is tried again")
            finally:
                self._client = None
                self._live.counts.intake.set(0)
            await asyncio.sleep(pause_s(tried))

    async def _connected(self) -> None:
        """From one connection to its end, which is normal where another replica leads by now.

        Raises:
            MqttError, OSError, ValueError: why it ended, or never was.
        """
        client = BrokerClient(self._access, f"{NAME}-{uuid4().hex}")
        try:
            async with client.held():
                await client.listen(uplink_topics.LIVE_OF_ALL, qos=0)
                self._client = client
                self._live.counts.intake.set(1)
                self._say_here()
                both = [
                    asyncio.create_task(self._taking(client)),
                    asyncio.create_task(self._until_another_leads()),
                ]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await ended(*both)
            faults_of(both)
        finally:
            await self._leave_all()

    async def _until_another_leads(self) -> None:
        others_s = 0.0
        while others_s < OTHERS_S:
            await asyncio.sleep(LOOK_S)
            led = self._live.service.lead.held or not await self._database_answers()
            others_s = 0.0 if led else others_s + LOOK_S

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(ANSWERS_S), self._live.service.db.read() as conn:
                await conn.execute(select(device.c.id).limit(1))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    async def _leave_all(self) -> None:
        await ended(*self._tasks)
        self._bedsides.clear()

    def _say_away(self, error: Exception) -> None:
        if not self._is_said:
            host, port = self._access.host, self._access.port
            log.warning(
                "the broker %s:%s does not let bedsides through (%s); they come to the service itself",
                host,
                port,
                error,
            )
        self._is_said = True

    def _say_here(self) -> None:
        if self._is_said:
            log.warning("bedsides come over the broker again")
        self._is_said = False

    # ---- messages

    async def _taking(self, client: BrokerClient) -> None:
        async for message in client.messages:
            name = uplink_topics.teller_of(message.topic.value)
            link = _link_of(message)
            if name and link and isinstance(message.payload, bytes):
                self._take(name, link, message.payload)
            else:
                self._live.counts.refused.labels("malformed").inc()

    def _take(self, name: str, link: str, payload: bytes) -> None:
        if link in self._over.get(name, ()):
            return  # what a broker or a network held back of a connection that a newer one has ended
        bedside = self._bedsides.get(name)
        if bedside is None or bedside.link != link:
            if bedside is not None and bedside.is_shut and self._is_told(bedside):
                return  # it comes again and again: one look in ten seconds is enough
            if not self._comes_at_a_fair_pace(name):
                self._live.counts.refused.labels("too-fast").inc()
                return
            bedside = self._bedsides[name] = _Bedside(link)
        if bedside.told_us and self._is_told(bedside):
            return
        bedside.put(payload)
        if bedside.task is None:
            bedside.told_us, bedside.is_shut = 0, False
            bedside.task = asyncio.create_task(self._serve(name, bedside), name=f"bedside-{name}")
            self._tasks.add(bedside.task)
            bedside.task.add_done_callback(self._tasks.discard)

    def _comes_at_a_fair_pace(self, name: str) -> bool:
        """A connection costs a look into the database, and naming a new one costs a bedside nothing."""
        now_us = self._live.service.now_us()
        return self._paces.setdefault(name, Pace(now_us)).spend(now_us)

    def _is_told(self, bedside: _Bedside) -> bool:
        return 0 <= self._live.service.now_us() - bedside.told_us < TELL_AGAIN_US

    async def _serve(self, name: str, bedside: _Bedside) -> None:
        """Until the bedside falls silent, or is shown out."""
        live, device_id = self._live, uplink_topics.device_of(name)
        line = _BrokerLine(self, name, bedside)
        ingest = Ingest(line, device_id, "", live.service.now_us(), id=bedside.link, until_us=None)
        try:
            await self._listen(ingest, name, bedside)
        except REFUSALS as error:
            log.warning("the live path of %s waits: %s", device_id, state_of(error).value)
            await ingest.end(LATER_CODE, state_of(error).value)
        except _Silent:
            ingest.stop()
        except Exception:
            log.exception("the live path of %s failed inside", device_id)
            await ingest.end(LATER_CODE, "a fault of the service")
        finally:
            bedside.task = None
            bedside.waiting.clear()
            live.connections.left(ingest)
            live.counts.bedsides.set(live.connections.bedsides)
            if not bedside.told_us and self._bedsides.get(name) is bedside:
                del self._bedsides[name]

    async def _listen(self, ingest: Ingest, name: str, bedside: _Bedside) -> None:
        """Let it in, and take what it tells.

        Raises:
            _Silent: it tells nothing more.
            OperationalError: the database does not answer.
        """
        try:
            await self._let_in(ingest, name)
            while not ingest.ended:
                payload = await bedside.next()
                if not ingest.ended:
                    await self._door.take(ingest, payload)
        except Refusal as refusal:
            await self._door.refuse(ingest, refusal, BROKER)

    async def _let_in(self, ingest: Ingest, name: str) -> None:
        """Look the device up: it is here, and its key is still the one that the broker knows it by.

        Raises:
            Refusal: nobody here, or no longer.
        """
        live = self._live
        query = select(device.c.bed_id, device.c.revoked_us, device.c.public_key).where(
            device.c.id == ingest.device_id
        )
        async with live.service.db.read() as conn:
            row = (await conn.execute(query)).first()
        if row is None or row.revoked_us is not None:
            raise Refusal(UNKNOWN_CODE, "revoked", "this device was revoked; enrol it again")
        if not uplink_topics.is_name_of(name, ingest.device_id, row.public_key):
            raise Refusal(UNKNOWN_CODE, "revoked", "this device was enrolled anew since; enrol it again")
        ingest.bed_id = row.bed_id or ""
        live.connections.take_over(ingest)
        now = live.board.beds.get(ingest.bed_id)
        if now is None or now.connection != ingest.id:  # not one that another leader knew already
            live.bus.tell(Connected(ingest.device_id, ingest.id))
        live.counts.bedsides.set(live.connections.bedsides)

    async def close(self, name: str, bedside: _Bedside, code: int, why: str) -> None:
        """Nothing more is taken of this connection: tell its bedside, as long as it speaks."""
        bedside.told_us = self._live.service.now_us()
        bedside.is_shut = code in (UNKNOWN_CODE, NO_BED_CODE)
        if code == REPLACED_CODE:
            over = self._over.setdefault(name, deque(maxlen=OVER_HELD))
            over.append(bedside.link)
        refusal = uplink_topics.Refusal(code, why, bedside.link)
        with contextlib.suppress(aiomqtt.MqttError):
            async with self._saying:
                if self._client is not None:
                    await self._client.say(uplink_topics.refused_topic(name), refusal.to_bytes(), 1)


def _link_of(message: aiomqtt.Message) -> str:
    properties = message.properties
    told = getattr(properties, "UserProperty", ()) if properties is not None else ()
    found = [value for name, value in told if name == uplink_topics.LINK]
    return found[0] if len(found) == 1 and uplink_topics.is_link(found[0]) else ""
