"""What a service is told: a TOML file, ``HEMOVIEW_SERVE_…`` variables, flags; each overrides the one before."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from hemoview.cloud.custody.s3_access import Access
from hemoview.cloud.live.bus_access import BusAccess
from recorder.errors import ConfigError
from recorder.host import places
from recorder.transports.tcp import is_loopback

ENV: Final = "HEMOVIEW_SERVE_"
PORT: Final = 8440
IN_PROCESS: Final = "in-process"
PROCRASTINATE: Final = "procrastinate"
_SWITCH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it.

    Args:
        folder: where database, blobs and keys lie unless they are named; owner-only.
        host, port: to listen on. Beyond loopback only with ``tls_cert`` and ``tls_key``.
        socket: to listen on in place of ``host`` and ``port``: a unix socket, for a proxy on the same machine that
            speaks TLS; only there ``X-Forwarded-For`` is believed. ``tls_cert`` is then the proxy's, to tell its end.
        tls_cert, tls_key: PEM files; where none are named, those of ``--init-tls`` if they are there.
        database_url: empty = SQLite in ``folder``; else ``postgresql://USER@HOST/DATABASE``.
        blobs_url: empty = a folder in ``folder``; else ``s3://BUCKET/PREFIX``, and how that store is reached:
        blobs_endpoint, blobs_region, blobs_credentials_file, blobs_ca: see ``custody.s3_access.Access``.
        jobs: how they come to a worker: ``in-process``, by the service itself; or ``procrastinate``, by a queue in
            PostgreSQL that replicas share.
        replicas: others of this service work on the same database; then everything they share is named above.
        keys_folder: the service's own keys; apart from the database so that a backup of one does not hold the other.
        bus_public_url: where bedsides reach the site's broker, ``mqtts://HOST[:8883]``; empty = they send their live
            path to the service itself.
        bus_ca: authority of the broker's certificate (PEM); where none is named, those of the system.
        bus_url, bus_cert, bus_key: the broker for the replicas of this service themselves, and what they show there:
            see ``live.bus_access.BusAccess``.
        public_url: how browsers and bedsides reach the service, where that is not ``host`` and ``port``.
        production: refuses sessions of training mode and simulation.
        scrub_percent_per_day: how much of what is kept is read again and compared, a day.
        live_rows_hours, live_minutes_days: how long trends of the live path are kept, by the second and by the minute.
        session_hours, idle_minutes: a person's log-in ends after either.
        narrator_url, narrator_model, narrator_key_file: an OpenAI-compatible endpoint for the optional narrative.
        oidc_issuer, oidc_client_id, oidc_secret_file: log-in by the hospital's own identity provider.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = PORT
    socket: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    database_url: str = ""
    blobs_url: str = ""
    blobs_endpoint: str = ""
    blobs_region: str = ""
    blobs_credentials_file: Path | None = None
    blobs_ca: Path | None = None
    jobs: str = IN_PROCESS
    replicas: bool = False
    keys_folder: Path | None = None
    bus_public_url: str = ""
    bus_ca: Path | None = None
    bus_url: str = ""
    bus_cert: Path | None = None
    bus_key: Path | None = None
    public_url: str = ""
    production: bool = True
    scrub_percent_per_day: float = 10.0
    live_rows_hours: float = 24.0
    live_minutes_days: float = 90.0
    session_hours: float = 12.0
    idle_minutes: float = 30.0
    narrator_url: str = ""
    narrator_model: str = ""
    narrator_key_file: Path | None = None
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_secret_file: Path | None = None

    @classmethod
    def read(
        cls,
        file: Path | None,
        flags: Mapping[str, Any],
        env: Mapping[str, str] = os.environ,
        *,
        unchecked: bool = False,
    ) -> Self:
        """Settings from all three places.

        Args:
            file: TOML; None = none.
            flags: by field name; None values are passed over.
            unchecked: nothing will listen by them.

        Raises:
            ConfigError: a name that is none, a value of another kind, or something unsafe.
        """
        told: dict[str, Any] = _of_file(file) if file else {}
        told |= {k.removeprefix(ENV).lower(): v for k, v in env.items() if k.startswith(ENV)}
        told |= {k: v for k, v in flags.items() if v is not None}
        told.setdefault("folder", places.home() / "service")
        kinds = {f.name: str(f.type) for f in fields(cls)}
        for name in told:
            if name not in kinds:
                raise ConfigError(f"setting {name!r} is none; there are {', '.join(sorted(kinds))}")
        settings = cls(**{name: _as(name, kinds[name], value) for name, value in told.items()})
        if settings.own_cert.is_file() and not (settings.tls_cert or settings.tls_key):
            key = None if settings.socket else settings.tls / "server.key"
            settings = replace(settings, tls_cert=settings.own_cert, tls_key=key)
        if not unchecked:
            settings.check()
        return settings

    def check(self) -> None:
        """Refuse what is unsafe.

        Raises:
            ConfigError: says which setting and what to do.
        """
        if self.socket is not None:
            self._check_socket()
        elif bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("tls_cert and tls_key go together; hemoview serve --init-tls makes both")
        for path in (self.tls_cert, self.tls_key, self.narrator_key_file, self.oidc_secret_file, self.bus_ca):
            if path and not path.is_file():
                raise ConfigError(f"{path}: no such file; check the settings")
        if self.socket is None and not self.is_loopback and not self.tls_cert:
            raise ConfigError(
                f"listening on {self.host} would carry people's data in the clear; make certificates with "
                "hemoview serve --init-tls HOSTNAME, or stay on 127.0.0.1"
            )
        self._check_provider()
        self._check_bus()
        self._check_jobs()
        self._check_replicas()
        self.blobs_access.check(self.blobs_url)
        self.bus_access.check()
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port}: give 0 to 65535")

    def _check_socket(self) -> None:
        if not self.public_url.startswith("https://"):
            raise ConfigError(
                "socket needs public_url: the address of the proxy before it, such as https://ward.example; people's "
                "data goes over TLS, so it begins with https://"
            )
        if self.tls_key is not None:
            raise ConfigError("socket: the proxy speaks TLS and has the key; leave tls_key out")

    def _check_provider(self) -> None:
        if not self.oidc_issuer:
            return
        is_local = is_loopback(urlsplit(self.oidc_issuer).hostname or "")
        if not self.oidc_issuer.startswith("https://") and not is_local:
            raise ConfigError(
                f"oidc_issuer {self.oidc_issuer}: an address that begins with https:// is wanted"
            )
        if not self.oidc_client_id:
            raise ConfigError(
                "oidc_issuer needs oidc_client_id: the name by which the provider knows this service"
            )
        if not self.public_url and not self.is_loopback:
            raise ConfigError(
                "oidc_issuer needs public_url: the provider sends people back to exactly that address, such as "
                "https://ward.example:8440"
            )

    def _check_bus(self) -> None:
        parts = urlsplit(self.bus_public_url)
        is_one = (
            parts.scheme == "mqtts" and parts.hostname and not (parts.path or parts.query or parts.username)
        )
        if self.bus_public_url and not is_one:
            raise ConfigError(
                f"bus_public_url {self.bus_public_url}: give the broker's address for bedsides, such as "
                "mqtts://broker.example:8883"
            )
        if self.bus_public_url and not self.bus_url:
            raise ConfigError(
                "bus_public_url needs bus_url: nobody would take what bedsides tell there; the deployment guide says "
                "how both are set"
            )

    def _check_jobs(self) -> None:
        if self.jobs not in {IN_PROCESS, PROCRASTINATE}:
            raise ConfigError(f"jobs = {self.jobs!r} is none; there are {IN_PROCESS} and {PROCRASTINATE}")
        if self.jobs == PROCRASTINATE and not self.database_url.startswith("postgresql"):
            raise ConfigError(
                f"jobs = {PROCRASTINATE} keeps its queue in PostgreSQL; set database_url to postgresql://…, or leave "
                "jobs out"
            )

    def _check_replicas(self) -> None:
        shared = {
            "database_url": self.database_url.startswith("postgresql"),
            "blobs_url": self.blobs_url.startswith("s3://"),
            "bus_url": bool(self.bus_url),
            f"jobs = {PROCRASTINATE}": self.jobs == PROCRASTINATE,
        }
        lacking = [name for name, is_shared in shared.items() if self.replicas and not is_shared]
        if lacking:
            raise ConfigError(
                f"replicas = true needs {' and '.join(lacking)} on servers that all of them reach; the deployment "
                "guide shows how"
            )
        if self.replicas and self.keys_folder is None:
            raise ConfigError(
                "replicas = true needs keys_folder: one folder with the same keys for all of them"
            )

    @property
    def is_loopback(self) -> bool:
        """Only this machine can connect."""
        return is_loopback(self.host)

    @property
    def tls(self) -> Path:
        """Folder of what ``--init-tls`` makes."""
        return self.folder / "tls"

    @property
    def own_cert(self) -> Path:
        """The certificate that ``--init-tls`` makes."""
        return self.tls / "server.pem"

    @property
    def is_secure(self) -> bool:
        """Browsers reach it over TLS: its own, or that of a proxy before it."""
        return self.tls_cert is not None or self.public_url.startswith("https://")

    @property
    def address(self) -> str:
        """How to reach it."""
        return (
            self.public_url.rstrip("/") or f"{'https' if self.tls_cert else 'http'}://{self.host}:{self.port}"
        )

    @property
    def database(self) -> str:
        """URL for SQLAlchemy's asyncio engines."""
        return self.database_url or f"sqlite+aiosqlite:///{self.database_file}"

    @property
    def database_file(self) -> Path:
        """Where SQLite has it."""
        return self.folder / "service.sqlite"

    @property
    def blobs(self) -> str:
        """URL of the blob store."""
        return self.blobs_url or (self.folder / "blobs").absolute().as_uri()

    @property
    def blobs_access(self) -> Access:
        """How a blob store that is elsewhere is reached."""
        return Access(self.blobs_endpoint, self.blobs_region, self.blobs_credentials_file, self.blobs_ca)

    @property
    def bus_access(self) -> BusAccess:
        """How the broker is reached."""
        return BusAccess(self.bus_url, self.bus_ca, self.bus_cert, self.bus_key)

    @property
    def spool(self) -> Path:
        """Where bodies lie on their way to such a store."""
        return self.folder / "incoming"

    @property
    def keys(self) -> Path:
        """Folder of the service's keys."""
        return self.keys_folder or self.folder / "keys"

    def at(self, port: int) -> Self:
        """The same on the port that was free."""
        return replace(self, port=port)


def _of_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML ({error}); check the file") from error


def _as(name: str, kind: str, value: Any) -> Any:
    try:
        if kind == "bool":
            return value if isinstance(value, bool) else _SWITCH[str(value).lower()]
        if kind in {"int", "float"}:
            if isinstance(value, bool):
                raise ValueError
            return int(value) if kind == "int" else float(value)
        if kind.startswith("Path"):
            return Path(value)
        if not isinstance(value, str):
            raise TypeError
    except (ValueError, TypeError, KeyError) as error:
        wanted = kind.partition(" ")[0].lower()
        raise ConfigError(f"setting {name} = {value!r}: a {wanted} is wanted") from error
    return value
