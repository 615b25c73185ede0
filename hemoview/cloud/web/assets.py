"""Everything under ``resources/web``, read once, under one name that changes with any byte of it.

The name is part of every address (``/assets/NAME/js/main.js``), so a browser may keep what it has for ever, modules
find each other by relative paths, and nothing of two versions is ever mixed.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from recorder.host import places

KINDS: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; anything else in the folder (licences, notes) is for people who read it."""
PAGE: Final = "index.html"
VERSION: Final = "@version@"
"""Stands in the page for the name of these assets."""
ICON: Final = "icon.svg"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    kind: str
    body: bytes
    packed: bytes
    """The same, gzip."""


@dataclass(frozen=True, slots=True)
class Assets:
    """The whole folder.

    Args:
        version: of all of it.
        page: HTML of every address.
        files: by path below the folder.
    """

    version: str
    page: bytes
    files: dict[str, Asset]


@cache
def shipped() -> Assets:
    """What this installation carries."""
    return read(places.resources_dir() / "web", places.resources_dir() / "icons" / "hemoview.svg")


def read(folder: Path, icon: Path) -> Assets:
    """Read a folder of assets."""
    found = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*"))}
    files = {name: file.read_bytes() for name, file in found.items() if file.suffix in KINDS}
    files[ICON] = icon.read_bytes()
    page = (folder / PAGE).read_text("utf-8")
    digest = hashlib.sha256(page.encode())
    for name, body in sorted(files.items()):
        digest.update(f"\0{name}\0{len(body)}\0".encode() + body)
    version = digest.hexdigest()[:20]
    return Assets(
        version,
        page.replace(VERSION, version).encode(),
        {name: _asset(name, body) for name, body in files.items()},
    )


def _asset(name: str, body: bytes) -> Asset:
    return Asset(KINDS[Path(name).suffix], body, gzip.compress(body, mtime=0))
