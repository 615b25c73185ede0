"""Every table of the service. Ids are text (UUIDs), times are whole microseconds UTC (``…_us``), JSON is text.

Portable SQL: what only one database can do lives in :mod:`hemoview.cloud.database`. What identifies a subject is in
``subject`` alone; samples are in blobs, encrypted with the key in ``session.wrapped_key``: without that key they are
noise, and that is how a session is erased.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *more: Any, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, *more, nullable=null, primary_key=key)


def _us(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _yes(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=False)


fact = Table("fact", metadata, _text("name", key=True), _text("value"))
"""Single values, such as this service's own id."""

# ---- places and people

site = Table("site", metadata, _text("id", key=True), _text("name"))
ward = Table("ward", metadata, _text("id", key=True), _text("site_id", ForeignKey("site.id")), _text("name"))
bed = Table(
    "bed",
    metadata,
    _text("id", key=True),
    _text("ward_id", ForeignKey("ward.id")),
    _text("label"),
    Column("place", Integer, nullable=False),
    UniqueConstraint("ward_id", "place"),
)
study = Table("study", metadata, _text("id", key=True), _text("name"))
user_account = Table(
    "user_account",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("display"),
    _text("password_hash", null=True),
    _yes("must_change"),
    _us("password_expires_us", null=True),
    _yes("disabled"),
    _text("oidc_subject", null=True),
    _us("created_us"),
    UniqueConstraint("name"),
    UniqueConstraint("oidc_subject"),
)
role_grant = Table(
    "role_grant",
    metadata,
    _text("id", key=True),
    _text("user_id", ForeignKey("user_account.id")),
    _text("role"),
    _text("ward_id", ForeignKey("ward.id"), null=True),
    _text("study_id", ForeignKey("study.id"), null=True),
    _text("granted_by"),
    _us("granted_us"),
    _us("revoked_us", null=True),
    Index(None, "user_id"),
)
login = Table(
    "login",
    metadata,
    _text("token_sha256", key=True),
    _text("user_id", ForeignKey("user_account.id")),
    _text("csrf"),
    _us("created_us"),
    _us("expires_us"),
    _us("last_seen_us"),
    _us("ended_us", null=True),
    _yes("kiosk"),
    Index(None, "user_id"),
)
"""``kiosk``: a ward's screen: no end by idleness."""
link_code = Table(
    "link_code",
    metadata,
    _text("code_sha256", key=True),
    _text("user_id", ForeignKey("user_account.id")),
    _us("expires_us"),
    _us("used_us", null=True),
)
"""Ties an account to whoever signs in at the hospital's identity provider with it."""

wrong_try = Table(
    "wrong_try",
    metadata,
    _text("key_sha256", key=True),
    Column("failures", Integer, nullable=False),
    _us("last_us"),
    Index(None, "last_us"),
)
"""Passwords and codes that were wrong, as replicas count them together (``identity.tries``)."""

# ---- devices

device = Table(
    "device",
    metadata,
    _text("id", key=True),
    _text("name"),
    _text("station"),
    Column("public_key", LargeBinary, nullable=False),
    _text("bed_id", ForeignKey("bed.id"), null=True),
    _us("enrolled_us"),
    _us("revoked_us", null=True),
    _us("last_seen_us", null=True),
    Column("skew_ms", Float, nullable=True),
    _text("software", null=True),
    Column("protocol", Integer, nullable=True),
    _text("queue", null=True),
    UniqueConstraint("public_key"),
)
enrolment = Table(
    "enrolment",
    metadata,
    _text("code_sha256", key=True),
    _text("bed_id", ForeignKey("bed.id")),
    _text("created_by"),
    _us("created_us"),
    _us("expires_us"),
    _us("used_us", null=True),
    _text("device_id", ForeignKey("device.id"), null=True),
)
"""``device_id``: whom the code gives a new key; of a code for a new device, who used it."""
device_order = Table(
    "device_order",
    metadata,
    _text("id", key=True),
    _text("device_id", ForeignKey("device.id")),
    _text("kind"),
    _text("body"),
    _us("created_us"),
    _us("delivered_us", null=True),
    _us("done_us", null=True),
    Index(None, "device_id", "done_us"),
)
"""What a bedside is told at its next heartbeat: ``erase``, ``message``."""

# ---- the record path

subject = Table("subject", metadata, _text("id", key=True), _text("pseudonym"), UniqueConstraint("pseudonym"))
session = Table(
    "session",
    metadata,
    _text("id", key=True),
    _text("device_id", ForeignKey("device.id")),
    _text("ward_id", ForeignKey("ward.id"), null=True),
    _text("bed_id", ForeignKey("bed.id"), null=True),
    _text("study_id", ForeignKey("study.id"), null=True),
    _text("subject_id", ForeignKey("subject.id"), null=True),
    _us("created_us"),
    _us("received_us"),
    _text("state"),
    _yes("simulated"),
    _yes("training"),
    _yes("hidden"),
    _text("opening"),
    _text("opening_sha256"),
    Column("wrapped_key", LargeBinary, nullable=True),
    _text("wrapping_key_id"),
    _text("held", null=True),
    Index(None, "ward_id", "created_us"),
    Index(None, "subject_id"),
)
"""``state``: open, sealed, erased. ``wrapped_key`` is NULL once erased. ``held``: why the law forbids erasing it."""
blob = Table(
    "blob",
    metadata,
    _text("sha256", key=True),
    Column("bytes", BigInteger, nullable=False),
    _text("device_id", ForeignKey("device.id")),
    _us("received_us"),
    _us("verified_us", null=True),
    _us("damaged_us", null=True),
    _us("removing_us", null=True),
    Index(None, "verified_us"),
)
"""A receipt may name what has a whole row. ``removing_us``: its content is about to go, and the row after it."""


