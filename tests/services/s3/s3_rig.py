"""Contents on their way into a store of blobs and out of it, and settings of one that is not there."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hemoview.cloud.settings import Settings


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def pieces(content: bytes) -> Any:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]


async def whole(blobs: Any, sha256: str) -> bytes:
    return b"".join([piece async for piece in blobs.read(sha256)])


def no_bucket(settings: Settings) -> Settings:
    return replace(settings, blobs_url="s3://no-such-bucket/x")
