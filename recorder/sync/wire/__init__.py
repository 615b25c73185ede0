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

from recorder.sync.wire.enrolment import Bed, Enrolled, Enrolment, Hello
from recorder.sync.wire.heartbeat import (
    EVERY_SESSION,
    Acknowledgement,
    Heartbeat,
    HeartbeatAnswer,
    Order,
    Queue,
)
from recorder.sync.wire.problem import (
    CODE_UNKNOWN,
    DEVICE_REVOKED,
    MISSING_BLOBS,
    OPENING_DIFFERS,
    PRODUCTION_ONLY,
    REVISION_TAKEN,
    SESSION_ERASED,
    Problem,
)
from recorder.sync.wire.sessions import (
    SCOPES,
    About,
    BlobQuery,
    BlobsMissing,
    Manifest,
    Receipt,
    SessionOpening,
    SignedManifest,
    SignedReceipt,
    TravellingDevice,
    TravellingFile,
    kind_of,
)
from recorder.sync.wire.words import BLOB_BYTES_MAX, FILES_MAX, ID, ORDERS_MAX, QUERY_IDS_MAX

__all__ = [
    "BLOB_BYTES_MAX",
    "CODE_UNKNOWN",
    "DEVICE_REVOKED",
    "EVERY_SESSION",
    "FILES_MAX",
    "ID",
    "MISSING_BLOBS",
    "OPENING_DIFFERS",
    "ORDERS_MAX",
    "PRODUCTION_ONLY",
    "QUERY_IDS_MAX",
    "REVISION_TAKEN",
    "SCOPES",
    "SESSION_ERASED",
    "About",
    "Acknowledgement",
    "Bed",
    "BlobQuery",
    "BlobsMissing",
    "Enrolled",
    "Enrolment",
    "Heartbeat",
    "HeartbeatAnswer",
    "Hello",
    "Manifest",
    "Order",
    "Problem",
    "Queue",
    "Receipt",
    "SessionOpening",
    "SignedManifest",
    "SignedReceipt",
    "TravellingDevice",
    "TravellingFile",
    "kind_of",
]
