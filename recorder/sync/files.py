"""What of a session folder travels: the card, sealed segments, and what was written about it since. Never a cache.

Segments are immutable and are named with their SHA-256 by the session's own manifest, so that they are read only when
they are sent. The small files change: they are read once, and what was read is what travels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder import session as store
from recorder.errors import SessionError, StorageError
from recorder.schema.rules import RULE, EstimateRules
from recorder.session.amended import read_header
from recorder.session.files import storage_errors
from recorder.session.header import SESSION_FILE, TOMBSTONE_FILE, SessionHeader
from recorder.session.manifest import MANIFEST_FILE, SEGMENT_FOLDER, read_manifest
from recorder.session.quarantine import QUARANTINE_FOLDER
from recorder.sync import wire

_SMALL: Final = (SESSION_FILE, "amendments.jsonl", "alignments/*.json", "annotations/*.jsonl")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that travels.

    Args:
        name: in the session, with ``/``.
        path: where it lies.
        plain_sha256, plain_bytes: of its content.
        content: of a small one, as it was read; None of a segment.
    """

    name: str
    path: Path
    plain_sha256: str
    plain_bytes: int
    content: bytes | None = None

    @property
    def is_segment(self) -> bool:
        """Samples, clock points or events."""
        return self.name.startswith(SEGMENT_FOLDER)

    def read(self) -> bytes:
        """Its content, which is what its hash says.

        Raises:
            SessionError: the file was changed or cut since it was sealed.
            StorageError: it cannot be read.
        """
        if self.content is not None:
            return self.content
        with storage_errors(self.path.parent, "reading a segment"):
            content = self.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.plain_sha256:
            raise SessionError(
                f"{self.path}: is not what was sealed (hash differs), so it is not sent; run recorder verify"
            )
        return content


@dataclass(frozen=True, slots=True)
class LocalSession:
    """A session folder at one moment; ``header`` with its corrections, ``files`` in the order of their names."""

    folder: Path
    header: SessionHeader
    sealed: bool
    files: tuple[LocalFile, ...]

    @property
    def session_id(self) -> str:
        """Its id."""
        return self.header.session_id


@dataclass(frozen=True, slots=True)
class InsideFacts:
    """What only the events of a session tell.

    Args:
        hidden: its estimates are shown to nobody.
        unconfirmed: nobody has said whose the samples at its end are (safety rule 3).
        calibrations: ids of its ADC calibrations.
    """

    hidden: bool
    unconfirmed: bool
    calibrations: tuple[str, ...] = ()


def sessions_in(folder: Path) -> list[Path]:
    """Session folders in a folder, oldest first; quarantined and erased ones are none."""
    found = sorted(path.parent for path in folder.glob(f"*/{SESSION_FILE}"))
    return [path for path in found if not (path / TOMBSTONE_FILE).exists()]


def is_quarantined(folder: Path) -> bool:
    """It was discarded and lies in quarantine."""
    return folder.absolute().parent.name == QUARANTINE_FOLDER


def look(folder: Path) -> LocalSession:
    """What of ``folder`` would travel now. Of a session that is being recorded: what has been sealed.

    Raises:
        SessionError: no session, erased, damaged, or a file that is too large to travel.
        StorageError: it cannot be read.
    """
    with storage_errors(folder, "looking at it for the service"):
        manifest_content = (
            (folder / MANIFEST_FILE).read_bytes() if (folder / MANIFEST_FILE).is_file() else b""
        )
        manifest = read_manifest(folder)
        small = [p for pattern in _SMALL for p in folder.glob(pattern)]
        files = [_small(folder, path, path.read_bytes()) for path in small]
        if (folder / MANIFEST_FILE).read_bytes() != manifest_content:
            return look(folder)  # a segment was sealed at this moment
        files.append(_small(folder, folder / MANIFEST_FILE, manifest_content))
        files += [
            LocalFile(
                f"{SEGMENT_FOLDER}/{row.name}", folder / SEGMENT_FOLDER / row.name, row.sha256, row.bytes
            )
            for row in manifest.segments
        ]
        header = read_header(folder)
    for file in files:
        if file.plain_bytes > wire.BLOB_BYTES_MAX - 16 or wire.kind_of(file.name) is None:
            raise SessionError(
                f"{file.path}: is too large or oddly named to be sent; recorder export takes it"
            )
    files.sort(key=lambda file: file.name)
    return LocalSession(folder, header, manifest.state == "sealed", tuple(files))


def look_inside(folder: Path) -> InsideFacts:
    """What its events tell; opens the session.

    Raises:
        SessionError, StorageError: it cannot be opened.
    """
    with store.open(folder) as session:
        rules = EstimateRules.of_template(session.header.template).after(session.events(RULE))
        unanswered = any(not span.answered for span in session.unconfirmed())
        ids = {
            str(e.payload["calibration_id"])[:64]
            for e in session.events("calibration")
            if e.payload.get("calibration_id")
        }
    return InsideFacts(rules.estimates_hidden, unanswered, tuple(sorted(ids)))


def _small(folder: Path, path: Path, content: bytes) -> LocalFile:
    if not path.is_relative_to(folder):
        raise StorageError(f"{path}: lies outside its session")
    name = path.relative_to(folder).as_posix()
    return LocalFile(name, path, hashlib.sha256(content).hexdigest(), len(content), content)
