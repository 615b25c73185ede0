"""Whether the service can do what it is there for, beyond being alive."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.database import answered_within
from hemoview.cloud.live.room import READY_S, Live
from hemoview.cloud.service import Service
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError

FREE_BYTES: Final = 512 * 2**20
"""Less room than this where sessions are kept: bedsides keep what they have until there is more."""
ANSWERS_S: Final = 3.0
"""A database that takes longer for one row does not answer; no more does a store of blobs for one name."""


async def readiness(service: Service, live: Live) -> list[str]:
    """What is wrong, in words that name nothing of the inside; empty where nothing is."""
    wrong = []
    try:
        await answered_within(ANSWERS_S, _ask(service))
    except (SQLAlchemyError, OSError, TimeoutError):
        wrong.append("the database does not answer")
    try:
        async with asyncio.timeout(ANSWERS_S):
            await service.blobs.check()
    except (StoreAway, TimeoutError):
        wrong.append("the store of blobs does not answer")
    except ConfigError:
        wrong.append("the store of blobs does not take this service")
    if time.monotonic() - live.written_s > READY_S:
        wrong.append("what bedsides tell has not been written for a while")
    if shutil.disk_usage(service.settings.folder).free < FREE_BYTES:
        wrong.append("the disk is nearly full")
    return wrong


async def _ask(service: Service) -> None:
    async with service.db.read() as conn:
        await conn.execute(select(fact.c.name).limit(1))
