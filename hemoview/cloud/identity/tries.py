"""Wrong tries as all replicas count them, in their database: who guesses at several is slowed down as at one.

A try that is right costs no write unless somebody failed before it. What is judged at this moment each replica counts
by itself, so a burst at N of them has N times the free tries once, and never again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import case, delete, select

from hemoview.cloud.database import Database, insert_or
from hemoview.cloud.identity.throttle import Throttle
from hemoview.cloud.tables import wrong_try

Counted = Sequence[tuple[Throttle, str]]
KEPT: Final = 10_000
"""Keys; the one not seen for longest goes."""


def digest_of(throttle: Throttle, key: str) -> str:
    """Neither names nor addresses are kept."""
    return hashlib.sha256(f"{throttle.name} {key}".encode()).hexdigest()


async def look(db: Database, counted: Counted, now_us: int) -> None:
    """Learn what all have counted."""
    digests = [digest_of(throttle, key) for throttle, key in counted]
    query = select(wrong_try).where(wrong_try.c.key_sha256.in_(digests))
    async with db.read() as conn:
        found: Mapping[str, tuple[int, int]] = {
            row.key_sha256: (row.failures, row.last_us) for row in await conn.execute(query)
        }
    for (throttle, key), digest in zip(counted, digests, strict=True):
        failures, last_us = found.get(digest, (0, 0))
        throttle.learn(key, failures, last_us, now_us)


async def add(db: Database, counted: Counted, now_us: int) -> None:
    """One more failed."""
    async with db.begin() as conn:
        for throttle, key in counted:
            forgotten = wrong_try.c.last_us < now_us - int(throttle.rule.forget_s * 1e6)
            again = {"failures": case((forgotten, 1), else_=wrong_try.c.failures + 1), "last_us": now_us}
            new = {"key_sha256": digest_of(throttle, key), "failures": 1, "last_us": now_us}
            await conn.execute(insert_or(conn, wrong_try, new, again))
        oldest = select(wrong_try.c.last_us).order_by(wrong_try.c.last_us.desc()).offset(KEPT).limit(1)
        await conn.execute(delete(wrong_try).where(wrong_try.c.last_us <= oldest.scalar_subquery()))


async def forget(db: Database, throttle: Throttle, key: str) -> None:
    """Nothing is held against it; nothing is written where nothing was."""
    mine = wrong_try.c.key_sha256 == digest_of(throttle, key)
    async with db.read() as conn:
        if (await conn.execute(select(wrong_try.c.failures).where(mine))).first() is None:
            return
    async with db.begin() as conn:
        await conn.execute(delete(wrong_try).where(mine))
