"""Accounts, their log-ins and grants in the database; no HTTP."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.asking import hash_of
from hemoview.cloud.principals import Role
from hemoview.cloud.tables import login, role_grant, study, user_account, ward

ONE_TIME_US: Final = 3_600_000_000
"""A one-time password is good for an hour (safety rule 23)."""
KIOSK_US: Final = 365 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Login:
    """What a new log-in's browser gets."""

    cookie: str
    csrf: str
    ends_us: int


async def by_name(conn: AsyncConnection, name: str) -> Row[Any] | None:
    """The account with a log-in name."""
    query = select(user_account).where(user_account.c.name == name.strip().lower())
    return (await conn.execute(query)).first()


async def by_id(conn: AsyncConnection, user_id: str) -> Row[Any] | None:
    """An account."""
    return (await conn.execute(select(user_account).where(user_account.c.id == user_id))).first()


def oidc_key(issuer: str, subject: str) -> str:
    """How an identity at a provider is kept: issuers can give the same subject to different people."""
    return f"{issuer}|{subject}"


async def make(conn: AsyncConnection, now_us: int, name: str, display: str) -> str:
    """An account that cannot sign in yet; its id."""
    user_id = str(uuid4())
    await conn.execute(
        insert(user_account).values(
            id=user_id, name=name, display=display, must_change=False, disabled=False, created_us=now_us
        )
    )
    return user_id


async def set_password(
    conn: AsyncConnection, user_id: str, kept: str, *, one_time_until_us: int | None = None
) -> None:
    """Give an account a password; a one-time one must be changed at the first sign-in."""
    await conn.execute(
        update(user_account)
        .where(user_account.c.id == user_id)
        .values(
            password_hash=kept,
            must_change=one_time_until_us is not None,
            password_expires_us=one_time_until_us,
        )
    )


async def end_one_time(conn: AsyncConnection, user_id: str) -> None:
    """The identity provider knows this person now: a one-time password that was not used opens nothing any more."""
    await conn.execute(
        update(user_account)
        .where(user_account.c.id == user_id, user_account.c.must_change.is_(True))
        .values(password_hash=None, must_change=False, password_expires_us=None)
    )


async def give(
    conn: AsyncConnection,
    now_us: int,
    by: str,
    user_id: str,
    role: Role,
    *,
    ward_id: str | None = None,
    study_id: str | None = None,
) -> str:
    """A grant; its id."""
    grant_id = str(uuid4())
    await conn.execute(
        insert(role_grant).values(
            id=grant_id,
            user_id=user_id,
            role=role.value,
            ward_id=ward_id,
            study_id=study_id,
            granted_by=by,
            granted_us=now_us,
        )
    )
    return grant_id


async def grants_of(conn: AsyncConnection, user_id: str) -> list[dict[str, Any]]:
    """What somebody may where, with the names of wards and studies."""
    query = (
        select(role_grant, ward.c.name.label("ward"), study.c.name.label("study"))
        .outerjoin(ward, ward.c.id == role_grant.c.ward_id)
        .outerjoin(study, study.c.id == role_grant.c.study_id)
        .where(role_grant.c.user_id == user_id, role_grant.c.revoked_us.is_(None))
        .order_by(role_grant.c.granted_us)
    )
    shown = ("id", "role", "ward_id", "ward", "study_id", "study")
    return [{name: getattr(row, name) for name in shown} for row in (await conn.execute(query)).all()]


async def admit(
    conn: AsyncConnection, now_us: int, user_id: str, lasts_us: int, *, kiosk: bool = False
) -> Login:
    """A log-in with a secret of its own."""
    made = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(24), now_us + lasts_us)
    await conn.execute(
        insert(login).values(
            token_sha256=hash_of(made.cookie),
            user_id=user_id,
            csrf=made.csrf,
            created_us=now_us,
            expires_us=made.ends_us,
            last_seen_us=now_us,
            kiosk=kiosk,
        )
    )
    return made


async def end_login(conn: AsyncConnection, now_us: int, token_sha256: str) -> None:
    """One log-in ends."""
    await conn.execute(
        update(login)
        .where(login.c.token_sha256 == token_sha256, login.c.ended_us.is_(None))
        .values(ended_us=now_us)
    )


async def end_logins(conn: AsyncConnection, now_us: int, user_id: str) -> None:
    """All of somebody's log-ins end."""
    await conn.execute(
        update(login).where(login.c.user_id == user_id, login.c.ended_us.is_(None)).values(ended_us=now_us)
    )


async def administrators(conn: AsyncConnection, now_us: int) -> int:
    """How many people manage the whole service and can sign in."""
    account, granted = user_account.c, role_grant.c
    can = and_(
        account.disabled.is_(False),
        or_(
            account.oidc_subject.is_not(None),
            and_(
                account.password_hash.is_not(None),
                or_(account.password_expires_us.is_(None), account.password_expires_us > now_us),
            ),
        ),
    )
    manages = exists().where(
        granted.user_id == account.id,
        granted.role == Role.ADMIN.value,
        granted.ward_id.is_(None),
        granted.study_id.is_(None),
        granted.revoked_us.is_(None),
    )
    return (
        await conn.execute(select(func.count()).select_from(user_account).where(can, manages))
    ).scalar_one()
