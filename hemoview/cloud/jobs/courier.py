"""procrastinate 3.10 made to outlive its server: what it leaves unnoticed while that is away is noticed here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from psycopg import OperationalError
from sqlalchemy.exc import DBAPIError

CONNECTIONS: Final = 4
"""Kept beside those of the service itself; one more listens."""
FAULT_S: Final = 2.0
"""So long is a connection waited for; so long it rests when the server refuses."""
AWAY: Final = (DBAPIError, ConnectorException, OperationalError)
"""For ``except``: the server refuses, by whichever way it was asked."""


class _Listening(PsycopgConnector):
    """Listens again when the server is back; procrastinate's own listener ends without a word."""

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Until cancelled."""
        names = list(channels)
        while True:
            with suppress(ConnectorException):
                await super().listen_notify(on_notification, names)
            await asyncio.sleep(FAULT_S)


class Telling(JobManager):
    """Says when the end of a delivery could not be written.

    Such a delivery stays with a worker that lives, and so with nobody: that worker has to end.
    """

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.unsaid = asyncio.Event()

    async def finish_job(self, *args: Any, **kwargs: Any) -> None:
        """As procrastinate does."""
        await self._told(super().finish_job(*args, **kwargs))

    async def retry_job(self, *args: Any, **kwargs: Any) -> None:
        """As procrastinate does."""
        await self._told(super().retry_job(*args, **kwargs))

    async def _told(self, writing: Any) -> None:
        try:
            await writing
        except ConnectorException:
            self.unsaid.set()
            raise


def app_on(libpq: dict[str, Any]) -> tuple[App, Telling]:
    """A procrastinate that is used once, and what ends its deliveries.

    Args:
        libpq: arguments of ``psycopg.connect``.
    """
    connector = _Listening(
        kwargs=libpq,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=FAULT_S,
        reconnect_timeout=FAULT_S,  # else it waits twice as long each time
    )
    app = App(connector=connector)
    app.job_manager = telling = Telling(connector)
    return app, telling
