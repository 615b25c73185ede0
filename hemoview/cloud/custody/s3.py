"""Blobs in an S3 store: ``PREFIX/ab/cd/<sha256>``, as in a folder.

A body is hashed and counted on the service's own disk first, and goes to the store whole, in one ``PUT``, once it is
known to be right: a name never stands for other bytes, and the same ``PUT`` again is no harm. The store says when it is
durable. No multipart upload, no condition, no rename: every S3 store can do what is asked of it here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import obstore
from obstore.exceptions import BaseError, UnauthenticatedError
from obstore.store import S3Store

from hemoview.cloud.custody.blobstore import NAME, StoreAway, Stored, StoreFull, key_of
from hemoview.cloud.custody.incoming import RESERVE, Incoming
from hemoview.cloud.custody.s3_access import REGION, Access, Place
from recorder.errors import ConfigError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

RANGE: Final = 8 << 20
"""Bytes that are asked for at a time; nearly every blob comes in one answer."""
IN_FLIGHT: Final = 192 << 20
"""Bytes of blobs that are in memory on their way to the store; more wait on the disk."""
_KEY_FOR: Final = timedelta(minutes=5)
"""So long a key counts before its file is read again."""
_CLIENT: Final[ClientConfig] = {"connect_timeout": "3s", "timeout": "30s"}
_RETRY: Final[RetryConfig] = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
"""A store that is away is told within a second where it refuses connections, within a minute where it says nothing."""
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_QUOTA: Final = frozenset({"QuotaExceeded"})
_AT_ONCE: Final = 1000
"""Names of one order to delete, by the protocol."""

_REFUSED: Final = {
    "NoSuchBucket": ("it has no such bucket", "make the bucket, or check blobs_url"),
    "SignatureDoesNotMatch": ("it refuses the secret of the key", "check blobs_credentials_file"),
    "InvalidAccessKeyId": ("it does not know the key", "check blobs_credentials_file"),
    "ExpiredToken": ("the key has run out", "put a new one into blobs_credentials_file"),
    "AccessDenied": (
        "the key may not do this there",
        "let it list the bucket, and read, write and delete objects",
    ),
    "RequestTimeTooSkewed": (
        "its clock and that of this computer differ",
        "set both, by NTP for one",
    ),
    "AuthorizationHeaderMalformed": ("it is of another region", "check blobs_region"),
    "InvalidCertificate": (
        "nobody who is known here vouches for its certificate, or it has run out",
        "name its authority in blobs_ca, or have it renewed",
    ),
    "PermanentRedirect": ("the bucket is at another address", "check blobs_endpoint and blobs_region"),
}
"""What a store says that answers: what that means, and what to do."""
_NO_ANSWER: Final = "the store of blobs does not answer"


class S3Blobs:
    """Adapter of :class:`~hemoview.cloud.custody.blobstore.BlobStore`.

    Args:
        url: ``s3://BUCKET/PREFIX``.
        access: how the store is reached.
        spool: folder of bodies on their way; owner-only; made where it is missing.
        reserve: bytes of its disk that stay free.
    """

    def __init__(self, url: str, access: Access, spool: Path, reserve: int = RESERVE) -> None:
        self._place, self._access = Place.of(url), access
        self._incoming = Incoming(spool, reserve)
        self._memory = _Memory(IN_FLIGHT)
        self._store = opened(self._place, access)

    async def put(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """See the port."""
        async with self._incoming.receive(sha256, size, chunks) as piece:
            await self._incoming.in_thread(piece.compare)
            async with self._memory.of(size):
                await self._send(key_of(sha256), await self._incoming.in_thread(piece.content))

    async def _send(self, key: str, content: bytes) -> None:
        try:
            await obstore.put_async(self._store, key, content, use_multipart=False)
        except (BaseError, FileNotFoundError) as error:
            raise _told(error) from None

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See the port."""
        key = key_of(sha256)
        try:
            found = await obstore.get_async(self._store, key)
            size = int(found.meta["size"])
            if size <= RANGE:
                content = bytes(await found.bytes_async())
                if len(content) != size:
                    raise StoreAway(f"{_NO_ANSWER}: it broke off in the midst of a blob")
                yield content
                return
            del found  # the connection with it: a slow reader must not hold one
            for at in range(0, size, RANGE):
                end = min(at + RANGE, size)
                piece = bytes(await obstore.get_range_async(self._store, key, start=at, end=end))
                if len(piece) != end - at:
                    raise StoreAway(f"{_NO_ANSWER}: it broke off in the midst of a blob")
                yield piece
        except (BaseError, FileNotFoundError) as error:
            await self._must_be_there(error)
            if isinstance(error, FileNotFoundError):
                raise FileNotFoundError("the store of blobs does not have it") from None
            raise _told(error) from None

    async def size(self, sha256: str) -> int | None:
        """See the port."""
        try:
            return int((await obstore.head_async(self._store, key_of(sha256)))["size"])
        except FileNotFoundError as error:
            await self._must_be_there(error)
            return None
        except BaseError as error:
            raise _told(error) from None

    async def delete(self, ids: Sequence[str]) -> None:
        """See the port."""
        try:
            for at in range(0, len(ids), _AT_ONCE):
                await obstore.delete_async(self._store, [key_of(one) for one in ids[at : at + _AT_ONCE]])
        except (BaseError, FileNotFoundError) as error:
            raise _told(error) from None

    async def walk(self) -> AsyncIterator[Stored]:
        """See the port."""
        try:
            async for page in obstore.list(self._store, chunk_size=_AT_ONCE):
                for found in page:
                    name = NAME.match(found["path"])
                    if name and found["path"] == key_of(name[1]):
                        yield Stored(name[1], int(found["size"]))
        except (BaseError, FileNotFoundError) as error:
            raise _told(error) from None

    async def sweep(self) -> int:
        """See the port."""
        return self._incoming.sweep()

    async def check(self) -> None:
        """See the port."""
        try:
            async for _ in obstore.list(self._store, chunk_size=1):
                break
        except (BaseError, FileNotFoundError) as error:
            refused = _REFUSED.get(_code_of(error))
            if refused:
                raise ConfigError(f"{self._where}: {refused[0]}; {refused[1]}") from None
            raise _told(error) from None

    async def _must_be_there(self, error: Exception) -> None:
        """That something is not there counts only where the bucket is: else every blob would seem to be gone. To a
        ``HEAD`` a store answers without a word why.

        Raises:
            StoreAway: it is not, or nobody can tell.
        """
        if isinstance(error, FileNotFoundError) and _code_of(error) != "NoSuchKey":
            with suppress(ConfigError):
                await self.check()
                return
            raise StoreAway("the store of blobs has lost its bucket, or no longer takes our key")

    @property
    def _where(self) -> str:
        at = f" at {self._access.endpoint}" if self._access.endpoint else ""
        return f"blobs_url s3://{self._place.bucket}{at}"


