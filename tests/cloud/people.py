"""People who sign in by the routes, as a browser would."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.asking import CSRF_HEADER
from hemoview.cloud.identity import accounts, passwords
from hemoview.cloud.principals import Role
from tests.cloud.cloud_rig import Rig

PASSWORD = "four quiet words here"


def account(rig: Rig, name: str, *roles: Role, one_time: bool = False, ward_id: str | None = None) -> str:
    """An account with :data:`PASSWORD`; its id."""

    async def make(conn: AsyncConnection) -> str:
        now_us = rig.clock()
        user_id = await accounts.make(conn, now_us, name, name.title())
        until_us = now_us + accounts.ONE_TIME_US if one_time else None
        await accounts.set_password(conn, user_id, passwords.hash_now(PASSWORD), one_time_until_us=until_us)
        for role in roles:
            await accounts.give(conn, now_us, "user:test", user_id, role, ward_id=ward_id)
        return user_id

    return rig.do(make)


def browser(rig: Rig, origin: str = "testclient") -> TestClient:
    """A browser that nobody has used yet."""
    client = TestClient(rig.app, client=(origin, 50_000))
    client.portal = rig.http.portal
    return client


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> Any:
    """The reply; the client carries the CSRF token from then on."""
    reply = client.post("/v1/login", json={"name": name, "password": password})
    if reply.status_code == 200:
        client.headers[CSRF_HEADER] = reply.json()["csrf"]
    return reply


def entries(rig: Rig, action: str) -> list[Any]:
    """What the audit log has of an action, in order."""

    async def read(conn: AsyncConnection) -> list[Any]:
        query = select(tables.audit).where(tables.audit.c.action == action).order_by(tables.audit.c.no)
        return list((await conn.execute(query)).all())

    return rig.do(read)
