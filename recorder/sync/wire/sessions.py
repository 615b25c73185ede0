"""A session as it travels: announced once, then manifest by manifest, each under a receipt."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import ClassVar, Final

from recorder.errors import WireError
from recorder.sync.fields import Body, body, choice, flag, hexadecimal, of, several, table, text, whole
from recorder.sync.wire.words import (
    BLOB_BYTES_MAX,
    FILES_MAX,
    ID,
    LABEL,
    QUERY_IDS_MAX,
    SESSION_ID,
    SHA256,
    SIGNATURE,
    TIME_US,
)

SCOPES: Final = ("record", "upload", "reuse_for_training", "feedback")

_FILES: Final = (
    ("card", r"session\.json"),
    ("manifest", r"manifest\.json"),
    ("amendments", r"amendments\.jsonl"),
    ("segment", r"segments/[A-Za-z0-9_.-]{1,160}\.parquet"),
    ("alignment", r"alignments/[0-9]{1,9}\.json"),
    ("labels", r"annotations/[a-z0-9][a-z0-9_-]{0,39}\.jsonl"),
    ("tombstone", r"tombstone\.json"),
)
"""Which files of a session travel, by name. Caches and the journal do not: nothing of them is not elsewhere."""
FILE_KINDS: Final = tuple(kind for kind, _ in _FILES)
FILE_NAME: Final = text(200, "|".join(pattern for _, pattern in _FILES), 1)


def kind_of(name: str) -> str | None:
    """What a file of a session is, by its name with ``/``; None where it does not travel."""
    return next((kind for kind, pattern in _FILES if re.fullmatch(pattern, name)), None)


@dataclass(frozen=True, slots=True)
class TravellingDevice(Body):
    """A device that took part, as far as a service needs to know it."""

    device_id: str = of(text(64))
    product: str = of(LABEL)
    serial: str = of(LABEL)
    simulated: bool = of(flag)


@dataclass(frozen=True, slots=True)
class SessionOpening(Body):
    """A session is announced. It is kept as first said, and sent again as it was; what changes later is in manifests.

    Args:
        session_id: of the session.
        created_us: when it was started, bedside clock.
        pseudonym: of the subject; never a name.
        template: name of its template.
        station: whose recorder made it.
        simulated, training: a production service refuses such.
        hidden: its estimates are shown to nobody (safety rule 13).
        scopes: what the consent allows; ``upload`` is among them, or the session would not be here.
        devices: which took part when it was announced.
        wrapped_key: its data key (:func:`custody.wrap`) for the service's key ``wrapping_key_id``.
    """

    session_id: str = of(SESSION_ID)
    created_us: int = of(TIME_US)
    pseudonym: str = of(text(64))
    template: str = of(LABEL)
    station: str = of(text(40))
    simulated: bool = of(flag)
    training: bool = of(flag)
    hidden: bool = of(flag)
    scopes: tuple[str, ...] = of(several(choice(*SCOPES), len(SCOPES)))
    devices: tuple[TravellingDevice, ...] = of(several(body(TravellingDevice), 64))
    wrapped_key: str = of(hexadecimal(80))
    wrapping_key_id: str = of(ID)


@dataclass(frozen=True, slots=True)
class TravellingFile(Body):
    """One file of a session, before and after encryption; ``kind`` is told by ``name``."""

    name: str = of(FILE_NAME)
    kind: str = of(choice(*FILE_KINDS))
    plain_sha256: str = of(SHA256)
    plain_bytes: int = of(whole(0, BLOB_BYTES_MAX))
    blob_sha256: str = of(SHA256)
    blob_bytes: int = of(whole(0, BLOB_BYTES_MAX))
    nonce: str = of(hexadecimal(12))

    def check(self) -> None:
        """Name, kind and sizes fit."""
        if kind_of(self.name) != self.kind:
            raise WireError(f"TravellingFile.kind: {self.name} is a {kind_of(self.name)}, not a {self.kind}")
        if self.blob_bytes != self.plain_bytes + 16:
            raise WireError(
                f"TravellingFile.blob_bytes: {self.name} of {self.plain_bytes} bytes becomes 16 more, "
                f"not {self.blob_bytes}"
            )


@dataclass(frozen=True, slots=True)
class About(Body):
    """What holds of a session as of a revision: a wrong pseudonym is amended, hidden estimates are shown, …"""

    pseudonym: str = of(text(64))
    hidden: bool = of(flag)
    scopes: tuple[str, ...] = of(several(choice(*SCOPES), len(SCOPES)))


@dataclass(frozen=True, slots=True)
class Manifest(Body):
    """All files of a session as of a revision. A revision never drops a segment that an earlier one had.

    Args:
        session_id: of the session.
        device_id: who signs.
        rev: 1, 2, 3, …
        prev_sha256: :func:`fingerprint` of the revision before; empty for the first.
        created_us: when it was made, bedside clock.
        state: ``open`` while it is being recorded.
        files: in the order of their names, each once.
        about: what holds of the session now.
        software: name → version.
        calibrations: ids of the ADC calibrations of its streams.
    """

    session_id: str = of(SESSION_ID)
    device_id: str = of(ID)
    rev: int = of(whole(1, 2**31 - 1))
    prev_sha256: str = of(hexadecimal(0, 32))
    created_us: int = of(TIME_US)
    state: str = of(choice("open", "sealed"))
    files: tuple[TravellingFile, ...] = of(several(body(TravellingFile), FILES_MAX))
    about: About = of(body(About))
    software: dict[str, str] = of(table(text(64), LABEL, 64), hash=False)
    calibrations: tuple[str, ...] = of(several(text(64), 256))

    def check(self) -> None:
        """Files in order, and the chain of revisions."""
        names = [f.name for f in self.files]
        if any(a >= b for a, b in itertools.pairwise(names)):
            raise WireError("Manifest.files: names must be in order, each once")
        if (self.rev == 1) != (self.prev_sha256 == "") or len(self.prev_sha256) not in (0, 64):
            raise WireError("Manifest.prev_sha256: empty for revision 1, else the hash of the one before")

    @property
    def plain_bytes(self) -> int:
        """Of all files."""
        return sum(f.plain_bytes for f in self.files)


@dataclass(frozen=True, slots=True)
class SignedManifest(Body):
    """A manifest and its device's signature (:func:`signing.sign_manifest`)."""

    manifest: Manifest = of(body(Manifest))
    signature: str = of(SIGNATURE)


