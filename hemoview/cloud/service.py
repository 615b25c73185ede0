"""What a request may use of the service."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from uuid import uuid4

from fastapi import Depends
from sqlalchemy import select
from starlette.requests import HTTPConnection

from hemoview.cloud.custody.blobstore import BlobStore
from hemoview.cloud.custody.ledger import Ledger
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.database import Database, insert_new
from hemoview.cloud.identity.throttle import Doors
from hemoview.cloud.keys import FileKeys, KeyStore
from hemoview.cloud.lead import Lead
from hemoview.cloud.principals import Principal
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError

_TOKENS_KEPT: Final = 4096
_KEY: Final = "wrapping_key_id"
_NOT_THESE: Final = (
    "are keys of another service than the database is of, and with them no session of it opens; name its keys_folder, "
    "or put the backup of its keys back"
)
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
        lead: whether this process does what only one may do.
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
    lead: Lead
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
        ConfigError: a key that is none, keys that are not those of this database, or it is of a newer HemoView.
    """
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = Database(settings.database)
    try:
        await db.upgrade()
        server_id, keys = await _id_and_keys(db, settings.keys)
    except BaseException:
        await db.close()
        raise
    lead = Lead(db, replicas=settings.replicas)
    blobs = open_blobs(settings)
    return Service(settings, db, keys, blobs, Ledger(db, blobs.size), lead, server_id, now_us)


async def _id_and_keys(db: Database, folder: Path) -> tuple[str, FileKeys]:
    async with db.begin() as conn:
        known = {row.name: row.value for row in await conn.execute(select(fact))}
        keys = FileKeys(folder, may_make="server_id" not in known)
        if known.get(_KEY, keys.wrapping_id) != keys.wrapping_id:
            raise ConfigError(f"{folder}: {_NOT_THESE}")
        told = {"server_id": known.get("server_id") or str(uuid4()), _KEY: keys.wrapping_id}
        await insert_new(conn, fact, [{"name": name, "value": value} for name, value in told.items()])
    return told["server_id"], keys


def service_of(request: HTTPConnection) -> Service:
    """The service behind a request; a dependency."""
    service: Service = request.app.state.service
    return service


async def _here(request: HTTPConnection) -> Service:
    # A dependency that is no coroutine is run in a thread, which costs more than it does.
    return service_of(request)


Here = Annotated[Service, Depends(_here)]
"""A parameter of a route: the service it is asked of."""
