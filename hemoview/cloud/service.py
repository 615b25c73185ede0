"""What a request may use of the service."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import uuid4

from fastapi import Depends
from sqlalchemy import insert, select
from starlette.requests import HTTPConnection

from hemoview.cloud.custody.blobstore import BlobStore, open_store
from hemoview.cloud.custody.ledger import Ledger
from hemoview.cloud.database import Database
from hemoview.cloud.identity.throttle import Doors
from hemoview.cloud.keys import FileKeys, KeyStore
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import fact

if TYPE_CHECKING:
    from hemoview.cloud.principals import Principal

_TOKENS_KEPT: Final = 4096
P = TypeVar("P")


def wall_us() -> int:
    """Microseconds UTC."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Service:
    """Made once by :func:`open_service`; ``request.app.state.service``.

    Args:
        settings: as read.
        db: transactions.
        keys: the service's own.
        blobs: where the content of sessions lies.
        ledger: which of them are here.
        server_id: of this database; bedsides pin it.
        now_us: the clock, so that tests can turn it.
        known_tokens: device tokens checked a moment ago.
        doors: counts who tries what how often.
        parts: what a room keeps while it runs, by its type; its routes find it with :meth:`part`.
    """

    settings: Settings
    db: Database
    keys: KeyStore
    blobs: BlobStore
    ledger: Ledger
    server_id: str
    now_us: Callable[[], int] = wall_us
    known_tokens: dict[str, tuple[Principal, int]] = field(default_factory=dict)
    doors: Doors = field(default_factory=Doors)
    parts: dict[type[Any], Any] = field(default_factory=dict)

    def part(self, kind: type[P]) -> P:
        """What the room that made a ``kind`` keeps."""
        found: P = self.parts[kind]
        return found

    def remember_token(self, token: str, principal: Principal, until_us: int) -> None:
        """Believe ``token`` until then."""
        if len(self.known_tokens) >= _TOKENS_KEPT:
            self.known_tokens.clear()
        self.known_tokens[token] = (principal, until_us)

    def forget_tokens(self, device_id: str) -> None:
        """A device was revoked: its tokens are looked up again at once."""
        gone = [token for token, (who, _) in self.known_tokens.items() if who.id == device_id]
        for token in gone:
            del self.known_tokens[token]

    async def close(self) -> None:
        """Let go of everything."""
        await self.db.close()


async def open_service(settings: Settings, now_us: Callable[[], int] = wall_us) -> Service:
    """Database brought up to date, keys read or made, the service's id read or made.

    Raises:
        ConfigError: a key that is none, or a database of a newer HemoView.
    """
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = Database(settings.database)
    try:
        await db.upgrade()
        async with db.read() as conn:
            known = (await conn.execute(select(fact.c.value).where(fact.c.name == "server_id"))).scalar()
        keys = FileKeys(settings.keys, may_make=known is None)
        server_id = known or str(uuid4())
        if known is None:
            async with db.begin() as conn:
                await conn.execute(insert(fact).values(name="server_id", value=server_id))
    except BaseException:
        await db.close()
        raise
    return Service(settings, db, keys, open_store(settings.blobs), Ledger(db), server_id, now_us)


def service_of(request: HTTPConnection) -> Service:
    """The service behind a request; a dependency."""
    service: Service = request.app.state.service
    return service


async def _here(request: HTTPConnection) -> Service:
    return service_of(
        request
    )  # a dependency that is no coroutine is run in a thread, which costs more than it does


Here = Annotated[Service, Depends(_here)]
"""A parameter of a route: the service it is asked of."""
