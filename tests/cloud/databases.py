"""Where the services under test keep their tables: SQLite in their folder, or, where ``HEMOVIEW_TEST_POSTGRES`` names
a server, a database of their own there for each folder (``make test-services``)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import Database
from hemoview.cloud.settings import Settings

SERVER = os.environ.get("HEMOVIEW_TEST_POSTGRES", "")
_TEMPLATE = f"template_{os.getpid()}"
_made: set[str] = set()


def url_for(folder: Path) -> str:
    """Of the database of the service in ``folder``; made when it is asked for first."""
    name = "t_" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    if name not in _made:
        _make_template()
        _create(name, _TEMPLATE)
    return _named(name)


def lose(folder: Path) -> None:
    """A service's folder, and its database if that lies elsewhere, are gone; an empty database stands in its place."""
    shutil.rmtree(folder)
    if SERVER:
        name = str(make_url(url_for(folder)).database)
        on_server(f"DROP DATABASE {name} WITH (FORCE)")
        _create(name, "template0")


def fresh(name: str) -> str:
    """An empty database, without tables."""
    _create(name, "template0")
    return _named(name)


@contextmanager
def dropped_afterwards() -> Iterator[None]:
    """Databases made within are gone at the end."""
    before = set(_made)
    yield
    for name in _made - before - {_TEMPLATE}:
        on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        _made.discard(name)


def use_server(patch: pytest.MonkeyPatch) -> None:
    """Settings that name no database mean one of the server."""
    _make_template()
    own = Settings.database.fget
    assert own is not None
    named = property(
        lambda settings: url_for(settings.folder) if SERVER and not settings.database_url else own(settings)
    )
    patch.setattr(Settings, "database", named)


def _make_template() -> None:
    """With all tables; once a process."""
    if _TEMPLATE not in _made:
        _create(_TEMPLATE, "template0")
        asyncio.run(_fill(_named(_TEMPLATE)))


async def unlock_audit(conn: AsyncConnection) -> None:
    """What somebody with the file, or the database's own account, in hands can do."""
    names = ["audit_only_grows ON audit"] if SERVER else ["audit_no_update", "audit_no_delete"]
    for name in names:
        await conn.execute(text(f"DROP TRIGGER IF EXISTS {name}"))


def on_server(statement: str) -> None:
    """Outside any transaction."""
    import psycopg  # noqa: PLC0415 – where there is a server, there is its client

    with psycopg.connect(SERVER, autocommit=True) as conn:
        conn.execute(statement.encode())


def _create(name: str, template: str) -> None:
    on_server(f"CREATE DATABASE {name} TEMPLATE {template}")
    _made.add(name)


def _named(name: str) -> str:
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


async def _fill(url: str) -> None:
    db = Database(url)
    await db.upgrade()
    await db.close()


@cache
def _tables_made() -> bytes:
    """The file of a database that has all tables and no row; once a process."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder))
        asyncio.run(_fill(settings.database))
        return settings.database_file.read_bytes()


def begin_with_tables(settings: Settings) -> None:
    """A service that has no database yet finds one with its tables, as on a server: to make them takes longer than
    most tests do."""
    if SERVER or settings.database_url or settings.database_file.exists():
        return
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.database_file.write_bytes(_tables_made())
