"""``hemoview serve``: the service in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import stat
import sys
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from hemoview.cloud import supervise
from hemoview.cloud.app import build
from hemoview.cloud.custody.stocked import look
from hemoview.cloud.identity import broker, bus_tls, device_authority, first, tls
from hemoview.cloud.listening import listening
from hemoview.cloud.settings import Settings
from hemoview.cloud.supervise import Life
from recorder.host import logs
from recorder.sync.uplink import wire as uplink_wire

IDLE_S: Final = 90
"""A proxy keeps connections for the next request; it must be the one that lets go first (60 s in the configuration that
comes with this), or a request meets a connection that is just being closed."""


def run(args: argparse.Namespace) -> int | None:
    """Serve until told to stop.

    Raises:
        ConfigError: settings that are wrong or unsafe, a port in use.
    """
    flags = {name: getattr(args, name) for name in ("host", "port", "socket", "folder")}
    if args.init_tls or args.init_bus:
        _make_certificates(Settings.read(args.config, flags, unchecked=True), args)
        return None
    settings = Settings.read(args.config, flags)
    if args.new_password:
        first.tell(settings, args.new_password, asyncio.run(first.new_password(settings, args.new_password)))
        return None
    with listening(settings) as listener:
        if settings.socket is None:
            settings = settings.at(listener.getsockname()[1])
        if args.supervised:
            return supervise.keep(partial(_serve, settings, listener), listener)
        _serve(settings, listener)
    return None


def _make_certificates(told: Settings, args: argparse.Namespace) -> None:
    devices = device_authority.make(told.keys)
    if args.init_tls:
        made = tls.init(told.tls, tuple(args.init_tls.split(",")))
        print(tls.in_words(made, told.port))  # noqa: T201 – what was asked for
        print(device_authority.in_words(devices))  # noqa: T201
    if args.init_bus:
        files = bus_tls.init(told.folder / "bus", tuple(args.init_bus.split(",")))
        beside = files.ca.with_name(devices.name)
        tls.write_open(beside, devices.read_bytes())
        print(bus_tls.in_words(files, beside))  # noqa: T201


def _serve(settings: Settings, listener: socket.socket, life: Life | None = None) -> None:
    logs.begin("service")
    with supervise.alone(settings.folder):
        _answer(settings, listener, life)


def _answer(settings: Settings, listener: socket.socket, life: Life | None) -> None:
    password = asyncio.run(first.first_admin(settings))
    config = config_of(settings, build(settings))
    away = asyncio.run(look(settings))
    _say_where(settings)
    if away:
        print(f"Attention: {away}", flush=True)  # noqa: T201 – who starts it can see to it
    if password:
        first.tell(settings, first.ADMIN, password)
    with contextlib.suppress(KeyboardInterrupt):  # the way to stop it, not a fault
        Served(config, life).run(sockets=[listener])


def config_of(settings: Settings, app: FastAPI) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # an address a client wrote itself does not belong into the audit log; see proxied.py
        ssl_certfile=None if settings.socket else settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_keep_alive=IDLE_S if settings.socket else 5,
        timeout_graceful_shutdown=5,
        ws_max_size=uplink_wire.LIMIT_BYTES,
        ws_per_message_deflate=False,  # every browser would have its own copy packed, every second
        ws_ping_interval=10,
        ws_ping_timeout=20,
    )


class Served(uvicorn.Server):
    """The server of :func:`config_of`; tells ``life`` when it answers."""

    def __init__(self, config: uvicorn.Config, life: Life | None) -> None:
        super().__init__(config)
        self._life = life

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Without TLS tickets: read by one thread while another sends, they can stop a bedside for 10 s."""
        if self.config.ssl is not None:
            self.config.ssl.num_tickets = 0
        await super().startup(sockets)
        if self.started and self._life is not None:
            self._life.ready()


def _say_where(settings: Settings) -> None:
    address, warning = settings.address, None
    if settings.tls_cert:
        warning = tls.warning(settings.tls_cert)
        name = tls.main_name(settings.tls_cert)
        if name and settings.host in {"0.0.0.0", "::"} and not settings.public_url:
            address = f"https://{f'[{name}]' if ':' in name else name}:{settings.port}"
    through = f" through {settings.socket}" if settings.socket else ""
    print(f"HemoView service at {address}{through}", flush=True)  # noqa: T201 – where to go
    if warning:
        print(f"Attention: {warning}", flush=True)  # noqa: T201 – who starts it can renew it
    if no_broker := broker.why_not(settings):
        print(f"Attention: {no_broker}", flush=True)  # noqa: T201 – who starts it can make one
    for secret in open_secrets(settings):
        print(f"Attention: everybody on this machine can read {secret}; chmod 600 it", flush=True)  # noqa: T201


def open_secrets(settings: Settings) -> list[Path]:
    """Files of secrets that were named in the settings and are not kept from others."""
    named = (
        settings.tls_key,
        settings.oidc_secret_file,
        settings.narrator_key_file,
        settings.blobs_credentials_file,
    )
    readable = stat.S_IROTH if sys.platform != "win32" else 0  # Windows keeps no such bits
    return [path for path in named if path is not None and path.stat().st_mode & readable]
