"""A real service in the test's own process: real database, keys and routes; only its clock can be turned."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.app import build
from hemoview.cloud.asking import COOKIE, CSRF_HEADER, hash_of
from hemoview.cloud.service import Service
from hemoview.cloud.settings import Settings
from tests.cloud import databases

T = TypeVar("T")


@dataclass
class Clock:
    """Wall time that a test can move."""

    ahead_us: int = 0

    def __call__(self) -> int:
        return time.time_ns() // 1000 + self.ahead_us

    def forward(self, seconds: float) -> None:
        self.ahead_us += round(seconds * 1e6)


@dataclass
class Bedside:
    """A device with its key."""

    id: str
    key: Ed25519PrivateKey
    server_id: str
    clock: Clock

    def token(self, *, seconds: float = 600, audience: str | None = None, **claims: Any) -> str:
        now_s = self.clock() // 1_000_000
        told = {
            "iss": self.id,
            "aud": audience or self.server_id,
            "iat": now_s,
            "exp": now_s + round(seconds),
        }
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key = OKPKey.import_key(pem)
        header = {"alg": "Ed25519", "kid": self.id}
        return jwt.encode(header, told | {"jti": str(uuid4())} | claims, key, algorithms=["Ed25519"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}


@dataclass
class Rig:
    """The service and ways to put people, beds and devices there without its routes."""

    app: FastAPI
    http: TestClient
    clock: Clock
    wards: dict[str, str] = field(default_factory=dict)
    beds: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    def do(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction."""

        async def run() -> T:
            async with self.service.db.begin() as conn:
                return await work(conn)

        return self.call(run)

    def call(self, work: Callable[..., Awaitable[T] | T], *arguments: Any) -> T:
        """In the service's own loop."""
        assert self.http.portal is not None
        return self.http.portal.call(work, *arguments)

    def rows(self, table: Any) -> list[Any]:
        """All of a table."""

        async def read() -> list[Any]:
            async with self.service.db.read() as conn:
                return list((await conn.execute(select(table))).all())

        return self.call(read)

    def put(self, table: Any, **values: Any) -> None:
        async def run(conn: AsyncConnection) -> None:
            await conn.execute(insert(table).values(**values))

        self.do(run)

    def ward(self, name: str, beds: int = 2) -> str:
        """A ward with beds ``NAME-1`` …"""
        site_id, ward_id = str(uuid4()), str(uuid4())
        self.put(tables.site, id=site_id, name="Site")
        self.put(tables.ward, id=ward_id, site_id=site_id, name=name)
        self.wards[name] = ward_id
        for place in range(1, beds + 1):
            bed_id = self.beds[f"{name}-{place}"] = str(uuid4())
            self.put(tables.bed, id=bed_id, ward_id=ward_id, label=f"{name}-{place}", place=place)
        return ward_id

    def bedside(self, bed: str) -> Bedside:
        """An enrolled device at a bed."""
        key, device_id = Ed25519PrivateKey.generate(), str(uuid4())
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.put(
            tables.device,
            id=device_id,
            name="bedside",
            station="bed-1",
            public_key=raw,
            bed_id=self.beds[bed],
            enrolled_us=self.clock(),
        )
        return Bedside(device_id, key, self.service.server_id, self.clock)

    def person(
        self, name: str, *grants: tuple[str, str | None] | tuple[str, str | None, str | None]
    ) -> TestClient:
        """A signed-in client of somebody with these (role, ward id, study id) grants."""
        user_id, cookie, csrf = str(uuid4()), secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        now_us = self.clock()
        self.put(tables.user_account, id=user_id, name=name, display=name, created_us=now_us)
        for role, ward_id, *study in grants:
            self.put(
                tables.role_grant,
                id=str(uuid4()),
                user_id=user_id,
                role=role,
                ward_id=ward_id,
                study_id=study[0] if study else None,
                granted_by="user:test",
                granted_us=now_us,
            )
        self.put(
            tables.login,
            token_sha256=hash_of(cookie),
            user_id=user_id,
            csrf=csrf,
            created_us=now_us,
            expires_us=now_us + 3_600_000_000,
            last_seen_us=now_us,
        )
        client = TestClient(self.app, cookies={COOKIE: cookie}, headers={CSRF_HEADER: csrf})
        client.portal = self.http.portal  # one loop, one life of the application
        return client


@contextmanager
def running(settings: Settings, clock: Clock) -> Iterator[Rig]:
    """A service that has started; closed at the end."""
    databases.begin_with_tables(settings)
    app = build(settings, clock)
    with TestClient(app) as http:
        yield Rig(app, http, clock)