def blob_is_whole() -> ColumnElement[bool]:
    """Here, not damaged, and to stay."""
    return and_(blob.c.damaged_us.is_(None), blob.c.removing_us.is_(None))


manifest = Table(
    "manifest",
    metadata,
    _text("session_id", ForeignKey("session.id"), key=True),
    Column("rev", Integer, primary_key=True),
    _text("sha256"),
    _text("body"),
    _text("device_signature"),
    _text("receipt"),
    _text("receipt_signature"),
    _us("received_us"),
)
session_file = Table(
    "session_file",
    metadata,
    _text("session_id", ForeignKey("session.id"), key=True),
    Column("rev", Integer, primary_key=True),
    _text("name", key=True),
    _text("kind"),
    _text("blob_sha256", ForeignKey("blob.sha256")),
    Index(None, "blob_sha256"),
)
"""``rev``: the first manifest that named this content under this name."""
erasure = Table(
    "erasure",
    metadata,
    _text("session_id", key=True),
    _us("at_us"),
    _text("by"),
    _text("why"),
    _text("unreachable"),
)
"""Kept for ever, without the session's row where a restore lost it: erasures are applied again after a restore."""

# ---- the live path

bed_binding = Table(
    "bed_binding",
    metadata,
    _text("bed_id", ForeignKey("bed.id"), key=True),
    _text("session_id"),
    _text("device_id"),
    _us("bound_us"),
    _us("confirmed_us", null=True),
    _text("confirmed_by", null=True),
)
"""Which session a bed shows, and who said at the bed that it is the right one. ``session_id`` is empty between two."""
bed_state = Table(
    "bed_state",
    metadata,
    _text("bed_id", ForeignKey("bed.id"), key=True),
    _text("session_id"),
    _us("at_us"),
    Column("seq", BigInteger, nullable=False),
    _text("body"),
)
live_session = Table(
    "live_session",
    metadata,
    _text("id", key=True),
    _text("device_id"),
    _text("bed_id"),
    _text("ward_id"),
    _yes("hidden"),
    _yes("simulated"),
    _yes("training"),
    _us("first_us"),
    _us("last_us"),
    Index(None, "last_us"),
)
"""A session as the live path saw it, be it synced or not: whose, where, and whether its estimates may be shown."""
estimate = Table(
    "estimate",
    metadata,
    _text("session_id", key=True),
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    _text("parameter", key=True),
    Column("est", Float, nullable=True),
    Column("lo", Float, nullable=True),
    Column("hi", Float, nullable=True),
    Column("ref", Float, nullable=True),
    sqlite_with_rowid=False,
)
"""What the live path showed, a row a second; a report never reads it. The time comes before the parameter in the key:
what is written together lies together."""
estimate_1m = Table(
    "estimate_1m",
    metadata,
    _text("session_id", key=True),
    Column("at_us", BigInteger, primary_key=True, autoincrement=False),
    _text("parameter", key=True),
    Column("n", Integer, nullable=False),
    Column("est", Float, nullable=True),
    Column("lo", Float, nullable=True),
    Column("hi", Float, nullable=True),
    Column("ref", Float, nullable=True),
    sqlite_with_rowid=False,
)
"""Means of a minute; ``n`` seconds of it had an estimate."""

# ---- reports, feedback, work to do

report = Table(
    "report",
    metadata,
    _text("id", key=True),
    _text("session_id", ForeignKey("session.id")),
    Column("manifest_rev", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    _text("state"),
    _text("language"),
    _text("facts", null=True),
    _text("facts_sha256", null=True),
    _text("files", null=True),
    _text("assessment", null=True),
    _text("recommendations", null=True),
    _text("signed_by", null=True),
    _us("signed_us", null=True),
    _text("created_by"),
    _us("created_us"),
    _text("replaces", null=True),
    _text("error", null=True),
    Index(None, "session_id"),
)
feedback = Table(
    "feedback",
    metadata,
    _text("id", key=True),
    _text("session_id", ForeignKey("session.id")),
    _text("user_id", ForeignKey("user_account.id")),
    _text("text"),
    _us("created_us"),
    _text("order_id", ForeignKey("device_order.id"), null=True),
    Index(None, "session_id"),
)
job = Table(
    "job",
    metadata,
    _text("id", key=True),
    _text("kind"),
    _text("body"),
    _text("state"),
    Column("attempts", Integer, nullable=False, default=0),
    _us("run_after_us"),
    _us("locked_us", null=True),
    _us("created_us"),
    _us("done_us", null=True),
    _text("error", null=True),
    Index(None, "state", "run_after_us"),
)
audit = Table(
    "audit",
    metadata,
    Column("no", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    _us("at_us"),
    _text("actor"),
    _text("action"),
    _text("object"),
    _text("outcome"),
    _text("origin"),
    _text("detail"),
    _text("prev_hash"),
    _text("hash"),
)
"""Append-only; each row's hash covers the row before (:mod:`hemoview.cloud.audit`)."""
