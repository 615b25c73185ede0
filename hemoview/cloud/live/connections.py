"""Who is connected: one bedside per device, any number of browsers; devices are looked up again while they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

from sqlalchemy import or_, select, update

from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.tables import device
from recorder.sync.uplink import wire as uplink_wire

TOKEN_US: Final = 15 * 60_000_000
"""A connection lives no longer than the token that opened it may."""

HEARD_EVERY_US: Final = 60_000_000
BURST: Final = 20.0
"""Messages a bedside may send at once, after a stall of the network."""
PER_S: Final = 3.0
TAKEN_OVER: Final = "another connection of this device took over"
LATER_CODE: Final = 1013
"""Of WebSocket itself (RFC 6455): come again; the database does not answer."""
OWNERS_HELD: Final = 10_000
"""Sessions of which it is remembered what device introduced them; the database knows them all but the newest."""
SEATS: Final = 50
"""Live connections of one account at once: tabs and screens, never a stolen log-in that takes the memory of all."""


class Line(Protocol):
    """How a bedside is told that nothing more is taken of it."""

    async def close(self, code: int, why: str) -> None:
        """Once, with one of the codes of ``uplink_wire``; may wait for the other side."""
        ...


@dataclass(slots=True)
class Pace:
    """A leaky bucket."""

    at_us: int
    left: float = BURST

    def spend(self, now_us: int) -> bool:
        """Whether one more is within the pace."""
        self.left = min(BURST, self.left + max(0, now_us - self.at_us) / 1e6 * PER_S)
        self.at_us = now_us
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True, eq=False)
class Ingest:
    """A bedside's connection, by whichever line.

    Args:
        bed_id: where the device stands; empty while it stands nowhere.
        opened_us, heard_us: service's clock; 0 before the first message that was taken.
        id: of this connection among all of the device.
        session_id: whose owner was looked up last.
        until_us: it lives no longer than the token that opened it; None: no token did.
        ended: it was closed by us: what still comes is not taken.
    """

    line: Line
    device_id: str
    bed_id: str
    opened_us: int
    id: str = field(default_factory=lambda: uuid4().hex)
    session_id: str = field(default="")
    until_us: int | None = field(default=None)
    ended: bool = field(default=False)
    heard_us: int = field(default=0)
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.opened_us)

    async def end(self, code: int, why: str) -> None:
        """Close it once."""
        if self.stop():
            await self.close(code, why)

    def stop(self) -> bool:
        """Nothing more is taken of it from here on; False where that was so already."""
        was, self.ended = self.ended, True
        return not was

    async def close(self, code: int, why: str) -> None:
        """Tell the other side, and wait for it to let go."""
        with contextlib.suppress(RuntimeError):  # it is gone already
            await self.line.close(code, why[:120])


class Connections:
    """All of them.

    Args:
        service: to look devices up again.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ingests: dict[str, Ingest] = {}
        self._wards: Counter[str] = Counter()
        self._seats: Counter[str] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def wards(self) -> tuple[str, ...]:
        """That somebody watches."""
        return tuple(self._wards)

    @property
    def bedsides(self) -> int:
        """Connected now."""
        return len(self._ingests)

    @contextmanager
    def watching(self, ward_id: str) -> Iterator[None]:
        """A browser looks at a ward."""
        self._wards[ward_id] += 1
        try:
            yield
        finally:
            self._wards[ward_id] -= 1
            if not self._wards[ward_id]:
                del self._wards[ward_id]

    @contextmanager
    def seat(self, person_id: str) -> Iterator[None]:
        """One more connection of a person.

        Raises:
            Problem: 429, they have as many as anybody may.
        """
        if self._seats[person_id] >= SEATS:
            raise Problem(429, f"this account watches in {SEATS} places already; close some of them")
        self._seats[person_id] += 1
        try:
            yield
        finally:
            self._seats[person_id] -= 1
            if not self._seats[person_id]:
                del self._seats[person_id]

    def take_over(self, ingest: Ingest) -> None:
        """The newest connection of a device is the one that speaks."""
        before = self._ingests.get(ingest.device_id)
        self._ingests[ingest.device_id] = ingest
        if before is not None:
            self._show_out(before, uplink_wire.REPLACED_CODE, TAKEN_OVER)

    def replaced(self, device_id: str, by: str) -> None:
        """A newer connection of it, ``by``, is at another replica."""
        ingest = self._ingests.get(device_id)
        if ingest is not None and ingest.id != by:
            self._show_out(ingest, uplink_wire.REPLACED_CODE, TAKEN_OVER)

    def left(self, ingest: Ingest) -> None:
        """It is closed."""
        if self._ingests.get(ingest.device_id) is ingest:
            del self._ingests[ingest.device_id]

    def end(self, device_id: str, code: int, why: str) -> None:
        """End the connection of a device, if there is one."""
        ingest = self._ingests.get(device_id)
        if ingest is not None:
            self._show_out(ingest, code, why)

    def _show_out(self, ingest: Ingest, code: int, why: str) -> None:
        """Closing waits for the other side, which may be gone: nobody else waits for that."""
        if ingest.stop():
            closing = asyncio.create_task(ingest.close(code, why))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def check(self) -> None:
        """End connections whose device was revoked or enrolled anew, or whose token has run out."""
        if not self._ingests:
            return
        now_us = self._service.now_us()
        known_of = (device.c.id, device.c.bed_id, device.c.revoked_us, device.c.enrolled_us)
        query = select(*known_of).where(device.c.id.in_(self._ingests))
        async with self._service.db.read() as conn:
            known = {row.id: row for row in (await conn.execute(query)).all()}
        for ingest in list(self._ingests.values()):
            row = known.get(ingest.device_id)
            if row is None or row.revoked_us is not None:
                self._show_out(ingest, uplink_wire.UNKNOWN_CODE, "this device was revoked; enrol it again")
            elif ingest.opened_us < row.enrolled_us <= now_us:  # by a key of before
                self._show_out(ingest, uplink_wire.UNKNOWN_CODE, "this device was enrolled anew")
            elif ingest.until_us is not None and now_us > ingest.until_us:
                self._show_out(
                    ingest, uplink_wire.UNKNOWN_CODE, "the token has run out; come again with a new one"
                )
            else:
                ingest.bed_id = row.bed_id or ""
        await self._note_heard(now_us)

    async def _note_heard(self, now_us: int) -> None:
        """A bedside that streams has been heard, whether it brings files or not; kept once a minute."""
        heard = [i.device_id for i in self._ingests.values() if now_us - i.heard_us < HEARD_EVERY_US]
        if not heard:
            return
        is_old = or_(device.c.last_seen_us.is_(None), device.c.last_seen_us <= now_us - HEARD_EVERY_US)
        async with self._service.db.read() as conn:
            old = (
                (await conn.execute(select(device.c.id).where(device.c.id.in_(heard), is_old)))
                .scalars()
                .all()
            )
        if old:
            async with self._service.db.begin() as conn:
                await conn.execute(update(device).where(device.c.id.in_(old)).values(last_seen_us=now_us))