class _Memory:
    """So many bytes and no more; who asks first is first."""

    def __init__(self, n_bytes: int) -> None:
        self._free = n_bytes
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def of(self, n_bytes: int) -> AsyncIterator[None]:
        async with self._turn:
            while self._free < n_bytes:
                self._given_back.clear()
                await self._given_back.wait()
            self._free -= n_bytes
        try:
            yield
        finally:
            self._free += n_bytes
            self._given_back.set()


def opened(place: Place, access: Access) -> S3Store:
    """A client of it."""
    client: ClientConfig = {**_CLIENT, "allow_http": access.is_open}
    if access.ca:
        client["root_certificate"] = access.ca.read_bytes()
    config: S3Config = {"unsigned_payload": False}  # the store compares what came with its hash
    if access.endpoint:
        config["aws_endpoint_url_s3"] = access.endpoint  # before any of the environment's
    if access.region or access.endpoint:
        config["region"] = access.region or REGION
    more: dict[str, Any] = {"credential_provider": _credentials(access)} if access.credentials_file else {}
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=config,
        client_options=client,
        retry_config=_RETRY,
        **more,
    )


def _credentials(access: Access) -> Any:
    def read() -> S3Credential:
        key = access.key()
        return {
            "access_key_id": key.id,
            "secret_access_key": key.secret,
            "token": key.token,
            "expires_at": datetime.now(UTC) + _KEY_FOR,
        }

    return read


def _code_of(error: Exception) -> str:
    """The store's own; a reply without a body has none, nor has what comes before a reply."""
    if "InvalidCertificate" in str(error):
        return "InvalidCertificate"
    found = _CODE.search(str(error))
    if found:
        return found[1]
    status = _STATUS.search(str(error))
    return {"403": "AccessDenied", "301": "PermanentRedirect"}.get(status[1], "") if status else ""


def _told(error: Exception) -> Exception:
    """What it means, without a word of the store's: addresses and keys may be in them."""
    code = _code_of(error)
    if code in _QUOTA:
        return StoreFull("the store of blobs is full")
    if code in _REFUSED:
        return StoreAway(f"the store of blobs cannot be used: {_REFUSED[code][0]}")
    if isinstance(error, UnauthenticatedError):
        return StoreAway("the store of blobs is not asked: there is no key; check blobs_credentials_file")
    return StoreAway(_NO_ANSWER)