@dataclass(frozen=True, slots=True)
class Receipt(Body):
    """The service holds all of a revision, durably.

    Args:
        server_id: who says so.
        session_id, rev: of what.
        manifest_sha256: :func:`fingerprint` of the manifest.
        files, bytes: how many files, and their ``blob_bytes`` together.
        received_us: when, service's clock.
    """

    server_id: str = of(ID)
    session_id: str = of(SESSION_ID)
    rev: int = of(whole(1, 2**31 - 1))
    manifest_sha256: str = of(SHA256)
    files: int = of(whole(0, FILES_MAX))
    bytes: int = of(whole())
    received_us: int = of(TIME_US)


@dataclass(frozen=True, slots=True)
class SignedReceipt(Body):
    """A receipt and the service's signature (:func:`signing.sign_receipt`)."""

    receipt: Receipt = of(body(Receipt))
    signature: str = of(SIGNATURE)


@dataclass(frozen=True, slots=True)
class BlobQuery(Body):
    """Which of these do you lack?"""

    ids: tuple[str, ...] = of(several(SHA256, QUERY_IDS_MAX))


@dataclass(frozen=True, slots=True)
class BlobsMissing(Body):
    """These."""

    OPEN: ClassVar[bool] = True
    missing: tuple[str, ...] = of(several(SHA256, QUERY_IDS_MAX))
