"""Whether the store of blobs is the one that the database is about, before anybody believes what it lacks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.database import Database
from hemoview.cloud.service import Service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import blob, blob_is_whole
from recorder.counted import counted
from recorder.errors import ConfigError

_GOES_ON: Final = "The ward is shown all the same; sessions stay at the bedsides until it can be used"


async def look(settings: Settings) -> str:
    """Before anything listens: what is to be said where the store of blobs cannot be used; empty where it can.

    The database is up to date by then. A service starts without its store: the ward is shown, and bedsides keep their
    sessions until it is back.

    Raises:
        ConfigError: something in the settings is wrong, and no blob was ever stored by them.
    """
    try:
        await open_blobs(settings).check()
    except StoreAway as error:
        return f"{error}. {_GOES_ON}"
    except ConfigError as error:
        if not await _has_blobs(settings):
            raise
        return f"{error}. {_GOES_ON}"
    return ""


async def _has_blobs(settings: Settings) -> bool:
    db = Database(settings.database)
    try:
        async with db.read() as conn:
            return (await conn.execute(select(blob.c.sha256).limit(1))).first() is not None
    finally:
        await db.close()


async def must_hold_ours(service: Service) -> None:
    """Refuse a store that holds nothing where the database lists blobs: another bucket, a prefix mistyped, a disk that
    is not mounted. Each of them would be marked gone, and every bedside asked for all it ever sent.

    Raises:
        ConfigError: says what to do.
        StoreAway: nobody can tell now.
    """
    async with service.db.read() as conn:
        query = select(func.count()).select_from(blob).where(blob_is_whole())
        count = (await conn.execute(query)).scalar_one()
    if not count:
        return
    async for _ in service.blobs.walk():
        return
    raise ConfigError(
        f"{service.settings.blobs}: is empty, and the database lists {counted(count, 'blob')}. Is it the right bucket "
        "and prefix, or is a disk not mounted? If they are lost for good, put a backup back with hemoview restore"
    )
