"""Where blobs lie: the port. Each adapter passes ``tests/contracts/test_blob_store.py``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol


class WrongContent(Exception):
    """The bytes that came are not those that were announced; says which and how. Nothing was stored."""


class StoreFull(Exception):
    """There is no space for it. Nothing was stored."""


class StoreAway(Exception):
    """The store does not answer, or does not take us; why, in words for whoever waits, without addresses and keys.

    Nothing is said about what lies in it: a blob is neither damaged nor gone for that. No :class:`OSError`, which is
    one blob's. Try again later.
    """


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that lies in the store."""

    sha256: str
    bytes: int


class BlobStore(Protocol):
    """Immutable blobs by their hash. Ids are 64 lower-case hexadecimal digits, checked by the caller.

    Everything but :meth:`sweep` raises :class:`StoreAway` where the store is.
    """

    async def put(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """Store one, hashing while it comes; on the disk when this returns. Storing it again changes nothing.

        Raises:
            WrongContent: the hash or the length of ``chunks`` is another.
            StoreFull: no space.
            StoreAway: it may be there or not; the same again is no harm.
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
        """Remove what an interrupted :meth:`put` left here; only while none runs. Returns how many pieces it were."""
        ...

    async def check(self) -> None:
        """Ask whether it is there.

        Raises:
            StoreAway: it does not answer.
            ConfigError: it answers, and something in the settings is wrong: says what to do.
        """
        ...


NAME: Final = re.compile(r"(?:.*/)?([0-9a-f]{64})\Z")
"""Of a file or object that can be a blob."""


def key_of(sha256: str) -> str:
    """Its file or object, the same in every store: what copies a folder into a bucket needs to know nothing."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
