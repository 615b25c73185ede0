"""The audit log: who did what to what, and how it ended. Append-only; each entry's hash covers the one before.

The database refuses to change or delete entries (:mod:`.database`); who gets around that is seen: a changed, dropped
or inserted entry breaks the chain from there on (:func:`verify`). Cutting off the end does not: who
wants to prove that keeps the newest hash elsewhere (``hemoview audit verify`` prints it).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.tables import audit

START: Final = "0" * 64
OK, REFUSED = "ok", "refused"
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Args:
        actor: ``user:NAME``, ``device:ID``, ``service`` or ``nobody``.
        action: a verb with its room, such as ``login``, ``blob.put``, ``session.erase``.
        object: what it was done to, by id; never a pseudonym.
        outcome: ``ok`` or ``refused``.
        origin: where the request came from.
        detail: JSON text; no samples, no free text of people.
    """

    at_us: int
    actor: str
    action: str
    object: str = ""
    outcome: str = OK
    origin: str = ""
    detail: str = "{}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``entries`` were read; ``broken_at`` is the number of the first that does not fit, None where all do."""

    entries: int
    head: str
    broken_at: int | None


def digest(no: int, entry: Entry, prev_hash: str) -> str:
    """SHA-256 of an entry, its number and the hash before, as hex."""
    told = json.dumps(
        [no, asdict(entry), prev_hash], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(told.encode()).hexdigest()


async def append(conn: AsyncConnection, entry: Entry) -> None:
    """Add an entry within the caller's transaction: what is done and its line in the log stand or fall together."""
    last = (await conn.execute(select(audit.c.no, audit.c.hash).order_by(audit.c.no.desc()).limit(1))).first()
    no, before = (last.no + 1, last.hash) if last else (1, START)
    await conn.execute(
        insert(audit).values(no=no, **asdict(entry), prev_hash=before, hash=digest(no, entry, before))
    )


async def verify(conn: AsyncConnection) -> Verdict:
    """Read the whole chain."""
    before, expected = START, 1
    while True:
        rows = (
            await conn.execute(select(audit).where(audit.c.no >= expected).order_by(audit.c.no).limit(_PAGE))
        ).all()
        for row in rows:
            if row.no != expected or row.prev_hash != before or row.hash != _rehash(row):
                return Verdict(expected - 1, before, expected)
            before, expected = row.hash, expected + 1
        if not rows:
            break
    count = (await conn.execute(select(func.count()).select_from(audit))).scalar_one()
    return Verdict(count, before, None if count == expected - 1 else 0)


async def has(conn: AsyncConnection, head: str) -> bool:
    """Whether an entry with this hash is there: one that was the newest once, and was kept elsewhere."""
    return (await conn.execute(select(audit.c.no).where(audit.c.hash == head))).first() is not None


def _rehash(row: Row[Any]) -> str:
    entry = Entry(row.at_us, row.actor, row.action, row.object, row.outcome, row.origin, row.detail)
    return digest(row.no, entry, row.prev_hash)
