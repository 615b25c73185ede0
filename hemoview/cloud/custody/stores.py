"""Which blob store the settings ask for, by its URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from hemoview.cloud.custody.blobstore import BlobStore
from hemoview.cloud.custody.s3_access import Access
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError


def open_blobs(settings: Settings) -> BlobStore:
    """Where the settings say."""
    return open_store(settings.blobs, settings.blobs_access, settings.spool)


def open_store(url: str, access: Access | None = None, spool: Path | None = None) -> BlobStore:
    """The store behind ``url``.

    Args:
        access, spool: to a store that is elsewhere; see :class:`~hemoview.cloud.custody.s3.S3Blobs`.

    Raises:
        ConfigError: a kind of store that is none of ours.
    """
    parts = urlparse(url)
    if parts.scheme == "file":
        from hemoview.cloud.custody.local import LocalBlobs  # noqa: PLC0415 - only the adapter that is wanted

        return LocalBlobs.at(unquote(parts.path))
    if parts.scheme == "s3" and spool is not None:
        from hemoview.cloud.custody.s3 import S3Blobs  # noqa: PLC0415

        return S3Blobs(url, access or Access(), spool)
    shown = url if "@" not in url else f"{parts.scheme}://…"
    raise ConfigError(f"blobs_url {shown!r}: file:///FOLDER or s3://BUCKET/PREFIX is wanted")
