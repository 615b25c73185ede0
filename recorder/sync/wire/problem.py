"""Errors of the service, and the types of them that a bedside understands by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from recorder.sync.fields import Body, lines, of, optional, several, text, whole
from recorder.sync.wire.words import FILES_MAX, SHA256

MISSING_BLOBS: Final = "urn:hemoview:missing-blobs"
REVISION_TAKEN: Final = "urn:hemoview:revision-taken"
OPENING_DIFFERS: Final = "urn:hemoview:opening-differs"
PRODUCTION_ONLY: Final = "urn:hemoview:production-only"
SESSION_ERASED: Final = "urn:hemoview:session-erased"
DEVICE_REVOKED: Final = "urn:hemoview:device-revoked"
CODE_UNKNOWN: Final = "urn:hemoview:code-unknown"


@dataclass(frozen=True, slots=True)
class Problem(Body):
    """An error of the service (RFC 9457); ``missing`` with MISSING_BLOBS, ``rev`` and hash with REVISION_TAKEN."""

    OPEN: ClassVar[bool] = True
    title: str = of(lines(400))
    status: int = of(whole(100, 599))
    type: str = of(text(200), default="about:blank")
    detail: str = of(lines(4_000), default="")
    missing: tuple[str, ...] = of(several(SHA256, FILES_MAX), default=())
    rev: int | None = of(optional(whole(1)), default=None)
    manifest_sha256: str | None = of(optional(SHA256), default=None)
