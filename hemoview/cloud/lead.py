"""Who leads: of all processes on one database exactly one does what only one may do.

A service by itself leads, and refuses to start beside another. Replicas stand side by side; whoever has a lock of the
database leads, and when it dies the lock goes with its connection, and the next one that looks takes it. For a moment
two may believe that they lead (a network that hangs), so what a leader does is right when done twice, only wasteful.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hemoview.cloud.database import Database
from hemoview.cloud.ending import ended
from hemoview.cloud.postgres import LEASE_S
from recorder.errors import ConfigError

PLACE_WITHIN_S: Final = 10.0
"""A server may need a moment to see that the service before this one died."""
LOOK_S: Final = 2.0
"""How often a service looks whether its place is still its own, and a replica whether it leads now."""
ANOTHER: Final = (
    "another service works on this database; stop it or name another database_url; if they are to work together, "
    "set replicas = true for both"
)
_AWAY: Final = (DBAPIError, PoolTimeoutError, OSError)

log = logging.getLogger(__name__)


class Lead:
    """The place of one process.

    Args:
        db: whose locks decide.
        replicas: others may work beside this one.
        look_s: as :data:`LOOK_S`.
    """

    def __init__(self, db: Database, *, replicas: bool, look_s: float = LOOK_S) -> None:
        self._db, self._replicas, self._look_s = db, replicas, look_s
        self._held, self._looked_s = False, time.monotonic()

    @property
    def held(self) -> bool:
        """This process does what only one may do. Work that recurs asks every time.

        A replica that has not looked for so long that the server may have given its place to another does not lead: it
        may have been stopped, and just go on with what it was about to write.
        """
        is_known = not self._replicas or time.monotonic() - self._looked_s < LEASE_S
        return self._held and is_known

    async def begin(self) -> None:
        """Take a place.

        Raises:
            ConfigError: somebody is here who wants to be alone, or this one does and is not.
        """
        deadline = time.monotonic() + PLACE_WITHIN_S
        while not await self._has_place():
            if time.monotonic() > deadline:
                raise ConfigError(ANOTHER)
            await asyncio.sleep(0.2)

    async def keep(self) -> None:
        """Hold the place, also over a restart of the database's server, which forgets who had it.

        Returns:
            Once somebody else has it: this process has to end.
        """
        while self._db.places is not None:
            await asyncio.sleep(self._look_s)
            try:
                if not await self._has_place():
                    self._held = False
                    return
            except _AWAY:
                await self._db.let_go()
                if self._replicas:  # while the server is away nobody has it; back, another may be quicker
                    self._held = False
        await asyncio.Event().wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Around a service's life.

        Raises:
            ConfigError: as :meth:`begin`.
        """
        await self.begin()
        keeping = asyncio.create_task(self._until_displaced(), name="lead")
        try:
            yield
        finally:
            await ended(keeping)
            self._held = False

    async def _until_displaced(self) -> None:
        await self.keep()
        log.critical("another service has taken over this database; this one ends")
        signal.raise_signal(signal.SIGTERM)

    async def _has_place(self) -> bool:
        places, now_s = self._db.places, time.monotonic()
        if places is None:
            self._held = True
        elif not self._replicas:
            self._held = await self._db.hold(places.alone)
            return self._held
        elif not await self._db.hold(places.beside):
            return False
        else:
            led, self._held = self._held, await self._db.hold(places.lead)
            self._looked_s = now_s
            if self._held != led:
                log.info("this replica leads" if self._held else "another replica leads")
        return True
