"""Where the services under test keep their blobs: a folder of their own, or, where ``HEMOVIEW_TEST_CEPH`` names a store
(``make test-services``), a prefix of their own there, for the modules of :data:`MODULES`."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
import pytest
from obstore.store import S3Store

from hemoview.cloud.custody import s3
from hemoview.cloud.custody.blobstore import key_of
from hemoview.cloud.custody.s3_access import Access, Place
from hemoview.cloud.settings import Settings

CEPH = os.environ.get("HEMOVIEW_TEST_CEPH", "")
MODULES = frozenset(
    f"test_{name}"
    for name in (
        *(
            "record_path",
            "custody_chain",
            "custody_erased",
            "custody_given_back",
            "custody_ledger",
            "custody_races",
        ),
        *("bedside_to_service", "reports"),
    )
)
"""What custody promises, whatever the store; the others are about a disk, or about no blobs."""


def use_ceph(patch: pytest.MonkeyPatch) -> None:
    """Settings that name no store mean one in the bucket."""
    told = Settings.read(Path(CEPH), {"folder": Path("/nowhere")})
    own, access = Settings.blobs.fget, Settings.blobs_access.fget
    assert own is not None and access is not None

    def url(settings: Settings) -> str:
        if settings.blobs_url:
            return own(settings)
        return f"{told.blobs_url}/{hashlib.sha256(str(settings.folder.resolve()).encode()).hexdigest()[:16]}"

    def reached(settings: Settings) -> Access:
        return access(settings) if settings.blobs_url else told.blobs_access

    patch.setattr(Settings, "blobs", property(url))
    patch.setattr(Settings, "blobs_access", property(reached))
    patch.setattr(Access, "check", lambda *_: None)


def client_of(settings: Settings) -> S3Store:
    """Somebody with the key, and other things in mind than the service has."""
    return s3.opened(Place.of(settings.blobs), settings.blobs_access)


def lying(settings: Settings, sha256: str) -> Path | InBucket:
    """A blob where it lies, to be tampered with."""
    parts = urlsplit(settings.blobs)
    if parts.scheme == "file":
        return Path(unquote(parts.path)) / key_of(sha256)
    return InBucket(client_of(settings), key_of(sha256))


@dataclass(frozen=True)
class InBucket:
    """What a test does with a path."""

    store: S3Store
    key: str

    def read_bytes(self) -> bytes:
        return bytes(obstore.get(self.store, self.key).bytes())

    def write_bytes(self, content: bytes) -> None:
        obstore.put(self.store, self.key, content, use_multipart=False)

    def unlink(self) -> None:
        obstore.delete(self.store, self.key)
