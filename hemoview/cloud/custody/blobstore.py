"""Where blobs lie: the port. Adapters are chosen by URL; each passes ``tests/contracts/test_blob_store.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote, urlparse

from recorder.errors import ConfigError

BLOB_MAX_BYTES: Final = 64 << 20
"""The largest blob; also a limit of the wire (``recorder.sync.wire``)."""


class WrongContent(Exception):
    """The bytes that came are not those that were announced; says which and how. Nothing was stored."""


class StoreFull(Exception):
    """There is no space for it. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that lies in the store."""

    sha256: str
    bytes: int


class BlobStore(Protocol):
    """Immutable blobs by their hash. Ids are 64 lower-case hexadecimal digits, checked by the caller."""

    async def put(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """Store one, hashing while it comes; on the disk when this returns. Storing it again changes nothing.

        Raises:
            WrongContent: the hash or the length of ``chunks`` is another.
            StoreFull: no space.
        """
        ...

    def read(self, sha256: str) -> AsyncIterator[bytes]:
        """Its bytes, in pieces.

        Raises (when read):
            FileNotFoundError: it is not here.
            OSError: it is, and cannot be read.
        """
        ...

    async def size(self, sha256: str) -> int | None:
        """Its length in bytes; None where it is not here."""
        ...

    async def delete(self, ids: Sequence[str]) -> None:
        """Remove them; those that are not here are passed over."""
        ...

    def walk(self) -> AsyncIterator[Stored]:
        """All of them, in any order."""
        ...

    async def sweep(self) -> int:
        """Remove what an interrupted :meth:`put` left; only while none runs. Returns how many pieces it were."""
        ...


def open_store(url: str) -> BlobStore:
    """The store behind ``url``.

    Raises:
        ConfigError: a kind of store that is none of ours.
    """
    from hemoview.cloud.custody.local import LocalBlobs  # noqa: PLC0415 - only the adapter that is wanted

    parts = urlparse(url)
    if parts.scheme == "file":
        return LocalBlobs.at(unquote(parts.path))
    raise ConfigError(f"blobs_url {url!r}: file:///FOLDER is wanted")
