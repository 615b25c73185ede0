"""Every body of the record path, and the limits both sides keep. Pure; the service imports this module.

::

    GET  /v1/hello                              → Hello (signed)
    POST /v1/enrol                              Enrolment → Enrolled
    PUT  /v1/sessions/{session_id}              SessionOpening: 201 new, 200 the same again, 409 another body,
                                                403 simulated or training at a production service
    POST /v1/blobs/missing                      BlobQuery → BlobsMissing
    PUT  /v1/blobs/{blob_sha256}                the bytes: 201 new, 200 had it, 422 another hash or size
    POST /v1/sessions/{session_id}/manifests    SignedManifest → SignedReceipt; 409 MISSING_BLOBS names them,
                                                409 REVISION_TAKEN tells what the last one is
    GET  /v1/sessions/{session_id}/receipt      → SignedReceipt of the last revision, 404 where there is none
    POST /v1/devices/me/heartbeat               Heartbeat → HeartbeatAnswer

Errors are :class:`Problem` (RFC 9457). Hashes, keys, nonces and signatures are lower-case hexadecimal; times are UTC µs
since 1970 of the clock of whoever says them. Device requests carry ``Authorization: Bearer`` with a token of
:mod:`recorder.sync.signing`.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import ClassVar, Final

from recorder.errors import WireError
from recorder.sync.fields import (
    Body,
    body,
    choice,
    flag,
    hexadecimal,
    lines,
    of,
    optional,
    several,
    table,
    text,
    whole,
)
from recorder.sync.live_offer import LiveOffer, read_offer

# ---- limits

BLOB_BYTES_MAX: Final = 64 * 2**20
FILES_MAX: Final = 40_000
"""In one manifest; 24 h of five streams are about 1,300."""
QUERY_IDS_MAX: Final = 10_000
ORDERS_MAX: Final = 1_000

# ---- types of problems that a bedside understands by themselves

MISSING_BLOBS: Final = "urn:hemoview:missing-blobs"
REVISION_TAKEN: Final = "urn:hemoview:revision-taken"
OPENING_DIFFERS: Final = "urn:hemoview:opening-differs"
PRODUCTION_ONLY: Final = "urn:hemoview:production-only"
SESSION_ERASED: Final = "urn:hemoview:session-erased"
DEVICE_REVOKED: Final = "urn:hemoview:device-revoked"
CODE_UNKNOWN: Final = "urn:hemoview:code-unknown"
EVERY_SESSION: Final = "every-session"

# ---- words used in several bodies

SHA256: Final = hexadecimal(32)
KEY: Final = hexadecimal(32)
SIGNATURE: Final = hexadecimal(64)
SESSION_ID: Final = text(64, r"[A-Za-z0-9][A-Za-z0-9_-]*", 1)
ID: Final = text(64, r"[A-Za-z0-9][A-Za-z0-9_.-]*", 1)
LABEL: Final = text(120)
TIME_US: Final = whole()
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


# ---- who we are


@dataclass(frozen=True, slots=True)
class Hello(Body):
    """Who the service is. ``signature`` is over all other fields as received (:func:`signing.verify_hello`).

    Args:
        server_id: UUID of the installation; audience of device tokens.
        server_us: its clock: device tokens are dated by it, whatever the bedside's clock says.
        software: name and version.
        signing_public_key: Ed25519, of receipts; pinned at enrolment.
        wrapping_public_key, wrapping_key_id: X25519, for data keys.
        production: refuses simulated and training sessions.
        live, protocol: where the live path may go instead (None = to the service); :data:`.protocol.OURS` there.
    """

    OPEN: ClassVar[bool] = True
    server_id: str = of(ID)
    server_us: int = of(TIME_US)
    software: str = of(LABEL)
    signing_public_key: str = of(KEY)
    wrapping_public_key: str = of(KEY)
    wrapping_key_id: str = of(ID)
    production: bool = of(flag)
    signature: str = of(SIGNATURE)
    live: LiveOffer | None = of(read_offer, default=None)
    protocol: int = of(whole(), default=1)


@dataclass(frozen=True, slots=True)
class Enrolment(Body):
    """A station asks to become a device, with the one-time code an administrator gave out.

    Args:
        code: as typed; the service ignores blanks, hyphens and case.
        public_key: Ed25519, made at the bedside; its private half never leaves it.
        name: of the machine, for people.
        station: whose recorder.
        proof: signature of the other fields by that key: nobody enrols a key that is not theirs.
    """

    code: str = of(text(64, shortest=4))
    public_key: str = of(KEY)
    name: str = of(LABEL)
    station: str = of(text(40))
    proof: str = of(SIGNATURE)


@dataclass(frozen=True, slots=True)
class Bed(Body):
    """Where a device stands."""

    OPEN: ClassVar[bool] = True
    bed_id: str = of(ID)
    label: str = of(LABEL)
    ward: str = of(LABEL, default="")
    site: str = of(LABEL, default="")


@dataclass(frozen=True, slots=True)
class Enrolled(Body):
    """What a bedside keeps and pins."""

    OPEN: ClassVar[bool] = True
    device_id: str = of(ID)
    server_id: str = of(ID)
    server_us: int = of(TIME_US)
    signing_public_key: str = of(KEY)
    wrapping_public_key: str = of(KEY)
    wrapping_key_id: str = of(ID)
    production: bool = of(flag)
    bed: Bed | None = of(optional(body(Bed)), default=None)


# ---- a session and its files


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


# ---- once in a while


@dataclass(frozen=True, slots=True)
class Queue(Body):
    """What waits at the bedside: files and bytes not yet under a receipt, of so many that may travel."""

    waiting: int = of(whole())
    total: int = of(whole())
    bytes_waiting: int = of(whole())
    last_success_us: int | None = of(optional(TIME_US), default=None)


@dataclass(frozen=True, slots=True)
class Order(Body):
    """Something the service wants of the bedside; asked again until it is acknowledged.

    Args:
        order_id: acknowledged by it.
        kind: ``erase`` (the local copy of ``session_id``; the tombstone stays), ``message`` (feedback on it) or
            ``resend`` (a blob of it was damaged at the service: ask once more which are missing).
        session_id: which session; :data:`EVERY_SESSION` with ``resend`` after the service was restored from a backup.
        text: the message, or why it is to be erased.
        author: who says so, as the bedside may show it.
        at_us: when, service's clock.
        marker_us: the moment in the session that a message is about, bedside clock, UTC; None: the whole.
        signature: of the service, for one device (:func:`recorder.sync.signing.sign_order`); empty until it is given
            out, and from services of before there was one, whose orders are refused.
    """

    OPEN: ClassVar[bool] = True
    order_id: str = of(ID)
    kind: str = of(choice("erase", "message", "resend"))
    session_id: str = of(SESSION_ID)
    text: str = of(lines(4_000), default="")
    author: str = of(LABEL, default="")
    at_us: int = of(TIME_US, default=0)
    marker_us: int | None = of(optional(TIME_US), default=None)
    signature: str = of(hexadecimal(0, 64), default="")


@dataclass(frozen=True, slots=True)
class Acknowledgement(Body):
    """What became of an order: ``done``, ``absent`` (no such session here), or ``failed`` (``detail`` says why)."""

    order_id: str = of(ID)
    outcome: str = of(choice("done", "absent", "failed"))
    detail: str = of(text(400), default="")


@dataclass(frozen=True, slots=True)
class Heartbeat(Body):
    """The bedside is alive. Clock skew is told by ``t_us``; a clock that was set, by ``monotonic_ns`` beside it."""

    t_us: int = of(TIME_US)
    monotonic_ns: int = of(whole())
    software: str = of(LABEL)
    queue: Queue | None = of(optional(body(Queue)), default=None)
    acknowledged: tuple[Acknowledgement, ...] = of(several(body(Acknowledgement), ORDERS_MAX), default=())


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer(Body):
    """What the service wants, and its clock."""

    OPEN: ClassVar[bool] = True
    server_us: int = of(TIME_US)
    orders: tuple[Order, ...] = of(several(body(Order), ORDERS_MAX), default=())


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
