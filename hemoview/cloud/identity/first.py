"""The first administrator, and a new one-time password at the service's own machine when nobody can sign in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy import update

from hemoview.cloud import audit
from hemoview.cloud.identity import accounts, codes, passwords
from hemoview.cloud.principals import Role
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import user_account
from recorder.errors import ConfigError
from recorder.host import platform

ADMIN: Final = "admin"
_BY: Final = "service"


async def first_admin(settings: Settings) -> str | None:
    """Make the account ``admin``, or renew its one-time password, if nobody who manages the service can sign in.

    Returns:
        The one-time password; None where somebody can.

    Raises:
        ConfigError: another service works on this database.
    """
    service = await open_service(settings)
    try:
        await service.lead.begin()  # said here in words, before anything listens
        return await _one_time(service, ADMIN, make=True)
    finally:
        await service.close()


async def new_password(settings: Settings, name: str) -> str:
    """A one-time password for an account that is there.

    Raises:
        ConfigError: there is none of that name.
    """
    service = await open_service(settings)
    try:
        password = await _one_time(service, name.strip().lower(), make=False)
        assert password is not None
        return password
    finally:
        await service.close()


async def _one_time(service: Service, name: str, *, make: bool) -> str | None:
    """Of an account, which is made where it is missing; then only if nobody can sign in, replicas look one by one."""
    password = codes.new_code()
    kept = passwords.hash_now(password)
    now_us = service.now_us()
    async with service.db.begin() as conn:
        if make and await accounts.administrators(conn, now_us):
            return None
        account = await accounts.by_name(conn, name)
        if account is None and not make:
            raise ConfigError(f"{name}: no account of this name; check the name")
        user_id = account.id if account else await accounts.make(conn, now_us, name, "Administrator")
        await accounts.set_password(conn, user_id, kept, one_time_until_us=now_us + accounts.ONE_TIME_US)
        await accounts.end_logins(conn, now_us, user_id)
        if make:
            await conn.execute(
                update(user_account).where(user_account.c.id == user_id).values(disabled=False)
            )
            grants = await accounts.grants_of(conn, user_id)
            if not any(g["role"] == Role.ADMIN and not (g["ward_id"] or g["study_id"]) for g in grants):
                await accounts.give(conn, now_us, _BY, user_id, Role.ADMIN)
        await audit.append(conn, audit.Entry(now_us, _BY, "user.one-time-password", user_id))
    return password


def tell(settings: Settings, name: str, password: str, out: TextIO | None = None) -> None:
    """Show a one-time password where only who started the service sees it: the terminal, else an owner-only file."""
    out = out or sys.stdout
    if out.isatty():
        print(f"Sign in as {name} with the one-time password  {password}", file=out)
    else:
        platform.write_owner_only(_file(settings, name), f"{name}\n{password}\n".encode())
        print(f"Sign in as {name} with the one-time password in {_file(settings, name)}", file=out)
    print("It is good for one hour and is changed at the first sign-in.", file=out, flush=True)


def forget_file(settings: Settings, name: str) -> None:
    """The password was changed: the file is of no use any more."""
    _file(settings, name).unlink(missing_ok=True)


def _file(settings: Settings, name: str) -> Path:
    """Replicas share their keys' folder: the one where the password is changed is not the one that made it."""
    return (settings.keys if settings.replicas else settings.folder) / f"one-time-password-{name}.txt"
